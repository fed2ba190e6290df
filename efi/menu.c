/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot menu: a list of entries and a one-line editor, in plain text so that it looks the same on
 * a screen and on a serial terminal.  Shown only when somebody presses a key in time.
 */
#include "efi_priv.h"

#define WATCHDOG_S    300u /* what the firmware arms before it starts a loader */
#define KEY_UP        0x01
#define KEY_DOWN      0x02
#define KEY_RIGHT     0x03
#define KEY_LEFT      0x04
#define KEY_HOME      0x05
#define KEY_END       0x06
#define KEY_DELETE    0x08
#define KEY_ESCAPE    0x17
#define KEY_BACKSPACE 0x08
#define KEY_ENTER     0x0d

struct line_editor {
	char *text;
	uint32_t size; /* of the buffer */
	uint32_t len;
	uint32_t cursor;
};

static void take_cmdline(const struct config *cfg, struct boot_choice *choice)
{
	const struct config_text *from = &cfg->entries[choice->entry].cmdline;
	uint32_t i;

	for (i = 0; i < from->len && i + 1 < sizeof(choice->cmdline); i++)
		choice->cmdline[i] = from->at[i];
	choice->cmdline[i] = '\0';
}

/* --- the line editor --- */

static void editor_insert(struct line_editor *ed, char c)
{
	if (ed->len + 1 >= ed->size)
		return;
	for (uint32_t i = ed->len; i > ed->cursor; i--)
		ed->text[i] = ed->text[i - 1];
	ed->text[ed->cursor++] = c;
	ed->text[++ed->len] = '\0';
}

static void editor_delete(struct line_editor *ed, uint32_t at)
{
	if (at >= ed->len)
		return;
	for (uint32_t i = at; i < ed->len; i++)
		ed->text[i] = ed->text[i + 1];
	ed->len--;
}

static void editor_key(struct line_editor *ed, const EFI_INPUT_KEY *key)
{
	if (key->ScanCode == KEY_LEFT && ed->cursor > 0)
		ed->cursor--;
	else if (key->ScanCode == KEY_RIGHT && ed->cursor < ed->len)
		ed->cursor++;
	else if (key->ScanCode == KEY_HOME)
		ed->cursor = 0;
	else if (key->ScanCode == KEY_END)
		ed->cursor = ed->len;
	else if (key->ScanCode == KEY_DELETE)
		editor_delete(ed, ed->cursor);
	else if (key->UnicodeChar == KEY_BACKSPACE && ed->cursor > 0)
		editor_delete(ed, --ed->cursor);
	else if (key->UnicodeChar >= ' ' && key->UnicodeChar <= '~')
		editor_insert(ed, (char)key->UnicodeChar);
}

/* The part of the line around the cursor, on one row; the cursor shows as '_' before its character. */
static void editor_draw(const struct line_editor *ed)
{
	uint32_t room = con_columns() - 6;
	uint32_t first = ed->cursor > room / 2 ? ed->cursor - room / 2 : 0;
	char row[224];
	uint32_t n = 0;

	for (uint32_t i = first; n < room; i++) {
		if (i == ed->cursor)
			row[n++] = '_';
		if (n < room)
			row[n++] = i < ed->len ? ed->text[i] : ' ';
	}
	row[n] = '\0';
	con_print("\r %s %s", first > 0 ? "<" : ">", row);
}

/* True: accepted with Enter; false: abandoned with Escape. */
static bool edit_line(char *text, uint32_t size)
{
	struct line_editor ed = { .text = text, .size = size };
	EFI_INPUT_KEY key;

	while (text[ed.len] != '\0')
		ed.len++;
	ed.cursor = ed.len;
	for (;;) {
		editor_draw(&ed);
		if (!con_wait_key(CON_FOREVER, &key) || key.ScanCode == KEY_ESCAPE)
			return false;
		if (key.UnicodeChar == KEY_ENTER)
			return true;
		editor_key(&ed, &key);
	}
}

/* True: boot with the edited command line; false: back to the list, nothing changed. */
static bool edit_cmdline(struct boot_choice *choice)
{
	char text[BOOT_CMDLINE_LEN];
	bool accepted;

	__builtin_memcpy(text, choice->cmdline, sizeof(text));
	con_print("\n Command line (Enter boots, Esc goes back):\n");
	accepted = edit_line(text, sizeof(text));
	con_print("\n");
	if (accepted)
		__builtin_memcpy(choice->cmdline, text, sizeof(text));
	return accepted;
}

/* --- the list --- */

static void draw(const struct config *cfg, bool locked, const struct boot_choice *choice)
{
	con_clear();
	con_print("\n Serix boot menu\n\n");
	for (uint32_t i = 0; i < cfg->entry_count; i++)
		con_print(" %s %u  %t\n", i == choice->entry ? ">" : " ", i + 1, &cfg->entries[i].name);
	con_print("\n Up, Down or a digit chooses, Enter boots,%s Esc returns to the firmware.\n",
		  locked ? "" : " e edits the command line,");
}

static void move_to(const struct config *cfg, struct boot_choice *choice, uint32_t entry)
{
	if (entry >= cfg->entry_count)
		return;
	choice->entry = entry;
	take_cmdline(cfg, choice);
}

static int run(const struct config *cfg, bool locked, struct boot_choice *choice)
{
	EFI_INPUT_KEY key;

	for (;;) {
		draw(cfg, locked, choice);
		if (!con_wait_key(CON_FOREVER, &key))
			return 1;
		if (key.ScanCode == KEY_ESCAPE)
			return 0;
		if (key.ScanCode == KEY_UP)
			move_to(cfg, choice, choice->entry - 1);
		else if (key.ScanCode == KEY_DOWN)
			move_to(cfg, choice, choice->entry + 1);
		else if (key.UnicodeChar >= '1' && key.UnicodeChar <= '9')
			move_to(cfg, choice, key.UnicodeChar - '1');
		else if (key.UnicodeChar == KEY_ENTER)
			return 1;
		else if (key.UnicodeChar == 'e' && !locked && edit_cmdline(choice))
			return 1;
	}
}

/* --- when to show it --- */

static bool key_in_time(const struct config *cfg)
{
	const struct config_text *name = &cfg->entries[cfg->default_entry].name;
	EFI_INPUT_KEY key;

	if (cfg->timeout_s == 0 || !con_has_keyboard())
		return con_poll_key(&key);
	for (uint32_t left = cfg->timeout_s; left > 0; left--) {
		con_print("\rSerix: booting %t in %u s, any key opens the menu ", name, left);
		if (con_wait_key(1, &key))
			return true;
	}
	con_print("\n");
	return false;
}

int menu_choose(const struct config *cfg, bool locked, struct boot_choice *choice)
{
	int result;

	choice->entry = cfg->default_entry;
	take_cmdline(cfg, choice);
	if (!key_in_time(cfg))
		return 1;
	/* A person may take longer than the firmware's patience with a loader that hangs. */
	efi_bs->SetWatchdogTimer(0, 0, 0, NULL);
	result = run(cfg, locked, choice);
	efi_bs->SetWatchdogTimer(WATCHDOG_S, 0, 0, NULL);
	con_print("\n");
	return result;
}

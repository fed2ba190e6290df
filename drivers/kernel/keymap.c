/* SPDX-License-Identifier: BSD-2-Clause */
#include "keymap.h"

#include <kernel/format.h>
#include <kernel/string.h>

#define SC_RELEASE 0x80
#define SC_EXT0    0xe0
#define SC_EXT1    0xe1

#define SC_BACKSPACE   0x0e
#define SC_TAB         0x0f
#define SC_ENTER       0x1c
#define SC_CTRL        0x1d
#define SC_LSHIFT      0x2a
#define SC_SLASH       0x35
#define SC_RSHIFT      0x36
#define SC_KP_STAR     0x37
#define SC_ALT         0x38
#define SC_CAPS_LOCK   0x3a
#define SC_F1          0x3b
#define SC_F10         0x44
#define SC_NUM_LOCK    0x45
#define SC_SCROLL_LOCK 0x46
#define SC_HOME        0x47
#define SC_UP          0x48
#define SC_PAGE_UP     0x49
#define SC_KP_MINUS    0x4a
#define SC_LEFT        0x4b
#define SC_KP_5        0x4c
#define SC_RIGHT       0x4d
#define SC_KP_PLUS     0x4e
#define SC_END         0x4f
#define SC_DOWN        0x50
#define SC_PAGE_DOWN   0x51
#define SC_INSERT      0x52
#define SC_DELETE      0x53
#define SC_102ND       0x56
#define SC_F11         0x57
#define SC_F12         0x58

/* By scancode: escape, digits, backspace, tab and then row by row; \0 where a modifier lies. */
static const char plain[] = "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof(plain) == 0x3a + 1 && sizeof(shifted) == sizeof(plain), "the space bar is code 0x39");

static const char keypad_digits[] = "789-456+1230.";

/* --- output ----------------------------------------------------------------------------------------- */

static void put(struct key_event *ev, char c)
{
	if (ev->len < sizeof(ev->bytes))
		ev->bytes[ev->len++] = c;
}

static void put_text(struct key_event *ev, const char *text)
{
	while (*text)
		put(ev, *text++);
}

static void put_number(struct key_event *ev, unsigned n)
{
	if (n >= 10)
		put(ev, (char)('0' + n / 10));
	put(ev, (char)('0' + n % 10));
}

/* xterm's modifier parameter: 1 + shift + 2 alt + 4 ctrl. */
static unsigned modifier_parameter(const struct keyboard *kb)
{
	return 1u + ((kb->modifiers & KEY_SHIFT) ? 1u : 0u) + ((kb->modifiers & KEY_ALT) ? 2u : 0u) +
	       ((kb->modifiers & KEY_CTRL) ? 4u : 0u);
}

/* ESC [ X, or ESC O X in application mode, or ESC [ 1 ; m X with modifiers. */
static void put_letter_key(const struct keyboard *kb, struct key_event *ev, char letter, bool application)
{
	unsigned m = modifier_parameter(kb);

	if (m > 1) {
		put_text(ev, "\033[1;");
		put_number(ev, m);
	} else {
		put_text(ev, application ? "\033O" : "\033[");
	}
	put(ev, letter);
}

/* ESC [ n ~, or ESC [ n ; m ~. */
static void put_tilde_key(const struct keyboard *kb, struct key_event *ev, unsigned number)
{
	unsigned m = modifier_parameter(kb);

	put_text(ev, "\033[");
	put_number(ev, number);
	if (m > 1) {
		put(ev, ';');
		put_number(ev, m);
	}
	put(ev, '~');
}

static void function_key(const struct keyboard *kb, struct key_event *ev, unsigned n)
{
	static const uint8_t tilde[] = { 15, 17, 18, 19, 20, 21, 23, 24 }; /* F5 to F12 */

	if (n <= 4)
		put_letter_key(kb, ev, (char)('P' + n - 1), true);
	else
		put_tilde_key(kb, ev, tilde[n - 5]);
}

/* The keys of the cursor block; the keypad without num lock is the same block. */
static void cursor_key(const struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	bool app = kb->application_cursor;

	switch (code) {
	case SC_UP:
		put_letter_key(kb, ev, 'A', app);
		break;
	case SC_DOWN:
		put_letter_key(kb, ev, 'B', app);
		break;
	case SC_RIGHT:
		put_letter_key(kb, ev, 'C', app);
		break;
	case SC_LEFT:
		put_letter_key(kb, ev, 'D', app);
		break;
	case SC_KP_5:
		put_letter_key(kb, ev, 'E', app);
		break;
	case SC_HOME:
		put_letter_key(kb, ev, 'H', app);
		break;
	case SC_END:
		put_letter_key(kb, ev, 'F', app);
		break;
	case SC_INSERT:
		put_tilde_key(kb, ev, 2);
		break;
	case SC_DELETE:
		put_tilde_key(kb, ev, 3);
		break;
	case SC_PAGE_UP:
		put_tilde_key(kb, ev, 5);
		break;
	case SC_PAGE_DOWN:
		put_tilde_key(kb, ev, 6);
		break;
	default:
		break;
	}
}

static bool view_key(const struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	if (!(kb->modifiers & KEY_SHIFT) || (kb->modifiers & (KEY_CTRL | KEY_ALT)) ||
	    (code != SC_PAGE_UP && code != SC_PAGE_DOWN))
		return false;
	ev->action = code == SC_PAGE_UP ? KEY_ACTION_PAGE_UP : KEY_ACTION_PAGE_DOWN;
	return true;
}

static bool reboot_key(const struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	if (code != SC_DELETE || !(kb->modifiers & KEY_CTRL) || !(kb->modifiers & (KEY_ALT | KEY_ALTGR)))
		return false;
	ev->action = KEY_ACTION_REBOOT;
	return true;
}

/* --- ordinary keys ---------------------------------------------------------------------------------- */

/* What Ctrl makes of a character; -1: nothing. */
static int control_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c >= '@' && c <= '_')
		return c & 0x1f;
	switch (c) {
	case ' ':
	case '2':
	case '`':
		return 0;
	case '3':
		return 0x1b;
	case '4':
		return 0x1c;
	case '5':
		return 0x1d;
	case '6':
	case '~':
		return 0x1e;
	case '7':
	case '/':
	case '-':
		return 0x1f;
	case '8':
	case '?':
		return 0x7f;
	default:
		return -1;
	}
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static char character_of(const struct keyboard *kb, uint8_t code)
{
	bool shift = kb->modifiers & KEY_SHIFT;
	char c;

	if (code == SC_102ND)
		return shift ? '|' : '\\';
	if (code >= sizeof(plain))
		return 0;
	c = plain[code];
	if (is_letter(c) && (kb->locks & KEY_CAPS_LOCK))
		shift = !shift;
	return shift ? shifted[code] : c;
}

static void ordinary_key(const struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	char c = character_of(kb, code);
	int control;

	if (c == 0)
		return;
	if (code == SC_TAB && (kb->modifiers & KEY_SHIFT)) {
		put_text(ev, "\033[Z");
		return;
	}
	if (kb->modifiers & KEY_ALT)
		put(ev, '\033');
	if (code == SC_BACKSPACE && (kb->modifiers & KEY_CTRL)) {
		put(ev, '\b');
		return;
	}
	control = (kb->modifiers & KEY_CTRL) ? control_of(c) : -1;
	if (control >= 0)
		put(ev, (char)control);
	else
		put(ev, c);
}

static void keypad_key(const struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	bool numbers = kb->locks & KEY_NUM_LOCK;

	if (code == SC_KP_MINUS || code == SC_KP_PLUS)
		put(ev, keypad_digits[code - SC_HOME]);
	else if (numbers != !!(kb->modifiers & KEY_SHIFT))
		put(ev, keypad_digits[code - SC_HOME]);
	else
		cursor_key(kb, ev, code);
}

static void press(struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	if (reboot_key(kb, ev, code))
		return;
	if (code >= SC_F1 && code <= SC_F10)
		function_key(kb, ev, code - SC_F1 + 1u);
	else if (code == SC_F11 || code == SC_F12)
		function_key(kb, ev, code - SC_F11 + 11u);
	else if (code >= SC_HOME && code <= SC_DELETE)
		keypad_key(kb, ev, code);
	else
		ordinary_key(kb, ev, code);
}

static void press_extended(struct keyboard *kb, struct key_event *ev, uint8_t code)
{
	if (reboot_key(kb, ev, code) || view_key(kb, ev, code))
		return;
	if (code == SC_ENTER)
		put(ev, '\r');
	else if (code == SC_SLASH)
		put(ev, '/');
	else
		cursor_key(kb, ev, code);
}

/* --- modifiers and locks ---------------------------------------------------------------------------- */

static uint8_t modifier_bit(uint8_t code, bool extended)
{
	switch (code) {
	case SC_LSHIFT:
		return extended ? 0 : 0x01; /* E0 2A is a fake shift around cursor keys */
	case SC_RSHIFT:
		return extended ? 0 : 0x02;
	case SC_CTRL:
		return extended ? 0x08 : 0x04;
	case SC_ALT:
		return extended ? KEY_ALTGR : KEY_ALT;
	default:
		return 0;
	}
}

static uint8_t lock_bit(uint8_t code, bool extended)
{
	if (extended)
		return 0;
	if (code == SC_CAPS_LOCK)
		return KEY_CAPS_LOCK;
	if (code == SC_NUM_LOCK)
		return KEY_NUM_LOCK;
	return code == SC_SCROLL_LOCK ? KEY_SCROLL_LOCK : 0;
}

static void lock_key(struct keyboard *kb, struct key_event *ev, uint8_t bit, bool released)
{
	if (released) {
		kb->locks_down &= (uint8_t)~bit;
	} else if (!(kb->locks_down & bit)) {
		kb->locks_down |= bit;
		kb->locks ^= bit;
		ev->action = KEY_ACTION_LOCKS;
	}
}

void keymap_feed(struct keyboard *kb, uint8_t code, struct key_event *ev)
{
	bool released = code & SC_RELEASE, extended = kb->prefix == SC_EXT0;
	uint8_t bit;

	memset(ev, 0, sizeof(*ev));
	if (kb->pause_left) { /* E1 1D 45 E1 9D C5: Pause does nothing here */
		kb->pause_left--;
		return;
	}
	if (code == SC_EXT1) {
		kb->pause_left = 2;
		return;
	}
	if (code == SC_EXT0) {
		kb->prefix = code;
		return;
	}
	kb->prefix = 0;
	code &= (uint8_t)~SC_RELEASE;
	bit = modifier_bit(code, extended);
	if (bit) {
		if (released)
			kb->modifiers &= (uint8_t)~bit;
		else
			kb->modifiers |= bit;
		return;
	}
	bit = lock_bit(code, extended);
	if (bit)
		lock_key(kb, ev, bit, released);
	else if (!released && extended)
		press_extended(kb, ev, code);
	else if (!released)
		press(kb, ev, code);
}

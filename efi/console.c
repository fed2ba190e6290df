/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text in and out through ConIn and ConOut, which OVMF and most PCs also put on the serial port.
 * Either may be missing, and so may any function of it: then output goes nowhere and no key comes.
 */
#include "efi_priv.h"

#define TICKS_PER_SECOND 10000000ull /* EFI timers count 100 ns */

static void put_wide(CHAR16 *text)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = efi_st->ConOut;

	if (out && out->OutputString)
		out->OutputString(out, text);
}

/* Collects characters so that a line costs one call: each redraws the cursor. */
struct writer {
	uint32_t fill;
	CHAR16 text[128];
};

static void flush(struct writer *w)
{
	w->text[w->fill] = 0;
	if (w->fill > 0)
		put_wide(w->text);
	w->fill = 0;
}

static void put(struct writer *w, char c)
{
	if (w->fill + 3 > sizeof(w->text) / sizeof(w->text[0]))
		flush(w);
	if (c == '\n')
		w->text[w->fill++] = '\r';
	w->text[w->fill++] = (CHAR16)(uint8_t)c;
}

static void put_text(struct writer *w, const char *text, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		put(w, text[i]);
}

static void put_number(struct writer *w, uint64_t value, uint32_t base)
{
	char digits[20];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	while (n > 0)
		put(w, digits[--n]);
}

static uint32_t text_length(const char *text)
{
	uint32_t n = 0;

	while (text[n] != '\0')
		n++;
	return n;
}

static void print_args(const char *format, __builtin_va_list args)
{
	struct writer w = { 0 };

	for (; *format != '\0'; format++) {
		if (*format != '%' || *++format == '%') {
			put(&w, *format);
			continue;
		}
		switch (*format) {
		case 's': {
			const char *text = __builtin_va_arg(args, const char *);

			put_text(&w, text, text_length(text));
			break;
		}
		case 't': {
			const struct config_text *text = __builtin_va_arg(args, const struct config_text *);

			put_text(&w, text->at, text->len);
			break;
		}
		case 'u':
			put_number(&w, __builtin_va_arg(args, uint32_t), 10);
			break;
		case 'x':
			put_number(&w, __builtin_va_arg(args, uint64_t), 16);
			break;
		}
	}
	flush(&w);
}

void con_print(const char *format, ...)
{
	__builtin_va_list args;

	__builtin_va_start(args, format);
	print_args(format, args);
	__builtin_va_end(args);
}

int con_error(const char *format, ...)
{
	__builtin_va_list args;

	/* A progress line may still be open. */
	con_print("\rSerix: error: ");
	__builtin_va_start(args, format);
	print_args(format, args);
	__builtin_va_end(args);
	con_print("\n");
	return -1;
}

void con_put(char c)
{
	CHAR16 text[2] = { (CHAR16)(uint8_t)c, 0 };

	put_wide(text);
}

void con_clear(void)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = efi_st->ConOut;

	if (out && out->ClearScreen)
		out->ClearScreen(out);
}

uint32_t con_columns(void)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = efi_st->ConOut;
	UINTN columns = 80;
	UINTN rows = 25;

	if (!out || !out->QueryMode || !out->Mode || out->Mode->Mode < 0)
		return 80;
	if (out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows) != EFI_SUCCESS || columns < 40)
		return 80;
	return columns > 200 ? 200 : (uint32_t)columns;
}

bool con_has_keyboard(void)
{
	return efi_st->ConIn && efi_st->ConIn->ReadKeyStroke;
}

bool con_poll_key(EFI_INPUT_KEY *key)
{
	return con_has_keyboard() && efi_st->ConIn->ReadKeyStroke(efi_st->ConIn, key) == EFI_SUCCESS;
}

static EFI_EVENT start_timer(uint32_t seconds)
{
	EFI_EVENT timer;

	if (efi_bs->CreateEvent(EVT_TIMER, 0, NULL, NULL, &timer) != EFI_SUCCESS)
		return NULL;
	if (efi_bs->SetTimer(timer, TimerRelative, seconds * TICKS_PER_SECOND) == EFI_SUCCESS)
		return timer;
	efi_bs->CloseEvent(timer);
	return NULL;
}

bool con_wait_key(uint32_t seconds, EFI_INPUT_KEY *key)
{
	EFI_EVENT events[2];
	EFI_EVENT timer = NULL;
	UINTN count = 0;
	UINTN index;
	bool got = con_poll_key(key);

	if (got || seconds == 0)
		return got;
	if (con_has_keyboard() && efi_st->ConIn->WaitForKey)
		events[count++] = efi_st->ConIn->WaitForKey;
	if (seconds != CON_FOREVER) {
		timer = start_timer(seconds);
		if (!timer)
			return false;
		events[count++] = timer;
	}
	/* A key event may also stand for a shift key, which ReadKeyStroke does not report. */
	while (count > 0 && !got) {
		if (efi_bs->WaitForEvent(count, events, &index) != EFI_SUCCESS || events[index] == timer)
			break;
		got = con_poll_key(key);
	}
	if (timer)
		efi_bs->CloseEvent(timer);
	return got;
}

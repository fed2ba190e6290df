/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/keymap.c drivers/kernel/rtc_decode.c drivers/kernel/console_select.c */
/* sources: drivers/kernel/chardev/kmsg_format.c kernel/lib/cmdline.c kernel/lib/format.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/chardev/kmsg_format.h"
#include "drivers/kernel/console_select.h"
#include "drivers/kernel/keymap.h"
#include "drivers/kernel/rtc_decode.h"

/* --- keyboard ---------------------------------------------------------------------------------------- */

static struct keyboard kb;
static enum key_action last_action;

static void expect_keys(const char *codes, size_t n, const char *text)
{
	char out[64];
	size_t len = 0;

	last_action = KEY_ACTION_NONE;
	for (size_t i = 0; i < n; i++) {
		struct key_event ev;

		keymap_feed(&kb, (uint8_t)codes[i], &ev);
		memcpy(out + len, ev.bytes, ev.len);
		len += ev.len;
		if (ev.action != KEY_ACTION_NONE)
			last_action = ev.action;
	}
	assert_int_equal(len, strlen(text));
	assert_memory_equal(out, text, len);
}

#define KEYS(codes, text) expect_keys(codes, sizeof(codes) - 1, text)

static int keyboard_setup(void **state)
{
	(void)state;
	memset(&kb, 0, sizeof(kb));
	return 0;
}

static void letters_and_modifiers(void **state)
{
	(void)state;
	KEYS("\x1e\x9e", "a");
	KEYS("\x2a\x1e\x9e\xaa\x1e", "Aa");
	KEYS("\x1d\x2e\x9d\x2e", "\003c");
	KEYS("\x38\x30\xb8", "\033b");
	KEYS("\x3a\xba\x1e\x02\x2a\x1e\xaa", "A1a"); /* caps lock: letters only, shift undoes it */
	assert_int_equal(kb.locks, KEY_CAPS_LOCK);
	KEYS("\x3a\x3a\xba\x1e", "a"); /* a held lock key toggles once */
	KEYS("\x1c\x0e\x01\x0f", "\r\177\033\t");
	KEYS("\x2a\x0f\xaa", "\033[Z");
}

static void cursor_and_function_keys(void **state)
{
	(void)state;
	KEYS("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4d\xe0\x4b", "\033[A\033[B\033[C\033[D");
	KEYS("\xe0\x47\xe0\x4f\xe0\x49\xe0\x53", "\033[H\033[F\033[5~\033[3~");
	KEYS("\x3b\x3f\x58", "\033OP\033[15~\033[24~");
	KEYS("\x1d\xe0\x4d\x9d", "\033[1;5C");
	kb.application_cursor = true;
	KEYS("\xe0\x48", "\033OA");
	KEYS("\xe0\x2a\xe0\x4b\xe0\xaa", "\033OD"); /* the fake shift around it */
}

static void keypad_follows_num_lock(void **state)
{
	(void)state;
	KEYS("\x48\x4a\xe0\x1c\xe0\x35", "\033[A-\r/");
	KEYS("\x45\xc5\x48\x53\x4e", "8.+");
	assert_int_equal(last_action, KEY_ACTION_LOCKS);
}

static void special_actions(void **state)
{
	(void)state;
	KEYS("\x1d\x38\xe0\x53", "");
	assert_int_equal(last_action, KEY_ACTION_REBOOT);
	keyboard_setup(NULL);
	KEYS("\x2a\xe0\x49", "");
	assert_int_equal(last_action, KEY_ACTION_PAGE_UP);
	keyboard_setup(NULL);
	KEYS("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a"); /* Pause is silent */
	assert_int_equal(kb.locks, 0);
}

/* --- clock ------------------------------------------------------------------------------------------- */

static void clock_formats(void **state)
{
	struct rtc_registers bcd = { 0x59, 0x30, 0x23, 0x29, 0x02, 0x24, 0x20, RTC_B_24_HOURS };
	struct rtc_registers pm = { 5, 6, 0x80 | 11, 1, 12, 99, 19, RTC_B_BINARY };
	struct rtc_registers midnight = { 0, 0, 0x12, 1, 1, 0x69, 0, 0 };
	struct civil_time t;

	(void)state;
	assert_true(rtc_decode(&bcd, &t));
	assert_int_equal(t.year * 10000 + t.month * 100 + t.day, 20240229);
	assert_int_equal(t.hour * 10000 + t.minute * 100 + t.second, 233059);
	assert_true(rtc_decode(&pm, &t));
	assert_int_equal(t.year, 1999);
	assert_int_equal(t.hour, 23);
	assert_true(rtc_decode(&midnight, &t));
	assert_int_equal(t.hour, 0);
	assert_int_equal(t.year, 2069);
}

static void nonsense_is_no_date(void **state)
{
	struct rtc_registers r = { 0, 0, 0, 0x30, 0x02, 0x23, 0x20, RTC_B_24_HOURS };
	struct civil_time t;

	(void)state;
	assert_false(rtc_decode(&r, &t)); /* 30 February */
	memset(&r, 0xff, sizeof(r));
	assert_false(rtc_decode(&r, &t));
	memset(&r, 0, sizeof(r));
	assert_false(rtc_decode(&r, &t));
	r = (struct rtc_registers){ 0x5a, 0, 0, 1, 1, 0x23, 0x20, RTC_B_24_HOURS };
	assert_false(rtc_decode(&r, &t));
}

/* --- command line and log ---------------------------------------------------------------------------- */

static void log_goes_where_it_is_told(void **state)
{
	(void)state;
	assert_true(log_wanted("", "ttyS0"));
	assert_true(log_wanted("", "tty1"));
	assert_false(log_wanted("", "ttyS1"));
	assert_false(log_wanted("log=ttyS1", "ttyS0"));
	assert_true(log_wanted("log=tty0,ttyS1,115200", "tty1"));
	assert_true(log_wanted("log=tty0,ttyS1", "ttyS1"));
	assert_false(log_wanted("log=none", "ttyS0"));
}

static void console_names_lose_their_options(void **state)
{
	char name[16];

	(void)state;
	console_name("ttyS1,115200n8", name, sizeof(name));
	assert_string_equal(name, "ttyS1");
	console_name("tty0", name, sizeof(name));
	assert_string_equal(name, "tty1");
	console_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", name, sizeof(name));
	assert_int_equal(strlen(name), 15);
}

static void kmsg_text(void **state)
{
	struct log_record rec = { .seq = 7, .time_ns = 1234567, .level = 4, .len = 5, .text = "a\\b\nc" };
	enum log_level level;
	char buf[64];
	size_t len;

	(void)state;
	len = kmsg_format(&rec, buf, sizeof(buf));
	assert_memory_equal(buf, "4,7,1234,-;a\\x5cb\\x0ac\n", len);
	assert_true(kmsg_format(&rec, buf, 3) == len);
	len = 9;
	assert_string_equal(kmsg_parse("<11>hello", &len, &level), "hello");
	assert_int_equal(level, LOG_ERR);
	assert_int_equal(len, 5);
	len = 4;
	kmsg_parse("<x>\n", &len, &level);
	assert_int_equal(len, 3);
	assert_int_equal(level, LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(letters_and_modifiers, keyboard_setup),
		cmocka_unit_test_setup(cursor_and_function_keys, keyboard_setup),
		cmocka_unit_test_setup(keypad_follows_num_lock, keyboard_setup),
		cmocka_unit_test_setup(special_actions, keyboard_setup),
		cmocka_unit_test(clock_formats),
		cmocka_unit_test(nonsense_is_no_date),
		cmocka_unit_test(log_goes_where_it_is_told),
		cmocka_unit_test(console_names_lose_their_options),
		cmocka_unit_test(kmsg_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/fbterm/vt.c drivers/kernel/fbterm/vt_screen.c */
/* sources: drivers/kernel/fbterm/vt_sgr.c drivers/kernel/fbterm/utf8.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/fbterm/vt.h"

#define COLS    20
#define ROWS    6
#define HISTORY 8

static struct vt vt;
static void *memory;

static int setup(void **state)
{
	(void)state;
	free(memory);
	memory = malloc(vt_memory_size(COLS, ROWS, HISTORY));
	vt_init(&vt, memory, COLS, ROWS, HISTORY);
	return 0;
}

static void feed(const char *text)
{
	vt_feed(&vt, text, strlen(text));
}

/* A row as text, trailing blanks cut off; other than ASCII as '?'. */
static const char *row(unsigned y)
{
	static char text[8][COLS + 1];
	const struct vt_cell *line = vt_view_line(&vt, y);
	char *out = text[y % 8];
	int n = COLS;

	for (int x = 0; x < COLS; x++) {
		uint32_t c = line[x].ch & VT_CELL_CODE;

		out[x] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

static const struct vt_cell *cell(unsigned x, unsigned y)
{
	return &vt_view_line(&vt, y)[x];
}

static void expect_cursor(unsigned x, unsigned y)
{
	assert_int_equal(vt.cursor.x, x);
	assert_int_equal(vt.cursor.y, y);
}

static void text_wraps_only_when_more_comes(void **state)
{
	(void)state;
	feed("12345678901234567890");
	expect_cursor(COLS - 1, 0);
	feed("x");
	assert_string_equal(row(1), "x");
	expect_cursor(1, 1);
	feed("\033[?7l\033[1;19Habcdef");
	assert_string_equal(row(0), "123456789012345678af");
}

static void cursor_moves_and_stays_inside(void **state)
{
	(void)state;
	feed("\033[3;5H");
	expect_cursor(4, 2);
	feed("\033[A\033[2C");
	expect_cursor(6, 1);
	feed("\033[99B\033[99C");
	expect_cursor(COLS - 1, ROWS - 1);
	feed("\033[99A\033[99D");
	expect_cursor(0, 0);
	feed("\033[4d\033[7G");
	expect_cursor(6, 3);
	feed("\033[E");
	expect_cursor(0, 4);
	feed("\033[65535;65535H\033[99999999999C");
	expect_cursor(COLS - 1, ROWS - 1);
}

static void erase_display_and_line(void **state)
{
	(void)state;
	feed("aaaa\r\nbbbb\r\ncccc\033[2;3H\033[K");
	assert_string_equal(row(1), "bb");
	feed("\033[1K");
	assert_string_equal(row(1), "");
	feed("\033[J");
	assert_string_equal(row(0), "aaaa");
	assert_string_equal(row(2), "");
	feed("\033[2J");
	assert_string_equal(row(0), "");
	expect_cursor(2, 1);
}

static void insert_and_delete(void **state)
{
	(void)state;
	feed("abcdef\033[1;3H\033[2@");
	assert_string_equal(row(0), "ab  cdef");
	feed("\033[3P");
	assert_string_equal(row(0), "abdef");
	feed("\033[2X");
	assert_string_equal(row(0), "ab  f");
	feed("\033[4hXY\033[4l");
	assert_string_equal(row(0), "abXY  f");
	feed("\r\n2\r\n3\033[1;1H\033[L");
	assert_string_equal(row(0), "");
	assert_string_equal(row(1), "abXY  f");
	feed("\033[2M");
	assert_string_equal(row(0), "2");
}

static void region_scrolls_alone(void **state)
{
	(void)state;
	feed("1\r\n2\r\n3\r\n4\r\n5\r\n6\033[2;4r\033[4;1H\n");
	assert_string_equal(row(0), "1");
	assert_string_equal(row(1), "3");
	assert_string_equal(row(2), "4");
	assert_string_equal(row(3), "");
	assert_string_equal(row(4), "5");
	feed("\033[2;1H\033M");
	assert_string_equal(row(1), "");
	assert_string_equal(row(2), "3");
	feed("\033[?6h\033[1;1Hx");
	assert_string_equal(row(1), "x");
	feed("\033[99B");
	expect_cursor(1, 3);
	feed("\033[?6l\033[r\033[6;1H\n");
	assert_string_equal(row(4), "6");
	assert_int_equal(vt.history_count, 1);
}

static void colours_come_out_resolved(void **state)
{
	(void)state;
	feed("\033[31ma\033[1mb\033[0;7mc\033[38;5;196md\033[0m\033[48;2;1;2;3me\033[38:2::9:8:7mf\033[0;"
	     "4mg");
	assert_int_equal(cell(0, 0)->fg, 0xaa0000);
	assert_int_equal(cell(1, 0)->fg, 0xff5555);
	assert_int_equal(cell(2, 0)->fg, 0);
	assert_int_equal(cell(2, 0)->bg, 0xaaaaaa);
	assert_int_equal(cell(3, 0)->bg, 0xff0000);
	assert_int_equal(cell(4, 0)->bg, 0x010203);
	assert_int_equal(cell(5, 0)->fg, 0x090807);
	assert_true(cell(6, 0)->ch & VT_CELL_UNDERLINE);
	feed("\033[0;44m\033[K");
	assert_int_equal(cell(COLS - 1, 0)->bg, 0x0000aa);
}

static void alternate_screen_leaves_the_main_one_as_it_was(void **state)
{
	(void)state;
	feed("main\033[?1049h\033[H\033[2Jalt\n\n\n\n\n\n\n");
	assert_int_equal(vt.history_count, 0);
	feed("\033[?1049l");
	assert_string_equal(row(0), "main");
	expect_cursor(4, 0);
	feed("\033[?1049l");
	expect_cursor(4, 0);
}

static void reports_are_answered(void **state)
{
	(void)state;
	feed("\033[3;4H\033[6n\033[5n\033[c");
	assert_memory_equal(vt.reply, "\033[3;4R\033[0n\033[?6c", vt.reply_len);
	for (int i = 0; i < 1000; i++)
		feed("\033[6n");
	assert_true(vt.reply_len <= VT_MAX_REPLY);
}

static void strings_are_swallowed(void **state)
{
	(void)state;
	feed("a\033]0;title\ab\033]2;x\033\\c\033Pq#1\033\\d\033_x\033\\e\033]P1ff00aaf\033]Rg");
	assert_string_equal(row(0), "abcdefg");
	feed("\033[?2004h\033[>4;2m\033[!p\033=\033>\033%Gh");
	assert_string_equal(row(0), "abcdefgh");
}

static void controls_act_inside_sequences(void **state)
{
	(void)state;
	feed("ab\033[\b1C!");
	assert_string_equal(row(0), "ab!");
	feed("\033[31\030m");
	assert_string_equal(row(0), "ab!m");
}

static void tabs_stop_every_eight_and_can_be_set(void **state)
{
	(void)state;
	feed("\ta\tb");
	assert_string_equal(row(0), "        a       b");
	feed("\033[3g\033[1;5H\033H\r\tc\033[Zd");
	assert_string_equal(row(0), "    d   a       b");
}

static void line_drawing_and_utf8(void **state)
{
	(void)state;
	feed("\033(0qx\033(Bq\303\244\342\202\254\377\xc3x");
	assert_int_equal(cell(0, 0)->ch, 0x2500);
	assert_int_equal(cell(1, 0)->ch, 0x2502);
	assert_int_equal(cell(2, 0)->ch, 'q');
	assert_int_equal(cell(3, 0)->ch, 0xe4);
	assert_int_equal(cell(4, 0)->ch, 0x20ac);
	assert_int_equal(cell(5, 0)->ch, UTF8_REPLACEMENT);
	assert_int_equal(cell(6, 0)->ch, UTF8_REPLACEMENT);
	assert_int_equal(cell(7, 0)->ch, 'x');
	feed("\r\n\xe6\xbc\xa2z");
	assert_int_equal(cell(0, 1)->ch, 0x6f22);
	assert_int_equal(cell(1, 1)->ch, 0);
	assert_int_equal(cell(2, 1)->ch, 'z');
}

static void history_comes_back(void **state)
{
	char line[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "%d\r\n", i);
		feed(line);
	}
	assert_string_equal(row(0), "15");
	vt_scroll_view(&vt, 3);
	assert_string_equal(row(0), "12");
	assert_string_equal(row(3), "15");
	vt_scroll_view(&vt, 1000);
	assert_string_equal(row(0), "7");
	feed("x");
	assert_string_equal(row(0), "15");
	feed("\033[3J");
	vt_scroll_view(&vt, 3);
	assert_string_equal(row(0), "15");
}

static void log_lines_do_not_disturb_a_sequence(void **state)
{
	(void)state;
	feed("\033[31mx\033[3");
	vt_feed_log(&vt, "log\033[1m\n", 8);
	feed("2my");
	assert_string_equal(row(0), "xlog[1m");
	assert_int_equal(cell(1, 0)->fg, 0xaaaaaa);
	assert_string_equal(row(1), "y");
	assert_int_equal(cell(0, 1)->fg, 0x00aa00);
}

static void save_restore_and_repeat(void **state)
{
	(void)state;
	feed("\033[2;3H\0337\033[5;5H\0338x\033[4b");
	assert_string_equal(row(1), "  xxxxx");
	feed("\033[s\033[H\033[u!");
	assert_string_equal(row(1), "  xxxxx!");
	feed("\033c");
	assert_string_equal(row(1), "");
	expect_cursor(0, 0);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(text_wraps_only_when_more_comes),
		T(cursor_moves_and_stays_inside),
		T(erase_display_and_line),
		T(insert_and_delete),
		T(region_scrolls_alone),
		T(colours_come_out_resolved),
		T(alternate_screen_leaves_the_main_one_as_it_was),
		T(reports_are_answered),
		T(strings_are_swallowed),
		T(controls_act_inside_sequences),
		T(tabs_stop_every_eight_and_can_be_set),
		T(line_drawing_and_utf8),
		T(history_comes_back),
		T(log_lines_do_not_disturb_a_sequence),
		T(save_restore_and_repeat),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(memory);
	return failed;
}

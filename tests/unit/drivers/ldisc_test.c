/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/tty/ldisc.c drivers/kernel/tty/ldisc_output.c kernel/lib/bitmap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "drivers/kernel/tty/ldisc.h"

static struct ldisc ld;
static char shown[8192]; /* what the device got */
static size_t shown_len, device_room;

static size_t device_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	len = MIN(len, device_room);
	memcpy(shown + shown_len, text, len);
	shown_len += len;
	device_room -= len;
	shown[shown_len] = '\0';
	return len;
}

static void device_flush(void *ctx)
{
	(void)ctx;
}

static unsigned events;

static void device_event(void *ctx, uint8_t event)
{
	(void)ctx;
	events |= event;
}

static const struct ldisc_device device = { device_write, device_flush, device_event };

static int setup(void **state)
{
	(void)state;
	ldisc_init(&ld, &device, NULL);
	shown_len = 0;
	shown[0] = '\0';
	device_room = 8000;
	return 0;
}

static unsigned type(const char *text)
{
	return ldisc_input(&ld, text, strlen(text));
}

static void expect_read(const char *text)
{
	char buf[512];
	bool ended;
	size_t n = ldisc_read(&ld, buf, sizeof(buf), &ended);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, n);
}

static void raw_mode(uint8_t min)
{
	struct abi_termios t = ld.termios;

	t.lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
	t.iflag &= ~(ICRNL | IXON);
	t.cc[VMIN] = min;
	ldisc_set_termios(&ld, &t);
}

static void line_is_read_whole_and_only_when_complete(void **state)
{
	(void)state;
	type("hel");
	assert_false(ldisc_readable(&ld, 1));
	type("lo\rnext\n");
	assert_true(ldisc_readable(&ld, 1));
	assert_int_equal(ldisc_readable_bytes(&ld), 11);
	expect_read("hello\n");
	expect_read("next\n");
	assert_false(ldisc_readable(&ld, 1));
	assert_string_equal(shown, "hello\r\nnext\r\n");
}

static void short_buffer_takes_the_line_in_pieces(void **state)
{
	char buf[4];
	bool ended;

	(void)state;
	type("abcdef\n");
	assert_int_equal(ldisc_read(&ld, buf, 4, &ended), 4);
	assert_false(ended);
	assert_int_equal(ldisc_read(&ld, buf, 4, &ended), 3);
	assert_true(ended);
	assert_memory_equal(buf, "ef\n", 3);
}

static void end_of_file_alone_reads_nothing(void **state)
{
	char buf[8];
	bool ended;

	(void)state;
	type("\004");
	assert_true(ldisc_readable(&ld, 1));
	assert_int_equal(ldisc_readable_bytes(&ld), 0);
	assert_int_equal(ldisc_read(&ld, buf, sizeof(buf), &ended), 0);
	assert_true(ended);
	assert_false(ldisc_readable(&ld, 1));
}

static void end_of_file_pushes_a_part_of_a_line(void **state)
{
	char buf[2];
	bool ended;

	(void)state;
	type("ab\004");
	/* The read that takes exactly the two bytes takes the mark too. */
	assert_int_equal(ldisc_read(&ld, buf, 2, &ended), 2);
	assert_true(ended);
	assert_false(ldisc_readable(&ld, 1));
}

static void erase_takes_back_one_character(void **state)
{
	(void)state;
	type("ab\177c\n");
	assert_string_equal(shown, "ab\b \bc\r\n");
	expect_read("ac\n");
}

static void erase_at_the_start_does_nothing(void **state)
{
	(void)state;
	type("\177\177x\n");
	assert_string_equal(shown, "x\r\n");
	expect_read("x\n");
}

static void erase_knows_the_width_of_controls_tabs_and_utf8(void **state)
{
	(void)state;
	type("\001\177");
	assert_string_equal(shown, "^A\b \b\b \b");
	setup(NULL);
	type("a\t\177");
	assert_string_equal(shown, "a\t\b \b\b \b\b \b\b \b\b \b\b \b\b \b");
	setup(NULL);
	type("x\303\244\177\n");
	assert_string_equal(shown, "x\303\244\b \b\r\n");
	expect_read("x\n");
}

static void kill_and_word_erase(void **state)
{
	(void)state;
	type("one two  \027\n");
	expect_read("one \n");
	setup(NULL);
	type("abc\025xy\n");
	assert_string_equal(shown, "abc\b \b\b \b\b \bxy\r\n");
	expect_read("xy\n");
}

static void reprint_shows_the_line_again(void **state)
{
	(void)state;
	type("ab\022");
	assert_string_equal(shown, "ab^R\r\nab");
}

static void literal_next_takes_away_the_meaning(void **state)
{
	(void)state;
	assert_int_equal(type("\026\003\n"), 0);
	assert_string_equal(shown, "^\b^C\r\n");
	expect_read("\003\n");
}

static void signals_flush_unless_told_not_to(void **state)
{
	struct abi_termios t;

	(void)state;
	assert_int_equal(type("abc\003"), LDISC_SIGINT);
	assert_int_equal(type("\034"), LDISC_SIGQUIT);
	assert_int_equal(type("\032"), LDISC_SIGTSTP);
	type("x\n");
	expect_read("x\n");
	t = ld.termios;
	t.lflag |= NOFLSH;
	ldisc_set_termios(&ld, &t);
	assert_int_equal(type("keep\003\n"), LDISC_SIGINT);
	expect_read("keep\n");
}

static void stop_and_start_hold_the_output(void **state)
{
	(void)state;
	events = 0;
	type("\023");
	assert_int_equal(events, TIOCPKT_STOP);
	assert_int_equal(ldisc_write(&ld, "held", 4), 0); /* the writer waits */
	type("echo");
	assert_int_equal(shown_len, 0);
	assert_false(ldisc_writable(&ld));
	type("\021");
	assert_int_equal(events, TIOCPKT_STOP | TIOCPKT_START);
	assert_string_equal(shown, "echo");
	assert_true(ldisc_writable(&ld));
}

static void output_is_processed(void **state)
{
	struct abi_termios t = ld.termios;

	(void)state;
	assert_int_equal(ldisc_write(&ld, "a\nb\n", 4), 4);
	assert_string_equal(shown, "a\r\nb\r\n");
	setup(NULL);
	t.oflag = OPOST | TAB3;
	ldisc_set_termios(&ld, &t);
	ldisc_write(&ld, "ab\tc\n", 5);
	assert_string_equal(shown, "ab      c\n");
	setup(NULL);
	t.oflag = 0;
	ldisc_set_termios(&ld, &t);
	ldisc_write(&ld, "a\n", 2);
	assert_string_equal(shown, "a\n");
	setup(NULL);
	t.oflag = OPOST | OCRNL | ONOCR;
	ldisc_set_termios(&ld, &t);
	ldisc_write(&ld, "\ra\r", 3);
	assert_string_equal(shown, "a\n");
}

static void full_device_takes_what_it_can_and_keeps_the_order(void **state)
{
	char line[4096];
	size_t done, total = 0;

	(void)state;
	memset(line, '\n', sizeof(line));
	device_room = 10;
	done = ldisc_write(&ld, line, sizeof(line));
	assert_true(done < sizeof(line));
	type("e"); /* echo still fits behind */
	while (done < sizeof(line)) {
		device_room = 100;
		ldisc_drain(&ld);
		done += ldisc_write(&ld, line + done, sizeof(line) - done);
	}
	device_room = sizeof(shown);
	while (ldisc_unsent(&ld)) {
		if (shown_len > 4000) {
			total += shown_len;
			shown_len = 0;
		}
		device_room = 4000;
		ldisc_drain(&ld);
	}
	total += shown_len;
	assert_int_equal(total, 2 * sizeof(line) + 1);
}

static void raw_mode_gives_bytes_at_once(void **state)
{
	(void)state;
	raw_mode(3);
	assert_int_equal(type("a\r"), 0);
	assert_int_equal(shown_len, 0);
	assert_false(ldisc_readable(&ld, 3));
	assert_true(ldisc_readable(&ld, 1));
	type("\003");
	assert_true(ldisc_readable(&ld, 3));
	expect_read("a\r\003");
}

static void half_a_line_becomes_readable_in_raw_mode_and_back(void **state)
{
	struct abi_termios canonical = ld.termios;

	(void)state;
	type("half");
	raw_mode(1);
	assert_true(ldisc_readable(&ld, 1));
	ldisc_set_termios(&ld, &canonical);
	assert_true(ldisc_readable(&ld, 1));
	expect_read("half");
	type("x\n");
	expect_read("x\n");
}

static void line_too_long_still_ends(void **state)
{
	char buf[LDISC_INPUT + 10];
	bool ended;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < LDISC_INPUT + 100; i++)
		type("y");
	device_room = 8000;
	shown_len = 0;
	type("\n");
	assert_true(ldisc_readable(&ld, 1));
	n = ldisc_read(&ld, buf, sizeof(buf), &ended);
	assert_int_equal(n, LDISC_INPUT);
	assert_int_equal(buf[n - 1], '\n');
	assert_int_equal(ldisc_room(&ld), SIZE_MAX);
}

static void input_maps_newlines_and_strips(void **state)
{
	struct abi_termios t = ld.termios;

	(void)state;
	t.iflag = INLCR | IGNCR | ISTRIP;
	t.lflag = 0;
	ldisc_set_termios(&ld, &t);
	ldisc_input(&ld, "a\r\n\341", 4);
	expect_read("a\ra");
}

static void break_interrupts_or_reads_as_nul(void **state)
{
	struct abi_termios t = ld.termios;
	char c;
	bool ended;

	(void)state;
	t.iflag |= BRKINT;
	ldisc_set_termios(&ld, &t);
	assert_int_equal(ldisc_break(&ld), LDISC_SIGINT);
	t.iflag = 0;
	t.lflag = 0;
	ldisc_set_termios(&ld, &t);
	assert_int_equal(ldisc_break(&ld), 0);
	assert_int_equal(ldisc_read(&ld, &c, 1, &ended), 1);
	assert_int_equal(c, 0);
}

static void flow_is_asked_for_when_the_queue_fills(void **state)
{
	struct abi_termios t = ld.termios;
	char buf[LDISC_INPUT];
	bool ended;

	(void)state;
	t.iflag = IXOFF;
	t.lflag = 0;
	ldisc_set_termios(&ld, &t);
	memset(buf, 'z', sizeof(buf));
	ldisc_input(&ld, buf, LDISC_INPUT - 500);
	assert_string_equal(shown, "\023");
	ldisc_read(&ld, buf, sizeof(buf), &ended);
	assert_string_equal(shown, "\023\021");
}

/* Good enough, and the same everywhere. */
static unsigned dice(unsigned sides)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % sides;
}

/* Whatever is typed, in whatever mode: the counters stay in order and lines come out. */
static void random_typing_keeps_the_ring_sound(void **state)
{
	char buf[300];
	bool ended;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char c = (char)(dice(4) ? (unsigned char)"\n\r\004\177\025\027\003\026ab\t "[dice(12)]
					: dice(256));

		shown_len = 0;
		device_room = dice(64);
		ldisc_input(&ld, &c, 1);
		if (dice(50) == 0) {
			struct abi_termios t = ld.termios;

			t.lflag ^= 1u << (dice(16));
			t.iflag ^= 1u << (dice(15));
			t.oflag ^= 1u << (dice(6));
			ldisc_set_termios(&ld, &t);
		}
		if (dice(20) == 0)
			ldisc_read(&ld, buf, dice(sizeof(buf)), &ended);
		assert_true(ld.head - ld.tail <= LDISC_INPUT);
		assert_true(ld.canon_head - ld.tail <= ld.head - ld.tail);
		assert_true(ld.out_head - ld.out_tail <= LDISC_OUTPUT);
	}
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(line_is_read_whole_and_only_when_complete),
		T(short_buffer_takes_the_line_in_pieces),
		T(end_of_file_alone_reads_nothing),
		T(end_of_file_pushes_a_part_of_a_line),
		T(erase_takes_back_one_character),
		T(erase_at_the_start_does_nothing),
		T(erase_knows_the_width_of_controls_tabs_and_utf8),
		T(kill_and_word_erase),
		T(reprint_shows_the_line_again),
		T(literal_next_takes_away_the_meaning),
		T(signals_flush_unless_told_not_to),
		T(stop_and_start_hold_the_output),
		T(output_is_processed),
		T(full_device_takes_what_it_can_and_keeps_the_order),
		T(raw_mode_gives_bytes_at_once),
		T(half_a_line_becomes_readable_in_raw_mode_and_back),
		T(line_too_long_still_ends),
		T(input_maps_newlines_and_strips),
		T(break_interrupts_or_reads_as_nul),
		T(flow_is_asked_for_when_the_queue_fills),
		T(random_typing_keeps_the_ring_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

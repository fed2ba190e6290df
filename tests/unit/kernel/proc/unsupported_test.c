/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/proc/unsupported_table.c kernel/lib/string.c */
/* What programs ask for in vain is counted by program and thing, and no program fills the table for
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/proc/unsupported_table.h"

static struct unsupported_table table;

static uint32_t add(const char *program, enum unsupported_kind kind, uint64_t number, const char *text)
{
	bool first;

	return unsupported_table_add(&table, program, kind, number, text, &first);
}

static unsigned rows(void)
{
	struct unsupported_row row;
	unsigned index = 0, n = 0;

	while (unsupported_table_next(&table, &index, &row))
		n++;
	return n;
}

static int setup(void **state)
{
	(void)state;
	table = (struct unsupported_table){ 0 };
	return 0;
}

static void counted_by_thing_and_program(void **state)
{
	struct unsupported_row row;
	unsigned index = 0;
	bool first;

	(void)state;
	assert_int_not_equal(unsupported_table_add(&table, "ls", UNSUPPORTED_CALL, 7, NULL, &first),
			     UNSUPPORTED_NO_ROW);
	assert_true(first);
	unsupported_table_add(&table, "ls", UNSUPPORTED_CALL, 7, NULL, &first);
	assert_false(first);
	assert_int_equal(rows(), 1);
	assert_true(unsupported_table_next(&table, &index, &row));
	assert_int_equal(row.count, 2);
	assert_int_equal(row.number, 7);
	assert_string_equal(row.program, "ls");
	assert_string_equal(row.text, "");
	/* Another number, kind, text or program is another row. */
	add("ls", UNSUPPORTED_CALL, 8, NULL);
	add("ls", UNSUPPORTED_IOCTL, 7, NULL);
	add("ls", UNSUPPORTED_CALL, 7, "x");
	add("ps", UNSUPPORTED_CALL, 7, NULL);
	assert_int_equal(rows(), 5);
	assert_int_equal(table.lost, 0);
}

static void a_program_has_a_share(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 10 * UNSUPPORTED_ROWS; i++)
		add("fuzzer", UNSUPPORTED_IOCTL, i, NULL);
	assert_int_equal(rows(), UNSUPPORTED_SHARE);
	assert_int_equal(table.lost, 10 * UNSUPPORTED_ROWS - UNSUPPORTED_SHARE);
	assert_int_not_equal(add("honest", UNSUPPORTED_CALL, 1, NULL), UNSUPPORTED_NO_ROW);
	/* What is there goes on counting. */
	assert_int_not_equal(add("fuzzer", UNSUPPORTED_IOCTL, 0, NULL), UNSUPPORTED_NO_ROW);
}

static void full_is_not_forever(void **state)
{
	char name[16];

	(void)state;
	for (unsigned p = 0; p < 2 * UNSUPPORTED_PROGRAMS; p++) {
		snprintf(name, sizeof(name), "p%u", p);
		for (uint64_t i = 0; i < 2 * UNSUPPORTED_SHARE; i++)
			add(name, UNSUPPORTED_CALL, i, "text");
	}
	assert_in_range(rows(), 1, UNSUPPORTED_ROWS - 1);
	assert_true(table.lost > 0);
	assert_int_equal(add("unknown", UNSUPPORTED_CALL, 1, NULL), UNSUPPORTED_NO_ROW);
}

static void long_texts_are_cut(void **state)
{
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'a';
	text[sizeof(text) - 1] = '\0';
	add(text, UNSUPPORTED_PATH, 0, text);
	add(text, UNSUPPORTED_PATH, 0, text);
	assert_int_equal(rows(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counted_by_thing_and_program, setup),
		cmocka_unit_test_setup(a_program_has_a_share, setup),
		cmocka_unit_test_setup(full_is_not_forever, setup),
		cmocka_unit_test_setup(long_texts_are_cut, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/interval_timer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/interval_timer.h>

/* One expiry is one tick, and the timer is over. */
static void once(void **state)
{
	struct interval_timer it;

	(void)state;
	interval_timer_set(&it, 100, 0);
	assert_false(interval_timer_expire(&it, 99));
	assert_int_equal(interval_timer_left(&it, 99), 1);
	assert_true(interval_timer_expire(&it, 100));
	assert_false(interval_timer_expire(&it, 500));
	assert_int_equal(it.ticks, 1);
	assert_int_equal(interval_timer_left(&it, 500), 0);
	assert_false(interval_timer_resume(&it, 500));
	assert_int_equal(it.ticks, 1);
	assert_false(interval_timer_waits(&it));
}

/* What came due while it rested is counted to the last, and it stays in phase. */
static void overruns(void **state)
{
	struct interval_timer it;

	(void)state;
	interval_timer_set(&it, 100, 30);
	assert_true(interval_timer_expire(&it, 105));
	assert_true(interval_timer_resume(&it, 190)); /* 100, 130, 160, 190 */
	assert_int_equal(it.ticks, 4);
	assert_int_equal(it.due_ns, 220);
	assert_int_equal(interval_timer_left(&it, 200), 20);
	assert_false(interval_timer_resume(&it, 1000)); /* does not rest: nothing to go on with */
	assert_true(interval_timer_expire(&it, 219 + 1));
	assert_true(interval_timer_resume(&it, 249));
	assert_int_equal(it.ticks, 5);
	assert_int_equal(it.due_ns, 250);
}

/* The same by counting, for many phases. */
static void as_counted(void **state)
{
	(void)state;
	for (uint64_t interval = 1; interval < 20; interval++) {
		for (uint64_t now = 50; now < 150; now++) {
			struct interval_timer it;
			uint64_t ticks = 0, due = 50;

			for (; due <= now; due += interval)
				ticks++;
			interval_timer_set(&it, 50, interval);
			assert_true(interval_timer_expire(&it, now));
			assert_true(interval_timer_resume(&it, now));
			assert_int_equal(it.ticks, ticks);
			assert_int_equal(it.due_ns, due);
		}
	}
}

static void clock_set_back(void **state)
{
	struct interval_timer it;

	(void)state;
	interval_timer_set(&it, 100, 30);
	assert_true(interval_timer_expire(&it, 100));
	assert_true(interval_timer_resume(&it, 10));
	assert_int_equal(it.ticks, 1);
	assert_int_equal(it.due_ns, 130);
}

/* Nothing wraps: an interval for ever never comes again, one of 1 ns counts a century. */
static void extremes(void **state)
{
	struct interval_timer it;

	(void)state;
	interval_timer_set(&it, 100, UINT64_MAX);
	assert_true(interval_timer_expire(&it, 100));
	assert_true(interval_timer_resume(&it, 100));
	assert_int_equal(it.due_ns, UINT64_MAX);
	interval_timer_set(&it, 1, 1);
	assert_true(interval_timer_expire(&it, UINT64_MAX / 8));
	assert_true(interval_timer_resume(&it, UINT64_MAX / 8));
	assert_int_equal(it.ticks, UINT64_MAX / 8);
	interval_timer_set(&it, 0, 5);
	assert_false(interval_timer_expire(&it, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),           cmocka_unit_test(overruns), cmocka_unit_test(as_counted),
		cmocka_unit_test(clock_set_back), cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

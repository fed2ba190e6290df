/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/core/idle_governor.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/core/idle_governor.h"

static const struct idle_state states[] = {
	{ .name = "POLL" },
	{ .name = "C1", .latency_us = 2, .residency_us = 2 },
	{ .name = "C6", .latency_us = 150, .residency_us = 600 },
	{ .name = "C10", .latency_us = 1000, .residency_us = 5000 },
};
#define ANY UINT32_MAX

static unsigned choose(uint32_t disabled, uint64_t timer_us, uint32_t typical_us, uint32_t limit_us)
{
	return idle_choose(states, 4, disabled, timer_us, typical_us, limit_us);
}

static void deepest_that_pays_off(void **state)
{
	(void)state;
	assert_int_equal(choose(0, UINT64_MAX, ANY, ANY), 3);
	assert_int_equal(choose(0, 5000, ANY, ANY), 3);
	assert_int_equal(choose(0, 4999, ANY, ANY), 2);
	assert_int_equal(choose(0, 599, ANY, ANY), 1);
	assert_int_equal(choose(0, 1, ANY, ANY), 0);
	assert_int_equal(choose(0, 0, ANY, ANY), 0);
}

static void recent_waits_count_when_they_are_shorter(void **state)
{
	(void)state;
	assert_int_equal(choose(0, 100000, 700, ANY), 2);
	assert_int_equal(choose(0, 100, 100000, ANY), 1);
}

static void latency_limit(void **state)
{
	(void)state;
	assert_int_equal(choose(0, UINT64_MAX, ANY, 999), 2);
	assert_int_equal(choose(0, UINT64_MAX, ANY, 2), 1);
	assert_int_equal(choose(0, UINT64_MAX, ANY, 0), 0);
}

/* A disabled state is passed over, not a barrier; with all of them disabled the CPU spins. */
static void disabled_states(void **state)
{
	(void)state;
	assert_int_equal(choose(1u << 3, UINT64_MAX, ANY, ANY), 2);
	assert_int_equal(choose(1u << 2, UINT64_MAX, ANY, ANY), 3);
	assert_int_equal(choose(1u << 0, 0, ANY, ANY), 1);
	assert_int_equal(choose(0xf, UINT64_MAX, ANY, ANY), 0);
}

static struct idle_history history_of(const uint32_t *waits, size_t n)
{
	struct idle_history h = { 0 };

	for (size_t i = 0; i < n; i++)
		idle_history_add(&h, waits[i]);
	return h;
}

static void equal_waits_repeat(void **state)
{
	static const uint32_t steady[] = { 500, 510, 490, 505, 495, 500, 501, 499 };
	static const uint32_t odd_ones[] = { 500, 510, 90000, 505, 495, 500, 70000, 499 };
	static const uint32_t tiny[] = { 3, 20, 9, 31, 2, 15, 7, 12 };
	struct idle_history h;

	(void)state;
	h = history_of(steady, 8);
	assert_in_range(idle_history_typical(&h), 495, 505);
	h = history_of(odd_ones, 8);
	assert_in_range(idle_history_typical(&h), 495, 505);
	h = history_of(tiny, 8);
	assert_in_range(idle_history_typical(&h), 5, 20);
}

static void different_waits_say_nothing(void **state)
{
	static const uint32_t wild[] = { 10, 90000, 400, 3000, 70, 15000, 800, 40000 };
	static const uint32_t few[] = { 500, 500, 500, 500, 500, 500, 500 };
	struct idle_history h = history_of(wild, 8);

	(void)state;
	assert_int_equal(idle_history_typical(&h), ANY);
	h = history_of(few, 7);
	assert_int_equal(idle_history_typical(&h), ANY);
}

static void enormous_waits_do_not_overflow(void **state)
{
	struct idle_history h = { 0 };

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		idle_history_add(&h, UINT64_MAX);
	assert_true(idle_history_typical(&h) > 60000000);
	for (unsigned i = 0; i < 20; i++)
		idle_history_add(&h, i % 2 ? 0 : UINT64_MAX);
	assert_int_equal(idle_history_typical(&h), ANY);
	for (unsigned i = 0; i < 20; i++)
		idle_history_add(&h, 0);
	assert_int_equal(idle_history_typical(&h), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deepest_that_pays_off),
		cmocka_unit_test(recent_waits_count_when_they_are_shorter),
		cmocka_unit_test(latency_limit),
		cmocka_unit_test(disabled_states),
		cmocka_unit_test(equal_waits_repeat),
		cmocka_unit_test(different_waits_say_nothing),
		cmocka_unit_test(enormous_waits_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/core/freq_policy.c */
/* No emulator has hardware-controlled performance states: what would be asked of them is tested here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/core/freq_policy.h"
#include <serix/errno.h>

static const struct freq_caps caps = { .lowest = 4, .highest = 48, .khz_per_step = 100000 };

static struct freq_request decide(enum freq_governor governor, uint32_t min, uint32_t max,
				  uint32_t utilisation)
{
	struct freq_policy policy = { governor, min * 1000, max * 1000, 192 };
	struct freq_request r;

	assert_int_equal(freq_check_policy(&caps, &policy), 0);
	freq_decide(&caps, &policy, utilisation, &r);
	return r;
}

static void performance_asks_for_the_most_allowed(void **state)
{
	struct freq_request r = decide(FREQ_PERFORMANCE, 400, 4800, 0);

	(void)state;
	assert_int_equal(r.lowest, 48);
	assert_int_equal(r.highest, 48);
	assert_int_equal(r.preference, 0);
	r = decide(FREQ_PERFORMANCE, 400, 2000, UTILISATION_FULL);
	assert_int_equal(r.lowest, 20);
	assert_int_equal(r.highest, 20);
}

static void powersave_leaves_it_to_the_hardware(void **state)
{
	struct freq_request r = decide(FREQ_POWERSAVE, 800, 3000, UTILISATION_FULL);

	(void)state;
	assert_int_equal(r.lowest, 8);
	assert_int_equal(r.highest, 30);
	assert_int_equal(r.desired, 0);
	assert_int_equal(r.preference, 192);
}

static void schedutil_follows_the_utilisation(void **state)
{
	(void)state;
	assert_int_equal(decide(FREQ_SCHEDUTIL, 400, 4800, 0).desired, 4);
	assert_int_equal(decide(FREQ_SCHEDUTIL, 400, 4800, 512).desired, 30); /* half of 48, and a quarter */
	assert_int_equal(decide(FREQ_SCHEDUTIL, 400, 4800, 820).desired, 48); /* 80% asks for all */
	assert_int_equal(decide(FREQ_SCHEDUTIL, 400, 4800, UTILISATION_FULL).desired, 48);
	assert_int_equal(decide(FREQ_SCHEDUTIL, 400, 4800, UINT32_MAX).desired, 48);
	assert_int_equal(decide(FREQ_SCHEDUTIL, 1000, 2000, 0).desired, 10);
	assert_int_equal(decide(FREQ_SCHEDUTIL, 1000, 2000, UTILISATION_FULL).desired, 20);
}

static void limits_are_cut_and_may_not_cross(void **state)
{
	struct freq_policy p = { FREQ_SCHEDUTIL, 0, UINT32_MAX, 0 };

	(void)state;
	assert_int_equal(freq_check_policy(&caps, &p), 0);
	assert_int_equal(p.min_khz, 400000);
	assert_int_equal(p.max_khz, 4800000);
	p = (struct freq_policy){ FREQ_SCHEDUTIL, 2000000, 1000000, 0 };
	assert_int_equal(freq_check_policy(&caps, &p), -EINVAL);
	p = (struct freq_policy){ FREQ_GOVERNORS, 1000000, 2000000, 0 };
	assert_int_equal(freq_check_policy(&caps, &p), -EINVAL);
	/* Both below what it can do: they meet at the lowest step. */
	p = (struct freq_policy){ FREQ_POWERSAVE, 1, 2, 0 };
	assert_int_equal(freq_check_policy(&caps, &p), 0);
	assert_int_equal(p.min_khz, 400000);
	assert_int_equal(p.max_khz, 400000);
}

static void utilisation_of_a_window(void **state)
{
	(void)state;
	assert_int_equal(freq_utilisation(0, 10000000), UTILISATION_FULL);
	assert_int_equal(freq_utilisation(5000000, 10000000), UTILISATION_FULL / 2);
	assert_int_equal(freq_utilisation(10000000, 10000000), 0);
	assert_int_equal(freq_utilisation(20000000, 10000000), 0); /* a wait that began before the window */
	assert_int_equal(freq_utilisation(0, 0), 0);
	assert_int_equal(freq_utilisation(1, UINT64_MAX), UTILISATION_FULL);
}

static void measured_frequency(void **state)
{
	(void)state;
	assert_int_equal(freq_measured_khz(2400000, 20000000, 10000000), 4800000);
	assert_int_equal(freq_measured_khz(2400000, 5, 0), 0);
	/* A day at the reference's speed, and nonsense. */
	assert_in_range(freq_measured_khz(2400000, 207360000000000, 207360000000000), 2399990, 2400010);
	assert_int_equal(freq_measured_khz(UINT32_MAX, UINT64_MAX, 1ull << 33), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(performance_asks_for_the_most_allowed),
		cmocka_unit_test(powersave_leaves_it_to_the_hardware),
		cmocka_unit_test(schedutil_follows_the_utilisation),
		cmocka_unit_test(limits_are_cut_and_may_not_cross),
		cmocka_unit_test(utilisation_of_a_window),
		cmocka_unit_test(measured_frequency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/* What is concluded from readings of two counters that were exchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "arch/x86_64/tsc_offset.h"

#define ROUNDS 16

/* The other counter is `ahead`; question and answer take up to `slow` cycles each, the quickest a tenth. */
static struct tsc_offset measured(uint64_t base, int64_t ahead, unsigned slow)
{
	struct tsc_round rounds[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned most = i == ROUNDS / 2 ? slow / 10 : slow;
		uint64_t there = most / 2 + (uint64_t)rand() % most,
			 back = most / 2 + (uint64_t)rand() % most;

		rounds[i].sent = base;
		rounds[i].there = base + there + (uint64_t)ahead;
		rounds[i].received = base + there + back;
		base += 1000;
	}
	return tsc_offset_of(rounds, ROUNDS);
}

static void equal_counters_are_never_called_unequal(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct tsc_offset o = measured((uint64_t)rand() << 20, 0, 2000);

		assert_false(tsc_is_off(&o));
	}
}

static void the_offset_is_found_within_the_error(void **state)
{
	static const int64_t aheads[] = {
		5000, -5000, 1ll << 40, -(1ll << 40), INT64_MAX / 2, INT64_MIN / 2
	};

	(void)state;
	for (size_t i = 0; i < sizeof(aheads) / sizeof(aheads[0]); i++) {
		struct tsc_offset o = measured(1ull << 41, aheads[i], 2000);

		assert_true(tsc_is_off(&o));
		assert_true(o.error <= 200);
		assert_true(llabs(o.cycles - aheads[i]) <= (int64_t)o.error);
	}
}

static void counters_that_wrap_meanwhile(void **state)
{
	struct tsc_offset o = measured(UINT64_MAX - 4000, 300000, 2000);

	(void)state;
	assert_true(llabs(o.cycles - 300000) <= (int64_t)o.error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_counters_are_never_called_unequal),
		cmocka_unit_test(the_offset_is_found_within_the_error),
		cmocka_unit_test(counters_that_wrap_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/x86_64/pmu.h"

static bool counts(uint32_t eax, uint32_t ebx)
{
	struct cpuid leaf = { eax, ebx, 0, 0 };

	return pmu_counts_cache_misses(&leaf);
}

/* Version 5, 8 counters of 48 bits, 8 events: as processors of the last years have it. */
static void counter_and_event_must_be_there(void **state)
{
	(void)state;
	assert_true(counts(0x08300805, 0));
	assert_true(counts(0x07280202, 0));        /* the first with these counters */
	assert_false(counts(0, 0));                /* QEMU's emulation */
	assert_false(counts(0x08300805, 1u << 4)); /* the event is missing */
	assert_false(counts(0x04300805, 0));       /* the list of events ends before it */
	assert_false(counts(0x08300005, 0));       /* no general counters */
	assert_false(counts(0x08100805, 0));       /* too narrow */
	assert_false(counts(0x08300800, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counter_and_event_must_be_there) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

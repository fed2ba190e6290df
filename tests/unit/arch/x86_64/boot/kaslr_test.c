/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/x86_64/boot/kaslr.c */
/* Wherever the kernel is sent, it fits there; and it is sent everywhere. */
#include "../../../../../arch/x86_64/boot/kaslr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arch/paging.h>

#include <cmocka.h>

#define LINK_BASE 0xffffffff80200000ull
#define IMAGE     (32ull << 20)

static struct kaslr choose(uint32_t number, uint64_t ram_end, uint64_t image)
{
	struct kaslr k;

	kaslr_choose((const uint8_t *)&number, sizeof(number), ram_end, image, &k);
	return k;
}

static void test_every_choice_fits(void **state)
{
	static const uint64_t ends[] = { 64ull << 20, 4ull << 30, 1ull << 40, 60ull << 40 };

	(void)state;
	for (uint32_t i = 0; i < 40000; i++) {
		uint64_t end = ends[i % 4];
		struct kaslr k = choose(i, end, IMAGE);

		assert_int_equal(k.slide % (2 << 20), 0);
		assert_true(LINK_BASE + k.slide >= LINK_BASE);
		assert_true(0 - (LINK_BASE + k.slide) >= IMAGE + (2 << 20));
		assert_int_equal(k.direct_base % (1 << 30), 0);
		assert_true(k.direct_base >= KERNEL_BASE && k.direct_base + end <= KERNEL_HEAP_BASE);
	}
}

/* 40,000 throws into 1,006 places: each is hit, none far more often than its share of 40. */
static void test_slides_are_spread(void **state)
{
	static unsigned hits[1024];
	unsigned places = 0, most = 0;

	(void)state;
	memset(hits, 0, sizeof(hits));
	for (uint32_t i = 0; i < 40000; i++)
		hits[choose(i, 1ull << 30, IMAGE).slide >> 21]++;
	for (unsigned i = 0; i < 1024; i++) {
		places += hits[i] > 0;
		most = hits[i] > most ? hits[i] : most;
	}
	assert_in_range(places, 1000, 1007);
	assert_true(most < 100);
}

static void test_senseless_sizes_still_give_a_place(void **state)
{
	struct kaslr k = choose(1, UINT64_MAX, UINT64_MAX);

	(void)state;
	assert_int_equal(k.slide, 0);
	assert_int_equal(k.direct_base, KERNEL_BASE);
	k = choose(1, 0, 0);
	assert_true(k.direct_base < KERNEL_HEAP_BASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_choice_fits),
		cmocka_unit_test(test_slides_are_spread),
		cmocka_unit_test(test_senseless_sizes_still_give_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

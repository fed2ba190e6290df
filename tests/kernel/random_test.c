/* SPDX-License-Identifier: BSD-2-Clause */
/* The random generator on the machine: every CPU has its own. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/cpumask.h>
#include <kernel/random.h>
#include <kernel/smp.h>
#include <kernel/string.h>

#define DRAWS 64

static uint64_t drawn[MAX_CPUS][DRAWS];

static void draw(void *arg)
{
	(void)arg;
	for (int i = 0; i < DRAWS; i++)
		drawn[arch_this_cpu()->id][i] = random_u64();
}

static void no_two_cpus_draw_the_same(void)
{
	uint32_t n = MIN(cpu_count, 8u) * DRAWS;
	const uint64_t *all = drawn[0];

	smp_call(&cpus_online, draw, NULL);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = i + 1; j < n; j++)
			KTEST_EXPECT(all[i] != all[j]);
}

static void every_cpu_has_a_generator_of_its_own(void)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		KTEST_EXPECT(cpus[i]->random != NULL);
		for (uint32_t j = 0; j < i; j++)
			KTEST_EXPECT(cpus[i]->random != cpus[j]->random);
	}
}

/* Ones in 64 KiB, by short and long requests: half of the bits, give or take six standard deviations. */
static void half_of_the_bits_are_ones(void)
{
	static uint64_t sample[8192];
	int64_t ones = 0, bits = sizeof(sample) * 8;

	for (size_t i = 0; i < ARRAY_SIZE(sample) / 2; i++)
		sample[i] = random_u64();
	random_bytes(sample + ARRAY_SIZE(sample) / 2, sizeof(sample) / 2);
	for (size_t i = 0; i < ARRAY_SIZE(sample); i++)
		for (uint64_t word = sample[i]; word; word &= word - 1)
			ones++;
	/* 6 * sqrt(524288) / 2 */
	KTEST_EXPECT(ones > bits / 2 - 2172 && ones < bits / 2 + 2172);
}

static void requests_fill_what_they_are_given_and_no_more(void)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 63, 479, 480, 481, 512, 4096 };
	static uint8_t buf[4096 + 16];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t touched = 0;

		memset(buf, 0, sizeof(buf));
		random_bytes(buf, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			touched += buf[at] != 0;
		KTEST_EXPECT(touched >= sizes[i] * 9 / 10);
		for (size_t at = sizes[i]; at < sizeof(buf); at++)
			KTEST_EXPECT(buf[at] == 0);
	}
}

static const struct ktest_case cases[] = {
	{ "every CPU has a random generator of its own", every_cpu_has_a_generator_of_its_own },
	{ "no two CPUs draw the same random number", no_two_cpus_draw_the_same },
	{ "half of the random bits are ones", half_of_the_bits_are_ones },
	{ "random requests fill what they are given and no more",
	  requests_fill_what_they_are_given_and_no_more },
};

KTEST_SUITE("random", cases);

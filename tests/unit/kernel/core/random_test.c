/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/xchacha20.c kernel/lib/chacha20.c */
/*
 * The random generator, with its insides in view: nothing that was given out stays in memory, CPUs and boots
 * differ, a new seed reaches everybody, and what comes out looks like chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/random.c"

#define CPUS 4

static struct cpu other_cpus[CPUS];
static int hardware_calls;
static uint8_t hardware_byte;

size_t arch_random(void *buf, size_t len)
{
	hardware_calls++;
	memset(buf, hardware_byte, len);
	return hardware_byte ? len : 0;
}

static void run_on(unsigned cpu)
{
	host_this_cpu = cpu ? &other_cpus[cpu] : &host_cpu;
}

/* As after power-on; nothing but the arguments tells two boots apart. */
static void boot(const char *entropy, uint64_t cycles)
{
	memset(root_key, 0, sizeof(root_key));
	memset(&boot_cpu, 0, sizeof(boot_cpu));
	atomic_store(&root_epoch, 0);
	host_cycles = cycles;
	hardware_calls = 0;
	hardware_byte = 0;
	cpu_count = 1;
	run_on(0);
	random_init(entropy, strlen(entropy));
	cpu_count = CPUS;
	for (uint32_t i = 1; i < CPUS; i++) {
		free(other_cpus[i].random);
		other_cpus[i] = (struct cpu){ .id = i, .random = random_create_cpu() };
		cpus[i] = &other_cpus[i];
	}
}

static void the_same_seed_gives_the_same_numbers_and_another_does_not(void **state)
{
	uint8_t first[600], again[600], other[600], later[600];

	(void)state;
	boot("a seed of the loader's", 1000);
	random_bytes(first, sizeof(first));
	boot("a seed of the loader's", 1000);
	random_bytes(again, sizeof(again));
	boot("a seed of the loader't", 1000);
	random_bytes(other, sizeof(other));
	boot("a seed of the loader's", 1001);
	random_bytes(later, sizeof(later));
	assert_memory_equal(first, again, sizeof(first));
	for (size_t i = 0; i + 8 <= sizeof(first); i += 8) {
		assert_memory_not_equal(first + i, other + i, 8);
		assert_memory_not_equal(first + i, later + i, 8);
	}
}

/* Is any 8 bytes of what was given out still in the generators? */
static bool remembered(const uint8_t *out, size_t len)
{
	const struct generator *g = &host_this_cpu->random->generator;

	for (size_t i = 0; i + 8 <= len; i++)
		if (memmem(g, sizeof(*g), out + i, 8) || memmem(root_key, sizeof(root_key), out + i, 8))
			return true;
	return false;
}

static void what_was_given_out_is_forgotten(void **state)
{
	uint8_t out[4000];

	(void)state;
	boot("seed", 1);
	for (size_t len = 8; len < sizeof(out); len += 97) {
		random_bytes(out, len);
		assert_false(remembered(out, len));
	}
}

static void the_key_changes_whenever_the_pool_is_filled(void **state)
{
	struct random_cpu *r = &boot_cpu;
	uint32_t before[KEY_WORDS];
	uint8_t byte;

	(void)state;
	boot("seed", 1);
	random_bytes(&byte, 1);
	for (int fill = 0; fill < 20; fill++) {
		memcpy(before, r->generator.key, sizeof(before));
		random_bytes(&byte, 1);
		for (size_t i = r->left; i > 0; i--)
			random_bytes(&byte, 1);
		assert_memory_equal(before, r->generator.key, sizeof(before));
		random_bytes(&byte, 1);
		assert_memory_not_equal(before, r->generator.key, sizeof(before));
	}
}

/* Even where their keys are the same by accident. */
static void cpus_differ(void **state)
{
	uint8_t out[CPUS][96];

	(void)state;
	boot("seed", 1);
	for (unsigned i = 0; i < CPUS; i++) {
		run_on(i);
		random_bytes(out[i], 1);
		memset(host_this_cpu->random->generator.key, 7, sizeof(root_key));
		host_this_cpu->random->left = 0;
		random_bytes(out[i], sizeof(out[i]));
		for (unsigned j = 0; j < i; j++)
			for (size_t k = 0; k < sizeof(out[i]); k += 8)
				assert_memory_not_equal(out[i] + k, out[j] + k, 8);
	}
}

static void reseeding_comes_ever_more_rarely_and_reaches_every_cpu(void **state)
{
	uint64_t value, interval = RESEED_FIRST;

	(void)state;
	boot("seed", 0);
	assert_int_equal(hardware_calls, 1);
	for (int round = 1; round < 12; round++) {
		uint64_t epoch = root_epoch;

		host_cycles += interval - 1;
		value = random_u64();
		assert_int_equal(hardware_calls, round);
		host_cycles++;
		for (unsigned i = 0; i < CPUS; i++) {
			run_on(i);
			value ^= random_u64();
			assert_int_equal(host_this_cpu->random->epoch, epoch + 1);
		}
		run_on(0);
		assert_int_equal(hardware_calls, round + 1);
		interval = MIN(interval * 2, RESEED_LAST);
	}
	(void)value;
}

/* Somebody saw all of memory: one unknown thing, and a reseeding later, he knows nothing. */
static uint64_t after_compromise(uint64_t interrupt_at, uint8_t hardware, const char *written)
{
	uint64_t out;

	boot("everything is known", 0);
	random_u64();
	host_cycles = interrupt_at;
	run_on(2);
	random_interrupt(5);
	run_on(0);
	random_add(written, strlen(written));
	hardware_byte = hardware;
	host_cycles = 2 * RESEED_FIRST;
	random_bytes(&out, sizeof(out));
	return out;
}

static void each_source_alone_repairs_a_known_state(void **state)
{
	uint64_t known = after_compromise(77, 1, "x");

	(void)state;
	assert_int_equal(known, after_compromise(77, 1, "x"));
	assert_int_not_equal(known, after_compromise(78, 1, "x"));
	assert_int_not_equal(known, after_compromise(77, 2, "x"));
	assert_int_not_equal(known, after_compromise(77, 1, "y"));
}

/* Two thousand interrupts one cycle apart: no state of the timing pool comes twice, no bit of it stands
 * still. */
static void interrupt_timing_is_kept(void **state)
{
	static uint64_t seen[2000][4];
	uint64_t ones[4] = { 0 }, zeros[4] = { 0 };

	(void)state;
	boot("seed", 0);
	for (int i = 0; i < 2000; i++) {
		host_cycles++;
		random_interrupt(3);
		memcpy(seen[i], boot_cpu.timing, sizeof(seen[i]));
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], sizeof(seen[i]));
		for (int w = 0; w < 4; w++) {
			ones[w] |= seen[i][w];
			zeros[w] |= ~seen[i][w];
		}
	}
	for (int w = 0; w < 4; w++)
		assert_true(ones[w] == UINT64_MAX && zeros[w] == UINT64_MAX);
}

/* Four megabits by four CPUs in turn, in requests of all sizes, against limits that true chance passes but
 * once in some hundred million runs; the seed is fixed, so a pass stays one. */
#define SAMPLE (512u * 1024)

static void fill(uint8_t *sample)
{
	size_t at = 0;

	boot("statistics", 1);
	srand(1);
	while (at < SAMPLE) {
		size_t n = MIN(1 + (size_t)rand() % 700, SAMPLE - at);

		run_on((unsigned)rand() % CPUS);
		host_cycles += (uint64_t)rand() << 8;
		random_bytes(sample + at, n);
		at += n;
	}
	run_on(0);
}

/* How many standard deviations `count` of `n` fair coins is from the middle. */
static double deviation(uint64_t count, uint64_t n)
{
	return fabs((double)count - (double)n / 2) / (sqrt((double)n) / 2);
}

static void the_output_looks_like_chance(void **state)
{
	static uint8_t sample[SAMPLE];
	uint64_t bits = SAMPLE * 8ull, ones = 0, changes = 0, serial = 0;
	uint64_t histogram[256] = { 0 };
	double chi = 0, expected = SAMPLE / 256.0;

	(void)state;
	fill(sample);
	for (uint64_t i = 0; i < bits; i++) {
		unsigned bit = sample[i / 8] >> i % 8 & 1;
		unsigned before = i ? sample[(i - 1) / 8] >> (i - 1) % 8 & 1 : 0;
		unsigned block_before = i >= 512 ? sample[i / 8 - 64] >> i % 8 & 1 : 0;

		ones += bit;
		changes += bit != before;
		serial += bit == block_before; /* nothing comes again a block later */
	}
	for (size_t i = 0; i < SAMPLE; i++)
		histogram[sample[i]]++;
	for (int i = 0; i < 256; i++)
		chi += ((double)histogram[i] - expected) * ((double)histogram[i] - expected) / expected;
	assert_true(deviation(ones, bits) < 6);
	assert_true(deviation(changes, bits) < 6);
	assert_true(deviation(serial, bits) < 6);
	assert_true(chi > 255 - 6 * sqrt(510) && chi < 255 + 6 * sqrt(510)); /* 255 degrees of freedom */
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

static void nothing_repeats(void **state)
{
	static uint64_t drawn[200000];

	(void)state;
	boot("repeats", 1);
	for (size_t i = 0; i < ARRAY_SIZE(drawn); i++) {
		run_on(i % CPUS);
		drawn[i] = random_u64();
	}
	run_on(0);
	qsort(drawn, ARRAY_SIZE(drawn), sizeof(drawn[0]), compare);
	for (size_t i = 1; i < ARRAY_SIZE(drawn); i++)
		assert_int_not_equal(drawn[i - 1], drawn[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_numbers_and_another_does_not),
		cmocka_unit_test(what_was_given_out_is_forgotten),
		cmocka_unit_test(the_key_changes_whenever_the_pool_is_filled),
		cmocka_unit_test(cpus_differ),
		cmocka_unit_test(reseeding_comes_ever_more_rarely_and_reaches_every_cpu),
		cmocka_unit_test(each_source_alone_repairs_a_known_state),
		cmocka_unit_test(interrupt_timing_is_kept),
		cmocka_unit_test(the_output_looks_like_chance),
		cmocka_unit_test(nothing_repeats),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	for (uint32_t i = 1; i < CPUS; i++)
		free(other_cpus[i].random);
	return failed;
}

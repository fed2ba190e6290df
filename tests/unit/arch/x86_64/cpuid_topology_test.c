/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/x86_64/cpuid_topology.c */
/* Processors that no emulator here has, as tables of what their CPUID answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "arch/x86_64/cpuid_topology.h"

struct answer {
	uint32_t leaf, subleaf;
	struct cpuid is;
};

static const struct answer *machine;
static size_t answers;
static struct cpu_description cpu;

static struct cpuid ask(uint32_t leaf, uint32_t subleaf)
{
	for (size_t i = 0; i < answers; i++) {
		if (machine[i].leaf == leaf && machine[i].subleaf == subleaf)
			return machine[i].is;
	}
	return (struct cpuid){ 0 };
}

#define DESCRIBE(table)                       \
	do {                                  \
		machine = (table);            \
		answers = ARRAY_SIZE(table);  \
		memset(&cpu, 0, sizeof(cpu)); \
		cpuid_describe(ask, &cpu);    \
	} while (0)

#define SHARED(n)             ((uint32_t)(n)-1) << 14
#define CACHE(level, type, n) ((level) << 5 | (type) | SHARED(n))
#define SHAPE(ways, line)     (((uint32_t)(ways)-1) << 22 | ((line)-1))

/* An efficient core of a hybrid processor: four of them share a level 2, all share the level 3. */
static void efficient_core(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x20, 0, 0, 0 } },
		{ 4, 0, { CACHE(1, 1, 2), SHAPE(8, 64), 63, 0 } },
		{ 4, 1, { CACHE(1, 2, 2), SHAPE(8, 64), 127, 0 } },
		{ 4, 2, { CACHE(2, 3, 8), SHAPE(16, 64), 2047, 0 } },
		{ 4, 3, { CACHE(3, 3, 128), SHAPE(12, 64), 40959, 0 } },
		{ 7, 0, { 0, 0, 0, 1u << 15 } },
		{ 0x0b, 0, { 1, 1, 0x100, 0x4a } },
		{ 0x0b, 1, { 7, 24, 0x201, 0x4a } },
		{ 0x1a, 0, { 0x20000001, 0, 0, 0 } },
		{ 0x1f, 0, { 1, 1, 0x100, 0x4a } },
		{ 0x1f, 1, { 7, 24, 0x201, 0x4a } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.type, CORE_EFFICIENT);
	assert_int_equal(cpu.hardware_id, 0x4a);
	assert_int_equal(cpu.package, 0);
	assert_int_equal(cpu.die, 0);
	assert_int_equal(cpu.core, 0x25);
	assert_int_equal(cpu.thread, 0);
	assert_int_equal(cpu.cache_count, 4);
	assert_int_equal(cpu.caches[1].type, CACHE_INSTRUCTION);
	assert_int_equal(cpu.caches[2].id, 0x4a >> 3);
	assert_int_equal(cpu.caches[2].ways, 16);
	assert_int_equal(cpu.caches[2].line, 64);
	assert_int_equal(cpu.caches[2].sets, 2048);
	assert_int_equal(cpu.caches[3].id, 0);
}

static void performance_core(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x20, 0, 0, 0 } },          { 7, 0, { 0, 0, 0, 1u << 15 } },
		{ 0x0b, 0, { 1, 2, 0x100, 5 } },      { 0x0b, 1, { 7, 24, 0x201, 5 } },
		{ 0x1a, 0, { 0x40000001, 0, 0, 0 } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.type, CORE_PERFORMANCE);
	assert_int_equal(cpu.core, 2);
	assert_int_equal(cpu.thread, 1);
	assert_int_equal(cpu.cache_count, 0);
}

/* Leaf 1Fh with modules and dies; 0Bh knows less and is not asked. */
static void dies_and_modules(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x1f, 0, 0, 0 } },           { 0x0b, 0, { 1, 2, 0x100, 0x2b7 } },
		{ 0x0b, 1, { 9, 128, 0x201, 0x2b7 } }, { 0x1f, 0, { 1, 2, 0x100, 0x2b7 } },
		{ 0x1f, 1, { 3, 8, 0x201, 0x2b7 } },   { 0x1f, 2, { 6, 32, 0x302, 0x2b7 } },
		{ 0x1f, 3, { 8, 128, 0x503, 0x2b7 } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.thread, 1);
	assert_int_equal(cpu.core, 0xb7 >> 1);
	assert_int_equal(cpu.die, 0xb7 >> 6);
	assert_int_equal(cpu.package, 2);
}

/* Two cores, no threads, from the time before leaf 0Bh. */
static void counts_of_leaf_1_and_4(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x0a, 0, 0, 0 } },
		{ 1, 0, { 0, 3u << 24 | 4u << 16, 0, 1u << 28 } },
		{ 4, 0, { CACHE(1, 1, 1) | 1u << 26, SHAPE(8, 64), 63, 0 } },
		{ 4, 1, { CACHE(2, 3, 2) | 1u << 26, SHAPE(16, 64), 4095, 0 } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.hardware_id, 3);
	assert_int_equal(cpu.thread, 1);
	assert_int_equal(cpu.core, 1);
	assert_int_equal(cpu.package, 0);
	assert_int_equal(cpu.cache_count, 2);
	assert_int_equal(cpu.caches[1].id, 1);
}

/* AMD without leaf 0Bh: compute units and caches in the extended leaves. */
static void amd_extended_leaves(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x0a, 0, 0, 0 } },
		{ 1, 0, { 0, 0x13u << 24 | 16u << 16, 0, 1u << 28 } },
		{ 0x80000000, 0, { 0x8000001f, 0, 0, 0 } },
		{ 0x80000001, 0, { 0, 0, 1u << 22, 0 } },
		{ 0x80000008, 0, { 0, 0, 0x400f, 0 } },
		{ 0x8000001d, 0, { CACHE(1, 1, 2), SHAPE(8, 64), 63, 0 } },
		{ 0x8000001d, 1, { CACHE(3, 3, 8), SHAPE(16, 64), 8191, 0 } },
		{ 0x8000001e, 0, { 0x13, 0x101, 0, 0 } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.thread, 1);
	assert_int_equal(cpu.core, 1);
	assert_int_equal(cpu.package, 1);
	assert_int_equal(cpu.cache_count, 2);
	assert_int_equal(cpu.caches[1].level, 3);
	assert_int_equal(cpu.caches[1].id, 2);
}

/* What QEMU's model "max" answers: AMD's oldest leaves. */
static void amd_oldest_cache_leaves(void **state)
{
	static const struct answer table[] = {
		{ 0, 0, { 0x0d, 0, 0, 0 } },
		{ 1, 0, { 0, 3u << 24 | 4u << 16, 0, 1u << 28 } },
		{ 0x80000000, 0, { 0x8000000a, 0, 0, 0 } },
		{ 0x80000005,
		  0,
		  { 0, 0, 64u << 24 | 2u << 16 | 1u << 8 | 64, 64u << 24 | 0xffu << 16 | 64 } },
		{ 0x80000006, 0, { 0, 0, 512u << 16 | 8u << 12 | 64, 32u << 18 | 8u << 12 | 64 } },
		{ 0x80000008, 0, { 0, 0, 3, 0 } },
	};

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.cache_count, 4);
	assert_int_equal(cache_size(&cpu.caches[0]), 64 << 10);
	assert_int_equal(cpu.caches[0].sets, 512);
	assert_int_equal(cpu.caches[0].id, 3);
	assert_int_equal(cpu.caches[1].sets, 4); /* 255 ways, as it says */
	assert_int_equal(cache_size(&cpu.caches[2]), 512 << 10);
	assert_int_equal(cpu.caches[2].ways, 16);
	assert_int_equal(cache_size(&cpu.caches[3]), 16 << 20);
	assert_int_equal(cpu.caches[3].id, 0);
}

static void nothing_is_told(void **state)
{
	static const struct answer table[] = { { 0, 0, { 1, 0, 0, 0 } } };

	(void)state;
	DESCRIBE(table);
	assert_int_equal(cpu.package, 0);
	assert_int_equal(cpu.core, 0);
	assert_int_equal(cpu.thread, 0);
	assert_int_equal(cpu.cache_count, 0);
}

static struct cpuid all_ones(uint32_t leaf, uint32_t subleaf)
{
	(void)leaf;
	(void)subleaf;
	return (struct cpuid){ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
}

/* A hypervisor may answer anything: it ends, and within the arrays. */
static void nonsense_ends(void **state)
{
	(void)state;
	cpuid_describe(all_ones, &cpu);
	assert_true(cpu.cache_count <= MAX_CACHES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(efficient_core),      cmocka_unit_test(performance_core),
		cmocka_unit_test(dies_and_modules),    cmocka_unit_test(counts_of_leaf_1_and_4),
		cmocka_unit_test(amd_extended_leaves), cmocka_unit_test(amd_oldest_cache_leaves),
		cmocka_unit_test(nothing_is_told),     cmocka_unit_test(nonsense_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

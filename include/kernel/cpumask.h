/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of CPUs, by id.  Plain masks belong to whoever holds them; the _atomic forms are for masks that
 * several CPUs change at once.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/percpu.h>
#include <kernel/types.h>

#define CPUMASK_WORDS (MAX_CPUS / 64)

struct cpumask {
	uint64_t bits[CPUMASK_WORDS];
};

#define CPUMASK_ALL                                           \
	(struct cpumask)                                      \
	{                                                     \
		.bits = { [0 ... CPUMASK_WORDS - 1] = ~0ull } \
	}

static inline struct cpumask cpumask_of(uint32_t cpu)
{
	struct cpumask mask = { { 0 } };

	mask.bits[cpu / 64] = 1ull << cpu % 64;
	return mask;
}

static inline bool cpumask_test(const struct cpumask *mask, uint32_t cpu)
{
	return READ_ONCE(mask->bits[cpu / 64]) >> cpu % 64 & 1;
}

static inline void cpumask_set(struct cpumask *mask, uint32_t cpu)
{
	mask->bits[cpu / 64] |= 1ull << cpu % 64;
}

static inline void cpumask_clear(struct cpumask *mask, uint32_t cpu)
{
	mask->bits[cpu / 64] &= ~(1ull << cpu % 64);
}

static inline void cpumask_set_atomic(struct cpumask *mask, uint32_t cpu)
{
	__atomic_fetch_or(&mask->bits[cpu / 64], 1ull << cpu % 64, __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear_atomic(struct cpumask *mask, uint32_t cpu)
{
	__atomic_fetch_and(&mask->bits[cpu / 64], ~(1ull << cpu % 64), __ATOMIC_SEQ_CST);
}

/* The lowest CPU of the set from `cpu` on; MAX_CPUS: none. */
static inline uint32_t cpumask_next(const struct cpumask *mask, uint32_t cpu)
{
	for (uint32_t word = cpu / 64; word < CPUMASK_WORDS; word++) {
		uint64_t bits = READ_ONCE(mask->bits[word]);

		if (word == cpu / 64)
			bits &= ~0ull << cpu % 64;
		if (bits)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return MAX_CPUS;
}

#define cpumask_for_each(cpu, mask) \
	for (uint32_t cpu = cpumask_next(mask, 0); cpu < MAX_CPUS; cpu = cpumask_next(mask, cpu + 1))

static inline bool cpumask_empty(const struct cpumask *mask)
{
	return cpumask_next(mask, 0) == MAX_CPUS;
}

static inline uint32_t cpumask_count(const struct cpumask *mask)
{
	uint32_t n = 0;

	/* POPCNT is not on every x86-64, and the sets are small. */
	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		for (uint64_t bits = READ_ONCE(mask->bits[word]); bits; bits &= bits - 1)
			n++;
	return n;
}

static inline struct cpumask cpumask_and(const struct cpumask *a, const struct cpumask *b)
{
	struct cpumask both;

	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		both.bits[word] = READ_ONCE(a->bits[word]) & READ_ONCE(b->bits[word]);
	return both;
}

/*
 * As text, in Linux's two ways: hexadecimal words of 32 CPUs separated by commas, the highest first, as wide
 * as `width` CPUs take ("f", "3,ffffffff"); and ranges ("0-3,8").  What fits; returns its length.
 */
int cpumask_print_map(const struct cpumask *mask, uint32_t width, char *buf, size_t size);
int cpumask_print_list(const struct cpumask *mask, char *buf, size_t size);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays of bits in 64-bit words.  The caller provides the locking. */
#pragma once

#include <kernel/compiler.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
	return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
	map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
	map[bit / 64] &= ~(1ull << (bit % 64));
}

void bitmap_set_range(uint64_t *map, size_t start, size_t count);
void bitmap_clear_range(uint64_t *map, size_t start, size_t count);
/* The first set (clear) bit at or after `start` and below `bits`, or `bits`. */
size_t bitmap_next_set(const uint64_t *map, size_t bits, size_t start);
size_t bitmap_next_clear(const uint64_t *map, size_t bits, size_t start);

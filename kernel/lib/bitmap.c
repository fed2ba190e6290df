/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/bitmap.h>

/* Mask of `count` bits from `bit` on; count is 1..64 and does not cross the word. */
static uint64_t word_mask(size_t bit, size_t count)
{
	return (count == 64 ? ~0ull : (1ull << count) - 1) << bit;
}

void bitmap_set_range(uint64_t *map, size_t start, size_t count)
{
	while (count) {
		size_t bit = start % 64, n = MIN(count, 64 - bit);

		map[start / 64] |= word_mask(bit, n);
		start += n;
		count -= n;
	}
}

void bitmap_clear_range(uint64_t *map, size_t start, size_t count)
{
	while (count) {
		size_t bit = start % 64, n = MIN(count, 64 - bit);

		map[start / 64] &= ~word_mask(bit, n);
		start += n;
		count -= n;
	}
}

static size_t next_bit(const uint64_t *map, size_t bits, size_t start, uint64_t invert)
{
	while (start < bits) {
		uint64_t word = (map[start / 64] ^ invert) >> (start % 64);

		if (word)
			return MIN(bits, start + (size_t)__builtin_ctzll(word));
		start = (start / 64 + 1) * 64;
	}
	return bits;
}

size_t bitmap_next_set(const uint64_t *map, size_t bits, size_t start)
{
	return next_bit(map, bits, start, 0);
}

size_t bitmap_next_clear(const uint64_t *map, size_t bits, size_t start)
{
	return next_bit(map, bits, start, ~0ull);
}

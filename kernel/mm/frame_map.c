/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame_map.h"

#include <kernel/assert.h>
#include <kernel/bitmap.h>
#include <kernel/string.h>

#define WORD_BITS 64

/* Compiles to TZCNT's encoding, which processors without it execute as BSF: the same for non-zero words. */
static inline unsigned lowest_bit(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

size_t frame_map_bytes(size_t bits)
{
	size_t words = 0, n = bits;

	do {
		n = BITMAP_WORDS(n);
		words += n;
	} while (n > 1);
	return words * sizeof(uint64_t);
}

void frame_map_init(struct frame_map *map, size_t bits, void *memory)
{
	uint64_t *next = memory;
	size_t words = bits;

	ASSERT(bits > 0);
	memset(memory, 0, frame_map_bytes(bits));
	map->bits = bits;
	map->free = 0;
	map->levels = 0;
	do {
		ASSERT(map->levels < FRAME_MAP_LEVELS);
		words = BITMAP_WORDS(words);
		map->words[map->levels] = words;
		map->level[map->levels++] = next;
		next += words;
	} while (words > 1);
}

bool frame_map_is_free(const struct frame_map *map, size_t frame)
{
	return frame < map->bits && bitmap_test(map->level[0], frame);
}

/* The first set bit of a level at or after pos: in pos's own word, or found through the level above. */
static size_t next_set(const struct frame_map *map, unsigned level, size_t pos)
{
	size_t word = pos / WORD_BITS;
	uint64_t rest;

	if (word >= map->words[level])
		return FRAME_NONE;
	rest = map->level[level][word] & (~0ull << (pos % WORD_BITS));
	if (rest)
		return word * WORD_BITS + lowest_bit(rest);
	if (level + 1 == map->levels)
		return FRAME_NONE;
	word = next_set(map, level + 1, word + 1);
	if (word == FRAME_NONE)
		return FRAME_NONE;
	return word * WORD_BITS + lowest_bit(map->level[level][word]);
}

size_t frame_map_next_free(const struct frame_map *map, size_t start)
{
	return next_set(map, 0, start);
}

/* The lowest word of level 0 that has a free frame. */
static size_t first_free_word(const struct frame_map *map)
{
	size_t word = 0;

	for (unsigned level = map->levels; level-- > 1;) {
		if (map->level[level][word] == 0)
			return FRAME_NONE;
		word = word * WORD_BITS + lowest_bit(map->level[level][word]);
	}
	return map->level[0][word] ? word : FRAME_NONE;
}

/* A word of level 0 became empty: so may the words above it. */
static void propagate_empty(struct frame_map *map, size_t word)
{
	for (unsigned level = 1; level < map->levels; level++) {
		bitmap_clear(map->level[level], word);
		word /= WORD_BITS;
		if (map->level[level][word] != 0)
			return;
	}
}

/* A word of level 0 is no longer empty. */
static void propagate_nonempty(struct frame_map *map, size_t word)
{
	for (unsigned level = 1; level < map->levels; level++) {
		if (bitmap_test(map->level[level], word))
			return;
		bitmap_set(map->level[level], word);
		word /= WORD_BITS;
	}
}

size_t frame_map_take(struct frame_map *map, size_t *out, size_t max)
{
	size_t taken = 0;

	while (taken < max) {
		size_t word = first_free_word(map);
		uint64_t bits;

		if (word == FRAME_NONE)
			break;
		bits = map->level[0][word];
		do {
			out[taken++] = word * WORD_BITS + lowest_bit(bits);
			bits &= bits - 1;
		} while (bits && taken < max);
		map->level[0][word] = bits;
		if (!bits)
			propagate_empty(map, word);
	}
	map->free -= taken;
	return taken;
}

void frame_map_release(struct frame_map *map, size_t frame)
{
	ASSERT(frame < map->bits && !bitmap_test(map->level[0], frame));
	bitmap_set(map->level[0], frame);
	propagate_nonempty(map, frame / WORD_BITS);
	map->free++;
}

size_t frame_map_take_run(struct frame_map *map, size_t count, size_t align, size_t phase)
{
	size_t first = 0, end, busy;

	ASSERT(count > 0 && align > 0 && (align & (align - 1)) == 0);
	for (;;) {
		first = next_set(map, 0, first);
		if (first == FRAME_NONE)
			return FRAME_NONE;
		first = ALIGN_UP(first + phase, align) - phase;
		if (add_overflows(first, count, &end) || end > map->bits)
			return FRAME_NONE;
		busy = bitmap_next_clear(map->level[0], end, first);
		if (busy >= end)
			break;
		first = busy + 1;
	}
	bitmap_clear_range(map->level[0], first, count);
	for (size_t word = first / WORD_BITS; word <= (end - 1) / WORD_BITS; word++) {
		if (map->level[0][word] == 0)
			propagate_empty(map, word);
	}
	map->free -= count;
	return first;
}

void frame_map_release_range(struct frame_map *map, size_t first, size_t count)
{
	if (count == 0)
		return;
	ASSERT(first < map->bits && count <= map->bits - first);
	DEBUG_ASSERT(bitmap_next_set(map->level[0], first + count, first) >= first + count);
	bitmap_set_range(map->level[0], first, count);
	for (size_t word = first / WORD_BITS; word <= (first + count - 1) / WORD_BITS; word++)
		propagate_nonempty(map, word);
	map->free += count;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame_map.h"

#include <kernel/assert.h>
#include <kernel/bitmap.h>
#include <kernel/string.h>

#define WORD_BITS   64
#define BLOCK_WORDS (BLOCK_FRAMES / WORD_BITS)
/* Broken blocks looked at for a short run before a whole one is broken: this bounds the search. */
#define RUN_TRIES 32

static size_t block_count(size_t first_pfn, size_t frames)
{
	return (first_pfn % BLOCK_FRAMES + frames + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
}

size_t frame_map_bytes(size_t first_pfn, size_t frames)
{
	size_t blocks = block_count(first_pfn, frames);

	return (blocks * BLOCK_WORDS + 2 * bit_tree_words(blocks)) * sizeof(uint64_t) +
	       ALIGN_UP(blocks * sizeof(uint16_t), sizeof(uint64_t));
}

void frame_map_init(struct frame_map *map, size_t first_pfn, size_t frames, void *memory)
{
	size_t blocks = block_count(first_pfn, frames);
	uint64_t *next = memory;

	ASSERT(frames > 0);
	memset(memory, 0, frame_map_bytes(first_pfn, frames));
	map->frames = frames;
	map->free = 0;
	map->first_pfn = first_pfn;
	map->phase = first_pfn % BLOCK_FRAMES;
	map->run_hint = 0;
	map->bits = next;
	next += blocks * BLOCK_WORDS;
	bit_tree_init(&map->whole, blocks, next);
	next += bit_tree_words(blocks);
	bit_tree_init(&map->partial, blocks, next);
	next += bit_tree_words(blocks);
	map->block_free = (uint16_t *)next;
}

/* --- blocks ------------------------------------------------------------------------------------------ */

/* A block has `after` free frames now: keep the two sets and the sum true. */
static void block_set_free(struct frame_map *map, size_t block, size_t after)
{
	size_t before = map->block_free[block];
	bool was_partial = before % BLOCK_FRAMES != 0, is_partial = after % BLOCK_FRAMES != 0;

	map->block_free[block] = (uint16_t)after;
	map->free += after - before;
	if (is_partial && !was_partial)
		bit_tree_add(&map->partial, block);
	if (was_partial && !is_partial)
		bit_tree_remove(&map->partial, block);
	if (after == BLOCK_FRAMES)
		bit_tree_add(&map->whole, block);
	else if (before == BLOCK_FRAMES)
		bit_tree_remove(&map->whole, block);
}

/* The bits [first, first+count) changed to free or to taken: tell their blocks. */
static void blocks_changed(struct frame_map *map, size_t first, size_t count, bool freed)
{
	while (count > 0) {
		size_t block = first / BLOCK_FRAMES, n = MIN(count, (block + 1) * BLOCK_FRAMES - first);

		block_set_free(map, block, map->block_free[block] + (freed ? n : -n));
		first += n;
		count -= n;
	}
}

/* --- single frames ----------------------------------------------------------------------------------- */

bool frame_map_is_free(const struct frame_map *map, size_t frame)
{
	return frame < map->frames && bitmap_test(map->bits, frame + map->phase);
}

/* The first free bit at or after pos: in pos's own block, or in the next that has one. */
static size_t next_free_bit(const struct frame_map *map, size_t pos)
{
	size_t end = map->phase + map->frames, block = pos / BLOCK_FRAMES;
	size_t border = MIN(end, (block + 1) * BLOCK_FRAMES), bit;

	if (pos >= end)
		return FRAME_NONE;
	bit = bitmap_next_set(map->bits, border, pos);
	if (bit < border)
		return bit;
	block = MIN(bit_tree_next(&map->partial, block + 1), bit_tree_next(&map->whole, block + 1));
	return block == BIT_TREE_NONE ? FRAME_NONE : bitmap_next_set(map->bits, end, block * BLOCK_FRAMES);
}

size_t frame_map_next_free(const struct frame_map *map, size_t start)
{
	size_t bit = next_free_bit(map, start + map->phase);

	return bit == FRAME_NONE ? FRAME_NONE : bit - map->phase;
}

static size_t take_from_block(struct frame_map *map, size_t block, size_t *out, size_t max)
{
	uint64_t *words = map->bits + block * BLOCK_WORDS;
	size_t taken = 0;

	for (size_t w = 0; w < BLOCK_WORDS && taken < max; w++) {
		uint64_t bits = words[w];
		size_t first = block * BLOCK_FRAMES + w * WORD_BITS - map->phase;

		for (; bits && taken < max; bits &= bits - 1)
			out[taken++] = first + (size_t)__builtin_ctzll(bits);
		words[w] = bits;
	}
	block_set_free(map, block, map->block_free[block] - taken);
	return taken;
}

size_t frame_map_take(struct frame_map *map, size_t *out, size_t max)
{
	size_t taken = 0;

	while (taken < max) {
		size_t block = bit_tree_next(&map->partial, 0);

		if (block == BIT_TREE_NONE)
			block = bit_tree_next(&map->whole, 0);
		if (block == BIT_TREE_NONE)
			break;
		taken += take_from_block(map, block, out + taken, max - taken);
	}
	return taken;
}

void frame_map_release(struct frame_map *map, size_t frame)
{
	size_t bit = frame + map->phase, block = bit / BLOCK_FRAMES;

	ASSERT(frame < map->frames && !bitmap_test(map->bits, bit));
	bitmap_set(map->bits, bit);
	if (likely(map->block_free[block] != 0 && map->block_free[block] != BLOCK_FRAMES - 1)) {
		map->block_free[block]++;
		map->free++;
		return;
	}
	block_set_free(map, block, map->block_free[block] + 1u);
}

/* --- runs -------------------------------------------------------------------------------------------- */

/* A number as the machine counts frames or blocks, rounded up, and back to ours. */
static size_t align_up_from(size_t number, size_t base, size_t align)
{
	return ALIGN_UP(number + base, align) - base;
}

/* `count` adjacent blocks that are free as a whole; the first bit. */
static size_t find_whole_blocks(const struct frame_map *map, size_t count, size_t align)
{
	size_t base = map->first_pfn / BLOCK_FRAMES, first = 0;

	for (;;) {
		size_t block = bit_tree_next(&map->whole, first), n = 1;

		if (block == BIT_TREE_NONE)
			return FRAME_NONE;
		first = align_up_from(block, base, align);
		if (first != block)
			continue;
		while (n < count && bit_tree_next(&map->whole, first + n) == first + n)
			n++;
		if (n == count)
			return first * BLOCK_FRAMES;
		first += n;
	}
}

/* A run between two bits. */
static size_t find_between(const struct frame_map *map, size_t from, size_t to, size_t count, size_t align)
{
	size_t base = map->first_pfn - map->phase;

	for (;;) {
		size_t end, busy;

		from = next_free_bit(map, from);
		if (from >= to)
			return FRAME_NONE;
		from = align_up_from(from, base, align);
		if (add_overflows(from, count, &end) || end > to)
			return FRAME_NONE;
		busy = bitmap_next_clear(map->bits, end, from);
		if (busy >= end)
			return from;
		from = busy + 1;
	}
}

/* A run within one block: in a broken one near the last, else at the start of a whole one. */
static size_t find_in_block(struct frame_map *map, size_t count, size_t align)
{
	size_t block = map->run_hint;

	for (unsigned tries = 0; tries < RUN_TRIES; tries++, block++) {
		size_t bit;

		block = bit_tree_next(&map->partial, block);
		if (block == BIT_TREE_NONE)
			break;
		if (map->block_free[block] < count)
			continue;
		bit = find_between(map, block * BLOCK_FRAMES, (block + 1) * BLOCK_FRAMES, count, align);
		if (bit != FRAME_NONE) {
			map->run_hint = block;
			return bit;
		}
	}
	/* Behind the last broken block the search starts over at the first. */
	map->run_hint = block == BIT_TREE_NONE ? 0 : block;
	block = bit_tree_next(&map->whole, 0);
	return block == BIT_TREE_NONE ? FRAME_NONE : block * BLOCK_FRAMES;
}

static size_t find_run(struct frame_map *map, size_t count, size_t align)
{
	size_t bit = FRAME_NONE;

	if (count > map->free)
		return FRAME_NONE;
	if (count % BLOCK_FRAMES == 0 && align % BLOCK_FRAMES == 0)
		return find_whole_blocks(map, count / BLOCK_FRAMES, align / BLOCK_FRAMES);
	if (count < BLOCK_FRAMES && align <= BLOCK_FRAMES)
		bit = find_in_block(map, count, align);
	if (bit == FRAME_NONE)
		bit = find_between(map, map->phase, map->phase + map->frames, count, align);
	return bit;
}

size_t frame_map_take_run(struct frame_map *map, size_t count, size_t align)
{
	size_t bit;

	ASSERT(count > 0 && align > 0 && (align & (align - 1)) == 0);
	bit = find_run(map, count, align);
	if (bit == FRAME_NONE)
		return FRAME_NONE;
	bitmap_clear_range(map->bits, bit, count);
	blocks_changed(map, bit, count, false);
	return bit - map->phase;
}

void frame_map_release_range(struct frame_map *map, size_t first, size_t count)
{
	size_t bit = first + map->phase;

	if (count == 0)
		return;
	ASSERT(first < map->frames && count <= map->frames - first);
	DEBUG_ASSERT(bitmap_next_set(map->bits, bit + count, bit) >= bit + count);
	bitmap_set_range(map->bits, bit, count);
	blocks_changed(map, bit, count, true);
}

/* --- statistics -------------------------------------------------------------------------------------- */

size_t frame_map_count_runs(const struct frame_map *map, size_t frame, uint64_t counts[FRAME_ORDERS])
{
	size_t base = map->first_pfn - map->phase, largest = 1ul << (FRAME_ORDERS - 1);
	size_t end = MIN(map->phase + map->frames,
			 ALIGN_DOWN(base + map->phase + frame, largest) + largest - base);
	size_t bit = next_free_bit(map, frame + map->phase);

	while (bit < end) {
		size_t run_end = bitmap_next_clear(map->bits, end, bit);

		while (bit < run_end) {
			unsigned order = FRAME_ORDERS - 1;

			while (!IS_ALIGNED(bit + base, 1ul << order) || run_end - bit < 1ul << order)
				order--;
			counts[order]++;
			bit += 1ul << order;
		}
		bit = next_free_bit(map, bit);
	}
	return end - map->phase;
}

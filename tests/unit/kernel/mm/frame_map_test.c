/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/frame_map.c kernel/mm/bit_tree.c kernel/lib/bitmap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/mm/frame_map.h"

#define MAX_BITS 300000

static struct frame_map map;
static void *memory;
static bool model[MAX_BITS]; /* free? */

/* `phase` is the first frame's place in the machine. */
static void make_at(size_t phase, size_t frames)
{
	free(memory);
	memory = malloc(frame_map_bytes(phase, frames));
	memset(memory, 0xaa, frame_map_bytes(phase, frames));
	frame_map_init(&map, phase, frames, memory);
	memset(model, 0, sizeof(model));
}

static void make_free_at(size_t phase, size_t frames)
{
	make_at(phase, frames);
	frame_map_release_range(&map, 0, frames);
	memset(model, 1, frames);
}

static void make(size_t frames)
{
	make_at(0, frames);
}

static void make_free(size_t frames)
{
	make_free_at(0, frames);
}

/* The counts of blocks, the two sets and the sum say what the bits say. */
static void check_blocks(void)
{
	size_t sum = 0, frame = 0;

	for (size_t block = 0; frame < map.frames; block++) {
		size_t end = (block + 1) * BLOCK_FRAMES - map.phase, set = 0;

		for (; frame < end && frame < map.frames; frame++) {
			assert_int_equal(frame_map_is_free(&map, frame), model[frame]);
			set += model[frame];
		}
		assert_int_equal(map.block_free[block], set);
		assert_int_equal(bit_tree_has(&map.whole, block), set == BLOCK_FRAMES);
		assert_int_equal(bit_tree_has(&map.partial, block), set > 0 && set < BLOCK_FRAMES);
		sum += set;
	}
	assert_int_equal(map.free, sum);
}

static void take_from_model(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		assert_true(model[i]);
		model[i] = false;
	}
}

static void starts_all_taken(void **state)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 4096, 4097, 262144, 262145 };
	size_t frame;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(sizes[i]);
		assert_int_equal(frame_map_next_free(&map, 0), FRAME_NONE);
		assert_int_equal(frame_map_take(&map, &frame, 1), 0);
		assert_int_equal(frame_map_take_run(&map, 1, 1), FRAME_NONE);
		check_blocks();
	}
}

static void hands_out_every_frame_once(void **state)
{
	size_t out[33], n, total = 0, bits = 70001;

	(void)state;
	make_free(bits);
	while ((n = frame_map_take(&map, out, 33)) > 0) {
		for (size_t i = 0; i < n; i++) {
			assert_true(model[out[i]]);
			model[out[i]] = false;
		}
		total += n;
	}
	assert_int_equal(total, bits);
	check_blocks();
}

static void takes_from_broken_blocks_first(void **state)
{
	size_t frame;

	(void)state;
	make(MAX_BITS);
	frame_map_release_range(&map, 0, 2 * BLOCK_FRAMES);
	frame_map_release(&map, 299999);
	frame_map_release(&map, 5000);
	assert_int_equal(frame_map_next_free(&map, 0), 0);
	assert_int_equal(frame_map_next_free(&map, 1024), 5000);
	assert_int_equal(frame_map_next_free(&map, 5001), 299999);
	assert_int_equal(frame_map_next_free(&map, MAX_BITS), FRAME_NONE);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 5000);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 299999);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 0);
	/* Now block 0 is broken, and goes on being used. */
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 1);
	assert_true(bit_tree_has(&map.whole, 1));
}

static void runs_are_adjacent_and_aligned(void **state)
{
	size_t first;

	(void)state;
	/* The zone begins one frame above a multiple of 16. */
	make_free_at(1, 1000);
	frame_map_release_range(&map, 0, 0);
	first = frame_map_take_run(&map, 3, 1);
	assert_int_equal(first, 0);
	first = frame_map_take_run(&map, 20, 16);
	assert_int_equal((first + 1) % 16, 0);
	assert_int_equal(first, 15);
	assert_int_equal(frame_map_take_run(&map, 12, 1), 3);
	assert_int_equal(frame_map_take_run(&map, 966, 1), FRAME_NONE);
	assert_int_equal(frame_map_take_run(&map, 965, 1), 35);
	assert_int_equal(map.free, 0);
	assert_int_equal(frame_map_take_run(&map, SIZE_MAX, 1), FRAME_NONE);
}

static void large_pages_are_aligned_blocks(void **state)
{
	size_t first;

	(void)state;
	make_free_at(0x12345, 10 * BLOCK_FRAMES); /* nine whole blocks, and two pieces */
	for (int i = 0; i < 9; i++) {
		first = frame_map_take_run(&map, BLOCK_FRAMES, BLOCK_FRAMES);
		assert_int_not_equal(first, FRAME_NONE);
		assert_int_equal((first + 0x12345) % BLOCK_FRAMES, 0);
		take_from_model(first, BLOCK_FRAMES);
	}
	assert_int_equal(frame_map_take_run(&map, BLOCK_FRAMES, BLOCK_FRAMES), FRAME_NONE);
	assert_int_equal(map.free, BLOCK_FRAMES);
	check_blocks();
	/* Two of them, aligned to two: the pair must begin at an even block of the machine. */
	make_free_at(BLOCK_FRAMES, 4 * BLOCK_FRAMES);
	first = frame_map_take_run(&map, 2 * BLOCK_FRAMES, 2 * BLOCK_FRAMES);
	assert_int_equal(first, BLOCK_FRAMES);
	assert_int_equal(frame_map_take_run(&map, 2 * BLOCK_FRAMES, 2 * BLOCK_FRAMES), FRAME_NONE);
}

/* Short runs do not break blocks while broken ones have room, even where frames come and go. */
static void short_runs_leave_blocks_whole(void **state)
{
	size_t runs[200], out[64], whole = 0;

	(void)state;
	make_free(64 * BLOCK_FRAMES);
	for (size_t i = 0; i < 200; i++) {
		runs[i] = frame_map_take_run(&map, 8, 1);
		assert_int_equal(frame_map_take(&map, out, 2), 2);
	}
	for (size_t block = 0; block < 64; block++)
		whole += bit_tree_has(&map.whole, block);
	assert_int_equal(whole, 64 - (200 * 10 + BLOCK_FRAMES - 1) / BLOCK_FRAMES);
	for (size_t i = 0; i < 200; i++)
		frame_map_release_range(&map, runs[i], 8);
	for (size_t i = 0; i < 150; i++)
		assert_true(frame_map_take_run(&map, 8, 1) < 5 * BLOCK_FRAMES);
}

/* A run is found wherever it lies, also across blocks and behind many that cannot have it. */
static void a_run_that_exists_is_found(void **state)
{
	size_t at = 90 * BLOCK_FRAMES - 50;

	(void)state;
	make(100 * BLOCK_FRAMES);
	for (size_t i = 0; i < 80 * BLOCK_FRAMES; i += 2)
		frame_map_release(&map, i);
	frame_map_release_range(&map, at, 100);
	assert_int_equal(frame_map_take_run(&map, 101, 1), FRAME_NONE);
	assert_int_equal(frame_map_take_run(&map, 100, 1), at);
	assert_int_equal(frame_map_take_run(&map, 2, 1), FRAME_NONE);
}

static void runs_are_counted_by_order(void **state)
{
	uint64_t counts[FRAME_ORDERS] = { 0 };
	size_t frame = 0, chunks = 0;

	(void)state;
	make_at(3, 5000);
	frame_map_release_range(&map, 0, 5);       /* pfn 3, 4-7 */
	frame_map_release_range(&map, 1021, 1030); /* pfn 1024 to 2047, and six more */
	frame_map_release(&map, 4999);             /* pfn 5002 */
	while (frame < map.frames) {
		frame = frame_map_count_runs(&map, frame, counts);
		chunks++;
	}
	assert_int_equal(chunks, 5);
	assert_int_equal(counts[0], 2);
	assert_int_equal(counts[1], 1); /* 2052 and 2053 */
	assert_int_equal(counts[2], 2); /* 4 to 7, 2048 to 2051 */
	assert_int_equal(counts[10], 1);
	for (unsigned order = 3; order < 10; order++)
		assert_int_equal(counts[order], 0);
}

static void random_use_agrees_with_a_model(void **state)
{
	size_t frames = 9000;

	(void)state;
	srandom(1);
	make_free_at(5, frames);
	for (int step = 0; step < 20000; step++) {
		size_t count = 1 + (size_t)random() % (random() % 50 ? 90 : 1100), first, out[8];
		size_t align = 1ul << (random() % (random() % 10 ? 5 : 11));

		switch (random() % 4) {
		case 0:
			first = frame_map_take_run(&map, count, align);
			if (first == FRAME_NONE)
				break;
			assert_int_equal((first + 5) % align, 0);
			take_from_model(first, count);
			break;
		case 1:
			count = frame_map_take(&map, out, 8);
			for (size_t i = 0; i < count; i++)
				take_from_model(out[i], 1);
			break;
		default:
			first = (size_t)random() % frames;
			for (count = 0; first + count < frames && count < 600 && !model[first + count];
			     count++)
				model[first + count] = true;
			if (count == 1)
				frame_map_release(&map, first);
			else
				frame_map_release_range(&map, first, count);
		}
		if (step % 500 == 0)
			check_blocks();
	}
	check_blocks();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_all_taken),
		cmocka_unit_test(hands_out_every_frame_once),
		cmocka_unit_test(takes_from_broken_blocks_first),
		cmocka_unit_test(runs_are_adjacent_and_aligned),
		cmocka_unit_test(large_pages_are_aligned_blocks),
		cmocka_unit_test(short_runs_leave_blocks_whole),
		cmocka_unit_test(a_run_that_exists_is_found),
		cmocka_unit_test(runs_are_counted_by_order),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(memory);
	return failed;
}

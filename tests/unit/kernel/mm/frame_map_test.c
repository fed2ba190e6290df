/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/frame_map.c kernel/lib/bitmap.c */
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

static void make(size_t bits)
{
	free(memory);
	memory = malloc(frame_map_bytes(bits));
	memset(memory, 0xaa, frame_map_bytes(bits));
	frame_map_init(&map, bits, memory);
	memset(model, 0, sizeof(model));
}

static void make_free(size_t bits)
{
	make(bits);
	frame_map_release_range(&map, 0, bits);
	memset(model, 1, bits);
}

/* Each upper bit says exactly whether the word below it is empty, and the count is right. */
static void check_levels(void)
{
	size_t set = 0;

	for (size_t i = 0; i < map.bits; i++) {
		assert_int_equal(frame_map_is_free(&map, i), model[i]);
		set += model[i];
	}
	assert_int_equal(map.free, set);
	for (unsigned level = 1; level < map.levels; level++) {
		for (size_t word = 0; word < map.words[level - 1]; word++)
			assert_int_equal((map.level[level][word / 64] >> (word % 64)) & 1,
					 map.level[level - 1][word] != 0);
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
		assert_int_equal(frame_map_take_run(&map, 1, 1, 0), FRAME_NONE);
		check_levels();
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
			assert_true(i == 0 || out[i] > out[i - 1]);
		}
		total += n;
	}
	assert_int_equal(total, bits);
	check_levels();
}

static void takes_the_lowest_first(void **state)
{
	size_t frame;

	(void)state;
	make(MAX_BITS);
	frame_map_release(&map, 299999);
	frame_map_release(&map, 70);
	frame_map_release(&map, 5000);
	assert_int_equal(frame_map_next_free(&map, 71), 5000);
	assert_int_equal(frame_map_next_free(&map, 5001), 299999);
	assert_int_equal(frame_map_next_free(&map, MAX_BITS), FRAME_NONE);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 70);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 5000);
	assert_int_equal(frame_map_take(&map, &frame, 1), 1);
	assert_int_equal(frame, 299999);
}

static void runs_are_adjacent_and_aligned(void **state)
{
	size_t first;

	(void)state;
	make_free(1000);
	frame_map_release_range(&map, 0, 0);
	first = frame_map_take_run(&map, 3, 1, 0);
	assert_int_equal(first, 0);
	/* The zone begins one frame above a multiple of 16. */
	first = frame_map_take_run(&map, 20, 16, 1);
	assert_int_equal((first + 1) % 16, 0);
	assert_int_equal(first, 15);
	assert_int_equal(frame_map_take_run(&map, 12, 1, 0), 3);
	assert_int_equal(frame_map_take_run(&map, 966, 1, 0), FRAME_NONE);
	assert_int_equal(frame_map_take_run(&map, 965, 1, 0), 35);
	assert_int_equal(map.free, 0);
	assert_int_equal(frame_map_take_run(&map, SIZE_MAX, 1, 0), FRAME_NONE);
}

static void random_use_agrees_with_a_model(void **state)
{
	size_t bits = 9000;

	(void)state;
	srandom(1);
	make_free(bits);
	for (int step = 0; step < 20000; step++) {
		size_t count = 1 + (size_t)random() % 90, align = 1ul << (random() % 5), first, out[8];

		switch (random() % 4) {
		case 0:
			first = frame_map_take_run(&map, count, align, 5);
			if (first == FRAME_NONE)
				break;
			assert_int_equal((first + 5) % align, 0);
			for (size_t i = first; i < first + count; i++) {
				assert_true(model[i]);
				model[i] = false;
			}
			break;
		case 1:
			count = frame_map_take(&map, out, 8);
			for (size_t i = 0; i < count; i++) {
				assert_true(model[out[i]]);
				model[out[i]] = false;
			}
			break;
		default:
			first = (size_t)random() % bits;
			for (count = 0; first + count < bits && count < 40 && !model[first + count]; count++)
				model[first + count] = true;
			if (count == 1)
				frame_map_release(&map, first);
			else
				frame_map_release_range(&map, first, count);
		}
		if (step % 500 == 0)
			check_levels();
	}
	check_levels();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_all_taken),
		cmocka_unit_test(hands_out_every_frame_once),
		cmocka_unit_test(takes_the_lowest_first),
		cmocka_unit_test(runs_are_adjacent_and_aligned),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(memory);
	return failed;
}

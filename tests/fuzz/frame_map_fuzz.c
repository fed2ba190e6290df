/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/frame_map.c kernel/mm/bit_tree.c kernel/lib/bitmap.c */
/* Any sequence of takes and releases hands out no frame twice and loses none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mm/frame_map.h"

#define FRAMES 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct frame_map map;
static uint64_t memory[4096];
static uint8_t taken[FRAMES];
static size_t free_frames;

static void must(int ok)
{
	if (!ok)
		abort();
}

static void take(size_t first, size_t count)
{
	must(first < FRAMES && count <= FRAMES - first);
	for (size_t i = first; i < first + count; i++)
		must(!taken[i]++);
	free_frames -= count;
}

static void release(size_t first, size_t most)
{
	size_t count = 0;

	while (first + count < FRAMES && count < most && taken[first + count])
		taken[first + count++] = 0;
	frame_map_release_range(&map, first, count);
	free_frames += count;
}

static void step(const uint8_t *in)
{
	size_t number = in[1] | (size_t)in[2] << 8, align = 1ul << in[3] % 12, first, out[32];

	if (in[0] % 3 == 0) {
		size_t n = frame_map_take(&map, out, number % 33);

		must(n == (number % 33 < free_frames ? number % 33 : free_frames));
		for (size_t i = 0; i < n; i++)
			take(out[i], 1);
	} else if (in[0] % 3 == 1) {
		first = frame_map_take_run(&map, number % 1100 + 1, align);
		if (first == FRAME_NONE)
			return;
		must((first + map.first_pfn) % align == 0);
		take(first, number % 1100 + 1);
	} else {
		release(number % FRAMES, (size_t)in[3] * 4 + 1);
	}
	must(map.free == free_frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first_pfn = size > 1 ? data[0] * 7ul : 0;

	must(frame_map_bytes(first_pfn, FRAMES) <= sizeof(memory));
	frame_map_init(&map, first_pfn, FRAMES, memory);
	memset(taken, 1, sizeof(taken));
	free_frames = 0;
	release(0, FRAMES);
	for (size_t at = 1; at + 4 <= size; at += 4)
		step(data + at);
	return 0;
}

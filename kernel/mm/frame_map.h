/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames of a zone are free.  One bit per frame, 1 = free; above it the frames are looked at in blocks
 * of 512, which are 2 MiB and aligned to 2 MiB: each block has a count of its free frames, and two sets, as
 * hierarchical bitmaps, hold the blocks that are free as a whole and those that are free in part.
 *
 * So a large page is found by one look-up and given back by one, and single frames and short runs come from
 * blocks that are broken already: whole ones stay whole as long as there is another way.
 *
 * Frames are numbered from 0 here; `first_pfn` is frame 0's number in the machine, by which things align.
 *
 * Pure: no lock, no allocation.  The caller provides both.
 */
#pragma once

#include "bit_tree.h"

#define FRAME_NONE   ((size_t)-1)
#define BLOCK_FRAMES 512ul
#define FRAME_ORDERS 11 /* runs of 1 to 1024 frames, as Linux counts them */

struct frame_map {
	size_t frames;
	size_t free;
	size_t first_pfn;
	size_t phase;            /* frame 0's place in its block */
	size_t run_hint;         /* the block in which the last short run was found */
	uint64_t *bits;          /* bit phase + n is frame n */
	uint16_t *block_free;    /* free frames of each block */
	struct bit_tree whole;   /* blocks that are free */
	struct bit_tree partial; /* blocks with free and taken frames */
};

/* Bytes of memory that a map needs. */
size_t frame_map_bytes(size_t first_pfn, size_t frames);
/* Lay the map out in `memory` (8-byte aligned, frame_map_bytes() long); every frame starts as taken. */
void frame_map_init(struct frame_map *map, size_t first_pfn, size_t frames, void *memory);

bool frame_map_is_free(const struct frame_map *map, size_t frame);
/* The first free frame at or after `start`, or FRAME_NONE. */
size_t frame_map_next_free(const struct frame_map *map, size_t start);

/* Take up to `max` free frames, those of broken blocks and low numbers first; returns how many were written
 * to `out`. */
size_t frame_map_take(struct frame_map *map, size_t *out, size_t max);
/* Give one taken frame back. */
void frame_map_release(struct frame_map *map, size_t frame);

/* Take `count` adjacent frames of which the first one's pfn is a multiple of `align` (a power of two).
 * Returns the first, or FRAME_NONE. */
size_t frame_map_take_run(struct frame_map *map, size_t count, size_t align);
/* Give a range of taken frames back. */
void frame_map_release_range(struct frame_map *map, size_t first, size_t count);

/* Add to counts[n] the free runs of 2^n aligned frames, each frame counted in its largest one, among the
 * 1024 frames, aligned to 1024, that hold `frame`.  Returns the first frame behind them. */
size_t frame_map_count_runs(const struct frame_map *map, size_t frame, uint64_t counts[FRAME_ORDERS]);

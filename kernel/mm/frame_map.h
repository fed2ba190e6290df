/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames of a zone are free: a hierarchical bitmap.  Level 0 has one bit per frame, 1 = free; a bit
 * of level n+1 says whether the 64-bit word below it has any bit set.  The top level is one word, so the
 * lowest free frame is found by counting trailing zeros once per level.
 *
 * Pure: no lock, no allocation.  The caller provides both.
 */
#pragma once

#include <kernel/compiler.h>

#define FRAME_MAP_LEVELS 6 /* 64^6 frames are 256 TiB */
#define FRAME_NONE       ((size_t)-1)

struct frame_map {
	size_t bits;
	size_t free; /* set bits of level 0 */
	unsigned levels;
	size_t words[FRAME_MAP_LEVELS];
	uint64_t *level[FRAME_MAP_LEVELS];
};

/* Bytes of memory that a map of `bits` frames needs. */
size_t frame_map_bytes(size_t bits);
/* Lay the map out in `memory` (8-byte aligned, frame_map_bytes() long); every frame starts as taken. */
void frame_map_init(struct frame_map *map, size_t bits, void *memory);

bool frame_map_is_free(const struct frame_map *map, size_t frame);
/* The first free frame at or after `start`, or FRAME_NONE. */
size_t frame_map_next_free(const struct frame_map *map, size_t start);

/* Take up to `max` free frames, lowest first; returns how many were written to `out`. */
size_t frame_map_take(struct frame_map *map, size_t *out, size_t max);
/* Give one taken frame back. */
void frame_map_release(struct frame_map *map, size_t frame);

/* Take `count` adjacent frames of which the first, plus `phase`, is a multiple of `align` (a power of
 * two).  Returns the first, or FRAME_NONE. */
size_t frame_map_take_run(struct frame_map *map, size_t count, size_t align, size_t phase);
/* Give a range of taken frames back. */
void frame_map_release_range(struct frame_map *map, size_t first, size_t count);

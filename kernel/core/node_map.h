/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which NUMA node an address belongs to: the whole address space cut into parts, each of one node.  What
 * lies between two ranges of the firmware belongs to the lower one, so that holes make no borders.  Pure.
 */
#pragma once

#include <kernel/topology.h>

#define NODE_MAP_PARTS 64

struct node_range {
	paddr_t base, end;
	unsigned node;
};

struct node_map {
	unsigned count; /* 0: everything is node 0 */
	struct {
		paddr_t start; /* rising, the first 0 */
		unsigned node; /* differs from the neighbours' */
	} parts[NODE_MAP_PARTS];
};

/* From ranges that do not overlap, in any order; sorts them.  More than fit: the last part goes on. */
void node_map_build(struct node_map *map, struct node_range *ranges, unsigned count);

/*
 * Cut `ram` (rising, node ignored) into one node for each of `sizes`, in order of address, and one more for
 * what is left; a node's border is a multiple of NODE_ALIGN.  Returns how many nodes have memory.
 */
#define NODE_ALIGN (2ul << 20)
unsigned node_map_split(struct node_map *map, const struct node_range *ram, unsigned count,
			const uint64_t *sizes, unsigned size_count);

unsigned node_map_find(const struct node_map *map, paddr_t pa);
/* Where the part that holds pa ends; PADDR_NONE: nowhere. */
paddr_t node_map_border(const struct node_map *map, paddr_t pa);

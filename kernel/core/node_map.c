/* SPDX-License-Identifier: BSD-2-Clause */
#include "node_map.h"

static void sort_ranges(struct node_range *ranges, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		struct node_range r = ranges[i];
		unsigned at = i;

		for (; at > 0 && ranges[at - 1].base > r.base; at--)
			ranges[at] = ranges[at - 1];
		ranges[at] = r;
	}
}

static void add_part(struct node_map *map, paddr_t start, unsigned node)
{
	if (map->count == NODE_MAP_PARTS || (map->count && map->parts[map->count - 1].node == node))
		return;
	map->parts[map->count].start = map->count ? start : 0;
	map->parts[map->count].node = node;
	map->count++;
}

void node_map_build(struct node_map *map, struct node_range *ranges, unsigned count)
{
	map->count = 0;
	sort_ranges(ranges, count);
	for (unsigned i = 0; i < count; i++)
		add_part(map, ranges[i].base, ranges[i].node);
}

unsigned node_map_split(struct node_map *map, const struct node_range *ram, unsigned count,
			const uint64_t *sizes, unsigned size_count)
{
	uint64_t wanted = size_count ? sizes[0] : UINT64_MAX;
	unsigned node = 0;

	map->count = 0;
	add_part(map, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		paddr_t at = ram[i].base;

		/* A node whose size ends inside this range; the last one never ends. */
		while (node < size_count && ram[i].end - at > wanted) {
			paddr_t border = ALIGN_UP(at + wanted, NODE_ALIGN);

			if (border >= ram[i].end)
				break;
			at = border;
			node++;
			add_part(map, at, node);
			wanted = node < size_count ? sizes[node] : UINT64_MAX;
		}
		wanted -= MIN(wanted, ram[i].end - at);
	}
	return node + 1;
}

static unsigned part_of(const struct node_map *map, paddr_t pa)
{
	unsigned i = map->count - 1;

	while (map->parts[i].start > pa)
		i--;
	return i;
}

unsigned node_map_find(const struct node_map *map, paddr_t pa)
{
	return map->count ? map->parts[part_of(map, pa)].node : 0;
}

paddr_t node_map_border(const struct node_map *map, paddr_t pa)
{
	unsigned next = map->count ? part_of(map, pa) + 1 : 0;

	return next < map->count ? map->parts[next].start : PADDR_NONE;
}

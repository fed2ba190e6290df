/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/core/topology_parse.c kernel/core/node_map.c kernel/lib/string.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/node_map.h"
#include "kernel/core/topology_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cpus(const struct topology_request *cpus)
{
	if (cpus->count == 0 || cpus->count > MAX_CPUS)
		abort();
	for (unsigned i = 0; i < cpus->count; i++) {
		const struct cpu_topology *cpu = &cpus->cpus[i];

		if (cpu->node >= MAX_NODES || cpu->package >= MAX_CPUS || cpu->core >= MAX_CPUS ||
		    cpu->core_id > cpu->core || cpu->llc >= MAX_CPUS || cpu->thread >= MAX_THREADS_PER_CORE ||
		    cpu->capacity == 0 || cpu->capacity > CAPACITY_FULL)
			abort();
	}
}

/* Any sizes: the parts rise from 0 and name nodes that there are. */
static void check_split(const struct numa_request *numa)
{
	static const struct node_range ram[] = { { 1u << 20, 3u << 30, 0 }, { 1ull << 32, 1ull << 34, 0 } };
	struct node_map map;
	unsigned nodes = node_map_split(&map, ram, ARRAY_SIZE(ram), numa->fake, numa->fake_count);

	if (nodes > MAX_NODES || map.count == 0 || map.parts[0].start != 0)
		abort();
	for (unsigned i = 0; i < map.count; i++) {
		if (map.parts[i].node >= nodes || (i && map.parts[i].start <= map.parts[i - 1].start))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topology_request cpus;
	struct numa_request numa;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (!topology_parse(text, &cpus))
		check_cpus(&cpus);
	if (!topology_parse_numa(text, &numa))
		check_split(&numa);
	free(text);
	return 0;
}

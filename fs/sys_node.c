/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/devices/system/node: NUMA nodes, their CPUs, memory and distances. */
#include "sysfs_priv.h"

#include <kernel/pmm.h>
#include <kernel/topology.h>

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

static uint32_t next_node(const struct sys_node *dir, uint32_t from)
{
	(void)dir;
	return from < topology_node_count() ? from : SYS_END;
}

/* --- one node ---------------------------------------------------------------------------------------- */

static void node_cpus(const struct sys_node *node, struct cpumask *out)
{
	topology_node_cpus(node->number[0], out);
}

static uint32_t next_cpu_of_node(const struct sys_node *dir, uint32_t from)
{
	struct cpumask mask;
	uint32_t cpu;

	node_cpus(dir, &mask);
	cpu = from < MAX_CPUS ? cpumask_next(&mask, from) : MAX_CPUS;
	return cpu < MAX_CPUS ? cpu : SYS_END;
}

static int show_cpu_link(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../cpu/cpu%u", node->number[1]);
}

static int show_distances(const struct sys_node *node, char *buf, size_t size)
{
	int n = 0;

	for (unsigned to = 0; to < topology_node_count(); to++)
		n += scnprintf(buf + n, size - (size_t)n, "%s%u", to ? " " : "",
			       topology_distance(node->number[0], to));
	return n + scnprintf(buf + n, size - (size_t)n, "\n");
}

/* Zones keep no account of who holds their frames, so a node shows what it has and what is free of it. */
struct node_memory {
	uint64_t total, free; /* frames; the free ones without those in CPUs' caches */
};

static struct node_memory memory_of(unsigned node)
{
	struct node_memory memory = { 0 };
	struct pmm_zone_stats zone;

	for (size_t i = 0; pmm_get_zone(i, &zone); i++) {
		if (zone.node != node)
			continue;
		memory.total += zone.managed;
		memory.free += zone.free;
	}
	return memory;
}

static int show_meminfo(const struct sys_node *node, char *buf, size_t size)
{
	struct node_memory m = memory_of(node->number[0]);
	uint32_t n = node->number[0];

	return scnprintf(buf, size,
			 "Node %u MemTotal:       %8lu kB\nNode %u MemFree:        %8lu kB\n"
			 "Node %u MemUsed:        %8lu kB\n",
			 n, m.total * KIB_PER_PAGE, n, m.free * KIB_PER_PAGE, n,
			 (m.total - m.free) * KIB_PER_PAGE);
}

static int show_vmstat(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "nr_free_pages %lu\n", memory_of(node->number[0]).free);
}

static const struct sys_entry node_files[] = {
	SYS_NUMBERED_LINK("cpu", next_cpu_of_node, show_cpu_link),
	SYS_LIST("cpulist", node_cpus),
	SYS_MAP("cpumap", node_cpus),
	SYS_FILE("distance", show_distances),
	SYS_FILE("meminfo", show_meminfo),
	SYS_FILE("vmstat", show_vmstat),
};
static const struct sys_table node_table = SYS_TABLE(node_files);

/* --- all of them, as sets of node numbers ------------------------------------------------------------ */

static void all_nodes(const struct sys_node *node, struct cpumask *out)
{
	(void)node;
	*out = (struct cpumask){ { 0 } };
	for (unsigned n = 0; n < topology_node_count(); n++)
		cpumask_set(out, n);
}

static void nodes_with_cpus(const struct sys_node *node, struct cpumask *out)
{
	struct cpumask mask;

	all_nodes(node, out);
	for (unsigned n = 0; n < topology_node_count(); n++) {
		topology_node_cpus(n, &mask);
		if (cpumask_empty(&mask))
			cpumask_clear(out, n);
	}
}

static void nodes_with_memory(const struct sys_node *node, struct cpumask *out)
{
	all_nodes(node, out);
	for (unsigned n = 0; n < topology_node_count(); n++) {
		if (!topology_node_has_memory(n))
			cpumask_clear(out, n);
	}
}

static const struct sys_entry entries[] = {
	SYS_LIST("has_cpu", nodes_with_cpus),
	SYS_LIST("has_memory", nodes_with_memory),
	SYS_LIST("has_normal_memory", nodes_with_memory),
	SYS_NUMBERED_DIR("node", next_node, node_table),
	SYS_LIST("online", all_nodes),
	SYS_LIST("possible", all_nodes),
};

const struct sys_table sys_node_table = SYS_TABLE(entries);

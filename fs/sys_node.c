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
static int show_meminfo(const struct sys_node *node, char *buf, size_t size)
{
	uint32_t n = node->number[0];
	struct pmm_node_stats m;

	pmm_get_node(n, &m);
	return scnprintf(buf, size,
			 "Node %u MemTotal:       %8lu kB\nNode %u MemFree:        %8lu kB\n"
			 "Node %u MemUsed:        %8lu kB\n",
			 n, m.total * KIB_PER_PAGE, n, m.free * KIB_PER_PAGE, n,
			 (m.total - m.free) * KIB_PER_PAGE);
}

static int show_vmstat(const struct sys_node *node, char *buf, size_t size)
{
	struct pmm_node_stats m;

	pmm_get_node(node->number[0], &m);
	return scnprintf(buf, size,
			 "nr_free_pages %lu\nnuma_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\n"
			 "numa_interleave %lu\nnuma_local %lu\nnuma_other %lu\n",
			 m.free, m.hit, m.miss, m.foreign, m.interleaved, m.local, m.other);
}

static int show_numastat(const struct sys_node *node, char *buf, size_t size)
{
	struct pmm_node_stats m;

	pmm_get_node(node->number[0], &m);
	return scnprintf(buf, size,
			 "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\ninterleave_hit %lu\n"
			 "local_node %lu\nother_node %lu\n",
			 m.hit, m.miss, m.foreign, m.interleaved, m.local, m.other);
}

static const struct sys_entry node_files[] = {
	SYS_NUMBERED_LINK("cpu", next_cpu_of_node, show_cpu_link),
	SYS_LIST("cpulist", node_cpus),
	SYS_MAP("cpumap", node_cpus),
	SYS_FILE("distance", show_distances),
	SYS_FILE("meminfo", show_meminfo),
	SYS_FILE("numastat", show_numastat),
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

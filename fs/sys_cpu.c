/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/devices/system/cpu: which CPUs there are, and each one's place and caches. */
#include "sysfs_priv.h"

#include <kernel/smp.h>
#include <kernel/topology.h>

#define CLUSTER_LEVEL 2 /* who shares a cache of this level is a cluster */

static uint32_t cpu_of(const struct sys_node *node)
{
	return node->number[0];
}

/* For `next`: the online CPUs. */
static uint32_t sys_next_cpu(const struct sys_node *dir, uint32_t from)
{
	uint32_t cpu = from < MAX_CPUS ? cpumask_next(&cpus_online, from) : MAX_CPUS;

	(void)dir;
	return cpu < MAX_CPUS ? cpu : SYS_END;
}

#define SHOW_NUMBER(name, value)                                                    \
	static int show_##name(const struct sys_node *node, char *buf, size_t size) \
	{                                                                           \
		return scnprintf(buf, size, "%u\n", (unsigned)(value));             \
	}

/* --- topology ---------------------------------------------------------------------------------------- */

SHOW_NUMBER(package, topology_of(cpu_of(node))->package)
SHOW_NUMBER(die, topology_of(cpu_of(node))->die)
SHOW_NUMBER(core, topology_of(cpu_of(node))->core_id)

static void core_cpus(const struct sys_node *node, struct cpumask *out)
{
	*out = *topology_peers(cpu_of(node), LEVEL_CORE);
}

static void package_cpus(const struct sys_node *node, struct cpumask *out)
{
	topology_package(cpu_of(node), out);
}

static void die_cpus(const struct sys_node *node, struct cpumask *out)
{
	topology_die(cpu_of(node), out);
}

/* The index of the cache that makes a cluster; without one each core is its own. */
static bool find_cluster(uint32_t cpu, unsigned *index)
{
	for (*index = 0; *index < topology_cache_count(cpu); ++*index) {
		if (topology_cache(cpu, *index)->level == CLUSTER_LEVEL)
			return true;
	}
	return false;
}

static void cluster_cpus(const struct sys_node *node, struct cpumask *out)
{
	unsigned index;

	if (find_cluster(cpu_of(node), &index))
		topology_cache_sharers(cpu_of(node), index, out);
	else
		core_cpus(node, out);
}

static int show_cluster(const struct sys_node *node, char *buf, size_t size)
{
	uint32_t cpu = cpu_of(node);
	unsigned index;
	bool found = find_cluster(cpu, &index);

	return scnprintf(buf, size, "%u\n", found ? topology_cache(cpu, index)->id : topology_of(cpu)->core);
}

/* The old names (siblings) beside the new ones (cpus), as on Linux. */
static const struct sys_entry topology_files[] = {
	SYS_MAP("cluster_cpus", cluster_cpus),
	SYS_LIST("cluster_cpus_list", cluster_cpus),
	SYS_FILE("cluster_id", show_cluster),
	SYS_MAP("core_cpus", core_cpus),
	SYS_LIST("core_cpus_list", core_cpus),
	SYS_FILE("core_id", show_core),
	SYS_MAP("core_siblings", package_cpus),
	SYS_LIST("core_siblings_list", package_cpus),
	SYS_MAP("die_cpus", die_cpus),
	SYS_LIST("die_cpus_list", die_cpus),
	SYS_FILE("die_id", show_die),
	SYS_MAP("package_cpus", package_cpus),
	SYS_LIST("package_cpus_list", package_cpus),
	SYS_FILE("physical_package_id", show_package),
	SYS_MAP("thread_siblings", core_cpus),
	SYS_LIST("thread_siblings_list", core_cpus),
};
static const struct sys_table topology_table = SYS_TABLE(topology_files);

/* --- caches ------------------------------------------------------------------------------------------ */

static const struct cpu_cache *cache_of(const struct sys_node *node)
{
	return topology_cache(node->number[0], node->number[1]);
}

static uint32_t next_cache(const struct sys_node *dir, uint32_t from)
{
	return from < topology_cache_count(cpu_of(dir)) ? from : SYS_END;
}

static bool has_caches(const struct sys_node *dir)
{
	return topology_cache_count(cpu_of(dir)) != 0;
}

static void cache_cpus(const struct sys_node *node, struct cpumask *out)
{
	topology_cache_sharers(node->number[0], node->number[1], out);
}

SHOW_NUMBER(cache_id, cache_of(node)->id)
SHOW_NUMBER(cache_level, cache_of(node)->level)
SHOW_NUMBER(cache_line, cache_of(node)->line)
SHOW_NUMBER(cache_partitions, cache_of(node)->partitions)
SHOW_NUMBER(cache_ways, cache_of(node)->ways)
SHOW_NUMBER(cache_sets, cache_of(node)->sets)

static int show_cache_size(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%luK\n", cache_size(cache_of(node)) >> 10);
}

static int show_cache_type(const struct sys_node *node, char *buf, size_t size)
{
	static const char *const names[] = {
		[CACHE_DATA] = "Data", [CACHE_INSTRUCTION] = "Instruction", [CACHE_UNIFIED] = "Unified"
	};

	return scnprintf(buf, size, "%s\n", names[cache_of(node)->type]);
}

static const struct sys_entry cache_files[] = {
	SYS_FILE("coherency_line_size", show_cache_line),
	SYS_FILE("id", show_cache_id),
	SYS_FILE("level", show_cache_level),
	SYS_FILE("number_of_sets", show_cache_sets),
	SYS_FILE("physical_line_partition", show_cache_partitions),
	SYS_LIST("shared_cpu_list", cache_cpus),
	SYS_MAP("shared_cpu_map", cache_cpus),
	SYS_FILE("size", show_cache_size),
	SYS_FILE("type", show_cache_type),
	SYS_FILE("ways_of_associativity", show_cache_ways),
};
static const struct sys_table cache_table = SYS_TABLE(cache_files);

static const struct sys_entry cache_dirs[] = { SYS_NUMBERED_DIR("index", next_cache, cache_table) };
static const struct sys_table caches_table = SYS_TABLE(cache_dirs);

/* --- one CPU ----------------------------------------------------------------------------------------- */

SHOW_NUMBER(capacity, topology_of(cpu_of(node))->capacity)

static uint32_t next_node(const struct sys_node *dir, uint32_t from)
{
	uint32_t node = topology_of(cpu_of(dir))->node;

	return from <= node ? node : SYS_END;
}

static int show_node_link(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../node/node%u", node->number[1]);
}

/* The first CPU, which cannot be taken out, has no such file on Linux. */
static bool is_not_first(const struct sys_node *dir)
{
	return cpu_of(dir) != 0;
}

static int show_online(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d\n", cpumask_test(&cpus_online, cpu_of(node)));
}

static const struct sys_entry cpu_files[] = {
	SYS_OPTIONAL_DIR("cache", has_caches, caches_table),
	SYS_FILE("cpu_capacity", show_capacity),
	SYS_OPTIONAL_DIR("cpufreq", sys_has_cpufreq, sys_cpufreq_table),
	SYS_DIR("cpuidle", sys_cpuidle_states),
	SYS_NUMBERED_LINK("node", next_node, show_node_link),
	{ .name = "online", .mode = S_IFREG | 0444, .present = is_not_first, .show = show_online },
	SYS_DIR("topology", topology_table),
};
static const struct sys_table cpu_table = SYS_TABLE(cpu_files);

/* --- all of them ------------------------------------------------------------------------------------- */

static void online_cpus(const struct sys_node *node, struct cpumask *out)
{
	(void)node;
	*out = cpus_online;
}

/* CPUs that did not start have no number, and none is taken out or kept apart. */
static void no_cpus(const struct sys_node *node, struct cpumask *out)
{
	(void)node;
	*out = (struct cpumask){ { 0 } };
}

static int show_kernel_max(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "%u\n", MAX_CPUS - 1);
}

static const struct sys_entry entries[] = {
	SYS_NUMBERED_DIR("cpu", sys_next_cpu, cpu_table),
	SYS_DIR("cpuidle", sys_cpuidle_table),
	SYS_LIST("isolated", no_cpus),
	SYS_FILE("kernel_max", show_kernel_max),
	SYS_LIST("offline", no_cpus),
	SYS_LIST("online", online_cpus),
	SYS_LIST("possible", online_cpus),
	SYS_LIST("present", online_cpus),
};

const struct sys_table sys_cpu_table = SYS_TABLE(entries);

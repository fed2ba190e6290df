/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUs' places: what each said of itself, or topology= on the command line, made into dense numbers and
 * sets of neighbours.
 *
 * found[] is written by each CPU for itself before it is online, everything else by topology_init_cpus() on
 * the boot CPU; then all is only read.  Levels nest: where the firmware's nodes cut through a core, the core
 * counts as its first thread's node; where they cut through a cache (sub-NUMA clusters), it counts as two.
 */
#include <kernel/topology.h>

#include <arch/cpu.h>
#include <arch/pmu.h>
#include <arch/topology.h>
#include <kernel/freq.h>
#include <kernel/printk.h>
#include <kernel/smp.h>

#include "topology_priv.h"

static struct cpu_description found[MAX_CPUS];
static struct cpu_topology table[MAX_CPUS] = { [0 ... MAX_CPUS - 1] = { .capacity = CAPACITY_FULL } };
static struct cpumask peers[LEVEL_SYSTEM][MAX_CPUS]; /* LEVEL_SYSTEM's are cpus_online */
static bool ready;                                   /* the tables above are filled in */

void topology_init_this_cpu(void)
{
	struct cpu_description *self = &found[arch_this_cpu()->id];

	arch_topology_detect(self);
	self->performance = freq_init_this_cpu();
	arch_pmu_init_cpu();
}

/* --- as found ---------------------------------------------------------------------------------------- */

static const struct cpu_cache *last_cache(uint32_t cpu)
{
	const struct cpu_description *d = &found[cpu];

	return d->cache_count ? &d->caches[d->cache_count - 1] : NULL;
}

static bool same_core(uint32_t a, uint32_t b)
{
	return found[a].package == found[b].package && found[a].core == found[b].core;
}

static bool same_llc(uint32_t a, uint32_t b)
{
	const struct cpu_cache *x = last_cache(a), *y = last_cache(b);

	if (found[a].package != found[b].package || table[a].node != table[b].node)
		return false;
	if (!x || !y)
		return x == y;
	return x->level == y->level && x->id == y->id;
}

static bool same_package(uint32_t a, uint32_t b)
{
	return found[a].package == found[b].package;
}

/* The number that an earlier CPU of the same group has, or the next free one. */
static uint16_t group_number(uint32_t cpu, bool (*same)(uint32_t, uint32_t), size_t field)
{
	uint16_t next = 0;

	for (uint32_t other = 0; other < cpu; other++) {
		uint16_t number = *(const uint16_t *)((const char *)&table[other] + field);

		if (same(cpu, other))
			return number;
		next = MAX(next, (uint16_t)(number + 1));
	}
	return next;
}

static uint16_t find_node(uint32_t cpu)
{
	unsigned node;

	for (uint32_t other = 0; other < cpu; other++) {
		if (same_core(cpu, other))
			return table[other].node;
	}
	return topology_node_of_apic(found[cpu].hardware_id, &node) ? (uint16_t)node : 0;
}

static uint16_t find_capacity(uint32_t cpu, uint32_t fastest)
{
	if (!found[cpu].performance || !fastest)
		return CAPACITY_FULL;
	return (uint16_t)MAX(found[cpu].performance * CAPACITY_FULL / fastest, 1u);
}

static void place_as_found(uint32_t cpu, uint32_t fastest)
{
	struct cpu_topology *t = &table[cpu];

	t->package = group_number(cpu, same_package, offsetof(struct cpu_topology, package));
	t->core = group_number(cpu, same_core, offsetof(struct cpu_topology, core));
	t->core_id = (uint16_t)found[cpu].core;
	t->die = (uint16_t)found[cpu].die;
	t->thread = (uint16_t)found[cpu].thread;
	t->type = found[cpu].type;
	t->capacity = find_capacity(cpu, fastest);
	t->node = find_node(cpu);
	t->llc = group_number(cpu, same_llc, offsetof(struct cpu_topology, llc));
}

static void place_all_as_found(void)
{
	uint32_t fastest = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		fastest = MAX(fastest, found[cpu].performance);
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		place_as_found(cpu, fastest);
}

/* --- as the command line has it ---------------------------------------------------------------------- */

/* Caches keep their sizes and get the sharers that the description implies: two levels for the core, the
 * rest for all of package and node. */
static void share_caches(uint32_t cpu)
{
	for (unsigned i = 0; i < found[cpu].cache_count; i++) {
		struct cpu_cache *c = &found[cpu].caches[i];

		c->id = c->level <= 2 ? table[cpu].core : table[cpu].llc;
	}
}

/* A CPU that the description forgot: a core by itself in the last package. */
static void place_extra(uint32_t cpu)
{
	const struct cpu_topology *last = &table[cpu - 1];
	uint16_t core_id = 0;

	for (uint32_t other = 0; other < cpu; other++) {
		if (table[other].package == last->package)
			core_id = MAX(core_id, (uint16_t)(table[other].core_id + 1));
	}
	table[cpu] = (struct cpu_topology){
		.package = last->package,
		.core = (uint16_t)(last->core + 1),
		.core_id = core_id,
		.llc = last->llc,
		.node = last->node,
		.capacity = CAPACITY_FULL,
		.type = CORE_PERFORMANCE,
	};
}

static void place_all_as_described(const struct topology_request *described)
{
	if (cpu_count > described->count)
		pr_warn("topology: %u CPUs run, but topology= describes %u; the others are single P cores",
			cpu_count, described->count);
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		if (cpu < described->count)
			table[cpu] = described->cpus[cpu];
		else
			place_extra(cpu);
		share_caches(cpu);
	}
}

/* --- the sets ---------------------------------------------------------------------------------------- */

/* numa=fake says nothing about CPUs: whole cores are dealt out evenly. */
static void deal_out_nodes(void)
{
	unsigned nodes = topology_node_count(), cores = table[0].core;

	for (uint32_t cpu = 1; cpu < cpu_count; cpu++)
		cores = MAX(cores, table[cpu].core);
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		table[cpu].node = (uint16_t)(table[cpu].core * nodes / (cores + 1));
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		table[cpu].llc = group_number(cpu, same_llc, offsetof(struct cpu_topology, llc));
}

static bool shares(const struct cpu_topology *a, const struct cpu_topology *b, enum topology_level level)
{
	switch (level) {
	case LEVEL_CORE:
		return a->core == b->core;
	case LEVEL_CACHE:
		return a->llc == b->llc;
	case LEVEL_NODE:
		return a->node == b->node;
	case LEVEL_SYSTEM:
	case LEVEL_COUNT:
		break;
	}
	return true;
}

static void build_peers(uint32_t cpu)
{
	for (unsigned level = LEVEL_CORE; level < LEVEL_SYSTEM; level++) {
		cpumask_for_each(other, &cpus_online)
		{
			if (shares(&table[cpu], &table[other], level))
				cpumask_set(&peers[level][cpu], other);
		}
	}
}

static void announce(void)
{
	unsigned packages = 0, cores = 0, caches = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		packages = MAX(packages, table[cpu].package + 1u);
		cores = MAX(cores, table[cpu].core + 1u);
		caches = MAX(caches, table[cpu].llc + 1u);
	}
	pr_info("topology: %u CPUs, %u cores, %u last-level caches, %u packages, %u nodes%s", cpu_count,
		cores, caches, packages, topology_node_count(), topology_hybrid() ? ", hybrid" : "");
}

void topology_init_cpus(void)
{
	const struct topology_request *described = topology_described();

	if (described->count)
		place_all_as_described(described);
	else
		place_all_as_found();
	if (topology_nodes_faked() && !described->count)
		deal_out_nodes();
	cpumask_for_each(cpu, &cpus_online) build_peers(cpu);
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	announce();
}

/* --- asking ------------------------------------------------------------------------------------------ */

const struct cpu_topology *topology_of(uint32_t cpu)
{
	return &table[cpu];
}

const struct cpumask *topology_peers(uint32_t cpu, enum topology_level level)
{
	if (level >= LEVEL_SYSTEM || !__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return &cpus_online;
	return &peers[level][cpu];
}

bool topology_hybrid(void)
{
	for (uint32_t cpu = 1; cpu < cpu_count; cpu++) {
		if (table[cpu].type != table[0].type)
			return true;
	}
	return false;
}

void topology_package(uint32_t cpu, struct cpumask *out)
{
	*out = (struct cpumask){ { 0 } };
	cpumask_for_each(other, &cpus_online)
	{
		if (table[other].package == table[cpu].package)
			cpumask_set(out, other);
	}
}

void topology_die(uint32_t cpu, struct cpumask *out)
{
	*out = (struct cpumask){ { 0 } };
	cpumask_for_each(other, &cpus_online)
	{
		if (table[other].package == table[cpu].package && table[other].die == table[cpu].die)
			cpumask_set(out, other);
	}
}

unsigned topology_cache_count(uint32_t cpu)
{
	return found[cpu].cache_count;
}

const struct cpu_cache *topology_cache(uint32_t cpu, unsigned index)
{
	return &found[cpu].caches[index];
}

static bool has_cache(uint32_t cpu, const struct cpu_cache *wanted)
{
	for (unsigned i = 0; i < found[cpu].cache_count; i++) {
		const struct cpu_cache *c = &found[cpu].caches[i];

		if (c->level == wanted->level && c->type == wanted->type && c->id == wanted->id)
			return true;
	}
	return false;
}

void topology_cache_sharers(uint32_t cpu, unsigned index, struct cpumask *out)
{
	*out = (struct cpumask){ { 0 } };
	cpumask_for_each(other, &cpus_online)
	{
		if (has_cache(other, &found[cpu].caches[index]))
			cpumask_set(out, other);
	}
}

void topology_node_cpus(unsigned node, struct cpumask *out)
{
	*out = (struct cpumask){ { 0 } };
	cpumask_for_each(cpu, &cpus_online)
	{
		if (table[cpu].node == node)
			cpumask_set(out, cpu);
	}
}

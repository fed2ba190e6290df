/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the CPUs and the memory hang together: what the scheduler places by, what the allocator prefers and
 * what /sys/devices/system/{cpu,node} and /proc/cpuinfo show.
 *
 * Found from CPUID (each CPU describes itself as it starts), SRAT and SLIT; `topology=` on the command line
 * overrides the CPUs, so that hybrid and NUMA code runs where the machine has neither.  Its grammar:
 *
 *	topology=GROUP[,GROUP...]    CPUs in the order of their ids
 *	GROUP = COUNT ("P" | "E") ["x" THREADS] ["@" PACKAGE] ["/" NODE]
 *
 * COUNT cores of a kind, THREADS each (default 1), in PACKAGE (default 0) and NODE (default 0).  Example:
 * topology=2Px2,4E is two hyper-threaded performance cores and four efficient ones: 8 CPUs.
 *
 *	numa=off                     one node, whatever the firmware says
 *	numa=fake=SIZE[,SIZE...]     RAM in order of address, SIZE (with K, M or G) for each node; what
 *	                             is left is one more.  CPUs are dealt out evenly unless topology= names
 *	                             their nodes
 */
#pragma once

#include <kernel/cpumask.h>

#define MAX_NODES 16

enum core_type {
	CORE_PERFORMANCE, /* also every core of a machine that is not hybrid */
	CORE_EFFICIENT,
};

struct cpu_topology {
	uint16_t package;
	uint16_t die;      /* of its package */
	uint16_t core;     /* unique in the machine */
	uint16_t core_id;  /* as its package numbers it */
	uint16_t thread;   /* of its core */
	uint16_t llc;      /* CPUs with the same number share their last-level cache */
	uint16_t node;     /* NUMA */
	uint16_t capacity; /* compared with the fastest CPU, which has CAPACITY_FULL */
	enum core_type type;
};
#define CAPACITY_FULL 1024

enum cache_type { /* as CPUID and Linux number them */
		  CACHE_DATA = 1,
		  CACHE_INSTRUCTION,
		  CACHE_UNIFIED,
};

struct cpu_cache {
	uint8_t level;
	uint8_t type; /* enum cache_type */
	uint16_t line, partitions, ways;
	uint32_t sets; /* size = line * partitions * ways * sets */
	uint32_t id;   /* who has the same id at the same level and type shares it */
};
#define MAX_CACHES 6

static inline uint64_t cache_size(const struct cpu_cache *c)
{
	return (uint64_t)c->line * c->partitions * c->ways * c->sets;
}

/* From the narrowest on; a wider level contains the narrower ones. */
enum topology_level {
	LEVEL_CORE,  /* the threads of one core */
	LEVEL_CACHE, /* one last-level cache */
	LEVEL_NODE,
	LEVEL_SYSTEM,
	LEVEL_COUNT,
};

/* Boot: memory and node distances from SRAT and SLIT (or numa= on the command line), before the frame
 * allocator; each CPU's own description, on it, before it is online; and the whole, when all have started. */
void topology_init_memory(void);
void topology_init_this_cpu(void);
void topology_init_cpus(void);

/* Everything below is read-only after topology_init_cpus(); before it every CPU looks like CPU 0's neighbour
 * on a machine of one level. */
const struct cpu_topology *topology_of(uint32_t cpu);
/* The online CPUs that share `level` with this one, itself included. */
const struct cpumask *topology_peers(uint32_t cpu, enum topology_level level);
bool topology_hybrid(void);
/* The online CPUs of the same package, and of the same die. */
void topology_package(uint32_t cpu, struct cpumask *out);
void topology_die(uint32_t cpu, struct cpumask *out);
/* The CPU's caches, from the nearest on, and who shares one. */
unsigned topology_cache_count(uint32_t cpu);
const struct cpu_cache *topology_cache(uint32_t cpu, unsigned index);
void topology_cache_sharers(uint32_t cpu, unsigned index, struct cpumask *out);
/* The online CPUs of a node. */
void topology_node_cpus(unsigned node, struct cpumask *out);

unsigned topology_node_count(void);
/* The node of a physical address: 0 where nothing is known; what lies between two ranges of the firmware's
 * table belongs to the lower one. */
unsigned topology_node_of(paddr_t pa);
/* The first address above pa that belongs to another node; PADDR_NONE: none. */
paddr_t topology_node_border(paddr_t pa);
bool topology_node_has_memory(unsigned node);
/* As SLIT: 10 is local. */
unsigned topology_distance(unsigned from, unsigned to);

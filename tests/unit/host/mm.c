/* SPDX-License-Identifier: BSD-2-Clause */
/* What the allocators ask of the rest of the kernel: one node, nothing to reclaim, no other CPU that could be
 * interrupted.  All of it is weak, so that a test may bring its own. */
#include <string.h>

#include <arch/paging.h>
#include <kernel/cmdline.h>
#include <kernel/ksyms.h>
#include <kernel/random.h>
#include <kernel/smp.h>
#include <kernel/topology.h>

#include "kernel/mm/reclaim_priv.h"

#define WEAK __attribute__((weak))

WEAK paddr_t arch_phys_end(void)
{
	return 1ull << 47;
}

WEAK void arch_clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

WEAK const struct cpu_topology *topology_of(uint32_t cpu)
{
	static const struct cpu_topology same = { .capacity = CAPACITY_FULL };

	(void)cpu;
	return &same;
}

WEAK unsigned topology_node_of(paddr_t pa)
{
	(void)pa;
	return 0;
}

WEAK paddr_t topology_node_border(paddr_t pa)
{
	(void)pa;
	return PADDR_NONE;
}

WEAK unsigned topology_distance(unsigned from, unsigned to)
{
	return from == to ? 10 : 20;
}

WEAK bool cmdline_has(const char *name)
{
	(void)name;
	return false;
}

WEAK uint64_t random_u64(void)
{
	return 0x123456789abcdef1ull;
}

WEAK void random_bytes(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

WEAK const char *ksym_lookup(uintptr_t addr, uintptr_t *offset)
{
	(void)addr, (void)offset;
	return NULL;
}

WEAK void smp_call(const struct cpumask *targets, void (*fn)(void *arg), void *arg)
{
	(void)targets;
	fn(arg);
}

WEAK void shrinker_register(struct shrinker *shrinker)
{
	(void)shrinker;
}

WEAK bool reclaim_may_wait(void)
{
	return false;
}

WEAK bool reclaim_now(size_t pages)
{
	(void)pages;
	return false;
}

WEAK void reclaim_poll(void) {}

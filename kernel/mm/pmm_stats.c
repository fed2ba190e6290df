/* SPDX-License-Identifier: BSD-2-Clause */
/* Aegis, physical frames: how many there are and what they are used for. */
#include <kernel/pmm.h>

#include "pmm_priv.h"
#include "zone.h"

_Static_assert(PMM_ORDERS == FRAME_ORDERS, "one counts for the other");

static void add_cpu(struct pmm_stats *out, int64_t used[PAGE_USES], const struct frame_cache *c)
{
	for (unsigned use = PAGE_FREE + 1; use < PAGE_USES; use++)
		used[use] += READ_ONCE(c->used[use]);
	out->allocated += READ_ONCE(c->allocated);
	out->free_in_caches += READ_ONCE(c->count) + READ_ONCE(c->zeroed_count) + READ_ONCE(c->away_count);
}

void pmm_get_stats(struct pmm_stats *out)
{
	int64_t used[PAGE_USES] = { 0 };
	uint64_t all_used = 0;

	*out = (struct pmm_stats){ .total_pages = zones_managed(), .free_in_zones = zones_free() };
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		add_cpu(out, used, &frame_caches[cpu]);
	for (unsigned use = PAGE_FREE + 1; use < PAGE_USES; use++) {
		out->used[use] = (uint64_t)MAX(used[use], 0);
		all_used += out->used[use];
	}
	out->free_pages = out->total_pages - MIN(all_used, out->total_pages);
	out->used[PAGE_FREE] = out->free_pages;
	out->freed = out->allocated - MIN(all_used, out->allocated);
}

/* A piece of the bitmap at a time, so that the lock is never held for long. */
static void count_runs(struct zone *z, uint64_t runs[FRAME_ORDERS])
{
	for (size_t frame = 0; frame < z->map.frames;) {
		uint64_t irq = spin_lock_irqsave(&z->lock);

		frame = frame_map_count_runs(&z->map, frame, runs);
		spin_unlock_irqrestore(&z->lock, irq);
	}
}

static const char *zone_name(const struct zone *z)
{
	return z->base < ZONE_32BIT_END ? "DMA32" : "Normal";
}

bool pmm_get_zone(size_t index, struct pmm_zone_stats *out)
{
	struct zone *z = &zones[index];

	if (index >= zone_count)
		return false;
	*out = (struct pmm_zone_stats){
		.name = zone_name(z),
		.node = z->node,
		.start_pfn = z->base >> PAGE_SHIFT,
		.spanned = z->length >> PAGE_SHIFT,
		.present = z->present,
		.managed = atomic_load_explicit(&z->managed, memory_order_relaxed),
		.free = READ_ONCE(z->map.free),
		.reserve = zone_reserve(z),
	};
	count_runs(z, out->runs);
	return true;
}

unsigned pmm_zones_in(paddr_t base, uint64_t bytes, const char **name, uint32_t *nodes)
{
	unsigned count = 0;

	*name = NULL;
	*nodes = 0;
	for (const struct zone *z = zones; z < zones_end; z++) {
		if (z->base >= base + bytes || z->base + z->length <= base)
			continue;
		*name = zone_name(z);
		*nodes |= 1u << z->node;
		count++;
	}
	return count;
}

paddr_t pmm_memory_end(void)
{
	const struct zone *last = zones_end - 1;

	return last->base + last->length;
}

/* What lies in one CPU's cache, and what it took from its near zones. */
static void add_cpu_to_node(struct pmm_node_stats *out, unsigned node, uint32_t cpu)
{
	const struct frame_cache *c = &frame_caches[cpu];
	uint64_t near = READ_ONCE(c->allocated) - READ_ONCE(c->elsewhere);

	out->free += READ_ONCE(c->away_of[node]);
	if (READ_ONCE(c->home) != node)
		return;
	out->free += READ_ONCE(c->count) + READ_ONCE(c->zeroed_count);
	out->hit += near;
	if (topology_of(cpu)->node == node)
		out->local += near;
	else
		out->other += near;
}

void pmm_get_node(unsigned node, struct pmm_node_stats *out)
{
	const struct node_events *e = &node_events[node];

	*out = (struct pmm_node_stats){
		.hit = atomic_load_explicit(&e->hit, memory_order_relaxed),
		.miss = atomic_load_explicit(&e->miss, memory_order_relaxed),
		.foreign = atomic_load_explicit(&e->foreign, memory_order_relaxed),
		.interleaved = atomic_load_explicit(&e->interleaved, memory_order_relaxed),
		.local = atomic_load_explicit(&e->local, memory_order_relaxed),
		.other = atomic_load_explicit(&e->other, memory_order_relaxed),
	};
	for (unsigned i = 0; i < zone_count; i++) {
		if (zones[i].node != node)
			continue;
		out->total += atomic_load_explicit(&zones[i].managed, memory_order_relaxed);
		out->free += READ_ONCE(zones[i].map.free);
	}
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		add_cpu_to_node(out, node, cpu);
}

size_t pmm_total_memory(void)
{
	return zones_managed() << PAGE_SHIFT;
}

size_t pmm_free_memory(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	return stats.free_pages << PAGE_SHIFT;
}

/* The zones alone mostly have it; only what is short makes a look at every CPU's counts worth while. */
bool pmm_free_beyond(size_t bytes)
{
	return likely(zones_free() << PAGE_SHIFT > bytes) || pmm_free_memory() > bytes;
}

size_t pmm_used_memory(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	return (stats.total_pages - stats.free_pages) << PAGE_SHIFT;
}

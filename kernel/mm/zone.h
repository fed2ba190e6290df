/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: zones, runs of RAM of one NUMA node without large holes, none across 4 GiB.  Each has its
 * bitmap and its array of struct page, both inside RAM and reached through the direct map, so that they work
 * before the final page tables exist and cost no TLB entries of their own.
 */
#pragma once

#include <kernel/pmm.h>
#include <kernel/spinlock.h>
#include <kernel/topology.h>

#include "frame_map.h"

#define MAX_ZONES 32
/* Never handed out: firmware writes below it, and starting another processor needs a page of it. */
#define LOW_MEMORY_END (1ull << 20)
#define ZONE_32BIT_END (1ull << 32)

struct boot_info;

struct zone {
	paddr_t base;             /* [i] */
	size_t length;            /* [i] bytes, holes included */
	struct page *pages;       /* [i] one per frame */
	uint32_t node;            /* [i] */
	uint64_t present;         /* [i] frames of RAM, the kernel's and firmware's tables included */
	_Atomic uint64_t managed; /* ever handed to the allocator */
	struct spinlock lock;
	struct frame_map map; /* [lock]; map.free is read without it where a guess will do */
};

extern struct zone zones[MAX_ZONES]; /* [i] by address; count [i] */
extern unsigned zone_count;
extern struct zone *zones_end; /* [i] behind the last; there is at least one */

/* The order in which a node's CPUs try the zones: by distance, and above 4 GiB first. [i] */
extern uint8_t zone_order[MAX_NODES][MAX_ZONES];
/* The zones that a node's CPUs call their own, bit by index: the nearest node's that has any. [i] */
extern uint32_t zones_near[MAX_NODES];

/* Build the zones of a memory map and hand them the usable regions. */
void zones_init(const struct boot_info *bi);
/* Hand a page-aligned range within one zone to the allocator. */
void zone_add_range(struct zone *zone, paddr_t base, size_t length);

/* Frames that were handed to the allocator, and that lie in no CPU's cache and in no use. */
uint64_t zones_managed(void);
uint64_t zones_free(void);

/* Frames of a zone that are not for programs: 1/256 of it, 16 MiB at most. */
static inline uint64_t zone_reserve(const struct zone *z)
{
	return MIN(atomic_load_explicit(&z->managed, memory_order_relaxed) / 256, 4096ul);
}

/* The zone that spans pa, or NULL. */
static inline struct zone *zone_of(paddr_t pa)
{
	struct zone *z = zones;

	do {
		if (likely(pa - z->base < z->length))
			return z;
	} while (++z < zones_end);
	return NULL;
}

/* page_of() for the fast paths of mm. */
static inline struct page *zone_page_of(paddr_t pa)
{
	struct zone *z = zones;

	do {
		paddr_t offset = pa - z->base;

		if (likely(offset < z->length))
			return &z->pages[offset >> PAGE_SHIFT];
	} while (++z < zones_end);
	return NULL;
}

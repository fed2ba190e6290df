/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: zones, runs of RAM without large holes, none across 4 GiB.  Each has its bitmap and its
 * array of struct page, both inside RAM and reached through the direct map, so that they work before the
 * final page tables exist and cost no TLB entries of their own.
 */
#pragma once

#include <kernel/pmm.h>
#include <kernel/spinlock.h>

#include "frame_map.h"

#define MAX_ZONES 32
/* Never handed out: firmware writes below it, and starting another processor needs a page of it. */
#define LOW_MEMORY_END (1ull << 20)
#define ZONE_32BIT_END (1ull << 32)

struct boot_info;

struct zone {
	paddr_t base;       /* [i] */
	size_t length;      /* [i] bytes, holes included */
	struct page *pages; /* [i] one per frame */
	struct spinlock lock;
	struct frame_map map; /* [lock] */
};

extern struct zone zones[MAX_ZONES]; /* [i] by address; count [i] */
extern unsigned zone_count;
extern _Atomic uint64_t frames_managed; /* ever handed to the allocator */

/* Build the zones of a memory map and hand them the usable regions. */
void zones_init(const struct boot_info *bi);
/* The zone that spans pa, or NULL. */
static inline struct zone *zone_of(paddr_t pa)
{
	for (struct zone *z = zones; z < zones + zone_count; z++) {
		if (likely(pa - z->base < z->length))
			return z;
	}
	return NULL;
}

/* page_of() for the fast paths of mm. */
static inline struct page *zone_page_of(paddr_t pa)
{
	for (struct zone *z = zones; z < zones + zone_count; z++) {
		paddr_t offset = pa - z->base;

		if (likely(offset < z->length))
			return &z->pages[offset >> PAGE_SHIFT];
	}
	return NULL;
}

/* Hand a page-aligned range within one zone to the allocator. */
void zone_add_range(struct zone *zone, paddr_t base, size_t length);

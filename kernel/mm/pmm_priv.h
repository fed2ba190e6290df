/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to the frame allocator: each CPU's cache of free frames and its counters. */
#pragma once

#include <arch/cpu.h>
#include <kernel/pmm.h>
#include <kernel/topology.h>

#define CACHE_BATCH 32
#define CACHE_MAX   128 /* frames of a list; above it a batch goes back */
#define AWAY_MAX    (2 * CACHE_BATCH)

/* Touched by its own CPU with interrupts off; others read the numbers.  Free pages are linked through
 * page.owner; page.aux holds their address, so that the fast path need not compute it. */
struct frame_cache {
	struct page *head;   /* of near zones, contents unknown */
	struct page *zeroed; /* of near zones, known to be cleared: page tables come back so */
	struct page *away; /* of other nodes' zones: on their way back, or taken because the near have none */
	uint32_t count, zeroed_count, away_count;
	uint32_t near;              /* this node's zones, bit by index; 0 before the first refill */
	uint64_t allocated;         /* frames, ever */
	int64_t used[PAGE_USES];    /* taken minus freed here: one CPU's may be negative, the sum is exact */
	uint64_t elsewhere;         /* of `allocated`: not for this CPU's node from its near zones */
	uint8_t home;               /* the near zones' node */
	uint8_t away_of[MAX_NODES]; /* away_count by node */
} __aligned(64);

/* What `elsewhere` counts, by node.  Whoever counts here has taken a zone's lock. */
struct node_events {
	_Atomic uint64_t hit, miss, foreign, interleaved, local, other; /* as in struct pmm_node_stats */
};
extern struct node_events node_events[MAX_NODES];

extern struct frame_cache frame_caches[MAX_CPUS];
extern bool pmm_zero_on_free; /* [i] after start-up */

static inline struct frame_cache *this_cache(void)
{
	return &frame_caches[arch_this_cpu()->id];
}

/* What programs fill as they like: it leaves the last frames of each zone to the kernel, which needs some to
 * run, and to end programs, when memory is full. */
static inline bool is_for_programs(enum page_use use)
{
	return use == PAGE_ANON || use == PAGE_CACHE || use == PAGE_SECURE;
}

/* Count frames that node `got` gave where `wanted` was the first choice.  Interrupts are off. */
void count_taken(struct frame_cache *c, unsigned n, unsigned wanted, unsigned got);
/* One frame of the near zones, if those are of `node` and have one. */
paddr_t frame_take_near(enum page_use use, unsigned node);
/* Give the frames of this CPU's cache back to the zones. */
void frame_cache_drain(void);

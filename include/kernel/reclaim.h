/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis under pressure.  Whoever keeps memory only to be faster registers a shrinker.
 *
 * When free memory falls below a low watermark a kernel thread, kreclaim, shrinks until it is above a high
 * one.  An allocation that finds nothing shrinks by itself first, in the contexts that may sleep: interrupts
 * on, preemption on (so no spinlock is held), not in an interrupt.  Elsewhere it fails at once and leaves
 * the work to kreclaim.  Each CPU's cache of free frames is emptied by the same occasions.
 *
 * One at a time shrinks, kreclaim or an allocation, and whoever comes next begins with what that one found:
 * else an allocation could fail while another's frames are on their way.
 */
#pragma once

#include <kernel/types.h>

struct shrinker {
	const char *name;
	/* About how many frames scan() could free.  Any context that may sleep; takes no mutex. */
	size_t (*count)(void);
	/* Free about `pages` frames, the least useful things first; returns how many were freed, as far as
	 * it knows.  May sleep.  One scan at a time, but for those that take mutexes. */
	size_t (*scan)(size_t pages);
	/* [i] scan() takes mutexes: it is asked only by who holds none.  The others take them by
	 * mutex_trylock at most, for the caller may hold any.  Spinlocks are always fine. */
	bool takes_mutexes;
	struct shrinker *next; /* [i] reclaim's own */
};

/* For good; the one registered last is asked first.  Any context. */
void shrinker_register(struct shrinker *shrinker);

/* Frames that all shrinkers together could free. */
size_t reclaimable_pages(void);
/* Free what all of them have, and every CPU's frame cache: for tests, and for measuring what is left. */
void reclaim_everything(void);

struct reclaim_stats {
	uint64_t stalls;                         /* allocations that had to reclaim by themselves */
	uint64_t stolen_direct, stolen_kreclaim; /* frames freed */
	uint64_t min_pages, low_pages, high_pages;
};
void reclaim_get_stats(struct reclaim_stats *out);

/* Start kreclaim; before it allocations that fail just fail. */
void reclaim_init(void);

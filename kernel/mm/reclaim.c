/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Getting memory back from those who keep it to be faster: the rules are in kernel/reclaim.h.
 *
 * A shrinker is asked for a share of what it has, a quarter at first, then half, then all, until enough came
 * free: so all of them give in proportion, and what is used least goes first in each.
 */
#include "reclaim_priv.h"

#include <arch/cpu.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/time.h>

#include "pmm_priv.h"
#include "zone.h"

#define FIRST_SHARE 2 /* as a shift: a quarter */
#define PAUSE_NS    (100 * NSEC_PER_MSEC)

static _Atomic(struct shrinker *) shrinkers;
/* One at a time reclaims; the others wait for what it finds, which is in the zones then. */
static struct mutex reclaim_lock = MUTEX_INIT(reclaim_lock, "reclaim", RANK_RECLAIM);
static struct waitqueue kreclaim_queue = WAITQUEUE_INIT(kreclaim_queue);
static _Atomic bool kreclaim_ready, wanted;
static _Atomic uint64_t stalls, stolen_direct, stolen_kreclaim;

void shrinker_register(struct shrinker *shrinker)
{
	shrinker->next = atomic_load(&shrinkers);
	while (!atomic_compare_exchange_weak(&shrinkers, &shrinker->next, shrinker))
		;
}

/* --- watermarks -------------------------------------------------------------------------------------- */

static uint64_t min_pages(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < zone_count; i++)
		sum += zone_reserve(&zones[i]);
	return sum;
}

static bool is_low(void)
{
	return zones_free() < 2 * min_pages();
}

/* --- shrinking --------------------------------------------------------------------------------------- */

/* Those that take mutexes, or the others: a share of what they have. */
static size_t shrink_by(unsigned shift, size_t pages, bool takes_mutexes)
{
	size_t freed = 0;

	for (struct shrinker *s = atomic_load(&shrinkers); s && freed < pages; s = s->next) {
		size_t count = s->takes_mutexes == takes_mutexes ? s->count() : 0;

		if (count > 0)
			freed += s->scan(MAX(count >> shift, MIN(count, (size_t)CACHE_BATCH)));
	}
	return freed;
}

/* The caller may hold any mutex. */
static size_t shrink_locked(size_t pages)
{
	size_t freed = 0;

	for (unsigned shift = FIRST_SHARE + 1; shift-- > 0 && freed < pages;)
		freed += shrink_by(shift, pages - freed, false);
	return freed;
}

size_t reclaimable_pages(void)
{
	size_t sum = 0;

	for (struct shrinker *s = atomic_load(&shrinkers); s; s = s->next)
		sum += s->count();
	return sum;
}

static void drain_here(void *unused)
{
	(void)unused;
	frame_cache_drain();
}

/* Every CPU's free frames go back to the zones.  The context may wait. */
static void frame_caches_drain_all(void)
{
	smp_call(&CPUMASK_ALL, drain_here, NULL);
}

/* The caller holds no lock: all shrinkers may be asked for a share. */
static size_t shrink_all(unsigned shift, size_t pages)
{
	size_t freed = shrink_by(shift, pages, true);

	mutex_lock(&reclaim_lock);
	freed += shrink_by(shift, pages, false);
	frame_caches_drain_all();
	mutex_unlock(&reclaim_lock);
	return freed;
}

void reclaim_everything(void)
{
	while (shrink_all(0, SIZE_MAX) > 0)
		;
}

/* --- on behalf of an allocation ---------------------------------------------------------------------- */

bool reclaim_may_wait(void)
{
	return arch_irqs_enabled() && arch_preempt_count() == 0 && arch_this_cpu()->irq_depth == 0 &&
	       atomic_load_explicit(&kreclaim_ready, memory_order_relaxed);
}

bool reclaim_now(size_t pages)
{
	uint64_t before;
	size_t freed = 0;

	if (!reclaim_may_wait()) {
		atomic_store_explicit(&wanted, true, memory_order_relaxed);
		return false;
	}
	if (mutex_held(&reclaim_lock)) /* a shrinker's own allocation */
		return false;
	before = zones_free();
	mutex_lock(&reclaim_lock);
	atomic_fetch_add_explicit(&stalls, 1, memory_order_relaxed);
	frame_caches_drain_all();
	if (zones_free() < before + pages) {
		freed = shrink_locked(pages);
		atomic_fetch_add_explicit(&stolen_direct, freed, memory_order_relaxed);
		frame_caches_drain_all();
	}
	mutex_unlock(&reclaim_lock);
	return freed > 0 || zones_free() > before;
}

void reclaim_poll(void)
{
	if (likely(!atomic_load_explicit(&wanted, memory_order_relaxed) && !is_low()))
		return;
	atomic_store_explicit(&wanted, true, memory_order_relaxed);
	/* Where no lock is held; a caller that holds one leaves the waking to the next that does not. */
	if (reclaim_may_wait())
		wake_up(&kreclaim_queue);
}

/* --- in the background ------------------------------------------------------------------------------- */

/* A quarter of all, then half, then everything, until there is enough; again while it helps. */
static void reclaim_to_high(void)
{
	uint64_t high = 3 * min_pages();
	size_t freed;

	do {
		freed = 0;
		for (unsigned shift = FIRST_SHARE + 1; shift-- > 0 && zones_free() < high;)
			freed += shrink_all(shift, high - zones_free());
		atomic_fetch_add_explicit(&stolen_kreclaim, freed, memory_order_relaxed);
	} while (freed > 0 && zones_free() < high);
}

static void kreclaim(void *unused)
{
	(void)unused;
	for (;;) {
		wait_event(&kreclaim_queue, atomic_load_explicit(&wanted, memory_order_relaxed));
		atomic_store_explicit(&wanted, false, memory_order_relaxed);
		reclaim_to_high();
		/* Nothing helped: not at once again. */
		if (is_low())
			(void)sleep_until(time_now_ns() + PAUSE_NS, false);
	}
}

void reclaim_get_stats(struct reclaim_stats *out)
{
	out->stalls = atomic_load(&stalls);
	out->stolen_direct = atomic_load(&stolen_direct);
	out->stolen_kreclaim = atomic_load(&stolen_kreclaim);
	out->min_pages = min_pages();
	out->low_pages = 2 * out->min_pages;
	out->high_pages = 3 * out->min_pages;
}

void reclaim_init(void)
{
	if (!kthread_create("kreclaim", kreclaim, NULL))
		panic("no memory for kreclaim");
	atomic_store(&kreclaim_ready, true);
}

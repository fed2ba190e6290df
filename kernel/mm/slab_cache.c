/* SPDX-License-Identifier: BSD-2-Clause */
/* Aegis, kernel objects: caches as a whole.  Making and ending them, getting memory back, statistics. */
#include <kernel/slab.h>

#include <arch/cpu.h>
#include <kernel/assert.h>
#include <kernel/cmdline.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/smp.h>

#include "reclaim_priv.h"
#include "slab_debug.h"
#include "slab_priv.h"

#define CACHE_LINE    64ul
#define MAX_RUN_PAGES 8
#define SMALL_OBJECT  512 /* above it the struct slab lies outside */

static struct slab_cache caches[SLAB_CACHES_MAX];
static _Atomic uint32_t cache_count; /* places ever used */
static struct spinlock caches_lock = SPINLOCK_INIT("slab caches", RANK_SLAB_CACHES);
struct slab_cache *slab_headers;
bool slab_zero_on_free;

/* --- layout ------------------------------------------------------------------------------------------ */

static size_t usable_bytes(const struct slab_cache *cache)
{
	return slab_run_bytes(cache) - (cache->header_outside ? 0 : sizeof(struct slab));
}

/* The shortest run that wastes at most an eighth, or the longest allowed. */
static void choose_run(struct slab_cache *cache)
{
	for (cache->run_pages = 1;; cache->run_pages *= 2) {
		size_t rest = usable_bytes(cache) % cache->stride;

		cache->per_slab = (uint32_t)(usable_bytes(cache) / cache->stride);
		if (cache->per_slab > 0 &&
		    (rest * 8 <= slab_run_bytes(cache) || cache->run_pages == MAX_RUN_PAGES))
			return;
		if (cache->run_pages == MAX_RUN_PAGES)
			panic("slab %s: objects of %zu bytes are too large", cache->name, cache->object_size);
	}
}

static void choose_colours(struct slab_cache *cache, size_t align)
{
	cache->colour_step = MAX(align, CACHE_LINE);
	cache->colours =
		(uint32_t)((usable_bytes(cache) - cache->per_slab * cache->stride) / cache->colour_step) + 1;
}

static uint32_t magazine_limit(size_t size)
{
	return size <= 256 ? MAGAZINE_SIZE : size <= 1024 ? 8 : 4;
}

/* --- making and ending ------------------------------------------------------------------------------- */

static struct slab_cache *free_place_locked(void)
{
	uint32_t i = 0;

	while (i < SLAB_CACHES_MAX && caches[i].name)
		i++;
	if (i == SLAB_CACHES_MAX)
		return NULL;
	caches[i] = (struct slab_cache){ .index = i };
	return &caches[i];
}

struct slab_cache *slab_create(const char *name, size_t object_size, size_t align)
{
	uint64_t secret = random_u64(), irq = spin_lock_irqsave(&caches_lock);
	struct slab_cache *cache = free_place_locked();

	ASSERT(cache && object_size > 0 && (align & (align - 1)) == 0 && align <= PAGE_SIZE);
	align = MAX(align, sizeof(uint64_t) * (SLAB_REDZONE ? 2 : 1));
	cache->name = name;
	cache->object_size = ALIGN_UP(object_size, align);
	cache->stride = ALIGN_UP(cache->object_size + SLAB_REDZONE, align);
	cache->header_outside = cache->stride > SMALL_OBJECT;
	cache->limit = magazine_limit(object_size);
	cache->secret = secret;
	spin_init(&cache->lock, "slab", RANK_SLAB);
	list_init(&cache->full);
	list_init(&cache->partial);
	list_init(&cache->empty);
	choose_run(cache);
	choose_colours(cache, align);
	if (cache->index >= atomic_load_explicit(&cache_count, memory_order_relaxed))
		atomic_store_explicit(&cache_count, cache->index + 1, memory_order_release);
	spin_unlock_irqrestore(&caches_lock, irq);
	return cache;
}

void slab_set_reclaimable(struct slab_cache *cache)
{
	cache->reclaimable = true;
}

/* The n-th place, or NULL past the last. */
static struct slab_cache *nth_place(size_t n)
{
	return n < atomic_load_explicit(&cache_count, memory_order_acquire) ? &caches[n] : NULL;
}

static void flush_magazine_here(void *cache)
{
	slab_flush_magazine(cache);
}

/* --- getting memory back ----------------------------------------------------------------------------- */

/* The headers' cache, the first, comes last here and below: the others free headers. */
static void flush_magazines_here(void *unused)
{
	(void)unused;
	for (size_t i = atomic_load(&cache_count); i-- > 0;) {
		if (READ_ONCE(caches[i].name))
			slab_flush_magazine(&caches[i]);
	}
}

size_t slab_reap(void)
{
	size_t pages = 0;

	if (reclaim_may_wait())
		smp_call(&CPUMASK_ALL, flush_magazines_here, NULL);
	else
		flush_magazines_here(NULL);
	for (size_t i = atomic_load(&cache_count); i-- > 1;) {
		if (READ_ONCE(caches[i].name))
			pages += slab_release_empty(&caches[i]);
	}
	slab_flush_magazine(slab_headers);
	return pages + slab_release_empty(slab_headers);
}

/* Objects that lie free in magazines; approximate while other CPUs run. */
static uint64_t magazines_hold(const struct slab_cache *cache)
{
	uint64_t n = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		struct magazine *row = READ_ONCE(magazine_rows[cpu]);

		if (row)
			n += READ_ONCE(row[cache->index].count);
	}
	return n;
}

/* What lies idle, as if it lay together. */
static size_t shrinker_count(void)
{
	struct slab_cache *cache;
	size_t pages = 0;

	for (size_t i = 0; (cache = nth_place(i)); i++) {
		if (!READ_ONCE(cache->name))
			continue;
		pages += READ_ONCE(cache->empty_count) * cache->run_pages;
		pages +=
			(magazines_hold(cache) + READ_ONCE(cache->depot_count)) * cache->stride >> PAGE_SHIFT;
	}
	return pages;
}

static size_t shrinker_scan(size_t pages)
{
	(void)pages;
	return slab_reap();
}

void slab_init(void)
{
	static struct shrinker shrinker = { .name = "slab", .count = shrinker_count, .scan = shrinker_scan };
	uint64_t irq = arch_irq_save();

	slab_zero_on_free = cmdline_has("init_on_free");
	if (!slab_make_row())
		panic("memory: no room for the first CPU's magazines");
	arch_irq_restore(irq);
	slab_headers = slab_create("slab", sizeof(struct slab), 0);
	kmalloc_init();
	shrinker_register(&shrinker);
}

/* --- statistics -------------------------------------------------------------------------------------- */

static void get_stats(struct slab_cache *cache, struct slab_stats *out)
{
	uint64_t irq = spin_lock_irqsave(&cache->lock), idle;

	idle = MIN(magazines_hold(cache) + cache->depot_count, cache->taken);
	*out = (struct slab_stats){
		.name = cache->name,
		.object_size = cache->object_size,
		.objects_used = cache->taken - idle,
		.objects_total = cache->slabs * cache->per_slab,
		.objects_per_slab = cache->per_slab,
		.pages_per_slab = cache->run_pages,
		.slabs = cache->slabs,
		.slabs_empty = cache->empty_count,
		.pages = cache->slabs * cache->run_pages,
		.magazine = cache->limit,
		.reclaimable = cache->reclaimable,
	};
	spin_unlock_irqrestore(&cache->lock, irq);
}

bool slab_get_stats(size_t index, struct slab_stats *out)
{
	struct slab_cache *cache;

	for (size_t i = 0; (cache = nth_place(i)); i++) {
		if (!READ_ONCE(cache->name))
			continue;
		if (index-- == 0) {
			get_stats(cache, out);
			return true;
		}
	}
	return false;
}

/* Log how many objects are in use; debug builds add how many each place in the code took. */
static void slab_report(struct slab_cache *cache)
{
	struct slab_sites sites = { 0 };
	struct slab_stats stats;
	struct slab *slab;
	uint64_t irq;

	get_stats(cache, &stats);
	if (stats.objects_used == 0)
		return;
	pr_notice("slab %s: %lu of %lu objects in use, %lu KiB", stats.name, stats.objects_used,
		  stats.objects_total, stats.pages * (PAGE_SIZE / 1024));
	irq = spin_lock_irqsave(&cache->lock);
	list_for_each (slab, &cache->full, link)
		slab_debug_add_sites(&sites, slab);
	list_for_each (slab, &cache->partial, link)
		slab_debug_add_sites(&sites, slab);
	spin_unlock_irqrestore(&cache->lock, irq);
	slab_debug_print_sites(&sites);
}

size_t slab_destroy_cache(struct slab_cache *cache)
{
	uint64_t irq, left;

	smp_call(&CPUMASK_ALL, flush_magazine_here, cache);
	(void)slab_release_empty(cache);
	left = cache->taken;
	if (left > 0) {
		slab_report(cache);
		return left; /* it stays: its memory is in use */
	}
	irq = spin_lock_irqsave(&caches_lock);
	WRITE_ONCE(cache->name, NULL);
	spin_unlock_irqrestore(&caches_lock, irq);
	return 0;
}

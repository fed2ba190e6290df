/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, kernel objects of one size: taking and giving back.
 *
 * A cache owns slabs: runs of frames cut into objects, with a free list through the free ones.  In front
 * of the slabs each CPU has a magazine per cache, a small stack of free objects that only it touches, with
 * interrupts off: the common allocation pops one, the common free pushes one, no lock.  An empty magazine is
 * filled, a full one emptied by half, under the cache's lock, through the depot: a stack of free objects
 * where what one CPU frees waits for another that allocates.  Only what the depot cannot give or hold costs
 * work on the slabs.
 *
 * The struct slab lies at the end of its run when objects are small, else in a cache of its own.  Every
 * frame of a run names its cache and slab in struct page, which is how kfree finds them.
 *
 * Free-list links are XORed with a secret and their own address: overwriting one does not give an attacker
 * an allocation at an address of choice.
 */
#include <kernel/slab.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/kasan.h>
#include <kernel/pmm.h>
#include <kernel/string.h>

#include "slab_debug.h"
#include "slab_priv.h"

#define SPARE_SLABS 2 /* empty slabs that a cache keeps */

struct magazine *magazine_rows[MAX_CPUS];

static inline void *link_decode(const struct slab_cache *cache, uintptr_t raw, uintptr_t at)
{
	return (void *)(raw ^ cache->secret ^ __builtin_bswap64(at));
}

static inline uintptr_t link_encode(const struct slab_cache *cache, void *object, uintptr_t at)
{
	return (uintptr_t)object ^ cache->secret ^ __builtin_bswap64(at);
}

static void slab_push(struct slab *slab, void *object)
{
	void *next = link_decode(slab->cache, slab->free, (uintptr_t)&slab->free);

	*(uintptr_t *)object = link_encode(slab->cache, next, (uintptr_t)object);
	slab->free = link_encode(slab->cache, object, (uintptr_t)&slab->free);
}

static void *slab_pop(struct slab *slab)
{
	void *object = link_decode(slab->cache, slab->free, (uintptr_t)&slab->free);
	void *next = link_decode(slab->cache, *(uintptr_t *)object, (uintptr_t)object);

	slab->free = link_encode(slab->cache, next, (uintptr_t)&slab->free);
	return object;
}

static inline struct page *page_of_object(const void *object)
{
	return page_of(virt_to_phys(object));
}

/* --- slabs ------------------------------------------------------------------------------------------ */

static paddr_t run_alloc(const struct slab_cache *cache)
{
	if (cache->run_pages == 1)
		return pmm_alloc(PAGE_SLAB, 0);
	return pmm_alloc_contiguous(cache->run_pages, 1, PAGE_SLAB, 0);
}

static void run_free(const struct slab_cache *cache, void *memory)
{
	if (cache->run_pages == 1)
		pmm_free(virt_to_phys(memory));
	else
		pmm_free_contiguous(virt_to_phys(memory), cache->run_pages);
}

static size_t next_colour(struct slab_cache *cache)
{
	uint64_t irq = spin_lock_irqsave(&cache->lock);
	size_t offset = cache->colour * cache->colour_step;

	cache->colour = cache->colour + 1 < cache->colours ? cache->colour + 1 : 0;
	spin_unlock_irqrestore(&cache->lock, irq);
	return offset;
}

/* A new slab with all objects free; holds no lock, so that the header's cache can be another one. */
static struct slab *slab_make(struct slab_cache *cache)
{
	paddr_t pa = run_alloc(cache);
	struct slab *slab;
	struct page *page;
	char *memory;

	if (pa == PADDR_NONE)
		return NULL;
	memory = phys_to_virt(pa);
	slab = (struct slab *)(memory + slab_run_bytes(cache)) - 1;
	if (cache->header_outside) {
		slab = slab_alloc(slab_headers);
		if (!slab) {
			run_free(cache, memory);
			return NULL;
		}
	}
	page = page_of(pa);
	for (uint32_t i = 0; i < cache->run_pages; i++) {
		page[i].owner = cache;
		page[i].aux = slab;
	}
	slab->cache = cache;
	slab->memory = memory;
	slab->used = 0;
	slab->free = link_encode(cache, NULL, (uintptr_t)&slab->free);
	slab->first = memory + next_colour(cache);
	for (uint32_t i = cache->per_slab; i-- > 0;) {
		slab_debug_poison(slab_object(slab, i), cache->object_size);
		kasan_poison(slab_object(slab, i), cache->stride, KASAN_REDZONE);
		slab_push(slab, slab_object(slab, i));
	}
	return slab;
}

static void slab_destroy(struct slab *slab)
{
	struct slab_cache *cache = slab->cache;
	void *memory = slab->memory;

	if (cache->header_outside)
		slab_free(slab_headers, slab);
	run_free(cache, memory);
}

static void add_empty_locked(struct slab_cache *cache, struct slab *slab)
{
	list_add_head(&cache->empty, &slab->link);
	cache->empty_count++;
}

/* A slab to take from: one in use already, else an empty one. */
static struct slab *pick_slab_locked(struct slab_cache *cache)
{
	struct slab *slab;

	if (!list_empty(&cache->partial))
		return list_first(&cache->partial, struct slab, link);
	if (list_empty(&cache->empty))
		return NULL;
	slab = list_first(&cache->empty, struct slab, link);
	list_del(&slab->link);
	cache->empty_count--;
	list_add_head(&cache->partial, &slab->link);
	return slab;
}

/* Put an object back into its slab.  Returns the slab if it is now one empty slab too many. */
static struct slab *return_object_locked(struct slab_cache *cache, void *object)
{
	struct slab *slab = page_of_object(object)->aux;

	ASSERT(slab->cache == cache && slab->used > 0);
	slab_push(slab, object);
	cache->taken--;
	if (slab->used-- == cache->per_slab) {
		list_del(&slab->link);
		list_add_head(&cache->partial, &slab->link);
	}
	if (slab->used > 0)
		return NULL;
	list_del(&slab->link);
	if (cache->empty_count >= SPARE_SLABS) {
		cache->slabs--;
		return slab;
	}
	add_empty_locked(cache, slab);
	return NULL;
}

/* --- magazines, interrupts off ---------------------------------------------------------------------- */

static inline struct magazine *this_magazine(const struct slab_cache *cache)
{
	struct magazine *row = magazine_rows[arch_this_cpu()->id];

	return row ? &row[cache->index] : NULL;
}

static void take_from_slabs_locked(struct slab_cache *cache, struct magazine *m, uint64_t want)
{
	struct slab *slab;

	while (m->count < want && (slab = pick_slab_locked(cache))) {
		m->objects[m->count++] = slab_pop(slab);
		cache->taken++;
		if (++slab->used == cache->per_slab) {
			list_del(&slab->link);
			list_add_head(&cache->full, &slab->link);
		}
	}
}

/* Move free objects into an empty magazine, up to half of what it holds.  False: there is none. */
static bool magazine_fill(struct slab_cache *cache, struct magazine *m)
{
	uint64_t want = (cache->limit + 1) / 2;

	spin_lock(&cache->lock);
	if (cache->depot_count > 0) {
		m->count = MIN(want, (uint64_t)cache->depot_count);
		cache->depot_count -= (uint32_t)m->count;
		memcpy(m->objects, &cache->depot[cache->depot_count], m->count * sizeof(m->objects[0]));
	} else {
		take_from_slabs_locked(cache, m, want);
	}
	spin_unlock(&cache->lock);
	return m->count > 0;
}

static void return_to_slabs_locked(struct slab_cache *cache, void **objects, uint64_t n, struct list *doomed)
{
	for (uint64_t i = 0; i < n; i++) {
		struct slab *surplus = return_object_locked(cache, objects[i]);

		if (surplus)
			list_add_tail(doomed, &surplus->link);
	}
}

static void slabs_destroy(struct list *doomed)
{
	struct slab *slab, *next;

	list_for_each_safe (slab, next, doomed, link)
		slab_destroy(slab);
}

/* Give up the n oldest objects: to the depot as far as it has room, else to their slabs. */
static void magazine_drain(struct slab_cache *cache, struct magazine *m, uint64_t n)
{
	struct list doomed = LIST_INIT(doomed);
	uint64_t kept;

	spin_lock(&cache->lock);
	kept = MIN(n, (uint64_t)(DEPOT_SIZE - cache->depot_count));
	memcpy(&cache->depot[cache->depot_count], m->objects, kept * sizeof(m->objects[0]));
	cache->depot_count += (uint32_t)kept;
	return_to_slabs_locked(cache, m->objects + kept, n - kept, &doomed);
	spin_unlock(&cache->lock);
	m->count -= n;
	memmove(m->objects, m->objects + n, m->count * sizeof(m->objects[0]));
	slabs_destroy(&doomed);
}

void slab_flush_magazine(struct slab_cache *cache)
{
	uint64_t irq = arch_irq_save();
	struct magazine *m = this_magazine(cache);
	struct list doomed = LIST_INIT(doomed);

	if (m && m->count > 0) {
		spin_lock(&cache->lock);
		return_to_slabs_locked(cache, m->objects, m->count, &doomed);
		spin_unlock(&cache->lock);
		m->count = 0;
	}
	arch_irq_restore(irq);
	slabs_destroy(&doomed);
}

size_t slab_release_empty(struct slab_cache *cache)
{
	struct list doomed = LIST_INIT(doomed);
	uint64_t slabs, irq = spin_lock_irqsave(&cache->lock);

	slabs = cache->slabs;
	return_to_slabs_locked(cache, cache->depot, cache->depot_count, &doomed);
	cache->depot_count = 0;
	cache->slabs -= cache->empty_count;
	cache->empty_count = 0;
	list_splice_tail(&doomed, &cache->empty);
	slabs -= cache->slabs;
	spin_unlock_irqrestore(&cache->lock, irq);
	slabs_destroy(&doomed);
	return slabs * cache->run_pages;
}

bool slab_make_row(void)
{
	size_t pages = ALIGN_UP(sizeof(struct magazine) * SLAB_CACHES_MAX, PAGE_SIZE) / PAGE_SIZE;
	paddr_t pa = pmm_alloc_contiguous(pages, 1, PAGE_SLAB, PMM_ZERO);

	if (pa == PADDR_NONE)
		return false;
	magazine_rows[arch_this_cpu()->id] = phys_to_virt(pa);
	return true;
}

/* --- objects ---------------------------------------------------------------------------------------- */

static void *take_from_slabs(struct slab_cache *cache)
{
	struct magazine *m = this_magazine(cache);

	if (!m) {
		if (!slab_make_row())
			return NULL;
		m = this_magazine(cache);
	}
	/* Other CPUs may take a new slab's objects before this one does: then another slab is made. */
	while (!magazine_fill(cache, m)) {
		struct slab *slab = slab_make(cache);

		if (!slab)
			return NULL;
		spin_lock(&cache->lock);
		cache->slabs++;
		add_empty_locked(cache, slab);
		spin_unlock(&cache->lock);
	}
	return m->objects[--m->count];
}

static void return_to_slabs(struct slab_cache *cache, void *object)
{
	struct magazine *m = this_magazine(cache);

	if (!m) {
		struct magazine one = { .count = 1, .objects = { object } };

		if (!slab_make_row()) {
			magazine_drain(cache, &one, 1);
			return;
		}
		m = this_magazine(cache);
	}
	if (m->count >= cache->limit)
		magazine_drain(cache, m, m->count - cache->limit / 2);
	m->objects[m->count++] = object;
}

/* These turn interrupts on again themselves: they are the last that their callers do, which so need not save
 * registers for them on the way that is taken nearly always. */
static __noinline void *alloc_slow(struct slab_cache *cache, uint64_t irq)
{
	void *object = take_from_slabs(cache);

	arch_irq_restore(irq);
	return object;
}

static __noinline void free_slow(struct slab_cache *cache, void *object, uint64_t irq)
{
	return_to_slabs(cache, object);
	arch_irq_restore(irq);
}

static inline void *take_object(struct slab_cache *cache)
{
	uint64_t irq = arch_irq_save();
	struct magazine *m = this_magazine(cache);
	void *object;

	if (unlikely(!m || m->count == 0))
		return alloc_slow(cache, irq);
	object = m->objects[--m->count];
	arch_irq_restore(irq);
	return object;
}

static inline void *alloc_object(struct slab_cache *cache, const void *site)
{
	void *object = take_object(cache);

	if (SLAB_REDZONE > 0 && object) {
		kasan_unpoison(object, cache->object_size);
		slab_debug_alloc(cache->name, object, cache->object_size, site);
	}
	return object;
}

void *slab_alloc_for(struct slab_cache *cache, const void *site)
{
	return alloc_object(cache, site);
}

void *slab_alloc(struct slab_cache *cache)
{
	return alloc_object(cache, SLAB_CALLER());
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	void *object = alloc_object(cache, SLAB_CALLER());

	if (object)
		memset(object, 0, cache->object_size);
	return object;
}

static inline void return_object(struct slab_cache *cache, void *object, const void *site)
{
	struct magazine *m;
	uint64_t irq;

	DEBUG_ASSERT(page_of_object(object)->owner == cache);
	slab_debug_free(cache->name, object, cache->object_size, site);
	kasan_poison(object, cache->object_size, KASAN_FREED_OBJECT);
	irq = arch_irq_save();
	m = this_magazine(cache);
	if (unlikely(!m || m->count >= cache->limit)) {
		free_slow(cache, object, irq);
		return;
	}
	m->objects[m->count++] = object;
	arch_irq_restore(irq);
}

static __noinline void clear_and_return(struct slab_cache *cache, void *object, const void *site)
{
	memset(object, 0, cache->object_size);
	return_object(cache, object, site);
}

static inline void free_object(struct slab_cache *cache, void *object, const void *site)
{
	kasan_unpoison(object, cache->object_size); /* kmalloc closed what was not asked for */
	if (unlikely(slab_zero_on_free))
		clear_and_return(cache, object, site);
	else
		return_object(cache, object, site);
}

void slab_free_for(struct slab_cache *cache, void *object, const void *site)
{
	free_object(cache, object, site);
}

void slab_free(struct slab_cache *cache, void *object)
{
	free_object(cache, object, SLAB_CALLER());
}

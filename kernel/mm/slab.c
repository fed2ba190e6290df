/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, kernel objects of one size.
 *
 * A cache owns slabs: runs of frames cut into objects, with a free list through the free ones.  In front
 * of the slabs each CPU has a magazine per cache, a small stack of free objects that only it touches, with
 * interrupts off: the common allocation pops one, the common free pushes one, no lock.  An empty magazine
 * is filled, a full one emptied by half, under the cache's lock.
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
#include <kernel/cmdline.h>
#include <kernel/list.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "slab_debug.h"
#include "slab_priv.h"

#define MAX_CACHES    128
#define MAGAZINE_SIZE 15 /* makes it 128 bytes */
#define CACHE_LINE    64ul
#define MAX_RUN_PAGES 8
#define SMALL_OBJECT  512 /* above it the struct slab lies outside */
#define SPARE_SLABS   2   /* empty slabs that a cache keeps */

struct slab {
	struct slab_cache *cache; /* [i] */
	struct list link;         /* [lock] on partial or empty; unlinked when full */
	void *memory;             /* [i] start of the run */
	uintptr_t free;           /* [lock] encoded link to the first free object */
	uint32_t used;            /* [lock] objects not on the free list */
};

/* Legend: [i] set by slab_create, [lock] slab_cache.lock */
struct slab_cache {
	uint32_t index;           /* [i] place in every CPU's row of magazines */
	uint32_t limit;           /* [i] objects a magazine may hold */
	uint32_t run_pages;       /* [i] */
	uint32_t per_slab;        /* [i] objects */
	const char *name;         /* [i] */
	size_t object_size;       /* [i] as asked for, rounded up to the alignment */
	size_t stride;            /* [i] redzone included */
	size_t colour_step;       /* [i] */
	uint64_t secret;          /* [i] */
	struct spinlock lock;     /* RANK_SLAB */
	struct list partial;      /* [lock] */
	struct list empty;        /* [lock] */
	uint64_t slabs;           /* [lock] */
	uint64_t taken;           /* [lock] objects out of the slabs, in magazines or in use */
	uint32_t empty_count;     /* [lock] */
	uint32_t colour, colours; /* [lock], [i] */
	bool header_outside;      /* [i] */
};

struct magazine {
	uint64_t count;
	void *objects[MAGAZINE_SIZE];
};

static struct slab_cache caches[MAX_CACHES];
static uint32_t cache_count;
static struct slab_cache *slab_headers;
/* One row of MAX_CACHES magazines per CPU, made when the CPU first needs it. */
static struct magazine *magazine_rows[MAX_CPUS];
static bool zero_on_free;

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

static size_t run_bytes(const struct slab_cache *cache)
{
	return cache->run_pages * PAGE_SIZE;
}

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
	char *memory, *first;

	if (pa == PADDR_NONE)
		return NULL;
	memory = phys_to_virt(pa);
	slab = (struct slab *)(memory + run_bytes(cache)) - 1;
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
	first = memory + next_colour(cache);
	for (uint32_t i = cache->per_slab; i-- > 0;) {
		slab_debug_poison(first + i * cache->stride, cache->object_size);
		slab_push(slab, first + i * cache->stride);
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
	if (slab->used-- == cache->per_slab)
		list_add_head(&cache->partial, &slab->link);
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

/* Move objects from the slabs into the magazine, up to half of what it holds.  False: no slab has one. */
static bool magazine_fill(struct slab_cache *cache, struct magazine *m)
{
	uint64_t want = (cache->limit + 1) / 2;
	struct slab *slab;

	spin_lock(&cache->lock);
	while (m->count < want && (slab = pick_slab_locked(cache))) {
		m->objects[m->count++] = slab_pop(slab);
		cache->taken++;
		if (++slab->used == cache->per_slab)
			list_del(&slab->link);
	}
	spin_unlock(&cache->lock);
	return m->count > 0;
}

/* Keep the newest objects, `keep` of them, and return the others to their slabs. */
static void magazine_drain(struct slab_cache *cache, struct magazine *m, uint64_t keep)
{
	uint64_t out = m->count > keep ? m->count - keep : 0;
	struct slab *surplus, *next;
	struct list doomed = LIST_INIT(doomed);

	spin_lock(&cache->lock);
	for (uint64_t i = 0; i < out; i++) {
		surplus = return_object_locked(cache, m->objects[i]);
		if (surplus)
			list_add_tail(&doomed, &surplus->link);
	}
	spin_unlock(&cache->lock);
	m->count -= out;
	memmove(m->objects, m->objects + out, m->count * sizeof(m->objects[0]));
	list_for_each_safe (surplus, next, &doomed, link)
		slab_destroy(surplus);
}

/* This CPU's row of magazines, on its first use of any cache. */
static bool make_row(void)
{
	size_t pages = ALIGN_UP(sizeof(struct magazine) * MAX_CACHES, PAGE_SIZE) / PAGE_SIZE;
	paddr_t pa = pmm_alloc_contiguous(pages, 1, PAGE_SLAB, PMM_ZERO);

	if (pa == PADDR_NONE)
		return false;
	magazine_rows[arch_this_cpu()->id] = phys_to_virt(pa);
	return true;
}

static __noinline void *alloc_slow(struct slab_cache *cache)
{
	struct magazine *m = this_magazine(cache);

	if (!m) {
		if (!make_row())
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

static __noinline void free_slow(struct slab_cache *cache, void *object)
{
	struct magazine *m = this_magazine(cache);

	if (!m) {
		struct magazine one = { .count = 1, .objects = { object } };

		if (!make_row()) {
			magazine_drain(cache, &one, 0);
			return;
		}
		m = this_magazine(cache);
	}
	if (m->count >= cache->limit)
		magazine_drain(cache, m, cache->limit / 2);
	m->objects[m->count++] = object;
}

void *slab_alloc(struct slab_cache *cache)
{
	uint64_t irq = arch_irq_save();
	struct magazine *m = this_magazine(cache);
	void *object;

	if (likely(m && m->count > 0))
		object = m->objects[--m->count];
	else
		object = alloc_slow(cache);
	arch_irq_restore(irq);
	if (SLAB_REDZONE > 0 && object)
		slab_debug_alloc(cache->name, object, cache->object_size);
	return object;
}

void slab_free(struct slab_cache *cache, void *object)
{
	struct magazine *m;
	uint64_t irq;

	if (unlikely(zero_on_free))
		memset(object, 0, cache->object_size);
	slab_debug_free(cache->name, object, cache->object_size);
	irq = arch_irq_save();
	m = this_magazine(cache);
	if (likely(m && m->count < cache->limit))
		m->objects[m->count++] = object;
	else
		free_slow(cache, object);
	arch_irq_restore(irq);
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	void *object = slab_alloc(cache);

	if (object)
		memset(object, 0, cache->object_size);
	return object;
}

/* --- caches ----------------------------------------------------------------------------------------- */

static size_t usable_bytes(const struct slab_cache *cache)
{
	return run_bytes(cache) - (cache->header_outside ? 0 : sizeof(struct slab));
}

/* The shortest run that wastes at most an eighth, or the longest allowed. */
static void choose_run(struct slab_cache *cache)
{
	for (cache->run_pages = 1;; cache->run_pages *= 2) {
		size_t rest = usable_bytes(cache) % cache->stride;

		cache->per_slab = (uint32_t)(usable_bytes(cache) / cache->stride);
		if (cache->per_slab > 0 &&
		    (rest * 8 <= run_bytes(cache) || cache->run_pages == MAX_RUN_PAGES))
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

struct slab_cache *slab_create(const char *name, size_t object_size, size_t align)
{
	struct slab_cache *cache;

	ASSERT(cache_count < MAX_CACHES && object_size > 0 && (align & (align - 1)) == 0 &&
	       align <= PAGE_SIZE);
	align = MAX(align, sizeof(uint64_t) * (SLAB_REDZONE ? 2 : 1));
	cache = &caches[cache_count];
	cache->index = cache_count;
	cache->name = name;
	cache->object_size = ALIGN_UP(object_size, align);
	cache->stride = ALIGN_UP(cache->object_size + SLAB_REDZONE, align);
	cache->header_outside = cache->stride > SMALL_OBJECT;
	cache->limit = magazine_limit(object_size);
	cache->secret = random_u64();
	spin_init(&cache->lock, "slab", RANK_SLAB);
	list_init(&cache->partial);
	list_init(&cache->empty);
	choose_run(cache);
	choose_colours(cache, align);
	cache_count++;
	return cache;
}

void slab_init(void)
{
	zero_on_free = cmdline_has("init_on_free");
	if (!make_row())
		panic("memory: no room for the first CPU's magazines");
	slab_headers = slab_create("slab", sizeof(struct slab), 0);
	kmalloc_init();
}

/* --- look-ups by address, statistics ---------------------------------------------------------------- */

struct slab_cache *slab_cache_of_page(const struct page *page)
{
	return page->owner;
}

size_t slab_object_size(const struct slab_cache *cache)
{
	return cache->object_size;
}

/* Objects that lie free in magazines; approximate while other CPUs run. */
static uint64_t magazines_hold(const struct slab_cache *cache)
{
	uint64_t n = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		if (magazine_rows[cpu])
			n += READ_ONCE(magazine_rows[cpu][cache->index].count);
	}
	return n;
}

bool slab_get_stats(size_t index, struct slab_stats *out)
{
	struct slab_cache *cache;
	uint64_t irq, idle;

	if (index >= cache_count)
		return false;
	cache = &caches[index];
	irq = spin_lock_irqsave(&cache->lock);
	idle = magazines_hold(cache);
	out->name = cache->name;
	out->object_size = cache->object_size;
	out->objects_used = cache->taken - MIN(idle, cache->taken);
	out->objects_total = cache->slabs * cache->per_slab;
	out->pages = cache->slabs * cache->run_pages;
	spin_unlock_irqrestore(&cache->lock, irq);
	return true;
}

static size_t reap_cache(struct slab_cache *cache)
{
	uint64_t irq = arch_irq_save();
	struct magazine *m = this_magazine(cache);
	struct list doomed = LIST_INIT(doomed);
	struct slab *slab, *next;
	size_t pages = 0;

	if (m)
		magazine_drain(cache, m, 0);
	spin_lock(&cache->lock);
	cache->slabs -= cache->empty_count;
	pages = (size_t)cache->empty_count * cache->run_pages;
	cache->empty_count = 0;
	list_splice_tail(&doomed, &cache->empty);
	spin_unlock(&cache->lock);
	arch_irq_restore(irq);
	list_for_each_safe (slab, next, &doomed, link)
		slab_destroy(slab);
	return pages;
}

size_t slab_reap(void)
{
	size_t pages = 0;

	/* The headers' cache, the first, last: the others free headers. */
	for (uint32_t i = cache_count; i-- > 0;)
		pages += reap_cache(&caches[i]);
	return pages;
}

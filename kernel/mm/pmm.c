/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, physical frames: per-CPU caches of free frames in front of the zones.
 *
 * A cache belongs to its CPU and is touched with interrupts off, so the common allocation takes no lock:
 * it pops a page from a list.  An empty cache takes a batch from a zone, a full one gives a batch back.
 * Statistics are per CPU, too: a page may be freed on another CPU than the one that took it, so a single
 * counter may be negative; only the sums mean something, and they are exact.
 */
#include <kernel/pmm.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>
#include <kernel/cmdline.h>

#include "pmm_batch.h"
#include "uninitialized.h"
#include "zone.h"

#define CACHE_BATCH 32
#define CACHE_MAX   128 /* frames; above it a batch goes back */

/* Free pages are linked through page.owner; page.aux holds their address, so that the fast path need not
 * compute it. */
struct frame_cache {
	struct page *head;   /* contents unknown */
	struct page *zeroed; /* known to be cleared: page tables come back so */
	uint32_t count, zeroed_count;
	int64_t used[PAGE_USES];
} __aligned(64);

static struct frame_cache frame_caches[MAX_CPUS];
static bool zero_on_free; /* [i] after start-up */

static inline struct frame_cache *this_cache(void)
{
	return &frame_caches[arch_this_cpu()->id];
}

__init void pmm_init(const struct boot_info *bi)
{
	zones_init(bi);
	zero_on_free = cmdline_has("init_on_free");
}

struct page *page_of(paddr_t pa)
{
	return zone_page_of(pa);
}

paddr_t page_addr(const struct page *page)
{
	const struct zone *z = &zones[page->zone];

	return z->base + ((paddr_t)(page - z->pages) << PAGE_SHIFT);
}

bool pmm_is_ram(paddr_t pa)
{
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];

		if (pa - r->base < r->length)
			return r->type != BOOT_REGION_RESERVED && r->type != BOOT_REGION_BAD &&
			       r->type != BOOT_REGION_FRAMEBUFFER;
	}
	return false;
}

static inline void push(struct page **list, struct page *page, paddr_t pa)
{
	page->owner = *list;
	page->aux = (void *)pa;
	*list = page;
}

static inline struct page *pop(struct page **list)
{
	struct page *page = *list;

	*list = page->owner;
	return page;
}

/* Move a batch of frames from the highest zone that has some into the cache. */
static __noinline bool cache_refill(struct frame_cache *c)
{
	size_t frames[CACHE_BATCH] __uninitialized, n;
	unsigned i = zone_count;

	do {
		if (i-- == 0)
			return false;
		spin_lock(&zones[i].lock);
		n = frame_map_take(&zones[i].map, frames, CACHE_BATCH);
		spin_unlock(&zones[i].lock);
	} while (n == 0);
	c->count += (uint32_t)n;
	while (n-- > 0) { /* so that the lowest comes out first */
		struct page *page = &zones[i].pages[frames[n]];

		page->zone = (uint8_t)i;
		page->flags = 0;
		push(&c->head, page, zones[i].base + (frames[n] << PAGE_SHIFT));
	}
	return true;
}

/* Give up to n frames of a list back to their zones; returns how many. */
static __noinline uint32_t list_drain(struct page **list, uint32_t n)
{
	struct zone *locked = NULL;
	uint32_t done = 0;

	for (; done < n && *list; done++) {
		struct page *page = pop(list);
		struct zone *z = &zones[page->zone];

		if (z != locked) {
			if (locked)
				spin_unlock(&locked->lock);
			spin_lock(&z->lock);
			locked = z;
		}
		frame_map_release(&z->map, (size_t)(page - z->pages));
	}
	if (locked)
		spin_unlock(&locked->lock);
	return done;
}

static void cache_drain_all(void)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	c->count -= list_drain(&c->head, c->count);
	c->zeroed_count -= list_drain(&c->zeroed, c->zeroed_count);
	arch_irq_restore(irq);
}

static inline paddr_t page_take(struct frame_cache *c, struct page *page, enum page_use use)
{
	c->used[use]++;
	page->use = (uint8_t)use;
	refcount_set(&page->refs, 1);
	return (paddr_t)page->aux;
}

/* The list of free frames is empty. */
static __noinline paddr_t alloc_slow(enum page_use use)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa = PADDR_NONE;

	if (c->head || cache_refill(c)) {
		pa = page_take(c, pop(&c->head), use);
		c->count--;
	} else if (c->zeroed) {
		pa = page_take(c, pop(&c->zeroed), use);
		c->zeroed_count--;
	}
	arch_irq_restore(irq);
	return pa;
}

static inline paddr_t alloc_any(enum page_use use)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa;

	if (unlikely(!c->head)) {
		arch_irq_restore(irq);
		return alloc_slow(use);
	}
	pa = page_take(c, pop(&c->head), use);
	c->count--;
	arch_irq_restore(irq);
	return pa;
}

static __noinline paddr_t alloc_zeroed(enum page_use use)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa = PADDR_NONE;

	if (c->zeroed) {
		pa = page_take(c, pop(&c->zeroed), use);
		c->zeroed_count--;
	}
	arch_irq_restore(irq);
	if (pa != PADDR_NONE)
		return pa;
	pa = alloc_any(use);
	if (pa != PADDR_NONE)
		arch_clear_page(phys_to_virt(pa));
	return pa;
}

paddr_t pmm_alloc(enum page_use use, unsigned flags)
{
	if (likely(flags == 0))
		return alloc_any(use);
	if (flags & PMM_DMA32)
		return pmm_alloc_contiguous(1, 1, use, flags);
	return alloc_zeroed(use);
}

/* The list of free frames is long: give some back.  Interrupts are off; restores them. */
static __noinline void free_surplus(uint64_t irq)
{
	struct frame_cache *c = this_cache();

	c->count -= list_drain(&c->head, CACHE_BATCH);
	arch_irq_restore(irq);
}

static inline void list_free(struct frame_cache *c, struct page *page, paddr_t pa)
{
	c->used[page->use]--;
	c->count++;
	page->use = PAGE_FREE;
	page->flags = 0;
	push(&c->head, page, pa);
}

static inline void push_free(struct page *page, paddr_t pa)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	list_free(c, page, pa);
	if (unlikely(c->count > CACHE_MAX))
		free_surplus(irq);
	else
		arch_irq_restore(irq);
}

static __noinline void clear_and_free(struct page *page, paddr_t pa)
{
	arch_clear_page(phys_to_virt(pa));
	push_free(page, pa);
}

/* A page without references goes to the cache. */
static inline void page_free(struct page *page, paddr_t pa)
{
	if (unlikely(zero_on_free))
		clear_and_free(page, pa);
	else
		push_free(page, pa);
}

/* Drop the only reference: nobody else can take one, so no atomic operation is needed. */
static inline void drop_last(struct page *page)
{
	atomic_thread_fence(memory_order_acquire);
	refcount_set(&page->refs, 0);
}

static __noinline void put_shared(struct page *page)
{
	if (refcount_put(&page->refs))
		page_free(page, page_addr(page));
}

void page_put(struct page *page)
{
	if (unlikely(refcount_read(&page->refs) != 1)) {
		put_shared(page);
		return;
	}
	drop_last(page);
	page_free(page, page_addr(page));
}

void pmm_get_batch(const paddr_t *frames, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		page_get(zone_page_of(frames[i]));
}

/* Interrupts are off for the whole batch: a few hundred instructions. */
void pmm_put_batch(const paddr_t *frames, unsigned n)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	for (unsigned i = 0; i < n; i++) {
		struct page *page = zone_page_of(frames[i]);

		if (refcount_read(&page->refs) != 1 || unlikely(zero_on_free)) {
			page_put(page);
			continue;
		}
		drop_last(page);
		list_free(c, page, frames[i]);
	}
	if (c->count > CACHE_MAX)
		c->count -= list_drain(&c->head, c->count - CACHE_MAX + CACHE_BATCH);
	arch_irq_restore(irq);
}

void pmm_free(paddr_t pa)
{
	struct page *page = zone_page_of(pa);

	ASSERT(page && refcount_read(&page->refs) == 1);
	drop_last(page);
	page_free(page, pa);
}

void pmm_free_zeroed(paddr_t pa)
{
	struct page *page = page_of(pa);
	struct frame_cache *c;
	uint64_t irq;

	ASSERT(page && refcount_read(&page->refs) == 1);
	drop_last(page);
	irq = arch_irq_save();
	c = this_cache();
	c->used[page->use]--;
	page->use = PAGE_FREE;
	page->flags = 0;
	push(&c->zeroed, page, pa);
	if (unlikely(++c->zeroed_count > CACHE_MAX))
		c->zeroed_count -= list_drain(&c->zeroed, CACHE_BATCH);
	arch_irq_restore(irq);
}

/* Adjacent frames of one zone; FRAME_NONE when it has none. */
static size_t zone_take_run(struct zone *z, size_t count, size_t align)
{
	uint64_t irq = spin_lock_irqsave(&z->lock);
	size_t first = FRAME_NONE;

	if (z->map.free >= count)
		first = frame_map_take_run(&z->map, count, align, z->base >> PAGE_SHIFT);
	spin_unlock_irqrestore(&z->lock, irq);
	return first;
}

static void count_use(enum page_use use, int64_t n)
{
	uint64_t irq = arch_irq_save();

	this_cache()->used[use] += n;
	arch_irq_restore(irq);
}

static paddr_t take_run(size_t count, size_t align, enum page_use use, unsigned flags)
{
	for (unsigned i = zone_count; i-- > 0;) {
		struct zone *z = &zones[i];
		size_t first;

		if ((flags & PMM_DMA32) && z->base >= ZONE_32BIT_END)
			continue;
		first = zone_take_run(z, count, align);
		if (first == FRAME_NONE)
			continue;
		for (size_t n = first; n < first + count; n++) {
			z->pages[n].zone = (uint8_t)i;
			z->pages[n].flags = 0;
			z->pages[n].use = (uint8_t)use;
			refcount_set(&z->pages[n].refs, 1);
		}
		return z->base + (first << PAGE_SHIFT);
	}
	return PADDR_NONE;
}

paddr_t pmm_alloc_contiguous(size_t count, size_t align, enum page_use use, unsigned flags)
{
	paddr_t pa;

	ASSERT(count > 0 && align > 0 && (align & (align - 1)) == 0);
	pa = take_run(count, align, use, flags);
	if (pa == PADDR_NONE) {
		/* The frames that this CPU hoards may be the missing ones. */
		cache_drain_all();
		pa = take_run(count, align, use, flags);
		if (pa == PADDR_NONE)
			return PADDR_NONE;
	}
	count_use(use, (int64_t)count);
	if (flags & PMM_ZERO) {
		for (size_t i = 0; i < count; i++)
			arch_clear_page(phys_to_virt(pa + i * PAGE_SIZE));
	}
	return pa;
}

void pmm_free_contiguous(paddr_t pa, size_t count)
{
	struct zone *z = zone_of(pa);
	struct page *page = page_of(pa);
	enum page_use use;
	uint64_t irq;

	ASSERT(z && count > 0 && count <= (z->base + z->length - pa) >> PAGE_SHIFT);
	use = page->use;
	for (size_t i = 0; i < count; i++) {
		ASSERT(refcount_read(&page[i].refs) == 1 && page[i].use == use);
		refcount_set(&page[i].refs, 0);
		page[i].use = PAGE_FREE;
		if (unlikely(zero_on_free))
			arch_clear_page(phys_to_virt(pa + i * PAGE_SIZE));
	}
	irq = spin_lock_irqsave(&z->lock);
	frame_map_release_range(&z->map, (size_t)(page - z->pages), count);
	spin_unlock_irqrestore(&z->lock, irq);
	count_use(use, -(int64_t)count);
}

void pmm_add_range(paddr_t base, size_t length)
{
	paddr_t end = ALIGN_DOWN(base + length, PAGE_SIZE);
	struct zone *z;

	base = MAX(ALIGN_UP(base, PAGE_SIZE), LOW_MEMORY_END);
	while (base < end) {
		z = zone_of(base);
		if (!z) /* outside of what the zones could describe */
			return;
		length = MIN(end, z->base + z->length) - base;
		zone_add_range(z, base, length);
		base += length;
	}
}

void pmm_get_stats(struct pmm_stats *out)
{
	int64_t used[PAGE_USES] = { 0 };
	uint64_t total = atomic_load_explicit(&frames_managed, memory_order_relaxed), all_used = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		for (unsigned use = 0; use < PAGE_USES; use++)
			used[use] += READ_ONCE(frame_caches[cpu].used[use]);
	}
	for (unsigned use = PAGE_FREE + 1; use < PAGE_USES; use++) {
		out->used[use] = (uint64_t)MAX(used[use], 0);
		all_used += out->used[use];
	}
	out->total_pages = total;
	out->free_pages = total - MIN(all_used, total);
	out->used[PAGE_FREE] = out->free_pages;
}

size_t pmm_total_memory(void)
{
	return atomic_load_explicit(&frames_managed, memory_order_relaxed) << PAGE_SHIFT;
}

size_t pmm_free_memory(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	return stats.free_pages << PAGE_SHIFT;
}

size_t pmm_used_memory(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	return (stats.total_pages - stats.free_pages) << PAGE_SHIFT;
}

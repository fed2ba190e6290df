/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, physical frames: per-CPU caches of free frames in front of the zones.
 *
 * A cache belongs to its CPU and is touched with interrupts off, so the common allocation takes no lock:
 * it pops a page from a list.  An empty cache takes a batch from the nearest zone that has frames, a full one
 * gives a batch back.  Frames of other nodes are kept apart: they are used when the near zones have none, and
 * go back with the next batch of their kind, so that what this CPU allocates next is near.
 *
 * So a frame from the list is near, and needs no counting by node beyond that of all allocations; the others
 * are counted one by one (count_taken).
 */
#include <kernel/pmm.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/kasan.h>
#include <kernel/boot_info.h>
#include <kernel/cmdline.h>

#include "pmm_batch.h"
#include "pmm_priv.h"
#include "reclaim_priv.h"
#include "uninitialized.h"
#include "zone.h"

#define RECLAIM_TRIES 3 /* others may take what was freed */

struct frame_cache frame_caches[MAX_CPUS];
struct node_events node_events[MAX_NODES];
bool pmm_zero_on_free;

__init void pmm_init(const struct boot_info *bi)
{
	zones_init(bi);
	pmm_zero_on_free = cmdline_has("init_on_free");
}

struct page *page_of(paddr_t pa)
{
	return zone_page_of(pa);
}

unsigned page_node(const struct page *page)
{
	return zones[page->zone].node;
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

/* --- lists, interrupts off --------------------------------------------------------------------------- */

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

static inline bool is_near(const struct frame_cache *c, const struct page *page)
{
	return c->near >> page->zone & 1;
}

static size_t zone_take_batch(struct zone *z, size_t *frames, enum page_use use)
{
	size_t n = 0, reserve = is_for_programs(use) ? zone_reserve(z) : 0;

	if (READ_ONCE(z->map.free) <= reserve)
		return 0;
	spin_lock(&z->lock);
	if (z->map.free > reserve)
		n = frame_map_take(&z->map, frames, MIN(z->map.free - reserve, (size_t)CACHE_BATCH));
	spin_unlock(&z->lock);
	return n;
}

static void push_away(struct frame_cache *c, struct page *page, paddr_t pa)
{
	push(&c->away, page, pa);
	c->away_count++;
	c->away_of[page_node(page)]++;
}

/* Which zones are near is known late during start-up. */
static void cache_find_home(struct frame_cache *c, unsigned node)
{
	c->near = zones_near[node];
	c->home = (uint8_t)zones[zone_order[node][0]].node;
}

/* Move a batch of frames from the nearest zone that has some into the cache. */
static bool cache_refill(struct frame_cache *c, enum page_use use, bool near_only)
{
	size_t frames[CACHE_BATCH] __uninitialized;
	unsigned node = topology_of(arch_this_cpu()->id)->node;

	cache_find_home(c, node);
	for (unsigned i = 0; i < zone_count; i++) {
		uint8_t index = zone_order[node][i];
		struct zone *z = &zones[index];
		bool near = c->near >> index & 1;
		size_t n = near || !near_only ? zone_take_batch(z, frames, use) : 0;

		if (n == 0)
			continue;
		c->count += near ? (uint32_t)n : 0;
		while (n-- > 0) { /* so that the lowest comes out first */
			struct page *page = &z->pages[frames[n]];
			paddr_t pa = z->base + (frames[n] << PAGE_SHIFT);

			page->zone = index;
			if (likely(near))
				push(&c->head, page, pa);
			else
				push_away(c, page, pa);
		}
		return true;
	}
	return false;
}

/* Give up to n frames of a list back to their zones; returns how many. */
static __noinline uint32_t list_drain(struct page **list, uint32_t n)
{
	unsigned locked = MAX_ZONES;
	uint32_t done = 0;

	for (; done < n && *list; done++) {
		struct page *page = pop(list);
		struct zone *z = &zones[page->zone];

		if (page->zone != locked) {
			if (locked < MAX_ZONES)
				spin_unlock(&zones[locked].lock);
			spin_lock(&z->lock);
			locked = page->zone;
		}
		frame_map_release(&z->map, (size_t)(page - z->pages));
	}
	if (locked < MAX_ZONES)
		spin_unlock(&zones[locked].lock);
	return done;
}

static void drain_away(struct frame_cache *c)
{
	c->away_count -= list_drain(&c->away, c->away_count);
	for (unsigned node = 0; node < MAX_NODES; node++)
		c->away_of[node] = 0;
}

void frame_cache_drain(void)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	c->count -= list_drain(&c->head, c->count);
	c->zeroed_count -= list_drain(&c->zeroed, c->zeroed_count);
	drain_away(c);
	arch_irq_restore(irq);
}

/* --- allocation -------------------------------------------------------------------------------------- */

static inline paddr_t page_take(struct frame_cache *c, struct page **list, uint32_t *count, enum page_use use)
{
	struct page *page = pop(list);

	--*count;
	c->used[use]++;
	c->allocated++;
	page->use = (uint8_t)use;
	refcount_set(&page->refs, 1);
	kasan_unpoison(phys_to_virt((paddr_t)page->aux), PAGE_SIZE);
	return (paddr_t)page->aux;
}

static inline paddr_t take_free(struct frame_cache *c, enum page_use use)
{
	return page_take(c, &c->head, &c->count, use);
}

static inline paddr_t take_zeroed(struct frame_cache *c, enum page_use use)
{
	return page_take(c, &c->zeroed, &c->zeroed_count, use);
}

void count_taken(struct frame_cache *c, unsigned n, unsigned wanted, unsigned got)
{
	bool local = got == topology_of(arch_this_cpu()->id)->node;

	if (wanted == c->home && got == c->home)
		return; /* as all that is not counted here */
	c->elsewhere += n;
	atomic_fetch_add_explicit(got == wanted ? &node_events[got].hit : &node_events[got].miss, n,
				  memory_order_relaxed);
	if (got != wanted)
		atomic_fetch_add_explicit(&node_events[wanted].foreign, n, memory_order_relaxed);
	atomic_fetch_add_explicit(local ? &node_events[got].local : &node_events[got].other, n,
				  memory_order_relaxed);
}

/* A frame of another node, where the near zones have none. */
static paddr_t take_away(struct frame_cache *c, enum page_use use)
{
	unsigned node = page_node(c->away);

	c->away_of[node]--;
	count_taken(c, 1, c->home, node);
	return page_take(c, &c->away, &c->away_count, use);
}

paddr_t frame_take_near(enum page_use use, unsigned node)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa = PADDR_NONE;

	if ((c->head || cache_refill(c, use, true)) && c->home == node)
		pa = take_free(c, use);
	arch_irq_restore(irq);
	return pa;
}

static paddr_t alloc_refill(enum page_use use)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa = PADDR_NONE;

	if (c->head || cache_refill(c, use, true))
		pa = take_free(c, use);
	else if (c->zeroed)
		pa = take_zeroed(c, use);
	else if (c->away || cache_refill(c, use, false))
		/* Near frames, if another CPU has given some back since the first try. */
		pa = c->head ? take_free(c, use) : take_away(c, use);
	arch_irq_restore(irq);
	return pa;
}

/* The list of free frames is empty. */
static __noinline paddr_t alloc_slow(enum page_use use)
{
	paddr_t pa = alloc_refill(use);
	bool found = true;

	/* Again even if nothing was found: another may have, since the first look. */
	for (unsigned i = 0; pa == PADDR_NONE && found && i < RECLAIM_TRIES; i++) {
		found = reclaim_now(CACHE_BATCH);
		pa = alloc_refill(use);
	}
	reclaim_poll();
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
	pa = take_free(c, use);
	arch_irq_restore(irq);
	return pa;
}

static __noinline paddr_t alloc_zeroed(enum page_use use)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();
	paddr_t pa = PADDR_NONE;

	if (c->zeroed)
		pa = take_zeroed(c, use);
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

/* --- freeing ----------------------------------------------------------------------------------------- */

/* The list of free frames is long: give some back.  Interrupts are off; restores them. */
static __noinline void free_surplus(uint64_t irq)
{
	struct frame_cache *c = this_cache();

	c->count -= list_drain(&c->head, MAX(c->count - CACHE_MAX, (uint32_t)CACHE_BATCH));
	arch_irq_restore(irq);
}

/* A frame of another node.  Interrupts are off; restores them. */
static __noinline void free_away(struct page *page, paddr_t pa, uint64_t irq)
{
	struct frame_cache *c = this_cache();

	push_away(c, page, pa);
	if (c->away_count >= AWAY_MAX)
		drain_away(c);
	arch_irq_restore(irq);
}

static inline void count_free(struct frame_cache *c, struct page *page)
{
	c->used[page->use]--;
	page->use = PAGE_FREE;
	page->flags = 0;
}

static inline void push_free(struct page *page, paddr_t pa)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	kasan_poison(phys_to_virt(pa), PAGE_SIZE, KASAN_FREED_FRAME);
	count_free(c, page);
	if (unlikely(!is_near(c, page))) {
		free_away(page, pa, irq);
		return;
	}
	push(&c->head, page, pa);
	if (unlikely(++c->count > CACHE_MAX))
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
	if (unlikely(pmm_zero_on_free))
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

/* Mostly somebody else has them, too. */
void pages_put(struct page *const *pages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (unlikely(refcount_put(&pages[i]->refs)))
			page_free(pages[i], page_addr(pages[i]));
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

		if (refcount_read(&page->refs) != 1 || unlikely(pmm_zero_on_free || !is_near(c, page))) {
			page_put(page);
			continue;
		}
		drop_last(page);
		kasan_poison(phys_to_virt(frames[i]), PAGE_SIZE, KASAN_FREED_FRAME);
		count_free(c, page);
		push(&c->head, page, frames[i]);
		c->count++;
	}
	if (c->count > CACHE_MAX)
		free_surplus(irq);
	else
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
	struct page *page = zone_page_of(pa);
	struct frame_cache *c;
	uint64_t irq;

	ASSERT(page && refcount_read(&page->refs) == 1);
	drop_last(page);
	kasan_poison(phys_to_virt(pa), PAGE_SIZE, KASAN_FREED_FRAME);
	irq = arch_irq_save();
	c = this_cache();
	count_free(c, page);
	if (unlikely(!is_near(c, page))) {
		free_away(page, pa, irq);
		return;
	}
	push(&c->zeroed, page, pa);
	if (unlikely(++c->zeroed_count > CACHE_MAX))
		c->zeroed_count -= list_drain(&c->zeroed, CACHE_BATCH);
	arch_irq_restore(irq);
}

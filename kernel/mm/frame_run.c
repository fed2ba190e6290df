/* SPDX-License-Identifier: BSD-2-Clause */
/* Aegis, physical frames straight from the zones: adjacent ones, and those of chosen nodes; and ranges that
 * start-up hands over. */
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/kasan.h>
#include <kernel/pmm.h>

#include "pmm_priv.h"
#include "reclaim_priv.h"
#include "zone.h"

/* What struct page begins with, as one word: hundreds of them are written and compared for a large page. */
union page_head {
	struct {
		uint32_t refs;
		uint8_t use, zone;
		uint16_t flags;
	};
	uint64_t word;
};
_Static_assert(offsetof(struct page, refs) == offsetof(union page_head, refs) &&
		       sizeof(struct refcount) == sizeof(uint32_t) &&
		       offsetof(struct page, use) == offsetof(union page_head, use) &&
		       offsetof(struct page, zone) == offsetof(union page_head, zone) &&
		       offsetof(struct page, flags) == offsetof(union page_head, flags),
	       "page_head is the start of struct page");

static inline uint64_t head_read(const struct page *page)
{
	uint64_t word;

	__builtin_memcpy(&word, page, sizeof(word));
	return word;
}

static inline void head_write(struct page *page, uint64_t word)
{
	__builtin_memcpy(page, &word, sizeof(word));
}

/* Adjacent frames of one zone; FRAME_NONE when it has none. */
static size_t zone_take_run(struct zone *z, size_t count, size_t align, enum page_use use)
{
	size_t first = FRAME_NONE, reserve = is_for_programs(use) ? zone_reserve(z) : 0;
	uint64_t irq = spin_lock_irqsave(&z->lock);

	if (z->map.free >= reserve && z->map.free - reserve >= count)
		first = frame_map_take_run(&z->map, count, align);
	spin_unlock_irqrestore(&z->lock, irq);
	return first;
}

static void count_given(enum page_use use, size_t n, unsigned wanted, unsigned got)
{
	uint64_t irq = arch_irq_save();
	struct frame_cache *c = this_cache();

	c->used[use] += (int64_t)n;
	c->allocated += n;
	count_taken(c, (unsigned)n, wanted, got);
	arch_irq_restore(irq);
}

static void count_returned(enum page_use use, size_t n)
{
	uint64_t irq = arch_irq_save();

	this_cache()->used[use] -= (int64_t)n;
	arch_irq_restore(irq);
}

static bool is_allowed(const struct pmm_place *place, const struct zone *z, unsigned flags)
{
	return (place->nodes >> z->node & 1) && !((flags & PMM_DMA32) && z->base >= ZONE_32BIT_END);
}

/* The node that a place means in the first place; MAX_NODES: none. */
static unsigned first_choice(const struct pmm_place *place, unsigned flags)
{
	const uint8_t *order = zone_order[place->from];

	for (unsigned i = 0; i < zone_count; i++) {
		if (is_allowed(place, &zones[order[i]], flags))
			return zones[order[i]].node;
	}
	return MAX_NODES;
}

/* `wanted` is the node to count as missed. */
static paddr_t take_run_from(const struct pmm_place *place, unsigned wanted, size_t count, size_t align,
			     enum page_use use, unsigned flags)
{
	const uint8_t *order = zone_order[place->from];

	for (unsigned i = 0; i < zone_count; i++) {
		union page_head head = { .refs = 1, .use = (uint8_t)use, .zone = order[i] };
		struct zone *z = &zones[order[i]];
		size_t first;

		if (!is_allowed(place, z, flags))
			continue;
		first = zone_take_run(z, count, align, use);
		if (first == FRAME_NONE)
			continue;
		for (size_t n = first; n < first + count; n++)
			head_write(&z->pages[n], head.word);
		count_given(use, count, wanted, z->node);
		return z->base + (first << PAGE_SHIFT);
	}
	return PADDR_NONE;
}

static paddr_t take_run(const struct pmm_place *place, size_t count, size_t align, enum page_use use,
			unsigned flags)
{
	const struct pmm_place anywhere = { .nodes = PMM_ALL_NODES, .from = place->from };
	unsigned wanted = first_choice(place, flags);
	paddr_t pa = PADDR_NONE;

	if (wanted < MAX_NODES)
		pa = take_run_from(place, wanted, count, align, use, flags);
	if (pa == PADDR_NONE && place->or_elsewhere)
		pa = take_run_from(&anywhere, first_choice(&anywhere, flags), count, align, use, flags);
	if (pa != PADDR_NONE && place->interleaved && zone_of(pa)->node == wanted)
		atomic_fetch_add_explicit(&node_events[wanted].interleaved, count, memory_order_relaxed);
	return pa;
}

/* The frames that CPUs hoard may be the missing ones, or those that somebody keeps to be faster. */
static paddr_t take_run_slow(const struct pmm_place *place, size_t count, size_t align, enum page_use use,
			     unsigned flags)
{
	paddr_t pa;

	frame_cache_drain();
	pa = take_run(place, count, align, use, flags);
	if (pa != PADDR_NONE)
		return pa;
	/* Again even if nothing was found: another may have, since the first look. */
	(void)reclaim_now(count);
	return take_run(place, count, align, use, flags);
}

paddr_t pmm_alloc_contiguous_at(const struct pmm_place *place, size_t count, size_t align, enum page_use use,
				unsigned flags)
{
	paddr_t pa;

	ASSERT(count > 0 && align > 0 && (align & (align - 1)) == 0);
	pa = take_run(place, count, align, use, flags);
	if (unlikely(pa == PADDR_NONE) && !(flags & PMM_TRY))
		pa = take_run_slow(place, count, align, use, flags);
	reclaim_poll();
	if (pa != PADDR_NONE)
		kasan_unpoison(phys_to_virt(pa), count * PAGE_SIZE);
	if (pa != PADDR_NONE && (flags & PMM_ZERO)) {
		for (size_t i = 0; i < count; i++)
			arch_clear_page(phys_to_virt(pa + i * PAGE_SIZE));
	}
	return pa;
}

paddr_t pmm_alloc_contiguous(size_t count, size_t align, enum page_use use, unsigned flags)
{
	const struct pmm_place place = { .nodes = PMM_ALL_NODES,
					 .from = (uint8_t)topology_of(arch_this_cpu()->id)->node };

	return pmm_alloc_contiguous_at(&place, count, align, use, flags);
}

/* Near frames come from this CPU's cache, but for interleaved ones, which are counted apart. */
paddr_t pmm_alloc_at(const struct pmm_place *place, enum page_use use, unsigned flags)
{
	paddr_t pa = PADDR_NONE;

	if (!(flags & PMM_DMA32) && !place->interleaved)
		pa = frame_take_near(use, first_choice(place, flags));
	if (pa == PADDR_NONE)
		return pmm_alloc_contiguous_at(place, 1, 1, use, flags);
	if (flags & PMM_ZERO)
		arch_clear_page(phys_to_virt(pa));
	return pa;
}

void pmm_free_contiguous(paddr_t pa, size_t count)
{
	struct zone *z = zone_of(pa);
	struct page *page = page_of(pa);
	union page_head used, unused;
	uint64_t irq;

	ASSERT(z && count > 0 && count <= (z->base + z->length - pa) >> PAGE_SHIFT);
	unused = used = (union page_head){ .refs = 1, .use = page->use, .zone = page->zone };
	unused.refs = 0;
	unused.use = PAGE_FREE;
	page->flags = 0; /* its owner's */
	for (size_t i = 0; i < count; i++) {
		ASSERT(head_read(&page[i]) == used.word);
		head_write(&page[i], unused.word);
	}
	if (unlikely(pmm_zero_on_free)) {
		for (size_t i = 0; i < count; i++)
			arch_clear_page(phys_to_virt(pa + i * PAGE_SIZE));
	}
	kasan_poison(phys_to_virt(pa), count * PAGE_SIZE, KASAN_FREED_FRAME);
	count_returned(used.use, count);
	irq = spin_lock_irqsave(&z->lock);
	frame_map_release_range(&z->map, (size_t)(page - z->pages), count);
	spin_unlock_irqrestore(&z->lock, irq);
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

struct page *pmm_adopt(paddr_t pa, enum page_use use)
{
	struct zone *z = pa >= LOW_MEMORY_END ? zone_of(pa) : NULL;
	struct page *page;
	uint64_t irq;

	if (!z)
		return NULL;
	page = &z->pages[(pa - z->base) >> PAGE_SHIFT];
	ASSERT(page->use == PAGE_FREE && refcount_read(&page->refs) == 0);
	page->use = (uint8_t)use;
	page->zone = (uint8_t)(z - zones);
	refcount_set(&page->refs, 1);
	irq = arch_irq_save();
	this_cache()->used[use]++;
	this_cache()->allocated++;
	arch_irq_restore(irq);
	atomic_fetch_add_explicit(&z->managed, 1, memory_order_relaxed);
	return page;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual memory: one 512 GiB window at a random place in the kernel heap range.
 *
 * Areas are nodes of a tree by address, each with an unmapped guard page behind it.  Places are given out
 * upwards from a cursor, which keeps freed addresses unused for as long as possible, and by first fit once
 * the cursor has come round.  kernel/mm/kstack.c has the window's first part to itself.
 */
#include <kernel/vmalloc.h>

#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>
#include <kernel/kasan.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/rbtree.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <serix/errno.h>

#include "kvm.h"
#include "tlb.h"

#define WINDOW_SIZE (512ull << 30) /* one entry of the top-level page table */
#define GUARD_SIZE  PAGE_SIZE

struct area {
	struct rb_node node; /* [kvm_lock] */
	uint64_t start, end; /* [i] guard excluded */
};

static struct spinlock kvm_lock = SPINLOCK_INIT("kvm", RANK_KVM);
static struct rb_tree areas;                            /* [kvm_lock] */
static uint64_t window_start, window_end, window_areas; /* [i] */
static uint64_t cursor;                                 /* [kvm_lock] */
static struct slab_cache *area_cache;
static _Atomic uint64_t pages_used; /* by vmalloc, not by device windows and stacks */

/* --- page table ------------------------------------------------------------------------------------- */

int kvm_map(uint64_t va, paddr_t pa, unsigned prot)
{
	uint64_t irq = spin_lock_irqsave(&kvm_lock);
	int err = arch_pt_map(arch_pt_kernel_root(), va, pa, prot);

	spin_unlock_irqrestore(&kvm_lock, irq);
	return err;
}

paddr_t kvm_unmap(uint64_t va)
{
	uint64_t irq = spin_lock_irqsave(&kvm_lock);
	paddr_t pa = arch_pt_unmap(arch_pt_kernel_root(), va);

	spin_unlock_irqrestore(&kvm_lock, irq);
	return pa;
}

int kvm_populate(uint64_t start, uint64_t end, enum page_use use)
{
	if (kasan_map(start, end) < 0)
		return -ENOMEM;
	for (uint64_t va = start; va < end; va += PAGE_SIZE) {
		paddr_t pa = pmm_alloc(use, PMM_ZERO);
		int err = pa == PADDR_NONE ? -ENOMEM : kvm_map(va, pa, PT_READ | PT_WRITE);

		if (err < 0) {
			if (pa != PADDR_NONE)
				pmm_free(pa);
			kvm_depopulate(start, va);
			return err;
		}
	}
	return 0;
}

void kvm_batch_init(struct kvm_batch *batch)
{
	*batch = (struct kvm_batch){ .start = UINT64_MAX };
}

void kvm_batch_unmap(struct kvm_batch *batch, uint64_t start, uint64_t end)
{
	batch->start = MIN(batch->start, start);
	batch->end = MAX(batch->end, end);
	for (; start < end; start += PAGE_SIZE) {
		paddr_t pa = kvm_unmap(start);
		struct page *page;

		if (pa == PADDR_NONE)
			continue;
		page = page_of(pa);
		page->aux = batch->frames;
		batch->frames = page;
	}
}

void kvm_batch_finish(struct kvm_batch *batch)
{
	struct page *page;

	if (batch->start < batch->end)
		tlb_flush_kernel(batch->start, batch->end);
	while ((page = batch->frames)) {
		batch->frames = page->aux;
		pmm_free(page_addr(page));
	}
}

void kvm_depopulate(uint64_t start, uint64_t end)
{
	struct kvm_batch batch;

	kvm_batch_init(&batch);
	kvm_batch_unmap(&batch, start, end);
	kvm_batch_finish(&batch);
}

/* --- areas ------------------------------------------------------------------------------------------ */

static struct area *area_at(struct rb_node *node)
{
	return rb_entry(node, struct area, node);
}

/* The first area that ends above va, or NULL. */
static struct area *area_above_locked(uint64_t va)
{
	struct rb_node *node = areas.root;
	struct area *best = NULL;

	while (node) {
		struct area *a = area_at(node);

		if (a->end > va) {
			best = a;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static void area_insert_locked(struct area *area)
{
	struct rb_node **link = &areas.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = area->start < area_at(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&areas, &area->node, parent, link);
}

/* The lowest gap of `size` bytes with its guard at or after `from`; 0: none. */
static uint64_t find_gap_locked(uint64_t from, uint64_t size)
{
	struct area *a = area_above_locked(from);

	for (; a; a = rb_next(&a->node) ? area_at(rb_next(&a->node)) : NULL) {
		if (a->start >= from && a->start - from >= size + GUARD_SIZE)
			return from;
		from = a->end + GUARD_SIZE;
	}
	return from < window_end && window_end - from >= size + GUARD_SIZE ? from : 0;
}

static struct area *area_alloc(uint64_t size)
{
	struct area *area;
	uint64_t irq;

	if (size == 0 || size > WINDOW_SIZE)
		return NULL;
	area = slab_alloc(area_cache);
	if (!area)
		return NULL;
	irq = spin_lock_irqsave(&kvm_lock);
	area->start = find_gap_locked(cursor, size);
	if (area->start == 0)
		area->start = find_gap_locked(window_areas, size);
	if (area->start != 0) {
		area->end = area->start + size;
		cursor = area->end + GUARD_SIZE;
		area_insert_locked(area);
	}
	spin_unlock_irqrestore(&kvm_lock, irq);
	if (area->start == 0) {
		slab_free(area_cache, area);
		return NULL;
	}
	return area;
}

/* The area that starts at ptr's page; it stays in the tree until area_free. */
static struct area *area_find(const void *ptr)
{
	uint64_t va = ALIGN_DOWN((uint64_t)ptr, PAGE_SIZE);
	uint64_t irq = spin_lock_irqsave(&kvm_lock);
	struct area *area = area_above_locked(va);

	spin_unlock_irqrestore(&kvm_lock, irq);
	if (!area || area->start != va)
		panic("vfree or mmio_unmap of %p, where no area starts", ptr);
	return area;
}

static void area_free(struct area *area)
{
	uint64_t irq = spin_lock_irqsave(&kvm_lock);

	rb_erase(&areas, &area->node);
	spin_unlock_irqrestore(&kvm_lock, irq);
	slab_free(area_cache, area);
}

uint64_t kvm_reserve(uint64_t size)
{
	struct area *area = area_alloc(size);

	return area ? area->start : 0;
}

/* --- the interface ---------------------------------------------------------------------------------- */

void *vmalloc(size_t size)
{
	struct area *area;

	if (add_overflows(size, PAGE_SIZE - 1, &size))
		return NULL;
	area = area_alloc(size & PAGE_MASK);
	if (!area)
		return NULL;
	if (kvm_populate(area->start, area->end, PAGE_KERNEL) < 0) {
		area_free(area);
		return NULL;
	}
	atomic_fetch_add_explicit(&pages_used, (area->end - area->start) >> PAGE_SHIFT, memory_order_relaxed);
	return (void *)area->start;
}

void vfree(void *ptr)
{
	struct area *area;

	if (!ptr)
		return;
	area = area_find(ptr);
	atomic_fetch_sub_explicit(&pages_used, (area->end - area->start) >> PAGE_SHIFT, memory_order_relaxed);
	kvm_depopulate(area->start, area->end);
	area_free(area);
}

uint64_t vmalloc_total_pages(void)
{
	return WINDOW_SIZE >> PAGE_SHIFT;
}

uint64_t vmalloc_used_pages(void)
{
	return atomic_load_explicit(&pages_used, memory_order_relaxed);
}

static void unmap_device(uint64_t start, uint64_t end)
{
	for (uint64_t va = start; va < end; va += PAGE_SIZE)
		(void)kvm_unmap(va);
	tlb_flush_kernel(start, end);
}

/* Memory that programs or the kernel use: a table that puts a device there is wrong. */
static bool overlaps_memory(paddr_t base, paddr_t end)
{
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];
		bool memory = r->type == BOOT_REGION_USABLE || r->type == BOOT_REGION_KERNEL ||
			      r->type == BOOT_REGION_MODULE || r->type == BOOT_REGION_BOOT_RECLAIMABLE;

		if (memory && r->base < end && base < r->base + r->length)
			return true;
	}
	return false;
}

void *mmio_map(paddr_t pa, size_t size, unsigned prot)
{
	paddr_t first = ALIGN_DOWN(pa, PAGE_SIZE), end;
	size_t bytes;
	struct area *area;

	if (size == 0 || add_overflows(pa - first, size, &bytes) ||
	    add_overflows(bytes, PAGE_SIZE - 1, &bytes) || add_overflows(first, bytes & PAGE_MASK, &end) ||
	    end > arch_phys_end() || overlaps_memory(first, end))
		return NULL;
	area = area_alloc(bytes & PAGE_MASK);
	if (!area)
		return NULL;
	for (uint64_t va = area->start; va < area->end; va += PAGE_SIZE) {
		if (kvm_map(va, first + (va - area->start), prot) < 0) {
			unmap_device(area->start, va);
			area_free(area);
			return NULL;
		}
	}
	return (void *)(area->start + (pa - first));
}

void mmio_unmap(void *ptr, size_t size)
{
	struct area *area = area_find(ptr);

	ASSERT((uint64_t)ptr + size <= area->end);
	unmap_device(area->start, area->end);
	area_free(area);
}

void vmalloc_init(void)
{
	uint64_t slots = (KERNEL_HEAP_END - KERNEL_HEAP_BASE) / WINDOW_SIZE;

	area_cache = slab_create("vmalloc_area", sizeof(struct area), 0);
	window_start = KERNEL_HEAP_BASE + random_u64() % slots * WINDOW_SIZE;
	window_end = window_start + WINDOW_SIZE;
	window_areas = kstack_init(window_start);
	cursor = window_areas;
	/* The first mapping makes the window's entry in the top-level table, which user spaces copy. */
	kstack_free(kstack_alloc());
}

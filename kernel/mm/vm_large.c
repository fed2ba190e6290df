/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large pages for large anonymous memory.
 *
 * Rule: a fault maps 2 MiB at once when the aligned stretch around it
 *	- lies inside one private anonymous area that may be written, not executed, and is no stack,
 *	- has no small page yet,
 *	- has a neighbour in that area at least half of which is in use (so the stretch is part of something
 *	  large that is being filled), or the program asked with MADV_HUGEPAGE,
 * and memory is not short.  Clearing 2 MiB for a program that touches one page would cost 500 page faults'
 * clears; by this rule at most half of the memory it gives is wasted, and a small program never sees it.
 * MADV_NOHUGEPAGE and the policy `never` forbid it, `madvise` leaves only the second half of the third point.
 *
 * Executable pages stay small: some processors stop with a machine check when code is found by a large and
 * a small translation (Intel's ITLB multihit).
 *
 * References: a large page holds one on each of its 512 frames.  So splitting touches only the page table,
 * fork's copy on write goes on frame by frame afterwards, and the frames return one by one or as a run.
 */
#include "vm_large.h"

#include <arch/trap.h>
#include <kernel/cmdline.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "tlb.h"
#include "uninitialized.h"
#include "vm_priv.h"

#define DENSE_PAGES  (LARGE_PAGE_FRAMES / 2)
#define SHORT_MEMORY 16 /* large pages leave this fraction of memory free */

static _Atomic uint32_t policy = VM_LARGE_ALWAYS; /* [a] enum vm_large_policy */
static _Atomic int64_t mapped;                    /* [a] large pages in page tables */

static const char *const policy_names[] = {
	[VM_LARGE_ALWAYS] = "always",
	[VM_LARGE_MADVISE] = "madvise",
	[VM_LARGE_NEVER] = "never",
};

/* --- policy ----------------------------------------------------------------------------------------- */

int vm_large_set_policy(const char *name)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(policy_names); i++) {
		if (strcmp(name, policy_names[i]) == 0) {
			atomic_store_explicit(&policy, i, memory_order_relaxed);
			return 0;
		}
	}
	return -EINVAL;
}

enum vm_large_policy vm_large_get_policy(void)
{
	return atomic_load_explicit(&policy, memory_order_relaxed);
}

uint64_t vm_large_mapped_pages(void)
{
	return (uint64_t)atomic_load_explicit(&mapped, memory_order_relaxed) * LARGE_PAGE_FRAMES;
}

static void count_mapped(int64_t n)
{
	atomic_fetch_add_explicit(&mapped, n, memory_order_relaxed);
}

static bool dense_at(const struct vm_space *vm, const struct vm_area *area, uint64_t base)
{
	return base >= area->start && base + LARGE_PAGE_SIZE <= area->end &&
	       arch_pt_density(vm->root, base) >= DENSE_PAGES;
}

static bool wanted(const struct vm_space *vm, const struct vm_area *area, uint64_t base)
{
	if (area->object ||
	    (area->flags & (VM_SHARED | VM_EXEC | VM_STACK | VM_NOHUGEPAGE | VM_TELL_MISSING)) ||
	    !(area->flags & VM_WRITE) || base < area->start || base + LARGE_PAGE_SIZE > area->end)
		return false;
	switch (vm_large_get_policy()) {
	case VM_LARGE_ALWAYS:
		break;
	case VM_LARGE_MADVISE:
		if (!(area->flags & VM_HUGEPAGE))
			return false;
		break;
	case VM_LARGE_NEVER:
		return false;
	}
	if (!(area->flags & VM_HUGEPAGE) && !dense_at(vm, area, base - LARGE_PAGE_SIZE) &&
	    !dense_at(vm, area, base + LARGE_PAGE_SIZE))
		return false;
	return pmm_free_beyond(pmm_total_memory() / SHORT_MEMORY + LARGE_PAGE_SIZE);
}

/* --- faults ----------------------------------------------------------------------------------------- */

/* Clearing takes long: the lock is let go for that, and then somebody else may have been faster. */
static bool map_large(struct vm_space *vm, const struct vm_area *area, uint64_t base)
{
	paddr_t pa = vm_alloc_large(&area->policy, base / LARGE_PAGE_SIZE, PMM_ZERO), there;
	bool mapped_it = false;
	unsigned prot;

	if (pa == PADDR_NONE)
		return false;
	spin_lock(&vm->pt_lock);
	if (!arch_pt_slot_find(vm->root, base) && !arch_pt_query_large(vm->root, base, &there, &prot))
		mapped_it = arch_pt_map_large(vm->root, base, pa, vm_area_prot(area, true)) == 0;
	spin_unlock(&vm->pt_lock);
	if (!mapped_it) {
		pmm_free_contiguous(pa, LARGE_PAGE_FRAMES);
		return false;
	}
	atomic_fetch_add_explicit(&vm->pages_mapped, LARGE_PAGE_FRAMES, memory_order_relaxed);
	count_mapped(1);
	return true;
}

/* Is no other space's reference on any of the frames? */
static bool exclusive(paddr_t pa)
{
	struct page *page = page_of(pa);

	for (unsigned i = 0; i < LARGE_PAGE_FRAMES; i++) {
		if (refcount_read(&page[i].refs) != 1)
			return false;
	}
	return true;
}

bool vm_large_split_entry_locked(struct vm_space *vm, uint64_t addr)
{
	if (!arch_pt_split_large(vm->root, addr))
		return false;
	count_mapped(-1);
	return true;
}

static void flush_split(struct vm_space *vm, uint64_t addr)
{
	uint64_t base = ALIGN_DOWN(addr, LARGE_PAGE_SIZE);

	tlb_flush_range(vm, base, base + LARGE_PAGE_SIZE);
}

/* A fault in a large page that is there: false, it must be split. */
static bool resolve_large(struct vm_space *vm, const struct vm_area *area, uint64_t va, unsigned access,
			  paddr_t pa, unsigned prot)
{
	if ((prot & PT_READ) && (!(access & FAULT_WRITE) || (prot & PT_WRITE))) {
		arch_tlb_flush_page(va); /* resolved meanwhile by another thread */
		return true;
	}
	if (exclusive(pa)) {
		arch_pt_protect_large(vm->root, va, vm_area_prot(area, true));
		arch_tlb_flush_page(va);
		return true;
	}
	return false;
}

bool vm_large_fault(struct vm_space *vm, const struct vm_area *area, uint64_t va, unsigned access)
{
	uint64_t base = ALIGN_DOWN(va, LARGE_PAGE_SIZE);
	bool want = false, resolved = false, cut = false;
	unsigned prot;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	if (arch_pt_query_large(vm->root, va, &pa, &prot)) {
		resolved = resolve_large(vm, area, va, access, pa, prot);
		cut = !resolved && vm_large_split_entry_locked(vm, va);
	} else {
		want = wanted(vm, area, base);
	}
	spin_unlock(&vm->pt_lock);
	if (cut)
		flush_split(vm, va);
	return resolved || (want && map_large(vm, area, base));
}

/* --- splitting -------------------------------------------------------------------------------------- */

static void split(struct vm_space *vm, uint64_t addr)
{
	bool cut;

	spin_lock(&vm->pt_lock);
	cut = vm_large_split_entry_locked(vm, addr);
	spin_unlock(&vm->pt_lock);
	if (cut)
		flush_split(vm, addr);
}

void vm_large_split(struct vm_space *vm, uint64_t addr)
{
	if (addr % LARGE_PAGE_SIZE != 0)
		split(vm, addr);
}

void vm_large_split_range(struct vm_space *vm, uint64_t start, uint64_t end)
{
	paddr_t pa;
	unsigned prot;
	bool cut;

	for (uint64_t at = ALIGN_DOWN(start, LARGE_PAGE_SIZE); at < end; at += LARGE_PAGE_SIZE) {
		spin_lock(&vm->pt_lock);
		at = MAX(at, ALIGN_DOWN(arch_pt_next(vm->root, at, end, &pa, &prot), LARGE_PAGE_SIZE));
		cut = at < end && vm_large_split_entry_locked(vm, at);
		spin_unlock(&vm->pt_lock);
		if (cut)
			flush_split(vm, at);
	}
}

/* --- frames ----------------------------------------------------------------------------------------- */

static bool any_large(const paddr_t *frames, unsigned n)
{
	paddr_t all = 0;

	for (unsigned i = 0; i < n; i++)
		all |= frames[i];
	return all & PT_FRAME_LARGE;
}

/* The small pages of a large one in batches. */
static void for_each_batch(paddr_t pa, void (*fn)(const paddr_t *frames, unsigned n))
{
	paddr_t frames[VM_BATCH] __uninitialized;

	for (unsigned done = 0; done < LARGE_PAGE_FRAMES; done += VM_BATCH) {
		for (unsigned i = 0; i < VM_BATCH; i++)
			frames[i] = pa + (done + i) * PAGE_SIZE;
		fn(frames, VM_BATCH);
	}
}

static __noinline uint64_t get_mixed(const paddr_t *frames, unsigned n)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < n; i++) {
		if (frames[i] & PT_FRAME_LARGE) {
			for_each_batch(frames[i] & ~PT_FRAME_LARGE, pmm_get_batch);
			count_mapped(1);
			pages += LARGE_PAGE_FRAMES;
		} else {
			pmm_get_batch(&frames[i], 1);
			pages++;
		}
	}
	return pages;
}

uint64_t vm_frames_get(const paddr_t *frames, unsigned n)
{
	if (unlikely(any_large(frames, n)))
		return get_mixed(frames, n);
	pmm_get_batch(frames, n);
	return n;
}

static void put_large(paddr_t pa)
{
	/* Nobody else can take a reference on frames that only this caller knows. */
	if (exclusive(pa)) {
		atomic_thread_fence(memory_order_acquire);
		pmm_free_contiguous(pa, LARGE_PAGE_FRAMES);
	} else {
		for_each_batch(pa, pmm_put_batch);
	}
	count_mapped(-1);
}

static __noinline uint64_t put_mixed(const paddr_t *frames, unsigned n)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < n; i++) {
		if (frames[i] & PT_FRAME_LARGE) {
			put_large(frames[i] & ~PT_FRAME_LARGE);
			pages += LARGE_PAGE_FRAMES;
		} else {
			pmm_put_batch(&frames[i], 1);
			pages++;
		}
	}
	return pages;
}

uint64_t vm_frames_put(const paddr_t *frames, unsigned n)
{
	if (unlikely(any_large(frames, n)))
		return put_mixed(frames, n);
	pmm_put_batch(frames, n);
	return n;
}

void vm_large_init(void)
{
	char name[16];

	if (cmdline_get("transparent_hugepage", name, sizeof(name)) == 0 && vm_large_set_policy(name) < 0)
		pr_warn("transparent_hugepage=%s: not always, madvise or never", name);
}

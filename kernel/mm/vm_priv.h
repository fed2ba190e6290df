/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: what the files of the address-space part share.  `_locked`: vm_space.lock is held, for
 * writing unless it says otherwise. */
#pragma once

#include <arch/paging.h>
#include <kernel/sched.h>
#include <kernel/vm.h>

#include "pmm_batch.h"

#define VM_RIGHTS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_BATCH  32 /* frames handled by one walk of the page table */

/* How the page table maps a page of an area; `write` false holds back the right to write. */
static inline unsigned vm_area_prot(const struct vm_area *area, bool write)
{
	unsigned prot = 0;

	_Static_assert(VM_READ == PT_READ && VM_WRITE == PT_WRITE && VM_EXEC == PT_EXEC, "same bits");
	prot = area->flags & (write ? VM_RIGHTS : VM_READ | VM_EXEC);
	/* The machine knows no page that can be written or executed but not read. */
	return prot || (area->flags & VM_WRITE) ? prot | PT_READ | PT_USER : 0;
}

/* Written and executed at once: vm_space.write_exec says whether there may be such areas. */
static inline bool vm_write_exec(uint32_t flags)
{
	return (flags & (VM_WRITE | VM_EXEC)) == (VM_WRITE | VM_EXEC);
}

static inline bool vm_area_private(const struct vm_area *area)
{
	return !(area->flags & VM_SHARED);
}

/* Nothing comes to the area any more. */
static inline bool vm_area_revoked(const struct vm_area *area)
{
	return area->grant && atomic_load_explicit(&area->grant->revoked, memory_order_acquire);
}

static inline uint64_t vm_area_index(const struct vm_area *area, uint64_t addr)
{
	return (area->offset + (addr - area->start)) >> PAGE_SHIFT;
}

/* Does the area's object follow who maps it?  Then its pages are unmapped, and flushed, before the area goes:
 * the object may be freed with it, and no one else may have them by then. */
static inline bool vm_area_followed(const struct vm_area *area)
{
	return area->object && area->object->ops->detached;
}

/* Cached pages (vm_cache.c). */
void vm_cache_init(void);
void vm_cache_forget(struct vm_object *obj); /* the last reference is gone */
/* Drop the page at index, which nobody else holds; the object is locked. */
void vm_object_evict_locked(struct vm_object *obj, uint64_t index);
/* Unmap an object's page everywhere; the object is locked, so it is not found again.  False: a locked area
 * has it, or the reverse list is in use. */
bool vm_rmap_try_unmap_page(struct vm_object *obj, uint64_t index);

void vm_object_setup(void);
/* As vm_object_page, but -ENXIO past the object's size; a new page comes from where `policy` says. */
int vm_object_page_inside(struct vm_object *obj, uint64_t index, const struct mempolicy *policy,
			  struct page **out) __must_check;

/* The same, only if the page is there: -ENOENT. */
int vm_object_find_inside(struct vm_object *obj, uint64_t index, struct page **out) __must_check;

/* Memory policy (vm_policy.c): the area's, or else that of the running task. */
extern const struct mempolicy vm_no_policy;
paddr_t vm_alloc_by_policy(const struct mempolicy *policy, uint64_t index, enum page_use use,
			   unsigned flags) __must_check;
/* LARGE_PAGE_FRAMES of them. */
paddr_t vm_alloc_large(const struct mempolicy *policy, uint64_t index, unsigned flags) __must_check;

/* A page, the index-th of what it belongs to. */
static inline __must_check paddr_t vm_alloc_page(const struct mempolicy *policy, uint64_t index,
						 enum page_use use, unsigned flags)
{
	if (likely((policy->mode | current_task()->mempolicy.mode) == 0))
		return pmm_alloc(use, flags);
	return vm_alloc_by_policy(policy, index, use, flags);
}

static inline uint64_t vm_pages_in(uint64_t start, uint64_t end)
{
	return (end - start) >> PAGE_SHIFT;
}

/* Page-aligned, not empty, inside the user half; *end is rounded up. */
bool vm_valid_range(uint64_t addr, uint64_t len, uint64_t *end);

/* Count pages that come to areas with these flags, and charge them if VM_ACCOUNT is among them: -ENOMEM. */
/* Does vm_space.writable_limit leave room for `pages` more? */
bool vm_may_write_more_locked(const struct vm_space *vm, uint64_t pages);
int vm_count_in_locked(struct vm_space *vm, uint32_t flags, uint64_t pages) __must_check;
void vm_count_out_locked(struct vm_space *vm, uint32_t flags, uint64_t pages);
/* The same without the charge. */
void vm_recount_locked(struct vm_space *vm, uint32_t flags, int64_t pages);
/* Are pages with these flags to be charged? */
static inline bool vm_accountable(uint32_t flags)
{
	return (flags & (VM_SHARED | VM_WRITE | VM_NORESERVE)) == VM_WRITE;
}

/* Pages that are resident. */
static inline void vm_count_mapped(struct vm_space *vm, uint64_t pages)
{
	atomic_fetch_add_explicit(&vm->pages_mapped, pages, memory_order_relaxed);
}

static inline void vm_count_unmapped(struct vm_space *vm, uint64_t pages)
{
	uint64_t before = atomic_fetch_sub_explicit(&vm->pages_mapped, pages, memory_order_relaxed);

	if (before > READ_ONCE(vm->pages_peak))
		WRITE_ONCE(vm->pages_peak, before);
}

/* No area and no large page may reach across addr.  -ENOMEM. */
int vm_split_at_locked(struct vm_space *vm, uint64_t addr) __must_check;
/* Join an area with its successor if they are alike. */
void vm_merge_next_locked(struct vm_space *vm, struct vm_area *area);
/* The same at both ends of a range, and for all areas of one and those next to it. */
int vm_cut_out_locked(struct vm_space *vm, uint64_t start, uint64_t end) __must_check;
void vm_merge_range_locked(struct vm_space *vm, uint64_t start, uint64_t end);
/* The bounds of an area grow into free space. */
void vm_extend_area_locked(struct vm_area *area, uint64_t start, uint64_t end);
/* The area of `model` appears, as part of a neighbour where that is alike.  -ENOMEM. */
int vm_add_area_locked(struct vm_space *vm, const struct vm_area *model) __must_check;
int vm_unmap_locked(struct vm_space *vm, uint64_t start, uint64_t end) __must_check;
/* Where an area goes; with VM_MAP_FIXED the place is made free. */
int vm_place_locked(struct vm_space *vm, uint64_t *addr, uint64_t len, unsigned how) __must_check;
/* Cut the areas of a range to it and change their flags.  -ENOMEM: nothing was changed. */
int vm_change_locked(struct vm_space *vm, uint64_t start, uint64_t end, uint32_t set,
		     uint32_t clear) __must_check;
/* Touch the pages of [start, end).  The lock is held for reading, but let go while a monitor is waited for;
 * as vm_populate. */
int vm_populate_locked(struct vm_space *vm, uint64_t start, uint64_t end, bool write);

/* Let vm->lock go, held for writing.  Grants whose last area went meanwhile are released after that, since
 * their release may take any lock. */
void vm_write_unlock(struct vm_space *vm);
/* The same in steps, where the lock is kept for reading. */
struct vm_grant *vm_take_ended_locked(struct vm_space *vm);
void vm_release_grants(struct vm_grant *ended);

void vm_map_setup(void);
/* A new area, not in the tree: a copy of `model` with its own references.  NULL: no memory. */
struct vm_area *vm_area_copy(const struct vm_area *model) __must_check;
/* Drop the references and free. */
void vm_area_free(struct vm_area *area);
/* Into and out of the tree and the object's reverse list; unlink frees the area. */
void vm_area_link_locked(struct vm_space *vm, struct vm_area *area);
void vm_area_unlink_locked(struct vm_space *vm, struct vm_area *area);
/* Take the pages of [start, end) out of the page table and drop their references.  vm->lock: reading will do.
 */
void vm_unmap_pages_locked(struct vm_space *vm, uint64_t start, uint64_t end);
/* Resolve a fault in the page at va, which is the area's.  vm->lock is held, for reading at least.
 * VM_FAULT_WAITS: as vm_fault. */
int vm_fault_in(struct vm_space *vm, struct vm_area *area, uint64_t va, unsigned access) __must_check;

/* Enter a page, whose reference goes to the entry, found when the object's generation was `seen`.  False:
 * look again, the page may be gone from the object, or somebody else has filled the entry. */
static __always_inline __must_check bool vm_enter_page(struct vm_space *vm, const struct vm_area *area,
						       struct pt_slot *slot, uint32_t seen, paddr_t pa,
						       unsigned prot)
{
	bool entered = false;

	spin_lock(&vm->pt_lock);
	if (atomic_load_explicit(&area->object->generation, memory_order_relaxed) == seen)
		entered = arch_pt_slot_fill(slot, pa, prot);
	spin_unlock(&vm->pt_lock);
	if (entered)
		vm_count_mapped(vm, 1);
	return entered;
}

/* As vm_fault; vm->lock is held for reading.  VM_FAULT_WAITS too. */
int vm_resolve_locked(struct vm_space *vm, uint64_t addr, unsigned access) __must_check;
/* The place of a page that no table is there for, made under pt_lock, which is taken.  1: a large page is
 * there; -ENOMEM. */
int vm_make_slot(struct vm_space *vm, uint64_t va, struct pt_slot **slot) __must_check;

/* The reverse list (vm_rmap.c).  Areas without an object are in none: for them these do nothing. */
void vm_rmap_lock(const struct vm_area *area); /* bounds of areas with this object stay, or may be changed */
void vm_rmap_unlock(const struct vm_area *area);
void vm_rmap_add_locked(struct vm_area *area);
void vm_rmap_remove_locked(struct vm_area *area);
/* Take the pages of [first, last] of an object out of every page table; `copies`: private copies as well.
 * Pages that the object still holds may be mapped again at once. */
void vm_rmap_unmap(struct vm_object *obj, uint64_t first, uint64_t last, bool copies);
/* Take everything out that areas with this grant have mapped; it is marked as revoked. */
void vm_rmap_revoke(struct vm_object *obj, const struct vm_grant *grant);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse list: from an object to the areas that show it, so that pages can be taken out of all spaces.
 *
 * A walk holds the object's areas_lock, which keeps the areas, their bounds and their spaces, and each
 * space's pt_lock while it looks into its table.  It needs no space's own lock, so it may run where vnodes
 * are locked.
 */
#include <kernel/vm.h>

#include "tlb.h"
#include "uninitialized.h"
#include "userfault.h"
#include "vm_priv.h"

void vm_rmap_lock(const struct vm_area *area)
{
	if (area->object)
		mutex_lock(&area->object->areas_lock);
}

void vm_rmap_unlock(const struct vm_area *area)
{
	if (area->object)
		mutex_unlock(&area->object->areas_lock);
}

/* May writes through the area ever reach its object? */
static bool may_write_object(const struct vm_area *area)
{
	return (area->flags & VM_SHARED) && (area->max_prot & VM_WRITE) && !vm_area_revoked(area);
}

void vm_rmap_add_locked(struct vm_area *area)
{
	if (!area->object)
		return;
	area->writes = may_write_object(area);
	if (area->writes)
		vm_object_hold_writable(area->object);
	list_add_tail(&area->object->areas, &area->of_object);
}

static void writes_no_more(struct vm_area *area)
{
	if (area->writes)
		vm_object_drop_writable(area->object);
	area->writes = false;
}

void vm_rmap_remove_locked(struct vm_area *area)
{
	if (!area->object)
		return;
	writes_no_more(area);
	list_del(&area->of_object);
}

/* Unmap the object's own pages in [start, end) and leave private copies. */
static void unmap_originals(struct vm_space *vm, uint64_t start, uint64_t end)
{
	unsigned prot;
	paddr_t pa;

	for (uint64_t va = start; va < end; va += PAGE_SIZE) {
		spin_lock(&vm->pt_lock);
		va = arch_pt_next(vm->root, va, end, &pa, &prot);
		if (va < end && page_of(pa)->use != PAGE_ANON) {
			(void)arch_pt_unmap(vm->root, va);
		} else {
			pa = PADDR_NONE;
		}
		spin_unlock(&vm->pt_lock);
		if (pa != PADDR_NONE) {
			tlb_flush_range(vm, va, va + PAGE_SIZE);
			atomic_fetch_sub_explicit(&vm->pages_mapped, 1, memory_order_relaxed);
			page_put(page_of(pa));
		}
	}
}

/* The part of an area that shows pages [first, last] of its object; false: none. */
static bool overlap(const struct vm_area *area, uint64_t first, uint64_t last, uint64_t *start, uint64_t *end)
{
	uint64_t from = area->offset >> PAGE_SHIFT, pages = (area->end - area->start) >> PAGE_SHIFT;

	if (last < from || first >= from + pages)
		return false;
	*start = area->start + (MAX(first, from) - from) * PAGE_SIZE;
	*end = last - from < pages ? area->start + (last - from + 1) * PAGE_SIZE : area->end;
	return true;
}

void vm_rmap_unmap(struct vm_object *obj, uint64_t first, uint64_t last, bool copies)
{
	struct vm_area *area;
	uint64_t start, end;

	mutex_lock(&obj->areas_lock);
	list_for_each (area, &obj->areas, of_object) {
		if (!overlap(area, first, last, &start, &end))
			continue;
		if (copies)
			vm_unmap_pages_locked(area->space, start, end);
		else
			unmap_originals(area->space, start, end);
	}
	mutex_unlock(&obj->areas_lock);
}

/* An area that is about to be entered finds its grant revoked; what fork and mremap take from one that was
 * passed is nothing, for theirs come behind it in the list. */
void vm_rmap_revoke(struct vm_object *obj, const struct vm_grant *grant)
{
	struct vm_area *area;

	mutex_lock(&obj->areas_lock);
	list_for_each (area, &obj->areas, of_object) {
		if (area->grant != grant)
			continue;
		writes_no_more(area);
		vm_unmap_pages_locked(area->space, area->start, area->end);
		vm_wake_sleepers(area->space, area->start, area->end, obj);
		if (area->userfault)
			userfault_wake_range(area->userfault, area->start, area->end);
	}
	mutex_unlock(&obj->areas_lock);
}

bool vm_rmap_try_unmap_page(struct vm_object *obj, uint64_t index)
{
	struct vm_area *area;
	uint64_t start, end;
	bool done = true;

	if (!mutex_trylock(&obj->areas_lock))
		return false;
	/* Who has found the page before this may not enter it any more. */
	atomic_fetch_add_explicit(&obj->generation, 1, memory_order_seq_cst);
	list_for_each (area, &obj->areas, of_object) {
		if (!overlap(area, index, index, &start, &end))
			continue;
		if (area->flags & VM_LOCKED)
			done = false;
		else
			unmap_originals(area->space, start, end);
	}
	mutex_unlock(&obj->areas_lock);
	return done;
}

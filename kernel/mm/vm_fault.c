/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolving page faults.  The page table holds one reference to every page it maps.
 *
 *	private, no object    a cleared page of its own
 *	private, object       the object's page, read-only, until the first write copies it
 *	shared                the object's page
 *	revoked (vm_grant.c)  nothing: SIGBUS
 *	monitored             what its monitor is told of waits for it (kernel/userfaultfd.h)
 *
 * A page of its own (PAGE_ANON) may be shared with other spaces after fork; then it is mapped read-only
 * and the first write copies it, unless no other reference is left.
 */
#include <arch/trap.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "uninitialized.h"
#include "vm_large.h"
#include "vm_priv.h"

/* No lock but vm->lock for reading: whoever fills the entry first wins. */
static int map_zeroed(struct vm_space *vm, const struct vm_area *area, struct pt_slot *slot, uint64_t va)
{
	paddr_t pa = vm_alloc_page(&area->policy, va >> PAGE_SHIFT, PAGE_ANON, PMM_ZERO);

	if (pa == PADDR_NONE)
		return -ENOMEM;
	if (unlikely(!arch_pt_slot_fill(slot, pa, vm_area_prot(area, true)))) {
		pmm_free_zeroed(pa);
		return 0;
	}
	vm_count_mapped(vm, 1);
	return 0;
}

/* A page of the area's own with the contents of another. */
static paddr_t copy_page(struct vm_area *area, uint64_t va, paddr_t from)
{
	paddr_t pa = vm_alloc_page(&area->policy, va >> PAGE_SHIFT, PAGE_ANON, 0);

	if (pa == PADDR_NONE)
		return pa;
	arch_copy_page(phys_to_virt(pa), phys_to_virt(from));
	if (area->object && !(READ_ONCE(area->flags) & VM_COPIED))
		__atomic_fetch_or(&area->flags, VM_COPIED, __ATOMIC_RELAXED);
	return pa;
}

/* The object's page for an area with a monitor. */
static __noinline int monitored_page(struct vm_area *area, uint64_t index, struct page **page)
{
	int err = vm_object_find_inside(area->object, index, page);

	if (err == 0 && (area->flags & VM_TELL_MINOR)) {
		page_put(*page);
		return VM_FAULT_WAITS;
	}
	if (err != -ENOENT)
		return err;
	if (area->flags & VM_TELL_MISSING)
		return VM_FAULT_WAITS;
	return vm_object_page_inside(area->object, index, &area->policy, page);
}

/* An entry that somebody else has filled meanwhile is as good: the access is tried again. */
static int map_from_object(struct vm_space *vm, struct vm_area *area, struct pt_slot *slot, uint64_t va,
			   unsigned access)
{
	uint32_t seen = atomic_load_explicit(&area->object->generation, memory_order_acquire);
	bool private = vm_area_private(area), copy = private && (access & FAULT_WRITE), write;
	struct page *page;
	paddr_t pa;
	int err;

	/* After `seen`: whoever revokes it now has enter_page refuse. */
	if (unlikely(vm_area_revoked(area)))
		return -ENXIO;
	if (unlikely(area->flags & VM_USERFAULT))
		err = monitored_page(area, vm_area_index(area, va), &page);
	else
		err = vm_object_page_inside(area->object, vm_area_index(area, va), &area->policy, &page);
	if (err < 0)
		return err;
	pa = page_addr(page);
	if (copy) {
		pa = copy_page(area, va, pa);
		page_put(page);
		if (pa == PADDR_NONE)
			return -ENOMEM;
	}
	/* A clean page that may be evicted is written to only after a fault that says so. */
	write = copy || (!private && (!area->object->cache || (access & FAULT_WRITE)));
	if (unlikely(area->object->cache) && write && !copy)
		page_mark_dirty(page);
	if (unlikely(!vm_enter_page(vm, area, slot, seen, pa, vm_area_prot(area, write))))
		page_put(page_of(pa));
	return 0;
}

/* Does the entry map this page, and not for writing, but might?  pt_lock is held. */
static bool maps_read_only(const struct pt_slot *slot, paddr_t pa)
{
	unsigned prot;
	paddr_t now;

	return arch_pt_slot_get(slot, &now, &prot) && now == pa && !(prot & (PT_WRITE | PT_WATCHED));
}

/* The entry has just got `copy`, read-only, and other CPUs have to hear of it before anybody writes: while
 * one may still read the old page nobody may write to the new.  pt_lock is held, and let go.  The second
 * reference meanwhile has whoever else wants to write make a copy of his own. */
static __noinline void allow_write_later(const struct vm_area *area, struct pt_slot *slot, paddr_t copy,
					 struct tlb_flush *flush)
{
	struct spinlock *pt_lock = &flush->vm->pt_lock;
	struct page *page = page_of(copy);

	page_get(page);
	spin_unlock(pt_lock);
	tlb_flush_end(flush);
	spin_lock(pt_lock);
	/* Not if it was unmapped meanwhile, or replaced again, or a message shares it. */
	if (maps_read_only(slot, copy) && refcount_read(&page->refs) == 2)
		arch_pt_slot_set(slot, copy, vm_area_prot(area, true));
	spin_unlock(pt_lock);
	page_put(page);
}

/* Replace the page of an entry, which had `old`, by a copy of it. */
static int replace_by_copy(struct vm_space *vm, struct vm_area *area, struct pt_slot *slot, uint64_t va,
			   paddr_t old)
{
	paddr_t copy = copy_page(area, va, old);
	struct tlb_flush flush __uninitialized;

	if (copy == PADDR_NONE)
		return -ENOMEM;
	spin_lock(&vm->pt_lock);
	if (unlikely(!maps_read_only(slot, old))) {
		spin_unlock(&vm->pt_lock);
		pmm_free(copy);
		return 0;
	}
	arch_pt_slot_set(slot, copy, vm_area_prot(area, false));
	if (likely(tlb_flush_begin(&flush, vm, va, va + PAGE_SIZE))) {
		arch_pt_slot_set(slot, copy, vm_area_prot(area, true));
		spin_unlock(&vm->pt_lock);
	} else {
		allow_write_later(area, slot, copy, &flush);
	}
	page_put(page_of(old)); /* the page table's reference */
	return 0;
}

/* A write to a page that is mapped, but not for writing. */
static int make_writable(struct vm_space *vm, struct vm_area *area, struct pt_slot *slot, uint64_t va)
{
	struct page *page;
	unsigned prot = 0; /* nothing is mapped any more: try again */
	bool keep;
	paddr_t pa;
	int err;

	spin_lock(&vm->pt_lock);
	if (unlikely(!arch_pt_slot_get(slot, &pa, &prot) || (prot & (PT_WRITE | PT_WATCHED)))) {
		spin_unlock(&vm->pt_lock);
		return (prot & PT_WATCHED) ? VM_FAULT_WAITS : 0;
	}
	page = page_of(pa);
	keep = !vm_area_private(area) || (page->use == PAGE_ANON && refcount_read(&page->refs) == 1);
	if (keep && area->object && area->object->cache && page->use != PAGE_ANON)
		page_mark_dirty(page);
	if (keep)
		arch_pt_slot_set(slot, pa, vm_area_prot(area, true));
	else
		page_get(page);
	spin_unlock(&vm->pt_lock);
	if (keep) {
		/* Other CPUs that still know the entry as read-only come here, too. */
		arch_tlb_flush_page(va);
		return 0;
	}
	err = replace_by_copy(vm, area, slot, va, pa);
	page_put(page);
	return err;
}

static bool permits(const struct vm_area *area, unsigned access)
{
	if (access & FAULT_FORCE)
		return (area->flags & VM_WRITE) || (vm_area_private(area) && (area->flags & VM_RIGHTS));
	if (access & FAULT_WRITE)
		return area->flags & VM_WRITE;
	if (access & FAULT_EXEC)
		return area->flags & VM_EXEC;
	return area->flags & VM_RIGHTS; /* the machine cannot forbid reading alone */
}

/* Extend a stack down to addr, if its limit and its distance from the area below allow. */
static bool grow_stack_locked(struct vm_space *vm, struct vm_area *stack, uint64_t addr)
{
	uint64_t start = ALIGN_DOWN(addr, PAGE_SIZE), more = vm_pages_in(start, stack->start);
	struct vm_area *below = area_prev(stack);

	if (!(stack->flags & VM_STACK) || start < USER_MIN || stack->end - start > vm->stack_limit)
		return false;
	if (below && start < below->end + ((below->flags & VM_STACK) ? 0 : STACK_GUARD_GAP))
		return false;
	if (more > vm->as_limit >> PAGE_SHIFT || vm->pages_reserved > (vm->as_limit >> PAGE_SHIFT) - more ||
	    vm_count_in_locked(vm, stack->flags, more) < 0)
		return false;
	stack->start = start;
	return true;
}

/* Try to make the area above addr reach it.  The caller has vm->lock for reading, and has it so afterwards;
 * in between anything may have happened. */
static void grow_stack(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *area;

	read_unlock(&vm->lock);
	write_lock(&vm->lock);
	area = area_above(&vm->areas, addr);
	if (area && addr < area->start)
		(void)grow_stack_locked(vm, area, addr);
	write_to_read(&vm->lock);
}

/* The area of addr; a stack may grow to reach it. */
static struct vm_area *find_area(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *area = READ_ONCE(vm->recent);

	if (area && addr >= area->start && addr < area->end)
		return area;
	area = area_above(&vm->areas, addr);
	if (area && addr < area->start && (area->flags & VM_STACK)) {
		grow_stack(vm, addr);
		area = area_above(&vm->areas, addr);
	}
	if (!area || addr < area->start)
		return NULL;
	WRITE_ONCE(vm->recent, area);
	return area;
}

int vm_make_slot(struct vm_space *vm, uint64_t va, struct pt_slot **slot)
{
	bool large;
	unsigned prot;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	large = arch_pt_query_large(vm->root, va, &pa, &prot);
	*slot = large ? NULL : arch_pt_slot_make(vm->root, va);
	spin_unlock(&vm->pt_lock);
	return large ? 1 : *slot ? 0 : -ENOMEM;
}

int vm_fault_in(struct vm_space *vm, struct vm_area *area, uint64_t va, unsigned access)
{
	struct pt_slot *slot;
	unsigned prot;
	paddr_t pa;

	if (!permits(area, access))
		return -EACCES;
	slot = arch_pt_slot_find(vm->root, va);
	if (unlikely(!slot)) {
		int there = vm_large_fault(vm, area, va, access) ? 1 : vm_make_slot(vm, va, &slot);

		if (there != 0)
			return MIN(there, 0);
	}
	if (!arch_pt_slot_get(slot, &pa, &prot)) {
		if (area->object)
			return map_from_object(vm, area, slot, va, access);
		if (unlikely(area->flags & VM_TELL_MISSING))
			return VM_FAULT_WAITS;
		return map_zeroed(vm, area, slot, va);
	}
	if ((access & FAULT_WRITE) && !(prot & PT_WRITE))
		return make_writable(vm, area, slot, va);
	/* Resolved meanwhile by another thread, or a translation that had not been dropped yet. */
	arch_tlb_flush_page(va);
	return 0;
}

int vm_resolve_locked(struct vm_space *vm, uint64_t addr, unsigned access)
{
	struct vm_area *area = find_area(vm, addr);

	return area ? vm_fault_in(vm, area, ALIGN_DOWN(addr, PAGE_SIZE), access) : -EFAULT;
}

int vm_fault(struct vm_space *vm, uint64_t addr, unsigned access)
{
	int err;

	if (addr >= USER_END)
		return -EFAULT;
	read_lock(&vm->lock);
	err = vm_resolve_locked(vm, addr, access);
	read_unlock(&vm->lock);
	return err;
}

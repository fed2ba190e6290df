/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resolving page faults.  The page table holds one reference to every page it maps.
 *
 *	private, no object    a cleared page of its own
 *	private, object       the object's page, read-only, until the first write copies it
 *	shared                the object's page
 *
 * A page of its own (PAGE_ANON) may be shared with other spaces after fork; then it is mapped read-only
 * and the first write copies it, unless no other reference is left.
 */
#include <arch/trap.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "vm_large.h"
#include "vm_priv.h"

static int map_zeroed(struct vm_space *vm, const struct vm_area *area, struct pt_slot *slot)
{
	paddr_t pa = pmm_alloc(PAGE_ANON, PMM_ZERO);

	if (pa == PADDR_NONE)
		return -ENOMEM;
	arch_pt_slot_set(slot, pa, vm_area_prot(area, true));
	vm->pages_mapped++;
	return 0;
}

/* A page of the area's own with the contents of another. */
static paddr_t copy_page(struct vm_area *area, paddr_t from)
{
	paddr_t pa = pmm_alloc(PAGE_ANON, 0);

	if (pa == PADDR_NONE)
		return pa;
	arch_copy_page(phys_to_virt(pa), phys_to_virt(from));
	if (area->object)
		area->flags |= VM_COPIED;
	return pa;
}

static int map_from_object(struct vm_space *vm, struct vm_area *area, struct pt_slot *slot, uint64_t va,
			   unsigned access)
{
	bool private = vm_area_private(area), copy = private && (access & FAULT_WRITE);
	struct page *page;
	paddr_t pa;
	int err = vm_object_page_inside(area->object, vm_area_index(area, va), &page);

	if (err < 0)
		return err;
	pa = page_addr(page);
	if (copy) {
		pa = copy_page(area, pa);
		page_put(page);
		if (pa == PADDR_NONE)
			return -ENOMEM;
	}
	arch_pt_slot_set(slot, pa, vm_area_prot(area, copy || !private));
	vm->pages_mapped++;
	return 0;
}

/* A write to a page that is mapped, but not for writing. */
static int make_writable(struct vm_space *vm, struct vm_area *area, struct pt_slot *slot, uint64_t va,
			 paddr_t pa)
{
	struct page *page = page_of(pa), *shared = NULL;
	bool exclusive = page->use == PAGE_ANON && refcount_read(&page->refs) == 1;

	if (vm_area_private(area) && !exclusive) {
		shared = page;
		pa = copy_page(area, pa);
		if (pa == PADDR_NONE)
			return -ENOMEM;
	}
	arch_pt_slot_set(slot, pa, vm_area_prot(area, true));
	tlb_flush_range(vm, va, va + PAGE_SIZE);
	if (shared)
		page_put(shared);
	return 0;
}

static bool permits(const struct vm_area *area, unsigned access)
{
	if (access & FAULT_WRITE)
		return area->flags & VM_WRITE;
	if (access & FAULT_EXEC)
		return area->flags & VM_EXEC;
	return area->flags & VM_RIGHTS; /* the machine cannot forbid reading alone */
}

/* Extend a stack down to addr, if its limit and its distance from the area below allow. */
static bool grow_stack(struct vm_space *vm, struct vm_area *stack, uint64_t addr)
{
	uint64_t start = ALIGN_DOWN(addr, PAGE_SIZE);
	struct vm_area *below = area_prev(stack);

	if (!(stack->flags & VM_STACK) || start < USER_MIN || stack->end - start > vm->stack_limit)
		return false;
	if (below && start < below->end + ((below->flags & VM_STACK) ? 0 : STACK_GUARD_GAP))
		return false;
	vm->pages_reserved += (stack->start - start) >> PAGE_SHIFT;
	stack->start = start;
	return true;
}

static struct vm_area *find_area(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *area = vm->recent;

	if (area && addr >= area->start && addr < area->end)
		return area;
	area = area_above(&vm->areas, addr);
	if (!area || (addr < area->start && !grow_stack(vm, area, addr)))
		return NULL;
	vm->recent = area;
	return area;
}

int vm_fault_locked(struct vm_space *vm, uint64_t addr, unsigned access)
{
	struct vm_area *area = find_area(vm, addr);
	uint64_t va = ALIGN_DOWN(addr, PAGE_SIZE);
	struct pt_slot *slot;
	unsigned prot;
	paddr_t pa;

	if (!area)
		return -EFAULT;
	if (!permits(area, access))
		return -EACCES;
	slot = arch_pt_slot_find(vm->root, va);
	if (unlikely(!slot)) {
		if (vm_large_fault_locked(vm, area, va, access))
			return 0;
		slot = arch_pt_slot(vm->root, va);
		if (!slot)
			return -ENOMEM;
	}
	if (!arch_pt_slot_get(slot, &pa, &prot)) {
		if (area->object)
			return map_from_object(vm, area, slot, va, access);
		return map_zeroed(vm, area, slot);
	}
	if ((access & FAULT_WRITE) && !(prot & PT_WRITE))
		return make_writable(vm, area, slot, va, pa);
	/* Resolved meanwhile by another thread, or a translation that had not been dropped yet. */
	tlb_flush_range(vm, va, va + PAGE_SIZE);
	return 0;
}

int vm_fault(struct vm_space *vm, uint64_t addr, unsigned access)
{
	int err;

	if (addr >= USER_END)
		return -EFAULT;
	mutex_lock(&vm->lock);
	err = vm_fault_locked(vm, addr, access);
	mutex_unlock(&vm->lock);
	return err;
}

/* --- another process's memory ----------------------------------------------------------------------- */

/* Where the page of addr lies, faulted in for the access. */
static int page_for_access(struct vm_space *vm, uint64_t addr, unsigned access, paddr_t *pa)
{
	unsigned prot;
	int err;

	if (addr >= USER_END)
		return -EFAULT;
	if (arch_pt_query(vm->root, ALIGN_DOWN(addr, PAGE_SIZE), pa, &prot) && (prot & PT_READ) &&
	    (!(access & FAULT_WRITE) || (prot & PT_WRITE)))
		return 0;
	err = vm_fault_locked(vm, addr, access);
	if (err == 0 && !arch_pt_query(vm->root, ALIGN_DOWN(addr, PAGE_SIZE), pa, &prot))
		err = -EFAULT;
	return err;
}

static ssize_t copy_space(struct vm_space *vm, uaddr_t user, char *kernel, size_t len, unsigned access)
{
	size_t done = 0;

	mutex_lock(&vm->lock);
	while (done < len) {
		size_t offset = (user + done) & ~PAGE_MASK, part = MIN(len - done, PAGE_SIZE - offset);
		paddr_t pa;
		char *page;

		if (page_for_access(vm, user + done, access, &pa) < 0)
			break;
		page = (char *)phys_to_virt(pa) + offset;
		if (access & FAULT_WRITE)
			memcpy(page, kernel + done, part);
		else
			memcpy(kernel + done, page, part);
		done += part;
	}
	mutex_unlock(&vm->lock);
	return done > 0 || len == 0 ? (ssize_t)done : -EFAULT;
}

ssize_t vm_read(struct vm_space *vm, uaddr_t src, void *dst, size_t len)
{
	return copy_space(vm, src, dst, len, 0);
}

ssize_t vm_write(struct vm_space *vm, uaddr_t dst, const void *src, size_t len)
{
	return copy_space(vm, dst, (char *)src, len, FAULT_WRITE);
}

int vm_is_resident(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *area;
	struct page *page;
	int resident;
	unsigned prot;
	paddr_t pa;

	mutex_lock(&vm->lock);
	area = area_above(&vm->areas, addr);
	if (!area || area->start > addr) {
		resident = -ENOMEM;
	} else {
		resident = arch_pt_query(vm->root, ALIGN_DOWN(addr, PAGE_SIZE), &pa, &prot);
		if (!resident && area->object &&
		    vm_object_find(area->object, vm_area_index(area, addr), &page) == 0) {
			page_put(page);
			resident = 1;
		}
	}
	mutex_unlock(&vm->lock);
	return resident;
}

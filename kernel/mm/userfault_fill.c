/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing pages that a monitored area misses: page by page, each at once and whole.
 *
 * A copy is made before the space is locked for good, since its source may be anywhere and fault; so the area
 * is looked for twice.  Private memory gets a page of its own, whatever lies behind it; shared memory gets it
 * into the object first.
 */
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "userfault.h"
#include "vm_priv.h"

/* The area of [start, end), all of it, if it is the monitor's.  -ENOENT, -EINVAL: not for that. */
static int find_area(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p,
		     uint64_t start, uint64_t end, struct vm_area **out)
{
	struct vm_area *area = area_above(&vm->areas, start);

	if (!area || start < area->start || end > area->end || area->userfault != u)
		return -ENOENT;
	if ((p->watch && !(area->flags & VM_TELL_WRITE)) || (p->how == USERFAULT_CONTINUE && !area->object))
		return -EINVAL;
	*out = area;
	return vm_area_revoked(area) ? -EFAULT : 0;
}

/* Does the page go to the object? */
static bool is_shared(const struct vm_area *area, const struct userfault_pages *p)
{
	return area->object && (!vm_area_private(area) || p->how == USERFAULT_CONTINUE);
}

/* The place of a page that is not mapped.  -EEXIST, -ENOMEM. */
static int empty_slot(struct vm_space *vm, uint64_t va, struct pt_slot **slot)
{
	unsigned prot;
	paddr_t pa;
	int there = 0;

	*slot = arch_pt_slot_find(vm->root, va);
	if (!*slot)
		there = vm_make_slot(vm, va, slot);
	if (there != 0)
		return there < 0 ? there : -EEXIST;
	return arch_pt_slot_get(*slot, &pa, &prot) ? -EEXIST : 0;
}

/* A page of the area's own, with the caller's reference. */
static int enter_private(struct vm_space *vm, struct vm_area *area, uint64_t va, struct page *page,
			 bool watch)
{
	unsigned prot = vm_area_prot(area, !watch) | (watch ? PT_WATCHED : 0);
	struct pt_slot *slot;
	int err = empty_slot(vm, va, &slot);

	if (err < 0)
		return err;
	if (area->object)
		__atomic_fetch_or(&area->flags, VM_COPIED, __ATOMIC_RELAXED);
	if (!arch_pt_slot_fill(slot, page_addr(page), prot))
		return -EEXIST;
	vm_count_mapped(vm, 1);
	return 0;
}

/* Map the page that the object has; it may be gone again.  Takes no reference of the caller's. */
static int enter_shared(struct vm_space *vm, struct vm_area *area, uint64_t va)
{
	uint32_t seen = atomic_load_explicit(&area->object->generation, memory_order_acquire);
	struct pt_slot *slot;
	struct page *page;
	int err = empty_slot(vm, va, &slot);

	if (err < 0)
		return err;
	if (vm_area_revoked(area))
		return -EFAULT;
	page = vm_object_find(area->object, vm_area_index(area, va));
	if (!page)
		return -EFAULT;
	if (vm_enter_page(vm, area, slot, seen, page_addr(page), vm_area_prot(area, !vm_area_private(area))))
		return 0;
	page_put(page);
	return arch_pt_slot_get(slot, &(paddr_t){ 0 }, &(unsigned){ 0 }) ? -EEXIST : -EFAULT;
}

/* One page that comes from outside. */
static int enter_new(struct vm_space *vm, struct vm_area *area, uint64_t va, struct page *page,
		     const struct userfault_pages *p)
{
	int err;

	if (!is_shared(area, p))
		return enter_private(vm, area, va, page, p->watch);
	err = vm_object_add(area->object, vm_area_index(area, va), page);
	/* If it cannot be mapped now, it will be when it is touched. */
	if (err == 0)
		(void)!enter_shared(vm, area, va);
	return err;
}

/* A page where the area wants it, to be copied to if it is not cleared; the space is locked for that
 * alone. */
static int make_page(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p,
		     uint64_t va, struct page **out)
{
	struct vm_area *area;
	paddr_t pa = PADDR_NONE;
	int err;

	read_lock(&vm->lock);
	err = find_area(vm, u, p, va, va + PAGE_SIZE, &area);
	if (err == 0)
		pa = vm_alloc_page(&area->policy, va >> PAGE_SHIFT,
				   is_shared(area, p) ? PAGE_CACHE : PAGE_ANON,
				   p->how == USERFAULT_ZERO ? PMM_ZERO : 0);
	read_unlock(&vm->lock);
	if (err < 0)
		return err;
	if (pa == PADDR_NONE)
		return -ENOMEM;
	*out = page_of(pa);
	return 0;
}

/* The area may have become another meanwhile, but not of another kind: then the page is of no use. */
static int enter_if_fit(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p,
			uint64_t va, struct page *page)
{
	struct vm_area *area;
	int err = find_area(vm, u, p, va, va + PAGE_SIZE, &area);

	if (err < 0)
		return err;
	if ((page->use == PAGE_ANON) == is_shared(area, p))
		return -ENOENT;
	return enter_new(vm, area, va, page, p);
}

static int bring_new(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p,
		     uint64_t va)
{
	struct page *page;
	int err = make_page(vm, u, p, va, &page);

	if (err < 0)
		return err;
	if (p->how == USERFAULT_COPY)
		err = arch_copy_from_user(phys_to_virt(page_addr(page)), p->src + (va - p->start), PAGE_SIZE);
	if (err == 0) {
		read_lock(&vm->lock);
		err = enter_if_fit(vm, u, p, va, page);
		read_unlock(&vm->lock);
	}
	if (err < 0)
		page_put(page);
	return err;
}

static int bring_known(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p,
		       uint64_t va)
{
	struct vm_area *area;
	int err;

	read_lock(&vm->lock);
	err = find_area(vm, u, p, va, va + PAGE_SIZE, &area);
	if (err == 0)
		err = enter_shared(vm, area, va);
	read_unlock(&vm->lock);
	return err;
}

/* Is all of the range what it should be?  Nothing is brought otherwise. */
static int check(struct vm_space *vm, const struct userfault *u, const struct userfault_pages *p)
{
	struct vm_area *area;
	int err;

	read_lock(&vm->lock);
	err = find_area(vm, u, p, p->start, p->start + p->len, &area);
	read_unlock(&vm->lock);
	return err;
}

static int64_t fill(struct vm_space *vm, struct userfault *u, const struct userfault_pages *p)
{
	uint64_t done = 0;
	int err = check(vm, u, p);

	while (err == 0 && done < p->len) {
		if (task_is_dying())
			err = -EINTR;
		else if (p->how == USERFAULT_CONTINUE)
			err = bring_known(vm, u, p, p->start + done);
		else
			err = bring_new(vm, u, p, p->start + done);
		done += err == 0 ? PAGE_SIZE : 0;
	}
	return done > 0 ? (int64_t)done : err;
}

int64_t userfault_fill(struct userfault *u, const struct userfault_pages *p)
{
	struct vm_space *vm;
	int64_t done;

	if (!userfault_range_ok(p->start, p->len))
		return -EINVAL;
	vm = userfault_space_get(u);
	if (!vm)
		return -ESRCH;
	done = fill(vm, u, p);
	vm_space_put(vm);
	if (done > 0 && !p->quiet)
		userfault_wake_range(u, p->start, p->start + (uint64_t)done);
	return done;
}

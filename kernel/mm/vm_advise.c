/* SPDX-License-Identifier: BSD-2-Clause */
/* Advice on ranges: what to drop, what to have at hand; and what is in memory. */
#include <arch/trap.h>
#include <kernel/sched.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "vm_large.h"
#include "vm_priv.h"

/* Do something with each area's part of a range, the lock held for reading.  -ENOMEM at the end: holes. */
static int for_each_part(struct vm_space *vm, uint64_t addr, uint64_t len,
			 int (*fn)(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end))
{
	struct vm_area *area;
	bool covered;
	uint64_t end;
	int err = 0;

	if (len == 0)
		return 0;
	if (!vm_valid_range(addr, len, &end))
		return -ENOMEM;
	read_lock(&vm->lock);
	covered = area_range_covered(&vm->areas, addr, end);
	for (area = area_above(&vm->areas, addr); area && area->start < end && err == 0;
	     area = area_next(area))
		err = fn(vm, area, MAX(area->start, addr), MIN(area->end, end));
	read_unlock(&vm->lock);
	return err < 0 || covered ? err : -ENOMEM;
}

static int drop_part(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end)
{
	(void)area;
	vm_large_split(vm, start);
	vm_large_split(vm, end);
	vm_unmap_pages_locked(vm, start, end);
	return 0;
}

static int discard_part(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end)
{
	return (area->flags & VM_LOCKED) ? -EINVAL : drop_part(vm, area, start, end);
}

static int free_part(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end)
{
	return area->object ? -EINVAL : discard_part(vm, area, start, end);
}

int vm_discard(struct vm_space *vm, uint64_t addr, uint64_t len, bool locked)
{
	return for_each_part(vm, addr, len, locked ? drop_part : discard_part);
}

int vm_free(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	return for_each_part(vm, addr, len, free_part);
}

static int remove_part(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end)
{
	uint64_t at = area->offset + (start - area->start);

	(void)vm;
	if ((area->flags & VM_LOCKED) || !area->object)
		return -EINVAL;
	if ((area->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	if (vm_area_revoked(area))
		return -EACCES;
	if (area->object->pinned)
		return -EOPNOTSUPP;
	vm_object_punch(area->object, at, at + (end - start));
	return 0;
}

int vm_remove(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	return for_each_part(vm, addr, len, remove_part);
}

static int fetch_part(struct vm_space *vm, struct vm_area *area, uint64_t start, uint64_t end)
{
	(void)vm;
	/* What is not there would be made, not read. */
	if (!area->object || !area->object->cache || vm_area_revoked(area))
		return 0;
	for (; start < end && !signal_pending(); start += PAGE_SIZE) {
		struct page *page;

		if (vm_object_page_inside(area->object, vm_area_index(area, start), &area->policy, &page) < 0)
			break;
		page_put(page);
	}
	return 0;
}

int vm_will_need(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	return for_each_part(vm, addr, len, fetch_part);
}

/* --- touching ---------------------------------------------------------------------------------------- */

/* A private page that may be written gets its own copy now: a write shall not fault later. */
static unsigned access_for(const struct vm_area *area, bool write)
{
	return write || (vm_area_private(area) && (area->flags & VM_WRITE)) ? FAULT_WRITE : 0;
}

int vm_populate_locked(struct vm_space *vm, uint64_t start, uint64_t end, bool write)
{
	struct vm_area *area = NULL;

	for (uint64_t va = start; va < end; va += PAGE_SIZE) {
		int err;

		if (!area || va >= area->end)
			area = area_above(&vm->areas, va);
		if (!area || area->start > va)
			return -ENOMEM;
		if (signal_pending())
			return -EINTR;
		err = vm_fault_in(vm, area, va, access_for(area, write));
		if (unlikely(err == VM_FAULT_WAITS)) {
			unsigned access = access_for(area, write);

			read_unlock(&vm->lock);
			err = vm_fault_wait(vm, va, access, true);
			read_lock(&vm->lock);
			area = NULL;
			va -= PAGE_SIZE;
		}
		if (err < 0)
			return err == -ENXIO || err == -EIO ? -EFAULT : err == -EACCES ? -EINVAL : -ENOMEM;
	}
	return 0;
}

int vm_populate(struct vm_space *vm, uint64_t addr, uint64_t len, bool write)
{
	uint64_t end;
	int err;

	if (len == 0)
		return 0;
	if (!vm_valid_range(addr, len, &end))
		return -ENOMEM;
	read_lock(&vm->lock);
	err = vm_populate_locked(vm, addr, end, write);
	read_unlock(&vm->lock);
	return err;
}

/* --- residency --------------------------------------------------------------------------------------- */

static bool is_resident(struct vm_space *vm, const struct vm_area *area, uint64_t va)
{
	struct page *page;
	unsigned prot;
	bool mapped;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	mapped = arch_pt_query(vm->root, va, &pa, &prot);
	spin_unlock(&vm->pt_lock);
	if (mapped || !area->object || vm_area_revoked(area))
		return mapped;
	page = vm_object_find(area->object, vm_area_index(area, va));
	if (!page)
		return false;
	page_put(page);
	return true;
}

int vm_residency(struct vm_space *vm, uint64_t addr, unsigned char *out, size_t pages)
{
	struct vm_area *area = NULL;
	int err = 0;

	read_lock(&vm->lock);
	for (size_t i = 0; i < pages && err == 0; i++, addr += PAGE_SIZE) {
		if (!area || addr >= area->end)
			area = area_above(&vm->areas, addr);
		if (!area || area->start > addr)
			err = -ENOMEM;
		else
			out[i] = is_resident(vm, area, addr);
	}
	read_unlock(&vm->lock);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing areas where they are: rights, advice, locking in memory. */
#include <kernel/assert.h>
#include <kernel/overcommit.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "vm_large.h"
#include "vm_priv.h"

/* Pages of [start, end) that the new flags bring to be charged: from then on they are. */
static uint64_t pages_to_charge(struct vm_space *vm, uint64_t start, uint64_t end, uint32_t set,
				uint32_t clear)
{
	uint64_t pages = 0;

	for (struct vm_area *a = area_above(&vm->areas, start); a && a->start < end; a = area_next(a)) {
		if (!(a->flags & VM_ACCOUNT) && vm_accountable((a->flags & ~clear) | set))
			pages += vm_pages_in(MAX(a->start, start), MIN(a->end, end));
	}
	return pages;
}

/* What is mapped keeps its right to write only if the area is shared: private pages may be shared
 * copy-on-write, and a clean page that may be evicted has to become dirty; their next write faults. */
static void protect_pages(struct vm_space *vm, const struct vm_area *area)
{
	bool write = !vm_area_private(area) && !(area->object && area->object->cache);

	if (area->flags & VM_EXEC)
		vm_large_split_range(vm, area->start, area->end);
	spin_lock(&vm->pt_lock);
	arch_pt_protect(vm->root, area->start, area->end, vm_area_prot(area, write));
	spin_unlock(&vm->pt_lock);
}

/* The pages of what becomes accountable are charged already. */
static void change_area_locked(struct vm_space *vm, struct vm_area *area, uint32_t set, uint32_t clear)
{
	uint32_t old = area->flags, flags = (old & ~clear) | set;
	uint64_t pages = vm_pages_in(area->start, area->end);

	vm_recount_locked(vm, old, -(int64_t)pages);
	vm_recount_locked(vm, flags, (int64_t)pages);
	if (vm_accountable(flags))
		flags |= VM_ACCOUNT;
	area->flags = flags;
	if ((flags ^ old) & VM_RIGHTS)
		protect_pages(vm, area);
}

/* Pages of the range that may not be written yet. */
static uint64_t unwritable_in_range(const struct vm_space *vm, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (struct vm_area *a = area_above(&vm->areas, start); a && a->start < end; a = area_next(a)) {
		if (!(a->flags & VM_WRITE))
			pages += vm_pages_in(MAX(a->start, start), MIN(a->end, end));
	}
	return pages;
}

int vm_change_locked(struct vm_space *vm, uint64_t start, uint64_t end, uint32_t set, uint32_t clear)
{
	uint64_t charge = pages_to_charge(vm, start, end, set, clear);
	struct vm_area *area, *last = NULL;
	bool lost = false; /* rights, so that stale translations matter */
	int err;

	if (unlikely(vm->writable_limit != UINT64_MAX) && (set & VM_WRITE) &&
	    !vm_may_write_more_locked(vm, unwritable_in_range(vm, start, end)))
		return -ENOMEM;
	err = commit_pages(charge);
	if (err < 0)
		return err;
	err = vm_split_at_locked(vm, start);
	if (err == 0)
		err = vm_split_at_locked(vm, end);
	if (err < 0) {
		uncommit_pages(charge);
		return err;
	}
	for (area = area_above(&vm->areas, start); area && area->start < end; area = area_next(area)) {
		lost |= ((set | clear) & VM_RIGHTS) &&
			((area->flags & clear & ~set) || (area->flags & VM_WRITE));
		change_area_locked(vm, area, set, clear);
		last = area;
	}
	if (lost)
		tlb_flush_range(vm, start, end);
	/* From the top down, so that the survivor of a merge is the next to be looked at. */
	for (area = last; area && area->end >= start; area = area_prev(area))
		vm_merge_next_locked(vm, area);
	return 0;
}

/* Change all areas of a range, unless it has holes or `refuses` has something against it in one of them. */
static int change_range(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t set, uint32_t clear,
			int (*refuses)(const struct vm_area *area, uint32_t set))
{
	struct vm_area *area;
	uint64_t end;
	int err = 0;

	if (len == 0)
		return 0;
	if (!vm_valid_range(addr, len, &end))
		return -ENOMEM;
	write_lock(&vm->lock);
	if (!area_range_covered(&vm->areas, addr, end))
		err = -ENOMEM;
	for (area = area_above(&vm->areas, addr); err == 0 && area && area->start < end;
	     area = area_next(area))
		err = refuses(area, set);
	if (err == 0)
		err = vm_change_locked(vm, addr, end, set, clear);
	write_unlock(&vm->lock);
	return err;
}

static int refuses_rights(const struct vm_area *area, uint32_t prot)
{
	return (prot & ~area->max_prot) || (vm_write_exec(prot) && !area->space->write_exec) ? -EACCES : 0;
}

int vm_protect(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t prot)
{
	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	return change_range(vm, addr, len, prot, VM_RIGHTS, refuses_rights);
}

void vm_allow_write_exec(struct vm_space *vm)
{
	write_lock(&vm->lock);
	vm->write_exec = true;
	write_unlock(&vm->lock);
}

/* Whole areas lose a right, so that no memory is needed. */
static void stop_writing_code_locked(struct vm_space *vm)
{
	struct vm_area *area = area_above(&vm->areas, 0);

	while (area) {
		uint64_t end = area->end; /* the area may be joined with its neighbours */

		if (vm_write_exec(area->flags)) {
			int err = vm_change_locked(vm, area->start, end, 0, VM_WRITE);

			ASSERT(err == 0);
		}
		area = area_above(&vm->areas, end);
	}
}

void vm_forbid_write_exec(struct vm_space *vm)
{
	write_lock(&vm->lock);
	if (vm->write_exec)
		stop_writing_code_locked(vm);
	vm->write_exec = false;
	write_unlock(&vm->lock);
}

static int refuses_flags(const struct vm_area *area, uint32_t set)
{
	return (set & VM_WIPEONFORK) && (area->object || !vm_area_private(area)) ? -EINVAL : 0;
}

int vm_set_flags(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t set, uint32_t clear)
{
	return change_range(vm, addr, len, set, clear, refuses_flags);
}

int vm_stack_start(struct vm_space *vm, uint64_t addr, uint64_t *start)
{
	struct vm_area *area;
	int err = -EINVAL;

	read_lock(&vm->lock);
	area = area_above(&vm->areas, addr);
	if (area && area->start <= addr && (area->flags & VM_STACK)) {
		*start = area->start;
		err = 0;
	}
	read_unlock(&vm->lock);
	return err;
}

int vm_check_mapped(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	uint64_t end;
	bool covered;

	if (len == 0)
		return 0;
	if (!vm_valid_range(addr, len, &end))
		return -ENOMEM;
	read_lock(&vm->lock);
	covered = area_range_covered(&vm->areas, addr, end);
	read_unlock(&vm->lock);
	return covered ? 0 : -ENOMEM;
}

/* --- locking in memory ------------------------------------------------------------------------------- */

static uint64_t locked_in_range(const struct vm_space *vm, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (struct vm_area *a = area_above(&vm->areas, start); a && a->start < end; a = area_next(a)) {
		if (a->flags & VM_LOCKED)
			pages += vm_pages_in(MAX(a->start, start), MIN(a->end, end));
	}
	return pages;
}

bool vm_any_locked(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	uint64_t end, pages = 0;

	if (!vm_valid_range(addr, len, &end))
		return false;
	read_lock(&vm->lock);
	pages = locked_in_range(vm, addr, end);
	read_unlock(&vm->lock);
	return pages > 0;
}

static int lock_locked(struct vm_space *vm, uint64_t start, uint64_t end, uint32_t flags, uint64_t limit)
{
	uint64_t more = vm_pages_in(start, end) - locked_in_range(vm, start, end);

	if (!area_range_covered(&vm->areas, start, end))
		return -ENOMEM;
	if ((flags & VM_LOCKED) && more > 0 && vm->pages_locked + more > limit >> PAGE_SHIFT)
		return -ENOMEM;
	return vm_change_locked(vm, start, end, flags, VM_LOCKED | VM_ONFAULT);
}

int vm_lock(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t flags, uint64_t limit)
{
	uint64_t end;
	int err;

	if (len == 0)
		return 0;
	if (!vm_valid_range(addr, len, &end))
		return -ENOMEM;
	write_lock(&vm->lock);
	err = lock_locked(vm, addr, end, flags, limit);
	write_to_read(&vm->lock);
	if (err == 0 && flags == VM_LOCKED) {
		err = vm_populate_locked(vm, addr, end, false);
		/* mlock(2): EAGAIN when memory is short, ENOMEM for what can never be locked. */
		err = err == -ENOMEM ? -EAGAIN : err == -EFAULT || err == -EINVAL ? -ENOMEM : err;
	}
	read_unlock(&vm->lock);
	return err;
}

/* Changing an area may join it with its neighbours: the next one is found by address. */
static int change_all_locked(struct vm_space *vm, uint32_t flags)
{
	struct vm_area *area = area_above(&vm->areas, 0);
	int err = 0;

	while (area && err == 0) {
		uint64_t end = area->end;

		err = vm_change_locked(vm, area->start, end, flags, VM_LOCKED | VM_ONFAULT);
		area = area_above(&vm->areas, end);
	}
	return err;
}

/* What cannot be had does not keep the rest from being locked. */
static void populate_all(struct vm_space *vm)
{
	struct vm_area *area = area_above(&vm->areas, 0);

	/* By address: what a monitor is waited for may be gone afterwards. */
	while (area) {
		uint64_t end = area->end;

		if (vm_populate_locked(vm, area->start, end, false) == -EINTR)
			return;
		area = area_above(&vm->areas, end);
	}
}

int vm_lock_all(struct vm_space *vm, bool current, bool future, uint32_t flags, uint64_t limit)
{
	int err = 0;

	write_lock(&vm->lock);
	if (current && (flags & VM_LOCKED) && vm->pages_reserved > limit >> PAGE_SHIFT)
		err = -ENOMEM;
	if (err == 0) {
		vm->default_flags = future ? flags : 0;
		err = current ? change_all_locked(vm, flags) : 0;
	}
	write_to_read(&vm->lock);
	if (err == 0 && current && flags == VM_LOCKED)
		populate_all(vm);
	read_unlock(&vm->lock);
	return err;
}

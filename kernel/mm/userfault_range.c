/* SPDX-License-Identifier: BSD-2-Clause */
/* Which areas a monitor of page faults is told of, and which of their pages it watches. */
#include <kernel/sched.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "userfault.h"
#include "vm_large.h"
#include "vm_priv.h"

/* --- single areas ------------------------------------------------------------------------------------- */

static uint32_t flags_of_modes(uint64_t modes)
{
	return (modes & UFFDIO_REGISTER_MODE_MISSING ? VM_TELL_MISSING : 0) |
	       (modes & UFFDIO_REGISTER_MODE_WP ? VM_TELL_WRITE : 0) |
	       (modes & UFFDIO_REGISTER_MODE_MINOR ? VM_TELL_MINOR : 0);
}

/* Memory whose pages may come from anywhere and, if it is an object's, stay there. */
static bool may_register(const struct vm_area *area, uint32_t flags)
{
	const struct vm_object *obj = area->object;

	if (!obj)
		return !(flags & VM_TELL_MINOR);
	return !(flags & VM_TELL_WRITE) && !obj->cache && !obj->pinned && !obj->ops->take;
}

static int refusal(const struct vm_area *area, const struct userfault *u, uint32_t flags)
{
	if (!may_register(area, flags))
		return -EINVAL;
	if (!(area->max_prot & VM_WRITE))
		return -EPERM;
	return area->userfault && area->userfault != u ? -EBUSY : 0;
}

/* `u` with flags, or NULL and none.  The space is locked for writing. */
static void set_monitor_locked(struct vm_area *area, struct userfault *u, uint32_t flags)
{
	struct userfault *old = area->userfault;

	if (u)
		userfault_get(u);
	vm_rmap_lock(area);
	area->flags = (area->flags & ~VM_USERFAULT) | flags;
	area->userfault = u;
	vm_rmap_unlock(area);
	if (old)
		userfault_put(old);
}

void userfault_disown(struct vm_area *area)
{
	if (area->userfault)
		userfault_put(area->userfault);
	area->userfault = NULL;
	area->flags &= ~VM_USERFAULT;
}

/* Its faults go on by normal rules as soon as the space is let go. */
static void release_area_locked(struct vm_space *vm, struct vm_area *area)
{
	userfault_wake_range(area->userfault, area->start, area->end);
	if (area->flags & VM_TELL_WRITE)
		userfault_unwatch_locked(vm, area->start, area->end);
	set_monitor_locked(area, NULL, 0);
}

void userfault_release_areas_locked(struct vm_space *vm, struct userfault *u)
{
	for (struct vm_area *a = area_above(&vm->areas, 0); a; a = area_next(a)) {
		if (a->userfault == u)
			release_area_locked(vm, a);
	}
	vm_merge_range_locked(vm, 0, USER_END);
}

/* --- ranges ------------------------------------------------------------------------------------------- */

/* The first area in [start, end).  -ENOMEM: none at all, -EINVAL: none there. */
static int first_area_locked(struct vm_space *vm, uint64_t start, uint64_t end, struct vm_area **out)
{
	*out = area_above(&vm->areas, start);
	if (!*out)
		return -ENOMEM;
	return (*out)->start < end ? 0 : -EINVAL;
}

static int register_locked(struct vm_space *vm, struct userfault *u, uint64_t start, uint64_t end,
			   uint32_t flags)
{
	struct vm_area *area;
	int err = first_area_locked(vm, start, end, &area);

	for (; err == 0 && area && area->start < end; area = area_next(area))
		err = refusal(area, u, flags);
	if (err == 0)
		err = vm_cut_out_locked(vm, start, end);
	if (err < 0)
		return err;
	for (area = area_above(&vm->areas, start); area && area->start < end; area = area_next(area)) {
		if ((area->flags & ~flags) & VM_TELL_WRITE)
			userfault_unwatch_locked(vm, area->start, area->end);
		set_monitor_locked(area, u, flags);
	}
	vm_merge_range_locked(vm, start, end);
	return 0;
}

static int unregister_locked(struct vm_space *vm, struct userfault *u, uint64_t start, uint64_t end,
			     uint32_t flags)
{
	struct vm_area *area;
	int err = first_area_locked(vm, start, end, &area);

	(void)flags;
	for (; err == 0 && area && area->start < end; area = area_next(area))
		err = may_register(area, 0) ? 0 : -EINVAL;
	if (err == 0)
		err = vm_cut_out_locked(vm, start, end);
	if (err < 0)
		return err;
	for (area = area_above(&vm->areas, start); area && area->start < end; area = area_next(area)) {
		if (area->userfault == u)
			release_area_locked(vm, area);
	}
	vm_merge_range_locked(vm, start, end);
	return 0;
}

static int change_range(struct userfault *u, uint64_t start, uint64_t len, uint32_t flags,
			int (*change)(struct vm_space *vm, struct userfault *u, uint64_t start, uint64_t end,
				      uint32_t flags))
{
	struct vm_space *vm;
	int err;

	if (!userfault_range_ok(start, len))
		return -EINVAL;
	vm = userfault_space_get(u);
	if (!vm)
		return -ENOMEM;
	write_lock(&vm->lock);
	err = change(vm, u, start, start + len, flags);
	vm_write_unlock(vm);
	vm_space_put(vm);
	return err;
}

int userfault_register(struct userfault *u, uint64_t start, uint64_t len, uint64_t modes)
{
	return change_range(u, start, len, flags_of_modes(modes), register_locked);
}

int userfault_unregister(struct userfault *u, uint64_t start, uint64_t len)
{
	return change_range(u, start, len, 0, unregister_locked);
}

/* --- watching writes ---------------------------------------------------------------------------------- */

/* The next mapped page at or after *va is watched, or no longer.  False: there is none below end. */
static bool watch_next(struct vm_space *vm, uint64_t *va, uint64_t end, bool watch)
{
	struct pt_slot *slot;
	unsigned prot;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	*va = arch_pt_next(vm->root, *va, end, &pa, &prot);
	slot = *va < end ? arch_pt_slot_find(vm->root, *va) : NULL;
	/* No slot: a large page, of which none is watched. */
	if (slot && !!(prot & PT_WATCHED) != watch)
		arch_pt_slot_set(slot, pa, watch ? (prot & ~PT_WRITE) | PT_WATCHED : prot & ~PT_WATCHED);
	spin_unlock(&vm->pt_lock);
	return *va < end;
}

void userfault_unwatch_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	for (; watch_next(vm, &start, end, false); start += PAGE_SIZE)
		;
}

/* Large pages are split first; one that comes meanwhile was not there yet. */
static void watch_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	uint64_t va = start;

	vm_large_split_range(vm, start, end);
	for (; watch_next(vm, &va, end, true); va += PAGE_SIZE)
		;
	tlb_flush_range(vm, start, end);
}

int userfault_protect(struct userfault *u, uint64_t start, uint64_t len, bool watch, bool quiet)
{
	uint64_t end = start + len;
	const struct vm_area *area;
	struct vm_space *vm;
	int err = 0;

	if (!userfault_range_ok(start, len))
		return -EINVAL;
	vm = userfault_space_get(u);
	if (!vm)
		return -ESRCH;
	read_lock(&vm->lock);
	area = area_above(&vm->areas, start);
	if (!area || start < area->start || end > area->end || area->userfault != u ||
	    !(area->flags & VM_TELL_WRITE))
		err = -ENOENT;
	else if (watch)
		watch_locked(vm, start, end);
	else
		userfault_unwatch_locked(vm, start, end);
	read_unlock(&vm->lock);
	vm_space_put(vm);
	if (err == 0 && !watch && !quiet)
		userfault_wake_range(u, start, end);
	return err;
}

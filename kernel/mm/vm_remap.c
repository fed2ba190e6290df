/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap: areas grow, shrink, move with their pages, or get a second place. */
#include <kernel/assert.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "userfault.h"
#include "vm_large.h"
#include "vm_priv.h"

#define MOVE_CHUNK (512 * PAGE_SIZE) /* moved with pt_lock held */

/* Move what is mapped in [*va, end) by `by` bytes; stops, at *va, where there is no memory for a table.
 * pt_lock is held. */
static int move_entries(struct vm_space *vm, uint64_t *va, uint64_t end, uint64_t by)
{
	unsigned prot;
	paddr_t pa;

	for (;;) {
		*va = arch_pt_next(vm->root, *va, end, &pa, &prot);
		if (*va >= end)
			return 0;
		if (arch_pt_map(vm->root, *va + by, pa, prot) < 0)
			return -ENOMEM;
		(void)arch_pt_unmap(vm->root, *va);
		*va += PAGE_SIZE;
	}
}

/* The same for any length; what was mapped is small pages, and flushed afterwards. */
static int move_range(struct vm_space *vm, uint64_t *at, uint64_t end, uint64_t by)
{
	int err = 0;

	while (*at < end && err == 0) {
		uint64_t start = *at, stop = MIN(end, start + MOVE_CHUNK);

		spin_lock(&vm->pt_lock);
		err = move_entries(vm, at, stop, by);
		spin_unlock(&vm->pt_lock);
		/* Nobody enters anything: the space is locked, and so is the reverse list. */
		tlb_flush_range(vm, start, stop);
	}
	return err;
}

/* Move what is mapped in [from, from+len) to `to`.  -ENOMEM: nothing moved.  Tables of emptied places stay,
 * so moving back needs no memory.  A walk of the reverse list meets each page in one place or the other: it
 * has to wait. */
static int move_pages_locked(struct vm_space *vm, const struct vm_area *area, uint64_t from, uint64_t to,
			     uint64_t len)
{
	uint64_t at = from;
	int err;

	vm_large_split_range(vm, from, from + len);
	vm_rmap_lock(area);
	err = move_range(vm, &at, from + len, to - from);
	if (err < 0) {
		uint64_t back = to;
		int undone = move_range(vm, &back, to + (at - from), from - to);

		ASSERT(undone == 0);
	}
	vm_rmap_unlock(area);
	return err;
}

/* A call as it stands: the range is part of `area`. */
struct remap {
	struct vm_area *area;
	uint64_t old, old_len, len;
	unsigned how; /* VM_REMAP_* */
};

static int grow_in_place_locked(struct vm_space *vm, const struct remap *r)
{
	struct vm_area *area = r->area;
	uint64_t end = r->old + r->len;
	int err;

	if (area->end != r->old + r->old_len || end > USER_END || end < r->old ||
	    !area_range_free(&vm->areas, area->end, end))
		return -ENOMEM;
	err = vm_count_in_locked(vm, area->flags, vm_pages_in(area->end, end));
	if (err < 0)
		return err;
	vm_extend_area_locked(area, area->start, end);
	vm_merge_next_locked(vm, area);
	return 0;
}

/* The same part of the object a second time. */
static int duplicate_locked(struct vm_space *vm, const struct remap *r, uint64_t to)
{
	struct vm_area model = *r->area;

	model.offset += r->old - r->area->start;
	model.userfault = NULL;
	model.flags &= ~VM_USERFAULT;
	model.start = to;
	model.end = to + r->len;
	return vm_add_area_locked(vm, &model);
}

/* The range becomes `len` bytes long at `to`, which is free. */
static int move_area_locked(struct vm_space *vm, const struct remap *r, uint64_t to)
{
	struct vm_area *area, *moved;
	int err;

	err = vm_split_at_locked(vm, r->old);
	if (err == 0)
		err = vm_split_at_locked(vm, r->old + r->old_len);
	if (err < 0)
		return err;
	area = area_above(&vm->areas, r->old);
	err = vm_count_in_locked(vm, area->flags, r->len >> PAGE_SHIFT);
	if (err < 0)
		return err;
	moved = vm_area_copy(area);
	if (!moved) {
		err = -ENOMEM;
		goto out_count;
	}
	userfault_disown(moved);
	moved->start = to;
	moved->end = to + r->len;
	vm_area_link_locked(vm, moved);
	err = move_pages_locked(vm, area, r->old, to, MIN(r->old_len, r->len));
	if (err < 0) {
		vm_area_unlink_locked(vm, moved);
		goto out_count;
	}
	if (area->flags & VM_TELL_WRITE)
		userfault_unwatch_locked(vm, to, to + r->len);
	if (!(r->how & VM_REMAP_DONTUNMAP))
		return vm_unmap_locked(vm, r->old, r->old + r->old_len);
	/* What stays behind is empty, and no longer locked. */
	return vm_change_locked(vm, r->old, r->old + r->old_len, 0, VM_LOCKED | VM_ONFAULT);

out_count:
	vm_count_out_locked(vm, area->flags, r->len >> PAGE_SHIFT);
	return err;
}

static int move_locked(struct vm_space *vm, struct remap *r, uint64_t *addr)
{
	bool fixed = r->how & VM_REMAP_FIXED;
	uint64_t to = fixed ? *addr : 0;
	int err;

	if (fixed && r->len < r->old_len) {
		err = vm_unmap_locked(vm, r->old + r->len, r->old + r->old_len);
		if (err < 0)
			return err;
		r->old_len = r->len;
	}
	err = vm_place_locked(vm, &to, r->len, fixed ? VM_MAP_FIXED : 0);
	if (err < 0)
		return err;
	/* Making room may have replaced the area. */
	r->area = area_above(&vm->areas, r->old);
	err = r->old_len == 0 ? duplicate_locked(vm, r, to) : move_area_locked(vm, r, to);
	if (err == 0)
		*addr = to;
	return err;
}

/* What the area itself forbids. */
static int check_locked(const struct vm_space *vm, const struct remap *r, uint64_t lock_limit)
{
	const struct vm_area *area = r->area;
	uint64_t more = r->len > r->old_len ? r->len - r->old_len : 0, last;

	if (!area || area->start > r->old)
		return -EFAULT;
	if (r->old_len == 0 && !(area->flags & VM_SHARED))
		return -EINVAL;
	if (area->end - r->old < r->old_len)
		return -EFAULT;
	if ((r->how & VM_REMAP_DONTUNMAP) && !vm_area_private(area))
		return -EINVAL;
	if (area->object && add_overflows(area->offset, r->old - area->start + r->len, &last))
		return -EINVAL;
	if ((area->flags & VM_LOCKED) && (vm->pages_locked << PAGE_SHIFT) + more > lock_limit && more > 0)
		return -EAGAIN;
	return 0;
}

static int remap_locked(struct vm_space *vm, struct remap *r, uint64_t *addr)
{
	bool stays = !(r->how & (VM_REMAP_FIXED | VM_REMAP_DONTUNMAP)) && r->old_len > 0;

	if (stays && r->len <= r->old_len) {
		*addr = r->old;
		return r->len < r->old_len ? vm_unmap_locked(vm, r->old + r->len, r->old + r->old_len) : 0;
	}
	if (stays && grow_in_place_locked(vm, r) == 0) {
		*addr = r->old;
		return 0;
	}
	return (r->how & VM_REMAP_MAYMOVE) ? move_locked(vm, r, addr) : -ENOMEM;
}

int vm_remap(struct vm_space *vm, uint64_t old, uint64_t old_len, uint64_t len, unsigned how,
	     uint64_t lock_limit, uint64_t *addr)
{
	struct remap r = { .old = old, .how = how };
	uint64_t old_end = old, end;
	struct vm_grant *ended;
	bool locked;
	int err;

	if (!IS_ALIGNED(old, PAGE_SIZE) || len == 0 || len > USER_END || old >= USER_END)
		return -EINVAL;
	if (old_len > 0 && !vm_valid_range(old, old_len, &old_end))
		return -EFAULT;
	r.old_len = old_end - old;
	r.len = ALIGN_UP(len, PAGE_SIZE);
	if ((how & VM_REMAP_FIXED) && (!vm_valid_range(*addr, r.len, &end) || (*addr < old_end && old < end)))
		return -EINVAL;
	write_lock(&vm->lock);
	r.area = area_above(&vm->areas, old);
	err = check_locked(vm, &r, lock_limit);
	locked = err == 0 && (r.area->flags & (VM_LOCKED | VM_ONFAULT)) == VM_LOCKED;
	if (err == 0)
		err = remap_locked(vm, &r, addr);
	ended = vm_take_ended_locked(vm);
	write_to_read(&vm->lock);
	if (err == 0 && locked && r.len > r.old_len) /* as mmap: what does not come now comes when touched */
		(void)vm_populate_locked(vm, *addr + r.old_len, *addr + r.len, false);
	read_unlock(&vm->lock);
	vm_release_grants(ended);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas of an address space: placing, removing, changing.
 *
 * Ranges are cut to whole areas first (split_at), which is the only step that needs memory; what follows
 * cannot fail, so a call changes everything it names or nothing.
 */
#include <arch/trap.h>
#include <kernel/assert.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "uninitialized.h"
#include "vm_large.h"
#include "vm_priv.h"

#define HEAP_RANDOM 8192         /* pages between image and heap at most */
#define LOW_START   (1ull << 30) /* of VM_MAP_32BIT, as in Linux */
#define LOW_END     (1ull << 31)

static struct slab_cache *area_cache;

void vm_map_setup(void)
{
	area_cache = slab_create("vm_area", sizeof(struct vm_area), 0);
}

/* --- single areas ----------------------------------------------------------------------------------- */

/* May writes through the area ever reach its object?  Fixed for an area's life. */
static bool may_write_object(const struct vm_area *area)
{
	return (area->flags & VM_SHARED) && (area->max_prot & VM_WRITE);
}

struct vm_area *vm_area_copy(const struct vm_area *model)
{
	struct vm_area *area = slab_alloc(area_cache);

	if (!area)
		return NULL;
	*area = *model;
	if (area->object) {
		vm_object_get(area->object);
		if (may_write_object(area))
			vm_object_hold_writable(area->object);
		if (area->object->ops->attached)
			area->object->ops->attached(area->object);
	}
	return area;
}

void vm_area_free(struct vm_area *area)
{
	if (area->object) {
		if (may_write_object(area))
			vm_object_drop_writable(area->object);
		if (area->object->ops->detached)
			area->object->ops->detached(area->object);
		vm_object_put(area->object);
	}
	slab_free(area_cache, area);
}

static uint64_t pages_in(uint64_t start, uint64_t end)
{
	return (end - start) >> PAGE_SHIFT;
}

/* The caller holds the reverse list's lock. */
static void enter_area_locked(struct vm_space *vm, struct vm_area *area)
{
	area->space = vm;
	area_insert(&vm->areas, area);
	vm->area_count++;
	vm_rmap_add_locked(area);
}

void vm_area_link_locked(struct vm_space *vm, struct vm_area *area)
{
	vm_rmap_lock(area);
	enter_area_locked(vm, area);
	vm_rmap_unlock(area);
}

/* The caller holds the reverse list's lock, and frees the area when it has let go of that. */
static void remove_area_locked(struct vm_space *vm, struct vm_area *area)
{
	if (vm->recent == area)
		vm->recent = NULL;
	vm_rmap_remove_locked(area);
	rb_erase(&vm->areas, &area->node);
	vm->area_count--;
}

void vm_area_unlink_locked(struct vm_space *vm, struct vm_area *area)
{
	vm_rmap_lock(area);
	remove_area_locked(vm, area);
	vm_rmap_unlock(area);
	vm_area_free(area);
}

/* No area and no large page may reach across addr. */
static int split_at_locked(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *lower = area_above(&vm->areas, addr), *upper;

	if (!lower || lower->start >= addr)
		return 0;
	vm_large_split(vm, addr);
	if (vm->area_count >= VM_AREAS_MAX)
		return -ENOMEM;
	upper = vm_area_copy(lower);
	if (!upper)
		return -ENOMEM;
	upper->start = addr;
	if (upper->object)
		upper->offset += addr - lower->start;
	/* Only the lowest part of a stack grows. */
	upper->flags &= ~VM_STACK;
	vm_rmap_lock(lower);
	lower->end = addr;
	enter_area_locked(vm, upper);
	vm_rmap_unlock(lower);
	return 0;
}

/* Join an area with its successor if they are alike. */
static void merge_next_locked(struct vm_space *vm, struct vm_area *area)
{
	struct vm_area *next = area_next(area);

	if (!next || !area_can_merge(area, next))
		return;
	vm_rmap_lock(area);
	area->end = next->end;
	remove_area_locked(vm, next);
	vm_rmap_unlock(area);
	vm_area_free(next);
}

/* The bounds of an area grow into free space. */
static void extend_locked(struct vm_area *area, uint64_t start, uint64_t end)
{
	vm_rmap_lock(area);
	if (area->object)
		area->offset -= area->start - start;
	area->start = start;
	area->end = end;
	vm_rmap_unlock(area);
}

/* The area of `model` appears, as part of a neighbour where that is alike. */
static int add_area_locked(struct vm_space *vm, const struct vm_area *model)
{
	struct vm_area *next = area_above(&vm->areas, model->end), *area;
	struct vm_area *prev = next ? area_prev(next) : area_last(&vm->areas);

	if (prev && area_can_merge(prev, model)) {
		extend_locked(prev, prev->start, model->end);
		merge_next_locked(vm, prev);
	} else if (next && area_can_merge(model, next)) {
		extend_locked(next, model->start, next->end);
	} else {
		area = vm->area_count < VM_AREAS_MAX ? vm_area_copy(model) : NULL;
		if (!area)
			return -ENOMEM;
		vm_area_link_locked(vm, area);
	}
	vm->pages_reserved += pages_in(model->start, model->end);
	return 0;
}

/* --- ranges ----------------------------------------------------------------------------------------- */

void vm_unmap_pages_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct tlb_batch batch __uninitialized;

	tlb_batch_init(&batch, vm);
	tlb_batch_unmap(&batch, start, end);
	tlb_batch_finish(&batch);
}

static int unmap_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_above(&vm->areas, start), *next, *below;
	struct tlb_batch batch __uninitialized;
	int err;

	if (!area || area->start >= end)
		return 0;
	err = split_at_locked(vm, start);
	if (err == 0)
		err = split_at_locked(vm, end);
	if (err < 0)
		return err;
	tlb_batch_init(&batch, vm);
	tlb_batch_unmap(&batch, start, end);
	for (area = area_above(&vm->areas, start); area && area->start < end; area = next) {
		next = area_next(area);
		vm->pages_reserved -= pages_in(area->start, area->end);
		vm_area_unlink_locked(vm, area);
	}
	below = area ? area_prev(area) : area_last(&vm->areas);
	/* Tables that cover nothing but unmapped space go, so that a program cannot pile them up. */
	tlb_batch_trim(&batch, start, end, below ? below->end : 0, area ? area->start : USER_END + PAGE_SIZE);
	tlb_batch_finish(&batch);
	/* The new gap reaches up to the next area. */
	end = area && area->start < vm->mmap_top ? area->start : vm->mmap_top;
	vm->gap_top = MAX(vm->gap_top, end);
	return 0;
}

/* Page-aligned, not empty, inside the user half. */
static bool valid_range(uint64_t addr, uint64_t len, uint64_t *end)
{
	if (!IS_ALIGNED(addr, PAGE_SIZE) || len == 0 || len > USER_END)
		return false;
	len = ALIGN_UP(len, PAGE_SIZE);
	*end = addr + len;
	return addr <= USER_END && len <= USER_END - addr;
}

int vm_unmap(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	uint64_t end;
	int err;

	if (!valid_range(addr, len, &end))
		return -EINVAL;
	write_lock(&vm->lock);
	err = unmap_locked(vm, addr, end);
	write_unlock(&vm->lock);
	return err;
}

/* --- placing ---------------------------------------------------------------------------------------- */

/* The highest free place below mmap_top.  Searches below what is known to be too narrow. */
static uint64_t find_place_locked(struct vm_space *vm, uint64_t len)
{
	uint64_t top = len >= vm->gap_size ? vm->gap_top : vm->mmap_top;
	uint64_t start = area_find_gap(&vm->areas, len, USER_MIN, top);

	if (start != 0) {
		vm->gap_top = start;
		vm->gap_size = len;
		return start;
	}
	return area_find_gap(&vm->areas, len, USER_MIN, USER_END);
}

static bool hint_fits_locked(const struct vm_space *vm, uint64_t hint, uint64_t len)
{
	return hint >= USER_MIN && hint <= USER_END && len <= USER_END - hint &&
	       area_range_free(&vm->areas, hint, hint + len);
}

/* Where an area goes; with VM_MAP_FIXED the place is made free. */
static int place_locked(struct vm_space *vm, uint64_t *addr, uint64_t len, unsigned how)
{
	uint64_t hint = ALIGN_DOWN(*addr, PAGE_SIZE);

	if (how & (VM_MAP_FIXED | VM_MAP_NOREPLACE)) {
		if (!IS_ALIGNED(*addr, PAGE_SIZE))
			return -EINVAL;
		if (*addr > USER_END || len > USER_END - *addr)
			return -ENOMEM;
		if (*addr < USER_MIN)
			return -EPERM;
		if (!(how & VM_MAP_NOREPLACE))
			return unmap_locked(vm, *addr, *addr + len);
		return area_range_free(&vm->areas, *addr, *addr + len) ? 0 : -EEXIST;
	}
	if (how & VM_MAP_32BIT)
		hint = area_find_gap(&vm->areas, len, LOW_START, LOW_END);
	else if (hint == 0 || !hint_fits_locked(vm, hint, len))
		hint = find_place_locked(vm, len);
	if (hint == 0)
		return -ENOMEM;
	*addr = hint;
	return 0;
}

/* Touch every page of an area that was just made; the lock is held for reading.  What does not come now
 * comes, or fails, when it is touched. */
static void populate(struct vm_space *vm, uint64_t start, uint64_t end)
{
	for (uint64_t va = start; va < end && !signal_pending(); va += PAGE_SIZE) {
		struct vm_area *area = area_above(&vm->areas, va);

		if (!area || area->start > va || !(area->flags & VM_RIGHTS))
			return;
		if (vm_fault_in(vm, area, va, (area->flags & VM_WRITE) ? FAULT_WRITE : 0) < 0)
			return;
	}
}

/* Linux's heuristic: only what can never be backed is refused. */
static bool overcommits(uint32_t flags, uint64_t len, unsigned how)
{
	return (flags & (VM_SHARED | VM_WRITE)) == VM_WRITE && !(how & VM_MAP_NORESERVE) &&
	       len > pmm_total_memory();
}

int vm_map(struct vm_space *vm, uint64_t *addr, uint64_t len, uint32_t flags, uint32_t max_prot, unsigned how,
	   struct vm_object *object, uint64_t offset)
{
	struct vm_area model = { .flags = flags, .max_prot = max_prot, .object = object };
	uint64_t start = *addr, last;
	int err;

	if (len == 0 || !IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if ((flags & (VM_WRITE | VM_EXEC)) == (VM_WRITE | VM_EXEC) || (flags & VM_RIGHTS & ~max_prot))
		return -EACCES;
	if (len > USER_END)
		return -ENOMEM;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (overcommits(flags, len, how))
		return -ENOMEM;
	if (add_overflows(offset, len, &last))
		return -EOVERFLOW;

	write_lock(&vm->lock);
	err = place_locked(vm, &start, len, how);
	if (err == 0) {
		model.start = start;
		model.end = start + len;
		model.offset = object ? offset : 0;
		err = add_area_locked(vm, &model);
	}
	if (err == 0)
		*addr = start;
	if (err < 0 || !(how & VM_MAP_POPULATE)) {
		write_unlock(&vm->lock);
		return err;
	}
	write_to_read(&vm->lock);
	populate(vm, start, start + len);
	read_unlock(&vm->lock);
	return 0;
}

/* --- changing --------------------------------------------------------------------------------------- */

/* Cut the areas of a range to it and change their flags; what is mapped keeps its right to write only
 * if the area is shared: private pages may be shared copy-on-write, their next write faults. */
static int change_locked(struct vm_space *vm, uint64_t start, uint64_t end, uint32_t set, uint32_t clear)
{
	struct vm_area *area, *last = NULL;
	bool lost = false; /* rights, so that stale translations matter */
	int err = split_at_locked(vm, start);

	if (err == 0)
		err = split_at_locked(vm, end);
	if (err < 0)
		return err;
	for (area = area_above(&vm->areas, start); area && area->start < end; area = area_next(area)) {
		uint32_t flags = (area->flags & ~clear) | set;

		if ((flags ^ area->flags) & VM_RIGHTS) {
			lost |= (area->flags & ~flags & VM_RIGHTS) || (area->flags & VM_WRITE);
			area->flags = flags;
			if (flags & VM_EXEC)
				vm_large_split_range(vm, area->start, area->end);
			spin_lock(&vm->pt_lock);
			arch_pt_protect(vm->root, area->start, area->end,
					vm_area_prot(area, !vm_area_private(area)));
			spin_unlock(&vm->pt_lock);
		}
		area->flags = flags;
		last = area;
	}
	if (lost)
		tlb_flush_range(vm, start, end);
	/* From the top down, so that the survivor of a merge is the next to be looked at. */
	for (area = last; area && area->end >= start; area = area_prev(area))
		merge_next_locked(vm, area);
	return 0;
}

int vm_protect(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t prot)
{
	struct vm_area *area;
	uint64_t end;
	int err = 0;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!valid_range(addr, len, &end))
		return -ENOMEM;
	if ((prot & (VM_WRITE | VM_EXEC)) == (VM_WRITE | VM_EXEC))
		return -EACCES;
	write_lock(&vm->lock);
	if (!area_range_covered(&vm->areas, addr, end))
		err = -ENOMEM;
	for (area = area_above(&vm->areas, addr); err == 0 && area && area->start < end;
	     area = area_next(area)) {
		if (prot & ~area->max_prot)
			err = -EACCES;
	}
	if (err == 0)
		err = change_locked(vm, addr, end, prot, VM_RIGHTS);
	write_unlock(&vm->lock);
	return err;
}

int vm_set_flags(struct vm_space *vm, uint64_t addr, uint64_t len, uint32_t set, uint32_t clear)
{
	struct vm_area *area;
	uint64_t end;
	int err = 0;

	if (len == 0)
		return 0;
	if (!valid_range(addr, len, &end))
		return -ENOMEM;
	write_lock(&vm->lock);
	if (!area_range_covered(&vm->areas, addr, end))
		err = -ENOMEM;
	for (area = area_above(&vm->areas, addr); err == 0 && area && area->start < end;
	     area = area_next(area)) {
		if ((set & VM_WIPEONFORK) && (area->object || !vm_area_private(area)))
			err = -EINVAL;
	}
	if (err == 0)
		err = change_locked(vm, addr, end, set, clear);
	write_unlock(&vm->lock);
	return err;
}

int vm_discard(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	uint64_t end;
	int err = 0;

	if (len == 0)
		return 0;
	if (!valid_range(addr, len, &end))
		return -ENOMEM;
	read_lock(&vm->lock);
	vm_large_split(vm, addr);
	vm_large_split(vm, end);
	vm_unmap_pages_locked(vm, addr, end);
	if (!area_range_covered(&vm->areas, addr, end))
		err = -ENOMEM;
	read_unlock(&vm->lock);
	return err;
}

int vm_check_mapped(struct vm_space *vm, uint64_t addr, uint64_t len)
{
	uint64_t end;
	bool covered;

	if (len == 0)
		return 0;
	if (!valid_range(addr, len, &end))
		return -ENOMEM;
	read_lock(&vm->lock);
	covered = area_range_covered(&vm->areas, addr, end);
	read_unlock(&vm->lock);
	return covered ? 0 : -ENOMEM;
}

/* --- the heap --------------------------------------------------------------------------------------- */

void vm_set_brk(struct vm_space *vm, uint64_t image_end)
{
	write_lock(&vm->lock);
	vm->brk_start = ALIGN_UP(image_end, PAGE_SIZE) + vm_random_offset(HEAP_RANDOM);
	vm->brk = vm->brk_start;
	write_unlock(&vm->lock);
}

static int move_brk_locked(struct vm_space *vm, uint64_t brk)
{
	uint64_t old_end = ALIGN_UP(vm->brk, PAGE_SIZE), end = ALIGN_UP(brk, PAGE_SIZE);
	struct vm_area model = {
		.start = old_end, .end = end, .flags = VM_READ | VM_WRITE | VM_HEAP, .max_prot = VM_RIGHTS
	};

	if (end == old_end)
		return 0;
	if (end < old_end)
		return unmap_locked(vm, end, old_end);
	/* A page stays free above the heap. */
	if (overcommits(model.flags, end - old_end, 0) ||
	    !area_range_free(&vm->areas, old_end, end + PAGE_SIZE))
		return -ENOMEM;
	return add_area_locked(vm, &model);
}

uint64_t vm_brk(struct vm_space *vm, uint64_t brk)
{
	uint64_t now;

	write_lock(&vm->lock);
	if (brk >= vm->brk_start && brk < USER_END - PAGE_SIZE && move_brk_locked(vm, brk) == 0)
		vm->brk = brk;
	now = vm->brk;
	write_unlock(&vm->lock);
	return now;
}

/* --- mremap ----------------------------------------------------------------------------------------- */

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
		tlb_flush_range(vm, start, stop);
		spin_unlock(&vm->pt_lock);
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

static bool grow_in_place_locked(struct vm_space *vm, struct vm_area *area, uint64_t end)
{
	if (end > USER_END || !area_range_free(&vm->areas, area->end, end))
		return false;
	vm->pages_reserved += pages_in(area->end, end);
	extend_locked(area, area->start, end);
	merge_next_locked(vm, area);
	return true;
}

/* The range, part of one area, becomes `len` bytes long at `to`, which is free. */
static int move_area_locked(struct vm_space *vm, uint64_t old, uint64_t old_len, uint64_t to, uint64_t len)
{
	struct vm_area *area, *moved;
	int err;

	err = split_at_locked(vm, old);
	if (err == 0)
		err = split_at_locked(vm, old + old_len);
	if (err < 0)
		return err;
	area = area_above(&vm->areas, old);
	moved = vm_area_copy(area);
	if (!moved)
		return -ENOMEM;
	moved->start = to;
	moved->end = to + len;
	vm_area_link_locked(vm, moved);
	err = move_pages_locked(vm, area, old, to, MIN(old_len, len));
	if (err < 0) {
		vm_area_unlink_locked(vm, moved);
		return err;
	}
	vm->pages_reserved += pages_in(to, to + len);
	return unmap_locked(vm, old, old + old_len);
}

static int remap_locked(struct vm_space *vm, uint64_t old, uint64_t old_len, uint64_t len, bool may_move,
			bool fixed, uint64_t *addr)
{
	struct vm_area *area = area_above(&vm->areas, old);
	uint64_t to = *addr;
	int err;

	if (!area || area->start > old || area->end < old + old_len)
		return -EFAULT;
	if (!fixed && len <= old_len) {
		*addr = old;
		return len < old_len ? unmap_locked(vm, old + len, old + old_len) : 0;
	}
	if (!fixed && area->end == old + old_len && grow_in_place_locked(vm, area, old + len)) {
		*addr = old;
		return 0;
	}
	if (!may_move)
		return -ENOMEM;
	if (!fixed)
		to = 0;
	err = place_locked(vm, &to, len, fixed ? VM_MAP_FIXED : 0);
	if (err == 0)
		err = move_area_locked(vm, old, old_len, to, len);
	if (err == 0)
		*addr = to;
	return err;
}

int vm_remap(struct vm_space *vm, uint64_t old, uint64_t old_len, uint64_t len, bool may_move, bool fixed,
	     uint64_t *addr)
{
	uint64_t old_end, end;
	int err;

	if (!valid_range(old, old_len, &old_end) || !valid_range(old, len, &end))
		return -EINVAL;
	old_len = old_end - old;
	len = end - old;
	if (fixed && (!valid_range(*addr, len, &end) || (*addr < old_end && old < end)))
		return -EINVAL;
	write_lock(&vm->lock);
	err = remap_locked(vm, old, old_len, len, may_move, fixed, addr);
	write_unlock(&vm->lock);
	return err;
}

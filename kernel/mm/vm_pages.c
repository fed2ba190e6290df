/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking pages out of the running process and putting them into another.
 *
 * Only pages of a program's own are handed on: PAGE_ANON, in private areas.  Their reference count says who
 * may write: a page with one reference belongs to whoever has that, in a page table or on its way.  Taking
 * one to share it adds a reference and takes the right to write from the sender, in that order for all
 * others who look at the count under pt_lock (make_writable in vm_fault.c).
 *
 * vm->lock is held for reading, as by a fault: areas and tables stay, and what is in use in the table
 * changes under pt_lock alone.
 */
#include <kernel/vm_pages.h>

#include <arch/usercopy.h>
#include <kernel/assert.h>
#include <kernel/sched.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "uninitialized.h"
#include "vm_large.h"
#include "vm_priv.h"

/* In place of a frame while pages are taken: it is to be copied. */
#define REFUSED ((paddr_t)UINT64_MAX - 1)

_Static_assert(PADDR_NONE == VM_PAGE_ZEROES, "one value");

/* The pages of a range whose entries have changed. */
struct changed {
	uint64_t start, end;
	uint64_t unmapped;
};

#define NO_CHANGE ((struct changed){ UINT64_MAX, 0, 0 })

static void note_change(struct changed *c, uint64_t start, uint64_t size)
{
	c->start = MIN(c->start, start);
	c->end = MAX(c->end, start + size);
}

static void flush_changed(struct vm_space *vm, const struct changed *c)
{
	if (c->start < c->end)
		tlb_flush_range(vm, c->start, c->end);
}

/* --- taking ------------------------------------------------------------------------------------------ */

/* Is it an area for pages from anywhere, at any time?  In place of a moved page a file's would show the
 * file again; what is locked has to stay in memory, what is bound to a node there; a monitor is to be
 * told. */
static bool is_plain(const struct vm_area *area)
{
	return !area->object && area->policy.mode == 0 &&
	       (area->flags & (VM_SHARED | VM_WRITE | VM_LOCKED | VM_USERFAULT)) == VM_WRITE;
}

static bool may_take(const struct vm_area *area, enum vm_take how)
{
	if (how == VM_TAKE_MOVE)
		return is_plain(area);
	return vm_area_private(area) && (area->flags & VM_RIGHTS);
}

/* One page whose table is there; pt_lock is held. */
static paddr_t take_entry(const struct vm_area *area, uint64_t va, struct pt_slot *slot, enum vm_take how,
			  struct changed *c)
{
	unsigned prot;
	paddr_t pa;

	if (!arch_pt_slot_get(slot, &pa, &prot))
		return area->object ? REFUSED : VM_PAGE_ZEROES;
	if (page_of(pa)->use != PAGE_ANON)
		return REFUSED;
	if (how == VM_TAKE_MOVE) {
		arch_pt_slot_clear(slot);
		c->unmapped++;
		note_change(c, va, PAGE_SIZE);
		return pa;
	}
	page_get(page_of(pa));
	if (prot & PT_WRITE) {
		arch_pt_slot_set(slot, pa, prot & ~PT_WRITE);
		note_change(c, va, PAGE_SIZE);
	}
	return pa;
}

/* The place of a page; NULL: nothing is mapped near it.  pt_lock is held. */
static struct pt_slot *find_slot(struct vm_space *vm, uint64_t va, struct changed *c)
{
	struct pt_slot *slot = arch_pt_slot_find(vm->root, va);

	if (likely(slot) || !vm_large_split_entry_locked(vm, va))
		return slot;
	note_change(c, ALIGN_DOWN(va, LARGE_PAGE_SIZE), LARGE_PAGE_SIZE);
	return arch_pt_slot_find(vm->root, va);
}

/* Take what can be taken of the part of an area. */
static void take_part(struct vm_space *vm, const struct vm_area *area, uint64_t start, uint64_t end,
		      enum vm_take how, paddr_t *frames, struct changed *c)
{
	bool may = may_take(area, how);
	struct pt_slot *slot = NULL;

	spin_lock(&vm->pt_lock);
	for (uint64_t va = start; va < end; va += PAGE_SIZE, frames++) {
		if (slot)
			slot = arch_pt_slot_next(slot);
		if (!slot && may)
			slot = find_slot(vm, va, c);
		if (slot)
			*frames = take_entry(area, va, slot, how, c);
		else
			*frames = may && !area->object ? VM_PAGE_ZEROES : REFUSED;
	}
	spin_unlock(&vm->pt_lock);
}

/* Pages without an area are refused, too: their copy fails. */
static void take_range(struct vm_space *vm, uint64_t addr, unsigned count, enum vm_take how, paddr_t *frames)
{
	struct changed c = NO_CHANGE;
	uint64_t end = addr + count * PAGE_SIZE, at = addr;
	struct vm_area *area;

	read_lock(&vm->lock);
	for (area = area_above(&vm->areas, addr); at < end; area = area_next(area)) {
		uint64_t start = area ? MIN(MAX(area->start, at), end) : end,
			 stop = area ? MIN(area->end, end) : end;

		for (; at < start; at += PAGE_SIZE)
			frames[(at - addr) >> PAGE_SHIFT] = REFUSED;
		if (at < stop)
			take_part(vm, area, at, stop, how, &frames[(at - addr) >> PAGE_SHIFT], &c);
		at = stop;
	}
	flush_changed(vm, &c);
	vm_count_unmapped(vm, c.unmapped);
	read_unlock(&vm->lock);
}

int vm_pages_copy_in(uint64_t from, size_t len, paddr_t *frame)
{
	size_t offset = from & ~PAGE_MASK;
	paddr_t pa = vm_alloc_page(&vm_no_policy, from >> PAGE_SHIFT, PAGE_ANON, 0);

	ASSERT(offset + len <= PAGE_SIZE);
	if (pa == PADDR_NONE)
		return -ENOMEM;
	if (arch_copy_from_user((char *)phys_to_virt(pa) + offset, from, len) < 0) {
		pmm_free(pa);
		return -EFAULT;
	}
	*frame = pa;
	return 0;
}

/* Put pages back that were moved: nobody has seen them.  A program that has remapped their place meanwhile
 * loses them. */
static void put_back(uint64_t addr, unsigned count, enum vm_take how, const paddr_t *frames)
{
	for (unsigned i = 0; i < count; i++) {
		if (frames[i] == REFUSED || frames[i] == VM_PAGE_ZEROES)
			continue;
		if (how != VM_TAKE_MOVE || vm_pages_give(addr + i * PAGE_SIZE, 1, &frames[i]) < 0)
			page_put(page_of(frames[i]));
	}
}

/* Copy what was refused.  A bit is set in *copied for each. */
static int copy_refused(uint64_t addr, unsigned count, paddr_t *frames, uint64_t *copied)
{
	_Static_assert(VM_PAGES_MAX <= 64, "a bit each");
	*copied = 0;
	for (unsigned i = 0; i < count; i++) {
		int err = frames[i] == REFUSED ? vm_pages_copy_in(addr + i * PAGE_SIZE, PAGE_SIZE, &frames[i])
					       : 1;

		if (err < 0)
			return err;
		*copied |= err == 0 ? 1ull << i : 0;
	}
	return 0;
}

static void drop_copies(paddr_t *frames, uint64_t copied)
{
	for (; copied; copied &= copied - 1) {
		paddr_t *frame = &frames[__builtin_ctzll(copied)];

		page_put(page_of(*frame));
		*frame = REFUSED;
	}
}

/* What was copied of a moved range reads as zeroes, too, where the program itself could write zeroes. */
static void clear_copied(uint64_t addr, uint64_t copied)
{
	for (; copied; copied &= copied - 1)
		(void)!clear_user(addr + (unsigned)__builtin_ctzll(copied) * PAGE_SIZE, PAGE_SIZE);
}

int vm_pages_take(uint64_t addr, unsigned count, enum vm_take how, paddr_t *frames)
{
	uint64_t copied, end;
	int err;

	ASSERT(count <= VM_PAGES_MAX);
	if (!vm_valid_range(addr, count * PAGE_SIZE, &end))
		return -EFAULT;
	take_range(current_task()->vm, addr, count, how, frames);
	err = copy_refused(addr, count, frames, &copied);
	if (err < 0) {
		drop_copies(frames, copied);
		put_back(addr, count, how, frames);
	} else if (unlikely(copied) && how == VM_TAKE_MOVE) {
		clear_copied(addr, copied);
	}
	return err;
}

/* --- giving ------------------------------------------------------------------------------------------ */

/* The places of `count` pages from `addr` on, in a range that is one for whole pages. */
static int find_places(struct vm_space *vm, uint64_t addr, unsigned count, struct pt_slot **slots,
		       const struct vm_area **areas)
{
	const struct vm_area *area = area_above(&vm->areas, addr);
	struct pt_slot *slot = NULL;

	for (unsigned i = 0; i < count; i++) {
		uint64_t va = addr + i * PAGE_SIZE;
		int there = 0;

		if (area && va >= area->end)
			area = area_next(area);
		if (!area || area->start > va || !is_plain(area))
			return -EOPNOTSUPP;
		if (slot)
			slot = arch_pt_slot_next(slot);
		if (!slot)
			slot = arch_pt_slot_find(vm->root, va);
		while (!slot && (there = vm_make_slot(vm, va, &slot)) == 1)
			vm_large_split_range(vm, va, va + PAGE_SIZE);
		if (there < 0)
			return there;
		areas[i] = area;
		slots[i] = slot;
	}
	return 0;
}

/* What a page of the receiver gives way to: the frame, or PADDR_NONE.  pt_lock is held; who fills an empty
 * entry meanwhile, without it, was faster, and gives way, too. */
static paddr_t replace_entry(struct pt_slot *slot, const struct vm_area *area, paddr_t frame)
{
	bool write = frame != VM_PAGE_ZEROES && refcount_read(&page_of(frame)->refs) == 1;
	unsigned prot;
	paddr_t old;

	for (;;) {
		if (arch_pt_slot_get(slot, &old, &prot))
			break;
		if (frame == VM_PAGE_ZEROES || arch_pt_slot_fill(slot, frame, vm_area_prot(area, write)))
			return PADDR_NONE;
	}
	if (frame == VM_PAGE_ZEROES)
		arch_pt_slot_clear(slot);
	else
		arch_pt_slot_set(slot, frame, vm_area_prot(area, write));
	return old;
}

int vm_pages_give(uint64_t addr, unsigned count, const paddr_t *frames)
{
	const struct vm_area *areas[VM_PAGES_MAX] __uninitialized;
	struct pt_slot *slots[VM_PAGES_MAX] __uninitialized;
	paddr_t old[VM_PAGES_MAX] __uninitialized;
	struct vm_space *vm = current_task()->vm;
	struct changed c = NO_CHANGE;
	unsigned replaced = 0, mapped = 0;
	uint64_t end;
	int err;

	ASSERT(count <= VM_PAGES_MAX);
	if (!vm_valid_range(addr, count * PAGE_SIZE, &end))
		return -EOPNOTSUPP;
	read_lock(&vm->lock);
	err = find_places(vm, addr, count, slots, areas);
	if (err < 0)
		goto out;
	spin_lock(&vm->pt_lock);
	for (unsigned i = 0; i < count; i++) {
		old[replaced] = replace_entry(slots[i], areas[i], frames[i]);
		mapped += frames[i] != VM_PAGE_ZEROES;
		if (old[replaced] != PADDR_NONE) {
			note_change(&c, addr + i * PAGE_SIZE, PAGE_SIZE);
			replaced++;
		}
	}
	spin_unlock(&vm->pt_lock);
	flush_changed(vm, &c);
	vm_count_mapped(vm, mapped);
	vm_count_unmapped(vm, vm_frames_put(old, replaced));
out:
	read_unlock(&vm->lock);
	return err;
}

/* --- neither ----------------------------------------------------------------------------------------- */

int vm_pages_copy_out(const paddr_t *frames, size_t offset, uaddr_t to, size_t len)
{
	while (len > 0) {
		paddr_t frame = frames[offset >> PAGE_SHIFT];
		size_t at = offset & ~PAGE_MASK, part = MIN(len, PAGE_SIZE - at);
		int err = frame == VM_PAGE_ZEROES
				  ? clear_user(to, part)
				  : arch_copy_to_user(to, (const char *)phys_to_virt(frame) + at, part);

		if (err < 0)
			return err;
		offset += part;
		to += part;
		len -= part;
	}
	return 0;
}

void vm_pages_drop(const paddr_t *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (frames[i] != VM_PAGE_ZEROES)
			page_put(page_of(frames[i]));
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas of an address space: placing, counting, removing.
 *
 * Ranges are cut to whole areas first (split_at), which is the only step that needs memory; what follows
 * cannot fail, so a call changes everything it names or nothing.
 */
#include <kernel/overcommit.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "uninitialized.h"
#include "userfault.h"
#include "vm_large.h"
#include "vm_priv.h"

#define HEAP_RANDOM 8192         /* pages between image and heap at most */
#define LOW_START   (1ull << 30) /* of VM_MAP_32BIT, as in Linux */
#define LOW_END     (1ull << 31)

static struct slab_cache *area_cache;
_Atomic uint32_t vm_areas_max = 65530; /* Linux's default */

void vm_map_setup(void)
{
	area_cache = slab_create("vm_area", sizeof(struct vm_area), 0);
}

/* --- counting --------------------------------------------------------------------------------------- */

static bool is_data(uint32_t flags)
{
	return (flags & (VM_SHARED | VM_WRITE | VM_STACK)) == VM_WRITE;
}

void vm_recount_locked(struct vm_space *vm, uint32_t flags, int64_t pages)
{
	vm->pages_reserved += (uint64_t)pages;
	vm->pages_locked += (flags & VM_LOCKED) ? (uint64_t)pages : 0;
	vm->pages_data += is_data(flags) ? (uint64_t)pages : 0;
	vm->pages_writable += (flags & VM_WRITE) ? (uint64_t)pages : 0;
}

bool vm_may_write_more_locked(const struct vm_space *vm, uint64_t pages)
{
	return pages <= vm->writable_limit && vm->pages_writable <= vm->writable_limit - pages;
}

void vm_limit_writable(struct vm_space *vm, uint64_t bytes)
{
	write_lock(&vm->lock);
	vm->writable_limit = MIN(vm->writable_limit, bytes >> PAGE_SHIFT);
	write_unlock(&vm->lock);
}

int vm_count_in_locked(struct vm_space *vm, uint32_t flags, uint64_t pages)
{
	int err;

	if ((flags & VM_WRITE) && !vm_may_write_more_locked(vm, pages))
		return -ENOMEM;
	err = (flags & VM_ACCOUNT) ? commit_pages(pages) : 0;
	if (err == 0)
		vm_recount_locked(vm, flags, (int64_t)pages);
	return err;
}

void vm_count_out_locked(struct vm_space *vm, uint32_t flags, uint64_t pages)
{
	vm_recount_locked(vm, flags, -(int64_t)pages);
	if (flags & VM_ACCOUNT)
		uncommit_pages(pages);
}

/* --- single areas ----------------------------------------------------------------------------------- */

struct vm_area *vm_area_copy(const struct vm_area *model)
{
	struct vm_area *area = slab_alloc(area_cache);

	if (!area)
		return NULL;
	*area = *model;
	if (area->object) {
		vm_object_get(area->object);
		if (area->object->ops->attached)
			area->object->ops->attached(area->object);
	}
	if (area->grant)
		refcount_get(&area->grant->refs);
	if (area->userfault)
		userfault_get(area->userfault);
	return area;
}

/* The last area of a grant is one that was in its space. */
static void drop_grant_locked(struct vm_area *area)
{
	struct vm_grant *grant = area->grant;

	if (grant && refcount_put(&grant->refs)) {
		grant->next = area->space->ended;
		area->space->ended = grant;
	}
}

void vm_area_free(struct vm_area *area)
{
	drop_grant_locked(area);
	if (area->userfault)
		userfault_put(area->userfault);
	if (area->object) {
		if (area->object->ops->detached)
			area->object->ops->detached(area->object);
		vm_object_put(area->object);
	}
	slab_free(area_cache, area);
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
	if (area->userfault)
		userfault_wake_range(area->userfault, area->start, area->end);
	vm_area_free(area);
}

static bool room_for_area(const struct vm_space *vm)
{
	return vm->area_count < atomic_load_explicit(&vm_areas_max, memory_order_relaxed);
}

int vm_split_at_locked(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *lower = area_above(&vm->areas, addr), *upper;

	if (!lower || lower->start >= addr)
		return 0;
	vm_large_split(vm, addr);
	if (!room_for_area(vm))
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

void vm_merge_next_locked(struct vm_space *vm, struct vm_area *area)
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

int vm_cut_out_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	int err = vm_split_at_locked(vm, start);

	return err < 0 ? err : vm_split_at_locked(vm, end);
}

void vm_merge_range_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_above(&vm->areas, end);

	/* From the top down, so that the survivor of a merge is the next to be looked at. */
	for (area = area ? area_prev(area) : area_last(&vm->areas); area && area->end >= start;
	     area = area_prev(area))
		vm_merge_next_locked(vm, area);
}

void vm_extend_area_locked(struct vm_area *area, uint64_t start, uint64_t end)
{
	vm_rmap_lock(area);
	if (area->object)
		area->offset -= area->start - start;
	area->start = start;
	area->end = end;
	vm_rmap_unlock(area);
}

static int enter_or_join_locked(struct vm_space *vm, const struct vm_area *model)
{
	struct vm_area *next = area_above(&vm->areas, model->end), *area;
	struct vm_area *prev = next ? area_prev(next) : area_last(&vm->areas);

	if (prev && area_can_merge(prev, model)) {
		vm_extend_area_locked(prev, prev->start, model->end);
		vm_merge_next_locked(vm, prev);
	} else if (next && area_can_merge(model, next)) {
		vm_extend_area_locked(next, model->start, next->end);
	} else {
		area = room_for_area(vm) ? vm_area_copy(model) : NULL;
		if (!area)
			return -ENOMEM;
		vm_area_link_locked(vm, area);
	}
	return 0;
}

int vm_add_area_locked(struct vm_space *vm, const struct vm_area *model)
{
	uint64_t pages = vm_pages_in(model->start, model->end);
	int err = vm_count_in_locked(vm, model->flags, pages);

	if (err < 0)
		return err;
	err = enter_or_join_locked(vm, model);
	if (err < 0)
		vm_count_out_locked(vm, model->flags, pages);
	return err;
}

/* --- ranges ----------------------------------------------------------------------------------------- */

void vm_unmap_pages_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct tlb_batch batch __uninitialized;

	tlb_batch_init(&batch, vm);
	tlb_batch_unmap(&batch, start, end);
	tlb_batch_finish(&batch);
}

int vm_unmap_locked(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct vm_area *area = area_above(&vm->areas, start), *next, *below;
	struct tlb_batch batch __uninitialized;
	int err;

	if (!area || area->start >= end)
		return 0;
	if (area->start < start) {
		err = vm_split_at_locked(vm, start);
		if (err < 0)
			return err;
		area = area_next(area);
	}
	err = area->end == end ? 0 : vm_split_at_locked(vm, end);
	if (err < 0)
		return err;
	tlb_batch_init(&batch, vm);
	tlb_batch_unmap(&batch, start, end);
	for (; area && area->start < end; area = next) {
		next = area_next(area);
		vm_count_out_locked(vm, area->flags, vm_pages_in(area->start, area->end));
		if (vm_area_followed(area))
			tlb_batch_finish(&batch);
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

bool vm_valid_range(uint64_t addr, uint64_t len, uint64_t *end)
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

	if (!vm_valid_range(addr, len, &end))
		return -EINVAL;
	write_lock(&vm->lock);
	err = vm_unmap_locked(vm, addr, end);
	vm_write_unlock(vm);
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

int vm_place_locked(struct vm_space *vm, uint64_t *addr, uint64_t len, unsigned how)
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
			return vm_unmap_locked(vm, *addr, *addr + len);
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

/* What the caller says and what the space adds.  In strict mode nothing may go uncharged. */
static uint32_t area_flags_locked(const struct vm_space *vm, uint32_t flags)
{
	flags |= vm->default_flags;
	if (atomic_load_explicit(&overcommit.mode, memory_order_relaxed) == OVERCOMMIT_NEVER)
		flags &= ~VM_NORESERVE;
	return flags | (vm_accountable(flags) ? VM_ACCOUNT : 0);
}

/* Place the model, which has its size as its end. */
static int map_locked(struct vm_space *vm, struct vm_area *model, uint64_t *addr, unsigned how)
{
	uint64_t start = *addr;
	int err;

	if (unlikely(vm_write_exec(model->flags)) && !vm->write_exec)
		return -EACCES;
	err = vm_place_locked(vm, &start, model->end, how);
	if (err < 0)
		return err;
	model->start = start;
	model->end += start;
	model->flags = area_flags_locked(vm, model->flags);
	err = vm_add_area_locked(vm, model);
	if (err == 0)
		*addr = start;
	return err;
}

int vm_map(struct vm_space *vm, uint64_t *addr, uint64_t len, uint32_t flags, uint32_t max_prot, unsigned how,
	   struct vm_object *object, uint64_t offset)
{
	struct vm_source source = { object, offset, NULL };

	return vm_map_from(vm, addr, len, flags, max_prot, how, &source);
}

int vm_map_from(struct vm_space *vm, uint64_t *addr, uint64_t len, uint32_t flags, uint32_t max_prot,
		unsigned how, const struct vm_source *source)
{
	struct vm_area model = { .flags = flags,
				 .max_prot = max_prot,
				 .object = source->object,
				 .offset = source->object ? source->offset : 0,
				 .grant = source->object ? source->grant : NULL };
	struct vm_grant *ended;
	uint64_t last;
	int err;

	if (len == 0 || !IS_ALIGNED(source->offset, PAGE_SIZE))
		return -EINVAL;
	if (flags & VM_RIGHTS & ~max_prot)
		return -EACCES;
	if (len > USER_END)
		return -ENOMEM;
	model.end = ALIGN_UP(len, PAGE_SIZE);
	if (add_overflows(source->offset, model.end, &last))
		return -EOVERFLOW;

	write_lock(&vm->lock);
	err = map_locked(vm, &model, addr, how);
	if (err < 0 || !((how & VM_MAP_POPULATE) || (model.flags & (VM_LOCKED | VM_ONFAULT)) == VM_LOCKED)) {
		vm_write_unlock(vm);
		return err;
	}
	ended = vm_take_ended_locked(vm);
	write_to_read(&vm->lock);
	/* What does not come now comes, or fails, when it is touched. */
	(void)vm_populate_locked(vm, model.start, model.end, false);
	read_unlock(&vm->lock);
	vm_release_grants(ended);
	return 0;
}

/* --- the heap --------------------------------------------------------------------------------------- */

void vm_set_brk(struct vm_space *vm, uint64_t image_end)
{
	write_lock(&vm->lock);
	vm->brk_start = ALIGN_UP(image_end, PAGE_SIZE) + vm_random_offset(vm, HEAP_RANDOM);
	vm->brk = vm->brk_start;
	write_unlock(&vm->lock);
}

static int move_brk_locked(struct vm_space *vm, uint64_t brk)
{
	uint64_t old_end = ALIGN_UP(vm->brk, PAGE_SIZE), end = ALIGN_UP(brk, PAGE_SIZE);
	struct vm_area model = { .start = old_end, .end = end, .max_prot = VM_RIGHTS };

	if (end == old_end)
		return 0;
	if (end < old_end)
		return vm_unmap_locked(vm, end, old_end);
	/* A page stays free above the heap. */
	if (!area_range_free(&vm->areas, old_end, end + PAGE_SIZE))
		return -ENOMEM;
	model.flags = area_flags_locked(vm, VM_READ | VM_WRITE | VM_HEAP);
	return vm_add_area_locked(vm, &model);
}

uint64_t vm_brk(struct vm_space *vm, uint64_t brk)
{
	uint64_t before, now;

	write_lock(&vm->lock);
	before = vm->brk;
	if (brk >= vm->brk_start && brk < USER_END - PAGE_SIZE && move_brk_locked(vm, brk) == 0)
		vm->brk = brk;
	now = vm->brk;
	if (now <= before || (vm->default_flags & (VM_LOCKED | VM_ONFAULT)) != VM_LOCKED) {
		vm_write_unlock(vm);
		return now;
	}
	write_to_read(&vm->lock);
	(void)vm_populate_locked(vm, ALIGN_UP(before, PAGE_SIZE), ALIGN_UP(now, PAGE_SIZE), false);
	read_unlock(&vm->lock);
	return now;
}

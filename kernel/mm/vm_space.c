/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces as a whole: making, sharing copy-on-write at fork, ending. */
#include <kernel/cmdline.h>
#include <kernel/page_window.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "uninitialized.h"
#include "userfault.h"
#include "vm_large.h"
#include "vm_priv.h"

/* In pages, as Linux: 16 GiB for the stack, 1 TiB for mappings. */
#define STACK_RANDOM (1ull << 22)
#define MMAP_RANDOM  (1ull << 28)
#define STACK_SPACE  (128ull << 20) /* left below stack_top for a stack with a raised limit */
#define STACK_LIMIT  (8ull << 20)

static struct slab_cache *space_cache;
static bool randomize = true; /* [i] after start-up */
_Atomic uint32_t vm_write_exec_for_all;

void vm_init(void)
{
	vm_object_setup();
	page_window_init();
	vm_map_setup();
	vm_large_init();
	space_cache = slab_create("vm_space", sizeof(struct vm_space), 0);
	randomize = !cmdline_has("norandmaps");
	atomic_store(&vm_write_exec_for_all, cmdline_has("write_exec"));
}

uint64_t vm_random_offset(const struct vm_space *vm, uint64_t pages)
{
	return randomize && !vm->layout_fixed ? random_u64() % pages * PAGE_SIZE : 0;
}

/* A space without areas and without a layout. */
static int create_bare(struct vm_space **out)
{
	struct vm_space *vm = slab_alloc_zeroed(space_cache);
	int err;

	if (!vm)
		return -ENOMEM;
	err = arch_pt_create(&vm->root);
	if (err < 0) {
		slab_free(space_cache, vm);
		return err;
	}
	refcount_set(&vm->refs, 1);
	tlb_space_init(vm);
	rwlock_init(&vm->lock, "vm_space", RANK_VM_SPACE);
	spin_init(&vm->pt_lock, "page table", RANK_PAGE_TABLE);
	*out = vm;
	return 0;
}

static void choose_layout(struct vm_space *vm)
{
	vm->stack_top = USER_END - vm_random_offset(vm, STACK_RANDOM);
	vm->mmap_top = vm->stack_top - STACK_SPACE - STACK_GUARD_GAP - vm_random_offset(vm, MMAP_RANDOM);
	vm->gap_top = vm->mmap_top;
}

void vm_fix_layout(struct vm_space *vm)
{
	vm->layout_fixed = true;
	choose_layout(vm);
}

int vm_space_create(struct vm_space **out)
{
	struct vm_space *vm;
	int err = create_bare(&vm);

	if (err < 0)
		return err;
	choose_layout(vm);
	vm->stack_limit = STACK_LIMIT;
	vm->as_limit = vm->writable_limit = UINT64_MAX;
	*out = vm;
	return 0;
}

void vm_space_get(struct vm_space *vm)
{
	refcount_get(&vm->refs);
}

/* The page table is loaded nowhere and the area in no reverse list: nothing to flush, nobody to keep out. */
static void drop_pages(struct vm_space *vm, uint64_t start, uint64_t end)
{
	paddr_t frames[VM_BATCH] __uninitialized;

	while (start < end)
		(void)vm_frames_put(frames, arch_pt_unmap_range(vm->root, &start, end, frames, VM_BATCH));
}

static void destroy(struct vm_space *vm)
{
	struct rb_node *node;

	tlb_leave_space(vm);
	if (unlikely(vm->monitored))
		userfault_forget_space(vm);
	while ((node = rb_first(&vm->areas))) {
		struct vm_area *area = rb_entry(node, struct vm_area, node);
		uint64_t start = area->start, end = area->end;

		vm_count_out_locked(vm, area->flags, vm_pages_in(start, end));
		if (vm_area_followed(area))
			vm_unmap_pages_locked(vm, start, end);
		vm_area_unlink_locked(vm, area);
		drop_pages(vm, start, end);
	}
	vm_release_grants(vm->ended);
	arch_pt_destroy(vm->root);
	slab_free(space_cache, vm);
}

void vm_space_put(struct vm_space *vm)
{
	if (refcount_put(&vm->refs))
		destroy(vm);
}

/* --- fork ------------------------------------------------------------------------------------------- */

/* Shared and unmodified pages are found again through the object when the child touches them. */
static bool must_copy_pages(const struct vm_area *area)
{
	return vm_area_private(area) && !(area->flags & VM_WIPEONFORK) &&
	       (!area->object || (area->flags & VM_COPIED));
}

/* Both sides map the parent's pages read-only from now on. */
static int share_pages(struct vm_space *parent, struct vm_space *child, const struct vm_area *area)
{
	paddr_t frames[VM_BATCH] __uninitialized;
	uint64_t at = area->start;

	while (at < area->end) {
		uint64_t pages = 0;
		int n;

		/* The child's, too: truncating the area's object reaches it already. */
		spin_lock(&parent->pt_lock);
		spin_lock(&child->pt_lock);
		n = arch_pt_share(parent->root, child->root, &at, area->end, vm_area_prot(area, false),
				  frames, VM_BATCH);
		if (n > 0)
			pages = vm_frames_get(frames, (unsigned)n);
		spin_unlock(&child->pt_lock);
		spin_unlock(&parent->pt_lock);
		if (n < 0)
			return n;
		atomic_fetch_add_explicit(&child->pages_mapped, pages, memory_order_relaxed);
	}
	return 0;
}

static int fork_area(struct vm_space *parent, struct vm_space *child, const struct vm_area *area)
{
	struct vm_area *copy = vm_area_copy(area);
	int err;

	if (!copy)
		return -ENOMEM;
	/* Locks are not inherited: mlock(2); nor are monitors. */
	copy->flags &= ~(VM_LOCKED | VM_ONFAULT);
	userfault_disown(copy);
	err = vm_count_in_locked(child, copy->flags, vm_pages_in(area->start, area->end));
	if (err < 0) {
		vm_area_free(copy);
		return err;
	}
	vm_area_link_locked(child, copy);
	return must_copy_pages(area) ? share_pages(parent, child, area) : 0;
}

static void copy_layout(struct vm_space *child, const struct vm_space *parent)
{
	child->membarrier = parent->membarrier;
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
	child->mmap_top = parent->mmap_top;
	child->stack_top = parent->stack_top;
	child->stack_limit = parent->stack_limit;
	child->as_limit = parent->as_limit;
	child->writable_limit = parent->writable_limit;
	child->write_exec = parent->write_exec;
	child->gap_top = parent->mmap_top;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->env_start = parent->env_start;
	child->env_end = parent->env_end;
	child->auxv_start = parent->auxv_start;
	child->auxv_end = parent->auxv_end;
}

int vm_space_fork(struct vm_space *parent, struct vm_space **out)
{
	struct vm_area *area;
	struct vm_space *child;
	int err = create_bare(&child);

	if (err < 0)
		return err;
	write_lock(&parent->lock);
	copy_layout(child, parent);
	for (area = area_above(&parent->areas, 0); area && err == 0; area = area_next(area)) {
		if (!(area->flags & VM_DONTFORK))
			err = fork_area(parent, child, area);
	}
	tlb_flush_range(parent, USER_MIN, USER_END);
	write_unlock(&parent->lock);
	if (err < 0) {
		vm_space_put(child);
		return err;
	}
	*out = child;
	return 0;
}

uint64_t vm_footprint(const struct vm_space *vm)
{
	return READ_ONCE(vm->pages_mapped) + arch_pt_table_count(vm->root);
}

bool vm_next_area(struct vm_space *vm, uint64_t addr, struct vm_area *out)
{
	struct vm_area *area;

	read_lock(&vm->lock);
	area = area_above(&vm->areas, addr);
	if (area) {
		*out = *area;
		out->flags |= vm_area_revoked(area) ? VM_REVOKED : 0;
		out->grant = NULL;
		if (out->object)
			vm_object_get(out->object);
	}
	read_unlock(&vm->lock);
	return area != NULL;
}

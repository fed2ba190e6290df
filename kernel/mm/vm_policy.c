/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NUMA policies of address ranges: set, asked for at every fault that makes a page, and pages moved to where
 * they should have been.
 *
 * A page moves while vm_space.lock is held for writing, so that nobody faults in the space: its entry denies
 * everything, is flushed, the page is copied, the entry names the copy.  All that can happen meanwhile is
 * that a truncated file takes the page away.  Only anonymous pages with no other reference move.
 */
#include <kernel/vm.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "tlb.h"
#include "vm_large.h"
#include "vm_priv.h"

const struct mempolicy vm_no_policy;

uint32_t mempolicy_allowed_nodes(void)
{
	uint32_t nodes = 0;

	for (unsigned node = 0; node < topology_node_count(); node++)
		nodes |= (uint32_t)topology_node_has_memory(node) << node;
	return nodes;
}

/* --- allocation -------------------------------------------------------------------------------------- */

static void find_place(const struct mempolicy *policy, uint64_t index, struct pmm_place *out)
{
	if (policy->mode == MPOL_DEFAULT)
		policy = &current_task()->mempolicy;
	mempolicy_place(policy, topology_of(arch_this_cpu()->id)->node, index, out);
}

paddr_t vm_alloc_by_policy(const struct mempolicy *policy, uint64_t index, enum page_use use, unsigned flags)
{
	struct pmm_place place;
	paddr_t pa;

	find_place(policy, index, &place);
	pa = pmm_alloc_at(&place, use, flags);
	if (pa == PADDR_NONE)
		current_task()->starved_nodes = place.nodes == PMM_ALL_NODES ? 0 : place.nodes;
	return pa;
}

paddr_t vm_alloc_large(const struct mempolicy *policy, uint64_t index, unsigned flags)
{
	struct pmm_place place;

	find_place(policy, index, &place);
	return pmm_alloc_contiguous_at(&place, LARGE_PAGE_FRAMES, LARGE_PAGE_FRAMES, PAGE_ANON, flags);
}

/* --- looking ----------------------------------------------------------------------------------------- */

static struct vm_area *area_at(struct vm_space *vm, uint64_t addr)
{
	struct vm_area *area = area_above(&vm->areas, addr);

	return area && area->start <= addr ? area : NULL;
}

int vm_get_policy(struct vm_space *vm, uint64_t addr, struct mempolicy *out)
{
	struct vm_area *area;

	read_lock(&vm->lock);
	area = area_at(vm, addr);
	if (area)
		*out = area->policy;
	read_unlock(&vm->lock);
	return area ? 0 : -EFAULT;
}

/* -ENOENT. */
static int node_of_entry(struct vm_space *vm, uint64_t addr)
{
	int node = -ENOENT;
	unsigned prot;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	if (arch_pt_query(vm->root, ALIGN_DOWN(addr, PAGE_SIZE), &pa, &prot))
		node = (int)page_node(page_of(pa));
	spin_unlock(&vm->pt_lock);
	return node;
}

int vm_page_node(struct vm_space *vm, uint64_t addr)
{
	int node;

	read_lock(&vm->lock);
	node = area_at(vm, addr) ? node_of_entry(vm, addr) : -EFAULT;
	read_unlock(&vm->lock);
	return node;
}

/* --- moving ------------------------------------------------------------------------------------------ */

static bool may_move(const struct page *page)
{
	return page->use == PAGE_ANON && refcount_read(&page->refs) == 1;
}

/* Deny all access to the page at va, which then has a second reference, so that it can be copied.  NULL: it
 * must stay. */
static struct page *freeze_page(struct vm_space *vm, uint64_t va, unsigned *prot)
{
	struct page *page = NULL;
	struct pt_slot *slot;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	slot = arch_pt_slot_find(vm->root, va);
	if (slot && arch_pt_slot_get(slot, &pa, prot) && may_move(page_of(pa))) {
		page = page_of(pa);
		page_get(page);
		arch_pt_slot_set(slot, pa, 0);
	}
	spin_unlock(&vm->pt_lock);
	if (page)
		tlb_flush_range(vm, va, va + PAGE_SIZE);
	return page;
}

/* False: the frozen page is not there any more, a file was truncated. */
static bool replace_frozen(struct vm_space *vm, uint64_t va, const struct page *old, paddr_t copy,
			   unsigned prot)
{
	struct pt_slot *slot;
	bool there = false;
	unsigned none;
	paddr_t pa;

	spin_lock(&vm->pt_lock);
	slot = arch_pt_slot_find(vm->root, va);
	if (slot && arch_pt_slot_get(slot, &pa, &none) && page_of(pa) == old) {
		arch_pt_slot_set(slot, copy, prot);
		there = true;
	}
	spin_unlock(&vm->pt_lock);
	return there;
}

/* vm->lock is held for writing, the page is a small one. */
static int move_page_locked(struct vm_space *vm, uint64_t va, const struct pmm_place *place)
{
	paddr_t copy = pmm_alloc_at(place, PAGE_ANON, 0);
	struct page *old;
	unsigned prot;

	if (copy == PADDR_NONE)
		return -ENOMEM;
	old = freeze_page(vm, va, &prot);
	if (!old) {
		pmm_free(copy);
		return -EACCES;
	}
	arch_copy_page(phys_to_virt(copy), phys_to_virt(page_addr(old)));
	if (replace_frozen(vm, va, old, copy, prot))
		page_put(old); /* the page table's */
	else
		pmm_free(copy);
	page_put(old);
	return 0;
}

int vm_move_page(struct vm_space *vm, uint64_t addr, unsigned node)
{
	const struct pmm_place place = { .nodes = 1u << node, .from = (uint8_t)node };
	uint64_t va = ALIGN_DOWN(addr, PAGE_SIZE);
	int now, err = -EFAULT;

	write_lock(&vm->lock);
	if (area_at(vm, va)) {
		vm_large_split_range(vm, va, va + PAGE_SIZE);
		now = node_of_entry(vm, va);
		err = now < 0 || now == (int)node ? MIN(now, 0) : move_page_locked(vm, va, &place);
	}
	write_unlock(&vm->lock);
	return err < 0 ? err : (int)node;
}

/* Where a page should be that lies on `node`; false: it may stay. */
struct mover {
	bool (*wanted)(const struct mover *m, unsigned node, uint64_t va, struct pmm_place *out);
	const struct mempolicy *policy; /* by_policy */
	uint32_t from, to;              /* by_node */
};

static bool by_policy(const struct mover *m, unsigned node, uint64_t va, struct pmm_place *out)
{
	if (m->policy->nodes == 0 || (m->policy->nodes >> node & 1))
		return false;
	find_place(m->policy, va >> PAGE_SHIFT, out);
	return true;
}

static bool by_node(const struct mover *m, unsigned node, uint64_t va, struct pmm_place *out)
{
	unsigned to = nth_node(m->to, nodes_in(m->from & ((1u << node) - 1)));

	(void)va;
	*out = (struct pmm_place){ .nodes = 1u << to, .from = (uint8_t)to };
	return (m->from >> node & 1) && to != node;
}

/* How many pages of [start, end) are not where they should be; with `move`, after what could be moved was. */
static uint64_t misplaced_locked(struct vm_space *vm, uint64_t start, uint64_t end, const struct mover *m,
				 bool move)
{
	uint64_t left = 0;

	if (move)
		vm_large_split_range(vm, start, end);
	for (;; start += PAGE_SIZE) {
		struct pmm_place place;
		unsigned prot, node;
		paddr_t pa;

		spin_lock(&vm->pt_lock);
		start = arch_pt_next(vm->root, start, end, &pa, &prot);
		node = start < end ? page_node(page_of(pa)) : 0;
		spin_unlock(&vm->pt_lock);
		if (start >= end)
			return left;
		if (m->wanted(m, node, start, &place))
			left += !move || move_page_locked(vm, start, &place) < 0;
	}
}

uint64_t vm_migrate(struct vm_space *vm, uint32_t from, uint32_t to)
{
	const struct mover mover = { .wanted = by_node, .from = from, .to = to };
	uint64_t left = 0;

	write_lock(&vm->lock);
	for (struct vm_area *area = area_above(&vm->areas, 0); area; area = area_next(area))
		left += misplaced_locked(vm, area->start, area->end, &mover, true);
	write_unlock(&vm->lock);
	return left;
}

/* --- setting ----------------------------------------------------------------------------------------- */

static bool any_in_range(struct vm_space *vm, uint64_t start, uint64_t end)
{
	return !area_range_free(&vm->areas, start, end);
}

static int set_policy_locked(struct vm_space *vm, uint64_t start, uint64_t end,
			     const struct mempolicy *policy)
{
	int err = vm_cut_out_locked(vm, start, end);

	if (err < 0)
		return err;
	for (struct vm_area *a = area_above(&vm->areas, start); a && a->start < end; a = area_next(a))
		a->policy = *policy;
	vm_merge_range_locked(vm, start, end);
	return 0;
}

int vm_set_policy(struct vm_space *vm, uint64_t start, uint64_t end, const struct mempolicy *policy,
		  unsigned how)
{
	const struct mover mover = { .wanted = by_policy, .policy = policy };
	bool move = how & VM_POLICY_MOVE, strict = how & VM_POLICY_STRICT;
	int err = -EFAULT;

	/* Holes do not matter with MPOL_DEFAULT, but what lies above the program's half is no hole. */
	if (policy->mode == MPOL_DEFAULT)
		end = MIN(end, USER_END);
	if (start >= end)
		return err;
	write_lock(&vm->lock);
	if (policy->mode == MPOL_DEFAULT ? any_in_range(vm, start, end)
					 : area_range_covered(&vm->areas, start, end))
		err = strict && !move && misplaced_locked(vm, start, end, &mover, false) > 0 ? -EIO : 0;
	if (err == 0)
		err = set_policy_locked(vm, start, end, policy);
	if (err == 0 && move && misplaced_locked(vm, start, end, &mover, true) > 0 && strict)
		err = -EIO;
	write_unlock(&vm->lock);
	return err;
}

static bool has_home(const struct mempolicy *policy)
{
	return mempolicy_mode(policy) == MPOL_BIND || mempolicy_mode(policy) == MPOL_PREFERRED_MANY;
}

/* Areas without a policy of their own are passed over. */
static int set_home_locked(struct vm_space *vm, uint64_t start, uint64_t end, unsigned node)
{
	int err = vm_cut_out_locked(vm, start, end);
	struct vm_area *a;

	for (a = area_above(&vm->areas, start); err == 0 && a && a->start < end; a = area_next(a)) {
		if (a->policy.mode == MPOL_DEFAULT)
			continue;
		if (has_home(&a->policy))
			a->policy.home = (uint16_t)(node + 1);
		else
			err = -EOPNOTSUPP;
	}
	vm_merge_range_locked(vm, start, end);
	return err;
}

int vm_set_policy_home(struct vm_space *vm, uint64_t start, uint64_t end, unsigned node)
{
	int err = -EFAULT;

	write_lock(&vm->lock);
	if (any_in_range(vm, start, end))
		err = set_home_locked(vm, start, end, node);
	write_unlock(&vm->lock);
	return err;
}

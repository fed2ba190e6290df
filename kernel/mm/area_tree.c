/* SPDX-License-Identifier: BSD-2-Clause */
#include "area_tree.h"

static struct vm_area *area_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct vm_area, node) : NULL;
}

struct vm_area *area_above(const struct rb_tree *areas, uint64_t addr)
{
	struct rb_node *node = areas->root;
	struct vm_area *best = NULL;

	while (node) {
		struct vm_area *a = rb_entry(node, struct vm_area, node);

		if (a->end > addr) {
			best = a;
			if (a->start <= addr)
				break;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct vm_area *area_last(const struct rb_tree *areas)
{
	return area_of(rb_last(areas));
}

struct vm_area *area_next(const struct vm_area *area)
{
	return area_of(rb_next(&area->node));
}

struct vm_area *area_prev(const struct vm_area *area)
{
	return area_of(rb_prev(&area->node));
}

void area_insert(struct rb_tree *areas, struct vm_area *area)
{
	struct rb_node **link = &areas->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = area->start < area_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(areas, &area->node, parent, link);
}

bool area_range_free(const struct rb_tree *areas, uint64_t start, uint64_t end)
{
	struct vm_area *a = area_above(areas, start);

	return !a || a->start >= end;
}

bool area_range_covered(const struct rb_tree *areas, uint64_t start, uint64_t end)
{
	struct vm_area *a = area_above(areas, start);

	while (start < end) {
		if (!a || a->start > start)
			return false;
		start = a->end;
		a = area_next(a);
	}
	return true;
}

/* The last area that starts below addr, or NULL. */
static struct vm_area *area_below(const struct rb_tree *areas, uint64_t addr)
{
	struct rb_node *node = areas->root;
	struct vm_area *best = NULL;

	while (node) {
		struct vm_area *a = rb_entry(node, struct vm_area, node);

		if (a->start < addr) {
			best = a;
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return best;
}

/* Where the space that may be used below an area ends. */
static uint64_t floor_of(const struct vm_area *a)
{
	uint64_t gap = (a->flags & VM_STACK) ? STACK_GUARD_GAP : 0;

	return a->start > gap ? a->start - gap : 0;
}

uint64_t area_find_gap(const struct rb_tree *areas, uint64_t len, uint64_t low, uint64_t top)
{
	struct vm_area *a = area_below(areas, top), *above = a ? area_next(a) : area_above(areas, top);

	/* A stack right above the range wants its gap, too. */
	if (above && above->start >= top && floor_of(above) < top)
		top = floor_of(above);
	for (; a && top > low; a = area_prev(a)) {
		if (a->end <= top && top - MAX(a->end, low) >= len)
			return top - len;
		if (floor_of(a) < top)
			top = floor_of(a);
	}
	return top > low && top - low >= len ? top - len : 0;
}

bool area_can_merge(const struct vm_area *first, const struct vm_area *second)
{
	if (first->end != second->start || first->flags != second->flags || (first->flags & VM_STACK) ||
	    first->max_prot != second->max_prot || first->object != second->object ||
	    first->grant != second->grant || first->userfault != second->userfault ||
	    !mempolicy_same(&first->policy, &second->policy))
		return false;
	return !first->object || first->offset + (first->end - first->start) == second->offset;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: the tree of a space's areas by address.  Pure; the caller holds vm_space.lock. */
#pragma once

#include <kernel/vm.h>

#define STACK_GUARD_GAP (256 * PAGE_SIZE) /* below a stack nothing is placed, so it does not grow into it */

/* The first area that ends above addr (it may begin above it), or NULL. */
struct vm_area *area_above(const struct rb_tree *areas, uint64_t addr);
struct vm_area *area_last(const struct rb_tree *areas);
struct vm_area *area_next(const struct vm_area *area);
struct vm_area *area_prev(const struct vm_area *area);
/* Areas never overlap. */
void area_insert(struct rb_tree *areas, struct vm_area *area);

/* Is [start, end) free? */
bool area_range_free(const struct rb_tree *areas, uint64_t start, uint64_t end);
/* Is [start, end) covered without a hole? */
bool area_range_covered(const struct rb_tree *areas, uint64_t start, uint64_t end);
/* The highest place for `len` bytes in [low, top), or 0. */
uint64_t area_find_gap(const struct rb_tree *areas, uint64_t len, uint64_t low, uint64_t top);

/* Do the two, the second right behind the first, make one area? */
bool area_can_merge(const struct vm_area *first, const struct vm_area *second);

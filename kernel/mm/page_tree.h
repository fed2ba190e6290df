/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: pages by index, a radix tree of 64 slots a node (struct page_tree, kernel/vm.h).  As high
 * as the largest index needs; nodes appear with their first page and go with their last.
 * The caller provides the locking and the references.
 */
#pragma once

#include <kernel/vm.h>

#define PAGE_TREE_INDEX_MAX ((1ull << 52) - 1)

/* Once, before any tree is used. */
void page_tree_init(void);

struct page *page_tree_find(const struct page_tree *tree, uint64_t index);
/* The slots for index and what follows it, *count that lie together, each with a page or NULL.  None if there
 * are no pages near. */
struct page *const *page_tree_slots(const struct page_tree *tree, uint64_t index, size_t *count);
/* The slot must be free.  -ENOMEM; -EFBIG for an index that no offset reaches. */
int page_tree_insert(struct page_tree *tree, uint64_t index, struct page *page) __must_check;
/* The page that was there, or NULL. */
struct page *page_tree_remove(struct page_tree *tree, uint64_t index);
/* The first page at or after *index, which becomes its index; NULL when there is none. */
struct page *page_tree_next(const struct page_tree *tree, uint64_t *index);

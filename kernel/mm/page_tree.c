/* SPDX-License-Identifier: BSD-2-Clause */
#include "page_tree.h"

#include <kernel/assert.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#define SLOT_BITS  6
#define SLOTS      (1u << SLOT_BITS)
#define MAX_HEIGHT 9 /* 54 bits of index */

struct tree_node {
	void *slots[SLOTS]; /* pages in the lowest level, else nodes */
	uint32_t used;
};

static struct slab_cache *node_cache;

void page_tree_init(void)
{
	node_cache = slab_create("page_tree", sizeof(struct tree_node), 0);
}

static inline unsigned slot_of(uint64_t index, unsigned level)
{
	return (index >> (level * SLOT_BITS)) & (SLOTS - 1);
}

/* Does a tree of this height reach the index? */
static inline bool reaches(unsigned height, uint64_t index)
{
	return height > 0 && index >> (height * SLOT_BITS) == 0;
}

struct page *page_tree_find(const struct page_tree *tree, uint64_t index)
{
	unsigned shift = tree->height * SLOT_BITS;
	void *at = tree->root;

	if (!reaches(tree->height, index))
		return NULL;
	while (at && shift > 0) {
		shift -= SLOT_BITS;
		at = ((struct tree_node *)at)->slots[index >> shift & (SLOTS - 1)];
	}
	return at;
}

/* As far as the lowest node goes. */
struct page *const *page_tree_slots(const struct page_tree *tree, uint64_t index, size_t *count)
{
	const struct tree_node *node = reaches(tree->height, index) ? tree->root : NULL;
	unsigned slot = slot_of(index, 0);

	for (unsigned level = tree->height; node && --level > 0;)
		node = node->slots[slot_of(index, level)];
	*count = node ? SLOTS - slot : 0;
	return node ? (struct page *const *)&node->slots[slot] : NULL;
}

/* Put nodes on top until the tree reaches the index. */
static int grow(struct page_tree *tree, uint64_t index)
{
	while (!reaches(tree->height, index)) {
		struct tree_node *top = slab_alloc_zeroed(node_cache);

		if (!top)
			return -ENOMEM;
		top->slots[0] = tree->root;
		top->used = tree->root != NULL;
		tree->root = top;
		tree->height++;
	}
	return 0;
}

/* Take nodes without a page off the top: a failed insertion or a removal may leave such. */
static void shrink(struct page_tree *tree)
{
	struct tree_node *top = tree->root;

	while (top && (top->used == 0 || (top->used == 1 && top->slots[0] && tree->height > 1))) {
		tree->root = top->used ? top->slots[0] : NULL;
		tree->height = tree->root ? tree->height - 1 : 0;
		slab_free(node_cache, top);
		top = tree->root;
	}
}

/* Free the nodes on the way to index, where no page is, that hold nothing. */
static void prune(struct page_tree *tree, uint64_t index)
{
	struct tree_node *path[MAX_HEIGHT];
	unsigned level = tree->height;
	void *at = tree->root;

	while (at && level-- > 0) {
		path[level] = at;
		at = path[level]->slots[slot_of(index, level)];
	}
	ASSERT(!at);
	for (; level + 1 < tree->height && path[level]->used == 0; level++) {
		path[level + 1]->slots[slot_of(index, level + 1)] = NULL;
		path[level + 1]->used--;
		slab_free(node_cache, path[level]);
	}
	shrink(tree);
}

int page_tree_insert(struct page_tree *tree, uint64_t index, struct page *page)
{
	struct tree_node *node;

	if (index > PAGE_TREE_INDEX_MAX)
		return -EFBIG;
	if (grow(tree, index) < 0) {
		shrink(tree);
		return -ENOMEM;
	}
	node = tree->root;
	for (unsigned level = tree->height; --level > 0;) {
		void **slot = &node->slots[slot_of(index, level)];

		if (!*slot) {
			*slot = slab_alloc_zeroed(node_cache);
			if (!*slot)
				goto out_prune;
			node->used++;
		}
		node = *slot;
	}
	ASSERT(!node->slots[slot_of(index, 0)]);
	node->slots[slot_of(index, 0)] = page;
	node->used++;
	tree->count++;
	return 0;

out_prune:
	prune(tree, index);
	return -ENOMEM;
}

struct page *page_tree_remove(struct page_tree *tree, uint64_t index)
{
	struct tree_node *node = tree->root;
	struct page *page;

	if (!reaches(tree->height, index))
		return NULL;
	for (unsigned level = tree->height; node && --level > 0;)
		node = node->slots[slot_of(index, level)];
	if (!node || !node->slots[slot_of(index, 0)])
		return NULL;
	page = node->slots[slot_of(index, 0)];
	node->slots[slot_of(index, 0)] = NULL;
	node->used--;
	tree->count--;
	if (node->used == 0)
		prune(tree, index);
	return page;
}

/* The first page at or after *index below `at`, a node or page of the given level. */
static struct page *next_below(void *at, unsigned level, uint64_t *index)
{
	struct tree_node *node = at;
	uint64_t base;

	if (level == 0)
		return at;
	base = *index >> (level * SLOT_BITS) << (level * SLOT_BITS);
	level--;
	for (unsigned slot = slot_of(*index, level); slot < SLOTS; slot++) {
		struct page *page = node->slots[slot] ? next_below(node->slots[slot], level, index) : NULL;

		if (page)
			return page;
		*index = base + ((slot + 1ull) << (level * SLOT_BITS));
	}
	return NULL;
}

struct page *page_tree_next(const struct page_tree *tree, uint64_t *index)
{
	if (!reaches(tree->height, *index))
		return NULL;
	return next_below(tree->root, tree->height, index);
}

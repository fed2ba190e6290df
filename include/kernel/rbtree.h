/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive red-black tree (Cormen et al., Introduction to Algorithms, ch. 13).  The caller walks down
 * to find the place, links the node there and rebalances:
 *
 *	struct rb_node **link = &tree->root, *parent = NULL;
 *	while (*link) { parent = *link; link = key < key_of(parent) ? &parent->left : &parent->right; }
 *	rb_insert(tree, node, parent, link);
 *
 * The caller provides the locking.
 */
#pragma once

#include <kernel/compiler.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

#define RB_TREE_INIT \
	{            \
		NULL \
	}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_tree *tree, struct rb_node *node);
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#define rb_entry(node, type, member) container_of(node, type, member)

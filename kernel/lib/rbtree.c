/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree.  Invariants: the root is black; a red node has black children; every path from a node
 * down to a leaf (NULL, black) passes the same number of black nodes.
 */
#include <kernel/rbtree.h>

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

static void replace_child(struct rb_tree *tree, struct rb_node *old, struct rb_node *new)
{
	struct rb_node *parent = old->parent;

	if (!parent)
		tree->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* Turn n down to one side; its other child takes its place. */
static void rotate(struct rb_tree *tree, struct rb_node *n, bool left)
{
	struct rb_node *up = left ? n->right : n->left;
	struct rb_node *inner = left ? up->left : up->right;

	replace_child(tree, n, up);
	if (left) {
		n->right = inner;
		up->left = n;
	} else {
		n->left = inner;
		up->right = n;
	}
	if (inner)
		inner->parent = n;
	n->parent = up;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent = parent;
	node->left = node->right = NULL;
	node->red = true;
	*link = node;

	while (is_red(node->parent)) {
		struct rb_node *up = node->parent, *grand = up->parent;
		bool left = up == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			up->red = uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (node == (left ? up->right : up->left)) {
			rotate(tree, up, left);
			up = node;
		}
		up->red = false;
		grand->red = true;
		rotate(tree, grand, !left);
		break;
	}
	tree->root->red = false;
}

/* The paths through `node` (which may be NULL, below `parent`) lack one black node. */
static void erase_fixup(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct rb_node *sibling = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(tree, parent, left);
			sibling = left ? parent->right : parent->left;
		}
		near = left ? sibling->left : sibling->right;
		far = left ? sibling->right : sibling->left;
		if (!is_red(near) && !is_red(far)) {
			sibling->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sibling->red = true;
			rotate(tree, sibling, !left);
			far = sibling;
			sibling = near;
		}
		sibling->red = parent->red;
		parent->red = false;
		far->red = false;
		rotate(tree, parent, left);
		return;
	}
	if (node)
		node->red = false;
}

void rb_erase(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *child, *parent;
	bool removed_red;

	if (node->left && node->right) {
		/* The successor has no left child: it leaves its place and takes node's. */
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		removed_red = next->red;
		child = next->right;
		parent = next->parent == node ? next : next->parent;
		if (next->parent != node) {
			replace_child(tree, next, child);
			next->right = node->right;
			next->right->parent = next;
		}
		replace_child(tree, node, next);
		next->left = node->left;
		next->left->parent = next;
		next->red = node->red;
	} else {
		child = node->left ? node->left : node->right;
		parent = node->parent;
		removed_red = node->red;
		replace_child(tree, node, child);
	}
	if (!removed_red)
		erase_fixup(tree, child, parent);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	struct rb_node *n = tree->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *n = tree->root;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->right)
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while (node->parent && node == node->parent->left)
		node = node->parent;
	return node->parent;
}

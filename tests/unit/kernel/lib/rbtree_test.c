/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/rbtree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <kernel/rbtree.h>

#define COUNT 400

struct item {
	struct rb_node node;
	int key;
	bool in;
};

static struct item items[COUNT];
static struct rb_tree tree;

static struct item *item_of(struct rb_node *n)
{
	return rb_entry(n, struct item, node);
}

static void insert(struct item *it)
{
	struct rb_node **link = &tree.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_insert(&tree, &it->node, parent, link);
	it->in = true;
}

/* Checks both colour rules and the links; returns the black height. */
static int check(struct rb_node *n, struct rb_node *parent)
{
	int left, right;

	if (!n)
		return 1;
	assert_ptr_equal(n->parent, parent);
	if (n->red)
		assert_false(parent && parent->red);
	left = check(n->left, n);
	right = check(n->right, n);
	assert_int_equal(left, right);
	return left + !n->red;
}

static void check_order(void)
{
	int seen = 0, expected = 0;
	struct rb_node *last = NULL;

	for (int i = 0; i < COUNT; i++)
		expected += items[i].in;
	for (struct rb_node *n = rb_first(&tree); n; n = rb_next(n), seen++) {
		assert_ptr_equal(rb_prev(n), last);
		if (last)
			assert_true(item_of(last)->key <= item_of(n)->key);
		last = n;
	}
	assert_ptr_equal(rb_last(&tree), last);
	assert_int_equal(seen, expected);
}

static void random_inserts_and_erases_keep_every_rule(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT; i++)
		items[i] = (struct item){ .key = rand() % (COUNT / 2) };
	tree = (struct rb_tree)RB_TREE_INIT;
	for (int step = 0; step < 20000; step++) {
		struct item *it = &items[rand() % COUNT];

		if (it->in) {
			rb_erase(&tree, &it->node);
			it->in = false;
		} else {
			insert(it);
		}
		assert_false(tree.root && tree.root->red);
		check(tree.root, NULL);
		if (step % 64 == 0)
			check_order();
	}
	while (tree.root) {
		struct item *it = item_of(tree.root);

		rb_erase(&tree, &it->node);
		it->in = false;
		check(tree.root, NULL);
	}
	check_order();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_inserts_and_erases_keep_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/page_tree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <kernel/slab.h>
#include <serix/errno.h>

#include "kernel/mm/page_tree.h"

/* The tree's only need: a cache of nodes, which counts them and can run dry. */
static long nodes, nodes_left = -1;
static size_t node_size;

struct slab_cache *slab_create(const char *name, size_t object_size, size_t align)
{
	(void)name;
	(void)align;
	node_size = object_size;
	return (struct slab_cache *)&node_size;
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	(void)cache;
	if (nodes_left == 0)
		return NULL;
	nodes_left -= nodes_left > 0;
	nodes++;
	return calloc(1, node_size);
}

void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	nodes--;
	free(object);
}

static struct page pages[4096];

static void holds_pages_at_far_indexes(void **state)
{
	static const uint64_t indexes[] = { 0, 1, 63, 64, 4095, 4096, 1ull << 20, PAGE_TREE_INDEX_MAX };
	struct page_tree tree = { 0 };
	size_t n = sizeof(indexes) / sizeof(indexes[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_null(page_tree_find(&tree, indexes[i]));
		assert_int_equal(page_tree_insert(&tree, indexes[i], &pages[i]), 0);
	}
	assert_int_equal(tree.count, n);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(page_tree_find(&tree, indexes[i]), &pages[i]);
	assert_null(page_tree_find(&tree, 2));
	assert_null(page_tree_find(&tree, 1ull << 30));
	assert_null(page_tree_find(&tree, UINT64_MAX));
	assert_null(page_tree_remove(&tree, 2));
	for (size_t i = n; i-- > 0;)
		assert_ptr_equal(page_tree_remove(&tree, indexes[i]), &pages[i]);
	assert_int_equal(tree.count, 0);
	assert_int_equal(nodes, 0);
	assert_null(tree.root);
}

static void refuses_indexes_that_no_offset_reaches(void **state)
{
	struct page_tree tree = { 0 };

	(void)state;
	assert_int_equal(page_tree_insert(&tree, PAGE_TREE_INDEX_MAX + 1, &pages[0]), -EFBIG);
	assert_int_equal(page_tree_insert(&tree, UINT64_MAX, &pages[0]), -EFBIG);
	assert_int_equal(nodes, 0);
}

static void visits_in_order(void **state)
{
	struct page_tree tree = { 0 };
	uint64_t at = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(page_tree_insert(&tree, i * i * 67, &pages[i]), 0);
	for (uint64_t i = 0; i < 100; i++) {
		assert_ptr_equal(page_tree_next(&tree, &at), &pages[i]);
		assert_int_equal(at, i * i * 67);
		at++;
	}
	assert_null(page_tree_next(&tree, &at));
	at = UINT64_MAX;
	assert_null(page_tree_next(&tree, &at));
	at = 0;
	while (page_tree_next(&tree, &at))
		assert_non_null(page_tree_remove(&tree, at));
	assert_int_equal(nodes, 0);
}

/* They are those of one node, and hold what a search for each index finds. */
static void shows_slots_together(void **state)
{
	struct page_tree tree = { 0 };
	struct page *const *slots;
	size_t n;

	(void)state;
	assert_null(page_tree_slots(&tree, 0, &n));
	assert_int_equal(n, 0);
	for (uint64_t i = 60; i < 200; i++) {
		if (i != 150)
			assert_int_equal(page_tree_insert(&tree, i, &pages[i]), 0);
	}
	for (uint64_t i = 0; i < 300; i++) {
		slots = page_tree_slots(&tree, i, &n);
		assert_int_equal(n, i < 256 ? 64 - i % 64 : 0);
		for (size_t k = 0; k < n; k++)
			assert_ptr_equal(slots[k], page_tree_find(&tree, i + k));
	}
	assert_null(page_tree_slots(&tree, UINT64_MAX, &n));
	assert_int_equal(n, 0);
	for (uint64_t i = 60; i < 200; i++)
		page_tree_remove(&tree, i);
	assert_int_equal(nodes, 0);
}

/* Whatever fails for want of a node leaves the tree as it was. */
static void survives_running_out_of_nodes(void **state)
{
	struct page_tree tree = { 0 };

	(void)state;
	assert_int_equal(page_tree_insert(&tree, 5, &pages[5]), 0);
	for (long budget = 0; budget < 20; budget++) {
		nodes_left = budget;
		if (page_tree_insert(&tree, 1ull << 40, &pages[1]) == 0)
			break;
		assert_int_equal(nodes, 1);
		assert_int_equal(tree.height, 1);
		assert_ptr_equal(page_tree_find(&tree, 5), &pages[5]);
	}
	assert_ptr_equal(page_tree_find(&tree, 1ull << 40), &pages[1]);
	nodes_left = -1;
	assert_ptr_equal(page_tree_remove(&tree, 1ull << 40), &pages[1]);
	assert_int_equal(tree.height, 1);
	assert_ptr_equal(page_tree_remove(&tree, 5), &pages[5]);
	assert_int_equal(nodes, 0);
}

static void random_use_agrees_with_a_model(void **state)
{
	static bool in[4096];
	struct page_tree tree = { 0 };
	uint64_t count = 0;

	(void)state;
	srandom(2);
	for (int step = 0; step < 60000; step++) {
		size_t i = (size_t)random() % 4096;
		uint64_t index = i * 977;

		assert_ptr_equal(page_tree_find(&tree, index), in[i] ? &pages[i] : NULL);
		if (in[i])
			assert_ptr_equal(page_tree_remove(&tree, index), &pages[i]);
		else
			assert_int_equal(page_tree_insert(&tree, index, &pages[i]), 0);
		in[i] = !in[i];
		count += in[i] ? 1 : -1ull;
		assert_int_equal(tree.count, count);
	}
	for (size_t i = 0; i < 4096; i++) {
		if (in[i])
			assert_ptr_equal(page_tree_remove(&tree, i * 977), &pages[i]);
	}
	assert_int_equal(nodes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_pages_at_far_indexes),
		cmocka_unit_test(refuses_indexes_that_no_offset_reaches),
		cmocka_unit_test(visits_in_order),
		cmocka_unit_test(shows_slots_together),
		cmocka_unit_test(survives_running_out_of_nodes),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};

	page_tree_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/area_tree.c kernel/lib/rbtree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/mm/area_tree.h"

#define P PAGE_SIZE

static struct rb_tree tree;
static struct vm_area areas[512];
static size_t used;

static struct vm_area *add(uint64_t start, uint64_t end, uint32_t flags)
{
	struct vm_area *a = &areas[used++];

	*a = (struct vm_area){ .start = start * P, .end = end * P, .flags = flags };
	area_insert(&tree, a);
	return a;
}

static int reset(void **state)
{
	(void)state;
	tree = (struct rb_tree){ NULL };
	used = 0;
	return 0;
}

static void finds_the_area_above_an_address(void **state)
{
	struct vm_area *low = add(10, 20, 0), *high = add(30, 40, 0);

	(void)state;
	assert_ptr_equal(area_above(&tree, 0), low);
	assert_ptr_equal(area_above(&tree, 10 * P), low);
	assert_ptr_equal(area_above(&tree, 20 * P - 1), low);
	assert_ptr_equal(area_above(&tree, 20 * P), high);
	assert_null(area_above(&tree, 40 * P));
	assert_ptr_equal(area_next(low), high);
	assert_ptr_equal(area_prev(high), low);
	assert_ptr_equal(area_last(&tree), high);
}

static void tells_free_from_covered(void **state)
{
	(void)state;
	add(10, 20, 0);
	add(20, 25, VM_READ);
	add(30, 40, 0);
	assert_true(area_range_free(&tree, 0, 10 * P));
	assert_true(area_range_free(&tree, 25 * P, 30 * P));
	assert_false(area_range_free(&tree, 0, 10 * P + 1));
	assert_true(area_range_covered(&tree, 12 * P, 25 * P));
	assert_false(area_range_covered(&tree, 12 * P, 31 * P));
	assert_false(area_range_covered(&tree, 9 * P, 11 * P));
	assert_false(area_range_covered(&tree, 39 * P, 41 * P));
}

static void places_at_the_top_of_the_highest_gap(void **state)
{
	(void)state;
	assert_int_equal(area_find_gap(&tree, 5 * P, P, 100 * P), 95 * P);
	add(90, 100, 0);
	add(80, 88, 0);
	assert_int_equal(area_find_gap(&tree, 2 * P, P, 100 * P), 88 * P);
	assert_int_equal(area_find_gap(&tree, 3 * P, P, 100 * P), 77 * P);
	assert_int_equal(area_find_gap(&tree, 79 * P, P, 100 * P), P);
	assert_int_equal(area_find_gap(&tree, 80 * P, P, 100 * P), 0);
	/* An area that reaches across the top. */
	assert_int_equal(area_find_gap(&tree, P, P, 95 * P), 89 * P);
	assert_int_equal(area_find_gap(&tree, P, P, 84 * P), 79 * P);
}

static void keeps_its_distance_below_stacks(void **state)
{
	uint64_t gap = STACK_GUARD_GAP / P;

	(void)state;
	add(1000, 1010, VM_STACK);
	assert_int_equal(area_find_gap(&tree, P, P, 1005 * P), (1000 - gap - 1) * P);
	assert_int_equal(area_find_gap(&tree, P, P, 1000 * P), (1000 - gap - 1) * P);
	assert_int_equal(area_find_gap(&tree, P, P, 990 * P), (1000 - gap - 1) * P);
	assert_int_equal(area_find_gap(&tree, P, P, 500 * P), 499 * P);
}

static void merges_only_what_is_alike(void **state)
{
	struct vm_object *object = (struct vm_object *)&areas[500];
	struct vm_area a = { .start = 1 * P, .end = 2 * P, .flags = VM_READ, .max_prot = 7 };
	struct vm_area b = { .start = 2 * P, .end = 4 * P, .flags = VM_READ, .max_prot = 7 }, c;

	(void)state;
	assert_true(area_can_merge(&a, &b));
	assert_false(area_can_merge(&b, &a));
	c = b;
	c.flags |= VM_WRITE;
	assert_false(area_can_merge(&a, &c));
	c = b;
	c.max_prot = VM_READ;
	assert_false(area_can_merge(&a, &c));
	a.object = b.object = object;
	assert_false(area_can_merge(&a, &b));
	b.offset = a.offset + P;
	assert_true(area_can_merge(&a, &b));
	a.flags = b.flags = VM_READ | VM_STACK;
	assert_false(area_can_merge(&a, &b));
}

static bool model_free(const bool *taken, uint64_t start, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		if (taken[start + i])
			return false;
	}
	return true;
}

static void random_placing_agrees_with_a_model(void **state)
{
	static bool taken[4096];

	(void)state;
	srandom(3);
	memset(taken, 0, sizeof(taken));
	while (used < 400) {
		uint64_t len = 1 + (uint64_t)random() % 9, top = 1000 + (uint64_t)random() % 3000, want = 0,
			 got;

		for (uint64_t at = top - len; at >= 1 && want == 0; at--)
			want = model_free(taken, at, len) ? at : 0;
		got = area_find_gap(&tree, len * P, P, top * P) / P;
		assert_int_equal(got, want);
		if (got == 0)
			continue;
		assert_true(area_range_free(&tree, got * P, (got + len) * P));
		add(got, got + len, 0);
		memset(taken + got, 1, len);
		assert_true(area_range_covered(&tree, got * P, (got + len) * P));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_the_area_above_an_address, reset),
		cmocka_unit_test_setup(tells_free_from_covered, reset),
		cmocka_unit_test_setup(places_at_the_top_of_the_highest_gap, reset),
		cmocka_unit_test_setup(keeps_its_distance_below_stacks, reset),
		cmocka_unit_test_setup(merges_only_what_is_alike, reset),
		cmocka_unit_test_setup(random_placing_agrees_with_a_model, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

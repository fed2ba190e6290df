/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/landlock/rules.c */
/* Landlock's rules: tables stay sorted, layers agree or nothing is allowed, and moves gain nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <serix/errno.h>

#include "fs/landlock/rules.h"

#define FS(right) LANDLOCK_ACCESS_FS_##right
#define RULES     64

static struct landlock_rule storage[LANDLOCK_LAYERS_MAX + 1][RULES * LANDLOCK_LAYERS_MAX];

/* Files 1 and 2 are in directory 10, which is in 100; 3 is in 11, which is in 100, too. */
static const struct landlock_key file1 = { 7, 1 }, file3 = { 7, 3 }, dir10 = { 7, 10 }, dir11 = { 7, 11 },
				 top = { 7, 100 }, elsewhere = { 8, 10 };

static void add(struct landlock_table *t, const struct landlock_key *key, uint16_t rights)
{
	struct landlock_rule rule = { *key, 0, rights };
	uint32_t at;
	struct landlock_rule *old = landlock_table_find(t, key, 0, &at);

	if (old)
		old->rights |= rights;
	else
		landlock_table_insert(t, at, &rule);
}

static struct landlock_table ruleset(unsigned slot, uint16_t handled)
{
	return (struct landlock_table){ .layers = 1, .handled = { handled }, .rules = storage[slot] };
}

static struct landlock_table merge(unsigned slot, const struct landlock_table *outer,
				   const struct landlock_table *inner)
{
	struct landlock_table t = { .rules = storage[slot] };

	landlock_table_merge(outer, inner, &t);
	return t;
}

static int check(const struct landlock_table *domain, uint16_t wanted, const struct landlock_key *const *way)
{
	struct landlock_check c;

	if (landlock_check_begin(&c, domain, wanted))
		return 0;
	for (; *way; way++)
		if (landlock_check_step(&c, *way))
			return 0;
	return landlock_check_error(&c);
}

static const struct landlock_key *const way1[] = { &file1, &dir10, &top, NULL };
static const struct landlock_key *const way3[] = { &file3, &dir11, &top, NULL };

static void a_table_is_sorted_and_has_one_rule_for_a_file(void **state)
{
	struct landlock_table t = ruleset(0, 0x3fff);
	uint32_t at;

	(void)state;
	add(&t, &top, 1);
	add(&t, &file1, 2);
	add(&t, &elsewhere, 4);
	add(&t, &dir10, 8);
	add(&t, &file1, 16);
	assert_int_equal(t.count, 4);
	for (uint32_t i = 1; i < t.count; i++)
		assert_true(t.rules[i - 1].key.fs < t.rules[i].key.fs ||
			    t.rules[i - 1].key.file < t.rules[i].key.file);
	assert_int_equal(landlock_table_find(&t, &file1, 0, &at)->rights, 18);
	assert_null(landlock_table_find(&t, &file3, 0, &at));
	assert_int_equal(at, 1);
}

static void what_is_not_handled_is_allowed(void **state)
{
	struct landlock_table t = ruleset(0, FS(READ_FILE)), d = merge(1, NULL, &t);

	(void)state;
	assert_int_equal(check(&d, FS(WRITE_FILE), way1), 0);
	assert_int_equal(check(&d, FS(READ_FILE), way1), -EACCES);
	assert_int_equal(check(&d, FS(READ_FILE) | FS(WRITE_FILE), way1), -EACCES);
}

static void a_rule_anywhere_on_the_way_grants(void **state)
{
	const struct landlock_key *const places[] = { &file1, &dir10, &top };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct landlock_table t = ruleset(0, FS(READ_FILE)), d;

		add(&t, places[i], FS(READ_FILE));
		d = merge(1, NULL, &t);
		assert_int_equal(check(&d, FS(READ_FILE), way1), 0);
		assert_int_equal(check(&d, FS(READ_FILE), way3), i == 2 ? 0 : -EACCES);
	}
}

static void rights_add_up_along_the_way(void **state)
{
	struct landlock_table t = ruleset(0, FS(READ_FILE) | FS(WRITE_FILE)), d;

	(void)state;
	add(&t, &file1, FS(READ_FILE));
	add(&t, &top, FS(WRITE_FILE));
	d = merge(1, NULL, &t);
	assert_int_equal(check(&d, FS(READ_FILE) | FS(WRITE_FILE), way1), 0);
	assert_int_equal(check(&d, FS(READ_FILE) | FS(WRITE_FILE), way3), -EACCES);
}

static void every_layer_has_to_grant(void **state)
{
	struct landlock_table outer = ruleset(0, FS(READ_FILE)), inner = ruleset(1, FS(READ_FILE)), one, two;

	(void)state;
	add(&outer, &dir10, FS(READ_FILE));
	add(&inner, &dir11, FS(READ_FILE));
	one = merge(2, NULL, &outer);
	two = merge(3, &one, &inner);
	assert_int_equal(two.layers, 2);
	assert_int_equal(check(&one, FS(READ_FILE), way1), 0);
	assert_int_equal(check(&two, FS(READ_FILE), way1), -EACCES);
	assert_int_equal(check(&two, FS(READ_FILE), way3), -EACCES);
}

static void sixteen_layers_are_told_apart(void **state)
{
	struct landlock_table t = { 0 }, d = { 0 };

	(void)state;
	for (unsigned layer = 0; layer < LANDLOCK_LAYERS_MAX; layer++) {
		struct landlock_table old = d;

		t = ruleset(LANDLOCK_LAYERS_MAX, FS(READ_FILE));
		add(&t, layer % 2 ? &file1 : &top, FS(READ_FILE));
		add(&t, &dir11, layer == 9 ? FS(EXECUTE) : FS(READ_FILE));
		d = merge(layer, layer ? &old : NULL, &t);
	}
	assert_int_equal(d.layers, LANDLOCK_LAYERS_MAX);
	assert_int_equal(d.count, 2 * LANDLOCK_LAYERS_MAX);
	assert_int_equal(check(&d, FS(READ_FILE), way1), 0);
	assert_int_equal(check(&d, FS(READ_FILE), way3), -EACCES); /* for the tenth's sake */
}

/* Of file1 from dir10 to dir11, both below `top`, which is the mount's root. */
static int move(const struct landlock_table *d, uint16_t from, uint16_t to, bool directory)
{
	struct landlock_check c;
	bool all0, all1;

	landlock_check_begin_move(&c, d, from, to);
	all0 = landlock_check_parent(&c, 0, &dir10) || landlock_check_parent(&c, 0, &top);
	all1 = landlock_check_parent(&c, 1, &dir11) || landlock_check_parent(&c, 1, &top);
	if (all0 && all1)
		return 0;
	landlock_check_child(&c, 0, &file1, directory);
	return landlock_check_step(&c, &top) ? 0 : landlock_check_error(&c);
}

static void without_refer_nothing_changes_its_directory(void **state)
{
	struct landlock_table t = ruleset(0, FS(EXECUTE)), d = merge(1, NULL, &t);

	(void)state;
	assert_int_equal(move(&d, FS(REMOVE_FILE), FS(MAKE_REG), false), -EXDEV);
	t = ruleset(0, FS(MAKE_REG));
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, FS(REMOVE_FILE), FS(MAKE_REG), false), -EACCES);
}

static void refer_is_needed_on_both_sides(void **state)
{
	struct landlock_table t = ruleset(0, FS(REFER)), d;

	(void)state;
	add(&t, &dir10, FS(REFER));
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), -EXDEV);
	add(&t, &dir11, FS(REFER));
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), 0);
}

static void a_move_gains_nothing(void **state)
{
	struct landlock_table t = ruleset(0, FS(REFER) | FS(READ_FILE) | FS(READ_DIR)), d;

	(void)state;
	add(&t, &top, FS(REFER));
	add(&t, &dir11, FS(READ_FILE));
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), -EXDEV);
	add(&t, &file1, FS(READ_FILE)); /* it had that */
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), 0);
	add(&t, &dir11, FS(READ_DIR)); /* means nothing to a file */
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), 0);
	assert_int_equal(move(&d, 0, 0, true), -EXDEV);
}

static void an_exchange_gains_nothing_either_way(void **state)
{
	struct landlock_table t = ruleset(0, FS(REFER) | FS(READ_FILE)), d;
	struct landlock_check c;

	(void)state;
	add(&t, &top, FS(REFER));
	add(&t, &dir10, FS(READ_FILE));
	d = merge(1, NULL, &t);
	assert_int_equal(move(&d, 0, 0, false), 0);
	landlock_check_begin_move(&c, &d, 0, 0);
	(void)landlock_check_parent(&c, 0, &dir10);
	(void)landlock_check_parent(&c, 0, &top);
	(void)landlock_check_parent(&c, 1, &dir11);
	(void)landlock_check_parent(&c, 1, &top);
	landlock_check_child(&c, 0, &file1, false);
	landlock_check_child(&c, 1, &file3, false);
	assert_false(landlock_check_step(&c, &top));
	assert_int_equal(landlock_check_error(&c), -EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_sorted_and_has_one_rule_for_a_file),
		cmocka_unit_test(what_is_not_handled_is_allowed),
		cmocka_unit_test(a_rule_anywhere_on_the_way_grants),
		cmocka_unit_test(rights_add_up_along_the_way),
		cmocka_unit_test(every_layer_has_to_grant),
		cmocka_unit_test(sixteen_layers_are_told_apart),
		cmocka_unit_test(without_refer_nothing_changes_its_directory),
		cmocka_unit_test(refer_is_needed_on_both_sides),
		cmocka_unit_test(a_move_gains_nothing),
		cmocka_unit_test(an_exchange_gains_nothing_either_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

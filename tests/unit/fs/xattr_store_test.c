/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/xattr_store.c kernel/lib/rbtree.c */
/* The attributes of one file: what is set is there, and every byte of memory is counted once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/xattr.h>
#include <serix/errno.h>

#include "fs/xattr_store.h"

static struct xattr_store store;
static int64_t charged;
static bool no_memory;

void *kmalloc(size_t size)
{
	return no_memory ? NULL : malloc(size);
}

static int start(void **state)
{
	(void)state;
	store = (struct xattr_store){ 0 };
	charged = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(xattr_store_clear(&store), charged);
	assert_null(store.by_name.root);
	assert_int_equal(store.names, 0);
	return 0;
}

/* As a file system does it. */
static int set(const char *name, const void *value, size_t size, unsigned flags)
{
	int64_t growth;
	int err = xattr_store_plan(&store, name, size, flags, &growth);

	if (err == 0)
		err = xattr_store_put(&store, name, value, size);
	if (err == 0)
		charged += growth;
	return err;
}

static void drop(const char *name)
{
	int64_t bytes = xattr_store_remove(&store, name);

	assert_true(bytes > 0);
	charged -= bytes;
}

static void expect(const char *name, const char *value)
{
	char buf[64];

	assert_int_equal(xattr_store_get(&store, name, buf, sizeof(buf)), strlen(value));
	assert_memory_equal(buf, value, strlen(value));
}

static void values_are_kept_and_replaced(void **state)
{
	char buf[4];

	(void)state;
	assert_int_equal(set("user.a", "one", 3, 0), 0);
	assert_int_equal(set("user.b", "", 0, 0), 0);
	expect("user.a", "one");
	expect("user.b", "");
	assert_int_equal(set("user.a", "longer", 6, 0), 0);
	expect("user.a", "longer");
	assert_int_equal(xattr_store_get(&store, "user.a", NULL, 0), 6);
	assert_int_equal(xattr_store_get(&store, "user.a", buf, 4), -ERANGE);
	assert_int_equal(xattr_store_get(&store, "user.", buf, 4), -ENODATA);
	drop("user.a");
	assert_int_equal(xattr_store_get(&store, "user.a", buf, 4), -ENODATA);
	assert_int_equal(xattr_store_remove(&store, "user.a"), -ENODATA);
	expect("user.b", "");
}

static void flags_say_whether_it_may_be_there(void **state)
{
	(void)state;
	assert_int_equal(set("user.a", "1", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(set("user.a", "1", 1, XATTR_CREATE), 0);
	assert_int_equal(set("user.a", "2", 1, XATTR_CREATE), -EEXIST);
	expect("user.a", "1");
	assert_int_equal(set("user.a", "2", 1, XATTR_REPLACE), 0);
	expect("user.a", "2");
}

static void names_come_in_order(void **state)
{
	static const char *const names[] = { "security.z", "trusted.a", "user.a", "user.aa", "user.b" };
	static const int order[] = { 3, 0, 4, 2, 1 };
	const struct xattr *x = NULL;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(set(names[order[i]], "v", 1, 0), 0);
	assert_int_equal(store.names, 11 + 10 + 7 + 8 + 7);
	for (size_t i = 0; i < 5; i++) {
		x = xattr_store_next(&store, x);
		assert_non_null(x);
		assert_string_equal(xattr_name(x), names[i]);
	}
	assert_null(xattr_store_next(&store, x));
}

static void a_list_stays_readable(void **state)
{
	char name[256];
	int err = 0, i;

	(void)state;
	for (i = 0; err == 0; i++) {
		snprintf(name, sizeof(name), "user.%0250d", i);
		err = set(name, "v", 1, 0);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(store.names, XATTR_LIST_MAX);
	assert_int_equal(set("user.a", "v", 1, 0), -ENOSPC);
	snprintf(name, sizeof(name), "user.%0250d", 7);
	assert_int_equal(set(name, "another", 7, 0), 0);
}

/* What it says that it takes is no less than what it asks the allocator for. */
static void memory_is_counted_in_full(void **state)
{
	static char value[XATTR_SIZE_MAX];
	int64_t growth;

	(void)state;
	for (size_t size = 0; size <= XATTR_SIZE_MAX; size = size * 3 / 2 + 1) {
		assert_int_equal(xattr_store_plan(&store, "user.a", size, 0, &growth), 0);
		assert_true(charged + growth >= (int64_t)(size + sizeof("user.a") + sizeof(struct rb_node)));
		assert_int_equal(set("user.a", value, size, 0), 0);
		assert_true(charged <= 2 * (int64_t)(size + 64));
	}
	drop("user.a");
	assert_int_equal(charged, 0);
}

static void without_memory_nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(set("user.a", "1", 1, 0), 0);
	no_memory = true;
	assert_int_equal(set("user.a", "2", 1, 0), -ENOMEM);
	assert_int_equal(set("user.b", "2", 1, 0), -ENOMEM);
	no_memory = false;
	expect("user.a", "1");
	assert_int_equal(store.names, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_kept_and_replaced, start, end),
		cmocka_unit_test_setup_teardown(flags_say_whether_it_may_be_there, start, end),
		cmocka_unit_test_setup_teardown(names_come_in_order, start, end),
		cmocka_unit_test_setup_teardown(a_list_stays_readable, start, end),
		cmocka_unit_test_setup_teardown(memory_is_counted_in_full, start, end),
		cmocka_unit_test_setup_teardown(without_memory_nothing_changes, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

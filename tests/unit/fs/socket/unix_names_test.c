/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/socket/unix_names.c */
/* The table of names: what is found, and what is told apart. */
#include <fs/socket/unix_names.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct unix_names names;

static int start(void **state)
{
	(void)state;
	unix_names_init(&names, 12345);
	return 0;
}

static struct unix_key abstract(const char *bytes, uint32_t length, uint16_t type)
{
	return (struct unix_key){ .type = type, .length = length, .bytes = (const uint8_t *)bytes };
}

static void abstract_names_are_bytes_and_type(void **state)
{
	struct unix_entry a = { .key = abstract("\0abc", 4, 1) }, b = { .key = abstract("\0abc", 4, 2) };
	struct unix_key longer = abstract("\0abc\0", 5, 1), other = abstract("\0abd", 4, 1);
	struct unix_key third = abstract("\0abc", 4, 5);

	(void)state;
	unix_names_add(&names, &a);
	assert_null(unix_names_find(&names, &b.key));
	unix_names_add(&names, &b);
	assert_ptr_equal(unix_names_find(&names, &a.key), &a);
	assert_ptr_equal(unix_names_find(&names, &b.key), &b);
	assert_null(unix_names_find(&names, &longer));
	assert_null(unix_names_find(&names, &other));
	assert_null(unix_names_find(&names, &third));
	unix_names_remove(&a);
	assert_null(unix_names_find(&names, &a.key));
	assert_ptr_equal(unix_names_find(&names, &b.key), &b);
	unix_names_remove(&a); /* once is enough, twice does no harm */
}

static void paths_are_vnodes_whatever_the_type(void **state)
{
	static char place[2];
	const struct vnode *v = (const void *)&place[0], *w = (const void *)&place[1];
	struct unix_entry a = { .key = { .vnode = v, .type = 1 } };
	struct unix_key key = { .vnode = v, .type = 2 }, other = { .vnode = w, .type = 1 };

	(void)state;
	unix_names_add(&names, &a);
	assert_ptr_equal(unix_names_find(&names, &key), &a);
	assert_null(unix_names_find(&names, &other));
}

static void many_names(void **state)
{
	static struct unix_entry entries[5000];
	static char bytes[5000][8];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(bytes[i], sizeof(bytes[i]), "n%u", i);
		entries[i].key = abstract(bytes[i], (uint32_t)strlen(bytes[i]), 1);
		assert_null(unix_names_find(&names, &entries[i].key));
		unix_names_add(&names, &entries[i]);
	}
	for (unsigned i = 0; i < 5000; i += 2)
		unix_names_remove(&entries[i]);
	for (unsigned i = 0; i < 5000; i++)
		assert_ptr_equal(unix_names_find(&names, &entries[i].key), i % 2 ? &entries[i] : NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(abstract_names_are_bytes_and_type, start),
		cmocka_unit_test_setup(paths_are_vnodes_whatever_the_type, start),
		cmocka_unit_test_setup(many_names, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

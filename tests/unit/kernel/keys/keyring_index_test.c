/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/keys/keyring_index.c kernel/lib/rbtree.c kernel/lib/string.c */
/* What a keyring holds, beside a plain array of the same names: adding, finding and removing at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/keys/keyring_index.h"

#define COUNT 300
#define STEPS 20000

struct item {
	struct keyring_entry entry;
	struct key_name name;
	char text[24];
	bool in;
};
static struct item items[COUNT];

static void name_items(void)
{
	for (unsigned i = 0; i < COUNT; i++) {
		struct item *item = &items[i];

		/* The same texts for several types, and texts that begin alike. */
		snprintf(item->text, sizeof(item->text), "%.*s%u", (int)(i % 7), "aaaaaaa", i / 3);
		item->name = (struct key_name){ i % 3, strlen(item->text), item->text };
		item->entry.name = &item->name;
		item->in = false;
	}
}

static void matches_the_array(const struct keyring_index *index)
{
	struct keyring_entry *entry = keyring_index_first(index), *before = NULL;
	unsigned in = 0, seen = 0;

	for (unsigned i = 0; i < COUNT; i++)
		in += items[i].in;
	for (; entry; before = entry, entry = keyring_index_next(entry)) {
		if (before) {
			assert_true(key_name_compare(before->name, entry->name) < 0);
			assert_true(before->name->type <= entry->name->type); /* keyrings come first */
		}
		seen++;
	}
	assert_int_equal(seen, in);
	assert_int_equal(index->count, in);
}

static void at_random(void **state)
{
	struct keyring_index index = { 0 };

	(void)state;
	name_items();
	srand(4711);
	for (unsigned step = 0; step < STEPS; step++) {
		struct item *item = &items[(unsigned)rand() % COUNT];

		assert_ptr_equal(keyring_index_find(&index, &item->name), item->in ? &item->entry : NULL);
		if (item->in)
			keyring_index_remove(&index, &item->entry);
		else
			keyring_index_add(&index, &item->entry);
		item->in = !item->in;
		if (step % 500 == 0)
			matches_the_array(&index);
	}
	matches_the_array(&index);
}

static void empty_ones(void **state)
{
	struct keyring_index index = { 0 };
	struct key_name nothing = { 0, 0, "" };

	(void)state;
	assert_null(keyring_index_first(&index));
	assert_null(keyring_index_find(&index, &nothing));
	assert_int_equal(key_name_compare(&nothing, &nothing), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_random),
		cmocka_unit_test(empty_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/token_table.c kernel/lib/siphash.c */
/* The table of tokens: nothing is lost or found by mistake while it grows and shrinks, and each step is a
 * small one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/cap/token_table.h"

#define TOKENS 40000u

static struct token_table table;
static struct token tokens[TOKENS];
static unsigned segments;

static struct token **new_segment(void)
{
	segments++;
	return calloc(TOKEN_SEGMENT, sizeof(struct token *));
}

static void begin(void)
{
	static const uint64_t key[2] = { 1, 2 };

	segments = 0;
	memset(tokens, 0, sizeof(tokens));
	token_table_init(&table, key, new_segment());
}

static void end(void)
{
	assert_int_equal(segments, 1);
	free(table.segments[0]);
}

static void insert(unsigned i)
{
	/* Ids that a poor hash would put into one bucket. */
	tokens[i].id = (struct cap_id){ .lo = (uint64_t)i << 40, .hi = 7 };
	if (token_table_wants_segment(&table))
		token_table_give_segment(&table, new_segment());
	token_table_insert(&table, &tokens[i]);
}

static void remove_one(unsigned i)
{
	struct token **segment;

	assert_ptr_equal(token_table_remove(&table, &tokens[i].id, &segment), &tokens[i]);
	if (segment) {
		segments--;
		free(segment);
	}
	assert_null(token_table_find(&table, &tokens[i].id));
}

static uint32_t longest_bucket(void)
{
	uint32_t longest = 0;

	for (uint32_t b = 0; b < table.buckets; b++) {
		uint32_t n = 0;

		for (struct token *t = table.segments[b / TOKEN_SEGMENT][b % TOKEN_SEGMENT]; t; t = t->next)
			n++;
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void it_grows_and_shrinks_and_loses_nothing(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < TOKENS; i++) {
		uint32_t before = table.buckets;

		insert(i);
		assert_true(table.buckets - before <= 1);
	}
	assert_true(table.buckets >= TOKENS - 1);
	assert_true(longest_bucket() < 16);
	for (unsigned i = 0; i < TOKENS; i++)
		assert_ptr_equal(token_table_find(&table, &tokens[i].id), &tokens[i]);
	for (unsigned i = 0; i < TOKENS; i++) {
		uint32_t before = table.buckets;

		remove_one(i);
		assert_true(before - table.buckets <= 1);
	}
	for (unsigned i = 0; i < TOKENS; i++) /* it shrinks by use alone */
		assert_null(token_table_find(&table, &tokens[i].id));
	assert_int_equal(table.count, 0);
	for (unsigned i = 0; table.buckets > TOKEN_SEGMENT; i++) {
		insert(i % TOKENS);
		remove_one(i % TOKENS);
	}
	end();
}

static void what_nearly_matches_is_not_found(void **state)
{
	struct token **segment;

	(void)state;
	begin();
	insert(5);
	for (int bit = 0; bit < 128; bit++) {
		struct cap_id id = tokens[5].id;

		if (bit < 64)
			id.lo ^= 1ull << bit;
		else
			id.hi ^= 1ull << (bit - 64);
		assert_null(token_table_find(&table, &id));
		assert_null(token_table_remove(&table, &id, &segment));
		assert_null(segment);
	}
	assert_ptr_equal(token_table_find(&table, &tokens[5].id), &tokens[5]);
	remove_one(5);
	end();
}

/* Without memory it stays as small as it is, and still finds everything. */
static void it_does_without_memory(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 4 * TOKEN_SEGMENT; i++) {
		tokens[i].id = (struct cap_id){ .lo = i, .hi = i };
		token_table_insert(&table, &tokens[i]);
	}
	assert_int_equal(table.buckets, TOKEN_SEGMENT);
	for (unsigned i = 0; i < 4 * TOKEN_SEGMENT; i++)
		assert_ptr_equal(token_table_find(&table, &tokens[i].id), &tokens[i]);
	for (unsigned i = 0; i < 4 * TOKEN_SEGMENT; i++)
		remove_one(i);
	end();
}

static void random_use_agrees_with_an_array(void **state)
{
	static bool there[4000];

	(void)state;
	begin();
	srand(1);
	for (unsigned step = 0; step < 400000; step++) {
		/* Waves, so that it goes through all sizes. */
		unsigned i = (unsigned)rand() % ARRAY_SIZE(there);
		bool wanted = (unsigned)rand() % 100 < (step / 40000 % 2 ? 20u : 80u);
		struct token *found = token_table_find(&table, &(struct cap_id){ (uint64_t)i << 40, 7 });

		assert_ptr_equal(found, there[i] ? &tokens[i] : NULL);
		if (wanted && !there[i])
			insert(i);
		else if (!wanted && there[i])
			remove_one(i);
		there[i] = wanted;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(there); i++) {
		if (there[i])
			remove_one(i);
	}
	while (table.buckets > TOKEN_SEGMENT) {
		insert(0);
		remove_one(0);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_shrinks_and_loses_nothing),
		cmocka_unit_test(what_nearly_matches_is_not_found),
		cmocka_unit_test(it_does_without_memory),
		cmocka_unit_test(random_use_agrees_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

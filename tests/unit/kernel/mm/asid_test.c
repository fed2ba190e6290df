/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/asid.c */
/* A CPU never runs a space on translations of another one or from before one of its flushes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "kernel/mm/asid.h"

static void the_first_load_drops(void **state)
{
	struct asid_set set;

	(void)state;
	asid_set_init(&set, 100);
	assert_int_equal(set.count, ASID_SLOTS);
	assert_true(asid_set_load(&set, 7, 1));
	assert_false(asid_set_load(&set, 7, 1));
}

static void a_flush_while_away_is_noticed(void **state)
{
	struct asid_set set;

	(void)state;
	asid_set_init(&set, 100);
	assert_true(asid_set_load(&set, 1, 1));
	assert_true(asid_set_load(&set, 2, 1));
	assert_false(asid_set_load(&set, 1, 1));
	assert_false(asid_set_load(&set, 2, 1));
	assert_true(asid_set_load(&set, 1, 2));
	assert_false(asid_set_load(&set, 1, 2));
}

static void as_many_spaces_as_slots_stay(void **state)
{
	struct asid_set set;

	(void)state;
	asid_set_init(&set, ASID_SLOTS);
	for (uint64_t round = 0; round < 5; round++) {
		for (uint64_t space = 1; space <= ASID_SLOTS; space++)
			assert_int_equal(asid_set_load(&set, space, 1), round == 0);
	}
	assert_true(asid_set_load(&set, 100, 1));
}

static void the_running_space_keeps_its_slot(void **state)
{
	struct asid_set set;

	(void)state;
	asid_set_init(&set, ASID_SLOTS);
	for (uint64_t other = 2; other < 100; other++) {
		asid_set_load(&set, 1, 1);
		unsigned slot = set.current;

		asid_set_load(&set, other, 1);
		assert_int_not_equal(set.current, slot);
	}
}

static void without_identifiers_one_slot_counts_generations(void **state)
{
	struct asid_set set;

	(void)state;
	asid_set_init(&set, 0);
	assert_int_equal(set.count, 1);
	assert_true(asid_set_load(&set, 1, 1));
	assert_true(asid_set_load(&set, 2, 1));
	assert_true(asid_set_load(&set, 1, 1));
	assert_int_equal(set.current, 0);
}

/* What the processor would hold under each identifier, beside the set. */
static void random_loads_match_a_model(void **state)
{
	struct {
		uint64_t space, gen;
	} held[ASID_SLOTS] = { { 0, 0 } };
	uint64_t gens[20];
	struct asid_set set;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		gens[i] = 1;
	asid_set_init(&set, ASID_SLOTS);
	srand(1);
	for (unsigned step = 0; step < 200000; step++) {
		uint64_t space = (uint64_t)rand() % 20;

		if (rand() % 3 == 0)
			gens[space]++;
		bool drop = asid_set_load(&set, space + 1, gens[space]);

		assert_in_range(set.current, 0, ASID_SLOTS - 1);
		if (drop) {
			held[set.current].space = space;
			held[set.current].gen = gens[space];
		}
		assert_int_equal(held[set.current].space, space);
		assert_int_equal(held[set.current].gen, gens[space]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_load_drops),
		cmocka_unit_test(a_flush_while_away_is_noticed),
		cmocka_unit_test(as_many_spaces_as_slots_stay),
		cmocka_unit_test(the_running_space_keeps_its_slot),
		cmocka_unit_test(without_identifiers_one_slot_counts_generations),
		cmocka_unit_test(random_loads_match_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

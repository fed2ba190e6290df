/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/id.c kernel/lib/siphash.c */
/* Names of capabilities: an id is drawn once, whoever asks, and a tag says which one but not its id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/random.h>

#include "kernel/cap/cap_priv.h"

static uint64_t draws;
static void (*meanwhile)(void);
static uint64_t next_draw;

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(i * 37 + 5);
}

uint64_t random_u64(void)
{
	void (*fn)(void) = meanwhile;

	meanwhile = NULL;
	if (fn)
		fn();
	draws++;
	return next_draw++;
}

static struct capability cap;

static void reset(void)
{
	cap = (struct capability){ 0 };
	draws = 0;
	next_draw = 1000;
}

static void an_id_is_drawn_once(void **state)
{
	struct cap_id first, again;

	(void)state;
	reset();
	first = cap_id(&cap);
	again = cap_id(&cap);
	assert_int_equal(draws, 2);
	assert_true(first.lo == again.lo && first.hi == again.hi);
	assert_int_not_equal(first.lo, first.hi);
}

static void zero_is_never_drawn(void **state)
{
	struct cap_id id;

	(void)state;
	reset();
	next_draw = 0;
	id = cap_id(&cap);
	assert_true(id.lo != 0 && id.hi != 0);
	assert_int_equal(cap_id(&cap).hi, id.hi);
}

static struct cap_id by_the_other;

static void other_asks(void)
{
	by_the_other = cap_id(&cap);
}

/* Somebody else, or an interrupt, asks in the middle of it. */
static void two_who_ask_at_once_get_the_same(void **state)
{
	struct cap_id id;

	(void)state;
	reset();
	meanwhile = other_asks;
	id = cap_id(&cap);
	assert_true(id.lo == by_the_other.lo && id.hi == by_the_other.hi);
	assert_int_equal(cap_id(&cap).lo, id.lo);
}

static void tags_differ_and_stay(void **state)
{
	uint64_t seen[500];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		uint64_t from = 5000 + i;

		reset();
		next_draw = from;
		seen[i] = cap_tag(&cap);
		assert_int_equal(seen[i], cap_tag(&cap));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_drawn_once),
		cmocka_unit_test(zero_is_never_drawn),
		cmocka_unit_test(two_who_ask_at_once_get_the_same),
		cmocka_unit_test(tags_differ_and_stay),
	};

	cap_id_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

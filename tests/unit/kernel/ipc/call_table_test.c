/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/ipc/call_table.c */
/* Cookies name the call that they were made for and nothing else, however often slots are used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/ipc/call_table.h"

#define CALLS 100u
#define STEPS 200000

struct fake {
	uint64_t cookie; /* 0: not in the table */
	uint64_t stale;  /* one it had before */
};

static void grow(struct call_table *t)
{
	uint32_t size = call_table_next_size(t);

	assert_true(size > t->size);
	free(call_table_grow(t, malloc(size * sizeof(struct call_slot)), size));
}

static void enter(struct call_table *t, struct fake *f)
{
	f->cookie = call_table_add(t, f);
	if (!f->cookie) {
		assert_true(call_table_is_full(t));
		grow(t);
		f->cookie = call_table_add(t, f);
	}
	assert_int_not_equal(f->cookie, 0);
	assert_int_not_equal(f->cookie, f->stale);
}

static void leave(struct call_table *t, struct fake *f)
{
	call_table_remove(t, f->cookie);
	f->stale = f->cookie;
	f->cookie = 0;
}

static void check(const struct call_table *t, struct fake *f)
{
	if (f->cookie)
		assert_ptr_equal(call_table_find(t, f->cookie), f);
	if (f->stale)
		assert_null(call_table_find(t, f->stale));
}

/* Each call that is in the table comes once. */
static void walk(const struct call_table *t, struct fake *fakes)
{
	bool seen[CALLS] = { false };
	uint32_t at = 0, count = 0, entered = 0;
	struct fake *f;

	while ((f = call_table_next(t, &at))) {
		assert_false(seen[f - fakes]);
		seen[f - fakes] = true;
		assert_int_not_equal(f->cookie, 0);
		count++;
	}
	for (unsigned i = 0; i < CALLS; i++)
		entered += fakes[i].cookie != 0;
	assert_int_equal(count, entered);
}

static void names_the_call_it_was_made_for(void **state)
{
	static struct fake fakes[CALLS];
	struct call_table t;

	(void)state;
	srand(1);
	call_table_init(&t);
	for (int i = 0; i < STEPS; i++) {
		struct fake *f = &fakes[(uint32_t)rand() % CALLS], *other = &fakes[(uint32_t)rand() % CALLS];

		if (f->cookie)
			leave(&t, f);
		else
			enter(&t, f);
		check(&t, f);
		check(&t, other);
		if (i % 1000 == 0)
			walk(&t, fakes);
	}
	if (t.slots != t.first)
		free(t.slots);
}

static void refuses_made_up_cookies(void **state)
{
	struct call_table t;
	struct fake f = { 0 };
	uint64_t cookie;

	(void)state;
	call_table_init(&t);
	assert_null(call_table_find(&t, 0));
	cookie = call_table_add(&t, &f);
	assert_null(call_table_find(&t, 0));
	assert_null(call_table_find(&t, cookie + 1));
	assert_null(call_table_find(&t, cookie + (1ull << CALL_SLOT_BITS)));
	assert_null(call_table_find(&t, cookie | ((1ull << CALL_SLOT_BITS) - 1)));
	assert_null(call_table_find(&t, UINT64_MAX));
	for (int i = 0; i < 100000; i++) {
		uint64_t guess = ((uint64_t)rand() << 40) ^ ((uint64_t)rand() << 20) ^ (uint64_t)rand();

		assert_true(guess == cookie || !call_table_find(&t, guess));
	}
	assert_ptr_equal(call_table_find(&t, cookie), &f);
}

/* Growing while some slots are free: two callers may have found the table full, and one left meanwhile. */
static void grows_with_free_slots(void **state)
{
	struct call_table t;
	struct fake f[CALLS_EMBEDDED * 4] = { { 0 } };

	(void)state;
	call_table_init(&t);
	for (uint32_t i = 0; i < CALLS_EMBEDDED; i++)
		enter(&t, &f[i]);
	leave(&t, &f[3]);
	leave(&t, &f[5]);
	grow(&t);
	grow(&t);
	for (uint32_t i = 0; i < CALLS_EMBEDDED * 4; i++)
		if (!f[i].cookie)
			enter(&t, &f[i]);
	assert_true(call_table_is_full(&t));
	for (uint32_t i = 0; i < CALLS_EMBEDDED * 4; i++)
		check(&t, &f[i]);
	/* One that comes too late with its slots gets them back. */
	{
		struct call_slot late[CALLS_EMBEDDED];

		assert_ptr_equal(call_table_grow(&t, late, CALLS_EMBEDDED), late);
	}
	free(t.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_call_it_was_made_for),
		cmocka_unit_test(refuses_made_up_cookies),
		cmocka_unit_test(grows_with_free_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/guess.c */
/* Guessing tokens: it gets slow, however one goes about it, and a limit is a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/cap/guess.h"

#define SECOND 1000000000ull

/* Guess as fast as one may; the time it took. */
static uint64_t guess(struct cap_guesses *g, uint64_t now, unsigned times)
{
	while (times) {
		uint64_t until = cap_guess_turn(g, now);

		if (until) {
			assert_true(until > now);
			now = until;
			continue;
		}
		cap_guess_wrong(g, now);
		times--;
	}
	return now;
}

static void a_few_are_free(void **state)
{
	struct cap_guesses g = { 0 };

	(void)state;
	assert_int_equal(guess(&g, 5, GUESS_FREE), 5);
	assert_int_equal(cap_guess_turn(&g, 5), 5 + GUESS_DELAY_NS);
}

static void delays_double_up_to_a_second(void **state)
{
	struct cap_guesses g = { 0 };
	uint64_t now = guess(&g, SECOND, GUESS_FREE), delay = GUESS_DELAY_NS;

	(void)state;
	for (int i = 0; i < 10; i++) {
		uint64_t before = now;

		now = guess(&g, now, 1);
		assert_int_equal(now - before, delay);
		delay = delay * 2 < GUESS_DELAY_MAX_NS ? delay * 2 : GUESS_DELAY_MAX_NS;
	}
	/* An hour is good for less than four thousand of them. */
	assert_true(guess(&g, now, 4000) - now > 3600 * SECOND);
}

/* A look-up that is right takes a turn, too, so that a good token now and then does not make guessing
 * faster. */
static void being_right_in_between_does_not_help(void **state)
{
	struct cap_guesses g = { 0 };
	uint64_t now = guess(&g, SECOND, GUESS_FREE + 20);

	(void)state;
	now = cap_guess_turn(&g, now);
	assert_int_equal(cap_guess_turn(&g, now), 0);
	assert_int_equal(cap_guess_turn(&g, now), now + GUESS_DELAY_MAX_NS);
}

static void time_forgives_but_does_not_forget(void **state)
{
	struct cap_guesses g = { .limit = 100 };
	uint64_t now = guess(&g, 1000 * SECOND, GUESS_FREE + 5);

	(void)state;
	now += (GUESS_FREE + 6) * GUESS_FORGIVE_NS;
	assert_int_equal(guess(&g, now, GUESS_FREE), now);
	assert_true(cap_guess_turn(&g, now) > now);
	assert_int_equal(g.wrong, 2 * GUESS_FREE + 5);
}

static void the_time_before_the_first_guess_is_no_credit(void **state)
{
	struct cap_guesses g = { 0 };

	(void)state;
	guess(&g, 1000000 * SECOND, GUESS_FREE);
	assert_true(cap_guess_turn(&g, 1000000 * SECOND) > 0);
	assert_int_equal(g.recent, GUESS_FREE);
}

static void a_limit_is_only_ever_lowered(void **state)
{
	struct cap_guesses g = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(cap_guess_wrong(&g, 0));
	g = (struct cap_guesses){ 0 };
	cap_guess_limit(&g, 3);
	cap_guess_limit(&g, 5);
	cap_guess_limit(&g, 0);
	assert_false(cap_guess_wrong(&g, 0));
	assert_false(cap_guess_wrong(&g, 0));
	assert_true(cap_guess_wrong(&g, 0));
	assert_true(cap_guess_wrong(&g, 0));
	cap_guess_limit(&g, 2);
	assert_int_equal(g.limit, 2);
}

static void numbers_do_not_run_over(void **state)
{
	struct cap_guesses g = { .wrong = UINT32_MAX, .recent = UINT32_MAX, .limit = 1 };

	(void)state;
	assert_true(cap_guess_wrong(&g, UINT64_MAX / 2));
	assert_int_equal(g.wrong, UINT32_MAX);
	assert_int_equal(g.next_ns, UINT64_MAX / 2 + GUESS_DELAY_MAX_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_are_free),
		cmocka_unit_test(delays_double_up_to_a_second),
		cmocka_unit_test(being_right_in_between_does_not_help),
		cmocka_unit_test(time_forgives_but_does_not_forget),
		cmocka_unit_test(the_time_before_the_first_guess_is_no_credit),
		cmocka_unit_test(a_limit_is_only_ever_lowered),
		cmocka_unit_test(numbers_do_not_run_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

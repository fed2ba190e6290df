/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/sched/iso_server.c */
/* The constant-bandwidth server: what a task may use never exceeds its bandwidth, whatever it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/sched/iso_server.h"

#define MS 1000000ull

static struct sched_policy params(uint64_t runtime, uint64_t deadline, uint64_t period)
{
	return (struct sched_policy){ .runtime_ns = runtime, .deadline_ns = deadline, .period_ns = period };
}

static void parameters_are_checked(void **state)
{
	struct sched_policy p = params(10 * MS, 20 * MS, 30 * MS);

	(void)state;
	assert_true(iso_params_valid(&p));
	p = params(30 * MS, 20 * MS, 30 * MS);
	assert_false(iso_params_valid(&p));
	p = params(10 * MS, 40 * MS, 30 * MS);
	assert_false(iso_params_valid(&p));
	p = params(0, 0, 0);
	assert_false(iso_params_valid(&p));
	p = params(1000, 20 * MS, 30 * MS);
	assert_false(iso_params_valid(&p));
	p = params(10 * MS, 20 * MS, UINT64_MAX);
	assert_false(iso_params_valid(&p));
}

static void admission_stops_at_95_percent(void **state)
{
	uint64_t tenth = iso_bandwidth(10 * MS, 100 * MS), total = 0;
	unsigned n = 0;

	(void)state;
	while (iso_admissible(total, tenth, 4)) {
		total += tenth;
		n++;
	}
	assert_int_equal(n, 37); /* of 38: each is rounded up */
	assert_true(iso_admissible(0, iso_bandwidth(95 * MS, 101 * MS), 1));
	assert_false(iso_admissible(0, iso_bandwidth(96 * MS, 100 * MS), 1));
}

static void a_short_sleep_keeps_deadline_and_budget(void **state)
{
	struct sched_policy p = params(40 * MS, 100 * MS, 100 * MS);
	struct sched_iso e = { 0 };

	(void)state;
	iso_start(&e, &p, 1000 * MS);
	e.budget_ns -= 30 * (int64_t)MS;
	iso_wake(&e, &p, 1040 * MS); /* 10 in 60 is less than 40 in 100 */
	assert_int_equal(e.deadline_ns, 1100 * MS);
	assert_int_equal(e.budget_ns, 10 * MS);
}

static void a_wakeup_that_would_exceed_the_bandwidth_starts_anew(void **state)
{
	struct sched_policy p = params(40 * MS, 100 * MS, 100 * MS);
	struct sched_iso e = { 0 };

	(void)state;
	iso_start(&e, &p, 1000 * MS);
	e.budget_ns -= 10 * (int64_t)MS;
	iso_wake(&e, &p, 1050 * MS); /* 30 in 50 is more than 40 in 100 */
	assert_int_equal(e.deadline_ns, 1150 * MS);
	assert_int_equal(e.budget_ns, 40 * MS);
}

static void sleeping_does_not_refill_what_was_used_up(void **state)
{
	struct sched_policy p = params(40 * MS, 100 * MS, 100 * MS);
	struct sched_iso e = { 0 };

	(void)state;
	iso_start(&e, &p, 1000 * MS);
	e.budget_ns = 0;
	iso_wake(&e, &p, 1050 * MS);
	assert_int_equal(e.budget_ns, 0);
	assert_int_equal(iso_next_period(&e, &p), 1100 * MS);
	iso_wake(&e, &p, 1100 * MS);
	assert_int_equal(e.deadline_ns, 1200 * MS);
	assert_int_equal(e.budget_ns, 40 * MS);
}

static void overruns_are_paid_back(void **state)
{
	struct sched_policy p = params(40 * MS, 100 * MS, 100 * MS);
	struct sched_iso e = { 0 };

	(void)state;
	iso_start(&e, &p, 1000 * MS);
	e.budget_ns = -5 * (int64_t)MS;
	iso_replenish(&e, &p, 1100 * MS);
	assert_int_equal(e.deadline_ns, 1200 * MS);
	assert_int_equal(e.budget_ns, 35 * MS);
	e.budget_ns = -50 * (int64_t)MS;
	iso_replenish(&e, &p, 1200 * MS);
	assert_int_equal(e.deadline_ns, 1400 * MS);
	assert_int_equal(e.budget_ns, 30 * MS);
}

/* A task that runs, sleeps and wakes up at random never gets more than its bandwidth by more than one budget.
 */
static void no_behaviour_exceeds_the_bandwidth(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 50; seed++) {
		struct sched_policy p = params((1 + seed % 9) * MS, 10 * MS, (10 + seed % 7) * MS);
		struct sched_iso e = { 0 };
		uint64_t now = 1000 * MS, used = 0;

		srand(seed);
		iso_start(&e, &p, now);
		for (unsigned i = 0; i < 20000; i++) {
			uint64_t ns = (uint64_t)rand() % (3 * MS);

			if (e.budget_ns <= 0) {
				uint64_t at = iso_next_period(&e, &p);

				now = at > now ? at : now;
				iso_replenish(&e, &p, now);
			} else if (rand() % 3 == 0) {
				now += ns;
				iso_wake(&e, &p, now);
			} else {
				/* The budget's timer ends it. */
				ns = ns > (uint64_t)e.budget_ns ? (uint64_t)e.budget_ns : ns;
				now += ns;
				used += ns;
				e.budget_ns -= (int64_t)ns;
			}
		}
		/* A deadline shorter than the period lets it have runtime / deadline for a while. */
		assert_true((double)used <=
			    (double)(now - 1000 * MS) * (double)p.runtime_ns / (double)p.deadline_ns +
				    2 * (double)p.runtime_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(admission_stops_at_95_percent),
		cmocka_unit_test(a_short_sleep_keeps_deadline_and_budget),
		cmocka_unit_test(a_wakeup_that_would_exceed_the_bandwidth_starts_anew),
		cmocka_unit_test(sleeping_does_not_refill_what_was_used_up),
		cmocka_unit_test(overruns_are_paid_back),
		cmocka_unit_test(no_behaviour_exceeds_the_bandwidth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

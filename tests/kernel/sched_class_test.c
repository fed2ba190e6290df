/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the scheduling classes, on one CPU: all workers are bound to CPU 0. */
#include <kernel/ktest.h>

#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "sched_worker.h"

#define MS  NSEC_PER_MSEC
#define CPU 0

static struct worker workers[4];

static void start(unsigned n, const struct sched_policy policies[])
{
	control_begin(CPU);
	for (unsigned i = 0; i < n; i++)
		worker_create(&workers[i], work_spin, &policies[i], CPU);
	for (unsigned i = 0; i < n; i++)
		worker_go(&workers[i]);
}

static void finish(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		worker_join(&workers[i]);
	control_end();
}

/* Let the workers run so long; how much CPU time each got, and all together. */
static uint64_t measure(unsigned n, uint64_t ns, uint64_t ran[])
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++)
		worker_mark(&workers[i]);
	control_sleep(ns);
	for (unsigned i = 0; i < n; i++)
		total += ran[i] = worker_ran_ns(&workers[i]);
	return total;
}

/* Per mille of `total`. */
static uint64_t part(uint64_t ns, uint64_t total)
{
	return ns * 1000 / total;
}

static bool within(uint64_t got, uint64_t low, uint64_t high)
{
	if (got >= low && got <= high)
		return true;
	pr_err("%llu is not between %llu and %llu", (unsigned long long)got, (unsigned long long)low,
	       (unsigned long long)high);
	return false;
}

/* Weights 1024, 2000 (nice -3) and 524 (nice 3) of 3548. */
static void shares_follow_nice_within_three_percent(void)
{
	struct sched_policy policies[] = { policy_fair(0), policy_fair(-3), policy_fair(3) };
	static const uint64_t weights[] = { 1024, 2000, 524 };
	uint64_t ran[3], total;

	start(3, policies);
	total = measure(3, 4000 * MS, ran);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t due = total * weights[i] / 3548;

		KTEST_EXPECT(within(ran[i], due - due * 3 / 100, due + due * 3 / 100));
	}
	finish(3);
}

static void a_change_of_nice_counts_at_once(void)
{
	struct sched_policy policies[] = { policy_fair(0), policy_fair(0) };
	uint64_t ran[2], total;

	start(2, policies);
	control_sleep(100 * MS);
	sched_set_nice(workers[0].task, 5); /* 336 to 1024 */
	total = measure(2, 2000 * MS, ran);
	KTEST_EXPECT(within(part(ran[0], total), 227, 267));
	finish(2);
}

static void nobody_starves(void)
{
	struct sched_policy policies[] = { policy_fair(19), policy_fair(0), policy_fair(0) };
	uint64_t ran[3];

	start(3, policies);
	(void)measure(3, 2000 * MS, ran);
	KTEST_EXPECT(ran[0] > 0);
	finish(3);
}

/* Who slept has no claim on the time of those who ran meanwhile. */
static void sleeping_earns_nothing(void)
{
	struct sched_policy fair = policy_fair(0);
	uint64_t ran[2], total;

	control_begin(CPU);
	worker_create(&workers[0], work_spin, &fair, CPU);
	worker_create(&workers[1], work_spin, &fair, CPU);
	worker_go(&workers[0]);
	control_sleep(600 * MS);
	worker_go(&workers[1]);
	total = measure(2, 600 * MS, ran);
	KTEST_EXPECT(within(part(ran[1], total), 440, 560));
	finish(2);
}

static void batch_gets_what_is_left_and_a_little(void)
{
	struct sched_policy policies[] = { policy_fair(0), policy_batch(SCHED_BATCH, 0) };
	uint64_t ran[2], total;

	start(2, policies);
	total = measure(2, 3000 * MS, ran);
	KTEST_EXPECT(within(part(ran[1], total), 15, 60)); /* a 32nd is 31 */
	worker_join(&workers[0]);
	worker_mark(&workers[1]);
	control_sleep(200 * MS);
	KTEST_EXPECT(worker_ran_ns(&workers[1]) > 100 * MS);
	finish(2);
}

static void idle_policy_weighs_less_than_batch(void)
{
	struct sched_policy policies[] = { policy_batch(SCHED_BATCH, 0), policy_batch(SCHED_IDLE, 0) };
	uint64_t ran[2];

	start(2, policies);
	(void)measure(2, 1000 * MS, ran);
	KTEST_EXPECT(ran[0] > 20 * ran[1]);
	finish(2);
}

static struct waitqueue doorbell = WAITQUEUE_INIT(doorbell);

/* Makes an odd count even. */
static void work_answer(struct worker *w)
{
	while (!atomic_load(&w->stop)) {
		wait_event(&doorbell, atomic_load(&w->count) % 2 == 1 || atomic_load(&w->stop));
		if (!atomic_load(&w->stop))
			atomic_fetch_add(&w->count, 1);
	}
}

/* The one who wakes it is FAIR and on the same CPU: when the wake-up returns, the answer must be there. */
static void realtime_preempts_fair_at_once(void)
{
	struct sched_policy realtime = policy_realtime(SCHED_FIFO, 1);
	struct cpumask here = cpumask_of(CPU);
	struct worker *w = &workers[0];

	KTEST_EXPECT(sched_set_affinity(current_task(), &here) == 0);
	worker_create(w, work_answer, &realtime, CPU);
	worker_go(w);
	for (uint64_t i = 0; i < 100; i++) {
		atomic_fetch_add(&w->count, 1);
		wake_up_all(&doorbell);
		KTEST_EXPECT(atomic_load(&w->count) == 2 * i + 2);
	}
	atomic_store(&w->stop, true);
	wake_up_all(&doorbell);
	worker_join(w);
	KTEST_EXPECT(sched_set_affinity(current_task(), &CPUMASK_ALL) == 0);
}

static void fifo_runs_until_it_sleeps(void)
{
	struct sched_policy policies[] = { policy_realtime(SCHED_FIFO, 10), policy_realtime(SCHED_FIFO, 10) };
	uint64_t ran[2];

	start(2, policies);
	(void)measure(2, 500 * MS, ran);
	KTEST_EXPECT(ran[0] > 100 * MS);
	KTEST_EXPECT(ran[1] == 0);
	finish(2);
}

static void round_robin_takes_turns(void)
{
	struct sched_policy policies[] = { policy_realtime(SCHED_RR, 10), policy_realtime(SCHED_RR, 10),
					   policy_realtime(SCHED_RR, 9) };
	uint64_t ran[3], total;

	start(3, policies);
	total = measure(3, 900 * MS, ran);
	KTEST_EXPECT(within(part(ran[0], total), 350, 650));
	KTEST_EXPECT(within(part(ran[1], total), 350, 650));
	KTEST_EXPECT(ran[2] == 0);
	KTEST_EXPECT(sched_slice_ns(workers[0].task) == 100 * MS);
	finish(3);
}

/* 950 ms of each second: FAIR gets the rest. */
static void realtime_is_throttled(void)
{
	struct sched_policy policies[] = { policy_realtime(SCHED_FIFO, 50), policy_fair(0) };
	uint64_t ran[2], total;

	start(2, policies);
	total = measure(2, 4000 * MS, ran);
	KTEST_EXPECT(within(part(ran[1], total), 25, 100));
	finish(2);
}

/* A FAIR task that is lent the urgency of one above the spinning REALTIME task runs; then no more. */
static void lent_urgency_overtakes(void)
{
	struct sched_policy policies[] = { policy_realtime(SCHED_FIFO, 50), policy_fair(0) };
	struct sched_policy donor = policy_realtime(SCHED_FIFO, 60);
	uint64_t ran[2];

	start(2, policies);
	worker_create(&workers[2], work_spin, &donor, CPU); /* which waits */
	sched_lend(workers[1].task, workers[2].task);
	(void)measure(2, 200 * MS, ran);
	KTEST_EXPECT(ran[0] == 0 && ran[1] > 100 * MS);
	KTEST_EXPECT(strcmp(worker_stats(&workers[1]).class_name, "REALTIME") == 0);
	sched_lend(workers[1].task, NULL);
	(void)measure(2, 200 * MS, ran);
	KTEST_EXPECT(ran[0] > 100 * MS && ran[1] < 100 * MS);
	KTEST_EXPECT(strcmp(worker_stats(&workers[1]).class_name, "FAIR") == 0);
	finish(3);
}

static void policies_that_do_not_fit_are_refused(void)
{
	static const struct sched_policy wrong[] = {
		{ .policy = SCHED_OTHER, .rt_priority = 1 },
		{ .policy = SCHED_OTHER, .nice = 20 },
		{ .policy = SCHED_FIFO, .rt_priority = 0 },
		{ .policy = SCHED_FIFO, .rt_priority = 100 },
		{ .policy = 4 },
		{ .policy = SCHED_DEADLINE },
		{ .policy = SCHED_DEADLINE, .runtime_ns = 2 * MS, .deadline_ns = MS, .period_ns = 4 * MS },
		{ .policy = SCHED_DEADLINE, .runtime_ns = MS, .deadline_ns = 4 * MS, .period_ns = 2 * MS },
		{ .policy = SCHED_DEADLINE, .runtime_ns = 100, .deadline_ns = MS, .period_ns = MS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		KTEST_EXPECT(sched_set_policy(current_task(), &wrong[i]) == -EINVAL);
}

/* A budget of 20 ms in every 100 holds even for one that never stops; the others get the rest. */
static void iso_stays_within_its_bandwidth(void)
{
	struct sched_policy iso = policy_iso(20 * MS, 100 * MS), fair = policy_fair(0);
	uint64_t ran[2], total;

	control_begin(CPU);
	worker_create(&workers[0], work_spin, &iso, ON_ANY_CPU);
	worker_create(&workers[1], work_spin, &fair, CPU);
	worker_go(&workers[0]);
	worker_go(&workers[1]);
	total = measure(2, 3000 * MS, ran);
	KTEST_EXPECT(within(ran[0], 450 * MS, 750 * MS)); /* 20% of 3 s is 600 ms */
	KTEST_EXPECT(total > 1000 * MS);
	finish(2);
}

static const struct ktest_case cases[] = {
	{ "shares follow nice within 3%", shares_follow_nice_within_three_percent },
	{ "a change of nice counts at once", a_change_of_nice_counts_at_once },
	{ "nobody starves", nobody_starves },
	{ "sleeping earns nothing", sleeping_earns_nothing },
	{ "BATCH gets what is left, and a little", batch_gets_what_is_left_and_a_little },
	{ "SCHED_IDLE weighs less than SCHED_BATCH", idle_policy_weighs_less_than_batch },
	{ "REALTIME preempts FAIR at once", realtime_preempts_fair_at_once },
	{ "FIFO runs until it sleeps", fifo_runs_until_it_sleeps },
	{ "RR takes turns", round_robin_takes_turns },
	{ "REALTIME is throttled", realtime_is_throttled },
	{ "lent urgency overtakes", lent_urgency_overtakes },
	{ "policies that do not fit are refused", policies_that_do_not_fit_are_refused },
	{ "ISO stays within its bandwidth", iso_stays_within_its_bandwidth },
};

KTEST_SUITE("sched_class", cases);

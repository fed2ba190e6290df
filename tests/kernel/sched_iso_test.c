/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO on all CPUs: admission, and deadlines beside a full load.
 *
 * A host that does not run one of the guest's CPUs for a while makes deadlines be missed that the scheduler
 * would keep.  With `ktest.strict` on the command line time counts instructions (tools/run --icount): then
 * nothing but the scheduler decides, and the test is as hard as the promise.  Without it there is room for
 * such pauses, and more than one attempt.
 */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "sched_worker.h"

#define MS               NSEC_PER_MSEC
#define WORKERS_MAX      24
#define SPINNERS_PER_CPU 20

static struct worker workers[WORKERS_MAX];
static struct worker spinners[SPINNERS_PER_CPU * 8];

static unsigned limited(unsigned n)
{
	return MIN(n, (unsigned)WORKERS_MAX);
}

static void join(struct worker *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		worker_join(&w[i]);
}

static void over_admission_is_refused(void)
{
	struct sched_policy half = policy_iso(50 * MS, 100 * MS), fair = policy_fair(0);
	/* 95% of all CPUs, by halves. */
	unsigned fitting = limited(cpu_count * 95 / 50), n = limited(fitting + 1);
	struct cpumask one = cpumask_of(0);

	for (unsigned i = 0; i < n; i++)
		worker_create(&workers[i], work_spin, &fair, ON_ANY_CPU);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < fitting; i++)
			KTEST_EXPECT(sched_set_policy(workers[i].task, &half) == 0);
		if (n > fitting)
			KTEST_EXPECT(sched_set_policy(workers[fitting].task, &half) == -EBUSY);
		/* What was admitted can be changed, and what is given back can be had again. */
		KTEST_EXPECT(sched_set_policy(workers[0].task, &half) == 0);
		for (unsigned i = 0; i < fitting; i++)
			KTEST_EXPECT(sched_set_policy(workers[i].task, &fair) == 0);
	}
	if (cpu_count > 1) {
		KTEST_EXPECT(sched_set_policy(workers[0].task, &half) == 0);
		KTEST_EXPECT(sched_set_affinity(workers[0].task, &one) == -EBUSY);
		KTEST_EXPECT(sched_set_policy(workers[0].task, &fair) == 0);
		KTEST_EXPECT(sched_set_affinity(workers[0].task, &one) == 0);
		KTEST_EXPECT(sched_set_policy(workers[0].task, &half) == -EPERM);
	}
	join(workers, n);
}

/* --- deadlines: two servers of 45% for each CPU, and 20 FAIR tasks that never stop -------------------- */

/* Times of a server, and the CPU time of the job that it has to do in each period. */
struct plan {
	uint64_t period_ns, runtime_ns, job_ns;
	unsigned jobs, attempts;
};

/* The two jobs of a CPU take 88% of it. */
static const struct plan strict = { 100 * MS, 45 * MS, 44 * MS, 5, 1 };
static const struct plan lenient = { 2000 * MS, 900 * MS, 700 * MS, 2, 4 };

static const struct plan *plan;
static _Atomic unsigned late_jobs, missed_deadlines;
static uint64_t iso_start_ns;

/* Where time counts instructions, CPUs run in turns, and a turn ends when some timer is due; meanwhile
 * time passes on the others, too, and is charged to what runs there.  A timer on each CPU keeps the turns
 * far shorter than what a server's budget has over its job. */
#define TURN_NS (25 * NSEC_PER_USEC)

static struct timer turns[MAX_CPUS];

static void end_turn(struct timer *timer)
{
	timer_arm(timer, time_now_ns() + TURN_NS);
}

static void begin_turns(void *unused)
{
	(void)unused;
	end_turn(&turns[arch_this_cpu()->id]);
}

static void work_jobs(struct worker *w)
{
	struct sched_task_stats s;

	for (unsigned job = 0; job < plan->jobs && !atomic_load(&w->stop); job++) {
		uint64_t release = iso_start_ns + job * plan->period_ns, end;

		sleep_until(release, false);
		sched_get_task_stats(current_task(), &s);
		end = s.run_ns + plan->job_ns;
		while (s.run_ns < end && !atomic_load(&w->stop))
			sched_get_task_stats(current_task(), &s);
		if (time_now_ns() > release + plan->period_ns)
			atomic_fetch_add(&late_jobs, 1);
	}
	/* As the scheduler saw it. */
	atomic_fetch_add(&missed_deadlines, (unsigned)s.iso_misses);
}

static bool all_done(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!atomic_load(&workers[i].done))
			return false;
	}
	return true;
}

/* How many jobs were late or deadlines missed. */
static unsigned run_jobs(void)
{
	struct sched_policy iso = policy_iso(plan->runtime_ns, plan->period_ns);
	unsigned n = limited(2 * cpu_count);

	atomic_store(&late_jobs, 0);
	atomic_store(&missed_deadlines, 0);
	for (unsigned i = 0; i < n; i++)
		worker_create(&workers[i], work_jobs, &iso, ON_ANY_CPU);
	iso_start_ns = time_now_ns() + 2 * plan->period_ns;
	for (unsigned i = 0; i < n; i++)
		worker_go(&workers[i]);
	for (unsigned i = 0; i < 10 * plan->jobs && !all_done(n); i++)
		control_sleep(plan->period_ns);
	KTEST_EXPECT(all_done(n));
	join(workers, n);
	pr_info("# %u of %u jobs late, %u deadlines missed", atomic_load(&late_jobs), n * plan->jobs,
		atomic_load(&missed_deadlines));
	return atomic_load(&late_jobs) + atomic_load(&missed_deadlines);
}

static void iso_misses_no_deadline_at_90_percent(void)
{
	struct sched_policy fair = policy_fair(0);
	unsigned n = MIN(SPINNERS_PER_CPU * cpu_count, (unsigned)ARRAY_SIZE(spinners)), late = 1;
	uint64_t spun = 0;

	plan = cmdline_has("ktest.strict") ? &strict : &lenient;
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		timer_init(&turns[cpu], end_turn);
	if (plan == &strict)
		smp_call(&CPUMASK_ALL, begin_turns, NULL);
	control_begin(ON_ANY_CPU);
	for (unsigned i = 0; i < n; i++) {
		worker_create(&spinners[i], work_spin, &fair, i % cpu_count);
		worker_go(&spinners[i]);
	}
	for (unsigned attempt = 0; attempt < plan->attempts && late; attempt++) {
		control_sleep(plan->period_ns);
		late = run_jobs();
	}
	KTEST_EXPECT(late == 0);
	for (unsigned i = 0; i < n; i++)
		spun += worker_run_ns(&spinners[i]);
	KTEST_EXPECT(spun > 0);
	join(spinners, n);
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		timer_cancel(&turns[cpu]);
	control_end();
}

static const struct ktest_case cases[] = {
	{ "over-admission is refused", over_admission_is_refused },
	{ "ISO misses no deadline at 90% admitted beside 20 FAIR tasks on each CPU",
	  iso_misses_no_deadline_at_90_percent },
};

KTEST_SUITE("sched_iso", cases);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling on all CPUs: placement, stealing, affinity.  True on one CPU as well. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "sched_worker.h"

#define MS          NSEC_PER_MSEC
#define WORKERS_MAX 24

static struct worker workers[WORKERS_MAX];

static unsigned cpus_used(unsigned n)
{
	struct cpumask used = { { 0 } };

	for (unsigned i = 0; i < n; i++)
		cpumask_set(&used, worker_stats(&workers[i]).cpu);
	return cpumask_count(&used);
}

static void create(unsigned n, const struct sched_policy *policy, uint32_t cpu)
{
	for (unsigned i = 0; i < n; i++)
		worker_create(&workers[i], work_spin, policy, cpu);
}

static void go(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		worker_go(&workers[i]);
}

/* The last first: they may be the most urgent. */
static void join(unsigned n)
{
	while (n-- > 0)
		worker_join(&workers[n]);
}

/* Look again until it is so, or a time has passed that no working scheduler needs. */
#define EVENTUALLY(condition)                                        \
	({                                                           \
		uint64_t until_ = time_now_ns() + 10 * NSEC_PER_SEC; \
		while (!(condition) && time_now_ns() < until_)       \
			control_sleep(10 * MS);                      \
		(condition);                                         \
	})

static unsigned limited(unsigned n)
{
	return MIN(n, (unsigned)WORKERS_MAX);
}

static void new_tasks_spread_over_idle_cpus(void)
{
	struct sched_policy fair = policy_fair(0);
	unsigned n = limited(cpu_count);

	control_begin(0);
	create(n, &fair, ON_ANY_CPU);
	go(n);
	KTEST_EXPECT(EVENTUALLY(cpus_used(n) == n));
	join(n);
	control_end();
}

/* All wait on one CPU; then their masks are opened, which moves nobody. */
static void idle_cpus_steal(void)
{
	struct sched_policy fair = policy_fair(0);
	unsigned n = limited(2 * cpu_count);

	control_begin(0);
	create(n, &fair, 0);
	go(n);
	control_sleep(50 * MS);
	KTEST_EXPECT(cpus_used(n) == 1);
	for (unsigned i = 0; i < n; i++)
		KTEST_EXPECT(sched_set_affinity(workers[i].task, &CPUMASK_ALL) == 0);
	KTEST_EXPECT(EVENTUALLY(cpus_used(n) == MIN(cpu_count, n)));
	join(n);
	control_end();
}

/* n + 1 equal tasks on n CPUs: nobody has a CPU to itself for good. */
static void uneven_loads_take_turns(void)
{
	struct sched_policy fair = policy_fair(0);
	unsigned n = limited(cpu_count + 1);
	uint64_t least = UINT64_MAX, most = 0;

	if (cpu_count == 1)
		return;
	control_begin(0);
	create(n, &fair, ON_ANY_CPU);
	go(n);
	control_sleep(200 * MS);
	for (unsigned i = 0; i < n; i++)
		worker_mark(&workers[i]);
	control_sleep(6000 * MS);
	for (unsigned i = 0; i < n; i++) {
		least = MIN(least, worker_ran_ns(&workers[i]));
		most = MAX(most, worker_ran_ns(&workers[i]));
	}
	/* Without taking turns two would share one CPU: half of what the others have. */
	KTEST_EXPECT(least * 100 > most * 60);
	join(n);
	control_end();
}

static void a_running_task_moves_at_once(void)
{
	struct sched_policy fair = policy_fair(0);

	control_begin(0);
	create(1, &fair, 0);
	go(1);
	for (uint32_t round = 0; round < 3 * cpu_count; round++) {
		uint32_t cpu = round % cpu_count;
		struct cpumask mask = cpumask_of(cpu);

		KTEST_EXPECT(sched_set_affinity(workers[0].task, &mask) == 0);
		KTEST_EXPECT(EVENTUALLY(worker_stats(&workers[0]).cpu == cpu));
		worker_mark(&workers[0]);
		KTEST_EXPECT(EVENTUALLY(worker_ran_ns(&workers[0]) > 0));
		KTEST_EXPECT(worker_stats(&workers[0]).cpu == cpu);
	}
	join(1);
	control_end();
}

static void the_caller_has_moved_when_it_returns(void)
{
	for (uint32_t round = 0; round < 10 * cpu_count; round++) {
		struct cpumask mask = cpumask_of(round % cpu_count), read;

		KTEST_EXPECT(sched_set_affinity(current_task(), &mask) == 0);
		KTEST_EXPECT(READ_ONCE(current_task()->cpu) == round % cpu_count);
		sched_get_affinity(current_task(), &read);
		KTEST_EXPECT(cpumask_test(&read, round % cpu_count) && cpumask_count(&read) == 1);
	}
	KTEST_EXPECT(sched_set_affinity(current_task(), &CPUMASK_ALL) == 0);
}

static void a_mask_without_cpus_is_refused(void)
{
	struct cpumask none = { { 0 } }, beyond = cpumask_of(MAX_CPUS - 1);

	KTEST_EXPECT(sched_set_affinity(current_task(), &none) == -EINVAL);
	if (cpu_count < MAX_CPUS)
		KTEST_EXPECT(sched_set_affinity(current_task(), &beyond) == -EINVAL);
}

/* One CPU runs a REALTIME task for each CPU; all but one have to go elsewhere. */
static void the_highest_priorities_run(void)
{
	struct sched_policy low = policy_realtime(SCHED_FIFO, 10), high = policy_realtime(SCHED_FIFO, 20);
	unsigned n = limited(cpu_count);

	control_begin(0);
	for (unsigned i = 0; i < 2 * n && i < WORKERS_MAX; i++)
		worker_create(&workers[i], work_spin, i < n ? &low : &high, ON_ANY_CPU);
	go(n);
	control_sleep(20 * MS);
	go(2 * n);
	for (unsigned i = 0; i < 2 * n; i++)
		worker_mark(&workers[i]);
	for (unsigned i = n; i < 2 * n; i++)
		KTEST_EXPECT(EVENTUALLY(worker_ran_ns(&workers[i]) > 0));
	join(2 * n);
	control_end();
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

/* The other CPU's FAIR task would run on for its slice of 4 ms.  The quickest of many answers is judged: the
 * host may not be running that CPU at the moment. */
static void realtime_preempts_fair_across_cpus(void)
{
	struct sched_policy fair = policy_fair(0), realtime = policy_realtime(SCHED_FIFO, 20);
	uint32_t cpu = cpu_count - 1;
	uint64_t quickest = UINT64_MAX;

	if (cpu_count == 1)
		return;
	control_begin(0);
	worker_create(&workers[0], work_spin, &fair, cpu);
	worker_create(&workers[1], work_answer, &realtime, cpu);
	go(2);
	for (uint64_t i = 0; i < 50; i++) {
		uint64_t began;

		control_sleep(5 * MS);
		began = time_now_ns();
		atomic_fetch_add(&workers[1].count, 1);
		wake_up_all(&doorbell);
		while (atomic_load(&workers[1].count) != 2 * i + 2 && time_now_ns() < began + 2000 * MS)
			arch_cpu_relax();
		KTEST_EXPECT(atomic_load(&workers[1].count) == 2 * i + 2);
		quickest = MIN(quickest, time_now_ns() - began);
	}
	KTEST_EXPECT(quickest < MS);
	atomic_store(&workers[1].stop, true);
	wake_up_all(&doorbell);
	join(2);
	control_end();
}

/* --- no ticks ---------------------------------------------------------------------------------------- */

static uint64_t timer_interrupts(uint32_t cpu)
{
	return READ_ONCE(cpus[cpu]->interrupts[INTERRUPT_TIMER]);
}

static void idle_and_lonely_cpus_are_left_alone(void)
{
	struct sched_policy fair = policy_fair(0);
	uint32_t cpu = cpu_count - 1;
	uint64_t before;

	if (cpu_count == 1)
		return;
	control_begin(0);
	before = timer_interrupts(cpu);
	control_sleep(1000 * MS);
	KTEST_EXPECT(timer_interrupts(cpu) - before < 10);
	create(1, &fair, cpu);
	go(1);
	control_sleep(500 * MS);
	before = timer_interrupts(cpu);
	control_sleep(1000 * MS);
	KTEST_EXPECT(timer_interrupts(cpu) - before < 25);
	join(1);
	control_end();
}

static const struct ktest_case cases[] = {
	{ "new tasks spread over idle CPUs", new_tasks_spread_over_idle_cpus },
	{ "idle CPUs steal", idle_cpus_steal },
	{ "uneven loads take turns", uneven_loads_take_turns },
	{ "a running task moves at once", a_running_task_moves_at_once },
	{ "the caller has moved when it returns", the_caller_has_moved_when_it_returns },
	{ "a mask without CPUs is refused", a_mask_without_cpus_is_refused },
	{ "the highest priorities run", the_highest_priorities_run },
	{ "REALTIME preempts FAIR across CPUs", realtime_preempts_fair_across_cpus },
	{ "idle and lonely CPUs are left alone", idle_and_lonely_cpus_are_left_alone },
};

KTEST_SUITE("sched_smp", cases);

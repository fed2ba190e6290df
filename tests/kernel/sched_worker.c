/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched_worker.h"

#include <kernel/ktest.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>

static struct waitqueue gate = WAITQUEUE_INIT(gate);

static void worker_main(void *arg)
{
	struct worker *w = arg;

	wait_event(&gate, atomic_load(&w->go));
	w->work(w);
	atomic_store(&w->done, true);
	wake_up_all(&gate);
	/* What happens after this no longer touches *w. */
	wait_event(&gate, atomic_load(&w->leave));
	atomic_store(&w->leave, false);
	wake_up_all(&gate);
}

void worker_create(struct worker *w, void (*work)(struct worker *w), const struct sched_policy *policy,
		   uint32_t cpu)
{
	struct cpumask mask = cpu == ON_ANY_CPU ? CPUMASK_ALL : cpumask_of(cpu);

	*w = (struct worker){ .work = work };
	w->task = kthread_create("worker", worker_main, w);
	KTEST_EXPECT(w->task != NULL);
	if (!w->task)
		return;
	KTEST_EXPECT(sched_set_affinity(w->task, &mask) == 0);
	KTEST_EXPECT(sched_set_policy(w->task, policy) == 0);
}

void worker_go(struct worker *w)
{
	atomic_store(&w->go, true);
	wake_up_all(&gate);
}

void worker_join(struct worker *w)
{
	struct sched_policy urgent = policy_realtime(SCHED_FIFO, RT_PRIORITY_MAX - 1);

	if (!w->task)
		return;
	atomic_store(&w->stop, true);
	/* To leave it needs a CPU, whatever else is running. */
	KTEST_EXPECT(sched_set_policy(w->task, &urgent) == 0);
	worker_go(w);
	wait_event(&gate, atomic_load(&w->done));
	w->task = NULL;
	atomic_store(&w->leave, true);
	wake_up_all(&gate);
	wait_event(&gate, !atomic_load(&w->leave));
}

void work_spin(struct worker *w)
{
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed))
		atomic_fetch_add_explicit(&w->count, 1, memory_order_relaxed);
}

struct sched_task_stats worker_stats(const struct worker *w)
{
	struct sched_task_stats s;

	sched_get_task_stats(w->task, &s);
	return s;
}

uint64_t worker_run_ns(const struct worker *w)
{
	return worker_stats(w).run_ns;
}

void worker_mark(struct worker *w)
{
	w->start_run_ns = worker_run_ns(w);
}

uint64_t worker_ran_ns(const struct worker *w)
{
	return worker_run_ns(w) - w->start_run_ns;
}

void control_begin(uint32_t cpu)
{
	struct cpumask mask = cpu == ON_ANY_CPU ? CPUMASK_ALL : cpumask_of(cpu);
	struct sched_policy first = policy_realtime(SCHED_FIFO, RT_PRIORITY_MAX);

	KTEST_EXPECT(sched_set_affinity(current_task(), &mask) == 0);
	KTEST_EXPECT(sched_set_policy(current_task(), &first) == 0);
}

void control_end(void)
{
	struct sched_policy fair = policy_fair(0);

	KTEST_EXPECT(sched_set_policy(current_task(), &fair) == 0);
	KTEST_EXPECT(sched_set_affinity(current_task(), &CPUMASK_ALL) == 0);
}

void control_sleep(uint64_t ns)
{
	sleep_until(time_now_ns() + ns, false);
}

struct sched_policy policy_fair(int nice)
{
	return (struct sched_policy){ .policy = SCHED_OTHER, .nice = (int8_t)nice };
}

struct sched_policy policy_batch(uint8_t policy, int nice)
{
	return (struct sched_policy){ .policy = policy, .nice = (int8_t)nice };
}

struct sched_policy policy_realtime(uint8_t policy, uint8_t priority)
{
	return (struct sched_policy){ .policy = policy, .rt_priority = priority };
}

struct sched_policy policy_iso(uint64_t runtime_ns, uint64_t period_ns)
{
	return (struct sched_policy){ .policy = SCHED_DEADLINE,
				      .runtime_ns = runtime_ns,
				      .deadline_ns = period_ns,
				      .period_ns = period_ns };
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: one for each CPU, and how to lock the right one.
 *
 * A task belongs to the queue of task->cpu, whether it runs, is queued or sleeps; task->cpu changes only with
 * the locks of both queues held, taken in the order of the CPUs' ids.  A queue's lock is held across a
 * switch: whoever holds it and sees that a task is not `current` knows that its context is saved.
 */
#include "sched_priv.h"

#include <kernel/format.h>
#include <kernel/slab.h>

struct cpumask runqs_active;
struct cpumask runqs_idle;

struct runq *runq_lock_task(struct task *task, uint64_t *flags)
{
	*flags = arch_irq_save();
	for (;;) {
		uint32_t cpu = READ_ONCE(task->cpu);
		struct runq *rq = runq_of_cpu(cpu);

		spin_lock(&rq->lock);
		if (likely(task->cpu == cpu))
			return rq;
		spin_unlock(&rq->lock);
	}
}

static void lock_pair(struct runq *a, struct runq *b)
{
	if (a == b) {
		spin_lock(&a->lock);
	} else if (a->cpu < b->cpu) {
		spin_lock(&a->lock);
		spin_lock(&b->lock);
	} else {
		spin_lock(&b->lock);
		spin_lock(&a->lock);
	}
}

void runq_unlock_both(struct runq *rq, uint32_t cpu)
{
	if (rq->cpu != cpu)
		spin_unlock(&runq_of_cpu(cpu)->lock);
	spin_unlock(&rq->lock);
}

struct runq *runq_lock_task_and(struct task *task, uint32_t cpu)
{
	for (;;) {
		uint32_t from = READ_ONCE(task->cpu);
		struct runq *rq = runq_of_cpu(from);

		lock_pair(rq, runq_of_cpu(cpu));
		if (likely(task->cpu == from))
			return rq;
		runq_unlock_both(rq, cpu);
	}
}

/* The CPU it ran on last if that idles, else any that does. */
uint32_t place_task(const struct task *task)
{
	uint32_t last = READ_ONCE(task->cpu), cpu;

	if (cpu_count == 1 || cpumask_test(&runqs_idle, last))
		return last;
	cpu = cpumask_next(&runqs_idle, 0);
	return cpu == MAX_CPUS ? last : cpu;
}

void runq_init(struct runq *rq, struct cpu *cpu, struct task *idle)
{
	spin_init(&rq->lock, "runq", RANK_RUNQ);
	rq->cpu = cpu->id;
	list_init(&rq->ready);
	timer_init(&rq->tick, sched_tick);
	snprintf(idle->name, sizeof(idle->name), "idle/%u", cpu->id);
	list_init(&idle->run_link);
	idle->cpu = cpu->id;
	idle->on_cpu = 1;
	idle->accounted_ns = time_now_ns();
	rq->idle = rq->current = idle;
	cpu->current = idle;
	cpu->runq = rq;
}

struct task *sched_prepare_cpu(struct cpu *cpu)
{
	struct runq *rq = kzalloc(sizeof(*rq));
	struct task *idle = kzalloc(sizeof(*idle));

	if (!rq || !idle || task_init(idle, "", NULL, NULL, NULL) < 0) {
		kfree(idle);
		kfree(rq);
		return NULL;
	}
	idle->state = TASK_RUNNABLE;
	runq_init(rq, cpu, idle);
	return idle;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: one for each CPU, and how to lock the right one.
 *
 * A task belongs to the queue of task->cpu, whether it runs, is queued or sleeps; task->cpu changes only with
 * the locks of both queues held, taken in the order of the CPUs' ids.  A queue's lock is held across a
 * switch: whoever holds it and sees that a task is not `current` knows that its context is saved.
 */
#include "sched_priv.h"

#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/slab.h>

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

void runq_lock_pair(struct runq *a, struct runq *b)
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

struct runq *runq_lock_task_and(struct task *task, uint32_t cpu)
{
	struct runq *other = runq_of_cpu(cpu);

	for (;;) {
		uint32_t from = READ_ONCE(task->cpu);
		struct runq *rq = runq_of_cpu(from);

		runq_lock_pair(rq, other);
		if (likely(task->cpu == from))
			return rq;
		runq_unlock_pair(rq, other);
	}
}

void runq_add_locked(struct runq *rq, struct task *task, enum enqueue how, uint64_t now)
{
	assert_held(&rq->lock);
	DEBUG_ASSERT(!task->on_runq && !task->iso.suspended && task->cpu == rq->cpu);
	if (unlikely(iso_exhausted(task))) {
		iso_suspend(rq, task);
		return;
	}
	if (how == ENQUEUE_JOIN)
		account_locked(rq, now); /* what it joins is the average as of now */
	if (likely(task->class == &fair_class))
		fair_enqueue(rq, task, how);
	else
		task->class->enqueue(rq, task, how);
	task->on_runq = true;
	task->started = true;
	task->queued_ns = now;
	rq->ready_count++;
}

static void remove_locked(struct runq *rq, struct task *task, bool leaves)
{
	DEBUG_ASSERT(task->on_runq && task->cpu == rq->cpu);
	if (likely(task->class == &fair_class && !leaves))
		fair_queue_remove(&rq->fair, &task->fair);
	else
		task->class->dequeue(rq, task, leaves);
	task->on_runq = false;
	rq->ready_count--;
}

void runq_take_locked(struct runq *rq, struct task *task, uint64_t now)
{
	/* Another CPU's clock may be a little behind. */
	uint64_t waited = now > task->queued_ns ? now - task->queued_ns : 0;

	remove_locked(rq, task, false);
	task->wait_ns += waited;
	task->runs++;
	rq->stats.wait_ns += waited;
	rq->stats.runs++;
}

bool runq_withdraw_locked(struct runq *rq, struct task *task)
{
	assert_held(&rq->lock);
	if (task->iso.suspended) {
		iso_unsuspend(rq, task);
		return true;
	}
	if (!task->on_runq)
		return false;
	remove_locked(rq, task, true);
	return true;
}

void runq_move_locked(struct runq *from, struct runq *to, struct task *task, uint64_t now)
{
	uint64_t waited = now > task->queued_ns ? now - task->queued_ns : 0;

	task->wait_ns += waited;
	from->stats.wait_ns += waited;
	runq_withdraw_locked(from, task);
	task->cpu = to->cpu;
	task->strayed = false;
	task->migrations++;
	runq_add_locked(to, task, ENQUEUE_JOIN, now);
}

void charge_rarely_locked(struct runq *rq, struct task *task, uint64_t delta)
{
	if (task == rq->idle) {
		rq->stats.idle_ns += delta;
		return;
	}
	if (task->last_tick_user) {
		task->user_ns += delta;
		rq->stats.user_ns += delta;
		if (unlikely(task->policy.nice > 0))
			rq->stats.nice_ns += delta;
	} else {
		task->system_ns += delta;
		rq->stats.system_ns += delta;
	}
	if (likely(task->class == &fair_class))
		fair_charge(rq, task, delta);
	else
		task->class->charge(rq, task, delta);
}

int64_t runq_lag_locked(const struct runq *rq, const struct task *task)
{
	int64_t lag = task->fair.lag;

	if (task->class != &fair_class && task->class != &batch_class)
		return 0;
	if (task->on_runq || rq->current == task) {
		const struct fair_queue *q = task->class == &fair_class ? &rq->fair : &rq->batch;

		lag = (int64_t)(fair_queue_time(q, running_of(rq, task->class)) - task->fair.vruntime);
	}
	return lag * (int64_t)task->fair.weight / (int64_t)WEIGHT_NICE_0;
}

void set_waiting_locked(struct runq *rq, uint64_t urgency)
{
	if (rq->waiting_urgency == URGENCY_IDLE && urgency != URGENCY_IDLE)
		cpumask_set_atomic(&cpus_urgent, rq->cpu);
	else if (rq->waiting_urgency != URGENCY_IDLE && urgency == URGENCY_IDLE)
		cpumask_clear_atomic(&cpus_urgent, rq->cpu);
	WRITE_ONCE(rq->waiting_urgency, urgency);
}

void note_taken_locked(struct runq *rq, const struct task *task)
{
	struct task *first = NULL;

	if (task->urgency != rq->waiting_urgency)
		return;
	if (rq->iso.ready.root)
		first = iso_class.first(rq);
	else if (rq->rt.ready[0] | rq->rt.ready[1])
		first = realtime_class.first(rq);
	set_waiting_locked(rq, first ? first->urgency : URGENCY_IDLE);
}

void runq_init(struct runq *rq, struct cpu *cpu, struct task *idle)
{
	spin_init(&rq->lock, "runq", RANK_RUNQ);
	rq->cpu = cpu->id;
	rq->waiting_urgency = URGENCY_IDLE;
	rq->urgency = URGENCY_IDLE;
	rq->sample_ns = SAMPLE_MIN_NS;
	realtime_init(rq);
	timer_init(&rq->tick, sched_tick);
	policy_init(idle);
	snprintf(idle->name, sizeof(idle->name), "idle/%u", cpu->id);
	idle->class = &idle_class;
	idle->urgency = URGENCY_IDLE;
	idle->fair.weight = 0;
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

void sched_get_cpu_stats(uint32_t cpu, struct sched_cpu_stats *out)
{
	struct runq *rq = runq_of_cpu(cpu);
	uint64_t flags = spin_lock_irqsave(&rq->lock);

	account_locked(rq, time_now_ns());
	*out = rq->stats;
	out->switches += out->handoffs;
	out->schedules += out->handoffs;
	out->wakeups += out->handoffs;
	out->wakeups_local += out->handoffs;
	out->runs += out->handoffs;
	out->runnable = rq->ready_count + (rq->current != rq->idle);
	spin_unlock_irqrestore(&rq->lock, flags);
}

/* --- idle: what runs when nothing else does; it is never queued --------------------------------------- */

static void idle_charge(struct runq *rq, struct task *task, uint64_t ns)
{
	(void)rq;
	(void)task;
	(void)ns;
}

static void idle_start(struct task *task, uint64_t now)
{
	(void)task;
	(void)now;
}

static uint64_t idle_until(const struct runq *rq, const struct task *task, uint64_t now)
{
	(void)rq;
	(void)task;
	(void)now;
	return NEVER;
}

const struct sched_class idle_class = {
	.name = "idle",
	.index = CLASS_IDLE,
	.charge = idle_charge,
	.start = idle_start,
	.until = idle_until,
};

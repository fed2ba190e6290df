/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAIR: SCHED_OTHER.  The rules:
 *
 *  1. Every task has a weight, 1024 * 1.25 ^ -nice.  Over time each runnable task of a CPU gets its weight's
 *     part of the time that the class gets.
 *  2. A task's virtual run time grows by CPU time / weight.  Who has the least runs next.
 *  3. It runs for a slice of 4 ms, and on if it still has the least then.  So nobody gets ahead or falls
 *     behind by more than a slice of each competitor.
 *  4. A task that wakes up takes over at once from one that is ahead of it by more than 1 ms.
 *  5. Lag, the distance to the queue's average, is kept over sleeps and moves to other CPUs, up to two
 *     slices: sleeping earns nothing, and a short sleep is no way to shed what one owes.
 *  6. A new task starts half a slice behind the average: forking gains nothing.
 *  7. Yielding gives way to the next one, and gives up what one was owed.
 */
#include "sched_priv.h"

static struct task *task_of(struct sched_fair *e)
{
	return container_of(e, struct task, fair);
}

void fair_enqueue(struct runq *rq, struct task *task, enum enqueue how)
{
	if (how == ENQUEUE_JOIN) {
		fair_join(&rq->fair, &task->fair, running_of(rq, &fair_class));
		if (unlikely(!task->started))
			task->fair.vruntime += fair_virtual(FAIR_SLICE_NS / 2, task->fair.weight);
	}
	fair_queue_insert(&rq->fair, &task->fair);
}

static void fair_dequeue(struct runq *rq, struct task *task, bool leaves)
{
	if (leaves)
		fair_leave(&rq->fair, &task->fair, running_of(rq, &fair_class));
	fair_queue_remove(&rq->fair, &task->fair);
}

static struct task *fair_first(const struct runq *rq)
{
	return rq->fair.first ? task_of(rq->fair.first) : NULL;
}

static void fair_stop(struct runq *rq, struct task *task)
{
	fair_leave(&rq->fair, &task->fair, &task->fair);
}

static void fair_yield(struct runq *rq, struct task *task)
{
	const struct sched_fair *first = rq->fair.first;

	task->fair.slice_end_ns = 0;
	if (first && !fair_before(first->vruntime, task->fair.vruntime))
		task->fair.vruntime = first->vruntime + 1;
}

const struct sched_class fair_class = {
	.name = "FAIR",
	.index = CLASS_FAIR,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.first = fair_first,
	.charge = fair_charge,
	.makes_way = fair_makes_way,
	.start = fair_start,
	.stop = fair_stop,
	.yield = fair_yield,
	.until = fair_until,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BATCH: SCHED_BATCH and SCHED_IDLE.  The rules:
 *
 *  1. The class gets what FAIR leaves, and a guaranteed part: while its tasks wait for FAIR ones they are
 *     owed one 32nd of the time; whenever that makes a slice, they run before FAIR until it is used up.  So
 *     nothing starves, and a lock that a background task holds comes free.
 *  2. Among themselves they share as FAIR tasks do, by weight: SCHED_BATCH by nice, SCHED_IDLE with a weight
 *     of 3.
 *  3. They never preempt one another by waking up, and their slices are four times as long: it is throughput
 *     that they are for.
 */
#include "sched_priv.h"

#define GUARANTEED_PART 32

static struct task *task_of(struct sched_fair *e)
{
	return container_of(e, struct task, fair);
}

static void batch_enqueue(struct runq *rq, struct task *task, enum enqueue how)
{
	if (how == ENQUEUE_JOIN)
		fair_join(&rq->batch, &task->fair, running_of(rq, &batch_class));
	fair_queue_insert(&rq->batch, &task->fair);
}

static void batch_dequeue(struct runq *rq, struct task *task, bool leaves)
{
	if (leaves)
		fair_leave(&rq->batch, &task->fair, running_of(rq, &batch_class));
	fair_queue_remove(&rq->batch, &task->fair);
}

static struct task *batch_first(const struct runq *rq)
{
	return rq->batch.first ? task_of(rq->batch.first) : NULL;
}

void batch_wait(struct runq *rq, uint64_t ns)
{
	rq->batch_owed_ns += (int64_t)(ns / GUARANTEED_PART);
	if (rq->batch_owed_ns >= (int64_t)FAIR_SLICE_NS)
		rq->batch_first = true;
}

static void batch_charge(struct runq *rq, struct task *task, uint64_t ns)
{
	task->fair.vruntime += fair_virtual(ns, task->fair.weight);
	if (!rq->batch_first)
		return; /* FAIR left it that time */
	/* The last slice may be longer than what was owed: that is paid back. */
	rq->batch_owed_ns = MAX(rq->batch_owed_ns - (int64_t)ns, -(int64_t)BATCH_SLICE_NS);
	if (rq->batch_owed_ns <= 0)
		rq->batch_first = false;
}

unsigned batch_rank(const struct runq *rq)
{
	return rq->batch_first ? RANK_BATCH_OWED : RANK_BATCH_CLASS;
}

static bool batch_makes_way(const struct runq *rq, const struct task *running, const struct task *first,
			    uint64_t now)
{
	(void)rq;
	return now >= running->fair.slice_end_ns && fair_before(first->fair.vruntime, running->fair.vruntime);
}

static void batch_start(struct task *task, uint64_t now)
{
	task->fair.slice_end_ns = now + BATCH_SLICE_NS;
}

static void batch_stop(struct runq *rq, struct task *task)
{
	fair_leave(&rq->batch, &task->fair, &task->fair);
}

static void batch_yield(struct runq *rq, struct task *task)
{
	const struct sched_fair *first = rq->batch.first;

	task->fair.slice_end_ns = 0;
	if (first && !fair_before(first->vruntime, task->fair.vruntime))
		task->fair.vruntime = first->vruntime + 1;
}

static uint64_t batch_until(const struct runq *rq, const struct task *task, uint64_t now)
{
	(void)task;
	/* While it is served before FAIR, it is served by FAIR's slices. */
	return now + (rq->ready_count ? FAIR_SLICE_NS : rq->sample_ns);
}

const struct sched_class batch_class = {
	.name = "BATCH",
	.index = CLASS_BATCH,
	.enqueue = batch_enqueue,
	.dequeue = batch_dequeue,
	.first = batch_first,
	.charge = batch_charge,
	.makes_way = batch_makes_way,
	.start = batch_start,
	.stop = batch_stop,
	.yield = batch_yield,
	.until = batch_until,
};

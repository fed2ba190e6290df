/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * REALTIME: SCHED_FIFO and SCHED_RR, priorities 1 to 99.  The rules:
 *
 *  1. The highest priority runs, at once, until it sleeps, yields or something more urgent comes.  One that
 *     was preempted stays the first of its priority; one that wakes up or yields becomes the last.
 *  2. RR tasks of one priority take turns of 100 ms.  Preemption does not cost the rest of a turn.
 *  3. In every second the class gets 950 ms of a CPU.  Who wants more waits for the second to end if tasks of
 *     other classes want to run, and goes on if none do.  So nothing starves, and a shell can kill a runaway.
 *  4. The n highest priorities run on n CPUs: a task that cannot run where it is goes to a CPU that runs
 *     something less urgent, and a CPU that is about to run something less urgent looks for such a task
 *     (balance.c).
 */
#include "sched_priv.h"

#define WINDOW_NS NSEC_PER_SEC
#define LIMIT_NS  (950 * NSEC_PER_MSEC)

void realtime_init(struct runq *rq)
{
	for (unsigned i = 0; i <= RT_PRIORITY_TOP; i++)
		list_init(&rq->rt.lists[i]);
}

static int highest(const struct realtime_queue *q)
{
	if (q->ready[1])
		return 127 - __builtin_clzll(q->ready[1]);
	return q->ready[0] ? 63 - __builtin_clzll(q->ready[0]) : -1;
}

static void rt_enqueue(struct runq *rq, struct task *task, enum enqueue how)
{
	unsigned priority = task->rt.priority;
	struct list *list = &rq->rt.lists[priority];

	if (how == ENQUEUE_JOIN || task->rt.to_tail)
		list_add_tail(list, &task->rt.link);
	else
		list_add_head(list, &task->rt.link);
	task->rt.to_tail = false;
	rq->rt.ready[priority / 64] |= 1ull << priority % 64;
	note_waiting_locked(rq, task);
}

static void rt_dequeue(struct runq *rq, struct task *task, bool leaves)
{
	unsigned priority = task->rt.priority;

	(void)leaves;
	list_del(&task->rt.link);
	if (!list_empty(&rq->rt.lists[priority]))
		return; /* those who are left wait as urgently */
	rq->rt.ready[priority / 64] &= ~(1ull << priority % 64);
	note_taken_locked(rq, task);
}

static struct task *rt_first(const struct runq *rq)
{
	int priority = highest(&rq->rt);

	return priority < 0 ? NULL : list_first(&rq->rt.lists[priority], struct task, rt.link);
}

static void rt_charge(struct runq *rq, struct task *task, uint64_t ns)
{
	struct realtime_queue *q = &rq->rt;
	uint64_t now = task->accounted_ns;

	if (now - q->window_start_ns >= WINDOW_NS) {
		q->window_start_ns = now;
		q->used_ns = 0;
		q->throttled = false;
	}
	q->used_ns += ns;
	if (q->used_ns >= LIMIT_NS)
		q->throttled = true;
	if (task->rt.round_robin) {
		task->rt.left_ns -= (int64_t)ns;
		if (task->rt.left_ns <= 0)
			task->rt.to_tail = true;
	}
}

unsigned realtime_rank(const struct runq *rq)
{
	return rq->rt.throttled ? RANK_REALTIME_LIMITED : RANK_REALTIME_CLASS;
}

uint64_t realtime_release_ns(const struct runq *rq)
{
	return rq->rt.throttled ? rq->rt.window_start_ns + WINDOW_NS : NEVER;
}

void realtime_release_due(struct runq *rq, uint64_t now)
{
	if (realtime_release_ns(rq) > now)
		return;
	rq->rt.window_start_ns = now;
	rq->rt.used_ns = 0;
	rq->rt.throttled = false;
}

static bool rt_makes_way(const struct runq *rq, const struct task *running, const struct task *first,
			 uint64_t now)
{
	(void)rq;
	(void)now;
	if (first->rt.priority != running->rt.priority)
		return first->rt.priority > running->rt.priority;
	return running->rt.to_tail;
}

static void rt_start(struct task *task, uint64_t now)
{
	(void)now;
	task->rt.to_tail = false;
	if (task->rt.left_ns <= 0)
		task->rt.left_ns = (int64_t)RR_SLICE_NS;
}

static void rt_stop(struct runq *rq, struct task *task)
{
	(void)rq;
	task->rt.to_tail = false;
}

static void rt_yield(struct runq *rq, struct task *task)
{
	(void)rq;
	task->rt.to_tail = true;
	task->rt.left_ns = 0;
}

static uint64_t rt_until(const struct runq *rq, const struct task *task, uint64_t now)
{
	const struct realtime_queue *q = &rq->rt;
	uint64_t until = now + rq->sample_ns;

	if (!rq->ready_count)
		return until;
	if (!q->throttled)
		until = now + (LIMIT_NS - q->used_ns);
	if (task->rt.round_robin && task->rt.left_ns > 0)
		until = MIN(until, now + (uint64_t)task->rt.left_ns);
	return until;
}

const struct sched_class realtime_class = {
	.name = "REALTIME",
	.index = CLASS_REALTIME,
	.enqueue = rt_enqueue,
	.dequeue = rt_dequeue,
	.first = rt_first,
	.charge = rt_charge,
	.makes_way = rt_makes_way,
	.start = rt_start,
	.stop = rt_stop,
	.yield = rt_yield,
	.until = rt_until,
};

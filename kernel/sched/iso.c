/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISO: SCHED_DEADLINE.  The rules:
 *
 *  1. The earliest absolute deadline runs, before everything else.
 *  2. Every task has a constant-bandwidth server (iso_server.h): `runtime` of CPU time in each `period`, due
 *     at `deadline` from the period's start.  Who has used up the runtime is suspended until the next period,
 *     so a task that runs wild hurts nobody else's deadlines.
 *  3. A task that wakes up keeps its deadline and budget if the budget, used up by then, stays within the
 *     bandwidth; else it starts a new period.
 *  4. Admission: the bandwidths of all tasks together are at most 95% of the online CPUs, else EBUSY.  With
 *     deadlines equal to periods and one CPU this means that no deadline is missed; on several, that none is
 *     missed by more than a bounded time (Devi and Anderson, "Tardiness bounds under global EDF", 2005).  ISO
 *     tasks may therefore run on all CPUs, and the n earliest deadlines do run on n CPUs (balance.c).
 *  5. Yielding gives up the rest of the period's budget.
 */
#include "sched_priv.h"

static struct task *task_of(struct rb_node *node)
{
	return rb_entry(node, struct task, iso.node);
}

static void iso_enqueue(struct runq *rq, struct task *task, enum enqueue how)
{
	struct rb_node **link = &rq->iso.ready.root, *parent = NULL;

	(void)how;
	while (*link) {
		parent = *link;
		link = task->urgency < task_of(parent)->urgency ? &parent->left : &parent->right;
	}
	rb_insert(&rq->iso.ready, &task->iso.node, parent, link);
	note_waiting_locked(rq, task);
}

static void iso_dequeue(struct runq *rq, struct task *task, bool leaves)
{
	(void)leaves;
	rb_erase(&rq->iso.ready, &task->iso.node);
	note_taken_locked(rq, task);
}

static struct task *iso_first(const struct runq *rq)
{
	struct rb_node *node = rb_first(&rq->iso.ready);

	return node ? task_of(node) : NULL;
}

static void iso_charge(struct runq *rq, struct task *task, uint64_t ns)
{
	struct sched_iso *e = &task->iso;

	(void)rq;
	/* On lent urgency it runs for its donor, who is waiting. */
	if (task->lent)
		return;
	e->budget_ns -= (int64_t)ns;
	e->used_ns += ns;
	if (task->accounted_ns > e->deadline_ns && !e->missed) {
		e->missed = true;
		e->misses++;
	}
}

static bool iso_makes_way(const struct runq *rq, const struct task *running, const struct task *first,
			  uint64_t now)
{
	(void)rq;
	(void)now;
	return first->urgency < running->urgency;
}

static void iso_start_running(struct task *task, uint64_t now)
{
	(void)task;
	(void)now;
}

static void iso_stop(struct runq *rq, struct task *task)
{
	(void)rq;
	(void)task;
}

static void iso_yield(struct runq *rq, struct task *task)
{
	(void)rq;
	if (!task->lent)
		task->iso.budget_ns = MIN(task->iso.budget_ns, 0l);
}

static uint64_t iso_until(const struct runq *rq, const struct task *task, uint64_t now)
{
	if (task->lent || task->iso.budget_ns <= 0)
		return now + rq->sample_ns;
	return now + (uint64_t)task->iso.budget_ns;
}

void iso_suspend(struct runq *rq, struct task *task)
{
	struct rb_node **link = &rq->iso.suspended.root, *parent = NULL;

	task->iso.suspended = true;
	task->iso.replenish_ns = iso_next_period(&task->iso, &task->policy);
	while (*link) {
		parent = *link;
		link = task->iso.replenish_ns < task_of(parent)->iso.replenish_ns ? &parent->left
										  : &parent->right;
	}
	rb_insert(&rq->iso.suspended, &task->iso.node, parent, link);
}

void iso_unsuspend(struct runq *rq, struct task *task)
{
	task->iso.suspended = false;
	rb_erase(&rq->iso.suspended, &task->iso.node);
}

uint64_t iso_next_release_ns(const struct runq *rq)
{
	struct rb_node *first = rq->iso.suspended.root ? rb_first(&rq->iso.suspended) : NULL;

	return first ? task_of(first)->iso.replenish_ns : NEVER;
}

void iso_release_due(struct runq *rq, uint64_t now)
{
	while (iso_next_release_ns(rq) <= now) {
		struct task *task = task_of(rb_first(&rq->iso.suspended));

		iso_unsuspend(rq, task);
		iso_replenish(&task->iso, &task->policy, now);
		task->urgency = MIN(task->iso.deadline_ns, task->lent_urgency);
		runq_add_locked(rq, task, ENQUEUE_JOIN, now);
		check_preempt_locked(rq, task, now);
	}
}

const struct sched_class iso_class = {
	.name = "ISO",
	.index = CLASS_ISO,
	.enqueue = iso_enqueue,
	.dequeue = iso_dequeue,
	.first = iso_first,
	.charge = iso_charge,
	.makes_way = iso_makes_way,
	.start = iso_start_running,
	.stop = iso_stop,
	.yield = iso_yield,
	.until = iso_until,
};

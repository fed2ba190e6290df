/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing the CPU to a task that one goes to sleep for, as a caller does to its server and the server back to
 * its caller: the switch without a wake-up, a queue or a choice.
 *
 * It is what waking `next` and then sleeping comes to, taken together, where that is certain to end with
 * `next` running here: `next` joins with the lag that it left with, the running task leaves with its own, and
 * the first that waits is asked whether it goes before.  Each is charged for its own time, but the slice is
 * one: it goes on from where the giver stood in it, so nobody waits longer for two that take turns than for
 * one that runs.
 *
 * Both are FAIR, which nearly all are; where urgency or budgets come in, the scheduler decides.
 */
#include "handoff.h"

#include <kernel/assert.h>

bool handoff_place_among(const struct runq *rq, struct sched_fair *self, struct sched_fair *next,
			 uint64_t now_ns)
{
	uint64_t vruntime;

	/* Who waits must wait by the rules of FAIR alone. */
	if (rq->ready_count != rq->fair.count)
		return false;
	vruntime = fair_place(&rq->fair, next, self);
	if (fair_overtakes(rq->fair.first, vruntime, self->slice_end_ns, now_ns))
		return false;
	/* If it does not take place in the end: who goes on sleeping takes no notice of the one, who goes on
	 * running none of the other. */
	next->vruntime = vruntime;
	fair_leave_to(&rq->fair, self, next);
	return true;
}

bool handoff_begin(struct task *next, enum task_state state)
{
	struct handoff h;

	preempt_disable();
	if (!next->started || !handoff_prepare(&h, next, state)) {
		preempt_enable();
		return false;
	}
	h.rq->handoff = h;
	return true;
}

void handoff_switch(void)
{
	struct handoff h = this_runq()->handoff;

	ASSERT(arch_preempt_count() == 1);
	handoff_commit(&h);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing the CPU to a task that one goes to sleep for, as a caller does to its server and the server back to
 * its caller: the switch without a wake-up, a queue or a choice.
 *
 * It is what waking `next` and then sleeping comes to, taken together, where that is certain to end with `next`
 * running here: `next` joins with the lag that it left with, the running task leaves with its own, and the first
 * that waits is asked whether it goes before.  Each is charged for its own time, but the slice is one: it goes
 * on from where the giver stood in it, so nobody waits longer for two that take turns than for one that runs.
 *
 * Both are FAIR, which nearly all are; where urgency or budgets come in, the scheduler decides.
 */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <kernel/assert.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>

/* Nothing is due that this CPU would have to look at first: who waits, waits by the rules of FAIR alone. */
static inline bool only_fair_waits(const struct runq *rq)
{
	return rq->ready_count == rq->fair.count && !rq->iso.suspended.root && !rq->rt.throttled &&
	       !atomic_load_explicit(&arch_this_cpu()->resched, memory_order_relaxed);
}

/* It sleeps here, may run here, and nothing but its state has to change for that. */
static inline bool can_take_over(const struct runq *rq, const struct task *next)
{
	uint32_t state = atomic_load_explicit(&next->state, memory_order_relaxed);

	return next->cpu == rq->cpu && next->class == &fair_class && next->started &&
	       (state == TASK_SLEEPING || state == TASK_SLEEPING_INTR) && is_off_locked(rq, next) &&
	       may_run_on(next, rq->cpu);
}

static inline bool may_hand_over(struct runq *rq, struct task *self, struct task *next, struct handoff *h)
{
	if (!only_fair_waits(rq) || self->class != &fair_class || !can_take_over(rq, next))
		return false;
	h->now = time_now_ns();
	account_locked(rq, h->now);
	if (likely(!rq->fair.first)) {
		h->vruntime = self->fair.vruntime;
		return true;
	}
	h->vruntime = fair_place(&rq->fair, &next->fair, &self->fair);
	return !fair_overtakes(rq->fair.first, h->vruntime, self->fair.slice_end_ns, h->now);
}

/* The order of wait queues, too: first the state, then the look at what would end the sleep. */
static inline bool fall_asleep(struct task *self, enum task_state state)
{
	atomic_store(&self->state, state);
	if (likely(state != TASK_SLEEPING_INTR || !signal_pending()))
		return true;
	atomic_store_explicit(&self->state, TASK_RUNNABLE, memory_order_relaxed);
	return false;
}

bool handoff_begin(struct handoff *h, struct task *next, enum task_state state)
{
	struct task *self = current_task();
	struct runq *rq;

	DEBUG_ASSERT(self != next);
	arch_irq_disable();
	rq = this_runq();
	spin_lock(&rq->lock);
	if (likely(may_hand_over(rq, self, next, h)) && likely(fall_asleep(self, state))) {
		h->next = next;
		return true;
	}
	spin_release_(&rq->lock);
	preempt_enable_no_resched();
	arch_irq_enable();
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
	return false;
}

void handoff_switch(const struct handoff *h)
{
	struct task *self = current_task(), *next = h->next;
	struct runq *rq = this_runq();

	ASSERT(arch_preempt_count() == 1);
	next->fair.vruntime = h->vruntime;
	next->fair.slice_end_ns = self->fair.slice_end_ns;
	next->runs++;
	atomic_store_explicit(&next->state, TASK_RUNNABLE, memory_order_relaxed);
	fair_leave_to(&rq->fair, &self->fair, &next->fair);
	note_sleep(self);
	self->switches_voluntary++;
	rq->stats.handoffs++;
	pass_cpu_locked(rq, self, next, h->now);
	switch_context(self, next);
	arch_irq_enable();
	log_wake_readers();
}

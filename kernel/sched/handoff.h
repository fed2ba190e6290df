/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing the CPU over, inline, for the way of small messages (kernel/ipc/fast.h): as handoff_begin() and
 * handoff_switch() of <kernel/sched.h>, whose file, handoff.c, says what it does and why it may.
 *
 *	preempt_disable();
 *	if (!handoff_prepare(&h, next, state))
 *		...interrupts are on, nothing has changed
 *	if (...)
 *		handoff_cancel(&h);
 *	handoff_commit(&h);	...preemption is enabled again
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/loan.h>
#include <kernel/preempt.h>

#include "sched_priv.h"

/* It has run and now sleeps here, in the way in which the running task is going to, may run here, and nothing
 * but its state has to change for that.  (Preempted on its way to sleep it would be queued; only ISO tasks
 * are ever suspended; and one that has to move has done so before anything else runs on its CPU.) */
static inline bool can_take_over(const struct runq *rq, const struct task *next, enum task_state state)
{
	return next->cpu == rq->cpu && next->class == &fair_class &&
	       atomic_load_explicit(&next->state, memory_order_relaxed) == state && !next->on_runq &&
	       !next->strayed;
}

/* Where in virtual time both go on, while others wait; false: one of those goes first. */
bool handoff_place_among(const struct runq *rq, struct sched_fair *self, struct sched_fair *next,
			 uint64_t now_ns);
static inline bool handoff_place(struct runq *rq, struct task *self, struct task *next, uint64_t now_ns)
{
	account_fair_locked(rq, self, now_ns);
	if (unlikely(rq->ready_count))
		return handoff_place_among(rq, &self->fair, &next->fair, now_ns);
	/* For each other they run strictly in turns: neither owes the other anything. */
	self->fair.lag = 0;
	next->fair.vruntime = self->fair.vruntime;
	return true;
}

/* It does not take place. */
static inline void handoff_cancel(const struct handoff *h)
{
	atomic_store_explicit(&h->self->state, TASK_RUNNABLE, memory_order_relaxed);
	spin_release_(&h->rq->lock);
	arch_irq_enable();
}

static __always_inline bool handoff_prepare(struct handoff *h, struct task *next, enum task_state state)
{
	struct task *self = current_task();
	struct cpu *cpu;
	struct runq *rq;

	DEBUG_ASSERT(self != next && next->started);
	arch_irq_disable();
	cpu = arch_this_cpu();
	rq = cpu->runq;
	if (unlikely(!spin_tryacquire_(&rq->lock)))
		goto out_enable;
	/* The tick lets go of who is suspended or throttled: it is armed, and stays so. */
	if (unlikely(atomic_load_explicit(&cpu->resched, memory_order_relaxed) ||
		     self->class != &fair_class || !can_take_over(rq, next, state))) {
		spin_release_(&rq->lock);
		goto out_enable;
	}
	h->rq = rq;
	h->self = self;
	h->next = next;
	h->now_ns = clock_now_ns();
	/* As in wait queues: first the state, then the look at what would end the sleep. */
	atomic_store(&self->state, state);
	if (likely(state != TASK_SLEEPING_INTR || !signal_pending_for(self)) &&
	    likely(handoff_place(rq, self, next, h->now_ns)))
		return true;
	handoff_cancel(h);
	return false;
out_enable:
	arch_irq_enable();
	return false;
}

static __always_inline void handoff_commit(const struct handoff *h)
{
	struct task *self = h->self, *next = h->next;
	struct runq *rq = h->rq;

	DEBUG_ASSERT(arch_preempt_count() == 1 && !next->moving && may_run_on(next, rq->cpu));
	next->fair.slice_end_ns = self->fair.slice_end_ns;
	next->runs++;
	atomic_store_explicit(&next->state, TASK_RUNNABLE, memory_order_relaxed);
	note_sleep(self);
	self->switches_voluntary++;
	rq->stats.handoffs++;
	pass_cpu_locked(rq, self, next, h->now_ns);
	switch_context(self, next);
	arch_irq_enable();
}

/* --- a loan that comes and goes with it -------------------------------------------------------------- */

/*
 * The caller's loan to whom it hands the CPU, if that changes nothing: both are FAIR and nobody has lent to
 * `next`.  It is in no list.  Called with the handoff prepared, so `next` does not run, nor can either become
 * more urgent: who lends to the caller waits for the run queue's lock, and finds the loan then.
 */
static inline bool loan_begin_direct(struct loan *loan, struct task *self, struct task *next)
{
	if (unlikely(next->direct_loan || next->lent_urgency != URGENCY_IDLE ||
		     next->fair.weight < self->fair.weight))
		return false;
	loan->donor = self;
	WRITE_ONCE(loan->borrower, next);
	WRITE_ONCE(next->direct_loan, loan);
	WRITE_ONCE(self->lending, loan);
	return true;
}

/* By the borrower, which runs, for a donor that cannot end it at the same time. */
static inline void loan_end_direct(struct loan *loan, struct task *donor, struct task *self)
{
	WRITE_ONCE(loan->borrower, NULL);
	WRITE_ONCE(self->direct_loan, NULL);
	WRITE_ONCE(donor->lending, NULL);
}

/* After that and a full barrier: nobody is looking at the loan still, nor has lent by it; who does holds one
 * of these locks.  If not, loan_settle(). */
static inline bool loan_is_settled(const struct task *donor, const struct task *self)
{
	return atomic_load_explicit(&donor->loan_lock->word, memory_order_acquire) == 0 &&
	       atomic_load_explicit(&self->loan_lock->word, memory_order_acquire) == 0 &&
	       READ_ONCE(self->lent_urgency) == URGENCY_IDLE;
}

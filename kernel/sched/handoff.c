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

/* It sleeps here, may run here, and nothing but its state has to change for that.  (Preempted on its way to
 * sleep it would be queued; only ISO tasks are ever suspended.) */
static inline bool can_take_over(const struct runq *rq, const struct task *next)
{
	uint32_t state = atomic_load_explicit(&next->state, memory_order_relaxed);

	return next->cpu == rq->cpu && next->class == &fair_class && next->started &&
	       (state == TASK_SLEEPING_INTR || state == TASK_SLEEPING) && !next->on_runq && !next->moving &&
	       may_run_on(next, rq->cpu);
}

static __noinline bool give_way(void)
{
	preempt_enable_no_resched();
	arch_irq_enable();
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
	return false;
}

static __noinline bool refuse(struct runq *rq)
{
	spin_release_(&rq->lock);
	return give_way();
}

/* Somebody waits: `next` goes before if it would in the slice of `self`. */
static __noinline bool goes_first(struct runq *rq, const struct task *self, const struct task *next)
{
	account_locked(rq, rq->handoff_ns);
	rq->handoff_vruntime = fair_place(&rq->fair, &next->fair, &self->fair);
	return !fair_overtakes(rq->fair.first, rq->handoff_vruntime, self->fair.slice_end_ns, rq->handoff_ns);
}

static __noinline bool begin_before_others(struct runq *rq, struct task *self, const struct task *next)
{
	if (goes_first(rq, self, next))
		return true;
	atomic_store_explicit(&self->state, TASK_RUNNABLE, memory_order_relaxed);
	return refuse(rq);
}

/* All that is unlikely leaves by a tail call, so that the likely way has nothing to save. */
bool handoff_begin(struct task *next, enum task_state state)
{
	struct task *self = current_task();
	struct runq *rq;

	DEBUG_ASSERT(self != next);
	arch_irq_disable();
	rq = this_runq();
	preempt_disable();
	if (unlikely(!spin_tryacquire_(&rq->lock)))
		return give_way();
	if (unlikely(!only_fair_waits(rq) || self->class != &fair_class || !can_take_over(rq, next)))
		return refuse(rq);
	rq->handoff = next;
	rq->handoff_ns = clock_now_ns();
	/* As in wait queues: first the state, then the look at what would end the sleep. */
	atomic_store(&self->state, state);
	if (unlikely(state == TASK_SLEEPING_INTR &&
		     atomic_load_explicit(&self->work, memory_order_relaxed))) {
		atomic_store_explicit(&self->state, TASK_RUNNABLE, memory_order_relaxed);
		return refuse(rq);
	}
	if (unlikely(rq->fair.first))
		return begin_before_others(rq, self, next);
	return true;
}

void handoff_switch(void)
{
	struct runq *rq = this_runq();
	struct task *self = current_task(), *next = rq->handoff;

	ASSERT(arch_preempt_count() == 1);
	account_locked(rq, rq->handoff_ns);
	next->fair.vruntime = likely(!rq->fair.first) ? self->fair.vruntime : rq->handoff_vruntime;
	next->fair.slice_end_ns = self->fair.slice_end_ns;
	next->runs++;
	atomic_store_explicit(&next->state, TASK_RUNNABLE, memory_order_relaxed);
	fair_leave_to(&rq->fair, &self->fair, &next->fair);
	note_sleep(self);
	self->switches_voluntary++;
	rq->stats.handoffs++;
	pass_cpu_locked(rq, self, next, rq->handoff_ns);
	switch_context(self, next);
	arch_irq_enable();
	log_wake_readers();
}

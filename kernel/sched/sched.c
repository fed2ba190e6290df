/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's core: choose, switch, tick.
 *
 * One decision, choose(), for every occasion: each time a CPU enters switch_away(), because its task sleeps,
 * yields or has to make way, it compares that task, if it may go on, with the first waiting one of each
 * class. Whoever changes what that depends on (a wake-up, a policy, a CPU mask) only asks the CPU to decide
 * anew.
 *
 * A switch happens with the run queue's lock held: schedule() takes it on the old stack, finish_switch()
 * drops it on the new one, so a task's saved context and its place in the queue change together.  A task
 * that changes its state to sleeping keeps running until it calls schedule(); a wake-up in between makes
 * it runnable again and schedule() keeps it.  Preemption in that window leaves it runnable whatever its
 * state: it has not finished going to sleep.
 *
 * There is no periodic tick.  Each CPU has one timer, armed for the next time at which something would be
 * decided: the end of a slice, of a budget, of a throttling.  A task that runs alone is sampled ever less
 * often, so that its time is charged as user or system time.
 */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <arch/pmu.h>
#include <arch/trap.h>
#include <kernel/assert.h>
#include <kernel/idle.h>
#include <kernel/loan.h>
#include <kernel/lockdep.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/vm.h>

static struct runq boot_runq;
static struct task boot_idle;

void request_resched(struct runq *rq)
{
	smp_reschedule(rq->cpu);
}

void irq_restore_and_preempt(uint64_t flags)
{
	arch_irq_restore(flags);
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
}

/* --- choosing ---------------------------------------------------------------------------------------- */

static unsigned rank_of(const struct runq *rq, const struct task *task)
{
	switch (task->class->index) {
	case CLASS_ISO:
		return RANK_ISO_CLASS;
	case CLASS_REALTIME:
		return realtime_rank(rq);
	case CLASS_FAIR:
		return RANK_FAIR_CLASS;
	case CLASS_BATCH:
		return batch_rank(rq);
	case CLASS_IDLE:
		break;
	}
	return RANK_IDLE_CLASS;
}

bool overtakes(const struct runq *rq, const struct task *task, const struct task *running, uint64_t now)
{
	if (task->class == running->class)
		return task->class->makes_way(rq, running, task, now);
	return rank_of(rq, task) < rank_of(rq, running);
}

/* The first waiting task of the most urgent class, in the order that rank_of() gives; NULL: none waits. */
static struct task *first_waiting(const struct runq *rq)
{
	bool realtime = (rq->rt.ready[0] | rq->rt.ready[1]) != 0;

	if (rq->iso.ready.root)
		return iso_class.first(rq);
	if (realtime && !rq->rt.throttled)
		return realtime_class.first(rq);
	if (rq->batch_first && rq->batch.first)
		return batch_class.first(rq);
	if (rq->fair.first)
		return fair_class.first(rq);
	if (rq->batch.first)
		return batch_class.first(rq);
	return realtime ? realtime_class.first(rq) : NULL;
}

static struct task *choose_among_classes(const struct runq *rq, struct task *stays, uint64_t now)
{
	struct task *first = first_waiting(rq);

	if (!first)
		return stays ? stays : rq->idle;
	return !stays || overtakes(rq, first, stays, now) ? first : stays;
}

/* Who runs next; `stays` is the running task if it may go on. */
static struct task *choose(const struct runq *rq, struct task *stays, uint64_t now)
{
	struct task *first;

	if (unlikely(rq->ready_count != rq->fair.count || (stays && stays->class != &fair_class)))
		return choose_among_classes(rq, stays, now);
	if (!rq->fair.first)
		return stays ? stays : rq->idle;
	first = container_of(rq->fair.first, struct task, fair);
	return !stays || fair_makes_way(rq, stays, first, now) ? first : stays;
}

static inline bool may_stay(const struct runq *rq, const struct task *self, bool forced)
{
	if (self == rq->idle)
		return false;
	if (!forced && atomic_load_explicit(&self->state, memory_order_relaxed) != TASK_RUNNABLE)
		return false;
	return may_run_on(self, rq->cpu) && !iso_exhausted(self);
}

/* --- the timer --------------------------------------------------------------------------------------- */

/* On its own CPU only.  An earlier deadline than needed does no harm: the tick looks and arms anew. */
static void program_tick(struct runq *rq, const struct task *running, uint64_t now)
{
	uint64_t at;

	if (likely(running->class == &fair_class))
		at = fair_until(rq, running, now);
	else
		at = running->class->until(rq, running, now);
	if (unlikely(rq->iso.suspended.root))
		at = MIN(at, iso_next_release_ns(rq));
	if (unlikely(rq->rt.throttled))
		at = MIN(at, realtime_release_ns(rq));
	if (at != NEVER && (!rq->tick.armed || rq->tick.deadline_ns > at))
		timer_arm(&rq->tick, at);
}

static void release_due(struct runq *rq, uint64_t now)
{
	if (unlikely(rq->iso.suspended.root))
		iso_release_due(rq, now);
	if (unlikely(rq->rt.throttled))
		realtime_release_due(rq, now);
}

void sched_tick(struct timer *timer)
{
	struct runq *rq = container_of(timer, struct runq, tick);
	uint64_t now = time_now_ns();

	spin_lock(&rq->lock);
	account_locked(rq, now);
	release_due(rq, now);
	if (rq->ready_count || iso_exhausted(rq->current)) {
		request_resched(rq);
	} else if (rq->current != rq->idle) {
		rq->sample_ns = MIN(rq->sample_ns * 2, SAMPLE_MAX_NS);
	}
	program_tick(rq, rq->current, now);
	spin_unlock(&rq->lock);
	balance_periodic(rq, now);
}

/* The timer interrupt says in which mode it found the running task: the time since the last charge
 * counts as that mode's. */
void trap_timer(struct arch_regs *regs)
{
	struct runq *rq = this_runq();
	bool user = arch_regs_user(regs);

	arch_this_cpu()->interrupts[INTERRUPT_TIMER]++;
	random_interrupt(arch_regs_pc(regs));
	if (likely(rq)) {
		spin_lock(&rq->lock);
		if (rq->current->last_tick_user != user)
			rq->sample_ns = SAMPLE_MIN_NS;
		rq->current->last_tick_user = user;
		account_locked(rq, time_now_ns());
		spin_unlock(&rq->lock);
	}
	timer_interrupt();
}

/* A CPU arms its timer itself.  It has one that is due in time, or has to be told. */
static void ensure_tick(struct runq *rq, uint64_t now)
{
	if (rq->cpu == arch_this_cpu()->id)
		program_tick(rq, rq->current, now);
	else if (!rq->tick.armed || rq->tick.deadline_ns > now + FAIR_SLICE_NS)
		request_resched(rq);
}

void check_preempt_locked(struct runq *rq, struct task *task, uint64_t now)
{
	uint32_t other;

	assert_held(&rq->lock);
	if (rq->current == rq->idle) {
		request_resched(rq);
		return;
	}
	if (task->on_runq && overtakes(rq, task, rq->current, now)) {
		request_resched(rq);
		return;
	}
	ensure_tick(rq, now);
	if (task->urgency >= URGENCY_FAIR || cpu_count == 1)
		return;
	other = place_find_less_urgent(task);
	if (other != MAX_CPUS)
		smp_reschedule(other);
}

/* --- switching --------------------------------------------------------------------------------------- */

enum switch_reason {
	SWITCH_ASKED,  /* schedule(): the state says whether the task goes on */
	SWITCH_YIELD,  /* it goes on, but others first */
	SWITCH_FORCED, /* it did not ask, and stays runnable whatever its state says */
};

/* A task that may not run where it ran goes where it may. */
static __noinline void send_away(struct task *task)
{
	struct runq *to, *from = place_and_lock(task, &to);
	uint64_t now = time_now_ns();

	task->moving = false;
	task->migrations += from != to;
	task->cpu = to->cpu;
	task->strayed = false;
	runq_add_locked(to, task, ENQUEUE_JOIN, now);
	check_preempt_locked(to, task, now);
	runq_unlock_pair(from, to);
}

static __noinline void bury(struct task *task)
{
	policy_release(task);
	task_fini(task);
	task->release(task);
}

/* It moves, or it ended; it can be freed once nobody needs its state. */
void retire(struct task *previous)
{
	this_runq()->retires = false;
	if (previous->moving)
		send_away(previous);
	else
		bury(previous);
}

/* The running task does not go on here: it sleeps, is gone, has to move or is out of budget. */
static void stop_locked(struct runq *rq, struct task *self, bool forced)
{
	if (self == rq->idle)
		return;
	if (likely(self->class == &fair_class))
		fair_leave(&rq->fair, &self->fair, &self->fair);
	else
		self->class->stop(rq, self);
	if (!forced && atomic_load_explicit(&self->state, memory_order_relaxed) != TASK_RUNNABLE) {
		note_sleep(self);
		return;
	}
	if (!may_run_on(self, rq->cpu))
		self->moving = true;
	else
		iso_suspend(rq, self);
}

static void note_idle(struct runq *rq, bool idle)
{
	if (idle) {
		cpumask_set_atomic(&cpus_idle, rq->cpu);
		rq->stats.idles++;
	} else {
		cpumask_clear_atomic(&cpus_idle, rq->cpu);
	}
}

static void switch_to(struct runq *rq, struct task *self, struct task *next, uint64_t now, bool forced)
{
	if (forced)
		self->switches_forced++;
	else
		self->switches_voluntary++;
	if (unlikely(self == rq->idle || next == rq->idle))
		note_idle(rq, next == rq->idle);
	if (likely(next->class == &fair_class))
		fair_start(next, now);
	else
		next->class->start(next, now);
	rq->stats.switches++;
	rq->sample_ns = SAMPLE_MIN_NS;
	rq->retires = atomic_load_explicit(&self->state, memory_order_relaxed) == TASK_DEAD || self->moving;
	pass_cpu_locked(rq, self, next, now);
	WRITE_ONCE(rq->urgency, next->urgency);
	program_tick(rq, next, now);
	switch_context(self, next);
}

/* It goes on later: it waits while `next` runs. */
static inline void exchange_locked(struct runq *rq, struct task *self, struct task *next, uint64_t now)
{
	if (likely(next->class == &fair_class)) {
		/* Of two that take turns one waits at any moment: the tree stays as it is. */
		runq_take_locked(rq, next, now);
		runq_add_locked(rq, self, ENQUEUE_PUT, now);
		return;
	}
	/* Who is the most urgent of those that wait need not change twice. */
	runq_add_locked(rq, self, ENQUEUE_PUT, now);
	if (next != rq->idle)
		runq_take_locked(rq, next, now);
}

/* It leaves while all whom it may owe time, the next one too, are in the queue. */
static inline void replace_locked(struct runq *rq, struct task *self, struct task *next, uint64_t now,
				  bool forced)
{
	stop_locked(rq, self, forced);
	if (next != rq->idle)
		runq_take_locked(rq, next, now);
}

/* Interrupts off. */
static void switch_away(enum switch_reason why)
{
	struct runq *rq = this_runq();
	struct task *self, *next;
	uint64_t now = clock_now_ns();
	bool forced = why == SWITCH_FORCED, stays;

	spin_lock(&rq->lock);
	self = rq->current;
	ASSERT(arch_preempt_count() == 1);
	account_locked(rq, now);
	rq->stats.schedules++;
	if (why == SWITCH_YIELD) {
		rq->stats.yields++;
		self->class->yield(rq, self);
	}
	release_due(rq, now);
	stays = may_stay(rq, self, forced);
	if (cpu_count > 1 && balance_pull(rq, stays ? self : NULL, now))
		stays = may_stay(rq, self, forced); /* the lock was dropped */
	atomic_store_explicit(&arch_this_cpu()->resched, 0, memory_order_relaxed);
	arch_this_cpu()->sched_passes++;
	next = choose(rq, stays ? self : NULL, now);
	if (next == self) {
		program_tick(rq, self, now);
		spin_unlock(&rq->lock);
		return;
	}
	if (stays)
		exchange_locked(rq, self, next, now);
	else
		replace_locked(rq, self, next, now, forced);
	switch_to(rq, self, next, now, forced);
}

static void schedule_for(enum switch_reason why)
{
	uint64_t flags;

	lockdep_assert_may_sleep();
	log_wake_readers();
	flags = arch_irq_save();
	switch_away(why);
	arch_irq_restore(flags);
}

void schedule(void)
{
	schedule_for(SWITCH_ASKED);
}

/* A look without the lock will do: who becomes ready later asks for a switch. */
static bool yield_matters(void)
{
	const struct runq *rq;
	bool matters;

	preempt_disable();
	rq = this_runq();
	matters = READ_ONCE(rq->ready_count) != 0 || rq->current->class == &iso_class;
	preempt_enable();
	return matters;
}

void sched_yield(void)
{
	if (yield_matters())
		schedule_for(SWITCH_YIELD);
	else
		log_wake_readers();
}

void preempt_schedule(void)
{
	uint64_t flags;

	if (arch_this_cpu()->irq_depth || !arch_irqs_enabled())
		return;
	log_wake_readers();
	flags = arch_irq_save();
	if (arch_resched_pending())
		switch_away(SWITCH_FORCED);
	arch_irq_restore(flags);
}

/* Interrupts are off and stay off until the interrupted context gets its flags back. */
void trap_irq_exit(void)
{
	if (!arch_resched_pending() || arch_this_cpu()->irq_depth)
		return;
	log_wake_readers();
	switch_away(SWITCH_FORCED);
}

void task_exit(void)
{
	loans_leave();
	arch_irq_disable();
	atomic_store_explicit(&current_task()->state, TASK_DEAD, memory_order_relaxed);
	switch_away(SWITCH_ASKED);
	__builtin_unreachable();
}

/* --- start-up and idling ----------------------------------------------------------------------------- */

void sched_init(void)
{
	boot_idle.canary = arch_this_cpu()->canary;
	runq_init(&boot_runq, arch_this_cpu(), &boot_idle);
	loadavg_init();
}

void sched_idle(void)
{
	cpumask_set_atomic(&cpus_idle, arch_this_cpu()->id);
	for (;;) {
		log_wake_readers();
		arch_irq_disable();
		if (arch_resched_pending()) {
			switch_away(SWITCH_ASKED);
			arch_irq_enable();
		} else {
			idle_wait();
		}
	}
}

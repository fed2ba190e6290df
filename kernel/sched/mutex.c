/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: one compare-and-exchange when free, a queue when not.
 *
 * While somebody waits, bit 0 of the owner word is set.  Then neither locking nor unlocking can be done by
 * the one instruction, so both go through m->lock, and as long as that is held the owner stays the owner.
 * Unlocking leaves the mutex free and wakes the first waiter.  A latecomer that spins or runs already may
 * take it before the woken one arrives, which is cheaper than a switch for each turn; but only once: a first
 * waiter that lost asks to be given the mutex by hand.
 *
 * Priority inheritance: a waiter that is more urgent than the owner lends it its urgency.  If the owner waits
 * for another mutex itself, that one's owner is lent it too, and so on for CHAIN_MAX steps.  The walk holds
 * the lock of one mutex while it takes the next, against the usual order and therefore only by trying.  An
 * owner keeps what it was lent until it has let go of the last mutex that it was lent for.
 *
 * Order: m->lock, then the loan lock of a task (its blocked_on and loans: loan.c), then run queues.
 */
#include <kernel/mutex.h>

#include <kernel/assert.h>
#include <kernel/lockdep.h>
#include <kernel/lockstat.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#include "sched_priv.h"

#define WAITERS   1ul
#define CHAIN_MAX 8
#define TRIES_MAX 1000
/* Longer than most owners need that only move some lists; much shorter than a switch forth and back. */
#define SPIN_NS (5 * NSEC_PER_USEC)

/* A place in the queue, on the waiter's stack. */
struct mutex_waiter {
	struct list link; /* [mutex.lock] */
	struct task *task;
	struct mutex *mutex;
	uint64_t urgency; /* [mutex.lock] by which it was queued */
	bool granted;     /* [mutex.lock] the mutex was handed over to it */
};

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	*m = (struct mutex)MUTEX_INIT(*m, name, rank);
}

static struct task *owner_of(const struct mutex *m)
{
	return (struct task *)(atomic_load_explicit(&m->owner, memory_order_relaxed) & ~WAITERS);
}

static inline bool take(struct mutex *m)
{
	uintptr_t none = 0;

	return atomic_compare_exchange_strong_explicit(&m->owner, &none, (uintptr_t)current_task(),
						       memory_order_acquire, memory_order_relaxed);
}

/* --- lending ------------------------------------------------------------------------------------- */

static void insert_locked(struct mutex *m, struct mutex_waiter *w)
{
	struct mutex_waiter *other;

	w->urgency = READ_ONCE(w->task->urgency);
	list_for_each (other, &m->waiters, link)
		if (w->urgency < other->urgency)
			break;
	list_add_tail(&other->link, &w->link); /* in front of `other`, or at the end */
}

static void lend_owner_locked(struct mutex *m, struct task *owner, struct task *donor)
{
	spin_lock(loan_lock(owner));
	if (!m->lent) {
		m->lent = true;
		owner->loans++;
	}
	sched_lend(owner, donor);
	spin_unlock(loan_lock(owner));
}

/* `w` may have become more urgent.  False: it waits no longer, it was handed the mutex. */
static bool requeue_locked(struct mutex_waiter *w)
{
	if (w->granted)
		return false;
	list_del(&w->link);
	insert_locked(w->mutex, w);
	return true;
}

/* The mutex that `owner` waits for, locked, with its place in that queue set right; NULL: it waits for none.
 * Whoever has that lock may need the loan lock, which therefore is not kept from one try to the next. */
static struct mutex *lock_next(struct task *owner)
{
	struct mutex *next = NULL;
	struct mutex_waiter *w;

	for (int tries = 0; tries < TRIES_MAX && !next; tries++) {
		spin_lock(loan_lock(owner));
		w = owner->blocked_on;
		if (w && spin_trylock(&w->mutex->lock))
			next = w->mutex;
		spin_unlock(loan_lock(owner));
		if (!w)
			return NULL;
	}
	if (next && !requeue_locked(w)) {
		spin_unlock(&next->lock);
		return NULL;
	}
	return next;
}

/* Would the loan change nothing, now and when the owner returns what others lent it? */
static bool needs_no_loan(const struct task *owner, const struct task *donor)
{
	return READ_ONCE(owner->urgency) <= READ_ONCE(donor->urgency) && !has_loans(owner);
}

/* The running task is going to wait for `m`, whose lock it holds. */
static void lend_along_locked(struct mutex *m)
{
	struct task *self = current_task(), *owner = owner_of(m);
	struct mutex *at = m, *next;

	for (int depth = 0; owner && depth < CHAIN_MAX && !needs_no_loan(owner, self); depth++) {
		lend_owner_locked(at, owner, self);
		next = lock_next(owner); /* the owner stays the owner: `at` is locked */
		if (at != m)
			spin_unlock(&at->lock);
		at = next;
		if (!at)
			return;
		owner = owner_of(at);
	}
	if (at != m)
		spin_unlock(&at->lock);
}

/* The running task lets go of `m`. */
static void return_loan_locked(struct mutex *m)
{
	struct task *self = current_task();

	if (!m->lent)
		return;
	m->lent = false;
	spin_lock(loan_lock(self));
	self->loans--;
	if (!has_loans(self))
		sched_lend(self, NULL);
	spin_unlock(loan_lock(self));
}

static void set_blocked_on(struct mutex_waiter *w)
{
	struct task *self = current_task();

	spin_lock(loan_lock(self));
	self->blocked_on = w;
	spin_unlock(loan_lock(self));
}

/* --- waiting ------------------------------------------------------------------------------------- */

/* The CPU that runs `task` now, or MAX_CPUS.  The task may be gone: its address alone is looked at. */
static uint32_t cpu_that_runs(const struct task *task)
{
	uint32_t n = READ_ONCE(cpu_count);

	for (uint32_t i = 0; i < n; i++) {
		if (READ_ONCE(cpus[i]->current) == task)
			return i;
	}
	return MAX_CPUS;
}

/* Who runs on another CPU may be done soon.  With others in the queue it is their turn. */
static bool spin_for(struct mutex *m)
{
	uintptr_t owner = atomic_load_explicit(&m->owner, memory_order_relaxed);
	uint64_t end;
	uint32_t cpu;

	if (cpu_count == 1 || (owner & WAITERS))
		return false;
	if (owner == 0)
		return take(m);
	cpu = cpu_that_runs((const struct task *)owner);
	if (cpu == MAX_CPUS)
		return false;
	end = time_now_ns() + SPIN_NS;
	while (atomic_load_explicit(&m->owner, memory_order_relaxed) == owner) {
		if ((uintptr_t)READ_ONCE(cpus[cpu]->current) != owner || arch_resched_pending() ||
		    time_now_ns() >= end)
			return false;
		arch_cpu_relax();
	}
	return take(m);
}

/* Take the mutex if it is free or was handed over; else see to it that its owner finds the waiters. */
static bool take_queued_locked(struct mutex *m, struct mutex_waiter *w)
{
	uintptr_t self = (uintptr_t)w->task;

	if (!w->granted) {
		if (atomic_fetch_or_explicit(&m->owner, WAITERS, memory_order_acquire) & ~WAITERS)
			return false;
		if (m->handover && m->waiters.next != &w->link)
			return false;
		m->handover = false;
		list_del(&w->link);
	}
	atomic_store_explicit(&m->owner, self | (list_empty(&m->waiters) ? 0 : WAITERS),
			      memory_order_relaxed);
	return true;
}

/* On its own, so that the free case does not pay for the waiter on the stack. */
static __noinline void wait_for(struct mutex *m)
{
	struct mutex_waiter w = { .task = current_task(), .mutex = m };
	uint64_t began = arch_cycles(), flags;

	ASSERT(owner_of(m) != current_task());
	if (spin_for(m))
		goto out;
	flags = spin_lock_irqsave(&m->lock);
	set_blocked_on(&w); /* first: urgency lent from now on moves it in the queue */
	insert_locked(m, &w);
	while (!take_queued_locked(m, &w)) {
		lend_along_locked(m);
		atomic_store_explicit(&w.task->state, TASK_SLEEPING, memory_order_relaxed);
		spin_unlock_irqrestore(&m->lock, flags);
		schedule();
		flags = spin_lock_irqsave(&m->lock);
		if (!w.granted && m->waiters.next == &w.link)
			m->handover = true;
	}
	set_blocked_on(NULL);
	spin_unlock_irqrestore(&m->lock, flags);
out:
	lockstat_waited(m->name, arch_cycles() - began);
}

void mutex_lock(struct mutex *m)
{
	lockdep_mutex_acquire(m);
	if (unlikely(!take(m)))
		wait_for(m);
}

bool mutex_trylock(struct mutex *m)
{
	if (!take(m))
		return false;
	lockdep_sleep_tried(m->rank, m->name);
	return true;
}

static __noinline void unlock_and_wake(struct mutex *m)
{
	uint64_t flags = spin_lock_irqsave(&m->lock);
	struct mutex_waiter *first = list_first(&m->waiters, struct mutex_waiter, link);
	uintptr_t next = WAITERS;

	ASSERT(!list_empty(&m->waiters));
	return_loan_locked(m);
	if (m->handover) {
		m->handover = false;
		list_del(&first->link);
		first->granted = true;
		next = (uintptr_t)first->task | (list_empty(&m->waiters) ? 0 : WAITERS);
	}
	atomic_store_explicit(&m->owner, next, memory_order_release);
	/* It cannot be gone: it takes the lock before it goes on. */
	task_wake(first->task);
	spin_unlock_irqrestore(&m->lock, flags);
}

void mutex_unlock(struct mutex *m)
{
	uintptr_t self = (uintptr_t)current_task();

	DEBUG_ASSERT(mutex_held(m));
	lockdep_mutex_release(m);
	if (unlikely(!atomic_compare_exchange_strong_explicit(&m->owner, &self, 0, memory_order_release,
							      memory_order_relaxed)))
		unlock_and_wake(m);
}

bool mutex_held(const struct mutex *m)
{
	return owner_of(m) == current_task();
}

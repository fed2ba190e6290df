/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loans of urgency between tasks that wait for each other's answers; mutexes have their own (mutex.c) and
 * share the count.
 *
 * The loan lock of a task guards who lends to it (borrowed, loans, direct_loan) and for whom it waits
 * (lending, blocked_on), but that a direct loan comes and goes without it: handoff.h.  It is one of a pool
 * that never goes, so it may be taken for a task that could be gone, to find out.  A walk along the chain
 * holds the lock of one task while it takes the next, in no order and so only by trying.
 */
#include <kernel/loan.h>

#include <kernel/assert.h>

#include "sched_priv.h"

#define POOL      64u
#define TRIES_MAX 100

static struct spinlock pool[POOL] = {
	[0 ... POOL - 1] = SPINLOCK_INIT("loan", RANK_LOAN),
};

static inline struct spinlock *lock_of(const struct task *task)
{
	return &pool[(uintptr_t)task / 64 * 0x9e3779b97f4a7c15ull >> 58];
}

struct spinlock *loan_lock(const struct task *task)
{
	return lock_of(task);
}

void loan_begin(struct loan *loan)
{
	struct task *self = current_task();
	uint64_t flags = spin_lock_irqsave(lock_of(self));

	*loan = (struct loan){ .donor = self };
	ASSERT(!self->lending);
	self->lending = loan;
	spin_unlock_irqrestore(lock_of(self), flags);
}

static void return_locked(struct loan *loan)
{
	struct task *borrower = loan->borrower;
	bool lends = loan->donor, direct = borrower->direct_loan == loan;

	if (direct)
		WRITE_ONCE(borrower->direct_loan, NULL);
	else
		list_del(&loan->link);
	/* The loan may be gone from here on: loan_return() looks without the lock. */
	atomic_thread_fence(memory_order_release);
	WRITE_ONCE(loan->borrower, NULL);
	if (!lends)
		return;
	if (!direct)
		borrower->loans--;
	if (!has_loans(borrower) && unlikely(READ_ONCE(borrower->lent_urgency) != URGENCY_IDLE))
		sched_lend(borrower, NULL);
}

void loan_return(struct loan *loan)
{
	struct task *borrower = READ_ONCE(loan->borrower);
	uint64_t flags;

	if (!borrower)
		return;
	/* It may leave meanwhile, and its memory with it, but then it has taken itself out. */
	flags = spin_lock_irqsave(lock_of(borrower));
	if (loan->borrower)
		return_locked(loan);
	spin_unlock_irqrestore(lock_of(borrower), flags);
}

/* Nobody finds the loan of `donor` any more; but who has found it holds the lock until it is done with it. */
static void wait_for_walks(const struct task *donor)
{
	atomic_thread_fence(memory_order_seq_cst);
	spin_unlock_irqrestore(lock_of(donor), spin_lock_irqsave(lock_of(donor)));
}

void loan_end(struct loan *loan)
{
	struct task *self = current_task();

	loan_return(loan);
	WRITE_ONCE(self->lending, NULL);
	wait_for_walks(self);
}

void loan_settle(struct task *donor)
{
	struct task *self = current_task();
	uint64_t flags;

	wait_for_walks(donor);
	flags = spin_lock_irqsave(lock_of(self));
	if (!has_loans(self) && self->lent_urgency != URGENCY_IDLE)
		sched_lend(self, NULL);
	spin_unlock_irqrestore(lock_of(self), flags);
}

/* Whom `from`, whose loan lock is held, waits for, with its lock held too.  NULL: nobody, or no luck. */
static struct task *lock_next(struct task *from)
{
	struct spinlock *held = lock_of(from);
	struct loan *loan;

	/* loan_end() relies on it: the lock was taken before the loan is looked at. */
	atomic_thread_fence(memory_order_seq_cst);
	loan = READ_ONCE(from->lending);
	for (int tries = 0; loan && tries < TRIES_MAX; tries++) {
		struct task *next = READ_ONCE(loan->borrower);

		if (!next)
			return NULL;
		if (lock_of(next) != held && !spin_trylock(lock_of(next)))
			continue;
		if (READ_ONCE(loan->borrower) == next)
			return next;
		if (lock_of(next) != held)
			spin_unlock(lock_of(next));
	}
	return NULL;
}

/* `at` was lent to by `donor`, and its lock is held: so is whoever it waits for.  Lets go of the lock. */
static void lend_along(struct task *at, struct task *donor, uint64_t flags)
{
	for (int depth = 1; depth < LOAN_CHAIN_MAX; depth++) {
		struct task *next = lock_next(at);

		if (!next)
			break;
		sched_lend(next, donor);
		if (lock_of(next) != lock_of(at))
			spin_unlock(lock_of(at));
		at = next;
	}
	spin_unlock_irqrestore(lock_of(at), flags);
}

/* The borrower's lock is held; lets go of it. */
static void lend_locked(struct loan *loan, struct task *borrower, uint64_t flags)
{
	WRITE_ONCE(loan->borrower, borrower);
	list_add_tail(&borrower->borrowed, &loan->link);
	borrower->loans++;
	sched_lend(borrower, loan->donor);
	lend_along(borrower, loan->donor, flags);
}

void loan_give(struct loan *loan, struct task *borrower)
{
	loan_return(loan);
	/* Who calls a port that only it serves waits for its time-out. */
	if (borrower != loan->donor)
		lend_locked(loan, borrower, spin_lock_irqsave(lock_of(borrower)));
}

void loan_mark(struct loan *mark)
{
	struct task *self = current_task();
	uint64_t flags;

	if (READ_ONCE(mark->borrower) == self)
		return;
	loan_return(mark);
	flags = spin_lock_irqsave(lock_of(self));
	WRITE_ONCE(mark->borrower, self);
	list_add_tail(&self->borrowed, &mark->link);
	spin_unlock_irqrestore(lock_of(self), flags);
}

void loan_follow(struct loan *loan, const struct loan *other)
{
	struct task *borrower = READ_ONCE(other->borrower);
	uint64_t flags;

	loan_return(loan);
	if (!borrower || borrower == loan->donor)
		return;
	flags = spin_lock_irqsave(lock_of(borrower));
	/* If not, it may be gone. */
	if (READ_ONCE(other->borrower) == borrower)
		lend_locked(loan, borrower, flags);
	else
		spin_unlock_irqrestore(lock_of(borrower), flags);
}

void loans_leave(void)
{
	struct task *self = current_task();
	uint64_t flags = spin_lock_irqsave(lock_of(self));

	if (self->direct_loan)
		return_locked(self->direct_loan);
	while (!list_empty(&self->borrowed))
		return_locked(list_first(&self->borrowed, struct loan, link));
	spin_unlock_irqrestore(lock_of(self), flags);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loans of urgency: a task that waits for another one lets that run as urgently as itself (sched_lend).
 *
 * A loan is a record of the waiting task, the donor, usually on its stack.  While it lasts the borrower also
 * passes on what it is lent itself: a donor that becomes more urgent while it waits makes everybody along the
 * chain of loans so, for LOAN_CHAIN_MAX steps.  A borrower keeps what it was lent until its last loan, of
 * mutexes too, is returned.
 */
#pragma once

#include <kernel/list.h>

struct task;

#define LOAN_CHAIN_MAX 8

struct loan {
	struct task *donor;    /* [i]; NULL: a mark */
	struct task *borrower; /* its loan lock; NULL: none, or it has gone */
	struct list link;      /* its loan lock: in task.borrowed */
};

/* The running task is going to wait for somebody.  One loan at a time. */
void loan_begin(struct loan *loan);
/* Lend to `borrower`, from now on instead of whom it was lent to before.  Both tasks are alive, and the
 * caller sees to it that a loan has one giver at a time.  Spinlocks up to RANK_WAITQUEUE may be held. */
void loan_give(struct loan *loan, struct task *borrower);
/* The running task is who `mark` names, until it leaves or loan_return(): for loan_follow() to find.  A mark
 * lends nothing, and is not begun or ended; it is zero at first. */
void loan_mark(struct loan *mark);
/* As loan_give(), to whoever borrows by `other` or is named by it, if anybody does. */
void loan_follow(struct loan *loan, const struct loan *other);
void loan_return(struct loan *loan);
/* The running task waits no longer. */
void loan_end(struct loan *loan);
/* The running task has ended a direct loan of `donor`, and somebody is looking at it, or has made the running
 * task more urgent by it: wait for that one, and give it back.  See kernel/sched/handoff.h. */
void loan_settle(struct task *donor);
/* The running task leaves for good: all that it was lent goes back. */
void loans_leave(void);

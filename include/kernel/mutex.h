/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping lock with priority inheritance.  Never taken in interrupt handlers or while holding a spinlock.
 * Ranked as spinlocks are; the rank check follows the task, not the CPU.
 *
 * Who waits lends the owner its urgency (sched_lend), and what the owner waits for in turn; the most urgent
 * waiter is served first, the oldest among equals.  Unlocking looks at the waiters after another task may
 * have the mutex: what it lies in must live until mutex_unlock() returns.
 */
#pragma once

#include <kernel/wait.h>

struct task;

struct mutex {
	_Atomic uintptr_t owner; /* the task that has it, with bit 0 set while somebody waits; 0: free */
	struct spinlock lock;    /* RANK_WAITQUEUE */
	struct list waiters;     /* [lock] the most urgent first, then the oldest */
	bool handover;           /* [lock] the first waiter lost to a latecomer: it gets the mutex next */
	bool lent;               /* [lock] somebody lent the owner urgency for this mutex */
	uint16_t rank;
	const char *name;
};

#define MUTEX_INIT(m, mutex_name, mutex_rank)                                                      \
	{                                                                                          \
		.lock = SPINLOCK_INIT("mutex", RANK_WAITQUEUE), .waiters = LIST_INIT((m).waiters), \
		.rank = (mutex_rank), .name = (mutex_name)                                         \
	}

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m) __must_check;
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m); /* by the running task */

/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping lock.  Never taken in interrupt handlers or while holding a spinlock.  Ranked as spinlocks
 * are; the rank check follows the task, not the CPU.  Unlocking looks at the waiters after another task may
 * have the mutex: what it lies in must live until mutex_unlock() returns. */
#pragma once

#include <kernel/wait.h>

struct task;

struct mutex {
	_Atomic(struct task *) owner; /* NULL: free */
	struct waitqueue wq;
	uint16_t rank;
	const char *name;
};

#define MUTEX_INIT(m, mutex_name, mutex_rank)                                            \
	{                                                                                \
		.wq = WAITQUEUE_INIT((m).wq), .rank = (mutex_rank), .name = (mutex_name) \
	}

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m) __must_check;
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m); /* by the running task */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved CPU time: an ISO server (kernel/sched/iso_server.h) that exists apart from tasks, `runtime` in
 * each `period`, which is also the deadline.  Its bandwidth is admitted when it is opened and given back when
 * it is closed.  In between one task at a time may have it, and is an ISO task meanwhile.
 *
 *	OPEN --bind--> BOUND --unbind, or the task leaves--> OPEN --close-->
 *
 * A task that is bound was of class FAIR or BATCH before and is that again afterwards.  What was used of the
 * period stays used whoever has the server next, so changing tasks or sizes never makes more of it than
 * runtime per period; nor does lending, for a task with a reservation lends only what it had without
 * (sched_lend).
 *
 * One lock (RANK_RESERVATION, interrupts off) covers who has what; inside it the task's run queue is locked,
 * whose holder sees task->reservation stand still.  Tasks leave, before their end, on their own; so a
 * reservation's task is there as long as the lock is held.  Nothing here sleeps, and nothing is on the way of
 * a switch or a wake-up.
 */
#pragma once

#include <kernel/sched.h>

/* [l] the lock of reservations */
struct reservation {
	uint64_t runtime_ns, period_ns; /* [l] */
	uint64_t bandwidth;             /* [l] admitted */
	struct task *task;              /* [l] NULL: nobody's */
	void *key;                      /* [l] the last binding's */
	struct sched_iso server;        /* [l] as the last task left it, while there is none */
};

struct reservation_state {
	uint64_t runtime_ns, period_ns;
	uint64_t used_ns; /* CPU time, of all tasks that had it */
	uint64_t number;  /* of the task that has it; 0: none */
};

/* -EINVAL: no sensible times; -EBUSY: more than can be admitted. */
int reservation_open(struct reservation *r, uint64_t runtime_ns, uint64_t period_ns) __must_check;
/* Nobody uses it any more; a task that has it loses it.  The last binding's key, or NULL. */
void *reservation_close(struct reservation *r);

/*
 * The task has it from now on.  -EBUSY: another one has it, or the task has an urgent policy already; -EPERM:
 * it may not run on every CPU.  `key` is the binding's name, not NULL; *stale is that of the one before, or
 * NULL, which nothing refers to any more.  The task does not end meanwhile.
 */
int reservation_bind(struct reservation *r, struct task *task, void *key, void **stale) __must_check;
/* The binding of that name (NULL: whichever there is) ends; false: there is none. */
bool reservation_unbind(struct reservation *r, const void *key);
void reservation_leave_slowly(void);
/* The running task gives up what it has. */
static inline void reservation_leave(void)
{
	if (unlikely(READ_ONCE(current_task()->reservation)))
		reservation_leave_slowly();
}

/* Other times, whether it is bound or not; what is left of the present period is not more than before.
 * Errors as of reservation_open, and nothing changes then. */
int reservation_resize(struct reservation *r, uint64_t runtime_ns, uint64_t period_ns) __must_check;
/* `number` says how a task is to be called. */
void reservation_look(struct reservation *r, struct reservation_state *out,
		      uint64_t (*number)(const struct task *task));

/* SPDX-License-Identifier: BSD-2-Clause */
/* Run queues: one for each CPU. */
#pragma once

#include <kernel/sched.h>
#include <kernel/time.h>

struct runq {
	struct spinlock lock;        /* RANK_RUNQ */
	struct list ready;           /* [lock] runnable tasks but the running one */
	uint32_t ready_count;        /* [lock] */
	struct task *current;        /* [lock] */
	struct task *idle;           /* [i] */
	struct task *previous;       /* [lock] switched out last; finish_switch looks after it */
	struct timer tick;           /* armed while a task other than idle runs */
	uint64_t switches;           /* [lock] */
	uint64_t idle_ns;            /* [lock] */
	uint64_t user_ns, system_ns; /* [lock] */
};

struct runq *runq_of(struct task *task);
/* Charge the time since the last charge to the running task.  Lock held. */
void account_locked(struct runq *rq, uint64_t now_ns);
/* A task becomes runnable.  Lock held. */
void runq_add_locked(struct runq *rq, struct task *task);

void loadavg_init(void);
void loadavg_read(uint32_t out[3]);

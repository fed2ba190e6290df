/* SPDX-License-Identifier: BSD-2-Clause */
/* Run queues: one for each CPU. */
#pragma once

#include <kernel/sched.h>
#include <kernel/time.h>

struct runq {
	struct spinlock lock;        /* RANK_RUNQ; two: by cpu id */
	uint32_t cpu;                /* [i] */
	struct list ready;           /* [lock] runnable tasks but the running one */
	uint32_t ready_count;        /* [lock] */
	struct task *current;        /* [lock] */
	struct task *idle;           /* [i] */
	struct task *previous;       /* [lock] switched out last; finish_switch looks after it */
	struct timer tick;           /* armed, by its own CPU only, while a task other than idle runs */
	uint64_t switches;           /* [lock] */
	uint64_t idle_ns;            /* [lock] */
	uint64_t user_ns, system_ns; /* [lock] */
};

static inline struct runq *runq_of_cpu(uint32_t cpu)
{
	return cpus[cpu]->runq;
}

/* Lock the run queue that `task` belongs to: it may move as long as that is not held. */
struct runq *runq_lock_task(struct task *task, uint64_t *flags);
/* Lock that queue and `cpu`'s, which may be the same.  Interrupts are off. */
struct runq *runq_lock_task_and(struct task *task, uint32_t cpu);
/* Unlock what runq_lock_task_and locked; interrupts stay off. */
void runq_unlock_both(struct runq *rq, uint32_t cpu);

/* CPUs that take tasks, and those of them that have nothing to run. */
extern struct cpumask runqs_active;
extern struct cpumask runqs_idle;
/* Where a task that wakes up or starts had best run. */
uint32_t place_task(const struct task *task);

/* Charge the time since the last charge to the running task.  Lock held. */
void account_locked(struct runq *rq, uint64_t now_ns);
/* A task becomes runnable.  Lock held. */
void runq_add_locked(struct runq *rq, struct task *task);

void runq_init(struct runq *rq, struct cpu *cpu, struct task *idle);
void sched_tick(struct timer *timer);
void loadavg_init(void);
void loadavg_read(uint32_t out[3]);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chronos: tasks and run queues.
 *
 * A task is what the scheduler runs: a kernel stack, a saved context, a state.  User threads embed one
 * (kernel/process.h), kernel threads are one.  States:
 *
 *	RUNNABLE <-> (on a run queue, or running)
 *	RUNNING -> SLEEPING (interruptible or not) -> RUNNABLE   by wait queues
 *	RUNNING -> STOPPED -> RUNNABLE                            job control
 *	RUNNING -> DEAD                                           task_exit(); freed by the next task
 *
 * Legend: [i] immutable after task_init, [r] run-queue lock, [o] the task itself, [a] atomic.
 */
#pragma once

#include <arch/context.h>
#include <kernel/cpumask.h>
#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

#define TASK_NAME_LEN     16
#define KERNEL_STACK_SIZE 16384ul

enum task_state {
	TASK_RUNNABLE,
	TASK_SLEEPING,
	TASK_SLEEPING_INTR, /* a signal wakes it */
	TASK_STOPPED,
	TASK_DEAD,
};

/* Bits of task.work, checked on the way back to user mode. */
#define TASK_WORK_SIGNAL (1u << 0) /* signals to look at: interruptible sleeps end */
#define TASK_WORK_EXIT   (1u << 1) /* the process is exiting: leave at the next safe point */

struct vm_space;

struct task {
	struct arch_context context; /* [r] saved while not running */
	void *kernel_stack;          /* [i] lowest address; a guard page lies below */
	struct vm_space *vm;         /* [o] NULL: kernel thread, runs in whatever space is loaded */
	_Atomic uint32_t state;      /* [a] enum task_state; changed to RUNNABLE under [r] */
	_Atomic uint32_t work;       /* [a] TASK_WORK_* */
	_Atomic uint32_t on_cpu;     /* [a] its context is live on some CPU */
	uint32_t cpu;                /* [r] where it last ran */
	struct list run_link;        /* [r] */
	bool on_runq;                /* [r] */
	bool user;                   /* [i] embedded in a struct thread */
	uint8_t held_locks;          /* [o] debug: depth of held_ranks */
	uint16_t held_ranks[16];     /* [o] debug: mutexes held, in order */
	uint64_t slice_end_ns;       /* [r] */
	uint64_t accounted_ns;       /* [r] CPU time is charged up to here */
	uint64_t user_ns, system_ns; /* [r] CPU time; the split follows the last tick's mode */
	bool last_tick_user;         /* [r] */
	void (*entry)(void *);       /* [i] */
	void *entry_arg;             /* [i] */
	uint64_t switches_voluntary, switches_forced; /* [r] */
	/* Called once, on another stack, after DEAD: frees the task's memory.  Must not sleep. [i] */
	void (*release)(struct task *task);
	uint64_t canary;          /* [i] of its stack frames: switched with the task */
	char name[TASK_NAME_LEN]; /* [o] */
};

/* Create the boot CPU's run queue and turn the running context into its idle task. */
void sched_init(void);

/* Prepare a task that starts in entry(arg) on a stack of its own, not yet runnable.  -ENOMEM. */
int task_init(struct task *task, const char *name, void (*entry)(void *), void *arg,
	      void (*release)(struct task *)) __must_check;
/* Undo task_init for a task that never ran. */
void task_fini(struct task *task);
/* Make a new task runnable. */
void task_start(struct task *task);
/* A kernel thread of its own; NULL when out of memory.  Its memory goes when entry returns. */
struct task *kthread_create(const char *name, void (*entry)(void *), void *arg);

/* The running task leaves for good. */
void task_exit(void) __noreturn;

/* Give up the CPU.  The state set before decides whether it runs again by itself. */
void schedule(void);
void sched_yield(void);
/* Make a sleeping (STOPPED when `from` says so) task runnable; true if it was not.  Any context. */
bool task_wake(struct task *task);
bool task_wake_from(struct task *task, enum task_state from);
/* Set work bits and, for interruptible sleepers, wake. */
void task_set_work(struct task *task, uint32_t bits);

/* What each CPU does when its start-up is over: from here on it takes tasks. */
void sched_idle(void) __attribute__((noreturn));

/* Sleep until the monotonic deadline.  0, or -EINTR. */
int sleep_until(uint64_t deadline_ns, bool interruptible);

/* Load the address space of the running task after task->vm changed (exec, exit). */
void task_switch_vm(struct vm_space *vm);

/*
 * How a task is scheduled.  `policy` is one of SCHED_* (serix/abi_sched.h); it gives the class:
 *	ISO       SCHED_DEADLINE: earliest deadline first within a constant-bandwidth server
 *	REALTIME  SCHED_FIFO, SCHED_RR, by rt_priority
 *	FAIR      SCHED_OTHER, weighted by nice
 *	BATCH     SCHED_BATCH, SCHED_IDLE: what is left over
 */
struct sched_policy {
	uint8_t policy;
	uint8_t rt_priority;                         /* 1 to 99, REALTIME only, else 0 */
	int8_t nice;                                 /* -20 to 19 */
	bool reset_on_fork;                          /* the child starts as SCHED_OTHER, nice 0 or above */
	uint64_t runtime_ns, deadline_ns, period_ns; /* ISO only; runtime <= deadline <= period */
};
/* -EINVAL (fields do not fit), -EBUSY (the ISO load would not be schedulable).  Rights are the caller's to
 * check.  Any task, running or not. */
int sched_set_policy(struct task *task, const struct sched_policy *policy) __must_check;
void sched_get_policy(struct task *task, struct sched_policy *out);
/* Where it may run: -EINVAL when no online CPU is in the mask.  Moves it at once when it must.  May sleep. */
int sched_set_affinity(struct task *task, const struct cpumask *mask) __must_check;
void sched_get_affinity(struct task *task, struct cpumask *out);
/* Priority inheritance: run `task` at least as urgently as `donor` until called with NULL. */
void sched_lend(struct task *task, struct task *donor);

/* Run queue and idle task of another CPU, before it starts: its idle task, or NULL when out of memory. */
struct task *sched_prepare_cpu(struct cpu *cpu);

/* Of one CPU; `cpu` < cpu_count. */
struct sched_cpu_stats {
	uint64_t switches, runnable;
	uint64_t idle_ns, user_ns, system_ns;
};
void sched_get_cpu_stats(uint32_t cpu, struct sched_cpu_stats *out);
/* Of all CPUs together. */
struct sched_stats {
	uint64_t switches, runnable, tasks;
	uint64_t idle_ns, user_ns, system_ns;
	uint32_t load[3]; /* 1, 5, 15 minutes, fixed point with 11 fraction bits, as Linux prints */
};
void sched_get_stats(struct sched_stats *out);
/* CPU time of a task, the running one included up to now. */
void task_times(struct task *task, uint64_t *user_ns, uint64_t *system_ns);

static inline struct task *current_task(void)
{
	return arch_current_task();
}

static inline bool signal_pending(void)
{
	return atomic_load_explicit(&current_task()->work, memory_order_relaxed) != 0;
}

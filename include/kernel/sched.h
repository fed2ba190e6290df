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
 * Classes, the most urgent first: ISO, REALTIME, FAIR, BATCH; the rules of each stand at the top of its file
 * in kernel/sched.  A waiting task may lend its urgency to the one it waits for (sched_lend).
 *
 * Legend: [i] immutable after task_init, [r] lock of the run queue that it belongs to (task->cpu), [o] the
 * task itself, [a] atomic.
 */
#pragma once

#include <arch/context.h>
#include <kernel/cpumask.h>
#include <kernel/kasan.h>
#include <kernel/list.h>
#include <kernel/mempolicy.h>
#include <kernel/refcount.h>
#include <kernel/sched_entity.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

#define TASK_NAME_LEN     16
#define KERNEL_STACK_SIZE (16384ul * KASAN_STACK_FACTOR)

enum task_state {
	TASK_RUNNABLE,
	TASK_SLEEPING,
	TASK_SLEEPING_INTR, /* a signal wakes it */
	TASK_STOPPED,
	TASK_DEAD,
};

/* Bits of task.work, checked on the way back to user mode. */
#define TASK_WORK_SIGNAL  (1u << 0) /* signals to look at: interruptible sleeps end */
#define TASK_WORK_EXIT    (1u << 1) /* the process is exiting: leave at the next safe point */
#define TASK_WORK_REVOKED (1u << 2) /* a capability was revoked: calls that sleep begin anew and look again */
#define TASK_WORK_KILLED  (1u << 3) /* SIGKILL waits for it or its process */
#define TASK_WORK_RING    (1u << 5) /* requests of rings are ready: as if something was revoked */
#define TASK_WORK_RSEQ    (1u << 4) /* switched to, with restartable sequences: no sleep ends for it */

struct vm_space;
struct sched_class;
struct mutex_waiter;
struct reservation;
struct spinlock;
struct loan;

struct task {
	struct arch_context context;     /* [r] saved while not running */
	void *kernel_stack;              /* [i] lowest address; a guard page lies below */
	struct vm_space *vm;             /* [o] NULL: kernel thread, runs in whatever space is loaded */
	_Atomic uint32_t state;          /* [a] enum task_state; changed to RUNNABLE under [r] */
	_Atomic uint32_t work;           /* [a] TASK_WORK_* */
	_Atomic uint32_t on_cpu;         /* [a] its context is live on some CPU */
	uint32_t cpu;                    /* [r] where it last ran */
	bool on_runq;                    /* [r] queued; not set while it runs */
	bool started;                    /* [r] ran or was queued before */
	bool moving;                     /* [r] taken off a CPU where it may not run, on its way to another */
	bool strayed;                    /* [r] `cpu` is not, or no longer, in `affinity` */
	bool user;                       /* [i] embedded in a struct thread */
	bool leaving;                    /* [o] the thread exits: no monitor of page faults is waited for */
	bool restartable;                /* [o] has registered restartable sequences: TASK_WORK_RSEQ */
	uint8_t held_locks;              /* [o] debug: depth of held_ranks */
	uint16_t held_ranks[16];         /* [o] debug: mutexes held, in order */
	const struct sched_class *class; /* [r] its own, or a donor's */
	uint64_t urgency;                /* [r] what classes compare by: the smaller, the more urgent */
	struct sched_policy policy;      /* [r] as asked for */
	bool lent;                       /* [r] runs as a donor would */
	uint32_t lent_weight;            /* [r] 0: none */
	uint64_t lent_urgency;           /* [r] UINT64_MAX: none */
	struct mutex_waiter *blocked_on; /* its loan lock (kernel/sched/loan.c), as the next */
	struct loan *lending;            /* for whose answer it waits */
	struct list borrowed;            /* struct loan: who waits for its answers */
	struct loan *direct_loan;        /* the one that came with a handoff (kernel/sched/handoff.h) */
	struct spinlock *loan_lock;      /* [i] */
	uint32_t loans;                  /* borrowed ones, and mutexes that it has and was lent urgency for */
	struct sched_fair fair;
	struct sched_rt rt;
	struct sched_iso iso;
	struct reservation *reservation; /* [r], and the lock of reservations to change it; NULL: none */
	uint8_t base_policy;             /* [r] what it goes back to when that ends */
	struct cpumask affinity;         /* [r] */
	uint64_t accounted_ns;           /* [r] CPU time is charged up to here */
	uint64_t user_ns, system_ns;     /* [r] CPU time; the split follows the last tick's mode */
	bool last_tick_user;             /* [r] */
	void (*entry)(void *);           /* [i] */
	void *entry_arg;                 /* [i] */
	uint64_t switches_voluntary, switches_forced; /* [r] */
	uint64_t queued_ns;                           /* [r] since when it waits for a CPU */
	uint64_t wait_ns;                             /* [r] waited until it was queued last */
	uint64_t runs, migrations;  /* [r] times it was given a CPU; another CPU than before */
	uint64_t last_ran_ns;       /* [r] */
	uint64_t slept_at_ns;       /* [r] its CPU time when it went to sleep last */
	uint64_t burst_ns;          /* [r] CPU time between its last two sleeps; read anywhere */
	uint32_t ran_misses;        /* [r] its CPU's cache misses at that time */
	struct mempolicy mempolicy; /* [o] written; shown by others */
	uint32_t starved_nodes;     /* [o] what its last page that could not be had was bound to; 0: any */
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
/* Sleep until a task that is about to go to sleep in that state has done so, its context saved.  Nobody but
 * who wakes it has it run again: the caller sees to it that nobody does. */
void task_wait_until_off(struct task *task, enum task_state state);
/* Set work bits and, for interruptible sleepers, wake. */
void task_set_work(struct task *task, uint32_t bits);
/* The same where it does not matter to a task in user mode. */
void task_interrupt(struct task *task, uint32_t bits);

/* It counts as interrupted in a restartable sequence, if it has registered any (kernel/proc/rseq.c).  For a
 * task that this CPU runs or is about to run; also from interrupts. */
static inline void task_interrupt_sequence(struct task *task)
{
	if (unlikely(task->restartable))
		atomic_fetch_or_explicit(&task->work, TASK_WORK_RSEQ, memory_order_relaxed);
}

/*
 * Handing the CPU over: the running task goes to sleep, and one that sleeps in the same way runs at once in
 * its place, for less than waking the one and putting the other to sleep costs (kernel/sched/handoff.c).
 *
 *	if (!handoff_begin(next, TASK_SLEEPING_INTR))
 *		...the ordinary way: nothing has changed
 *	...what `next` is to find; unlock all spinlocks
 *	handoff_switch();
 *	...woken, as from schedule(): look at why
 *
 * False: it is not certain that `next` would be the one to run here, or a signal waits that would end the
 * sleep; interrupts are on.  True: interrupts are off and both tasks stay as they are until the switch, so
 * nobody else wakes `next`, and whoever wakes the caller waits until its switch is over.  What keeps `next`
 * there is the caller's to hold.
 */
bool handoff_begin(struct task *next, enum task_state state) __must_check;
void handoff_switch(void);

/* What each CPU does when its start-up is over: from here on it takes tasks. */
void sched_idle(void) __attribute__((noreturn));

/* Sleep until the monotonic deadline.  0, or -EINTR. */
int sleep_until(uint64_t deadline_ns, bool interruptible);

/* Load the address space of the running task after task->vm changed (exec, exit). */
void task_switch_vm(struct vm_space *vm);

/* -EINVAL (fields do not fit), -EBUSY (the ISO load would not be schedulable), -EPERM (ISO for a task that
 * may not run on every CPU).  Rights are the caller's to check.  Any task, running or not, at once; its
 * bandwidth comes back when it leaves ISO or exits.  A reservation that it has ends. */
int sched_set_policy(struct task *task, const struct sched_policy *policy) __must_check;
/* Only the nice value; REALTIME and ISO tasks keep it for later. */
void sched_set_nice(struct task *task, int nice);
/* As asked for: what is lent does not show. */
void sched_get_policy(struct task *task, struct sched_policy *out);
/* The same; of a task with a reservation (kernel/reservation.h), what it has when that ends. */
void sched_get_base_policy(struct task *task, struct sched_policy *out);
/* What sched_rr_get_interval(2) says: the slice, 0 for FIFO and ISO. */
uint64_t sched_slice_ns(struct task *task);
/* A child of the running task starts with its policy, nice value and CPUs, or as reset_on_fork wants it.
 * -EAGAIN: ISO cannot be inherited. */
int sched_inherit(struct task *child) __must_check;

/* Where it may run: -EINVAL when no online CPU is in the mask, -EBUSY for an ISO task, which must be able to
 * run everywhere.  The running task has moved when this returns; one that runs elsewhere is interrupted to
 * move. */
int sched_set_affinity(struct task *task, const struct cpumask *mask) __must_check;
/* As asked for, and so perhaps with CPUs that do not exist. */
void sched_get_affinity(struct task *task, struct cpumask *out);

/*
 * Priority inheritance: run `task` at least as urgently as `donor`, as it is now, until called with NULL.
 * Lending again raises, never lowers.  What a task was lent it lends on: chains are the caller's to walk, and
 * to bound (kernel/sched/mutex.c).
 */
void sched_lend(struct task *task, struct task *donor);

/* Run queue and idle task of another CPU, before it starts: its idle task, or NULL when out of memory. */
struct task *sched_prepare_cpu(struct cpu *cpu);

/* One task's figures up to now, for /proc/pid/{sched,schedstat}. */
struct sched_task_stats {
	const char *class_name;    /* "ISO", "REALTIME", "FAIR", "BATCH": what it runs as now */
	uint32_t cpu;              /* where it runs, or ran last */
	uint32_t weight;           /* 1024 for nice 0 */
	uint64_t run_ns, wait_ns;  /* on a CPU; runnable but waiting for one */
	uint64_t runs, migrations; /* times it was given a CPU; another CPU than before */
	uint64_t switches_voluntary, switches_forced;
	uint64_t last_ran_ns;     /* monotonic; now for a running task */
	uint64_t vruntime_ns;     /* FAIR and BATCH */
	int64_t lag_ns;           /* FAIR and BATCH: CPU time it is owed (negative: owes) */
	uint64_t iso_deadline_ns; /* ISO: the current absolute deadline, */
	int64_t iso_budget_ns;    /* what is left until then, */
	uint64_t iso_misses;      /* and deadlines missed */
};
void sched_get_task_stats(struct task *task, struct sched_task_stats *out);

/* Of one CPU; `cpu` < cpu_count.  The second half is what /proc/schedstat shows. */
struct sched_cpu_stats {
	uint64_t switches, runnable;
	uint64_t idle_ns, user_ns, system_ns;
	uint64_t nice_ns;                /* the part of user_ns that tasks of a nice value above 0 had */
	uint64_t yields;                 /* sched_yield calls */
	uint64_t schedules, idles;       /* schedule() calls, and those that found nothing to run */
	uint64_t wakeups, wakeups_local; /* tasks queued here by a wake-up; by one on this CPU */
	uint64_t wait_ns, runs;          /* time tasks waited here for the CPU, times one got it */
	uint64_t handoffs;               /* by handoff_switch: a schedule, a local wake-up and a run each */
	uint64_t steals, balances;       /* tasks pulled from other CPUs: when idle, to even out */
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

/* Will the running task see user mode never again?  For sleeps that nothing else may end. */
static inline bool task_is_dying(void)
{
	return atomic_load_explicit(&current_task()->work, memory_order_relaxed) &
	       (TASK_WORK_EXIT | TASK_WORK_KILLED);
}

/* Is it a signal that interrupts the running task?  Not a revocation, say. */
static inline bool task_has_signal(void)
{
	return atomic_load_explicit(&current_task()->work, memory_order_relaxed) & TASK_WORK_SIGNAL;
}

static inline bool signal_pending_for(const struct task *task)
{
	return atomic_load_explicit(&task->work, memory_order_relaxed) & ~TASK_WORK_RSEQ;
}

static inline bool signal_pending(void)
{
	return signal_pending_for(current_task());
}

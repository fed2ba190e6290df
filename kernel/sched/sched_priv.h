/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chronos inside: run queues, and what a scheduling class is.
 *
 * Each CPU has a run queue; each class keeps its waiting tasks in a part of it.  The running task is on no
 * queue.  Every decision is made in choose() of sched.c, which compares the running task with the first one
 * of each class.  Locks, and how tasks move between CPUs: runq.c.
 */
#pragma once

#include <arch/pmu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <kernel/topology.h>
#include <kernel/vm.h>
#include <serix/abi_sched.h>

#include "fair_queue.h"
#include "iso_server.h"

#define RR_SLICE_NS    (100 * NSEC_PER_MSEC)
#define BATCH_SLICE_NS (4 * FAIR_SLICE_NS)
#define NEVER          UINT64_MAX
/* A task alone is looked at after this, then after twice as long and so on as long as it is found in the same
 * mode: to tell user from system time. */
#define SAMPLE_MIN_NS   (10 * NSEC_PER_MSEC)
#define SAMPLE_MAX_NS   (160 * NSEC_PER_MSEC)
#define RT_PRIORITY_TOP 99

/* struct task.urgency: one number to compare tasks of any class across CPUs; the smaller, the more urgent. */
#define URGENCY_REALTIME (1ull << 62) /* below it: deadlines of ISO tasks, in ns */
#define URGENCY_FAIR     (URGENCY_REALTIME + 100)
#define URGENCY_BATCH    (URGENCY_REALTIME + 101)
#define URGENCY_IDLE     UINT64_MAX

enum enqueue {
	ENQUEUE_JOIN, /* woke up, is new, or comes from another CPU or class */
	ENQUEUE_PUT,  /* ran here until now and could go on */
};

enum class_index {
	CLASS_ISO,
	CLASS_REALTIME,
	CLASS_FAIR,
	CLASS_BATCH,
	CLASS_COUNT,
	CLASS_IDLE = CLASS_COUNT
};

/*
 * The operations of a class, all under the run queue's lock.  A class counts nothing that struct runq counts.
 */
struct sched_class {
	const char *name;
	enum class_index index;
	/* Take a runnable task in, or out.  `leaves`: to sleep, to another CPU, to another class; else to
	 * run. */
	void (*enqueue)(struct runq *rq, struct task *task, enum enqueue how);
	void (*dequeue)(struct runq *rq, struct task *task, bool leaves);
	/* The one to run first; it stays in.  NULL: none. */
	struct task *(*first)(const struct runq *rq);
	/* The running task used `ns` of CPU time. */
	void (*charge)(struct runq *rq, struct task *task, uint64_t ns);
	/* Should `running` make way for `first`, both of this class? */
	bool (*makes_way)(const struct runq *rq, const struct task *running, const struct task *first,
			  uint64_t now);
	/* A task is given the CPU; the running one stops being runnable here (sleeps, dies, moves away). */
	void (*start)(struct task *task, uint64_t now);
	void (*stop)(struct runq *rq, struct task *task);
	/* sched_yield() */
	void (*yield)(struct runq *rq, struct task *task);
	/* When to look at the running task again; NEVER: no need. */
	uint64_t (*until)(const struct runq *rq, const struct task *task, uint64_t now);
};

extern const struct sched_class iso_class, realtime_class, fair_class, batch_class, idle_class;

struct realtime_queue {
	uint64_t ready[2]; /* a bit for each priority that has waiting tasks */
	struct list lists[RT_PRIORITY_TOP + 1];
	uint64_t window_start_ns, used_ns; /* CPU time in this window */
	bool throttled;                    /* until the window ends */
};

struct iso_queue {
	struct rb_tree ready;     /* by deadline */
	struct rb_tree suspended; /* out of budget: by the time of the next */
};

/* A handoff under way: to whom, and when. */
struct handoff {
	struct runq *rq;
	struct task *self, *next;
	uint64_t now_ns;
};

/* Legend: [l] lock, [i] immutable, [own] written by its CPU under the lock, read anywhere as a hint. */
struct runq {
	struct spinlock lock;         /* RANK_RUNQ; two: by cpu id */
	uint32_t cpu;                 /* [i] */
	uint32_t ready_count;         /* [l] runnable tasks but the running one; read anywhere */
	struct task *current;         /* [l] */
	struct task *idle;            /* [i] */
	struct fair_queue fair;       /* [l] */
	struct fair_queue batch;      /* [l] */
	int64_t batch_owed_ns;        /* [l] CPU time that BATCH tasks are owed for waiting */
	bool batch_first;             /* [l] they get it now */
	struct iso_queue iso;         /* [l] */
	struct realtime_queue rt;     /* [l] */
	struct task *previous;        /* [own] switched out last; finish_switch looks after it */
	bool retires;                 /* [own] `previous` has ended or has to move */
	struct handoff handoff;       /* [l] from handoff_begin to handoff_switch */
	struct timer tick;            /* armed by its own CPU only */
	uint64_t sample_ns;           /* [own] how long a task alone runs without a look at it */
	uint64_t urgency;             /* [l] of the running task; read anywhere */
	uint64_t waiting_urgency;     /* [l] of the first waiting ISO or REALTIME task; read anywhere */
	uint32_t running_weight;      /* [l] load of the running task; read anywhere */
	uint64_t next_balance_ns;     /* [own] */
	uint64_t next_rotate_ns;      /* [l] */
	uint32_t cache_misses;        /* [l] as of the last switch */
	struct sched_cpu_stats stats; /* [l]; `yields` and `schedules`: [own] */
};

static inline struct runq *runq_of_cpu(uint32_t cpu)
{
	return cpus[cpu]->runq;
}

static inline struct runq *this_runq(void)
{
	return arch_this_cpu()->runq;
}

/* What counts for an average or a choice within FAIR: the running task if it is of that class. */
static inline const struct sched_fair *running_of(const struct runq *rq, const struct sched_class *class)
{
	return rq->current->class == class ? &rq->current->fair : NULL;
}

/* --- runq.c ----------------------------------------------------------------------------------------- */

void runq_init(struct runq *rq, struct cpu *cpu, struct task *idle);
/* Lock the run queue that `task` belongs to: it may move as long as that is not held. */
struct runq *runq_lock_task(struct task *task, uint64_t *flags);
/* Lock that queue and `cpu`'s, which may be the same; interrupts are off. */
struct runq *runq_lock_task_and(struct task *task, uint32_t cpu);
void runq_lock_pair(struct runq *a, struct runq *b);
/* Unlock both; interrupts are off and stay off. */
static inline void runq_unlock_pair(struct runq *a, struct runq *b)
{
	if (unlikely(a != b))
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

/* A runnable task enters the queue of its CPU; one out of budget is suspended instead. */
void runq_add_locked(struct runq *rq, struct task *task, enum enqueue how, uint64_t now);
/* The first of its class leaves to run. */
void runq_take_locked(struct runq *rq, struct task *task, uint64_t now);
/* Whatever queue it is on, it leaves it; false: it was on none. */
bool runq_withdraw_locked(struct runq *rq, struct task *task);
/* A waiting task goes to another queue, which is locked too. */
void runq_move_locked(struct runq *from, struct runq *to, struct task *task, uint64_t now);
/* How much CPU time the task is owed (FAIR and BATCH). */
int64_t runq_lag_locked(const struct runq *rq, const struct task *task);
/* Charge the time since the last charge to the running task. */
void charge_rarely_locked(struct runq *rq, struct task *task, uint64_t delta);
static __always_inline void charge_class_locked(struct runq *rq, struct task *task, uint64_t delta,
						uint64_t now_ns, bool fair)
{
	task->accounted_ns = now_ns;
	/* What most are: of nice 0, found in the kernel or in their program by the last tick. */
	if (likely(fair && task->policy.nice == 0 && !rq->batch.count)) {
		if (task->last_tick_user) {
			task->user_ns += delta;
			rq->stats.user_ns += delta;
		} else {
			task->system_ns += delta;
			rq->stats.system_ns += delta;
		}
		task->fair.vruntime += fair_virtual(delta, task->fair.weight);
	} else {
		charge_rarely_locked(rq, task, delta);
	}
}
static __always_inline void account_class_locked(struct runq *rq, struct task *task, uint64_t now_ns,
						 bool fair)
{
	uint64_t delta = now_ns - task->accounted_ns;

	/* Another CPU's clock may be a little behind. */
	if (likely((int64_t)delta > 0))
		charge_class_locked(rq, task, delta, now_ns, fair);
}
static inline void account_locked(struct runq *rq, uint64_t now_ns)
{
	struct task *task = rq->current;

	account_class_locked(rq, task, now_ns, task->class == &fair_class);
}
/* The same for a running task that is known to be FAIR. */
static inline void account_fair_locked(struct runq *rq, struct task *self, uint64_t now_ns)
{
	account_class_locked(rq, self, now_ns, true);
}

/* --- sched.c ---------------------------------------------------------------------------------------- */

/* `task` was added to rq: have the CPU switch to it, or look at it in time.  Lock held. */
void check_preempt_locked(struct runq *rq, struct task *task, uint64_t now);
/* Should `task` run rather than `running`, on this queue? */
bool overtakes(const struct runq *rq, const struct task *task, const struct task *running, uint64_t now);
/* Have the CPU decide anew. */
void request_resched(struct runq *rq);
/* Locks were dropped with interrupts off, when a switch that was asked for could not happen. */
void irq_restore_and_preempt(uint64_t flags);
void sched_tick(struct timer *timer);

/* The CPU goes from `self` to `next`, which is as urgent for other CPUs: figures, and whose it is now. */
static inline void pass_cpu_locked(struct runq *rq, struct task *self, struct task *next, uint64_t now)
{
	self->last_ran_ns = now;
	if (unlikely(arch_pmu_present))
		self->ran_misses = rq->cache_misses = arch_pmu_cache_misses();
	next->accounted_ns = now;
	rq->current = next;
	rq->previous = self;
	WRITE_ONCE(rq->running_weight, next->fair.weight);
	atomic_store_explicit(&next->on_cpu, 1, memory_order_relaxed);
}

/* First thing on the new stack: let go of the lock and of a task that ended or has to move. */
void retire(struct task *previous);
static inline void let_go_of_previous(void)
{
	struct runq *rq = this_runq();
	struct task *previous = rq->previous;
	bool retires = rq->retires;

	atomic_store_explicit(&previous->on_cpu, 0, memory_order_release);
	spin_release_(&rq->lock);
	preempt_enable_no_resched(); /* interrupts are off */
	if (unlikely(retires))
		retire(previous);
}

/* The last of every switch: the lock is dropped on the other stack. */
static inline void switch_context(struct task *self, struct task *next)
{
	if (next->vm)
		vm_space_load(next->vm);
	else
		vm_space_rest();
	task_interrupt_sequence(next);
	arch_context_change(self, next);
	arch_context_jump(&self->context, &next->context);
	let_go_of_previous();
}

static inline void note_sleep(struct task *task)
{
	uint64_t ran = task->user_ns + task->system_ns;

	WRITE_ONCE(task->burst_ns, ran - task->slept_at_ns);
	task->slept_at_ns = ran;
}

/* It sleeps, and not on the way to another CPU or for want of budget. */
static inline bool is_off_locked(const struct runq *rq, const struct task *task)
{
	return rq->current != task && !task->on_runq && !task->moving && !task->iso.suspended;
}

/* --- place.c: where a task goes ---------------------------------------------------------------------- */

/* Online CPUs that have nothing to run. */
extern struct cpumask cpus_idle;

static inline bool may_run_on(const struct task *task, uint32_t cpu)
{
	return cpumask_test(&task->affinity, cpu);
}

/* Where a task that wakes up, starts or must leave its CPU had best run.  A hint, made without locks, but
 * always an online CPU of its mask as it is at the moment. */
uint32_t place_task(const struct task *task);
/* Choose that place, and lock both its queue (*to) and the one that the task belongs to, which is returned;
 * it may run there.  Interrupts are off. */
struct runq *place_and_lock(struct task *task, struct runq **to);
/* A CPU that would do better to run this waiting task than what it runs; MAX_CPUS: none. */
uint32_t place_find_less_urgent(const struct task *task);

/* How far apart two CPUs are. */
enum topology_level place_distance(uint32_t a, uint32_t b);
/* What a CPU has to do, compared with what it can. */
uint64_t place_load(const struct runq *rq);

/* --- balance.c: pulling tasks from other CPUs -------------------------------------------------------- */

/* CPUs with ISO or REALTIME tasks that wait. */
extern struct cpumask cpus_urgent;

/* Get a waiting task from another CPU that should run here rather than `stays` (NULL: nothing) or what waits
 * here.  True: the lock was dropped and retaken. */
bool balance_pull(struct runq *rq, const struct task *stays, uint64_t now);
/* From the tick, no lock held: even out with the other CPUs now and then. */
void balance_periodic(struct runq *rq, uint64_t now);

/* --- the classes ------------------------------------------------------------------------------------- */

/* How BATCH waits while FAIR runs. */
void batch_wait(struct runq *rq, uint64_t ns);

/*
 * FAIR's operations on the way of every switch and wake-up.  Nearly every task is of this class, so the core
 * calls them by name where it can, inline; fair_class has them too.
 */
#define WAKEUP_LEAD_NS NSEC_PER_MSEC

void fair_enqueue(struct runq *rq, struct task *task, enum enqueue how);

static inline void fair_charge(struct runq *rq, struct task *task, uint64_t ns)
{
	task->fair.vruntime += fair_virtual(ns, task->fair.weight);
	if (unlikely(rq->batch.count))
		batch_wait(rq, ns);
}

/* Does a waiting task take over from one that has come so far, in a slice that ends then? */
static inline bool fair_overtakes(const struct sched_fair *first, uint64_t vruntime, uint64_t slice_end_ns,
				  uint64_t now)
{
	uint64_t lead = now < slice_end_ns ? fair_virtual(WAKEUP_LEAD_NS, first->weight) : 0;

	return fair_before(first->vruntime + lead, vruntime);
}

static inline bool fair_makes_way(const struct runq *rq, const struct task *running, const struct task *first,
				  uint64_t now)
{
	(void)rq;
	return fair_overtakes(&first->fair, running->fair.vruntime, running->fair.slice_end_ns, now);
}

static inline void fair_start(struct task *task, uint64_t now)
{
	task->fair.slice_end_ns = now + FAIR_SLICE_NS;
}

static inline uint64_t fair_until(const struct runq *rq, const struct task *task, uint64_t now)
{
	if (!rq->ready_count)
		return now + rq->sample_ns;
	return task->fair.slice_end_ns > now ? task->fair.slice_end_ns : now + FAIR_SLICE_NS;
}

/* The order of the classes changes with what they got: 0 is asked first. */
unsigned realtime_rank(const struct runq *rq);
unsigned batch_rank(const struct runq *rq);
#define RANK_ISO_CLASS        0u
#define RANK_REALTIME_CLASS   1u
#define RANK_BATCH_OWED       2u
#define RANK_FAIR_CLASS       3u
#define RANK_BATCH_CLASS      4u
#define RANK_REALTIME_LIMITED 5u
#define RANK_IDLE_CLASS       6u

void realtime_init(struct runq *rq);
/* When a throttled queue is let go; NEVER: it is not. */
uint64_t realtime_release_ns(const struct runq *rq);
void realtime_release_due(struct runq *rq, uint64_t now);

void iso_suspend(struct runq *rq, struct task *task);
void iso_unsuspend(struct runq *rq, struct task *task);
uint64_t iso_next_release_ns(const struct runq *rq);
/* Whoever's next period has begun becomes ready. */
void iso_release_due(struct runq *rq, uint64_t now);
/* Out of budget, or gave it up: it has to stop. */
static inline bool iso_exhausted(const struct task *task)
{
	return task->class == &iso_class && task->iso.budget_ns <= 0 && !task->lent;
}

/* --- policy.c ---------------------------------------------------------------------------------------- */

/* A new task: SCHED_OTHER, nice 0, every CPU. */
void policy_init(struct task *task);
/* A task is gone: its bandwidth comes back. */
void policy_release(struct task *task);
/* A task between two ways of being scheduled: off its queue, and that one locked. */
struct policy_change {
	struct runq *rq;
	uint64_t flags, now;
	bool waited, runs;
};
struct policy_change policy_begin_change(struct task *task);
/* It goes on as what policy_apply() makes of its policy and of what it was lent. */
void policy_end_change(struct task *task, const struct policy_change *c);
void policy_apply(struct task *task);
/* Take `wanted` of the total bandwidth instead of *has, which the caller keeps others off.  -EBUSY. */
int policy_admit(uint64_t *has, uint64_t wanted) __must_check;
/* As ISO tasks have to. */
bool policy_runs_everywhere(const struct task *task);

/* An ISO or REALTIME task has joined, or has left, those that wait: publish the urgency of the first of them.
 */
void set_waiting_locked(struct runq *rq, uint64_t urgency);
static inline void note_waiting_locked(struct runq *rq, const struct task *task)
{
	if (task->urgency < rq->waiting_urgency)
		set_waiting_locked(rq, task->urgency);
}
void note_taken_locked(struct runq *rq, const struct task *task);

/* --- reservation.c ------------------------------------------------------------------------------------ */

uint64_t reservations_lock(void);
void reservations_unlock(uint64_t flags);
/* What the task has of a reservation, if anything, ends; both locks are held, and the caller applies what is
 * its policy then. */
void reservation_leave_locked(struct task *task);
/* The policy that a task with a reservation goes back to; its queue is locked. */
struct sched_policy reservation_base_locked(const struct task *task);

/* --- the rest ---------------------------------------------------------------------------------------- */

void loadavg_init(void);
void loadavg_read(uint32_t out[3]);

/* Is anything lent to it that it has to give back? */
static inline bool has_loans(const struct task *task)
{
	return READ_ONCE(task->loans) != 0 || READ_ONCE(task->direct_loan);
}
/* loan.c: guards who lends to the task and whom it waits for.  One of a pool, which outlives the task. */
struct spinlock *loan_lock(const struct task *task);

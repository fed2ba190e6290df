/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers: timer_create(2).
 *
 * A timer that has expired rests until its signal is taken; only then what came due meanwhile is counted, as
 * overruns, and the next expiry armed (kernel/interval_timer.h).  So no interval, however short, costs more
 * than its signals are taken.  One whose signal is ignored goes on by itself, IGNORED_NS apart at least.
 *
 * The signal's record is there from the beginning: an expiry never fails for want of memory.  It counts
 * against RLIMIT_SIGPENDING.  A timer that is deleted leaves the record to the queue if it is in one.
 *
 * Timers by a CPU clock are looked at by cputimer.c, all others have a timer of the kernel's.
 *
 * Everything is under process.lock.
 */
#include <kernel/clock.h>
#include <kernel/interval_timer.h>
#include <kernel/proc_calls.h>
#include <kernel/slab.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define IGNORED_NS NSEC_PER_MSEC

enum timer_clock { BY_TIME, BY_REAL_TIME, BY_PROCESS, BY_THREAD };

struct posix_timer {
	struct rb_node node;         /* in process->timers.by_id */
	struct list cpu_link;        /* in process->timers.on_cpu, if it goes by a CPU clock */
	struct process *process;     /* [i] not referenced: its end deletes the timer */
	struct timer timer;          /* of those that do not */
	struct posix_timer_info how; /* [i] */
	enum timer_clock clock;      /* [i] */
	bool user_only;              /* [i] of a CPU clock: user time alone */
	bool on_real;                /* state.due_ns is a time of the real-time clock */
	struct thread *clock_thread; /* whose CPU time counts, BY_THREAD; NULL: it has left */
	struct thread *target;       /* of SIGEV_THREAD_ID; NULL: it has left */
	struct interval_timer state;
	int32_t overrun;            /* as of the last signal that was taken */
	struct signal_info *signal; /* on a queue exactly while its link is not empty */
};

/* --- clocks ------------------------------------------------------------------------------------------ */

static uint64_t cpu_now(const struct posix_timer *t)
{
	struct usage usage;

	if (t->clock == BY_PROCESS)
		process_usage_locked(t->process, &usage);
	else if (t->clock_thread)
		thread_usage(t->clock_thread, &usage);
	else
		return 0;
	return usage.user_ns + (t->user_only ? 0 : usage.system_ns);
}

static bool is_cpu(const struct posix_timer *t)
{
	return t->clock == BY_PROCESS || t->clock == BY_THREAD;
}

static uint64_t now_of(const struct posix_timer *t)
{
	if (is_cpu(t))
		return cpu_now(t);
	return t->on_real ? time_real_ns() : time_now_ns();
}

static void arm_locked(struct posix_timer *t, uint64_t earliest_ns)
{
	uint64_t due = t->state.due_ns;

	if (t->how.notify == SIGEV_NONE || is_cpu(t))
		return;
	if (t->on_real)
		due = deadline_of_real(due);
	timer_arm(&t->timer, MAX(due, earliest_ns));
}

/* --- expiring ---------------------------------------------------------------------------------------- */

static bool is_queued(const struct posix_timer *t)
{
	return !list_empty(&t->signal->link);
}

static bool send_locked(struct posix_timer *t)
{
	/* The number and the value are in different members of a union: one initializer would undo the
	 * other. */
	t->signal->info = (struct abi_siginfo){ .signo = t->how.signo, .code = SI_TIMER };
	t->signal->info.timer_id = t->how.id;
	t->signal->info.value = t->how.value;
	return signal_send_prepared_locked(t->process, t->target, t->signal);
}

static void fire_locked(struct posix_timer *t)
{
	if (t->how.notify == SIGEV_NONE)
		return;
	if (t->how.notify == SIGEV_THREAD_ID && !t->target) {
		interval_timer_set(&t->state, 0, 0);
		return;
	}
	/* Of the time before it was set anew: nobody has taken it yet. */
	if (is_queued(t)) {
		t->signal->info.overrun++;
		return;
	}
	if (send_locked(t))
		return;
	if (interval_timer_resume(&t->state, now_of(t)))
		arm_locked(t, time_now_ns() + IGNORED_NS);
	t->state.ticks = 0;
}

static void expire(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	uint64_t flags = spin_lock_irqsave(&t->process->lock);

	if (interval_timer_expire(&t->state, now_of(t)))
		fire_locked(t);
	else if (interval_timer_waits(&t->state))
		arm_locked(t, 0);
	spin_unlock_irqrestore(&t->process->lock, flags);
}

uint64_t posix_timers_look_locked(struct process *p)
{
	uint64_t left = TIME_FOREVER;
	struct posix_timer *t;

	list_for_each (t, &p->timers.on_cpu, cpu_link) {
		uint64_t now;

		if (!interval_timer_waits(&t->state) || t->how.notify == SIGEV_NONE)
			continue;
		now = cpu_now(t);
		if (interval_timer_expire(&t->state, now))
			fire_locked(t);
		if (interval_timer_waits(&t->state))
			left = MIN(left, t->state.due_ns > now ? t->state.due_ns - now : 0);
	}
	return left;
}

void posix_timer_taken_locked(struct posix_timer *t, struct abi_siginfo *info)
{
	uint64_t overrun = (uint32_t)info->overrun;

	assert_held(&t->process->lock);
	if (t->state.rests) {
		if (interval_timer_resume(&t->state, now_of(t))) {
			arm_locked(t, 0);
			if (is_cpu(t))
				cpu_timers_update_locked(t->process);
		}
		overrun += t->state.ticks - 1;
		t->state.ticks = 0;
	}
	t->overrun = (int32_t)MIN(overrun, (uint64_t)INT32_MAX);
	info->overrun = t->overrun;
}

void posix_timers_thread_left_locked(struct process *p, const struct thread *thread)
{
	for (struct rb_node *n = rb_first(&p->timers.by_id); n; n = rb_next(n)) {
		struct posix_timer *t = rb_entry(n, struct posix_timer, node);

		if (t->target == thread)
			t->target = NULL;
		if (t->clock_thread == thread) {
			t->clock_thread = NULL;
			interval_timer_set(&t->state, 0, 0);
		}
	}
}

/* --- by number ---------------------------------------------------------------------------------------- */

/* The first one whose number is `id` or more. */
static struct posix_timer *from_locked(struct process *p, int32_t id)
{
	struct rb_node *node = p->timers.by_id.root;
	struct posix_timer *best = NULL;

	while (node) {
		struct posix_timer *t = rb_entry(node, struct posix_timer, node);

		if (t->how.id >= id)
			best = t;
		node = id <= t->how.id ? node->left : node->right;
	}
	return best;
}

static struct posix_timer *find_locked(struct process *p, int32_t id)
{
	struct posix_timer *t = from_locked(p, id);

	return t && t->how.id == id ? t : NULL;
}

static void insert_locked(struct process *p, struct posix_timer *t)
{
	struct rb_node **link = &p->timers.by_id.root, *parent = NULL;

	while (find_locked(p, p->timers.next_id))
		p->timers.next_id = (p->timers.next_id + 1) & INT32_MAX;
	t->how.id = p->timers.next_id;
	p->timers.next_id = (p->timers.next_id + 1) & INT32_MAX;
	while (*link) {
		parent = *link;
		link = t->how.id < rb_entry(parent, struct posix_timer, node)->how.id ? &parent->left
										      : &parent->right;
	}
	rb_insert(&p->timers.by_id, &t->node, parent, link);
}

bool posix_timer_next(struct process *p, int32_t from, struct posix_timer_info *out)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct posix_timer *t = from_locked(p, from);

	if (t)
		*out = t->how;
	spin_unlock_irqrestore(&p->lock, flags);
	return t != NULL;
}

static struct thread *process_thread_locked(struct process *p, pid_t tid)
{
	struct thread *t;

	list_for_each (t, &p->threads, link)
		if (t->tid == tid)
			return t;
	return NULL;
}

/* --- making -------------------------------------------------------------------------------------------- */

static int choose_cpu_clock(struct posix_timer *t, int id)
{
	pid_t of = cpu_clock_owner(id);

	if ((id & CPU_CLOCK_WHICH) > CPU_CLOCK_SCHED)
		return -EINVAL;
	t->user_only = (id & CPU_CLOCK_WHICH) == CPU_CLOCK_VIRT;
	t->clock = id & CPU_CLOCK_THREAD ? BY_THREAD : BY_PROCESS;
	if (t->clock == BY_PROCESS)
		return of == 0 || of == t->process->pid ? 0 : -EINVAL;
	t->clock_thread = of ? process_thread_locked(t->process, of) : current_thread();
	return t->clock_thread ? 0 : -EINVAL;
}

static int choose_clock(struct posix_timer *t, int id)
{
	if (id < 0)
		return choose_cpu_clock(t, id);
	switch (id) {
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		if (!cred_has_privilege(PRIV_WAKE_ALARM))
			return -EPERM;
		t->clock = id == CLOCK_REALTIME_ALARM ? BY_REAL_TIME : BY_TIME;
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		t->clock = BY_REAL_TIME;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		t->clock = BY_TIME;
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		t->clock = BY_PROCESS;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		t->clock = BY_THREAD;
		t->clock_thread = current_thread();
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

static int choose_signal(struct posix_timer *t)
{
	switch (t->how.notify) {
	case SIGEV_THREAD_ID:
		t->target = process_thread_locked(t->process, t->how.tid);
		if (!t->target)
			return -EINVAL;
		break;
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		break;
	default:
		return -EINVAL;
	}
	return t->how.signo >= 1 && t->how.signo <= NSIG ? 0 : -EINVAL;
}

static int set_up_locked(struct posix_timer *t)
{
	struct process *p = t->process;
	int err = choose_clock(t, t->how.clock);

	if (err == 0)
		err = choose_signal(t);
	if (err == 0 && p->queued_signals >= p->rlimits[RLIMIT_SIGPENDING].cur)
		err = -EAGAIN;
	if (err < 0)
		return err;
	p->queued_signals++;
	insert_locked(p, t);
	if (is_cpu(t))
		list_add_tail(&p->timers.on_cpu, &t->cpu_link);
	return 0;
}

int64_t posix_timer_create(const struct posix_timer_info *how, bool value_is_id)
{
	struct process *p = current_process();
	struct posix_timer *t = kzalloc(sizeof(*t));
	uint64_t flags;
	int err;

	if (!t)
		return -EAGAIN;
	t->signal = signal_info_create(t);
	if (!t->signal) {
		kfree(t);
		return -EAGAIN;
	}
	t->process = p;
	t->how = *how;
	list_init(&t->cpu_link);
	timer_init(&t->timer, expire);
	flags = spin_lock_irqsave(&p->lock);
	err = set_up_locked(t);
	if (err == 0 && value_is_id)
		t->how.value = (uint32_t)t->how.id;
	spin_unlock_irqrestore(&p->lock, flags);
	if (err == 0)
		return t->how.id;
	signal_info_free(t->signal);
	kfree(t);
	return err;
}

/* Out of everything but the kernel's queue; the caller ends it without the lock. */
static void take_out_locked(struct posix_timer *t)
{
	struct process *p = t->process;

	interval_timer_set(&t->state, 0, 0);
	rb_erase(&p->timers.by_id, &t->node);
	list_del(&t->cpu_link);
	if (is_queued(t)) {
		t->signal->timer = NULL;
		t->signal = NULL;
	} else {
		p->queued_signals--;
	}
}

static void end(struct posix_timer *t)
{
	timer_cancel(&t->timer);
	if (t->signal)
		signal_info_free(t->signal);
	kfree(t);
}

int posix_timer_delete(int32_t id)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct posix_timer *t = find_locked(p, id);

	if (t)
		take_out_locked(t);
	spin_unlock_irqrestore(&p->lock, flags);
	if (!t)
		return -EINVAL;
	end(t);
	return 0;
}

void posix_timers_delete_all(struct process *p)
{
	for (;;) {
		uint64_t flags = spin_lock_irqsave(&p->lock);
		struct posix_timer *t = from_locked(p, 0);

		if (t)
			take_out_locked(t);
		spin_unlock_irqrestore(&p->lock, flags);
		if (!t)
			return;
		end(t);
	}
}

/* --- setting ------------------------------------------------------------------------------------------- */

/* As if whatever is due had been taken: what is left until the next time. */
static void value_locked(const struct posix_timer *t, struct itimer_value *out)
{
	struct interval_timer state = t->state;
	uint64_t now = now_of(t);

	out->interval_ns = state.interval_ns;
	if (t->how.notify == SIGEV_NONE)
		interval_timer_expire(&state, now);
	interval_timer_resume(&state, now);
	out->left_ns = interval_timer_left(&state, now);
}

static void set_locked(struct posix_timer *t, bool absolute, const struct itimer_value *set)
{
	uint64_t due = set->left_ns, now;

	t->on_real = absolute && t->clock == BY_REAL_TIME;
	now = now_of(t);
	if (due && !absolute)
		due = due >= TIME_FOREVER - now ? TIME_FOREVER : now + due;
	interval_timer_set(&t->state, due, due ? set->interval_ns : 0);
	t->overrun = 0;
	if (!due)
		return;
	arm_locked(t, 0);
	if (is_cpu(t))
		cpu_timers_update_locked(t->process);
}

int posix_timer_set(int32_t id, bool absolute, const struct itimer_value *set, struct itimer_value *old)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct posix_timer *t = find_locked(p, id);

	if (t) {
		value_locked(t, old);
		set_locked(t, absolute, set);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return t ? 0 : -EINVAL;
}

int posix_timer_get(int32_t id, struct itimer_value *out)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct posix_timer *t = find_locked(p, id);

	if (t)
		value_locked(t, out);
	spin_unlock_irqrestore(&p->lock, flags);
	return t ? 0 : -EINVAL;
}

int64_t posix_timer_overrun(int32_t id)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct posix_timer *t = find_locked(p, id);
	int64_t overrun = t ? t->overrun : -EINVAL;

	spin_unlock_irqrestore(&p->lock, flags);
	return overrun;
}

static void clock_was_set(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	for (struct rb_node *n = rb_first(&p->timers.by_id); n; n = rb_next(n)) {
		struct posix_timer *t = rb_entry(n, struct posix_timer, node);

		if (t->on_real && interval_timer_waits(&t->state))
			arm_locked(t, 0);
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

void posix_timers_clock_was_set(void)
{
	struct process *p;
	pid_t pid = 0;

	while ((p = process_next(pid)) != NULL) {
		pid = p->pid + 1;
		clock_was_set(p);
		process_put(p);
	}
}

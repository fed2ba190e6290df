/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens after an amount of CPU time: ITIMER_VIRTUAL and ITIMER_PROF, RLIMIT_CPU and RLIMIT_RTTIME, and
 * POSIX timers by CPU clocks.
 *
 * The scheduler knows nothing of them.  An ordinary timer looks at the clocks of the process at the earliest
 * moment at which one of them could be due: with n threads on n processors CPU time grows n times as fast
 * as the clock on the wall.  What turns out not to be due yet is looked at again.  So a process that runs is
 * told in time, and one that sleeps costs a look now and then, never closer together than LOOK_MIN_NS.
 */
#include <kernel/percpu.h>
#include <kernel/timespec.h>
#include <serix/abi_sched.h>

#include "proc_priv.h"

#define LOOK_MIN_NS NSEC_PER_MSEC

/* One look: the clocks of the process, and how much CPU time may pass until the next. */
struct look {
	uint64_t user_ns, total_ns;
	uint64_t left_ns;
};

static void due_at(struct look *l, uint64_t due_ns, uint64_t now_ns)
{
	l->left_ns = MIN(l->left_ns, due_ns > now_ns ? due_ns - now_ns : 0);
}

static void look_at_timer(struct look *l, struct process *p, struct itimer *it, uint64_t now_ns, int signo)
{
	if (itimer_expire(it, now_ns))
		signal_process_locked(p, signo, NULL);
	if (it->due_ns)
		due_at(l, it->due_ns, now_ns);
}

static uint64_t limit_ns(uint64_t limit, uint64_t unit_ns)
{
	uint64_t ns;

	return limit == RLIM_INFINITY || mul_overflows(limit, unit_ns, &ns) ? TIME_FOREVER : ns;
}

/* Past the soft limit SIGXCPU, and again each second; past the hard limit SIGKILL. */
static void look_at_limit(struct look *l, struct process *p, enum rlimit_id id, uint64_t used_ns,
			  uint64_t unit_ns)
{
	struct abi_rlimit *limit = &p->rlimits[id];
	uint64_t soft = limit_ns(limit->cur, unit_ns), hard = limit_ns(limit->max, unit_ns);

	if (soft == TIME_FOREVER)
		return;
	if (used_ns >= hard) {
		signal_process_locked(p, SIGKILL, NULL);
		return;
	}
	if (used_ns >= soft) {
		signal_process_locked(p, SIGXCPU, NULL);
		limit->cur = used_ns / unit_ns + NSEC_PER_SEC / unit_ns;
		soft = limit_ns(limit->cur, unit_ns);
	}
	due_at(l, MIN(soft, hard), used_ns);
}

/* RLIMIT_RTTIME is about the CPU time of a realtime thread since it slept last. */
static void look_at_realtime(struct look *l, struct process *p)
{
	struct sched_policy policy;
	struct thread *t;

	if (p->rlimits[RLIMIT_RTTIME].cur == RLIM_INFINITY)
		return;
	list_for_each (t, &p->threads, link) {
		uint64_t user_ns, system_ns, sleeps = READ_ONCE(t->task.switches_voluntary);

		sched_get_policy(&t->task, &policy);
		if (policy.policy != SCHED_FIFO && policy.policy != SCHED_RR)
			continue;
		task_times(&t->task, &user_ns, &system_ns);
		if (sleeps != t->rt_sleeps || t->rt_start_ns == 0) {
			t->rt_sleeps = sleeps;
			t->rt_start_ns = user_ns + system_ns;
		}
		look_at_limit(l, p, RLIMIT_RTTIME, user_ns + system_ns - t->rt_start_ns, NSEC_PER_USEC);
	}
}

void cpu_timers_update_locked(struct process *p)
{
	struct cpu_timers *ct = &p->cpu_timers;
	struct look l = { .left_ns = TIME_FOREVER };
	struct usage usage;
	uint64_t delay;

	assert_held(&p->lock);
	if (ct->stopped)
		return;
	process_usage_locked(p, &usage);
	l.user_ns = usage.user_ns;
	l.total_ns = usage.user_ns + usage.system_ns;
	look_at_timer(&l, p, &ct->virtual, l.user_ns, SIGVTALRM);
	look_at_timer(&l, p, &ct->prof, l.total_ns, SIGPROF);
	look_at_limit(&l, p, RLIMIT_CPU, l.total_ns, NSEC_PER_SEC);
	look_at_realtime(&l, p);
	l.left_ns = MIN(l.left_ns, posix_timers_look_locked(p));
	if (l.left_ns == TIME_FOREVER)
		return;
	delay = l.left_ns / MAX(1u, MIN(p->live_threads, cpu_count));
	timer_arm(&ct->timer, deadline_after(MAX(delay, LOOK_MIN_NS)));
}

void cpu_timers_update(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	cpu_timers_update_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void look_again(struct timer *timer)
{
	cpu_timers_update(container_of(timer, struct process, cpu_timers.timer));
}

void cpu_timers_init(struct process *p)
{
	timer_init(&p->cpu_timers.timer, look_again);
}

void cpu_timers_stop(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	p->cpu_timers.stopped = true;
	spin_unlock_irqrestore(&p->lock, flags);
	timer_cancel(&p->cpu_timers.timer);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* setitimer(2): ITIMER_REAL here, those in CPU time in cputimer.c. */
#include <kernel/timespec.h>

#include "proc_priv.h"

/* From the timer interrupt.  An interval never fires faster than this, whatever the program asks for. */
#define INTERVAL_MIN_NS (100 * NSEC_PER_USEC)

/* The next deadline in phase behind `now`; what was missed meanwhile is one signal.  It saturates: a deadline
 * that no clock reaches must not wrap into the past, where it would be due again and again. */
static uint64_t itimer_next(uint64_t due_ns, uint64_t interval_ns, uint64_t now_ns)
{
	uint64_t late = now_ns > due_ns ? now_ns - due_ns : 0, step;

	if (mul_overflows(late / interval_ns + 1, interval_ns, &step) || add_overflows(due_ns, step, &due_ns))
		return TIME_FOREVER;
	return due_ns;
}

static void itimer_read(const struct itimer *it, uint64_t now_ns, struct itimer_value *out)
{
	out->interval_ns = it->interval_ns;
	if (it->due_ns == 0)
		out->left_ns = 0;
	else /* armed never reads as zero */
		out->left_ns = it->due_ns > now_ns ? it->due_ns - now_ns : NSEC_PER_USEC;
}

static void itimer_write(struct itimer *it, uint64_t now_ns, const struct itimer_value *set)
{
	bool on = set->left_ns != 0;

	it->interval_ns = on && set->interval_ns ? MAX(set->interval_ns, INTERVAL_MIN_NS) : 0;
	if (!on)
		it->due_ns = 0;
	else
		it->due_ns = set->left_ns >= TIME_FOREVER - now_ns ? TIME_FOREVER : now_ns + set->left_ns;
}

bool itimer_expire(struct itimer *it, uint64_t now_ns)
{
	if (it->due_ns == 0 || now_ns < it->due_ns)
		return false;
	it->due_ns = it->interval_ns ? itimer_next(it->due_ns, it->interval_ns, now_ns) : 0;
	return true;
}

static void expire(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, alarm);
	uint64_t flags = spin_lock_irqsave(&p->lock);

	if (itimer_expire(&p->real, time_now_ns()))
		signal_process_locked(p, SIGALRM, NULL);
	if (p->real.due_ns)
		timer_arm(timer, p->real.due_ns);
	spin_unlock_irqrestore(&p->lock, flags);
}

void itimer_init(struct process *p)
{
	timer_init(&p->alarm, expire);
}

static struct itimer *itimer_of(struct process *p, enum itimer_which which)
{
	switch (which) {
	case ITIMER_REAL:
		return &p->real;
	case ITIMER_VIRTUAL:
		return &p->cpu_timers.virtual;
	case ITIMER_PROF:
		return &p->cpu_timers.prof;
	}
	return NULL;
}

static uint64_t clock_of_locked(struct process *p, enum itimer_which which)
{
	struct usage usage;

	if (which == ITIMER_REAL)
		return time_now_ns();
	process_usage_locked(p, &usage);
	return usage.user_ns + (which == ITIMER_PROF ? usage.system_ns : 0);
}

void itimer_get(struct process *p, enum itimer_which which, struct itimer_value *out)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	itimer_read(itimer_of(p, which), clock_of_locked(p, which), out);
	spin_unlock_irqrestore(&p->lock, flags);
}

void itimer_set(struct process *p, enum itimer_which which, const struct itimer_value *set,
		struct itimer_value *old)
{
	struct itimer *it = itimer_of(p, which);
	uint64_t flags = spin_lock_irqsave(&p->lock), now = clock_of_locked(p, which);

	itimer_read(it, now, old);
	itimer_write(it, now, set);
	/* What is disarmed may still run: it finds nothing due. */
	if (which == ITIMER_REAL && it->due_ns)
		timer_arm(&p->alarm, it->due_ns);
	else if (which != ITIMER_REAL)
		cpu_timers_update_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

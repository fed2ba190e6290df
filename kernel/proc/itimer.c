/* SPDX-License-Identifier: BSD-2-Clause */
/* ITIMER_REAL: one timer for each process that sends SIGALRM. */
#include <kernel/timespec.h>

#include "proc_priv.h"

/* The next deadline in phase behind `now`; what was missed meanwhile is one signal.  A deadline that no clock
 * reaches must not wrap into the past, where it would be due again and again. */
static uint64_t next_deadline(uint64_t deadline, uint64_t interval, uint64_t now)
{
	uint64_t late = now > deadline ? now - deadline : 0, step;

	if (mul_overflows(late / interval + 1, interval, &step) || add_overflows(deadline, step, &deadline))
		return TIME_FOREVER;
	return deadline;
}

/* From the timer interrupt.  An interval never fires faster than this, whatever the program asks for. */
#define INTERVAL_MIN_NS (100 * NSEC_PER_USEC)

static void expire(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, alarm);
	uint64_t now = time_now_ns(), flags = spin_lock_irqsave(&p->lock);
	bool due = p->alarm_deadline_ns != 0;

	if (due)
		signal_process_locked(p, SIGALRM, NULL);
	if (due && p->alarm_interval_ns) {
		p->alarm_deadline_ns = next_deadline(p->alarm_deadline_ns, p->alarm_interval_ns, now);
		timer_arm(timer, p->alarm_deadline_ns);
	} else {
		p->alarm_deadline_ns = 0;
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

void itimer_init(struct process *p)
{
	timer_init(&p->alarm, expire);
}

static void get_locked(struct process *p, uint64_t *left_ns, uint64_t *interval_ns)
{
	uint64_t now = time_now_ns();

	*interval_ns = p->alarm_interval_ns;
	if (p->alarm_deadline_ns == 0)
		*left_ns = 0;
	else /* armed never reads as zero */
		*left_ns = p->alarm_deadline_ns > now ? p->alarm_deadline_ns - now : NSEC_PER_USEC;
}

void itimer_get(struct process *p, uint64_t *left_ns, uint64_t *interval_ns)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	get_locked(p, left_ns, interval_ns);
	spin_unlock_irqrestore(&p->lock, flags);
}

void itimer_set(struct process *p, uint64_t left_ns, uint64_t interval_ns, uint64_t *old_left_ns,
		uint64_t *old_interval_ns)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	get_locked(p, old_left_ns, old_interval_ns);
	p->alarm_deadline_ns = 0; /* an expiry that is under way finds nothing to do */
	p->alarm_interval_ns = 0;
	spin_unlock_irqrestore(&p->lock, flags);
	timer_cancel(&p->alarm);
	if (left_ns == 0)
		return;
	flags = spin_lock_irqsave(&p->lock);
	p->alarm_interval_ns = interval_ns ? MAX(interval_ns, INTERVAL_MIN_NS) : 0;
	p->alarm_deadline_ns = deadline_after(left_ns);
	timer_arm(&p->alarm, p->alarm_deadline_ns);
	spin_unlock_irqrestore(&p->lock, flags);
}

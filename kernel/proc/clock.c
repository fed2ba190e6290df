/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading clocks by number, and sleeping by them. */
#include <kernel/clock.h>

#include <kernel/deadline.h>
#include <kernel/percpu.h>
#include <kernel/proc_calls.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define LOOK_MIN_NS NSEC_PER_MSEC

static struct waitqueue real_sleepers = WAITQUEUE_INIT(real_sleepers);

/* --- reading -------------------------------------------------------------------------------------- */

static uint64_t total_ns(const struct usage *usage)
{
	return usage->user_ns + usage->system_ns;
}

static int cpu_clock_read(int id, uint64_t *ns)
{
	struct usage usage;
	int which = id & CPU_CLOCK_WHICH, err;

	if (which > CPU_CLOCK_SCHED)
		return -EINVAL;
	err = usage_by_id(cpu_clock_owner(id), id & CPU_CLOCK_THREAD, &usage);
	if (err < 0)
		return err;
	*ns = which == CPU_CLOCK_VIRT ? usage.user_ns : total_ns(&usage);
	return 0;
}

int clock_read(int id, uint64_t *ns)
{
	struct usage usage;

	if (id < 0)
		return cpu_clock_read(id, ns);
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI: /* no leap-second table: the offset is zero, as on Linux until somebody sets it */
		*ns = time_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = time_now_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		process_usage(current_process(), &usage);
		*ns = total_ns(&usage);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		thread_usage(current_thread(), &usage);
		*ns = total_ns(&usage);
		return 0;
	}
	return -EINVAL;
}

/* --- sleeping ------------------------------------------------------------------------------------- */

/* A thread's own clock stands still while it sleeps. */
static int check_cpu_clock(int id)
{
	pid_t owner = cpu_clock_owner(id);
	uint64_t now;

	if ((id & CPU_CLOCK_WHICH) > CPU_CLOCK_SCHED) /* a device's clock, by descriptor */
		return -EOPNOTSUPP;
	if ((id & CPU_CLOCK_THREAD) && (owner == 0 || owner == current_thread()->tid))
		return -EINVAL;
	return cpu_clock_read(id, &now);
}

int clock_check_sleep(int id)
{
	if (id < 0)
		return check_cpu_clock(id);
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

void sleepers_clock_was_set(void)
{
	wake_up_all(&real_sleepers);
}

void deadline_follow(const struct deadline *d, struct waiter *w)
{
	if (likely(!d->real))
		return;
	waiter_init(w, false);
	wait_add(&real_sleepers, w);
}

void deadline_leave(const struct deadline *d, struct waiter *w)
{
	if (unlikely(d->real))
		wait_remove(w);
}

static int sleep_by_real_time(uint64_t ns)
{
	const struct deadline d = { .ns = ns, .real = true };
	int err = wait_event_deadline(&real_sleepers, false, &d);

	return err == -ETIMEDOUT ? 0 : err;
}

/* On n processors CPU time passes n times as fast as on the wall: look again when it could be time. */
static int sleep_by_cpu_time(int id, uint64_t ns)
{
	uint64_t now;
	int err = clock_read(id, &now);

	while (err == 0 && now < ns) {
		err = sleep_until(deadline_after(MAX((ns - now) / cpu_count, LOOK_MIN_NS)), true);
		if (err == 0)
			err = clock_read(id, &now);
	}
	return err;
}

int clock_sleep_until(int id, uint64_t ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		return sleep_by_real_time(ns);
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return sleep_until(ns, true);
	}
	return sleep_by_cpu_time(id, ns);
}

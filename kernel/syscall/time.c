/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping, interval timers. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/clock.h>
#include <kernel/proc_calls.h>
#include <kernel/timerfd.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

#define TICKS_PER_SEC 100

static int put_timespec(uaddr_t addr, uint64_t ns)
{
	struct abi_timespec ts = ns_to_timespec(ns);

	return copy_to_user(addr, &ts, sizeof(ts));
}

/*
 * takes: CLOCK_* in clock_read, not CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM (EINVAL), else EINVAL, apart
 * from the ids of CPU-time clocks
 */
SYSCALL(clock_gettime)
{
	uint64_t ns;
	int err = clock_read(ARG(0, int), &ns);

	return err < 0 ? err : put_timespec(ARG(1, uaddr_t), ns);
}

/* The older two CPU-time clocks are read in ticks. */
static uint64_t clock_resolution_ns(int id)
{
	return id < 0 && (id & CPU_CLOCK_WHICH) != CPU_CLOCK_SCHED ? NSEC_PER_SEC / TICKS_PER_SEC : 1;
}

/*
 * takes: CLOCK_* in clock_read, not CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM (EINVAL), else EINVAL, apart
 * from the ids of CPU-time clocks
 */
SYSCALL(clock_getres)
{
	uint64_t ns;
	int id = ARG(0, int), err = clock_read(id, &ns);

	if (err < 0)
		return err;
	return args->a[1] ? put_timespec(ARG(1, uaddr_t), clock_resolution_ns(id)) : 0;
}

#define ZONE_MINUTES_MAX (15 * 60)

static int64_t set_real_time(const struct abi_timespec *ts)
{
	uint64_t ns = timespec_to_ns(ts);

	if (!timespec_valid(ts))
		return -EINVAL;
	if (!cred_has_privilege(PRIV_SYS_TIME))
		return -EPERM;
	if (ns == TIME_FOREVER || ns < time_now_ns()) /* the machine cannot have started before the epoch */
		return -EINVAL;
	time_set_real_ns(ns);
	sleepers_clock_was_set();
	timerfd_clock_was_set();
	posix_timers_clock_was_set();
	return 0;
}

/* takes: CLOCK_*, else EINVAL */
SYSCALL(clock_settime)
{
	struct abi_timespec ts;
	int err;

	if (ARG(0, int) != CLOCK_REALTIME)
		return -EINVAL;
	err = copy_from_user(&ts, ARG(1, uaddr_t), sizeof(ts));
	return err < 0 ? err : set_real_time(&ts);
}

SYSCALL(gettimeofday)
{
	const struct time_zone zone = time_zone();
	struct abi_timeval tv = ns_to_timeval(time_real_ns());
	int err = 0;

	if (args->a[0])
		err = copy_to_user(ARG(0, uaddr_t), &tv, sizeof(tv));
	if (err == 0 && args->a[1])
		err = copy_to_user(ARG(1, uaddr_t), &zone, sizeof(zone));
	return err;
}

static int get_timeval(uaddr_t from, struct abi_timespec *ts)
{
	struct abi_timeval tv;
	int err = copy_from_user(&tv, from, sizeof(tv));

	if (err < 0)
		return err;
	*ts = (struct abi_timespec){ tv.sec, tv.usec * 1000 };
	return timeval_valid(&tv) ? 0 : -EINVAL;
}

/* lacks: the first zone that is set does not move the clock: it is UTC's from the start */
SYSCALL(settimeofday)
{
	struct abi_timespec ts;
	struct time_zone zone;
	int err = args->a[0] ? get_timeval(ARG(0, uaddr_t), &ts) : 0;

	if (err == 0 && args->a[1])
		err = copy_from_user(&zone, ARG(1, uaddr_t), sizeof(zone));
	if (err < 0)
		return err;
	if (!cred_has_privilege(PRIV_SYS_TIME))
		return -EPERM;
	if (args->a[1]) {
		if (zone.minutes_west > ZONE_MINUTES_MAX || zone.minutes_west < -ZONE_MINUTES_MAX)
			return -EINVAL;
		time_set_zone(zone);
	}
	return args->a[0] ? set_real_time(&ts) : 0;
}

SYSCALL(time)
{
	uint64_t now = time_real_ns() / NSEC_PER_SEC;
	int err = args->a[0] ? put_user_u64(ARG(0, uaddr_t), now) : 0;

	return err < 0 ? err : (int64_t)now;
}

static int64_t ticks(uint64_t ns)
{
	return (int64_t)(ns / (NSEC_PER_SEC / TICKS_PER_SEC));
}

SYSCALL(times)
{
	struct process *p = current_process();
	uint64_t user_ns, system_ns;
	struct usage children;
	int64_t out[4];
	int err;

	process_cpu_time(p, &user_ns, &system_ns);
	out[0] = ticks(user_ns);
	out[1] = ticks(system_ns);
	process_child_usage(p, &children);
	out[2] = ticks(children.user_ns);
	out[3] = ticks(children.system_ns);
	err = args->a[0] ? copy_to_user(ARG(0, uaddr_t), out, sizeof(out)) : 0;
	return err < 0 ? err : ticks(time_now_ns());
}

/* --- sleeping ------------------------------------------------------------------------------------ */

/* Sleep for a while, and on a signal say how much is left.  It is counted on the monotonic clock, whatever
 * the real-time clock is set to. */
static int64_t sleep_relative(struct syscall_restart *r)
{
	int id = (int)r->extra[0], err = clock_sleep_until(id, r->deadline_ns);
	uint64_t now;

	if (err != -EINTR)
		return err;
	if (r->user) {
		err = clock_read(id, &now);
		if (err == 0)
			err = put_timespec(r->user, r->deadline_ns > now ? r->deadline_ns - now : 0);
		if (err < 0)
			return err;
	}
	r->fn = sleep_relative;
	return -ERESTART_RESTARTBLOCK;
}

static int64_t start_sleep(int id, uint64_t ns, uaddr_t left)
{
	struct syscall_restart *r = &current_thread()->restart;
	uint64_t now;
	int err;

	if (id == CLOCK_REALTIME || id == CLOCK_TAI)
		id = CLOCK_MONOTONIC;
	err = clock_read(id, &now);
	if (err < 0)
		return err;
	if (add_overflows(now, ns, &r->deadline_ns))
		r->deadline_ns = TIME_FOREVER;
	r->user = left;
	r->extra[0] = (uint64_t)(uint32_t)id;
	return sleep_relative(r);
}

SYSCALL(nanosleep)
{
	struct abi_timespec ts;
	int err = copy_from_user(&ts, ARG(0, uaddr_t), sizeof(ts));

	if (err < 0)
		return err;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return start_sleep(CLOCK_MONOTONIC, timespec_to_ns(&ts), ARG(1, uaddr_t));
}

#define TIMER_ABSTIME 1

/*
 * takes: CLOCK_* in clock_check_sleep, not CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM (EINVAL), else EINVAL,
 * apart from the ids of CPU-time clocks; TIMER_ABSTIME*, else ignored
 */
SYSCALL(clock_nanosleep)
{
	int id = ARG(0, int), err = clock_check_sleep(id);
	struct abi_timespec ts;

	if (err < 0)
		return err;
	err = copy_from_user(&ts, ARG(2, uaddr_t), sizeof(ts));
	if (err < 0)
		return err;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if (!(ARG(1, int) & TIMER_ABSTIME))
		return start_sleep(id, timespec_to_ns(&ts), ARG(3, uaddr_t));
	err = clock_sleep_until(id, timespec_to_ns(&ts));
	return err == -EINTR ? -ERESTARTNOHAND : err;
}

/* --- interval timers ------------------------------------------------------------------------------- */

struct abi_itimerval {
	struct abi_timeval interval, value;
};

static int put_itimer(uaddr_t addr, const struct itimer_value *value)
{
	struct abi_itimerval out = { ns_to_timeval(value->interval_ns), ns_to_timeval(value->left_ns) };

	return copy_to_user(addr, &out, sizeof(out));
}

/* takes: ITIMER_* in itimer_which, else EINVAL */
SYSCALL(getitimer)
{
	struct itimer_value value;

	if (ARG(0, unsigned) > ITIMER_PROF)
		return -EINVAL;
	itimer_get(current_process(), ARG(0, enum itimer_which), &value);
	return put_itimer(ARG(1, uaddr_t), &value);
}

/* takes: ITIMER_* in itimer_which, else EINVAL */
SYSCALL(setitimer)
{
	struct abi_itimerval abi = { 0 };
	struct itimer_value set, old;
	int err = 0;

	if (ARG(0, unsigned) > ITIMER_PROF)
		return -EINVAL;
	if (args->a[1])
		err = copy_from_user(&abi, ARG(1, uaddr_t), sizeof(abi));
	if (err == 0 && (!timeval_valid(&abi.value) || !timeval_valid(&abi.interval)))
		err = -EINVAL;
	if (err < 0)
		return err;
	set = (struct itimer_value){ timeval_to_ns(&abi.value), timeval_to_ns(&abi.interval) };
	itimer_set(current_process(), ARG(0, enum itimer_which), &set, &old);
	return args->a[2] ? put_itimer(ARG(2, uaddr_t), &old) : 0;
}

/* Answers the seconds left, rounded, but never zero for an alarm that was set. */
SYSCALL(alarm)
{
	struct itimer_value set = { .left_ns = ARG(0, uint32_t) * NSEC_PER_SEC }, old;

	itimer_set(current_process(), ITIMER_REAL, &set, &old);
	if (old.left_ns == 0)
		return 0;
	return (int64_t)MAX((old.left_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1ull);
}

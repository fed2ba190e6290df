/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX timers. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

struct abi_sigevent {
	uint64_t value;
	int32_t signo, notify;
	int32_t tid;
	uint8_t pad[44];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");

#define TIMER_ABSTIME 1u

/*
 * takes: CLOCK_* in choose_clock, else EINVAL, apart from the ids of CPU-time clocks; SIGEV_* in
 * choose_signal, else EINVAL
 */
SYSCALL(timer_create)
{
	struct abi_sigevent event = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timer_info how;
	int64_t id;
	int err;

	if (args->a[1] && copy_from_user(&event, ARG(1, uaddr_t), sizeof(event)) < 0)
		return -EFAULT;
	how = (struct posix_timer_info){
		.clock = ARG(0, int),
		.notify = event.notify,
		.signo = event.signo,
		.tid = event.tid,
		.value = event.value,
	};
	id = posix_timer_create(&how, !args->a[1]);
	if (id < 0)
		return id;
	err = put_user_u32(ARG(2, uaddr_t), (uint32_t)id);
	if (err < 0)
		(void)posix_timer_delete((int32_t)id);
	return err;
}

struct abi_itimerspec {
	struct abi_timespec interval, value;
};

static int put_value(uaddr_t to, const struct itimer_value *value)
{
	struct abi_itimerspec out = { ns_to_timespec(value->interval_ns), ns_to_timespec(value->left_ns) };

	return copy_to_user(to, &out, sizeof(out));
}

/* takes: TIMER_ABSTIME*, else ignored */
SYSCALL(timer_settime)
{
	struct itimer_value set, old;
	struct abi_itimerspec in;
	int err;

	if (!args->a[2])
		return -EINVAL;
	err = copy_from_user(&in, ARG(2, uaddr_t), sizeof(in));
	if (err < 0)
		return err;
	if (!timespec_valid(&in.value) || !timespec_valid(&in.interval))
		return -EINVAL;
	set = (struct itimer_value){ .interval_ns = timespec_to_ns(&in.interval),
				     .left_ns = timespec_to_ns(&in.value) };
	err = posix_timer_set(ARG(0, int32_t), ARG(1, uint32_t) & TIMER_ABSTIME, &set, &old);
	return err == 0 && args->a[3] ? put_value(ARG(3, uaddr_t), &old) : err;
}

SYSCALL(timer_gettime)
{
	struct itimer_value value;
	int err = posix_timer_get(ARG(0, int32_t), &value);

	return err < 0 ? err : put_value(ARG(1, uaddr_t), &value);
}

SYSCALL(timer_getoverrun)
{
	return posix_timer_overrun(ARG(0, int32_t));
}

SYSCALL(timer_delete)
{
	return posix_timer_delete(ARG(0, int32_t));
}

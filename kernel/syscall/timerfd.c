/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers with a descriptor. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/timerfd.h>
#include <kernel/timespec.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

struct abi_itimerspec {
	struct abi_timespec interval, value;
};

/* takes: CLOCK_* in fs/timerfd.c, else EINVAL; TFD_* in timerfd_create, else EINVAL */
SYSCALL(timerfd_create)
{
	uint32_t flags = ARG(1, uint32_t);
	struct file *file;
	int fd, err = timerfd_create(ARG(0, int), flags, &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & TFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

static int use_timer(int fd, uint32_t right, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (use->file->object.type != OBJECT_TIMER) {
		err = -EINVAL;
	} else if (!(atomic_load(&use->cap->rights) & right)) {
		cap_audit(CAP_EVENT_DENIAL, use->cap, "timer");
		err = -EPERM;
	}
	if (err < 0)
		file_done(use);
	return err;
}

static int put_value(uaddr_t to, const struct timerfd_value *value)
{
	struct abi_itimerspec out = { ns_to_timespec(value->interval_ns), ns_to_timespec(value->value_ns) };

	return copy_to_user(to, &out, sizeof(out));
}

/* takes: TFD_*, else EINVAL */
SYSCALL(timerfd_settime)
{
	uint32_t flags = ARG(1, uint32_t);
	struct timerfd_value set, old;
	struct abi_itimerspec in;
	struct file_use use;
	int result, err = copy_from_user(&in, ARG(2, uaddr_t), sizeof(in));

	if (err < 0)
		return err;
	if ((flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&in.value) || !timespec_valid(&in.interval))
		return -EINVAL;
	err = use_timer(ARG(0, int), TIMER_RIGHT_SET, &use);
	if (err < 0)
		return err;
	set = (struct timerfd_value){ timespec_to_ns(&in.value), timespec_to_ns(&in.interval) };
	result = timerfd_set(use.file, flags, &set, &old);
	file_done(&use);
	err = args->a[3] ? put_value(ARG(3, uaddr_t), &old) : 0;
	return err < 0 ? err : result;
}

SYSCALL(timerfd_gettime)
{
	struct timerfd_value value;
	struct file_use use;
	int err = use_timer(ARG(0, int), TIMER_RIGHT_WAIT, &use);

	if (err < 0)
		return err;
	timerfd_get(use.file, &value);
	file_done(&use);
	return put_value(ARG(1, uaddr_t), &value);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads by capability: Linux's pidfds, and process_control of <serix/process.h>. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/file.h>
#include <kernel/proc_calls.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/process.h>

#include "sched_attr.h"

/* takes: PIDFD_* in pidfd_open, else EINVAL */
SYSCALL(pidfd_open)
{
	return pidfd_open(ARG(0, pid_t), ARG(1, unsigned));
}

/* Linux takes a /proc/PID directory too: it names the process as a number would, but never a later one. */
static int64_t signal_by_directory(int fd, int signo, const struct abi_siginfo *info, unsigned flags)
{
	struct process *p;
	struct file_use use;
	int64_t result = file_use(fd, 0, &use);

	if (result < 0)
		return result;
	p = procfs_process(use.file);
	result = -EBADF;
	if (p && !(atomic_load(&use.file->flags) & O_PATH))
		result = process_signal(p, signo, info, flags);
	file_done(&use);
	return result;
}

/* takes: PIDFD_SIGNAL_* in signal_known pidfd_signal kernel/proc/pidfd.c, else EINVAL */
SYSCALL(pidfd_send_signal)
{
	struct abi_siginfo info;
	int64_t result = 0;
	uaddr_t user = ARG(2, uaddr_t);

	if (user)
		result = signal_info_from_user(&info, 0, user);
	if (result < 0)
		return result;
	result = pidfd_signal(ARG(0, int), ARG(1, int), user ? &info : NULL, ARG(3, unsigned));
	if (result == -EBADF)
		result = signal_by_directory(ARG(0, int), ARG(1, int), user ? &info : NULL, ARG(3, unsigned));
	return result;
}

SYSCALL(pidfd_getfd)
{
	return ARG(2, unsigned) ? -EINVAL : pidfd_getfd(ARG(0, int), ARG(1, int));
}

/* --- process_control ------------------------------------------------------------------------------- */

static int64_t info(int64_t handle, uaddr_t data, uint64_t size)
{
	struct process_info out;
	int err = size == sizeof(out) ? process_info_by_handle(handle, &out) : -EINVAL;

	return err < 0 ? err : copy_to_user(data, &out, sizeof(out));
}

static int64_t get_schedule(int64_t handle, uaddr_t data, uint64_t size)
{
	struct sched_policy policy;
	int err = policy_get_by_handle(handle, &policy);

	return err < 0 ? err : sched_attr_put(&policy, data, size);
}

static int64_t set_schedule(int64_t handle, uaddr_t data)
{
	struct policy_request request;
	int err = sched_attr_get(data, &request);

	return err < 0 ? err : policy_set_by_handle(handle, &request);
}

/* takes: PROCESS_*, else EINVAL */
SYSCALL(process_control)
{
	int64_t handle = ARG(0, int64_t);
	uaddr_t data = ARG(2, uaddr_t);

	switch (ARG(1, unsigned)) {
	case PROCESS_INFO:
		return info(handle, data, args->a[3]);
	case PROCESS_GET_SCHEDULE:
		return get_schedule(handle, data, args->a[3]);
	case PROCESS_SET_SCHEDULE:
		return set_schedule(handle, data);
	}
	return -EINVAL;
}

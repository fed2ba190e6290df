/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of requests: the three calls.  What requests do stands in uring_ops.c. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/timespec.h>
#include <kernel/uring.h>
#include <serix/errno.h>

/*
 * takes: IORING_SETUP_* in SETUP_FLAGS uring_create, else EINVAL
 * lacks: threads that submit or poll by themselves (SQPOLL, IOPOLL), larger entries (SQE128, CQE32), tasks
 * that run when asked only (TASKRUN_FLAG, SINGLE_ISSUER, DEFER_TASKRUN)
 */
SYSCALL(io_uring_setup)
{
	struct abi_uring_params params;
	struct file *file;
	int fd, err;

	if (copy_from_user(&params, ARG(1, uaddr_t), sizeof(params)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(params.reserved); i++)
		if (params.reserved[i])
			return -EINVAL;
	err = uring_create(ARG(0, uint32_t), &params, &file);
	if (err < 0)
		return err;
	if (copy_to_user(ARG(1, uaddr_t), &params, sizeof(params)) < 0) {
		file_put(file);
		return -EFAULT;
	}
	fd = file_install(file, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

static int use_ring(int fd, uint32_t rights, int other, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (!file_is_uring(use->file)) {
		err = other;
	} else if ((atomic_load(&use->cap->rights) & rights) != rights) {
		cap_audit(CAP_EVENT_DENIAL, use->cap, "ring");
		err = -EPERM;
	}
	if (err < 0)
		file_done(use);
	return err;
}

/* How the call waits. */
struct wait {
	uint64_t deadline, mask;
	bool masked;
};

static int get_wait(const struct syscall_args *args, struct wait *w)
{
	struct abi_uring_events_arg arg;
	struct abi_timespec ts;

	*w = (struct wait){ .deadline = TIME_FOREVER };
	if (!(ARG(3, uint32_t) & IORING_ENTER_EXT_ARG))
		return signal_mask_from_user(ARG(4, uaddr_t), ARG(5, uint64_t), &w->mask, &w->masked);
	if (ARG(5, uint64_t) != sizeof(arg))
		return -EINVAL;
	if (copy_from_user(&arg, ARG(4, uaddr_t), sizeof(arg)) < 0)
		return -EFAULT;
	if (arg.reserved)
		return -EINVAL;
	if (arg.timeout) {
		if (copy_from_user(&ts, arg.timeout, sizeof(ts)) < 0)
			return -EFAULT;
		w->deadline = timespec_valid(&ts) ? deadline_after(timespec_to_ns(&ts)) : 0;
	}
	return signal_mask_from_user(arg.sigmask, arg.sigmask_size, &w->mask, &w->masked);
}

static int wait_for(const struct file_use *use, const struct syscall_args *args)
{
	struct wait w;
	int err = get_wait(args, &w);

	if (err < 0)
		return err;
	if (w.masked)
		signal_mask_enter(w.mask);
	err = uring_wait(use->file, use->cap, ARG(2, uint32_t), w.deadline);
	if (w.masked)
		signal_mask_leave(err == -EINTR);
	return err == -EINTR && cap_is_revoked(use->cap) ? -EBADF : err;
}

static int64_t enter(const struct file_use *use, const struct syscall_args *args)
{
	uint32_t count = ARG(1, uint32_t);
	int64_t submitted = count ? uring_submit(use->file, count) : 0;
	int err;

	if (submitted != count || !(ARG(3, uint32_t) & IORING_ENTER_GETEVENTS))
		return submitted;
	err = wait_for(use, args);
	return submitted ? submitted : err;
}

#define ENTER_FLAGS \
	(IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG)

/*
 * takes: IORING_ENTER_* in ENTER_FLAGS, else EINVAL
 * lacks: rings by number (IORING_ENTER_REGISTERED_RING); SQ_WAKEUP and SQ_WAIT have nobody to wake
 */
SYSCALL(io_uring_enter)
{
	struct file_use use;
	int64_t n;

	if (ARG(3, uint32_t) & ~ENTER_FLAGS)
		return -EINVAL;
	n = use_ring(ARG(0, int), RING_RIGHT_SUBMIT, -EOPNOTSUPP, &use);
	if (n < 0)
		return n;
	n = enter(&use, args);
	file_done(&use);
	return n;
}

/*
 * takes: IORING_REGISTER_* in fs/uring/register.c, else EINVAL
 * lacks: personalities, tags, sparse tables, rings by number, buffers that the kernel chooses
 */
SYSCALL(io_uring_register)
{
	struct file_use use;
	int64_t n = use_ring(ARG(0, int), RING_RIGHT_REGISTER, -EOPNOTSUPP, &use);

	if (n < 0)
		return n;
	n = uring_register(use.file, ARG(1, uint32_t), ARG(2, uaddr_t), ARG(3, uint32_t));
	file_done(&use);
	return n;
}

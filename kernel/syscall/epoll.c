/* SPDX-License-Identifier: BSD-2-Clause */
/* Epoll: from user structures to fs/events/epoll.c and back. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/epoll.h>
#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

static int64_t create(uint32_t flags)
{
	struct file *file;
	int fd, err = epoll_create(flags, &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* The size is a hint that nobody takes any more, but it has to be one. */
SYSCALL(epoll_create)
{
	return ARG(0, int) > 0 ? create(0) : -EINVAL;
}

/* takes: EPOLL_* in epoll_create, else EINVAL */
SYSCALL(epoll_create1)
{
	return create(ARG(0, uint32_t));
}

/* The first descriptor may not be written through: that matters only if it is an epoll's. */
static __noinline int why_refused(int epfd, int fd, int refusal)
{
	struct capability *target;
	struct file_use use;
	int err = file_use(epfd, 0, &use);

	if (err < 0)
		return err;
	err = file_is_epoll(use.file) || (atomic_load(&use.file->flags) & O_PATH) ? refusal : -EINVAL;
	file_done(&use);
	if (err != -EINVAL || cap_use(current_process()->caps, fd, OBJECT_NONE, 0, &target) < 0)
		return refusal;
	cap_done(target);
	return err;
}

/*
 * takes: EPOLL_CTL_* in fs/events/epoll.c, else EINVAL; beside poll's events: EPOLLEXCLUSIVE* EPOLLWAKEUP*
 * EPOLLONESHOT* EPOLLET* in fs/events/epoll.c
 */
SYSCALL(epoll_ctl)
{
	struct abi_epoll_event event = { 0 };
	struct capability *target;
	struct file_use use = { NULL, NULL };
	int fd = ARG(2, int), op = ARG(1, int), err = 0;

	if (op != EPOLL_CTL_DEL)
		err = copy_from_user(&event, ARG(3, uaddr_t), sizeof(event));
	if (err == 0)
		err = file_use(ARG(0, int), CAP_WRITE, &use);
	if (err == -EBADF)
		return why_refused(ARG(0, int), fd, err);
	if (err < 0)
		return err;
	err = cap_use(current_process()->caps, fd, OBJECT_NONE, 0, &target);
	if (err == 0) {
		err = file_is_epoll(use.file) ? epoll_control(use.file, op, fd, target, &event) : -EINVAL;
		cap_done(target);
	}
	file_done(&use);
	return err;
}

#define MAX_EVENTS (INT32_MAX / (int)sizeof(struct abi_epoll_event))

static int64_t wait_on(int fd, uaddr_t events, int max, uint64_t deadline)
{
	struct file_use use;
	int64_t result;
	int err;

	if (unlikely(max <= 0 || max > MAX_EVENTS))
		return -EINVAL;
	if (unlikely(events > USER_END - (size_t)max * sizeof(struct abi_epoll_event)))
		return -EFAULT;
	err = file_use(fd, CAP_READ, &use);
	if (unlikely(err < 0))
		return err;
	result = likely(file_is_epoll(use.file)) ? epoll_wait_events(use.file, use.cap, events, max, deadline)
						 : -EINVAL;
	if (unlikely(result == -EINTR && cap_is_revoked(use.cap)))
		result = -EBADF;
	file_done(&use);
	return result;
}

static uint64_t deadline_of_ms(int timeout)
{
	if (timeout < 0)
		return TIME_FOREVER;
	return timeout ? deadline_after((uint64_t)timeout * NSEC_PER_MSEC) : 0;
}

static int64_t wait_masked(const struct syscall_args *args, uint64_t deadline)
{
	uint64_t mask;
	int64_t result;
	bool masked;
	int err = signal_mask_from_user(ARG(4, uaddr_t), ARG(5, uint64_t), &mask, &masked);

	if (err < 0)
		return err;
	if (masked)
		signal_mask_enter(mask);
	result = wait_on(ARG(0, int), ARG(1, uaddr_t), ARG(2, int), deadline);
	if (masked)
		signal_mask_leave(result == -EINTR);
	return result;
}

SYSCALL(epoll_wait)
{
	return wait_on(ARG(0, int), ARG(1, uaddr_t), ARG(2, int), deadline_of_ms(ARG(3, int)));
}

SYSCALL(epoll_pwait)
{
	return wait_masked(args, deadline_of_ms(ARG(3, int)));
}

SYSCALL(epoll_pwait2)
{
	uint64_t deadline = TIME_FOREVER;
	struct abi_timespec ts;

	if (args->a[3]) {
		if (copy_from_user(&ts, ARG(3, uaddr_t), sizeof(ts)) < 0)
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = ts.sec || ts.nsec ? deadline_after(timespec_to_ns(&ts)) : 0;
	}
	return wait_masked(args, deadline);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of userfaultfd(2): what its calls say, a negative errno where they fail. */
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <serix/abi_userfaultfd.h>

#include "child.h"

static inline int monitor_open(int flags)
{
	int fd = (int)syscall(SYS_userfaultfd, flags);

	need(fd >= 0);
	return fd;
}

/* One that does not block, ready for use. */
static inline int monitor_new(uint64_t features)
{
	int fd = monitor_open(O_CLOEXEC | O_NONBLOCK);
	struct abi_uffdio_api api = { .api = UFFD_API, .features = features };

	need(ioctl(fd, UFFDIO_API, &api) == 0);
	return fd;
}

static inline int monitor_events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	need(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* The next message, however long it takes. */
static inline struct abi_uffd_msg monitor_next(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct abi_uffd_msg msg;

	while (read(fd, &msg, sizeof(msg)) != sizeof(msg)) {
		need(errno == EAGAIN);
		need(poll(&p, 1, -1) == 1 || errno == EINTR);
	}
	return msg;
}

static inline int monitor_try_register(int fd, uint64_t start, uint64_t len, uint64_t mode)
{
	struct abi_uffdio_register r = { .range = { start, len }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &r) < 0 ? -errno : 0;
}

static inline void monitor_register(int fd, const void *start, uint64_t len, uint64_t mode)
{
	need(monitor_try_register(fd, (uintptr_t)start, len, mode) == 0);
}

static inline void monitor_unregister(int fd, const void *start, uint64_t len)
{
	need(ioctl(fd, UFFDIO_UNREGISTER, &(struct abi_uffdio_range){ (uintptr_t)start, len }) == 0);
}

/* Bytes, fewer than asked for where it stopped. */
static inline int64_t monitor_copy(int fd, const void *to, const void *from, uint64_t len, uint64_t mode)
{
	struct abi_uffdio_copy c = { .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = len, .mode = mode };

	return ioctl(fd, UFFDIO_COPY, &c) < 0 && !(errno == EAGAIN && c.copy > 0) ? -errno : c.copy;
}

static inline int64_t monitor_zero(int fd, const void *to, uint64_t len, uint64_t mode)
{
	struct abi_uffdio_pages z = { .range = { (uintptr_t)to, len }, .mode = mode };

	return ioctl(fd, UFFDIO_ZEROPAGE, &z) < 0 && !(errno == EAGAIN && z.done > 0) ? -errno : z.done;
}

static inline int64_t monitor_continue(int fd, const void *to, uint64_t len, uint64_t mode)
{
	struct abi_uffdio_pages c = { .range = { (uintptr_t)to, len }, .mode = mode };

	return ioctl(fd, UFFDIO_CONTINUE, &c) < 0 && !(errno == EAGAIN && c.done > 0) ? -errno : c.done;
}

static inline int monitor_protect(int fd, const void *start, uint64_t len, uint64_t mode)
{
	struct abi_uffdio_pages w = { .range = { (uintptr_t)start, len }, .mode = mode };

	return ioctl(fd, UFFDIO_WRITEPROTECT, &w) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of local sockets have in common.  Each runs in a child (child.h). */
#pragma once

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "child.h"

/* Where no memory is; volatile, or the compiler would see that. */
static void *const volatile nowhere = (void *)8;

/* The calls as the kernel has them: the C library looks into messages itself, and takes only short ones. */
static inline long raw_sendmsg(int fd, const void *message, unsigned flags)
{
	return syscall(SYS_sendmsg, fd, message, flags);
}

static inline long raw_recvmsg(int fd, void *message, unsigned flags)
{
	return syscall(SYS_recvmsg, fd, message, flags);
}

static inline void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static inline bool ends_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && status == 0;
}

static inline void pair(int type, int s[2])
{
	need(socketpair(AF_UNIX, type, 0, s) == 0);
}

/* All that poll can tell, without a wait. */
static inline int events_of(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	need(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static inline int option(int fd, int which)
{
	int value = -1;
	socklen_t len = sizeof(value);

	need(getsockopt(fd, SOL_SOCKET, which, &value, &len) == 0 && len == sizeof(value));
	return value;
}

static inline int set_option(int fd, int which, int value)
{
	return setsockopt(fd, SOL_SOCKET, which, &value, sizeof(value));
}

static inline struct ucred peer_cred(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	need(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && len == sizeof(cred));
	return cred;
}

/* A path that nothing is at. */
static inline struct sockaddr_un path_name(const char *what)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/sockets.%s.%d", what, (int)getpid());
	unlink(name.sun_path);
	return name;
}

static inline int bound(int type, const struct sockaddr_un *name)
{
	int s = socket(AF_UNIX, type, 0);

	need(s >= 0 && bind(s, (const struct sockaddr *)name, sizeof(*name)) == 0);
	return s;
}

static inline int connected(int type, const struct sockaddr_un *name)
{
	int s = socket(AF_UNIX, type, 0);

	need(s >= 0 && connect(s, (const struct sockaddr *)name, sizeof(*name)) == 0);
	return s;
}

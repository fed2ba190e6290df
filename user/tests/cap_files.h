/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of rights on files share: a scratch directory, and capabilities with some rights alone. */
#pragma once

#define _GNU_SOURCE
#include <fcntl.h>
#include <libserix/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "tap.h"

#define ALL_RIGHTS (~0u)

/* A new directory, and the current one. */
static inline void scratch(void)
{
	static int made;
	char name[64];

	snprintf(name, sizeof(name), "/tmp/cap-%d-%d", getpid(), made++);
	need(mkdir(name, 0755) == 0 && chdir(name) == 0);
}

static inline int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	     lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* One that holds "hello", in a directory of its own; whether a capability to it works, or is gone for good. */
static inline int file(void)
{
	scratch();
	return make_file("file", "hello");
}

static inline bool works(cap_handle_t handle)
{
	char text[8];

	return pread(cap_fd(handle), text, 5, 0) == 5;
}

static inline bool is_gone(cap_handle_t handle)
{
	char text[8];

	return cap_rights(handle) == -EBADF && pread(cap_fd(handle), text, 5, 0) == -1 && errno == EBADF;
}

/* A descriptor with those of fd's rights alone. */
static inline int with_rights(int fd, uint32_t rights)
{
	cap_handle_t handle = cap_reduce(fd, rights);

	need(handle >= 0);
	return cap_fd(handle);
}

/* -errno of a call that says -1. */
static inline int outcome(long result)
{
	return result < 0 ? -errno : 0;
}

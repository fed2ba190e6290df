/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's capabilities, for tests of them. */
#pragma once

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define VERSION_3      0x20080522u
#define FULL           0x1ffffffffffull
#define BIT(n)         (1ull << (n))

enum { CAP_CHOWN = 0, CAP_KILL = 5, CAP_SETUID = 7, CAP_SETPCAP = 8, CAP_SYS_ADMIN = 21 };

struct header {
	uint32_t version;
	int pid;
};

struct data {
	uint32_t effective, permitted, inheritable;
};

struct caps {
	uint64_t effective, permitted, inheritable;
};

static inline struct caps caps_of(int pid)
{
	struct header header = { VERSION_3, pid };
	struct data d[2] = { 0 };

	need(syscall(SYS_capget, &header, d) == 0);
	return (struct caps){ (uint64_t)d[1].effective << 32 | d[0].effective,
			      (uint64_t)d[1].permitted << 32 | d[0].permitted,
			      (uint64_t)d[1].inheritable << 32 | d[0].inheritable };
}

static inline long caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct header header = { VERSION_3, 0 };
	struct data d[2] = { { (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
			     { (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
			       (uint32_t)(inheritable >> 32) } };

	return syscall(SYS_capset, &header, d);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's capabilities as its kernel has them: no C library has a header for these. */
#pragma once

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_DAC_READ_SEARCH,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_KILL,
	CAP_SETGID,
	CAP_SETUID,
	CAP_SETPCAP,
	CAP_NET_RAW = 13,
	CAP_SYS_ADMIN = 21,
	CAP_MKNOD = 27,
	CAP_SETFCAP = 31,
	CAP_BPF = 39,
	CAP_LAST = 40,
};

#define BIT(capability) (1ull << (capability))
#define ALL             (BIT(CAP_LAST + 1) - 1)

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_header {
	uint32_t version;
	int pid;
};

struct cap_words {
	uint32_t effective, permitted, inheritable;
};

/* Securebits; the next higher one locks each. */
enum { NOROOT = 1, NOROOT_LOCKED = 2, NO_FIXUP = 4, KEEP = 16, KEEP_LOCKED = 32, NO_AMBIENT = 64 };

static inline long cap_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct cap_header header = { CAP_VERSION_3, 0 };
	struct cap_words w[2] = { { (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
				  { (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
				    (uint32_t)(inheritable >> 32) } };

	return syscall(SYS_capset, &header, w);
}

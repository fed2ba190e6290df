/* SPDX-License-Identifier: BSD-2-Clause */
/* Scalars that must not be mixed up, and the page size. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t; /* physical address */
typedef int64_t ssize_t;
typedef int64_t off_t;   /* file offset, Linux's 64-bit one */
typedef uint32_t mode_t; /* file type and permissions, as in stat */
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint64_t dev_t; /* Linux's encoding: see makedev() in kernel/device.h */

#define PADDR_NONE ((paddr_t)-1)

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/* An address in user space.  Never dereferenced: only the user-copy routines take it. */
typedef uint64_t uaddr_t;

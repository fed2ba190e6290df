/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's numbers for userfaultfd(2) and its descriptor's ioctls. */
#pragma once

#include <stdint.h>

#define UFFD_USER_MODE_ONLY 1u

#define UFFD_API 0xaaull

#define UFFD_FEATURE_PAGEFAULT_FLAG_WP (1ull << 0)
#define UFFD_FEATURE_MISSING_SHMEM     (1ull << 5)
#define UFFD_FEATURE_SIGBUS            (1ull << 7)
#define UFFD_FEATURE_THREAD_ID         (1ull << 8)
#define UFFD_FEATURE_MINOR_SHMEM       (1ull << 10)
#define UFFD_FEATURE_EXACT_ADDRESS     (1ull << 11)

#define USERFAULTFD_IOC_NEW 0x0000aa00u /* of /dev/userfaultfd */
#define UFFDIO_API          0xc018aa3fu
#define UFFDIO_REGISTER     0xc020aa00u
#define UFFDIO_UNREGISTER   0x8010aa01u
#define UFFDIO_WAKE         0x8010aa02u
#define UFFDIO_COPY         0xc028aa03u
#define UFFDIO_ZEROPAGE     0xc020aa04u
#define UFFDIO_WRITEPROTECT 0xc018aa06u
#define UFFDIO_CONTINUE     0xc020aa07u

/* The bit of an ioctl in struct abi_uffdio_api.ioctls and struct abi_uffdio_register.ioctls. */
#define UFFDIO_BIT(cmd) (1ull << ((cmd)&0xff))

#define UFFDIO_REGISTER_MODE_MISSING (1ull << 0)
#define UFFDIO_REGISTER_MODE_WP      (1ull << 1)
#define UFFDIO_REGISTER_MODE_MINOR   (1ull << 2)

#define UFFDIO_COPY_MODE_DONTWAKE         (1ull << 0) /* of COPY, ZEROPAGE, CONTINUE */
#define UFFDIO_COPY_MODE_WP               (1ull << 1)
#define UFFDIO_WRITEPROTECT_MODE_WP       (1ull << 0)
#define UFFDIO_WRITEPROTECT_MODE_DONTWAKE (1ull << 1)

struct abi_uffdio_api {
	uint64_t api, features, ioctls;
};

struct abi_uffdio_range {
	uint64_t start, len;
};

struct abi_uffdio_register {
	struct abi_uffdio_range range;
	uint64_t mode, ioctls;
};

struct abi_uffdio_copy {
	uint64_t dst, src, len, mode;
	int64_t copy;
};

/* ZEROPAGE and CONTINUE; WRITEPROTECT has no `done`. */
struct abi_uffdio_pages {
	struct abi_uffdio_range range;
	uint64_t mode;
	int64_t done;
};

#define UFFD_EVENT_PAGEFAULT 0x12

#define UFFD_PAGEFAULT_FLAG_WRITE (1ull << 0)
#define UFFD_PAGEFAULT_FLAG_WP    (1ull << 1)
#define UFFD_PAGEFAULT_FLAG_MINOR (1ull << 2)

struct abi_uffd_msg {
	uint8_t event, reserved[7];
	uint64_t flags, address;
	uint32_t thread, reserved2;
};
_Static_assert(sizeof(struct abi_uffd_msg) == 32, "as Linux has it");

/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's numbers and structures for io_submit(2). */
#pragma once

#include <stdint.h>

enum {
	IOCB_CMD_PREAD,
	IOCB_CMD_PWRITE,
	IOCB_CMD_FSYNC,
	IOCB_CMD_FDSYNC,
	IOCB_CMD_POLL = 5,
	IOCB_CMD_NOOP, /* refused, as Linux does */
	IOCB_CMD_PREADV,
	IOCB_CMD_PWRITEV,
};

#define IOCB_FLAG_RESFD  1u
#define IOCB_FLAG_IOPRIO 2u

struct abi_iocb {
	uint64_t data;
	uint32_t key;
	int32_t rw_flags; /* RWF_* */
	uint16_t opcode;
	int16_t ioprio;
	int32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved;
	uint32_t flags;
	int32_t resfd;
};
_Static_assert(sizeof(struct abi_iocb) == 64, "struct iocb");

struct abi_io_event {
	uint64_t data, obj;
	int64_t res, res2;
};
_Static_assert(sizeof(struct abi_io_event) == 32, "struct io_event");

/* What a context's number points to: libaio takes events out of it without a call. */
#define AIO_RING_MAGIC 0xa10a10a1u
struct abi_aio_ring {
	uint32_t id, nr; /* events there is room for */
	uint32_t head;   /* the reader's */
	uint32_t tail;   /* the kernel's */
	uint32_t magic, compat_features, incompat_features;
	uint32_t header_length;
	struct abi_io_event events[];
};
_Static_assert(sizeof(struct abi_aio_ring) == 32, "struct aio_ring");

struct abi_aio_sigset {
	uint64_t mask, size;
};

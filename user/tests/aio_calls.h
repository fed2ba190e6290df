/* SPDX-License-Identifier: BSD-2-Clause */
/* io_submit(2) and its relatives without a library, on Linux as on Serix. */
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { AIO_PREAD, AIO_PWRITE, AIO_FSYNC, AIO_FDSYNC, AIO_POLL = 5, AIO_NOOP, AIO_PREADV, AIO_PWRITEV };

#define AIO_RESFD  1u
#define AIO_IOPRIO 2u

struct iocb {
	uint64_t data;
	uint32_t key;
	int32_t rw_flags;
	uint16_t opcode;
	int16_t ioprio;
	int32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved;
	uint32_t flags;
	int32_t resfd;
};

struct io_event {
	uint64_t data, obj;
	int64_t res, res2;
};

/* What a context's number points to. */
struct aio_ring {
	uint32_t id, nr;
	_Atomic uint32_t head, tail;
	uint32_t magic, compat, incompat, header;
	struct io_event events[];
};

typedef unsigned long aio_context;

static inline long aio_setup(unsigned n, aio_context *ctx)
{
	*ctx = 0;
	return syscall(SYS_io_setup, n, ctx);
}

static inline long aio_destroy(aio_context ctx)
{
	return syscall(SYS_io_destroy, ctx);
}

static inline long aio_submit(aio_context ctx, long n, struct iocb **list)
{
	return syscall(SYS_io_submit, ctx, n, list);
}

static inline long aio_one(aio_context ctx, struct iocb *iocb)
{
	return aio_submit(ctx, 1, &iocb);
}

/* milliseconds < 0: for ever. */
static inline long aio_events(aio_context ctx, long min, long max, struct io_event *events, int milliseconds)
{
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000l };

	return syscall(SYS_io_getevents, ctx, min, max, events, milliseconds < 0 ? NULL : &t);
}

static inline long aio_cancel(aio_context ctx, struct iocb *iocb)
{
	struct io_event event;

	return syscall(SYS_io_cancel, ctx, iocb, &event);
}

static inline struct iocb aio_of(unsigned opcode, int fd, const void *buf, uint64_t bytes, int64_t offset)
{
	return (struct iocb){ .data = 42,
			      .opcode = (uint16_t)opcode,
			      .fd = fd,
			      .buf = (uintptr_t)buf,
			      .nbytes = bytes,
			      .offset = offset };
}

static inline struct iocb aio_poll_of(int fd, unsigned events)
{
	return aio_of(AIO_POLL, fd, (void *)(uintptr_t)events, 0, 0);
}

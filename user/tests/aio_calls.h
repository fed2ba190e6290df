/* SPDX-License-Identifier: BSD-2-Clause */
/* io_submit(2) and its relatives without a library, on Linux as on Serix. */
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <serix/abi_aio.h>

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

static inline long aio_submit(aio_context ctx, long n, struct abi_iocb **list)
{
	return syscall(SYS_io_submit, ctx, n, list);
}

static inline long aio_one(aio_context ctx, struct abi_iocb *iocb)
{
	return aio_submit(ctx, 1, &iocb);
}

/* milliseconds < 0: for ever. */
static inline long aio_events(aio_context ctx, long min, long max, struct abi_io_event *events,
			      int milliseconds)
{
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000l };

	return syscall(SYS_io_getevents, ctx, min, max, events, milliseconds < 0 ? NULL : &t);
}

static inline long aio_cancel(aio_context ctx, struct abi_iocb *iocb)
{
	struct abi_io_event event;

	return syscall(SYS_io_cancel, ctx, iocb, &event);
}

static inline struct abi_iocb aio_of(unsigned opcode, int fd, const void *buf, uint64_t bytes, int64_t offset)
{
	return (struct abi_iocb){ .data = 42,
				  .opcode = (uint16_t)opcode,
				  .fd = fd,
				  .buf = (uintptr_t)buf,
				  .nbytes = bytes,
				  .offset = offset };
}

static inline struct abi_iocb aio_poll_of(int fd, unsigned events)
{
	return aio_of(IOCB_CMD_POLL, fd, (void *)(uintptr_t)events, 0, 0);
}

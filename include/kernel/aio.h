/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous I/O as io_submit(2) has it.
 *
 * As on Linux, where files are in memory, transfers are made by the thread that submits them, before
 * io_submit returns; only IOCB_CMD_POLL waits by itself.  So the kernel needs no other thread's memory or
 * identity: one thread of its own looks at what polls have been told, and all else is the submitter's.
 *
 * A context is its process's: found by number there, gone at io_destroy, exec and exit.  What it has under
 * way keeps places in the ring, so that an event always finds one.  The ring is memory that the program may
 * write (<serix/abi_aio.h>): the kernel keeps its own tail, and what it reads there, the head, it reads once
 * and cuts to size.  Who forges it loses events of his own and nothing else.
 *
 * A poll holds the capability that it was submitted through, and that of its eventfd: a revocation of the
 * first ends it with -EBADF, after one of the second nobody is told.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_aio.h>

struct aio_context;
struct capability;
struct process;

/* A context for so many requests; *id is its number, the address of its ring in the running process.
 * -EAGAIN: more than aio_max of all processes together; -EINVAL: a ring cannot be so large; -ENOMEM. */
int aio_setup(uint32_t requests, uaddr_t *id) __must_check;
/* The running process's context by number, referenced; NULL: none. */
struct aio_context *aio_find(uaddr_t id);
void aio_put(struct aio_context *ctx);
/* Nothing can be submitted any more, polls end, and all that was under way is over when this returns.
 * -EINVAL: another thread was first. */
int aio_destroy(struct aio_context *ctx) __must_check;
/* All contexts of the running process, in whose threads nothing is submitted: exec and exit. */
void aio_exit(struct process *p);

/* Submit at most so many at once. */
uint32_t aio_room(const struct aio_context *ctx);
/* A place for an event.  -EAGAIN: none is left; -EINVAL: the context is gone. */
int aio_begin(struct aio_context *ctx) __must_check;
/* Give it back, or use it. */
void aio_abort(struct aio_context *ctx);
void aio_complete(struct aio_context *ctx, const struct abi_io_event *event);

/* Wait for `events` (POLL*) of what `target` names; the caller uses it, and `resfd` (NULL: none), which names
 * an eventfd.  `event` says what to tell but for the result.  On success the place is used.  -EPERM: not
 * those events; -EBADF: revoked; -ENOMEM. */
int aio_poll(struct aio_context *ctx, struct capability *target, struct capability *resfd, uint32_t events,
	     const struct abi_io_event *event) __must_check;
/* End the poll that was submitted with the iocb at `obj`: its event follows.  -EINVAL: none. */
int aio_cancel(struct aio_context *ctx, uaddr_t obj) __must_check;

/* Copy at least `min` events out, `max` at most, or fewer at the deadline (monotonic; 0: do not wait).  How
 * many; -EINTR, -EFAULT, -EINVAL (the context is gone) if none was. */
int64_t aio_read_events(struct aio_context *ctx, uint64_t min, uint64_t max, uaddr_t out,
			uint64_t deadline_ns);

/* Requests that there may be contexts for, and that there are: /proc/sys/fs/aio-max-nr, aio-nr. */
extern _Atomic uint32_t aio_max;
extern _Atomic uint64_t aio_count;

/* Start the thread that ends polls. */
void aio_start(void);

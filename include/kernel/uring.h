/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous I/O as io_uring_enter(2) has it.
 *
 * The model.  A request is worked on by the thread that submitted it, and by no other: nothing here has
 * another's memory, identity, confinement, limits or filters.  It is tried without waiting; an operation that
 * cannot go on joins the wait queues of its file, as poll does, and the thread goes its way.  What
 * happens then (a queue wakes it, a timer expires, somebody cancels it, its capability is revoked) is only
 * noted in the request, which is put on its thread's list of ready ones; TASK_WORK_RING makes the thread try
 * again at the end of its call, or on its way back to user mode, or while it waits in io_uring_enter.  A call
 * in which it sleeps is interrupted for that and begun anew, as after a signal without a handler.  When the
 * thread ends, or executes another program, its requests end with -ECANCELED.  So there are no workers.
 *
 * A request goes on as what its thread is then: who has become less privileged, or more confined, meanwhile
 * has that for what is still to be done.  What needs a file took it by capability when it began, keeps that,
 * and needs no more authority.  Filters of system calls do not see operations, as on Linux.
 *
 * Operations are system calls by other means: most are the handler of their call with the arguments out of
 * the request (kernel/syscall/uring_ops.c).  Where those name a file, FD_OF_REQUEST of <kernel/file.h> stands
 * for the request's.
 *
 * Chains.  Linked requests form a chain, of which one is under way at a time; a request that drains, and all
 * that come after it, wait until those before are complete.
 *
 * Completions always find a place: a request whose completion does not fit the queue is kept, with it, until
 * there is room.
 *
 * Memory that programs write.  A request is copied out of the ring before it is looked at; of indices only
 * the submission queue's tail and array and the completion queue's head are read, each once for each
 * decision.
 *
 * A ring is a file of type RING: capabilities to it grant SUBMIT (io_uring_enter), REGISTER
 * (io_uring_register), WAIT (poll) and MAP.
 *
 * Locks: uring.submitting (a mutex) while a chain is copied in, and while things are registered; uring.lock
 * (spinning) for completions, the order of requests and which there are; uring_thread.lock (spinning,
 * interrupts off) for what is ready, under queues' locks.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_uring.h>

struct capability;
struct file;
struct thread;
struct uring;
struct uring_request;

#define URING_ENTRIES_MAX 32768u
#define URING_BUFFERS_MAX 16384u
#define URING_FILES_MAX   32768u

/* What an operation is.  `issue` returns the completion's result, URING_AGAIN to be called again when one of
 * `events` has come, or URING_PENDING: it has arranged for its own end. */
struct uring_op {
	int64_t (*issue)(struct uring_request *r);
	bool needs_file;    /* sqe.fd is what it works on */
	bool any_file;      /* whether sqe.fd is a registered file means nothing to it */
	bool plain_ioprio;  /* sqe.ioprio means something */
	bool all_or_broken; /* a result short of sqe.len breaks a chain */
	uint32_t events;
};
#define URING_PENDING INT64_MIN
#define URING_AGAIN   (INT64_MIN + 1)

/* Provided by kernel/syscall; rows without `issue` are operations that there are not. */
extern const struct uring_op uring_ops[IORING_OP_LAST];

/* --- for operations ------------------------------------------------------------------------------------- */

const struct abi_sqe *uring_request_sqe(const struct uring_request *r);
/* The file it works on. */
struct capability *uring_request_cap(const struct uring_request *r);
/* Is [addr, addr + len) inside of the registered buffer that it names?  -EFAULT. */
int uring_request_check_buffer(const struct uring_request *r) __must_check;

/* Operations that concern the ring alone: fs/uring/control.c. */
int64_t uring_poll_add(struct uring_request *r);
int64_t uring_poll_remove(struct uring_request *r);
int64_t uring_timeout(struct uring_request *r);
int64_t uring_timeout_remove(struct uring_request *r);
int64_t uring_async_cancel(struct uring_request *r);
int64_t uring_link_timeout(struct uring_request *r);

/* --- for the calls -------------------------------------------------------------------------------------- */

/* `params` as the program gave them; filled in on success.  -EINVAL, -ENOMEM. */
int uring_create(uint32_t entries, struct abi_uring_params *params, struct file **out) __must_check;
bool file_is_uring(const struct file *file);
/* How many of `count` were taken; -EBADFD: the ring is not enabled yet; -EAGAIN: no memory. */
int64_t uring_submit(struct file *file, uint32_t count);
/* Until at least `min` completions are there, or the deadline.  -EINTR: a signal, or `cap`, through which the
 * caller uses the ring, was revoked; -ETIME. */
int uring_wait(struct file *file, const struct capability *cap, uint32_t min,
	       uint64_t deadline_ns) __must_check;
int64_t uring_register(struct file *file, uint32_t what, uaddr_t arg, uint32_t count);

/* --- threads -------------------------------------------------------------------------------------------- */

/* Go on with the running thread's requests that are ready.  No lock is held. */
void uring_run_ready(void);
/* All requests of the running thread end: exit and exec. */
void uring_exit(struct thread *t);

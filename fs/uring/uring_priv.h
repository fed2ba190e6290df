/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings and their requests, as the files of this folder see them.  <kernel/uring.h> has the model. */
#pragma once

#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/refcount.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <kernel/uring.h>
#include <kernel/wait.h>

#include "../shared_pages.h"
#include "layout.h"

struct uring_buffer {
	uaddr_t base;
	uint64_t len;
};

struct uring {
	struct refcount refs;       /* its file, and each request */
	struct uring_layout layout; /* [i] */
	uint32_t setup;             /* [i] IORING_SETUP_* */
	struct shared_pages *rings, *sqes;
	struct mutex submitting;
	uint32_t sq_head; /* [submitting] */
	struct spinlock lock;
	uint32_t cq_tail;             /* [lock] */
	struct list requests;         /* [lock] those under way */
	struct list deferred;         /* [lock] first ones of chains that wait for those before, in order */
	struct list overflow;         /* [lock] complete, but for a place in the queue */
	struct list counting;         /* [lock] timeouts that end after so many completions */
	uint32_t busy;                /* [lock] begun and not complete, with the rest of their chains */
	uint32_t live;                /* [lock] requests that there are */
	uint64_t completions;         /* [lock] */
	bool dead;                    /* [lock] nobody has the ring any more */
	_Atomic bool enabled;         /* [a] */
	struct waitqueue change;      /* completions came */
	struct capability *event;     /* [lock] its eventfd; NULL: none */
	struct vm_space *buffers_of;  /* [submitting] whose addresses the buffers are; only compared */
	struct uring_buffer *buffers; /* [submitting] */
	uint32_t buffer_count;        /* [submitting] */
	struct capability **files;    /* [submitting] written, [lock] too; held; NULL: none */
	uint32_t file_count;
};

/* What a thread has under way. */
struct uring_thread {
	struct task *task; /* [i] */
	struct list
		requests; /* [o] the thread's own: all that have begun, or are first of what is deferred */
	struct spinlock lock;
	struct list ready; /* [lock] */
};

struct uring_waiter {
	struct waiter waiter;
	struct uring_request *request;
	struct uring_waiter *next;
};

enum uring_state { URING_HELD, URING_WAITS, URING_READY };

/* Why a request that waits goes on. */
#define URING_EVENT    (1u << 0)
#define URING_TIME     (1u << 1)
#define URING_COUNT    (1u << 2) /* enough completions */
#define URING_CANCELED (1u << 3)
#define URING_REVOKED  (1u << 4)
#define URING_START    (1u << 5) /* what it was deferred for is complete */

struct uring_request {
	struct uring *ring;           /* [i] referenced */
	struct uring_thread *thread;  /* [i] outlives it */
	struct abi_sqe sqe;           /* [o] a copy */
	struct uring_request *next;   /* [o] of its chain */
	int error;                    /* [o] it is none; what to tell */
	bool drains;                  /* [i] of the first of a chain */
	bool counted;                 /* [ring.lock] in ring.busy */
	bool joined;                  /* [o] it has looked for a queue to wait in */
	int64_t result;               /* [o] for the overflow list */
	struct list in_ring;          /* [ring.lock] */
	struct list in_counting;      /* [ring.lock] */
	uint64_t count;               /* [ring.lock] ring.completions that end a timeout */
	struct list in_thread;        /* [o] */
	struct list ready;            /* [thread.lock] */
	enum uring_state state;       /* [thread.lock] */
	uint32_t why;                 /* [thread.lock] URING_* */
	uint32_t events;              /* [i] once it has joined queues: what wakes it */
	struct capability *cap;       /* [o] in use */
	struct capability *held;      /* [o] instead, while it waits */
	const struct kobject *object; /* written by [o]: what it waits for; only compared */
	struct uring_waiter *waiters;
	struct uring_waiter waiter;   /* the first of them */
	struct timer timer;           /* of timeouts */
	uint64_t deadline_ns;         /* [o] */
	bool timed;                   /* [o] the timer was armed */
	struct uring_request *guard;  /* [o] the timeout that watches it */
	struct uring_request *target; /* [o] what a timeout watches */
};

struct uring *uring_of(const struct file *file);
void uring_put(struct uring *ring);

/* --- ring.c --- */

struct uring_header *uring_header(const struct uring *ring);
/* Tell the result; the request's last moment.  `quiet`: there is nothing to tell. */
void uring_post(struct uring_request *r, int64_t result, bool quiet);
/* What did not fit finds its place now, if there is room. */
void uring_flush(struct uring *ring);

/* Does a chain have to wait for those before?  Then it is in line; else it counts as begun. */
bool uring_defer(struct uring_request *head);
/* It is of no use any more; nobody is told. */
void uring_free_request(struct uring_request *r);

/* --- request.c --- */

/* Any context.  The caller knows that the request is there. */
void uring_wake(struct uring_request *r, uint32_t why);
/* The same to end it; false: it is being worked on, or about to be.  ring.lock is held, so that it stays. */
bool uring_cancel(struct uring_request *r);
/* Its timer expires at r->deadline_ns. */
void uring_arm(struct uring_request *r);
/* Work on a chain that was copied in. */
void uring_begin_chain(struct uring_request *head);

/* --- control.c --- */

/* Its timer does not expire any more. */
void uring_disarm(struct uring_request *r);

/* --- register.c --- */

void uring_drop_registered(struct uring *ring);

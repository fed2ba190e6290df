/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse: ports and the messages that go through them.
 *
 * What each operation promises programs stands in <serix/ipc.h>.  Inside: a message under way is a parcel.
 * Its contents left the sender when it was made, and nobody but who has it can see them; it is in exactly
 * one place:
 *
 *	made -> with a blocked sender -> in the port's queue -> handed to a receiver -> delivered or dropped
 *
 * The oldest waiting receiver gets a parcel without the queue.  While senders are blocked a newcomer lines
 * up behind them, so parcels leave in the order in which their senders came.
 *
 * A call is a record on the caller's kernel stack:
 *
 *	CALL_SENT -> CALL_RECEIVED -> CALL_ANSWERED | CALL_BROKEN
 *
 * The caller may leave at any time before the last two: then its record is out of the port's table, its
 * parcel, where not yet received, out of the port, and an answer finds nothing (-ESRCH).  Whoever changes a
 * call's state does it under the port's lock, and so it is decided there whether the answer or the time-out,
 * the signal, the revocation came first.
 *
 * A port is alive while somebody has the right to receive from it.  Its death (port_end) takes everything
 * out of it and wakes everybody with -EPIPE.
 *
 * No unreachable cycles.  A parcel keeps the objects alive that its capabilities name.  A port's queue can
 * only be unreachable while it holds parcels if all capabilities that may receive from it are in parcels
 * themselves, and none are: a parcel with such a capability is never queued, it stays with its blocked
 * sender (whose end drops it) until a receiver takes it (who is a running thread).  No other object that
 * holds capabilities exists but process tables, which end with their process.
 *
 * Locks: port.lock (RANK_PORT) covers the port, its parcels' links, the records of who waits at it and its
 * calls.  No user memory is touched, nothing allocated and no capability dropped under it.
 *
 * Legend: [i] immutable, [p] port.lock, [a] atomic, [o] whoever has the parcel; the thread whose record it
 * is.
 */
#pragma once

#include <kernel/cap.h>
#include <kernel/list.h>
#include <kernel/loan.h>
#include <kernel/message_queue.h>
#include <kernel/object.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>
#include <kernel/wait.h>
#include <serix/ipc.h>

struct arch_regs;
struct call;
struct ipc_account;
struct payload_pages;

/* --- contents: kernel/ipc/payload.c ---------------------------------------------------------------- */

/* The bytes of a message.  Up to MESSAGE_SMALL lie here; more as `form` says. */
enum payload_form {
	PAYLOAD_INLINE,
	PAYLOAD_COPY,  /* in kernel memory */
	PAYLOAD_PAGES, /* whole pages, head and tail copied */
};

struct payload {
	uint32_t size; /* bytes, up to MESSAGE_MAX */
	uint32_t form; /* enum payload_form */
	union {
		uint64_t bytes[MESSAGE_SMALL / 8];
		void *copy;
		struct payload_pages *pages;
	};
};

/* Take `size` bytes at `from` of the running process.  `flags`: MESSAGE_MOVE, MESSAGE_PAGES.  -EFAULT,
 * -ENOMEM: nothing has changed. */
int payload_take(struct payload *p, uaddr_t from, uint64_t size, uint32_t flags) __must_check;
/* Write it to `to` in the running process, where there is room for all of it; `flags`: MESSAGE_PAGES.  Also
 * gives moved pages back to a sender whose message could not be sent.  The payload is consumed on success;
 * -EFAULT, -ENOMEM: it is still whole. */
int payload_give(struct payload *p, uaddr_t to, uint32_t flags) __must_check;
void payload_drop(struct payload *p);

/* --- messages under way: kernel/ipc/parcel.c ------------------------------------------------------- */

struct parcel {
	struct call *call;           /* [p] CALL_SENT: whose it is; NULL: a send, or received, or left */
	uint64_t cookie;             /* [o] names the call for an answer; 0: a send */
	struct ipc_account *account; /* [o] who is charged for it */
	uint64_t tag, badge;         /* [o] */
	uint32_t rights;             /* [o] of the capability that it came through */
	int32_t pid, uid, gid;       /* [o] of the sender */
	uint32_t charge;             /* [o] bytes */
	uint16_t cap_count;          /* [o] */
	bool hand_only;              /* [o] it carries a right to receive: never queued */
	struct capability **caps;    /* [o] held by the parcel; NULL: none */
	struct payload payload;      /* [o] */
};

/* Who sends. */
struct ipc_identity {
	int32_t pid, uid, gid;
};

/* Make one of what the running process wants to send through `via` (an answer: NULL), from its table
 * `caps`.  `m` is the kernel's copy.  -EINVAL, -EFAULT, -EBADF or -EPERM (a capability to send), -ENOMEM. */
int parcel_create(const struct message *m, const struct ipc_identity *who, struct capability *via,
		  struct cap_table *caps, struct parcel **out) __must_check;
/* Into the running process: contents to m->receive (or data), handles to m->caps, and the rest into `m`,
 * which is the kernel's copy.  The parcel is gone in any case.  -EFAULT. */
int parcel_deliver(struct parcel *parcel, struct message *m, struct cap_table *caps) __must_check;
/* It cannot be sent: give moved pages back and drop it. */
void parcel_take_back(struct parcel *parcel, const struct message *m);
void parcel_drop(struct parcel *parcel); /* may sleep */

/* --- who waits at a port: all of it on the waiter's kernel stack ----------------------------------- */

enum wait_state {
	WAIT_QUEUED, /* in the port's list */
	WAIT_DONE,   /* receiver: has `got`; sender: the port has the parcel */
	WAIT_BROKEN, /* the port has died */
	WAIT_RETRY,  /* receiver: a parcel waits that does not fit its buffer */
};

struct receiver {
	struct list link;            /* [p] in port.receivers */
	struct task *task;           /* [i] */
	uint32_t state;              /* [p] enum wait_state */
	uint64_t capacity;           /* [i] bytes of its buffer, if it has one */
	struct parcel *got;          /* [p] until WAIT_DONE, then [o] */
	struct cap_table *table;     /* [i] of its process: in whose name it receives */
	struct arch_regs *registers; /* [i] it takes small messages only, here; NULL: a buffer */
};

struct sender {
	struct list link;      /* [p] in port.senders */
	struct task *task;     /* [i] */
	uint32_t state;        /* [p] enum wait_state */
	struct parcel *parcel; /* [p] */
};

/* --- calls: kernel/ipc/call.c ---------------------------------------------------------------------- */

enum call_state {
	CALL_SENT,     /* its parcel is in the queue, or with `sender` */
	CALL_RECEIVED, /* a server has it */
	CALL_ANSWERED, /* `answer` is the caller's */
	CALL_BROKEN,   /* nobody will answer */
};

struct call {
	struct task *task;              /* [i] the caller */
	struct port *port;              /* [i] the caller uses a capability to it */
	uint64_t cookie;                /* [p] 0: not in port.calls */
	uint32_t state;                 /* [p] enum call_state */
	uint64_t capacity;              /* [i] bytes of its buffer for the answer, if it has one */
	struct parcel *parcel;          /* [p] what was sent, until it is received */
	struct parcel *answer;          /* [p] */
	struct sender sender;           /* [p] WAIT_QUEUED: the parcel is here and not in the queue */
	const struct cap_table *server; /* [p] the process that received it, compared only: never followed */
	struct arch_regs *registers;    /* [i] the answer must be small and goes here; NULL: a buffer */
	struct loan loan;               /* of its urgency, to the thread that serves it */
};

/* Calls that wait for an answer, by cookie: kernel/ipc/call_table.c.  A cookie is slot + 1 in its lower
 * CALL_SLOT_BITS and the slot's generation above, which counts its uses, so that one from before names
 * nothing. */
#define CALL_SLOT_BITS 24
#define CALLS_EMBEDDED 8u

struct call_slot {
	void *call;      /* NULL: free */
	uint64_t cookie; /* of its call, or of the last */
	uint32_t next_free;
};

struct call_table {
	struct call_slot *slots; /* `first`, or allocated */
	uint32_t size;
	uint32_t free; /* the first free slot; size: none */
	struct call_slot first[CALLS_EMBEDDED];
};

/* --- ports: kernel/ipc/port.c ---------------------------------------------------------------------- */

struct port {
	struct kobject object;
	struct spinlock lock;       /* RANK_PORT */
	bool dead;                  /* [p] read anywhere */
	struct message_queue queue; /* [p] */
	struct list receivers;      /* [p] struct receiver, the oldest first; empty while a parcel waits */
	struct list senders;        /* [p] struct sender, the oldest first; empty while the queue has room, or
				       the first one's parcel is hand_only */
	struct call_table calls;    /* [p] */
	struct loan answered;       /* [p] a mark: who answered a call last, and may be on its way back */
	_Atomic uint32_t receive_rights; /* [a] capabilities that may receive; the port ends with the last */
	struct waitqueue watchers;       /* poll */
	struct ipc_account *account;     /* [i] who is charged for it */
	_Atomic bool named;              /* [a] the registry may have names for it */
};

static inline struct port *port_of(struct kobject *object)
{
	return container_of(object, struct port, object);
}

/* Time-outs below are deadlines on the monotonic clock; WAIT_FOREVER; 0: do not wait, -EAGAIN.  All of
 * these are called with a capability to the port in use, and end with -EPIPE when it is dead. */

/* With one reference, which a capability is to take over; `uid` is charged.  -ENOMEM. */
int port_create(uint32_t queue_limit, uint32_t uid, struct port **out) __must_check;
/* End it: for all, for good. */
void port_end(struct port *port);

/* The parcel is the port's on success, else still the caller's.  -EAGAIN, -ETIMEDOUT, -EINTR. */
int port_send(struct port *port, struct parcel *parcel, uint64_t deadline_ns) __must_check;
/* The oldest parcel, which is then self->got and the caller's.  -EMSGSIZE: it does not fit, *size is what is
 * needed; -EAGAIN, -ETIMEDOUT, -EINTR.  Of `self` the capacities, table and registers are set. */
int port_receive(struct port *port, struct receiver *self, uint64_t deadline_ns, uint64_t *size) __must_check;

/* Begin a call.  On success the parcel is the call's, and others know the record until call_end().  -ENOMEM.
 * Of `call` the capacities and registers are set. */
int call_begin(struct call *call, struct port *port, struct parcel *parcel) __must_check;
/* Until it is answered: 0.  -ETIMEDOUT, -EINTR: it goes on, wait again or end it. */
int call_wait(struct call *call, uint64_t deadline_ns) __must_check;
/* Forget it.  Afterwards call->parcel is what was not received (NULL: it was), call->answer the answer, both
 * the caller's. */
void call_end(struct call *call);
/* Answer the call that the cookie names.  The parcel is the caller's (of the call) on success.  -ESRCH:
 * no such call, -EMSGSIZE: it does not fit there. */
int call_answer(struct port *port, uint64_t cookie, struct parcel *answer) __must_check;
/* Nobody will answer it: its message was lost on the way into the server. */
void call_refuse(struct port *port, uint64_t cookie);

/* --- small messages, in registers: kernel/ipc/{small.c,fast.h} ------------------------------------ */

/* A parcel of the running thread's registers: the bytes are in the message registers. */
int parcel_create_small(uint64_t tag, uint64_t size, const struct ipc_identity *who, struct capability *via,
			struct parcel **out) __must_check;
/* Into the running thread's registers.  The size.  The parcel is gone. */
int64_t parcel_deliver_small(struct parcel *parcel, struct arch_regs *regs);

/*
 * The way of nearly all small calls: a server waits in its registers, on this CPU, for whatever comes; the
 * caller's message goes from register to register and the CPU with it; and back with the answer.  One lock
 * of the port on each way, no memory, no parcel.
 *
 * Inline in fast.h: call_fast() and reply_wait_fast(), called with preemption off, which is on after them.
 *
 * False: something is not as that needs it, and nothing has happened.  True: the running thread has slept
 * and was woken.  If *_is_done() then, everything is over and in its registers, the size in the place of the
 * result.  If not, it goes on as if it had gone to sleep in call_wait() or port_receive():
 * port_receive_on().
 */
/* As port_receive(), for a receiver that is in the port's list. */
int port_receive_on(struct port *port, struct receiver *self, uint64_t deadline_ns,
		    uint64_t *size) __must_check;

void ipc_init(void);

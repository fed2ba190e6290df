/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse for programs: ports and notifications.  Both are named by capability handles (<serix/cap.h>) and,
 * being descriptors, work with poll, select, dup and close.
 *
 * A port is where messages go.  Servers hold PORT_RIGHT_RECEIVE, clients SEND or CALL.  A message is up to
 * MESSAGE_MAX bytes and up to MESSAGE_CAPS capabilities, and says through which capability it came: the
 * rights and the badge of that, which the server's side chose.  What has been received never changes
 * afterwards.
 *
 *	send			queues; waits while the queue is full
 *	call			waits until the message is received and answered; the server runs as urgently
 *				as its most urgent caller
 *	receive			takes the oldest message; waits while there is none
 *	reply			answers one call, at once or later, from any thread that may receive
 *	reply and wait		both in one, which is how a server's loop is written
 *
 *	int port_create(const struct port_options *options, size_t size)
 *		A handle with all rights.  Options may be NULL.
 *	int port_send(cap_handle_t port, const struct message *m, uint64_t timeout_ns)
 *	int port_receive(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *	int port_call(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *	int port_reply(cap_handle_t port, const struct message *m)
 *	int port_reply_wait(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *		Answers the call m->reply (0: none), then receives.  That the caller has gone is no error.
 *	int port_close(cap_handle_t port)
 *		Ends the port for all.  It also ends when nobody may receive from it any more.  Needs
 *		PORT_RIGHT_CONTROL.
 *
 * Errors, besides those of <serix/cap.h>:
 *	EAGAIN      it would have to wait, and the time-out is 0
 *	ETIMEDOUT   it waited that long
 *	EINTR       a signal handler ran.  After a signal without one, waiting goes on, with the time-out
 *	            that was left; but a call whose message was received ends with EINTR after any signal
 *	EBADF       also: the capability was revoked while the call waited
 *	EPIPE       nobody may receive any more.  A call may have been received before; its server may also
 *	            have ended, or have been unable to take the message
 *	EMSGSIZE    send, call, reply: more than MESSAGE_MAX bytes or MESSAGE_CAPS capabilities; reply: more
 *	            bytes than the caller has room for (the call still waits).  receive: more than
 *	            m->capacity; the message stays, and m->size says how large it is
 *	ESRCH       reply: no such call; it was answered, or its caller has left
 *	EFAULT      receive: what could not be written is lost, as a datagram is; its caller gets EPIPE
 *	ENOMEM      also: messages under way of this user, and ports, take more memory than one user may
 *	            have, an eighth of all
 * A call that ended early is forgotten: nothing is left of it at the server, and an answer to it gets ESRCH.
 *
 * Capabilities in messages are derived from the sender's (m->terms says how they differ), which needs
 * CAP_RIGHT_GRANT on each: EPERM.  Revoked while under way they arrive as -1.  The handles that arrive are
 * closed by exec.  A message with a right to receive from some port is never queued: it waits with its
 * sender for a receiver (EAGAIN if the time-out is 0 and none waits), so that no port can be alive only in
 * its own queue.
 *
 * Three paths, by size.  Up to MESSAGE_SMALL bytes without capabilities travel in vector registers (the
 * calls with `_small`, below).  To 4 KiB they are copied once, or, when the buffer is a page that was made
 * for messages (MESSAGE_PAGES), that page is shared, and the sender's next write to it goes to a copy.
 * Above, whole pages between an unaligned head and tail, which are copied, are moved: with MESSAGE_MOVE they
 * are gone from the sender, where they read as zeros afterwards; without it they are shared copy-on-write,
 * so that a sender sees no difference.  They are copied at the receiver unless its buffer begins at the same
 * offset in a page, and lies in private anonymous memory; at the sender where its memory is not such.
 *
 * The register forms: handle in RDI, size in RSI (0 to MESSAGE_SMALL), tag in RDX, time-out in R10, reply
 * cookie in R8; payload in XMM0 to XMM7, low bytes first, both ways.  They return the size of what came in
 * RAX (or a negative errno), and the message's tag in RDX, badge in R8, reply cookie in R9, rights in R10.
 * XMM0 to XMM15 are not kept.  A message that does not fit in registers (port_receive, port_reply_wait)
 * stays in the queue: EMSGSIZE, take it with port_receive; an answer that does not fit fails for the server
 * (EMSGSIZE).
 *
 *	port_send_small, port_call_small, port_reply_wait_small (cookie 0: receive only)
 *
 * Names.  The registry is the device file /dev/ports: what one may do with names is the rights of one's
 * descriptor of it.  Reading it lists the names, one a line.  A name is up to PORT_NAME_MAX - 1 bytes,
 * without '/' and control characters, and goes when its port ends or the capability that it was registered
 * with is revoked.
 *
 *	int port_register(int registry, cap_handle_t port, const char *name)
 *		Needs `registry` open for writing and PORT_RIGHT_CONTROL on the port.  EEXIST, ENAMETOOLONG,
 *		EINVAL.
 *	cap_handle_t port_connect(int registry, const char *name, const struct cap_derive *how, size_t size)
 *		Needs `registry` open for reading.  The handle is derived from the capability that was
 *		registered, without the rights to receive, control, badge and export: that one's badge is
 *		what its messages show, and revoking that one revokes them all.  ENOENT.
 *
 * A port is readable when a message waits, writable when the queue has room, and has POLLHUP when it has
 * ended.
 *
 * Notifications: 64 bits; to signal sets some, never waits and never queues.  Readable when a bit is set.
 *
 *	cap_handle_t notification_create(unsigned flags)
 *	int notification_signal(cap_handle_t n, uint64_t bits)
 *	int notification_wait(cap_handle_t n, uint64_t mask, uint64_t *bits, uint64_t timeout_ns)
 *		Takes those of the bits in `mask` that are set, waiting for the first.  EINVAL: mask 0.
 *
 * Shared rings are made of memory and a notification: <serix/ring.h>.
 */
#pragma once

#include <serix/cap.h>

#define MESSAGE_MAX   (128u * 1024)
#define MESSAGE_SMALL 128u
#define MESSAGE_CAPS  16u

#define PULSE_FOREVER UINT64_MAX /* time-outs are in ns from now; 0: do not wait, EAGAIN */

/* message.flags, in */
#define MESSAGE_MOVE 1u /* whole pages leave the sender */
/* Buffers are pages made for messages: all of each page that `data` touches may be seen by a receiver
 * that says so, too, and all of each page that is received into may then be overwritten.  Not with
 * MESSAGE_MOVE. */
#define MESSAGE_PAGES     2u
#define MESSAGE_MOVE_CAPS 4u /* the capabilities sent are closed here once they are on their way */
/* message.flags, out */
#define MESSAGE_TRUNCATED_CAPS \
	16u /* not all capabilities had room, here or in the table: those were dropped */

/* One structure for both directions: send and reply read it, receive and the second half of call and
 * reply_wait write it. */
struct message {
	uint64_t tag;   /* free for programs */
	uint64_t reply; /* receive: names the call to answer, 0 if it was a send; reply: which call */
	uint64_t badge; /* receive: of the capability that it came through */
	void *data;     /* to send; and where to receive, unless `receive` is set */
	uint64_t size;  /* bytes to send; bytes received */
	void *receive;
	uint64_t capacity;        /* bytes that there is room for */
	cap_handle_t *caps;       /* to send; and where to receive handles; -1: it was revoked on the way */
	uint32_t cap_count;       /* to send; received */
	uint32_t cap_capacity;    /* room for */
	struct cap_derive *terms; /* how the capabilities sent differ from the sender's; NULL: as they are */
	uint32_t flags;
	uint32_t rights;       /* receive: PORT_RIGHT_* of the capability that it came through */
	int32_t pid, uid, gid; /* receive: who sent it */
	uint32_t reserved;
};

struct port_options {
	uint32_t queue_limit; /* messages, 1 to PORT_QUEUE_MAX; 0: PORT_QUEUE_DEFAULT */
	uint32_t flags;       /* CAP_DERIVE_CLOEXEC */
};
#define PORT_QUEUE_DEFAULT 64u
#define PORT_QUEUE_MAX     4096u
#define PORT_NAME_MAX      64u

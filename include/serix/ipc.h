/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse for programs: ports, notifications, rings.  All are named by capability handles (<serix/cap.h>) and,
 * being descriptors, work with poll, select, dup and close.
 *
 * A port is where messages go.  Servers hold PORT_RIGHT_RECEIVE, clients SEND or CALL.  A message is up to
 * MESSAGE_MAX bytes and up to MESSAGE_CAPS capabilities, and says through which capability it came: the
 * rights and the badge of that, which the server's side chose.  What has been received never changes
 * afterwards.
 *
 * send      queues; waits while the queue is full call      waits until the message is received and
 * answered; the server runs as urgently as its most urgent caller receive   takes the oldest message; waits
 * while there is none reply     answers one call, at once or later, from any thread that may receive reply
 * and wait   both in one, which is how a server's loop is written
 *
 * Waiting ends early with ETIMEDOUT, EINTR (a signal), EBADF (the capability was revoked), EPIPE (send,
 * call: nobody may receive any more; the call may have been received).  A call that ended early is
 * forgotten: an answer to it is refused with ESRCH, and nothing is left of it at the server.
 *
 * Three paths, by size.  Up to MESSAGE_SMALL bytes without capabilities travel in vector registers (the
 * calls with `_small`, below).  To 4 KiB they are copied once, or, when the buffer is a page that was made
 * for messages (MESSAGE_PAGES), that page is shared, and the sender's next write to it goes to a copy.
 * Above, whole pages between an unaligned head and tail are moved: with MESSAGE_MOVE they are gone from the
 * sender, whose buffer reads as zeros afterwards; without it they are shared copy-on-write, so that a sender
 * sees no difference.
 *
 *	int port_create(const struct port_options *options, size_t size)      a handle with all rights
 *	int port_register(int registry, cap_handle_t port, const char *name)   needs `registry` open for writing, and
 *	                                                                       PORT_RIGHT_CONTROL; EEXIST, ENAMETOOLONG
 *	cap_handle_t port_connect(int registry, const char *name, const struct cap_derive *how, size_t size)   ENOENT
 *	int port_send(cap_handle_t port, const struct message *m, uint64_t timeout_ns)
 *	int port_receive(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *	int port_call(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *	int port_reply(cap_handle_t port, const struct message *m)
 *	int port_reply_wait(cap_handle_t port, struct message *m, uint64_t timeout_ns)
 *	int port_close(cap_handle_t port)   ends the port for all, with PORT_RIGHT_CONTROL
 *
 * The registry is the device file /dev/ports: what one may do with names is the rights of one's descriptor
 * of it. A name is up to PORT_NAME_MAX - 1 bytes, without '/', and goes when its port ends.
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
 *	cap_handle_t notification_create(unsigned flags)
 *	int notification_signal(cap_handle_t n, uint64_t bits)     sets bits; never waits, never queues
 *	int notification_wait(cap_handle_t n, uint64_t mask, uint64_t *bits, uint64_t timeout_ns)
 *		Takes those of the bits in `mask` that are set, waiting for the first.
 *
 *	cap_handle_t ring_create(uint64_t size, unsigned flags)    see <serix/ring.h>
 */
#pragma once

#include <serix/cap.h>

#define MESSAGE_MAX   (128u * 1024)
#define MESSAGE_SMALL 128u
#define MESSAGE_CAPS  16u

#define PULSE_FOREVER UINT64_MAX /* time-outs are in ns from now; 0: do not wait, EAGAIN */

/* message.flags, in */
#define MESSAGE_MOVE      1u /* whole pages leave the sender */
#define MESSAGE_PAGES     2u /* all of each page that `data` touches may be seen by the receiver */
#define MESSAGE_MOVE_CAPS 4u /* the capabilities sent are closed here once they are on their way */
/* message.flags, out */
#define MESSAGE_TRUNCATED_CAPS 16u /* more capabilities than there was room for: those left were dropped */

/* One structure for both directions: send and reply read it, receive and the second half of call and
 * reply_wait write it. */
struct message {
	uint64_t tag;   /* free for programs */
	uint64_t reply; /* receive: names the call to answer, 0 if it was a send; reply: which call */
	uint64_t badge; /* receive: of the capability that it came through */
	void *data;     /* to send; and where to receive, unless `receive` is set */
	uint64_t size;  /* bytes to send; bytes received */
	void *receive;
	uint64_t
		capacity; /* bytes there is room for.  A larger message stays in the queue: EMSGSIZE, `size` says how
			      large it is */
	cap_handle_t *caps;    /* to send; and where to receive handles; -1: it was revoked on the way */
	uint32_t cap_count;    /* to send; received */
	uint32_t cap_capacity; /* room for */
	struct cap_derive
		*terms; /* how the capabilities sent differ from the sender's own; NULL: as they are */
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

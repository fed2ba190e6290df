/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local sockets (AF_UNIX): what their files share.
 *
 * Stream and seqpacket sockets come in pairs: each refers to its peer until it is closed itself, so whoever
 * is in a call on one finds the other there, perhaps dead.  A datagram socket's peer is where it sends to by
 * default, and may change.
 *
 * Data lie in the receiver's queue and are charged to the sender (`sent`), which may go on sending while that
 * is below its send_room.  A datagram refers to its sender; a stream's packets need not, the peer does.
 *
 * States of stream and seqpacket sockets:
 *	IDLE -> CONNECTING -> CONNECTED, or back to IDLE	connect
 *	IDLE -> LISTENING					listen
 * An embryo is what connect makes for the listener to accept: connected and not open.
 *
 * Locks: one of socket.lock at a time; inside of `flight_lock`, where both are held.  `names_lock` covers the
 * table of names.  `reading` is held by the one receiver, over copies to user memory; `binding` by who gives
 * the socket a name.  Marks: [l] socket.lock, [f] flight_lock, [n] names_lock, [r] reading, [b] binding, [i]
 * set before others see it, [a] atomic, [s] starved_lock.
 */
#pragma once

#include <kernel/mutex.h>
#include <kernel/vfs.h>

#include "packet.h"
#include "socket_priv.h"
#include "unix_gc.h"
#include "unix_names.h"

/* Datagrams that may wait in a queue when the sender is not the receiver's own peer; as Linux has it by
 * default, one more than that. */
#define UNIX_DATAGRAMS_MAX 10

enum unix_state { UNIX_IDLE, UNIX_CONNECTING, UNIX_CONNECTED, UNIX_LISTENING };

/* What a socket is bound to; an accepted one shares the listener's. */
struct unix_address {
	struct refcount refs;
	struct path path; /* [i] referenced; dentry NULL: an abstract name */
	struct socket_address value;
};

struct unix_socket {
	struct socket socket;
	_Atomic uint32_t state;           /* [l] written: enum unix_state */
	bool dead;                        /* [l] closed: takes nothing any more */
	struct unix_socket *_Atomic peer; /* [l] written; referenced */
	struct packet_queue queue;        /* [l] appended to; see packet.h */
	struct mutex reading;
	_Atomic uint32_t sent; /* [a] charged for packets that nobody has received yet */
	struct waitqueue room; /* who sends or connects sleeps here for room in this one's queue */

	struct mutex binding;
	struct unix_address *_Atomic address; /* [b] written once; NULL: unnamed */
	struct unix_entry entry;              /* [n] linked: found under that name */

	struct socket_cred owner;     /* [l] who it was that called listen, connect or socketpair */
	struct socket_cred peer_cred; /* [l] the peer's */

	struct list backlog;                   /* [l] embryos, oldest first, referenced */
	uint32_t backlog_count, backlog_limit; /* [l] */
	struct list waiting;                   /* [listener's l] an embryo in a backlog */

	struct list starved;  /* [s] whose poll found this queue full: told at their `writable` */
	struct list starving; /* [s] */

	struct unix_gc_node node; /* [f] linked while flights > 0 */
	struct list inside;       /* [f] controls with descriptors in its queue */

	struct list all; /* [all_lock] */
};

static inline struct unix_socket *unix_of(const struct socket *s)
{
	return container_of((struct socket *)(uintptr_t)s, struct unix_socket, socket);
}

static inline enum unix_state unix_state(const struct unix_socket *s)
{
	return (enum unix_state)atomic_load_explicit(&s->state, memory_order_acquire);
}

static inline struct unix_socket *unix_peer(const struct unix_socket *s)
{
	return atomic_load_explicit(&s->peer, memory_order_acquire);
}

static inline bool unix_is_datagram(const struct unix_socket *s)
{
	return s->socket.type == SOCK_DGRAM;
}

/* The peer with a reference, or NULL: for datagram sockets, whose peer may change. */
struct unix_socket *unix_peer_get(struct unix_socket *s);

extern const struct socket_ops unix_stream_ops, unix_datagram_ops, unix_seqpacket_ops;

/* --- unix.c --- */

/* Rows that all three tables have. */
#define UNIX_COMMON_OPS                                                                     \
	.family = AF_UNIX, .bind = unix_bind, .name = unix_name, .shutdown = unix_shutdown, \
	.ioctl = unix_ioctl, .get_option = unix_get_option, .close = unix_close, .free = unix_free
int unix_name(struct socket *base, bool peer, struct socket_address *out);
int unix_shutdown(struct socket *base, uint32_t how);
int64_t unix_ioctl(struct socket *base, uint32_t cmd, uint64_t arg);
int unix_get_option(struct socket *base, int level, int option, void *value, uint32_t *length);
void unix_free(struct socket *base);
/* Streams, and the start of the others. */
uint32_t unix_connected_poll(const struct socket *base);

/* One that is not open, of a type that there is.  -ENOMEM. */
int unix_socket_create(uint16_t type, struct unix_socket **out) __must_check;
/* `how` is shut, and told to both ends' waiters. */
void unix_shut(struct unix_socket *s, uint32_t how, int error);
void unix_close(struct socket *base);
/* The end of an embryo that nobody accepted, or of a socket that is closed. */
void unix_end(struct unix_socket *s, bool embryo);
/* Each socket, under a lock, for /proc/net/unix. */
void unix_for_each(void (*fn)(struct unix_socket *s, void *arg), void *arg);

/* --- unix_bind.c --- */

void unix_names_start(void);
int unix_bind(struct socket *base, const struct socket_address *address);
/* A name of the kernel's choice, if it has none yet. */
int unix_autobind(struct unix_socket *s);
void unix_unbind(struct unix_socket *s);
/* Is the address one at all?  0 or -EINVAL. */
int unix_check_address(const struct socket_address *address);
/* The socket of that type that is bound there, with a reference. */
int unix_find(const struct socket_address *address, uint16_t type, struct unix_socket **out) __must_check;
void unix_address_put(struct unix_address *address);
/* The address of `s`, nothing but the family if it has none; *out's length 0: as messages say that. */
void unix_name_of(const struct unix_socket *s, struct socket_address *out);
void unix_sender_name(const struct unix_socket *s, struct socket_address *out);

/* --- unix_connect.c --- */

int unix_listen(struct socket *base, uint32_t backlog);
int unix_connect(struct socket *base, const struct socket_address *address, bool nonblock);
int unix_accept(struct socket *base, bool nonblock, struct socket **out);
/* Two new ones become each other's peers. */
void unix_join(struct unix_socket *a, struct unix_socket *b);
void unix_drop_backlog(struct unix_socket *s);

/* --- unix_packet.c: what streams and datagrams have in common --- */

/* May more be sent?  Waits for room.  0, -EPIPE, -EAGAIN, -ERESTART..., or the socket's error. */
int unix_wait_for_room(struct unix_socket *s, bool nonblock) __must_check;
/* A packet with the next `size` bytes of the message, and, the first time, what goes along.  Charged to s. */
int unix_make_packet(struct unix_socket *s, struct socket_message *m, uint32_t size,
		     struct packet **out) __must_check;
/* It is not needed any more: what it was charged for is free again, what it still carries is let go of
 * later. */
void unix_end_packet(struct packet *p);
/* Say who sends, if one of the two wants it said. */
void unix_add_cred(struct packet *p, const struct unix_socket *from, const struct unix_socket *to);
/* Into the queue of `to`, whose lock is held if it carries nothing; see unix_flight.c for what does. */
void unix_append_locked(struct unix_socket *to, struct packet *p);
/* The end of a receive: what came along goes to the program. */
void unix_give_along(struct unix_socket *s, struct socket_message *m, const struct socket_cred *cred,
		     struct socket_control *control, bool peek);
ssize_t unix_broken_pipe(const struct socket_message *m);
void unix_drop_queue(struct unix_socket *s, bool *had_data);

/* --- unix_datagram.c: who polls for room in another's queue --- */

void unix_tell_starved(struct unix_socket *s);
void unix_stop_starving(struct unix_socket *s);

/* --- unix_flight.c --- */

void unix_flight_init(void);
void unix_flight_lock(void);
void unix_flight_unlock(void);
/* Count the descriptors against the sender's user.  -ETOOMANYREFS, -ENOMEM. */
int unix_flight_charge(struct socket_control *control) __must_check;
void unix_flight_uncharge(struct socket_control *control);
/* The packet lies in the queue of `to` now; flight_lock is held. */
void unix_flight_begin_locked(struct unix_socket *to, struct packet *p);
/* What the packet carries, which is the caller's from now on; NULL: nothing. */
struct socket_control *unix_flight_end(struct packet *p);
/* Let go of it, soon: the thread that does it is in no call and holds no lock. */
void unix_flight_doom(struct socket_control *control);

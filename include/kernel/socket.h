/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what all families share.
 *
 * A socket is a kernel thing of its own; an open file (type SOCKET) stands in front of it once a program has
 * a descriptor.  A family embeds struct socket in its own structure and fills in struct socket_ops.  The
 * generic layer (fs/socket/socket.c and its neighbours) makes the file, moves addresses and control messages
 * to and from user memory, keeps the options of level SOL_SOCKET, and turns read, write, poll, ioctl and the
 * socket calls into operations.
 *
 * Life:	made		socket_init(), one reference, the maker's
 *		open		socket_open() gives that reference to a file
 *		closed		the file's last reference is gone: ops->close() ends what others see of it
 *		freed		the last reference is gone: ops->free()
 * What waits to be accepted has not been opened yet; what a peer or a queue still refers to is closed and not
 * freed.  No operation but close and free runs once it is closed, for a call keeps the file open.
 *
 * All that concerns a socket is told at its own two queues, so that poll and epoll need no others: at
 * `readable` that there may be something to receive or accept, at `writable` that there may be room, at both
 * an end or an error.  A waiter looks again.
 *
 * Locks: `lock` is the family's, for what it says; it ranks RANK_SOCKET.  No lock is held when an operation
 * is called.  Options are atomics: a change holds for calls that begin after it.
 *
 * Rights: each call states what it needs (SOCKET_RIGHT_* of <serix/cap.h>); what ops->accept() returns
 * becomes a capability derived from the listener's, so it is gone with it.
 *
 * Legend: [i] set before it is open, [l] lock, [a] atomic.
 */
#pragma once

#include <kernel/async.h>
#include <kernel/file.h>
#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>
#include <kernel/wait.h>
#include <serix/abi_socket.h>

struct capability;
struct socket;

/* As programs have it: the family first. */
struct socket_address {
	uint32_t length; /* 0: none */
	union {
		uint16_t family;
		uint8_t bytes[ADDR_SIZE];
	};
};

/* Who somebody was at some moment. */
struct socket_cred {
	int32_t pid;
	uint32_t uid, gid;
};
/* As programs see a sender that did not say who it is, and the peer that there is not. */
#define SOCKET_CRED_NONE                               \
	{                                              \
		.pid = 0, .uid = 65534u, .gid = 65534u \
	}
#define SOCKET_CRED_UNKNOWN                      \
	{                                        \
		.pid = 0, .uid = ~0u, .gid = ~0u \
	}
void socket_current_cred(struct socket_cred *out);

/* What goes along with data.  Whoever has it owns the capabilities in it. */
struct socket_control {
	bool has_cred; /* the sender said who it is */
	struct socket_cred cred;
	uint32_t cap_count;
	struct list link;          /* for the family, while it is under way */
	void *place, *account;     /* likewise */
	struct capability *caps[]; /* held, derived from the sender's; NULL: given on */
};

/* Where what came along goes: the program's buffer for control messages. */
struct socket_sink {
	uaddr_t base;
	uint64_t size, used;
};

/* One sending or receiving.  Of the ends, `name` and `control` are where data come from or go to. */
struct socket_message {
	struct iobuf *io;
	uint32_t flags;              /* MSG_* of the call, each of them known */
	bool nonblock;               /* the call, or the file, does not want to wait */
	struct socket_address *name; /* sending: to whom, NULL: to the peer; receiving: NULL: not asked */
	struct socket_control
		*control;         /* sending: taken over, and set to NULL, with the first data that go */
	struct socket_sink *sink; /* receiving: NULL: no control messages wanted */
	uint32_t result;          /* receiving: MSG_TRUNC, MSG_CTRUNC, MSG_EOR */
};

/* Any row but send, receive, poll, close and free may be NULL: the call then fails with -EOPNOTSUPP.  They
 * return as the system calls do, -ERESTARTSYS when interrupted. */
struct socket_ops {
	uint16_t family;
	int (*bind)(struct socket *socket, const struct socket_address *address);
	int (*listen)(struct socket *socket, uint32_t backlog);
	int (*connect)(struct socket *socket, const struct socket_address *address, bool nonblock);
	/* A socket that is not open yet, with a reference. */
	int (*accept)(struct socket *socket, bool nonblock, struct socket **out);
	int (*name)(struct socket *socket, bool peer, struct socket_address *out);
	int (*shutdown)(struct socket *socket, uint32_t how); /* SOCKET_SHUT_* */
	ssize_t (*send)(struct socket *socket, struct socket_message *message);
	ssize_t (*receive)(struct socket *socket, struct socket_message *message);
	uint32_t (*poll)(const struct socket *socket); /* POLL*; the queues are taken care of */
	/* For the rows of ioctl that the generic layer does not know. */
	int64_t (*ioctl)(struct socket *socket, uint32_t cmd, uint64_t arg); /* [ENOTTY] */
	/* Options that are the family's; value and its length as programs have them.  -ENOPROTOOPT. */
	int (*set_option)(struct socket *socket, int level, int option, const void *value, uint32_t length);
	int (*get_option)(struct socket *socket, int level, int option, void *value, uint32_t *length);
	void (*close)(struct socket *socket);
	void (*free)(struct socket *socket);
};

#define SOCKET_SHUT_RECEIVE 1u
#define SOCKET_SHUT_SEND    2u
#define SOCKET_SHUT_BOTH    3u

/* Options that are on or off, a bit each. */
enum socket_flag {
	SOCKET_DEBUG = 1u << 0,
	SOCKET_REUSEADDR = 1u << 1,
	SOCKET_DONTROUTE = 1u << 2,
	SOCKET_BROADCAST = 1u << 3,
	SOCKET_KEEPALIVE = 1u << 4,
	SOCKET_OOBINLINE = 1u << 5,
	SOCKET_REUSEPORT = 1u << 6,
	SOCKET_PASSCRED = 1u << 7,
	SOCKET_LINGER = 1u << 8,
};

struct socket {
	struct refcount refs;
	const struct socket_ops *ops; /* [i] */
	uint16_t type, protocol;      /* [i] */
	struct spinlock lock;
	struct waitqueue readable, writable;
	struct async_source async;                /* its file, with O_ASYNC: only what is new is told there */
	_Atomic bool wants_room;                  /* [a] a send found none: its end is told there, too */
	_Atomic uint32_t shut;                    /* [l] written: SOCKET_SHUT_* */
	_Atomic int32_t error;                    /* [a] of the connection, not yet told; an errno or 0 */
	_Atomic uint32_t flags;                   /* [a] enum socket_flag */
	_Atomic uint32_t send_room, receive_room; /* [a] SO_SNDBUF, SO_RCVBUF */
	_Atomic uint32_t receive_low;             /* [a] SO_RCVLOWAT */
	_Atomic uint32_t priority, linger_seconds;            /* [a] */
	_Atomic uint64_t send_timeout_ns, receive_timeout_ns; /* [a] WAIT_FOREVER: none */
	struct file *file; /* written by socket_open(); its family may look at it until it is closed */
	uint64_t ino;      /* written by socket_open(); 0: not open yet */
	uint64_t id;       /* [i] SO_COOKIE */
};

void socket_init(struct socket *socket, const struct socket_ops *ops, uint16_t type, uint16_t protocol);
void socket_get(struct socket *socket);
void socket_put(struct socket *socket);

/* A file in front of the socket, which takes over the caller's reference on success.  `flags`: O_NONBLOCK.
 * -ENOMEM. */
int socket_open(struct socket *socket, uint32_t flags, struct file **out) __must_check;
struct socket *socket_of(const struct file *file);
static inline bool file_is_socket(const struct file *file)
{
	return file->object.type == OBJECT_SOCKET;
}

/* A socket of a family, not open yet.  -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM. */
int socket_create(int family, uint16_t type, int protocol, struct socket **out) __must_check;
/* Two that are connected to each other. */
int socket_create_pair(int family, uint16_t type, int protocol, struct socket *out[2]) __must_check;

/* --- for families --------------------------------------------------------------------------------------- */

static inline bool socket_has(const struct socket *socket, uint32_t flag)
{
	return atomic_load_explicit(&socket->flags, memory_order_relaxed) & flag;
}

static inline uint32_t socket_shut(const struct socket *socket)
{
	return atomic_load_explicit(&socket->shut, memory_order_relaxed);
}

/* The error that is to be told, as a negative number; afterwards there is none. */
int socket_take_error(struct socket *socket);

/* When a wait of a call that begins now ends by itself. */
uint64_t socket_deadline(uint64_t timeout_ns);
/* What a call that waited is to return: `err` is wait_event_timeout's.  0: look again. */
int socket_waited(int err, uint64_t deadline_ns);

/* What came along, to the program: with MSG_CTRUNC in message->result where it does not fit. */
void socket_put_control(struct socket_message *message, int level, int type, const void *data, uint32_t size);
/* Descriptors for what is held in `control`, which keeps none of them; `peek`: for copies. */
void socket_put_rights(struct socket_message *message, struct socket_control *control, bool peek);
void socket_control_free(struct socket_control *control);

/* --- for the system calls ------------------------------------------------------------------------------- */

int socket_set_option(struct socket *socket, int level, int option, uaddr_t user, uint32_t length);
int socket_get_option(struct socket *socket, int level, int option, uaddr_t user, uaddr_t length);
/* Control messages of a program that sends.  *out NULL: there are none.  -EINVAL, -EPERM, -EBADF, -ENOMEM,
 * -ETOOMANYREFS. */
int socket_read_control(uaddr_t user, uint64_t length, struct socket_control **out) __must_check;
ssize_t socket_send(struct file *file, struct socket_message *message);
ssize_t socket_receive(struct file *file, struct socket_message *message);

void socket_layer_init(void);
/* Start the thread that lets go of descriptors that nobody receives any more. */
void socket_start(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cerberus for programs: capabilities by handle.
 *
 * A handle names a capability of the calling process.  Its lower half is the slot, which is what POSIX calls
 * a file descriptor; its upper half the slot's generation.  Where a call takes a handle, a plain descriptor
 * (upper half zero) means whatever is in the slot now, a full handle only the capability that it was made
 * for: after that one is gone the handle is refused with EBADF, also when the slot is in use again.
 *
 * Calls return 0 or a handle, or a negative errno.  Common errors:
 *	EBADF    no such capability: never was, closed, expired, revoked, or the handle is stale
 *	EPERM    the capability lacks a right that the call needs
 *	EINVAL   unknown flags, a size that is not this version's; rights are masks, bits too many do no harm
 *	EMFILE, ENOMEM   no room for another one
 *
 *	cap_handle_t cap_derive(cap_handle_t handle, const struct cap_derive *how, size_t size)
 *		A child in the lowest free slot: rights only shrink, expiry only shortens.  EMLINK: it would
 *		be more than CAP_DEPTH_MAX derivations from the original.
 *	int cap_revoke(cap_handle_t handle, unsigned flags)
 *		The capability and everything derived from it, in every process, in messages under way, and
 *		mappings made through it.  When the call returns none of them can be used any more, calls
 *		under way through them are over (blocked ones end with EBADF), and touching what was mapped is
 *		SIGBUS.  EINTR: killed while waiting for calls under way; the capabilities are gone all the
 *		same.
 *	int cap_limit(cap_handle_t handle, uint32_t rights)
 *		Give up rights of this very capability; what was derived before keeps its own.
 *	int cap_expire(cap_handle_t handle, uint64_t ns)
 *		It and all its descendants are revoked `ns` from now, unless they expire earlier.
 *	int cap_query(cap_handle_t handle, struct cap_info *info, size_t size)
 *	int cap_list(int pidfd, cap_handle_t after, struct cap_info *info, size_t count, size_t size)
 *		How many were written: those of a process (pidfd -1: the caller), in the order of slots, that
 *		follow `after` (-1: from the first).  PROCESS_RIGHT_INSPECT is needed on pidfd.
 *	cap_handle_t cap_grant(int pidfd, cap_handle_t handle, const struct cap_derive *how, size_t size)
 *		As cap_derive, but into the table of another process: needs CAP_RIGHT_GRANT on the handle and
 *		PROCESS_RIGHT_GRANT on pidfd.  The result is the handle there.
 *	int cap_export(cap_handle_t handle, struct cap_token *token)
 *		The capability's id, as a token that whoever holds it may import.  Needs CAP_RIGHT_EXPORT.
 *	cap_handle_t cap_import(const struct cap_token *token, const struct cap_derive *how, size_t size)
 *		A child of the capability with that id.  ENOENT: no such; it is counted, and whoever goes on
 *		guessing is slowed down and, where the policy says so, loses all capabilities.
 *	int cap_enter(unsigned flags)
 *		Capability mode, for good: no global names any more, only what handles reach.  0 queries: 1 if
 *		entered.
 */
#pragma once

#include <stdint.h>

typedef int64_t cap_handle_t;

#define CAP_DEPTH_MAX 64
#define CAP_FOREVER   UINT64_MAX

/* What a capability may name. */
enum cap_type {
	CAP_TYPE_NONE,
	CAP_TYPE_FILE,
	CAP_TYPE_DIRECTORY,
	CAP_TYPE_MEMORY,
	CAP_TYPE_PROCESS,
	CAP_TYPE_THREAD,
	CAP_TYPE_PORT,
	CAP_TYPE_NOTIFICATION,
	CAP_TYPE_DEVICE,
	CAP_TYPE_INTERRUPT,
	CAP_TYPE_SOCKET,
	CAP_TYPE_TIMER,
	CAP_TYPE_BUDGET,
	CAP_TYPE_RING,
	CAP_TYPE_RULESET,
	CAP_TYPES
};

/* Rights of every type: the upper byte. */
#define CAP_RIGHT_GRANT  0x01000000u /* may be given to other processes: in messages, by cap_grant */
#define CAP_RIGHT_EXPORT 0x02000000u /* its id may be asked for */
#define CAP_RIGHT_BADGE  0x04000000u /* children may be given a badge */

/* Rights of files; a directory's say, too, what files opened through it may be used for. */
#define FILE_RIGHT_READ     0x0001u
#define FILE_RIGHT_WRITE    0x0002u
#define FILE_RIGHT_EXECUTE  0x0004u
#define FILE_RIGHT_APPEND   0x0008u
#define FILE_RIGHT_SEEK     0x0010u
#define FILE_RIGHT_STAT     0x0020u
#define FILE_RIGHT_CHMOD    0x0040u /* mode, owner, times, extended attributes */
#define FILE_RIGHT_TRUNCATE 0x0080u
#define FILE_RIGHT_MAP      0x0100u
#define FILE_RIGHT_LOCK     0x0200u
#define DIR_RIGHT_LOOKUP    0x0400u
#define DIR_RIGHT_LIST      0x0800u
#define DIR_RIGHT_CREATE    0x1000u
#define DIR_RIGHT_REMOVE    0x2000u
#define FILE_RIGHT_IOCTL    0x4000u
#define FILE_RIGHT_SEAL     0x8000u
/* Memory objects: see <serix/memory.h>; their numbers are those of files. */

#define PROCESS_RIGHT_SIGNAL   0x0001u
#define PROCESS_RIGHT_WAIT     0x0002u
#define PROCESS_RIGHT_INSPECT  0x0004u
#define PROCESS_RIGHT_SCHEDULE 0x0008u
#define PROCESS_RIGHT_GRANT    0x0010u
#define PROCESS_RIGHTS         0x001fu

#define PORT_RIGHT_SEND    0x0001u
#define PORT_RIGHT_RECEIVE 0x0002u /* and reply; the port dies with the last one */
#define PORT_RIGHT_CALL    0x0004u
#define PORT_RIGHT_CONTROL 0x0010u /* queue limit, register a name, close */
/* Eight more bits whose meaning is the server's: they come with each message. */
#define PORT_RIGHT_USER(n) (0x00010000u << (n))
#define PORT_RIGHTS_USER   0x00ff0000u

#define NOTIFICATION_RIGHT_SIGNAL 0x0001u
#define NOTIFICATION_RIGHT_WAIT   0x0002u

#define DEVICE_RIGHT_MAP       0x0001u
#define DEVICE_RIGHT_DMA       0x0002u
#define DEVICE_RIGHT_INTERRUPT 0x0004u
#define DEVICE_RIGHT_RESET     0x0008u
#define DEVICE_RIGHT_POWER     0x0010u

#define INTERRUPT_RIGHT_BIND 0x0001u
#define INTERRUPT_RIGHT_ACK  0x0002u

/* A timer is a file, too: these are READ and WRITE; STAT, SEEK, MAP, LOCK and IOCTL are there as of files. */
#define TIMER_RIGHT_WAIT 0x0001u /* read, poll, timerfd_gettime */
#define TIMER_RIGHT_SET  0x0002u /* timerfd_settime */

/* A socket is a file, too: the first two are READ and WRITE; STAT, CHMOD and IOCTL are there as of files.
 * What is accepted is derived from the listener's capability: with its rights at most, and gone with it. */
#define SOCKET_RIGHT_RECEIVE  0x00000001u
#define SOCKET_RIGHT_SEND     0x00000002u
#define SOCKET_RIGHT_BIND     0x00010000u
#define SOCKET_RIGHT_LISTEN   0x00020000u
#define SOCKET_RIGHT_ACCEPT   0x00040000u
#define SOCKET_RIGHT_CONNECT  0x00080000u /* also: say with a message where it is to go */
#define SOCKET_RIGHT_GETOPT   0x00100000u /* options and names */
#define SOCKET_RIGHT_SETOPT   0x00200000u
#define SOCKET_RIGHT_SHUTDOWN 0x00400000u

/* A ring of asynchronous I/O is a file, too: the first two are READ and WRITE; STAT, MAP, LOCK and IOCTL are
 * there as of files.  It is given to nobody but children. */
#define RING_RIGHT_WAIT     0x00000001u /* poll */
#define RING_RIGHT_SUBMIT   0x00000002u /* io_uring_enter, and writing to what is mapped */
#define RING_RIGHT_REGISTER 0x00010000u /* io_uring_register */

/* A ruleset of Landlock is a file, too: these are READ and WRITE; STAT, SEEK, MAP, LOCK, TRUNCATE and IOCTL
 * are there as of files. */
#define RULESET_RIGHT_ENFORCE 0x0001u /* landlock_restrict_self */
#define RULESET_RIGHT_ADD     0x0002u /* landlock_add_rule */

#define BUDGET_RIGHT_BIND   0x0001u
#define BUDGET_RIGHT_RESIZE 0x0002u

/* cap_derive.flags */
#define CAP_DERIVE_CLOEXEC 1u
#define CAP_DERIVE_BADGE   2u /* `badge` is given to the child; needs CAP_RIGHT_BADGE */

struct cap_derive {
	uint32_t rights; /* those of the parent that pass */
	uint32_t flags;
	uint64_t expires_ns; /* from now; CAP_FOREVER: as the parent */
	uint64_t badge;      /* what a server sees with each message; else the parent's */
};

/* cap_revoke flags */
#define CAP_REVOKE_CHILDREN 1u /* the capability itself stays; mappings made through it do not */

/* cap_enter flags */
#define CAP_ENTER 1u

struct cap_token {
	uint64_t id[2];
};

struct cap_info {
	cap_handle_t handle;
	uint32_t type; /* enum cap_type */
	uint32_t rights;
	uint64_t object;     /* unique for ever; the same for all capabilities to one object */
	uint64_t parent_tag; /* as `tag`, of the capability that this one was derived from; 0: an original */
	uint64_t tag;        /* tells capabilities apart; not their id, and worth nothing to who guesses */
	uint64_t badge;
	uint64_t expires_ns;     /* from now; CAP_FOREVER: never */
	uint64_t expires_cycles; /* the same as the time-stamp counter will show it; 0: never */
	uint32_t depth;          /* derivations since the original, copies by dup and fork not counted */
	uint32_t children;       /* derived from it directly, wherever they are */
	uint32_t flags;          /* CAP_DERIVE_CLOEXEC */
	uint32_t reserved;
};

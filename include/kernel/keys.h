/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys: small secrets that the kernel keeps for programs, found through keyrings (keyrings(7)).
 *
 * A key has a serial number, which is a global name and so ambient authority: what a process may do with it
 * follows from whose it is and from whether the process possesses it, which is to say that one of its own
 * keyrings leads there.  So a process that is confined to paths, or in capability mode, is refused all of it
 * (EACCES), and its inherited keyrings are out of its reach.
 *
 * Whose keyrings there are, and what becomes of them:
 *
 *	            belongs to   fork   new thread               exec   exit   set-user-ID
 *	thread      a thread     none   an empty one, if the     gone   gone   its owner is the new user
 *	                                maker has one
 *	process     a process    none   the same                 gone   gone   stays
 *	session     a process    same   the same                 same   left   stays
 *	user, user-session: a user's; made when first asked for, and kept
 *
 * Linux has the middle two by thread, as it has all identity; here they are a process's, as that is.  What a
 * thread has chosen for request_key() goes with it through fork and exec.
 *
 * All is guarded by one sleeping lock, RANK_KEYS, of kernel/keys alone.  It comes behind vm_space.lock, and
 * user memory is never touched under it.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_keys.h>

struct key;
struct process;
struct thread;

/* In struct process; both may be NULL. */
struct process_keys {
	struct key *session; /* [keys_lock] NULL: the user's session keyring stands in for it */
	struct key *process; /* [keys_lock] */
};

/* In struct thread. */
struct thread_keys {
	struct key *thread;  /* [keys_lock] or NULL */
	int request_default; /* [o] KEY_REQKEY_DEFL_* */
};

/* /proc/sys/kernel/keys: what a user may have, and what user 0 may; seconds until a dead key is taken out of
 * all keyrings, and until an unused persistent keyring dies. */
struct key_limits {
	_Atomic uint32_t maxkeys, maxbytes, root_maxkeys, root_maxbytes;
	_Atomic uint32_t gc_delay, persistent_expiry;
};
extern struct key_limits key_limits;
void keys_collect_soon(void); /* gc_delay has changed */

void keys_start(void); /* the thread that takes dead keys out; once threads can be made */

/* --- threads and processes ------------------------------------------------------------------------------ */

/* A new thread, of the running process or of a new one, gets what the table above says.  -ENOMEM; whatever
 * has been given, the exit functions take. */
int keys_inherit(struct thread *child) __must_check;
void keys_exit_thread(struct thread *t);
void keys_exit_process(struct process *p);
void keys_exec(void); /* the running thread, alone by now, starts another program */
/* The running process acts on files as somebody else now. */
void keys_owner_changed(uid_t fsuid, gid_t fsgid);

/* --- calls: what the system call returns, negative errno included --------------------------------------- */

int64_t key_add(uaddr_t type, uaddr_t description, uaddr_t payload, size_t size, int32_t keyring);
int64_t key_request(uaddr_t type, uaddr_t description, uaddr_t callout, int32_t keyring);
int64_t key_control(int operation, const uint64_t arguments[4]);

/* --- /proc ---------------------------------------------------------------------------------------------- */

struct key_view {
	int32_t serial;
	uint32_t refs, perm, uid, gid;
	bool revoked, in_quota, negative, invalidated;
	uint64_t seconds_left; /* UINT64_MAX: for ever; 0: expired */
	const char *type, *description;
	int64_t size; /* of a keyring: its links; negative: not to be told */
	bool keyring;
};
/* Each key that the running process may view, by serial number.  `emit` is called with the lock held. */
void keys_list(void (*emit)(void *arg, const struct key_view *view), void *arg);

struct key_user_view {
	uid_t uid;
	uint32_t refs, keys, quota_keys, quota_bytes, max_keys, max_bytes;
};
void key_users_list(void (*emit)(void *arg, const struct key_user_view *view), void *arg);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp: which system calls a thread may make, said by programs that look at each call (seccomp(2)).
 *
 * A thread has none or one filter, which names the one before it: what holds is the strictest answer of the
 * whole chain.  Chains only grow at their end, so they form trees, shared by those who inherited them.  A
 * filter never changes once a thread has it.
 *
 * thread.seccomp is written with the process's lock held, by the thread itself and by another one that
 * spreads its own chain to all (TSYNC).  What it is replaced by always ends in what it was, so the thread
 * itself reads it without the lock and may go on with what it has read.
 *
 * Legend: [i] immutable.
 */
#pragma once

#include <kernel/bpf.h>
#include <kernel/compiler.h>
#include <kernel/refcount.h>
#include <kernel/types.h>

struct call_watcher;
struct process;
struct seccomp_filter;
struct thread;

/* Within struct thread. */
struct seccomp_state {
	uint32_t mode;                         /* [process.lock] written; SECCOMP_MODE_* */
	struct seccomp_filter *_Atomic newest; /* [process.lock] written; referenced; NULL: none */
};

#define CALL_WATCHER_SECCOMP (1u << 0)
extern const struct call_watcher seccomp_watcher;

/* No calls but read, write, exit and rt_sigreturn from now on.  -EINVAL: it has filters. */
int seccomp_set_strict(void) __must_check;
/*
 * Another filter for the running thread: `program` as the program gave it, flags SECCOMP_FILTER_FLAG_*.  0;
 * with a listener its descriptor; with TSYNC the id of a thread whose filters are no part of its own.
 * -EINVAL, -EACCES (it could still gain privileges by exec), -EFAULT, -ENOMEM, -EBUSY (there is a listener
 * already), -ESRCH (as TSYNC_ESRCH wants it).
 */
int64_t seccomp_add_filter(uint32_t flags, const struct abi_bpf_program *program) __must_check;
/* Is there such a set of flags? */
bool seccomp_flags_are_valid(uint32_t flags);
/* Is this an action (SECCOMP_RET_*) that filters may return? */
bool seccomp_action_is_known(uint32_t action);

/* A thread that is about to be found by others has what the running one has.  proc_tree_lock is held, which
 * TSYNC takes, and the child's process's lock. */
void seccomp_inherit_locked(struct thread *child);
/* The thread ends: its filter, which the caller puts when no lock is held. */
struct seccomp_filter *seccomp_leave_locked(struct thread *t) __must_check;
void seccomp_filter_put(struct seccomp_filter *f); /* NULL: nothing happens */
/* How many filters the thread has.  Its process's lock is held. */
uint32_t seccomp_depth_locked(const struct thread *t);

/* Actions as /proc/sys/kernel/seccomp names them: all, and those that are logged, separated by blanks. */
int seccomp_actions_text(bool logged, char *buf, size_t size);
/* Which are logged from now on.  -EINVAL. */
int seccomp_actions_log(const char *text) __must_check;

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that go back to the program: prctl(PR_SET_SYSCALL_USER_DISPATCH).  A thread's calls become SIGSYS but
 * for those from one range of addresses, and as long as a byte of its memory says so.  No child and no exec
 * inherits it.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct call_watcher;

/* Within struct thread; only the thread itself looks at it. */
struct user_dispatch {
	uaddr_t start; /* calls from there on ... */
	uint64_t length;
	uaddr_t selector; /* 0: none, all the others are dispatched */
};

#define CALL_WATCHER_USER_DISPATCH (1u << 2)
extern const struct call_watcher user_dispatch_watcher;

/* As prctl(2) has it.  -EINVAL, -EFAULT. */
int user_dispatch_set(uint64_t mode, uaddr_t start, uint64_t length, uaddr_t selector) __must_check;
/* The running thread begins another program. */
void user_dispatch_forget(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watched calls: who stands between the number of a system call and its handler.
 *
 * A thread's calls go straight to their handlers (kernel/syscall/table.c) unless somebody watches them.
 * Then each watcher is asked before the call, in the order of kernel/syscall/watch.c, and again behind it.
 * Before the call a watcher may change number and arguments in the saved registers, or skip it: then the
 * result is what the registers hold, -ENOSYS unless somebody wrote another.  Behind the call the registers
 * hold the result, and a watcher may change that.  Skipped calls have an end, too.
 *
 * An unwatched thread pays nothing: thread.direct_calls is the number that calls must lie below, which is
 * compared anyway, and 0 while there is a watcher.
 */
#pragma once

#include <kernel/types.h>

struct arch_regs;
struct thread;

enum call_verdict { CALL_GOES_ON, CALL_SKIPPED };

struct call_watcher {
	uint32_t bit;
	/* Both run in the thread that calls, with interrupts on and no lock held; may sleep.  `leave` may be
	 * NULL. */
	enum call_verdict (*enter)(struct arch_regs *regs);
	void (*leave)(struct arch_regs *regs);
};

/* Begin and end to watch.  thread.process.lock is held; the thread sees it at its next call, or at the end of
 * the one that it is in. */
void thread_watch_calls_locked(struct thread *t, uint32_t bits);
void thread_unwatch_calls_locked(struct thread *t, uint32_t bits);

/* A call of a watched thread, from its number to its result (kernel/syscall/watch.c); what lies between. */
int64_t syscall_dispatch_watched(struct arch_regs *regs);
int64_t syscall_dispatch_unwatched(struct arch_regs *regs);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals.  Pending sets are per thread and per process; standard signals are pending once, real-time
 * ones queue.  Delivery happens in user_return_work() of the target thread.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>
#include <serix/abi.h>

struct process;
struct thread;
struct arch_regs;

#define SIGNAL_BIT(n) (1ull << ((n)-1))

struct signal_queue {
	uint64_t pending;   /* bit n-1: signal n */
	struct list infos;  /* struct signal_info, oldest first */
};

struct signal_actions {
	struct refcount refs;
	struct spinlock lock; /* RANK_SIGNAL */
	struct abi_sigaction action[NSIG];
};

/* Send to a process / one thread / every process of a group (0 when at least one got it, -ESRCH).
 * `info` NULL: from the kernel.  Any context where spinlocks with rank PROCESS may be taken; the
 * process-group form takes the process tree lock's spinning half: safe from interrupt handlers. */
int signal_process(struct process *p, int signo, const struct abi_siginfo *info);
int signal_thread(struct thread *t, int signo, const struct abi_siginfo *info);
int signal_group(pid_t pgid, int signo, const struct abi_siginfo *info);
/* Make the running thread take `signo` now even if blocked or ignored (faults). */
void signal_force(int signo, int code, uint64_t addr);
/* Job control for ttys: may the running process touch a tty whose foreground group is `pgid`?
 * Sends SIGTTIN/SIGTTOU as POSIX says.  0, -EIO, -ERESTARTSYS. */
bool signal_ignored_or_blocked(int signo);

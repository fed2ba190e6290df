/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals.  Pending sets are per thread and per process; standard signals are pending once, real-time
 * ones queue.  A sender only marks and wakes; delivery happens in user_return_work() of the target
 * thread, so a handler always starts from a clean boundary.
 *
 * A thread's TASK_WORK_SIGNAL bit is set while a signal that it does not block is pending for it, while
 * its process is to stop, or while a system call result waits to be restarted.  That is what
 * signal_pending() reads and what ends interruptible sleeps.  Of a signal to the process one thread that may
 * take it is told; when that one comes to block it first, or ends, others are.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>
#include <serix/abi.h>

struct process;
struct thread;
struct arch_regs;

#define SIGNAL_BIT(n)       (1ull << ((n)-1))
#define SIGRTMIN            32 /* the kernel's; C libraries keep the first few for themselves */
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

struct signal_queue {
	uint64_t pending;  /* bit n-1: signal n */
	struct list infos; /* struct signal_info, oldest first */
};

/* Of signals that never had one but the default action nothing is stored: those are most, and fork copies the
 * rest. */
struct signal_actions {
	struct refcount refs;
	struct spinlock lock;    /* RANK_SIGNAL */
	_Atomic uint64_t stored; /* [lock] written, after the action: bit n-1: signal n has one below */
	struct abi_sigaction action[NSIG]; /* [lock] */
};

/* One word, which needs no lock: that before or after a change that somebody makes now. */
static inline uint64_t signal_handler(const struct signal_actions *actions, int signo)
{
	if (!(atomic_load_explicit(&actions->stored, memory_order_acquire) & SIGNAL_BIT(signo)))
		return SIG_DFL;
	return READ_ONCE(actions->action[signo - 1].handler);
}

/* Send to a process / one thread / every process of a group (0 when at least one got it, -ESRCH).
 * `info` NULL: from the kernel.  -EAGAIN only for a queued real-time signal over RLIMIT_SIGPENDING.
 * Spinlocks only: safe from interrupt handlers.  The process (thread) must be kept alive by the caller:
 * a reference, or proc_tree_lock. */
int signal_process(struct process *p, int signo, const struct abi_siginfo *info);
int signal_thread(struct thread *t, int signo, const struct abi_siginfo *info);
int signal_group(pid_t pgid, int signo, const struct abi_siginfo *info);
/* What the running thread's own call brings upon it (SIGPIPE, SIGXFSZ): as if it had sent it itself. */
void signal_self(int signo);
/* Make the running thread take `signo` now even if blocked or ignored (faults): then it dies of it. */
void signal_force(int signo, int code, uint64_t addr);
void signal_force_info(const struct abi_siginfo *info);
/* What a program says of a signal, of `signo` or, if that is 0, of the one that it names: -EFAULT, -E2BIG
 * (more than is kept). */
int signal_info_from_user(struct abi_siginfo *info, int signo, uaddr_t from) __must_check;
/* All ABI_SIGINFO_SIZE bytes. */
int signal_info_to_user(uaddr_t to, const struct abi_siginfo *info) __must_check;

/* Whom the signals of a file go to (fcntl(2), F_SETOWN). */
struct signal_owner {
	int32_t type;    /* F_OWNER_* */
	pid_t number;    /* 0: nobody */
	uint64_t id;     /* whose number it was when it was named */
	uid_t uid, euid; /* of who named it */
};
/* The running process names it; number 0: nobody.  -EINVAL (type), -ESRCH, -EPERM (confined). */
int signal_owner_set(struct signal_owner *o, int32_t type, pid_t number) __must_check;
bool signal_owner_is_there(const struct signal_owner *o);
/* `info` NULL: from the kernel.  From interrupt handlers, too. */
void signal_owner_send(const struct signal_owner *o, int signo, const struct abi_siginfo *info);

/* Is there a signal for the running thread, or was it only told to look?  Then its call may go on, having
 * looked whether its own capability was revoked.  What is to be done for requests of rings is done here.  No
 * lock is held. */
bool signal_confirm_call(void);
/* Take a pending signal of `set` from the running thread or its process: its number, 0 if there is none. */
int signal_take(uint64_t set, struct abi_siginfo *info);
/* Those that are pending for the running thread or its process, blocked or not. */
uint64_t signal_pending_set(void);
/* Would `signo`, sent to the running thread, have no effect now? */
bool signal_ignored_or_blocked(int signo);
/* Job control for ttys: may the running process go on with a tty whose foreground group is
 * `foreground`?  0 if it is in it (or has no reason to care); -EIO when it must not be stopped (orphaned
 * group, SIGTTIN ignored or blocked); else sends `signo` (SIGTTIN or SIGTTOU) to its group and returns
 * -ERESTARTSYS.  For SIGTTOU, an ignored or blocked signal means that the write is allowed: 0. */
int signal_job_control(pid_t foreground, int signo);

/* Run a part of a system call under another mask (ppoll, pselect, sigsuspend).  leave(true): the call
 * ends because of a signal; the old mask comes back after the handler.  leave(false): at once. */
void signal_mask_enter(uint64_t mask);
void signal_mask_leave(bool interrupted);
/* Set the running thread's mask for good. */
void signal_set_mask(uint64_t mask);
/* Copy a mask from user space: NULL (0) leaves *present false.  -EINVAL: wrong size. */
int signal_mask_from_user(uaddr_t addr, uint64_t size, uint64_t *mask, bool *present) __must_check;

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this folder share: the process tree, pids, signal state, exit and stop hand-overs. */
#pragma once

#include <kernel/proc_calls.h>
#include <kernel/process.h>

struct arch_regs;

/* The tree: pids, parents, children, groups, sessions.  Always with interrupts off. */
extern struct spinlock proc_tree_lock;
extern struct process *init_process; /* [t] pid 1 */

static inline uint64_t tree_lock(void)
{
	return spin_lock_irqsave(&proc_tree_lock);
}

static inline void tree_unlock(uint64_t flags)
{
	spin_unlock_irqrestore(&proc_tree_lock, flags);
}

/*
 * A number in use: by a thread, a process, a process group or a session.  It stays taken until the last
 * of these is gone, so a new process never lands in an old group.  All fields [t].
 */
struct pid_entry {
	struct list hash;
	pid_t nr;
	uint64_t id; /* the thread's number as a kernel object */
	struct thread *thread;
	struct process *process;
	struct ptrace_corpse *corpse; /* of a thread that has exited: its tracer has not waited yet */
	struct list group;            /* processes by group_link */
	uint32_t session_members;
};

void pid_init(void);
/* Does who has `new` instead of `old` hold something that others must not get at through him? */
bool cred_gains(const struct credentials *old, const struct credentials *new) __must_check;
void cred_init(void);
/* A free number.  NULL: none left, or no memory.  Holds nothing yet: attach at once, or pid_release. */
struct pid_entry *pid_alloc(void);
struct pid_entry *pid_lookup_locked(pid_t nr);
/* Free the number if nothing uses it any more. */
void pid_release_locked(struct pid_entry *entry);
void pid_release(struct pid_entry *entry);
struct thread *thread_find_locked(pid_t tid);
struct process *process_find_locked(pid_t pid);

/* Groups and sessions (session.c). */
void process_join_locked(struct process *p, pid_t pgid, pid_t sid);
void process_leave_groups_locked(struct process *p);
bool group_orphaned_locked(pid_t pgid, const struct process *without);
/* SIGHUP and SIGCONT to a group that is orphaned while it has stopped members: the group of a process
 * that exits, and the group of a child that has just got init as its parent. */
void group_exit_locked(struct process *p);
void group_reparented_locked(struct process *child, struct process *old_parent);

/* Processes and threads (process.c).  A process starts with one reference and in no list. */
struct process *process_alloc(void);
/* A new process takes over the use of a table. */
void process_join_caps(struct process *p, struct cap_table *caps);
/* The running process, which has one thread, shares its table with no other any more. -ENOMEM. */
int process_unshare_caps(struct process *p) __must_check;
struct thread *thread_alloc(struct process *p, const char *name, void (*entry)(void *));
/* Undo thread_alloc for a thread that never ran. */
void thread_free(struct thread *t);
/* Run `visit` on every process; the tree lock is held. */
void process_for_each_locked(void (*visit)(struct process *p, void *arg), void *arg);
/* The running program's file refuses writers while some process runs it. */
int exe_deny_write(struct vnode *vnode) __must_check;
void exe_allow_write(struct vnode *vnode);

/* Signals (signal.c). */
struct posix_timer;
struct signal_info {
	struct list link;          /* [p] */
	struct posix_timer *timer; /* [p] whose it stays when it is taken; NULL: nobody's, it is freed */
	struct abi_siginfo info;
};
/* One for a timer; NULL: no memory. */
struct signal_info *signal_info_create(struct posix_timer *timer);
void signal_info_free(struct signal_info *si);
/* Queue it, which is not queued, for the process or, if `t` is given, for that thread.  False: the signal is
 * ignored. */
bool signal_send_prepared_locked(struct process *p, struct thread *t, struct signal_info *si);

/* POSIX timers (posix_timer.c). */
/* Its signal was taken, or thrown away: it goes on, and the overruns are counted. */
void posix_timer_taken_locked(struct posix_timer *t, struct abi_siginfo *info);
/* Look at those by CPU clocks.  How much of a clock may pass until the next one is due. */
uint64_t posix_timers_look_locked(struct process *p);
void posix_timers_thread_left_locked(struct process *p, const struct thread *thread);
/* At exec and exit. */
void posix_timers_delete_all(struct process *p);

void signal_init(void);
struct signal_actions *signal_actions_create(void);
struct signal_actions *signal_actions_copy(struct signal_actions *from);
struct abi_sigaction signal_action_locked(struct signal_actions *actions, int signo);
void signal_action_default_locked(struct signal_actions *actions, int signo);
void signal_actions_put(struct signal_actions *actions);
void signal_queue_init(struct signal_queue *q);
void signal_queue_flush_locked(struct process *p, struct signal_queue *q, uint64_t mask);
bool signal_default_ignored(int signo);
bool signal_default_stops(int signo);
bool signal_default_dumps(int signo);
int signal_process_locked(struct process *p, int signo, const struct abi_siginfo *info);
int signal_thread_locked(struct thread *t, int signo, const struct abi_siginfo *info);
/* Take the next signal of `set` pending for the running thread; 0 when there is none. */
int signal_dequeue_locked(struct thread *t, uint64_t set, struct abi_siginfo *info);
uint64_t signal_pending_set_locked(struct thread *t);
/* Set or clear TASK_WORK_SIGNAL of the running thread by what is pending. */
void signal_recalc_locked(struct thread *t);
/* The mask of the running thread, or of one whose tracer stopped it. */
void signal_set_mask_locked(struct thread *t, uint64_t mask);
/* The thread takes no more signals: it is `exiting`. */
void signal_leave_locked(struct thread *t);
void signal_info_user(struct abi_siginfo *info, int signo, int code);
/* May the running process signal `p`? */
bool signal_permitted(const struct process *p, int signo);
struct abi_sigaction signal_action_get(struct process *p, int signo);
/* exec: no longer share actions with another process (CLONE_SIGHAND); then handlers go back to the default,
 * while ignored signals stay ignored. */
int signal_actions_unshare(struct process *p) __must_check;
void signal_actions_reset(struct process *p);

/* Wake it from a stop (ptrace_stop.c): of its process, or, when that is `fatal`, also a tracer's.  Holds
 * process.lock. */
void thread_wake_stopped_locked(struct thread *t, bool fatal);

/* Stopping (stop.c).  The first two are called with p->lock held and release it with `flags`. */
void thread_park_locked(struct thread *t, uint64_t flags);
void process_stop_locked(struct process *p, int signo, uint64_t flags);
void process_continue_locked(struct process *p);
/* Have all threads that are left parked?  Then the process is STOPPED now, and is to be reported. */
bool process_stop_complete_locked(struct process *p);
void process_report_stopped(struct process *p);
/* A woken thread tells the parent that the process goes on. */
void process_report_continued(struct process *p);

/* NULL: none any more. */
void process_set_parent_locked(struct process *p, struct process *parent);

/* How wait chooses, beside what POSIX has: only children that do not send SIGCHLD, either kind, and of
 * tracees only those of the running thread. */
#define WAIT_CLONE       0x80000000u /* __WCLONE */
#define WAIT_ALL         0x40000000u /* __WALL */
#define WAIT_THREAD_ONLY 0x20000000u /* __WNOTHREAD */

/* Tell a tracer: SIGCHLD with `info` but for its number, unless it does not want to hear; wake its waits.
 * The tree lock is held. */
void tracer_notify_locked(struct process *tracer, struct abi_siginfo *info);
/* Telling the parent (wait.c): SIGCHLD with `code` CLD_*, and waking its waits. */
void parent_notify_locked(struct process *p, int signo, int code, int status);
/* Take a zombie out of the tree; the caller then drops the tree's reference, outside the lock. */
void process_reap_locked(struct process *p);

/* Wait statuses: an exit code << 8, or a signal, with a core or without. */
#define WAIT_STATUS_CORE 0x80
static inline int wait_status_code(int status)
{
	if ((status & 0x7f) == 0)
		return CLD_EXITED;
	return status & WAIT_STATUS_CORE ? CLD_DUMPED : CLD_KILLED;
}

/* Exit (exit.c). */
/* Let all threads leave, the running one excepted; what nobody has done before. */
void process_end_locked(struct process *p, int wait_status);
/* Tell the parent of a zombie; it goes to `dead` when nobody is going to wait for it. */
void zombie_announce_locked(struct process *p, struct list *dead);
/* Outside the lock: the tree's references to what was reaped. */
void zombies_put(struct list *dead);
void exit_release_memory(struct thread *t);
void vfork_release(struct process *p);
/* exec: wait until the running thread is alone in its process.  -EAGAIN: the process is leaving. */
int process_dethread(void) __must_check;
void robust_list_exit(struct thread *t);

/* The running thread leaves; if it is the last, its process with this wait status. */
void thread_exit_status(int wait_status) __noreturn;

/* Somebody else's exit_group or exec ends this thread. */
static inline bool thread_must_leave_locked(const struct thread *t)
{
	const struct process *p = t->process;

	return p->exiting || (p->exec_thread && p->exec_thread != t);
}

/* May something that a program did go to the log?  Only so many do in some seconds (trap.c). */
bool program_log_allowed(void);
/* A call that is not made: its registers are as before it again.  What SIGSYS says of it. */
struct abi_siginfo trap_undo_call(struct arch_regs *regs, int32_t code, uint32_t reason);

/* Futexes (futex.c). */
void futex_init(void);
int64_t futex_wake_any(uaddr_t addr, uint32_t count);
/* Who waits for what the thread owns finds a new owner; nobody waits for it from now on, until it goes on
 * with another program. */
void futex_pi_leave(struct thread *t);
void futex_pi_reopen(struct thread *t);

/* Restartable sequences (rseq.c): before a frame is pushed at regs; on the way to user mode. */
void rseq_signal(struct thread *t, struct arch_regs *regs);
void rseq_resume(struct thread *t, struct arch_regs *regs);
/* exec, or a new thread in the same memory; a new process has its parent's. */
void rseq_forget(struct thread *t);
void rseq_inherit(struct thread *child, const struct thread *parent);

/* May the running process change how that thread is scheduled?  (policy.c) */
bool process_same_owner(const struct process *p);
bool thread_same_owner(const struct thread *t);
/* `owner`: that is settled.  Holds its process's lock. */
int thread_policy_set_locked(struct thread *t, const struct policy_request *request, bool owner) __must_check;
/* May the running process take CPU time away from everybody for good, and are these times it may name? */
bool policy_may_reserve(void);
bool policy_deadline_valid(const struct sched_policy *p);
/* Do it to the thread that the capability names (of a process: its first), with proc_tree_lock held.
 * -ESRCH. */
int thread_act_by_handle(cap_handle_t handle, uint32_t rights, int (*act)(struct thread *t, void *arg),
			 void *arg) __must_check;
/* May it be as urgent as this nice value by RLIMIT_NICE, or by privilege? */
bool thread_may_nice(const struct thread *t, int nice);

/* Limits and interval timers. */
void rlimits_init(struct process *p);
void itimer_init(struct process *p);
/* Expire a timer whose clock shows now_ns.  An interval timer that expires is due again. */
bool itimer_expire(struct itimer *it, uint64_t now_ns);
void cpu_timers_init(struct process *p);
/* Limits, policies or timers changed: look when the next of them could be due. */
void cpu_timers_update(struct process *p);
void cpu_timers_update_locked(struct process *p);
/* The process is leaving: none fires any more.  Takes process.lock. */
void cpu_timers_stop(struct process *p);
/* A new process inherits limits: has it one in CPU time? */
static inline bool cpu_time_limited(const struct process *p)
{
	return p->rlimits[RLIMIT_CPU].cur != RLIM_INFINITY || p->rlimits[RLIMIT_RTTIME].cur != RLIM_INFINITY;
}

/* Usage (usage.c). */
void usage_add(struct usage *sum, const struct usage *part);
/* The process gives up its address space, whose peak is remembered.  Holds process.lock. */
void usage_leave_memory_locked(struct process *p);
void usage_with_children(struct process *p, struct abi_rusage *out);
void usage_to_abi(const struct usage *usage, struct abi_rusage *out);

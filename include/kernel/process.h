/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads.  A thread embeds the scheduler's task; a process owns what its threads share.
 *
 * Life of a process: fork or clone makes it (ALIVE); job control may stop it (STOPPED) and continue it;
 * the last thread's exit makes it a ZOMBIE that holds only its status; wait by the parent (or init after
 * the parent died) frees it.
 *
 * Locks: proc_tree_lock (spinning, interrupts off) covers pids, parents, children, groups and sessions;
 * process.lock the process itself and its threads' signal state.  The tree lock is taken first.  Both are
 * held only for a few list operations, never over user copies or anything that sleeps.
 *
 * Legend: [i] immutable, [p] process.lock, [t] proc_tree_lock, [o] the thread itself, [a] atomic.
 */
#pragma once

#include <kernel/cap.h>
#include <kernel/keys.h>
#include <kernel/list.h>
#include <kernel/privilege.h>
#include <kernel/ptrace.h>
#include <kernel/sched.h>
#include <kernel/seccomp.h>
#include <kernel/signal.h>
#include <kernel/time.h>
#include <kernel/types.h>
#include <kernel/user_dispatch.h>
#include <kernel/wait.h>
#include <serix/abi.h>

struct confine;
struct fs_context;
struct sem_undo_list;
struct tty;
struct vnode;
struct vm_space;

#define PID_MAX     32768 /* pids are 1 ... PID_MAX - 1 */
#define NGROUPS_MAX 32

#define CORE_FILTER_DEFAULT \
	0x33u /* Linux's: all that is private and in memory, and what begins with an ELF header */
#define CORE_FILTER_ALL 0x1ffu

/* Of a process: all its threads have the same. */
struct credentials {
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	struct priv_sets priv;
	uint32_t group_count;
	gid_t groups[NGROUPS_MAX];
};

enum process_state { PROCESS_ALIVE, PROCESS_STOPPED, PROCESS_ZOMBIE };

/* Linux's numbers. */
enum rlimit_id {
	RLIMIT_CPU,
	RLIMIT_FSIZE,
	RLIMIT_DATA,
	RLIMIT_STACK,
	RLIMIT_CORE,
	RLIMIT_RSS,
	RLIMIT_NPROC,
	RLIMIT_NOFILE,
	RLIMIT_MEMLOCK,
	RLIMIT_AS,
	RLIMIT_LOCKS,
	RLIMIT_SIGPENDING,
	RLIMIT_MSGQUEUE,
	RLIMIT_NICE,
	RLIMIT_RTPRIO,
	RLIMIT_RTTIME,
	RLIMIT_COUNT
};
#define RLIM_INFINITY UINT64_MAX

/* Transfers by read, write and their relatives, tried and done. */
struct transfer_usage {
	uint64_t bytes_read, bytes_written;
	uint64_t reads, writes;
};

/* What a thread, a process or many of them have used. */
struct usage {
	struct transfer_usage transfers;
	uint64_t user_ns, system_ns;
	uint64_t minor_faults, major_faults;
	uint64_t switches_voluntary, switches_forced;
	uint64_t max_rss_pages; /* the most at any time; of many, that of the largest */
};

/* An interval timer; due 0: not armed. */
struct itimer {
	uint64_t due_ns, interval_ns;
};

/* Timers and limits in CPU time (kernel/proc/cputimer.c). */
struct cpu_timers {
	struct timer timer;          /* looks at the clocks when one of them could be due */
	struct itimer virtual, prof; /* [p] ITIMER_VIRTUAL in user time, ITIMER_PROF in all CPU time */
	bool stopped;                /* [p] the process is leaving */
};

/* Timers by number (kernel/proc/posix_timer.c). */
struct posix_timers {
	struct rb_tree by_id; /* [p] */
	struct list on_cpu;   /* [p] those that go by a CPU clock */
	int32_t next_id;      /* [p] */
};

struct process {
	struct refcount refs;
	pid_t pid;                    /* [i] */
	uint64_t id;                  /* [i] its number as a kernel object: unlike pids, never used again */
	struct spinlock lock;         /* RANK_PROCESS */
	struct list threads;          /* [p] those that have not left for good */
	uint32_t thread_count;        /* [p] length of threads */
	uint32_t live_threads;        /* [p] those that have not begun to exit */
	enum process_state state;     /* [p] written; read anywhere */
	int exit_status;              /* [p] as wait reports it */
	struct thread *exec_thread;   /* [p] the only thread that an exec lets live */
	struct waitqueue thread_wait; /* exec and a dumper wait for the others, pidfds for the end */

	struct process *parent;       /* [t] */
	pid_t parent_pid;             /* [t]; read anywhere */
	pid_t parent_tid;             /* [i] the thread that forked it */
	struct ptrace_corpse *corpse; /* [t] its first thread has left, but has a tracer; NULL: none */
	bool has_execed;              /* [t] setpgid by the parent comes too late */
	bool subreaper;               /* [t] its descendants' orphans become its children */
	struct list children;         /* [t] */
	struct list sibling;          /* [t] */
	struct list group_link;       /* [t] member of its process group */
	pid_t pgid, sid;              /* [t] */
	struct tty *tty;              /* [t] controlling terminal, referenced */
	pid_t hung_up_group; /* [t] of a session leader: in the foreground when it lost its terminal */
	struct waitqueue child_wait; /* parents sleep here for their children */

	/* Stopping. */
	uint32_t stopped_threads;   /* [p] parked now */
	uint32_t dump_parked;       /* [p] standing still for the dumper, */
	struct waitqueue dump_wait; /* here: nothing wakes them before it is done */
	struct thread *dumper;      /* [p] writes the core: kernel/core_dump.h */
	int stop_signal;            /* [p] */
	bool stop_requested;        /* [p] every thread parks itself */
	bool stop_dequeued;         /* [p] a thread is about to stop; SIGCONT still prevents it */
	bool stop_reported;         /* [p] wait(WUNTRACED) has told the parent */
	bool continued;             /* [p] for wait(WCONTINUED) */
	bool notify_continued;      /* [p] a woken thread tells the parent */

	bool exiting;       /* [p] exit_group in progress */
	bool no_new_privs;  /* [p] */
	bool dumpable;      /* [p] */
	bool exec_secure;   /* [p] an exec is about to gain privilege: nobody attaches now */
	uint32_t privilege; /* [p] counts its set-id execs; read anywhere */

	struct vm_space *vm;             /* [p] NULL once exiting */
	struct cap_table *caps;          /* [p] NULL once exiting */
	struct cap_user cap_user;        /* for whoever looks from that table */
	struct fs_context *fs;           /* [p] NULL once exiting */
	struct confine *_Atomic confine; /* [p][t] written; see kernel/confine.h.  NULL: not confined */
	struct vnode *exe_vnode;         /* [p] the running program, denied for writing */
	struct credentials cred;         /* [p] written; see kernel/proc/cred.c for who reads it */
	struct abi_rlimit rlimits[RLIMIT_COUNT]; /* [p] */
	struct signal_actions *actions;          /* [p] shared by CLONE_SIGHAND */
	struct signal_queue pending;             /* [p] for the whole process */
	struct waitqueue signal_wait; /* readers of signalfds wait here for signals of any thread */
	uint32_t queued_signals;      /* [p] infos held in all queues of the process */
	int exit_signal;              /* [i] what the parent gets */
	int pdeath_signal;            /* [p] what it gets when the parent dies */
	uint32_t cred_changes;        /* [p] how often cred was written */

	uint64_t start_ns;                /* [i] monotonic */
	struct usage usage;               /* [p] of threads and address spaces gone */
	struct usage child_usage;         /* [t] of children waited for */
	_Atomic uint32_t unsupported_row; /* [a] what the program last asked for in vain, + 1; 0: nothing */
	char comm[TASK_NAME_LEN];         /* [p] */
	char exe[256];                    /* [p] path of the program, for /proc/pid/exe */
	struct timer alarm;               /* ITIMER_REAL */
	struct itimer real;               /* [p] on the monotonic clock */
	struct cpu_timers cpu_timers;
	struct posix_timers timers;
	struct waitqueue vfork_wait;    /* parent of a vfork sleeps here */
	_Atomic bool vfork_done;        /* [a] it may go on */
	int32_t oom_score_adj;          /* [p] */
	uint32_t core_filter;           /* [p] which kinds of memory a core would have: core(5) */
	struct rb_tree aio_contexts;    /* [p] fs/aio */
	struct sem_undo_list *sem_undo; /* [sem_sets.lock] NULL: it undoes nothing */
	struct process_keys keys;
};

/* personality(2), Linux's numbers: what a program may ask to find otherwise than usual. */
#define PERSONA_TYPE              0xffu
#define PERSONA_LINUX             0u
#define PERSONA_LINUX32           8u         /* uname(2) names a 32-bit machine */
#define PERSONA_NO_RANDOMIZE      0x0040000u /* programs that it starts have no random addresses */
#define PERSONA_CLEARED_BY_SET_ID PERSONA_NO_RANDOMIZE
#define TIMER_SLACK_DEFAULT       (50 * NSEC_PER_USEC)

/* How a call that a signal without handler interrupted goes on: restart_syscall(2) runs fn. */
struct syscall_restart {
	int64_t (*fn)(struct syscall_restart *restart);
	uint64_t deadline_ns; /* monotonic */
	uaddr_t user;         /* where to report what is left, or other arguments */
	uint64_t extra[2];
};

struct thread {
	struct task task;
	pid_t tid;                   /* [i] but for a non-leader's exec, which takes the leader's */
	struct process *process;     /* [i] referenced */
	struct list link;            /* [process.lock] */
	struct signal_queue pending; /* [process.lock] */
	/* [process.lock] The mask.  Written by the thread itself, or by its tracer while it is stopped. */
	uint64_t blocked;
	uint64_t real_blocked; /* [process.lock] what sigtimedwait unblocked for now: not yet ignorable */
	uint64_t saved_mask;   /* [o] for sigsuspend/ppoll: restored after the handler */
	bool restore_mask;     /* [o] */
	bool exiting;          /* [o] */
	uint64_t minor_faults, major_faults; /* [o] */
	struct transfer_usage transfers;     /* [o] */
	uint64_t rt_start_ns, rt_sleeps;     /* [p] RLIMIT_RTTIME: CPU time and sleeps at its last sleep */
	struct abi_stack altstack;           /* [o] */
	/* futex_pi.c: those who wait for a futex that this thread owns; what it waits for itself. */
	struct list pi_waiters;            /* [pi_lock] */
	struct pi_waiter *pi_wait;         /* [pi_lock] */
	bool pi_closed;                    /* [pi_lock] it ends: nobody waits for it any more */
	uaddr_t clear_child_tid;           /* [o] */
	uaddr_t robust_list;               /* [o] */
	uaddr_t set_child_tid;             /* [o] written at the first run */
	uaddr_t rseq;                      /* [o] its area for restartable sequences; 0: none */
	uint32_t rseq_signature, rseq_cpu; /* [o] before abort handlers; what the area was told last */
	struct syscall_restart restart;    /* [o] */
	struct uring_thread *uring;        /* [o] its requests of rings; NULL: it never had one */
	struct capability *request_cap;    /* [o] what the one is for that it works on; NULL: none */
	struct ptrace ptrace;
	_Atomic uint32_t call_watchers; /* [process.lock] written; who watches its calls: syscall_watch.h */
	_Atomic uint32_t direct_calls;  /* [process.lock] written; numbers below it need nobody's look */
	struct seccomp_state seccomp;
	struct user_dispatch dispatch; /* [o] */
	struct thread_keys keys;
	struct landlock_domain *landlock; /* [process.lock] written by itself; NULL: none.  landlock.h */
	uint16_t ioprio;                  /* [process.lock] */
	uint32_t persona;                 /* [o] PERSONA_* */
	/* [o] How late it may wake, and what PR_SET_TIMERSLACK with 0 goes back to.  Timers here are exact,
	 * so this is only kept. */
	uint64_t timer_slack_ns, timer_slack_default_ns;
};

static inline struct thread *current_thread(void) /* user threads only */
{
	return container_of(current_task(), struct thread, task);
}

static inline struct process *current_process(void)
{
	return current_thread()->process;
}

/* The running task is a user thread? (kernel threads and start-up are not) */
static inline bool in_user_thread(void)
{
	return current_task()->user;
}

/* Does it work on a request of a ring, which never waits? */
static inline bool in_request(void)
{
	return in_user_thread() && current_thread()->request_cap != NULL;
}

void process_init(void);

/* Make the first process from a program in the root file system.  Tries `cmdline_init` alone if it is
 * given, else the names in order, ended by NULL. */
int process_start_init(const char *const candidates[], const char *cmdline_init) __must_check;

/* By pid; with a reference, or NULL. */
struct process *process_find(pid_t pid);
struct process *
process_of_thread(pid_t tid); /* that a thread is of, which may be a zombie's first; likewise */
void process_get(struct process *p);
void process_put(struct process *p);
/* Iterate by pid for /proc: the first process with pid >= `from`, referenced, or NULL. */
struct process *process_next(pid_t from);
uint32_t process_count(void); /* as Linux counts them: threads of all processes */
pid_t process_last_pid(void);
uint64_t process_made_count(void); /* since the start, threads included */

/* Safe looks into another process: a reference, or NULL once it is exiting. */
struct vm_space *process_vm_get(struct process *p);
struct cap_table *process_caps_get(struct process *p); /* pinned: cap_table_unpin() */
struct fs_context *process_fs_get(struct process *p);
pid_t process_parent_pid(struct process *p);
/* What all threads used, gone ones included; what one thread did (without max_rss_pages). */
/* The call that a thread is in; nr -1: none, it entered the kernel by itself or not at all. */
struct sleeping_call {
	int64_t nr;
	uint64_t args[6];
	uint64_t sp, pc;
};
/* False: it runs, nothing is known.  process.lock is held. */
bool thread_sleeping_call_locked(struct thread *thread, struct sleeping_call *out) __must_check;

void transfer_usage_add(struct transfer_usage *sum, const struct transfer_usage *part);
void process_usage(struct process *p, struct usage *out);
void process_usage_locked(struct process *p, struct usage *out);
void thread_usage(struct thread *t, struct usage *out);
/* What the children that were waited for used. */
void process_child_usage(struct process *p, struct usage *out);
/* CPU time of all threads, gone ones included. */
void process_cpu_time(struct process *p, uint64_t *user_ns, uint64_t *system_ns);
/* The n-th thread's tid (oldest first), or 0 past the end. */
pid_t process_nth_tid(struct process *p, uint32_t n);
/* The soft limit `id` of the running process; RLIM_INFINITY for kernel threads. */
static inline uint64_t current_rlimit(enum rlimit_id id)
{
	return in_user_thread() ? READ_ONCE(current_process()->rlimits[id].cur) : RLIM_INFINITY;
}

/* Controlling terminals: a process holds a reference on its own.  All processes of the session get (NULL:
 * lose) one. */
void session_set_tty(pid_t sid, struct tty *tty);
/* The session's terminal is gone: all lose it; its leader gets SIGHUP and SIGCONT, and when that ends so does
 * the group that was in the foreground. */
void session_hang_up(pid_t sid, pid_t foreground);
struct tty *process_tty_get(struct process *p); /* with a reference; NULL: none */
void process_drop_tty(void);                    /* the running process alone loses it */
/* Has the group a member in the session?  TIOCSPGRP asks. */
bool process_group_in_session(pid_t pgid, pid_t sid);

/* Credentials checks. */
const struct credentials *current_cred(void);
extern const struct credentials kernel_cred; /* of the kernel's own work: user 0 with all privileges */
/* Has the running process this privilege in effect, and is it worth something: it is not denied
 * CONFINE_NO_ADMIN?  Kernel threads have all.  Who may open and change which file goes by the credentials
 * alone (priv_has): where these files lie is what confinement has to say. */
bool cred_has_privilege(enum privilege privilege);
/* access(2): for the real user. */
void cred_as_real_user(struct credentials *cred);
bool cred_in_group(const struct credentials *cred, gid_t gid);
/* May somebody look into a process (its memory, where its pages lie)?  Its own always may. */
bool cred_may_look(const struct credentials *me, struct process *p);

/* Out of memory while the running thread needs a page: reclaim, or kill the process with the highest score
 * and give it time to leave (kernel/proc/oom.c).  False when the running thread is to leave.  No lock is
 * held. */
bool process_oom_kill(void);
/* As /proc/pid/oom_score shows it. */
int process_oom_score(struct process *p);
extern _Atomic bool oom_kill_allocating_task; /* the one who asks instead of the highest score */

/* Leave: the whole process with a wait status (exit code << 8, or signal), or this thread only. */
void process_exit(int wait_status) __noreturn;
void thread_exit(int code) __noreturn;

/* fork/vfork/clone: `flags` CLONE_*, child stack 0 = same. Returns the tid in the parent. */
struct clone_args {
	uint64_t flags;
	uaddr_t stack, parent_tid, child_tid, tls, pidfd;
	int exit_signal;
};
int64_t process_clone(const struct clone_args *args);

/* The argument block of an exec: strings one after the other, argv first. */
struct exec_args {
	char *text;            /* owned */
	size_t used, capacity; /* bytes of text */
	size_t limit;          /* what strings and pointers together may take */
	uint32_t argc, envc;
	size_t argv_bytes; /* where the environment starts in text */
};
void exec_args_init(struct exec_args *args, size_t limit);
void exec_args_free(struct exec_args *args);
/* Append strings: all of argv first, then the environment.  -E2BIG, -EFAULT, -ENOMEM. */
int exec_args_add(struct exec_args *args, const char *string, bool environment) __must_check;
int exec_args_add_user(struct exec_args *args, uaddr_t vector, bool environment) __must_check;

/* exec: on success the running thread's registers are those of the new program, which nothing but the
 * way back to user mode may touch.  `flags`: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.  Consumes nothing. */
int process_exec(int dirfd, const char *path, struct exec_args *args, unsigned flags) __must_check;
/* Text for /proc/pid files lives in fs/procfs. */

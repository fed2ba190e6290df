/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads.  A thread embeds the scheduler's task; a process owns what its threads share.
 *
 * Life of a process: fork or clone makes it (ALIVE); the last thread's exit makes it a ZOMBIE that holds
 * only its status; wait by the parent (or init after the parent died) frees it.
 *
 * Legend: [i] immutable, [p] process.lock, [t] proc_tree_lock, [o] the thread itself, [a] atomic,
 * [s] signal lock (process.lock too).
 */
#pragma once

#include <kernel/list.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/time.h>
#include <kernel/types.h>
#include <serix/abi.h>

struct cap_table;
struct fs_context;
struct tty;
struct file;

#define NGROUPS_MAX 32

struct credentials {
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	uint32_t group_count;
	gid_t groups[NGROUPS_MAX];
};

enum process_state { PROCESS_ALIVE, PROCESS_STOPPED, PROCESS_ZOMBIE };

enum rlimit_id { /* Linux's numbers */
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
	RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
	RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_COUNT
};

struct process {
	struct refcount refs;
	pid_t pid;                  /* [i] */
	struct spinlock lock;       /* RANK_PROCESS */
	struct list threads;        /* [p] */
	uint32_t thread_count;      /* [p] */
	enum process_state state;   /* [p] written; read anywhere */
	bool exiting;               /* [p] exit_group in progress */
	int exit_status;            /* [p] as wait reports it */

	struct process *parent;     /* [t] */
	struct list children;       /* [t] */
	struct list sibling;        /* [t] */
	struct list all;            /* [t] every process */
	pid_t pgid, sid;            /* [t] */
	struct tty *tty;            /* [t] controlling terminal */
	struct waitqueue child_wait; /* parents sleep here for their children */
	bool stop_reported, continued; /* [p] for wait(WUNTRACED / WCONTINUED) */
	int stop_signal;            /* [p] */

	struct vm_space *vm;        /* [p] */
	struct cap_table *caps;     /* [p] set to NULL at exit */
	struct fs_context *fs;      /* [p] */
	struct credentials cred;    /* [p] */
	struct abi_rlimit rlimits[RLIMIT_COUNT]; /* [p] */
	struct signal_actions *actions; /* [i] shared by CLONE_SIGHAND */
	struct signal_queue pending;    /* [p] for the whole process */
	int exit_signal;            /* [i] what the parent gets */

	uint64_t start_ns;          /* [i] monotonic */
	uint64_t user_ns, system_ns; /* [p] of threads gone */
	uint64_t child_user_ns, child_system_ns; /* [t] */
	uint64_t minor_faults, major_faults;     /* [a] */
	uint64_t unknown_calls_logged;           /* [a] ENOSYS is logged once per program */
	char comm[TASK_NAME_LEN];   /* [p] */
	char exe[256];              /* [p] path of the program, for /proc/pid/exe */
	struct timer alarm;         /* ITIMER_REAL */
	uint64_t alarm_interval_ns; /* [p] */
	struct waitqueue vfork_wait; /* parent of a vfork sleeps here */
	bool vfork_done;
	int32_t nice;               /* [p] */
	int32_t oom_score_adj;      /* [p] */
};

struct thread {
	struct task task;
	pid_t tid;               /* [i] */
	struct process *process; /* [i] referenced */
	struct list link;        /* [process.lock] */
	struct signal_queue pending; /* [process.lock] */
	uint64_t blocked;        /* [o] signal mask; read under process.lock by senders */
	uint64_t saved_mask;     /* [o] for sigsuspend/ppoll: restored after the handler */
	bool restore_mask;       /* [o] */
	struct abi_stack altstack; /* [o] */
	uaddr_t clear_child_tid; /* [o] */
	uaddr_t robust_list;     /* [o] */
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

void process_init(void);

/* Make the first process from a program in the root file system.  Tries the names in order. */
int process_start_init(const char *const candidates[], const char *cmdline_init) __must_check;

/* By pid; with a reference, or NULL. */
struct process *process_find(pid_t pid);
void process_get(struct process *p);
void process_put(struct process *p);
/* Iterate by pid for /proc: the first process with pid >= `from`, referenced, or NULL. */
struct process *process_next(pid_t from);
uint32_t process_count(void);
pid_t process_last_pid(void);

/* Credentials checks. */
bool cred_is_root(void); /* the running thread's euid == 0; true for kernel threads */
const struct credentials *current_cred(void);
bool cred_in_group(const struct credentials *cred, gid_t gid);

/* Leave: the whole process with a wait status (exit code << 8, or signal), or this thread only. */
void process_exit(int wait_status) __noreturn;
void thread_exit(int code) __noreturn;

/* fork/vfork/clone: `flags` CLONE_*, child stack 0 = same. Returns the tid in the parent. */
struct clone_args {
	uint64_t flags;
	uaddr_t stack, parent_tid, child_tid, tls;
	int exit_signal;
};
int64_t process_clone(const struct clone_args *args);
/* exec: on success does not return to the caller's program: the registers are new. */
int process_exec(int dirfd, const char *path, char **argv, char **envp, unsigned flags) __must_check;
/* Text for /proc/pid files lives in fs/procfs. */

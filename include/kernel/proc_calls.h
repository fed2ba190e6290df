/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system calls about processes, signals and futexes ask of kernel/proc.  All concern the running
 * thread and return what the call returns, negative errno included. */
#pragma once

#include <kernel/process.h>

/* --- waiting ------------------------------------------------------------------------------------- */

struct wait_result {
	pid_t pid;
	uid_t uid;
	int code;   /* CLD_* */
	int status; /* as wait4 reports it */
	struct abi_rusage usage;
};
enum wait_kind { WAIT_ANY, WAIT_PID, WAIT_GROUP, WAIT_PROCESS };
struct wait_target {
	enum wait_kind kind;
	pid_t id;                      /* WAIT_PID, WAIT_GROUP */
	const struct process *process; /* WAIT_PROCESS: this very one, whatever its pid names by now */
};
/* options: WNOHANG WEXITED WUNTRACED WCONTINUED WNOWAIT and __WALL, __WCLONE.  The pid, 0 (WNOHANG and
 * nothing yet), or -errno. */
int64_t process_wait(const struct wait_target *target, unsigned options, struct wait_result *out);

/* --- by capability: a pidfd, as full handle or descriptor.  -EBADF, -EPERM, -ESRCH ---------------- */

struct cap_table;
struct cap_terms;
struct capability;
struct process_info;
struct policy_request;

/* A descriptor; -EINVAL, -ESRCH, -EMFILE, -ENOMEM. */
int64_t pidfd_open(pid_t pid, unsigned flags);
/* For a child that has no pid yet but will have this one. */
int pidfd_of_child(struct process *child, pid_t pid) __must_check;
/* F_GETFL, F_SETFL of a capability to a process or thread, which is in use. */
int pidfd_control(struct capability *cap, int cmd, uint64_t arg);
/* `info` NULL: as kill(2) or tgkill(2) would fill it in. */
int64_t pidfd_signal(int64_t handle, int signo, const struct abi_siginfo *info, unsigned flags);
/* The same for a process that is known otherwise; as with kill(2) the caller's credentials must allow it. */
int64_t process_signal(struct process *p, int signo, const struct abi_siginfo *info, unsigned flags);
/* As process_wait; also -EAGAIN: it does not block, and there is nothing yet. */
int64_t pidfd_wait(int64_t handle, unsigned options, struct wait_result *out);
/* A copy of a descriptor of another process: a grant from there. */
int64_t pidfd_getfd(int64_t handle, int fd);
/* A child of `handle` in the table of another process: the handle there. */
int64_t process_grant(int64_t process, int64_t handle, const struct cap_terms *terms);
/* Its table, pinned. */
int process_caps_of(int64_t handle, struct cap_table **out) __must_check;
int process_info_by_handle(int64_t handle, struct process_info *out) __must_check;
int policy_get_by_handle(int64_t handle, struct sched_policy *out) __must_check;
int policy_set_by_handle(int64_t handle, const struct policy_request *request) __must_check;

/* The running process becomes the parent of its descendants' orphans, or no longer. */
void process_set_subreaper(bool on);

/* --- groups, limits, usage ----------------------------------------------------------------------- */

int process_setpgid(pid_t pid, pid_t pgid);
pid_t process_setsid(void);
/* Of process `pid`, 0 for the running one; -ESRCH. */
int64_t process_group_of(pid_t pid);
int64_t process_session_of(pid_t pid);

int64_t process_prlimit(pid_t pid, unsigned id, const struct abi_rlimit *set, struct abi_rlimit *old);
void usage_of_process(struct process *p, struct abi_rusage *out);
void usage_of_children(struct process *p, struct abi_rusage *out);
void usage_of_thread(struct thread *t, struct abi_rusage *out);
/* Of process `id`, or of thread `id` of the running process; 0 is the running one.  -EINVAL: none such. */
int usage_by_id(pid_t id, bool thread, struct usage *out) __must_check;

/* getpriority(2): `which` PRIO_PROCESS, PRIO_PGRP, PRIO_USER.  The lowest nice of those named. */
int process_nice_get(int which, int who, int *nice) __must_check;
int process_nice_set(int which, int who, int nice) __must_check;
/* Is it an I/O priority, and one that the running process may have?  -EINVAL, -EPERM. */
int ioprio_check(int value) __must_check;
/* ioprio_set(2): `which` IOPRIO_WHO_*.  The most urgent of those named, or -errno. */
int ioprio_get(int which, int who);
int ioprio_set(int which, int who, int value) __must_check;

/* --- scheduling: of thread `tid`, 0 for the running one; -ESRCH -------------------------------------- */

/* What to change, and what to take from the thread as it is. */
struct policy_request {
	struct sched_policy policy;
	bool keep_policy; /* and reset_on_fork */
	bool keep_params; /* those that the thread's present policy uses */
	bool keep_nice;
};
/* -EINVAL, -EPERM, -EBUSY (admission). */
int thread_policy_set(pid_t tid, const struct policy_request *request) __must_check;
int thread_policy_get(pid_t tid, struct sched_policy *out, uint64_t *slice_ns) __must_check;
/* -EINVAL: no CPU that is online.  -EPERM. */
int thread_affinity_set(pid_t tid, const struct cpumask *mask) __must_check;
int thread_affinity_get(pid_t tid, struct cpumask *mask) __must_check;
void thread_set_name(const char name[TASK_NAME_LEN]);

/* --- signals ------------------------------------------------------------------------------------- */

/* From now on the running process shares its descriptors with no other (close_range).  -ENOMEM; -EOPNOTSUPP:
 * it has several threads, which are not parted. */
int process_own_descriptors(void) __must_check;

int64_t signal_action_set(int signo, const struct abi_sigaction *action, struct abi_sigaction *old);
int64_t signal_kill(pid_t pid, int signo);
int64_t signal_kill_thread(pid_t tgid, pid_t tid, int signo, int code);
int64_t signal_queue_user(pid_t tgid, pid_t tid, int signo, const struct abi_siginfo *info);
/* Sleep until a signal that is not blocked arrives (-EINTR) or the deadline passes (-ETIMEDOUT). */
int signal_sleep(uint64_t deadline_ns);
/* The signal of `set` that came; -EAGAIN after the deadline (0: do not wait). */
int64_t signal_timed_wait(uint64_t set, uint64_t deadline_ns, struct abi_siginfo *info);
int64_t signal_return(void);
int64_t signal_altstack(const struct abi_stack *set, struct abi_stack *old);

/* --- the rest ------------------------------------------------------------------------------------ */

int64_t futex_call(uaddr_t addr, int op, uint32_t val, uint64_t arg3, uaddr_t addr2, uint32_t val3);

/* Of thread `tid`, 0 for the running one: the head of its robust list.  -ESRCH, -EPERM. */
int robust_list_of(pid_t tid, uaddr_t *head) __must_check;

/* futex_waitv(2). */
int64_t futex_waitv_call(uaddr_t words, unsigned count, unsigned flags, uaddr_t timeout, int clock);

/* rseq(2).  -EINVAL, -EPERM, -EBUSY, -EFAULT. */
int rseq_register(uaddr_t area, uint32_t size, int flags, uint32_t signature) __must_check;

/* Interval timers of a process, as setitimer(2) numbers them.  left_ns 0 disarms. */
enum itimer_which { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
struct itimer_value {
	uint64_t left_ns, interval_ns;
};
void itimer_get(struct process *p, enum itimer_which which, struct itimer_value *out);
void itimer_set(struct process *p, enum itimer_which which, const struct itimer_value *set,
		struct itimer_value *old);

/* POSIX timers, of the running process, by number: -EINVAL for one that is not there. */
enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };
struct posix_timer_info {
	int32_t id;
	int clock;         /* as timer_create(2) has it */
	int notify, signo; /* SIGEV_* */
	pid_t tid;         /* SIGEV_THREAD_ID */
	uint64_t value;    /* goes with the signal */
};
/* The number.  `value_is_id`: that goes with the signal.  -EINVAL, -EPERM, -EOPNOTSUPP: no such clock, or not
 * for timers; -EINVAL: no such signal or thread; -EAGAIN: over RLIMIT_SIGPENDING, or no memory. */
int64_t posix_timer_create(const struct posix_timer_info *how, bool value_is_id);
int posix_timer_delete(int32_t id);
int posix_timer_set(int32_t id, bool absolute, const struct itimer_value *set, struct itimer_value *old);
int posix_timer_get(int32_t id, struct itimer_value *out);
/* How often it came due beyond the signal that was taken last. */
int64_t posix_timer_overrun(int32_t id);
/* That of a process with number `from` or the next above; false: none. */
bool posix_timer_next(struct process *p, int32_t from, struct posix_timer_info *out);
/* The real-time clock was set. */
void posix_timers_clock_was_set(void);

/* Those of a process as they are together. */
uint32_t cred_get(struct process *p, struct credentials *out);
/* Change the credentials of the running process: `edit` gets a copy, under no lock; what it returns is
 * returned, and on success the copy is installed.  Where another thread has changed them meanwhile `edit` is
 * called again, with a copy of those. */
int64_t cred_change(int64_t (*edit)(struct credentials *cred, const uint64_t *arguments),
		    const uint64_t *arguments);

/* uname(2)'s text; the names can be set, that of the system for programs that know Linux alone. */
void uts_get(struct abi_utsname *out);
int uts_set_sysname(const char *name, size_t len) __must_check;
int uts_set_nodename(const char *name, size_t len) __must_check;
int uts_set_domainname(const char *name, size_t len) __must_check;

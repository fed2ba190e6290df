/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads: making, ending, waiting, grouping, limits. */
#include <kernel/syscall.h>

#include <arch/context.h>
#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/unsupported.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "seccomp.h"
#include "user_vec.h"

#define CSIGNAL 0xffu /* the signal in clone's flags */

SYSCALL(getpid)
{
	(void)args;
	return current_process()->pid;
}

SYSCALL(gettid)
{
	(void)args;
	return current_thread()->tid;
}

SYSCALL(getppid)
{
	(void)args;
	return process_parent_pid(current_process());
}

/* --- clone --------------------------------------------------------------------------------------- */

SYSCALL(fork)
{
	struct clone_args clone = { .exit_signal = SIGCHLD };

	(void)args;
	return process_clone(&clone);
}

SYSCALL(vfork)
{
	struct clone_args clone = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	(void)args;
	return process_clone(&clone);
}

/*
 * takes: CLONE_* in CLONE_SUPPORTED, but CLONE_CLEAR_SIGHAND, not CLONE_NEWNS CLONE_NEWCGROUP CLONE_NEWUTS
 * CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET (EINVAL), else EINVAL
 * lacks: namespaces, threads with descriptors or a directory of their own (CLONE_THREAD without CLONE_FILES
 * and CLONE_FS: EINVAL); CLONE_IO changes nothing
 */
SYSCALL(clone)
{
	uint64_t flags = ARG(0, uint32_t);
	struct clone_args clone = {
		.flags = flags & ~(uint64_t)CSIGNAL,
		.stack = ARG(1, uaddr_t),
		.parent_tid = ARG(2, uaddr_t),
		.child_tid = ARG(3, uaddr_t),
		.tls = ARG(4, uaddr_t),
		.pidfd = ARG(2, uaddr_t), /* the parent's tid has the same place: not both */
		.exit_signal = (int)(flags & CSIGNAL),
	};

	if ((flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) == (CLONE_PIDFD | CLONE_PARENT_SETTID))
		return -EINVAL;
	return process_clone(&clone);
}

/* struct clone_args of clone3(2), as far as Linux 6.1 knows it. */
struct abi_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size; /* the second version */
	uint64_t cgroup;                /* the third */
};
#define CLONE_ARGS_SIZE_MIN offsetof(struct abi_clone_args, set_tid)
#define SET_TID_MAX         32u

/*
 * takes: CLONE_* in CLONE_SUPPORTED, but CLONE_DETACHED, not CLONE_NEWNS CLONE_NEWCGROUP CLONE_NEWUTS
 * CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET CLONE_NEWTIME CLONE_INTO_CGROUP (EINVAL), else EINVAL
 * lacks: namespaces, control groups, pids that are chosen (EPERM), threads with descriptors or a directory of
 * their own (CLONE_THREAD without CLONE_FILES and CLONE_FS: EINVAL); CLONE_IO changes
 * nothing
 */
SYSCALL(clone3)
{
	struct abi_clone_args abi;
	struct clone_args clone;
	int err = user_struct_get(&abi, sizeof(abi), CLONE_ARGS_SIZE_MIN, ARG(0, uaddr_t), args->a[1]);

	if (err < 0)
		return err;
	if (abi.set_tid_size > SET_TID_MAX || !abi.set_tid != !abi.set_tid_size ||
	    (abi.flags & CLONE_DETACHED))
		return -EINVAL;
	if (abi.set_tid) /* nobody chooses pids */
		return -EPERM;
	if ((abi.flags & CSIGNAL) || abi.exit_signal > NSIG || !abi.stack != !abi.stack_size)
		return -EINVAL;
	clone = (struct clone_args){
		.flags = abi.flags,
		.stack = abi.stack + abi.stack_size,
		.parent_tid = abi.parent_tid,
		.child_tid = abi.child_tid,
		.tls = abi.tls,
		.pidfd = abi.pidfd,
		.exit_signal = (int)abi.exit_signal,
	};
	return process_clone(&clone);
}

SYSCALL(set_tid_address)
{
	current_thread()->clear_child_tid = ARG(0, uaddr_t);
	return current_thread()->tid;
}

#define ROBUST_HEAD_SIZE 24u

SYSCALL(set_robust_list)
{
	if (args->a[1] != ROBUST_HEAD_SIZE)
		return -EINVAL;
	current_thread()->robust_list = ARG(0, uaddr_t);
	return 0;
}

SYSCALL(get_robust_list)
{
	uaddr_t head;
	int err = robust_list_of(ARG(0, pid_t), &head);

	if (err == 0)
		err = put_user_u64(ARG(2, uaddr_t), ROBUST_HEAD_SIZE);
	return err < 0 ? err : put_user_u64(ARG(1, uaddr_t), head);
}

/* takes: RSEQ_FLAG_* in rseq_register, else EINVAL */
SYSCALL(rseq)
{
	return rseq_register(ARG(0, uaddr_t), ARG(1, uint32_t), ARG(2, int), ARG(3, uint32_t));
}

/* --- exec ---------------------------------------------------------------------------------------- */

#define EXEC_LIMIT_MAX (6ull << 20) /* three quarters of the usual stack limit */
#define EXEC_LIMIT_MIN (128ull * 1024)

static int64_t do_exec(int dirfd, uaddr_t path_addr, uaddr_t argv, uaddr_t envp, unsigned flags)
{
	uint64_t limit = current_rlimit(RLIMIT_STACK) / 4;
	struct exec_args block;
	char *path = kmalloc(PATH_MAX);
	int64_t err;

	if (!path)
		return -ENOMEM;
	exec_args_init(&block, MAX(MIN(limit, EXEC_LIMIT_MAX), EXEC_LIMIT_MIN));
	err = strncpy_from_user(path, path_addr, PATH_MAX);
	if (err >= 0)
		err = exec_args_add_user(&block, argv, false);
	if (err == 0 && block.argc == 0) /* programs rely on argv[0] */
		err = exec_args_add(&block, "", false);
	if (err == 0)
		err = exec_args_add_user(&block, envp, true);
	if (err == 0)
		err = process_exec(dirfd, path, &block, flags);
	exec_args_free(&block);
	kfree(path);
	return err;
}

/* lacks: 32-bit programs (ENOEXEC) */
SYSCALL(execve)
{
	return do_exec(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uaddr_t), ARG(2, uaddr_t), 0);
}

/*
 * takes: AT_*, else EINVAL
 * lacks: 32-bit programs (ENOEXEC)
 */
SYSCALL(execveat)
{
	unsigned flags = ARG(4, unsigned);

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return do_exec(ARG(0, int), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, uaddr_t), flags);
}

/* --- exit and wait --------------------------------------------------------------------------------- */

SYSCALL(exit)
{
	thread_exit(ARG(0, int) & 0xff);
}

SYSCALL(exit_group)
{
	process_exit((ARG(0, int) & 0xff) << 8);
}

#define WAIT_KINDS 0xe0000000u /* __WNOTHREAD, __WALL, __WCLONE */

/*
 * takes: WNOHANG* WUNTRACED* WCONTINUED*, else EINVAL, but __WALL, __WCLONE and __WNOTHREAD are heeded
 * lacks: __WNOTHREAD for children, which are the whole process's; tracees are a thread's
 */
SYSCALL(wait4)
{
	pid_t pid = ARG(0, pid_t);
	unsigned options = ARG(2, unsigned);
	struct wait_result result = { 0 };
	struct wait_target target = { .kind = pid == -1 ? WAIT_ANY : pid > 0 ? WAIT_PID : WAIT_GROUP };
	int64_t found;
	int err = 0;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_KINDS))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == 0)
		pid = current_process()->pgid;
	target.id = pid > 0 ? pid : -pid;
	found = process_wait(&target, options | WEXITED, &result);
	if (found <= 0)
		return found;
	if (args->a[1])
		err = put_user_u32(ARG(1, uaddr_t), (uint32_t)result.status);
	if (err == 0 && args->a[3])
		err = copy_to_user(ARG(3, uaddr_t), &result.usage, sizeof(result.usage));
	return err < 0 ? err : found;
}

enum { P_ALL, P_PID, P_PGID, P_PIDFD };

static int waitid_target(unsigned type, pid_t id, struct wait_target *target)
{
	target->id = id;
	switch (type) {
	case P_ALL:
		target->kind = WAIT_ANY;
		return 0;
	case P_PID:
		target->kind = WAIT_PID;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		target->kind = WAIT_GROUP;
		if (id == 0)
			target->id = current_process()->pgid;
		return id >= 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int64_t waitid_wait(unsigned type, pid_t id, unsigned options, struct wait_result *result)
{
	struct wait_target target = { .kind = WAIT_ANY };
	int err;

	if (type == P_PIDFD)
		return id < 0 ? -EINVAL : pidfd_wait(id, options, result);
	err = waitid_target(type, id, &target);
	return err < 0 ? err : process_wait(&target, options, result);
}

/* si_status is the exit code or the signal alone. */
static int32_t plain_status(const struct wait_result *r)
{
	switch (r->code) {
	case CLD_EXITED:
	case CLD_STOPPED:
		return r->status >> 8 & 0xff;
	case CLD_TRAPPED:
		return r->status >> 8;
	case CLD_CONTINUED:
		return SIGCONT;
	}
	return r->status & 0x7f;
}

/*
 * takes: P_* in waitid_target waitid_wait, else EINVAL; WNOHANG* WNOWAIT* WEXITED* WSTOPPED* WCONTINUED*,
 * else EINVAL, but __WALL, __WCLONE and __WNOTHREAD are heeded
 * lacks: __WNOTHREAD for children, which are the whole process's; tracees are a thread's
 */
SYSCALL(waitid)
{
	unsigned options = ARG(3, unsigned);
	struct wait_result result = { 0 };
	struct abi_siginfo info = { 0 };
	int64_t found;
	int err = 0;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WAIT_KINDS))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	found = waitid_wait(ARG(0, unsigned), ARG(1, pid_t), options, &result);
	if (found < 0)
		return found;
	if (found > 0) {
		info.signo = SIGCHLD;
		info.code = result.code;
		info.pid = result.pid;
		info.uid = result.uid;
		info.value = (uint32_t)plain_status(&result);
	}
	if (args->a[2])
		err = signal_info_to_user(ARG(2, uaddr_t), &info);
	if (err == 0 && found > 0 && args->a[4])
		err = copy_to_user(ARG(4, uaddr_t), &result.usage, sizeof(result.usage));
	return err;
}

/* --- groups and sessions ----------------------------------------------------------------------------- */

SYSCALL(setpgid)
{
	return process_setpgid(ARG(0, pid_t), ARG(1, pid_t));
}

SYSCALL(getpgid)
{
	return process_group_of(ARG(0, pid_t));
}

SYSCALL(getpgrp)
{
	(void)args;
	return process_group_of(0);
}

SYSCALL(getsid)
{
	return process_session_of(ARG(0, pid_t));
}

SYSCALL(setsid)
{
	(void)args;
	return process_setsid();
}

/* --- limits and usage -------------------------------------------------------------------------------- */

/*
 * takes: RLIMIT_* in rlimit_id process_prlimit, but RLIMIT_COUNT, else EINVAL
 */
SYSCALL(prlimit64)
{
	struct abi_rlimit set, old;
	int64_t err = 0;

	if (args->a[2])
		err = copy_from_user(&set, ARG(2, uaddr_t), sizeof(set));
	if (err == 0)
		err = process_prlimit(ARG(0, pid_t), ARG(1, unsigned), args->a[2] ? &set : NULL, &old);
	if (err == 0 && args->a[3])
		err = copy_to_user(ARG(3, uaddr_t), &old, sizeof(old));
	return err;
}

/*
 * takes: RLIMIT_* in rlimit_id process_prlimit, but RLIMIT_COUNT, else EINVAL
 */
SYSCALL(getrlimit)
{
	struct abi_rlimit old;
	int64_t err = process_prlimit(0, ARG(0, unsigned), NULL, &old);

	return err < 0 ? err : copy_to_user(ARG(1, uaddr_t), &old, sizeof(old));
}

/*
 * takes: RLIMIT_* in rlimit_id process_prlimit, but RLIMIT_COUNT, else EINVAL
 */
SYSCALL(setrlimit)
{
	struct abi_rlimit set, old;
	int64_t err = copy_from_user(&set, ARG(1, uaddr_t), sizeof(set));

	return err < 0 ? err : process_prlimit(0, ARG(0, unsigned), &set, &old);
}

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1

/*
 * takes: RUSAGE_*, else EINVAL
 * lacks: blocks read and written, which are 0
 */
SYSCALL(getrusage)
{
	struct abi_rusage usage;

	switch (ARG(0, int)) {
	case RUSAGE_SELF:
		usage_of_process(current_process(), &usage);
		break;
	case RUSAGE_CHILDREN:
		usage_of_children(current_process(), &usage);
		break;
	case RUSAGE_THREAD:
		usage_of_thread(current_thread(), &usage);
		break;
	default:
		return -EINVAL;
	}
	return copy_to_user(ARG(1, uaddr_t), &usage, sizeof(usage));
}

/* --- prctl --------------------------------------------------------------------------------------------- */

enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG,
	PR_GET_DUMPABLE,
	PR_SET_DUMPABLE,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS,
	PR_SET_NAME = 15,
	PR_GET_NAME,
	PR_GET_SECCOMP = 21,
	PR_SET_SECCOMP,
	PR_CAPBSET_READ = 23,
	PR_CAPBSET_DROP,
	PR_GET_TSC = 25,
	PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS,
	PR_GET_THP_DISABLE = 42,
	PR_CAP_AMBIENT = 47,
	PR_SET_SYSCALL_USER_DISPATCH = 59,
	PR_SET_PTRACER = 0x59616d61,
};

#define PR_TSC_ENABLE         1
#define PR_CAP_AMBIENT_IS_SET 1
#define PR_CAP_AMBIENT_RAISE  2
#define PR_CAP_AMBIENT_LOWER  3
#define PR_CAP_AMBIENT_CLEAR  4

static int64_t keep_privileges(struct credentials *cred, const uint64_t *on)
{
	return priv_keep(&cred->priv, *on);
}

static int64_t set_securebits(struct credentials *cred, const uint64_t *bits)
{
	return priv_set_securebits(&cred->priv, *bits);
}

static int64_t drop_bounding(struct credentials *cred, const uint64_t *privilege)
{
	return priv_drop_bounding(&cred->priv, *privilege);
}

static int64_t raise_ambient(struct credentials *cred, const uint64_t *privilege)
{
	return priv_raise_ambient(&cred->priv, *privilege);
}

static int64_t lower_ambient(struct credentials *cred, const uint64_t *privileges)
{
	cred->priv.ambient &= ~*privileges;
	return 0;
}

static int64_t ambient(uint64_t what, uint64_t privilege)
{
	uint64_t gone = what == PR_CAP_AMBIENT_CLEAR ? PRIV_ALL : PRIV_BIT(privilege % PRIV_COUNT);

	if (what == PR_CAP_AMBIENT_CLEAR ? privilege != 0 : !priv_valid(privilege))
		return -EINVAL;
	switch (what) {
	case PR_CAP_AMBIENT_CLEAR:
	case PR_CAP_AMBIENT_LOWER:
		return cred_change(lower_ambient, &gone);
	case PR_CAP_AMBIENT_IS_SET:
		return (int64_t)(current_cred()->priv.ambient >> privilege & 1);
	case PR_CAP_AMBIENT_RAISE:
		return cred_change(raise_ambient, &privilege);
	}
	return -EINVAL;
}

static int64_t set_name(uaddr_t addr)
{
	char name[TASK_NAME_LEN] = { 0 };
	ssize_t len = strncpy_from_user(name, addr, sizeof(name));

	if (len == -EFAULT)
		return len;
	name[TASK_NAME_LEN - 1] = '\0';
	thread_set_name(name);
	return 0;
}

static int64_t set_timer_slack(uint64_t ns)
{
	struct thread *t = current_thread();

	t->timer_slack_ns = ns ? ns : t->timer_slack_default_ns;
	return 0;
}

/*
 * takes: PR_*, but PR_TSC_ENABLE, not PR_SET_TSC
 * PR_SET_THP_DISABLE PR_SET_MM PR_SET_VMA PR_MCE_KILL PR_MCE_KILL_GET PR_GET_TID_ADDRESS
 * PR_GET_SPECULATION_CTRL PR_SET_SPECULATION_CTRL PR_SET_IO_FLUSHER PR_GET_IO_FLUSHER
 * PR_SCHED_CORE PR_GET_TIMING PR_SET_TIMING (EINVAL), else EINVAL;
 * PR_CAP_AMBIENT_* in ambient, else EINVAL
 */
SYSCALL(prctl)
{
	struct process *p = current_process();
	uint64_t value = args->a[1];
	bool unused_zero = !args->a[2] && !args->a[3] && !args->a[4];

	switch (ARG(0, int)) {
	case PR_SET_PDEATHSIG:
		if (value > NSIG)
			return -EINVAL;
		p->pdeath_signal = (int)value;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32(value, (uint32_t)p->pdeath_signal);
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		if (value > 1)
			return -EINVAL;
		p->dumpable = value;
		return 0;
	case PR_SET_PTRACER:
		return ptrace_set_tracer(value);
	case PR_SET_NAME:
		return set_name(value);
	case PR_GET_NAME:
		return copy_to_user(value, current_task()->name, TASK_NAME_LEN);
	case PR_SET_NO_NEW_PRIVS:
		if (value != 1 || !unused_zero)
			return -EINVAL;
		p->no_new_privs = true;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		process_set_subreaper(value != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(value, READ_ONCE(p->subreaper));
	case PR_SET_TIMERSLACK:
		return set_timer_slack(value);
	case PR_GET_TIMERSLACK:
		return (int64_t)current_thread()->timer_slack_ns;
	case PR_SET_KEEPCAPS:
		return cred_change(keep_privileges, &value);
	case PR_GET_KEEPCAPS:
		return (current_cred()->priv.securebits & SECURE_KEEP_CAPS) != 0;
	case PR_SET_SECUREBITS:
		return cred_change(set_securebits, &value);
	case PR_GET_SECUREBITS:
		return current_cred()->priv.securebits;
	case PR_GET_THP_DISABLE:
		return value || !unused_zero ? -EINVAL : 0;
	case PR_GET_TSC:
		return put_user_u32(value, PR_TSC_ENABLE);
	case PR_GET_SECCOMP:
		return current_thread()->seccomp.mode;
	case PR_SET_SECCOMP:
		return seccomp_by_prctl(value, args->a[2]);
	case PR_SET_SYSCALL_USER_DISPATCH:
		return user_dispatch_set(value, args->a[2], args->a[3], args->a[4]);
	case PR_CAPBSET_READ:
		return priv_valid(value) ? (int64_t)(current_cred()->priv.bounding >> value & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return cred_change(drop_bounding, &value);
	case PR_CAP_AMBIENT:
		return args->a[3] || args->a[4] ? -EINVAL : ambient(value, args->a[2]);
	case PR_GET_NO_NEW_PRIVS:
		return value || !unused_zero ? -EINVAL : p->no_new_privs;
	}
	unsupported_note(UNSUPPORTED_PRCTL, ARG(0, uint32_t), NULL);
	return -EINVAL;
}

/*
 * takes: ARCH_* in arch_prctl, but ARCH_REQ_XCOMP_PERM, not ARCH_SET_CPUID ARCH_GET_CPUID
 * ARCH_GET_XCOMP_GUEST_PERM ARCH_REQ_XCOMP_GUEST_PERM (EINVAL), else EINVAL
 * lacks: state that must be asked for, of which there is none (ARCH_REQ_XCOMP_PERM: EOPNOTSUPP)
 */
SYSCALL(arch_prctl)
{
	return arch_prctl(ARG(0, int), ARG(1, uaddr_t));
}

#define PERSONALITY_QUERY 0xffffffffu

/* What would loosen protection (READ_IMPLIES_EXEC) or pretend what is not so is refused. */
static bool persona_is_known(uint32_t persona)
{
	uint32_t type = persona & PERSONA_TYPE;

	return (type == PERSONA_LINUX || type == PERSONA_LINUX32) &&
	       !(persona & ~(PERSONA_TYPE | PERSONA_NO_RANDOMIZE));
}

/*
 * takes: PERSONA_* in persona_is_known, but PERSONA_TYPE, else EINVAL
 * lacks: all flags but ADDR_NO_RANDOMIZE
 */
SYSCALL(personality)
{
	struct thread *t = current_thread();
	uint32_t persona = ARG(0, uint32_t), old = t->persona;

	if (persona == PERSONALITY_QUERY)
		return old;
	if (!persona_is_known(persona))
		return -EINVAL;
	t->persona = persona;
	return old;
}

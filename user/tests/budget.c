/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling budgets: who may make and use them, what a binding is and how it ends, and that it is worth what
 * it says, no less and no more.
 *
 * Nothing is judged by the clock alone: what should come about is waited for, and how CPU time is shared is
 * looked at more than once, since a busy host takes whole CPUs of the guest away for a while.
 */
#include "cap_files.h"
#include "now.h"

#include <libserix/budget.h>
#include <libserix/confine.h>
#include <libserix/process.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include <serix/abi_sched.h>

#define MS       1000000ull
#define NOBODY   65534
#define ATTEMPTS 6

#define FUTEX_LOCK_PI   6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_WAITERS   0x80000000u

#define SET_ID "/budget-set-id" /* /tmp is mounted nosuid */

/* --- what is looked at --- */

static int gettid_(void)
{
	return (int)syscall(SYS_gettid);
}

static struct abi_sched_attr attr_of(int tid)
{
	struct abi_sched_attr attr;

	need(syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) == 0);
	return attr;
}

static int policy_of(int tid)
{
	return (int)attr_of(tid).policy;
}

static int set_policy(int tid, int policy, int priority)
{
	struct abi_sched_param param = { priority };

	return outcome(syscall(SYS_sched_setscheduler, tid, policy, &param));
}

static int set_deadline(uint64_t runtime, uint64_t period)
{
	struct abi_sched_attr attr = { .size = sizeof(attr),
				       .policy = SCHED_DEADLINE,
				       .runtime = runtime,
				       .deadline = period,
				       .period = period };

	return outcome(syscall(SYS_sched_setattr, 0, &attr, 0));
}

static struct budget_info info_of(cap_handle_t budget)
{
	struct budget_info info;

	need(budget_query(budget, &info) == 0);
	return info;
}

/* --- what is done --- */

static void become_nobody(void)
{
	need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

/* A fifth of a processor. */
static int small(void)
{
	int fd = budget_create(20 * MS, 100 * MS, 0);

	need(fd >= 0);
	return fd;
}

/* A child that goes on until it is killed, or its parent ends; its end. */
static pid_t start(void (*body)(void))
{
	pid_t parent = getpid(), pid = fork();

	need(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		body();
	_exit(0);
}

static void stop(pid_t pid)
{
	need(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

static void spin_for(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Until the thread is scheduled like that: what is announced comes, however late. */
static void await_policy(int tid, int policy)
{
	while (policy_of(tid) != policy)
		usleep(2000);
}

static int bind_child(int budget, pid_t pid)
{
	int pidfd = pidfd_open(pid, 0), err = budget_bind(budget, pidfd);

	need(pidfd >= 0 && close(pidfd) == 0);
	return err;
}

/* --- making ------------------------------------------------------------------------------------------- */

static void is_a_budget(void)
{
	struct cap_info cap;
	struct budget_info info;
	int fd = small();

	need(cap_query(fd, &cap) == 0 && cap.type == CAP_TYPE_BUDGET);
	need((cap.rights & 0xffffff) == (BUDGET_RIGHT_BIND | BUDGET_RIGHT_RESIZE));
	info = info_of(fd);
	need(info.runtime_ns == 20 * MS && info.period_ns == 100 * MS && info.used_ns == 0 &&
	     info.thread == 0);
	need(fcntl(fd, F_GETFD) == 0);
	fd = budget_create(20 * MS, 100 * MS, CAP_DERIVE_CLOEXEC);
	need(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

static void bad_arguments(void)
{
	struct budget_params p = { 20 * MS, 100 * MS };
	struct budget_info info;
	int fd = small(), other = open("/", O_RDONLY);

	need(budget_create(0, 100 * MS, 0) == -EINVAL && budget_create(1000, 100 * MS, 0) == -EINVAL);
	need(budget_create(101 * MS, 100 * MS, 0) == -EINVAL && budget_create(5000, 99999, 0) == -EINVAL);
	need(budget_create(20 * MS, ~0ull, 0) == -EINVAL && budget_create(~0ull, ~0ull, 0) == -EINVAL);
	need(budget_create(20 * MS, 100 * MS, 2) == -EINVAL);
	need(outcome(syscall(1055, &p, sizeof(p) - 1, 0)) == -EINVAL);
	need(outcome(syscall(1055, (void *)8, sizeof(p), 0)) == -EFAULT);
	need(outcome(syscall(1058, fd, (void *)8, sizeof(p))) == -EFAULT);
	need(outcome(syscall(1059, fd, (void *)8, sizeof(info))) == -EFAULT);
	need(outcome(syscall(1059, fd, &info, sizeof(info) + 1)) == -EINVAL);
	need(budget_resize(fd, 200 * MS, 100 * MS) == -EINVAL);
	need(budget_bind(other, BUDGET_SELF) == -EBADF && budget_query(other, &info) == -EBADF);
	need(budget_bind(99, BUDGET_SELF) == -EBADF && budget_bind(fd, 99) == -EBADF);
	need(budget_bind(fd, other) == -EBADF && budget_bind(fd, fd) == -EBADF);
	need(budget_unbind(fd) == -ESRCH && info_of(fd).runtime_ns == 20 * MS);
}

static void who_may_make(void)
{
	struct confinement c = { .deny = CONFINE_NO_RT };

	if (fork() == 0) {
		need(cap_confine(&c, sizeof(c)) == 0);
		need(set_deadline(20 * MS, 100 * MS) == -EPERM);
		need(budget_create(20 * MS, 100 * MS, 0) == -EPERM);
		_exit(0);
	}
	need(wait(&(int){ 0 }) > 0);
	become_nobody();
	need(set_deadline(20 * MS, 100 * MS) == -EPERM && budget_create(20 * MS, 100 * MS, 0) == -EPERM);
}

/* As many quarters of processors as fit, and not one more; deadlines of threads count with them. */
static void admission(void)
{
	long fit = sysconf(_SC_NPROCESSORS_ONLN) * 94 / 25; /* what is left is less than a quarter */
	int fds[512];

	need(fit > 0 && fit < 512);
	for (long i = 0; i < fit; i++)
		need((fds[i] = budget_create(250 * MS, 1000 * MS, 0)) >= 0);
	need(budget_create(250 * MS, 1000 * MS, 0) == -EBUSY && set_deadline(250 * MS, 1000 * MS) == -EBUSY);
	need(budget_bind(fds[0], BUDGET_SELF) == 0 &&
	     set_policy(0, SCHED_OTHER, 0) == 0); /* counted already */
	need(close(fds[fit - 1]) == 0 && set_deadline(250 * MS, 1000 * MS) == 0);
	need(budget_create(250 * MS, 1000 * MS, 0) == -EBUSY && set_policy(0, SCHED_OTHER, 0) == 0);
	need((fds[fit - 1] = budget_create(250 * MS, 1000 * MS, 0)) >= 0);
	need(budget_resize(fds[0], 500 * MS, 1000 * MS) == -EBUSY && info_of(fds[0]).runtime_ns == 250 * MS);
	need(budget_resize(fds[0], 10 * MS, 1000 * MS) == 0 && set_deadline(250 * MS, 1000 * MS) == 0);
	need(budget_resize(fds[0], 250 * MS, 1000 * MS) == -EBUSY);
}

/* What a process reserved is back as soon as its end is known: many times what fits. */
static void nothing_is_lost(void)
{
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			int fd = budget_create(900 * MS, 1000 * MS, 0);

			need(fd >= 0 && (i % 2 || budget_bind(fd, BUDGET_SELF) == 0));
			need(i % 3 || close(fd) == 0);
			_exit(0);
		}
		need(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

/* --- binding ------------------------------------------------------------------------------------------ */

static void binds(void)
{
	int fd = small();
	struct abi_sched_attr attr;

	need(budget_bind(fd, BUDGET_SELF) == 0);
	attr = attr_of(0);
	need(attr.policy == SCHED_DEADLINE && attr.runtime == 20 * MS && attr.deadline == 100 * MS &&
	     attr.period == 100 * MS);
	need(info_of(fd).thread == gettid_());
	need(budget_bind(fd, BUDGET_SELF) == -EBUSY);
	need(budget_unbind(fd) == 0 && policy_of(0) == SCHED_OTHER && info_of(fd).thread == 0);
	need(budget_unbind(fd) == -ESRCH);
}

static void one_at_a_time(void)
{
	int fd = small(), second = small();
	pid_t pid = start(spin);

	need(bind_child(fd, pid) == 0 && info_of(fd).thread == pid && policy_of(pid) == SCHED_DEADLINE);
	need(budget_bind(fd, BUDGET_SELF) == -EBUSY && bind_child(second, pid) == -EBUSY);
	need(policy_of(0) == SCHED_OTHER && info_of(second).thread == 0);
	need(budget_unbind(fd) == 0 && policy_of(pid) == SCHED_OTHER);
	need(bind_child(second, pid) == 0 && budget_bind(fd, BUDGET_SELF) == 0);
	stop(pid);
	need(info_of(second).thread == 0 && info_of(fd).thread == gettid_());
}

static void returns_to_its_policy(void)
{
	struct abi_sched_attr attr = {
		.size = sizeof(attr), .policy = SCHED_BATCH, .nice = 7, .flags = SCHED_FLAG_RESET_ON_FORK
	};
	int fd = small();

	need(syscall(SYS_sched_setattr, 0, &attr, 0) == 0 && budget_bind(fd, BUDGET_SELF) == 0);
	need(setpriority(PRIO_PROCESS, 0, 9) == 0 && policy_of(0) == SCHED_DEADLINE);
	need(budget_unbind(fd) == 0);
	attr = attr_of(0);
	need(attr.policy == SCHED_BATCH && attr.nice == 9 && attr.flags == SCHED_FLAG_RESET_ON_FORK);
}

static void whom_it_does_not_fit(void)
{
	cpu_set_t one, all;
	int fd = small();

	need(set_policy(0, SCHED_FIFO, 5) == 0 && budget_bind(fd, BUDGET_SELF) == -EBUSY);
	need(policy_of(0) == SCHED_FIFO && set_policy(0, SCHED_OTHER, 0) == 0);
	need(set_deadline(10 * MS, 100 * MS) == 0 && budget_bind(fd, BUDGET_SELF) == -EBUSY);
	need(set_policy(0, SCHED_OTHER, 0) == 0);
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		return;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(sched_getaffinity(0, sizeof(all), &all) == 0 && sched_setaffinity(0, sizeof(one), &one) == 0);
	need(budget_bind(fd, BUDGET_SELF) == -EPERM && sched_setaffinity(0, sizeof(all), &all) == 0);
	need(budget_bind(fd, BUDGET_SELF) == 0);
	need(outcome(sched_setaffinity(0, sizeof(one), &one)) == -EBUSY);
}

static void other_threads_by_capability(void)
{
	int fd = small(), pidfd;
	pid_t pid = start(spin);

	need((pidfd = pidfd_open(pid, PIDFD_THREAD)) >= 0);
	need(budget_bind(fd, with_rights(pidfd, ALL_RIGHTS & ~PROCESS_RIGHT_SCHEDULE)) == -EPERM);
	need(budget_bind(fd, with_rights(pidfd, PROCESS_RIGHT_SCHEDULE)) == 0);
	need(policy_of(pid) == SCHED_DEADLINE);
	stop(pid);
	need(budget_bind(fd, pidfd) == -ESRCH && info_of(fd).thread == 0);
}

static void rights(void)
{
	int fd = small(), bind = with_rights(fd, BUDGET_RIGHT_BIND);
	int resize = with_rights(fd, BUDGET_RIGHT_RESIZE), none = with_rights(fd, 0);

	need(budget_bind(resize, BUDGET_SELF) == -EPERM && budget_bind(none, BUDGET_SELF) == -EPERM);
	need(budget_bind(bind, BUDGET_SELF) == 0);
	need(budget_unbind(resize) == -EPERM && budget_unbind(none) == -EPERM);
	need(budget_resize(bind, 10 * MS, 100 * MS) == -EPERM);
	need(budget_resize(none, 10 * MS, 100 * MS) == -EPERM && info_of(none).runtime_ns == 20 * MS);
	need(budget_resize(resize, 10 * MS, 100 * MS) == 0 && attr_of(0).runtime == 10 * MS);
	need(info_of(none).thread == gettid_() && budget_unbind(bind) == 0);
}

/* --- sizes -------------------------------------------------------------------------------------------- */

static void resizes(void)
{
	int fd = small();
	struct abi_sched_attr attr;

	need(budget_resize(fd, 30 * MS, 60 * MS) == 0 && info_of(fd).period_ns == 60 * MS);
	need(budget_bind(fd, BUDGET_SELF) == 0 && attr_of(0).runtime == 30 * MS);
	need(budget_resize(fd, 5 * MS, 50 * MS) == 0);
	attr = attr_of(0);
	need(attr.runtime == 5 * MS && attr.deadline == 50 * MS && attr.period == 50 * MS);
	need(budget_resize(fd, 40 * MS, 80 * MS) == 0 && attr_of(0).period == 80 * MS);
	spin_for(30 * MS);
	need(budget_unbind(fd) == 0 && info_of(fd).used_ns > 0);
}

static int shared_budget;
static _Atomic bool done;

static void *resize_all_the_time(void *unused)
{
	for (int i = 0; i < 300; i++) {
		need(budget_resize(shared_budget, (uint64_t)(1 + i % 7) * MS, 20 * MS) == 0);
		if (i % 3 == 0)
			need(budget_unbind(shared_budget) == 0);
		if (i % 3 == 1)
			need(budget_bind(shared_budget, *(int *)unused) == 0);
	}
	atomic_store(&done, true);
	return unused;
}

/* The bound thread runs, sleeps, is out of budget or yields meanwhile. */
static void changes_while_it_runs(void)
{
	int self = pidfd_open(gettid_(), PIDFD_THREAD);
	pthread_t thread;

	shared_budget = small();
	need(self >= 0 && budget_bind(shared_budget, BUDGET_SELF) == 0);
	need(pthread_create(&thread, NULL, resize_all_the_time, &self) == 0);
	for (int i = 0; !atomic_load(&done); i++) {
		if (i % 4 == 0)
			usleep(500);
		else if (i % 4 == 1)
			sched_yield();
		else
			spin_for(MS);
	}
	need(pthread_join(thread, NULL) == 0);
}

/* --- given to others ---------------------------------------------------------------------------------- */

static int given;

static void use_as_nobody(void)
{
	become_nobody();
	need(budget_bind(given, BUDGET_SELF) == 0 && policy_of(0) == SCHED_DEADLINE);
	need(budget_resize(given, 90 * MS, 100 * MS) == -EPERM && set_deadline(20 * MS, 100 * MS) == -EPERM);
	spin();
}

/* In the table of another process, whose user may nothing; taken back while it runs there. */
static void granted_and_revoked(void)
{
	int fd = small(), mine = with_rights(fd, BUDGET_RIGHT_BIND | CAP_RIGHT_GRANT);
	struct cap_derive how = { .rights = BUDGET_RIGHT_BIND, .expires_ns = CAP_FOREVER };
	int pipes[2], pidfd;
	cap_handle_t there;
	pid_t pid;

	need(pipe(pipes) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		need(read(pipes[0], &there, sizeof(there)) == sizeof(there));
		given = cap_fd(there);
		close(fd);
		close(mine);
		use_as_nobody();
	}
	need((pidfd = pidfd_open(pid, 0)) >= 0);
	there = cap_grant(pidfd, mine, &how);
	need(there >= 0 && write(pipes[1], &there, sizeof(there)) == sizeof(there));
	await_policy(pid, SCHED_DEADLINE);
	need(info_of(fd).thread == pid);
	need(cap_revoke(mine, 0) == 0);
	need(policy_of(pid) == SCHED_OTHER && info_of(fd).thread == 0); /* at once */
	need(budget_bind(fd, BUDGET_SELF) == 0);
	stop(pid);
}

static void only_its_own_revocation_counts(void)
{
	int fd = small(), a = with_rights(fd, BUDGET_RIGHT_BIND), b = with_rights(fd, BUDGET_RIGHT_BIND);

	need(budget_bind(a, BUDGET_SELF) == 0 && budget_unbind(b) == 0 && budget_bind(b, BUDGET_SELF) == 0);
	need(cap_revoke(a, 0) == 0 && policy_of(0) == SCHED_DEADLINE);
	need(cap_revoke(fd, CAP_REVOKE_CHILDREN) == 0 && policy_of(0) == SCHED_OTHER);
	need(budget_bind(fd, BUDGET_SELF) == 0 && cap_revoke(fd, 0) == 0 && policy_of(0) == SCHED_OTHER);
}

static void expires(void)
{
	int fd = small();
	pid_t pid = start(spin);

	need(bind_child(cap_fd(cap_lend(fd, BUDGET_RIGHT_BIND, 300 * MS)), pid) == 0);
	await_policy(pid, SCHED_OTHER);
	need(info_of(fd).thread == 0 && bind_child(fd, pid) == 0);
	stop(pid);
}

static void closing(void)
{
	int fd = small(), child = with_rights(fd, ALL_RIGHTS), copy = dup(fd);

	need(budget_bind(child, BUDGET_SELF) == 0 && close(child) == 0 && policy_of(0) == SCHED_DEADLINE);
	need(close(fd) == 0 && policy_of(0) == SCHED_DEADLINE && info_of(copy).thread == gettid_());
	need(close(copy) == 0 && policy_of(0) == SCHED_OTHER);
}

/* All that can be denied is, and there are no global names: what the capability grants holds. */
static void confined(void)
{
	struct confinement c = { .deny = CONFINE_ALL };
	int fd = small(), theirs = with_rights(fd, BUDGET_RIGHT_BIND);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		need(cap_confine(&c, sizeof(c)) == 0 && cap_enter(CAP_ENTER) == 0);
		need(set_deadline(20 * MS, 100 * MS) == -EPERM && set_policy(0, SCHED_FIFO, 1) == -EPERM);
		need(budget_create(20 * MS, 100 * MS, 0) == -EPERM);
		need(budget_bind(theirs, BUDGET_SELF) == 0 && info_of(theirs).thread == gettid_());
		spin_for(5 * MS);
		need(budget_resize(theirs, 21 * MS, 100 * MS) == -EPERM);
		need(set_policy(0, SCHED_FIFO, 1) == -EPERM && set_policy(0, SCHED_OTHER, 0) == 0);
		need(info_of(theirs).thread == 0);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(info_of(fd).used_ns > 0);
}

/* --- what threads and processes do ---------------------------------------------------------------------- */

static void *bind_and_return(void *unused)
{
	need(budget_bind(shared_budget, BUDGET_SELF) == 0);
	return unused;
}

static void exit_ends_it(void)
{
	pthread_t thread;
	pid_t pid;

	shared_budget = small();
	for (int i = 0; i < 20; i++) {
		need(pthread_create(&thread, NULL, bind_and_return, NULL) == 0);
		need(pthread_join(thread, NULL) == 0 && info_of(shared_budget).thread == 0);
	}
	for (int i = 0; i < 10; i++) {
		pid = start(spin);
		need(bind_child(shared_budget, pid) == 0);
		stop(pid);
		need(info_of(shared_budget).thread == 0);
	}
}

static void *look_at_policy(void *policy)
{
	*(int *)policy = policy_of(0);
	return policy;
}

static void children_are_not_bound(void)
{
	int fd = small(), policy = -1, status;
	pthread_t thread;
	pid_t pid;

	need(budget_bind(fd, BUDGET_SELF) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		need(policy_of(0) == SCHED_OTHER && info_of(fd).thread == getppid());
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(pthread_create(&thread, NULL, look_at_policy, &policy) == 0 && pthread_join(thread, NULL) == 0);
	need(policy == SCHED_OTHER && info_of(fd).thread == gettid_());
}

/* The status with which this program, run anew, tells how it is scheduled. */
static int policy_after_exec(const char *path)
{
	char *const argv[] = { "budget", "policy", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		need(budget_bind(given, BUDGET_SELF) == 0);
		execv(path, argv);
		_exit(99);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void exec_keeps_it(void)
{
	given = small();
	need(policy_after_exec("/proc/self/exe") == SCHED_DEADLINE);
	need(info_of(given).thread == 0);
	given = budget_create(20 * MS, 100 * MS, CAP_DERIVE_CLOEXEC); /* the parent has it still */
	need(policy_after_exec("/proc/self/exe") == SCHED_DEADLINE);
}

static void set_id_exec_ends_it(void)
{
	need(system("cp /proc/$PPID/exe " SET_ID) == 0 && chown(SET_ID, 1, 1) == 0 &&
	     chmod(SET_ID, 04755) == 0);
	given = small();
	become_nobody();
	need(policy_after_exec(SET_ID) == SCHED_OTHER);
}

static void policies_end_it(void)
{
	struct abi_sched_attr attr;
	int fd = small();

	need(budget_bind(fd, BUDGET_SELF) == 0 && set_policy(0, SCHED_RR, 3) == 0);
	need(policy_of(0) == SCHED_RR && info_of(fd).thread == 0 && set_policy(0, SCHED_OTHER, 0) == 0);
	need(budget_bind(fd, BUDGET_SELF) == 0 && set_deadline(10 * MS, 100 * MS) == 0);
	need(attr_of(0).runtime == 10 * MS && info_of(fd).thread == 0);
	need(set_policy(0, SCHED_OTHER, 0) == 0 && budget_bind(fd, BUDGET_SELF) == 0);
	need(set_policy(0, SCHED_FIFO, 0) == -EINVAL &&
	     info_of(fd).thread == gettid_()); /* refused: nothing */
	attr = (struct abi_sched_attr){ .size = sizeof(attr), .flags = SCHED_FLAG_KEEP_POLICY };
	need(syscall(SYS_sched_setattr, 0, &attr, 0) == 0 && policy_of(0) == SCHED_OTHER);
	become_nobody();
	need(budget_bind(fd, BUDGET_SELF) == 0 && set_policy(0, SCHED_FIFO, 1) == -EPERM);
	need(policy_of(0) == SCHED_DEADLINE && set_policy(0, SCHED_BATCH, 0) == 0);
	need(info_of(fd).thread == 0 && policy_of(0) == SCHED_BATCH);
}

/* --- what it is worth ----------------------------------------------------------------------------------- */

/* Eight to a processor: without a budget a thread has a ninth at most. */
static void start_spinners(pid_t *pids, long n)
{
	for (long i = 0; i < n; i++)
		pids[i] = start(spin);
}

/* The part of one processor, in percent, that the child's budget was charged for in a second. */
static unsigned percent_used(int fd)
{
	uint64_t used = info_of(fd).used_ns, begin = now_ns();

	sleep(1);
	return (unsigned)((info_of(fd).used_ns - used) * 100 / (now_ns() - begin));
}

static void has_its_share(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) * 8;
	int fd = budget_create(50 * MS, 100 * MS, 0);
	unsigned percent = 0;
	bool good = false;
	pid_t *pids = calloc((size_t)n, sizeof(*pids)), pid = start(spin);

	need(fd >= 0 && pids && set_policy(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 50) == 0);
	start_spinners(pids, n);
	need(bind_child(fd, pid) == 0);
	for (int i = 0; i < ATTEMPTS && !good; i++) {
		percent = percent_used(fd);
		good = percent >= 35 && percent <= 60;
	}
	if (!good)
		printf("# %u%% at last\n", percent);
	for (long i = 0; i < n; i++)
		stop(pids[i]);
	stop(pid);
	need(good);
}

/* What is used of a period stays used, whoever is bound next and whatever the size was in between. */
static bool rebinding_gains_nothing(int fd, pid_t pid)
{
	uint64_t begin = now_ns(), used = info_of(fd).used_ns, elapsed;

	for (int i = 0; i < 25; i++) {
		need(bind_child(fd, pid) == 0);
		usleep(20000);
		need(i % 2 || budget_resize(fd, 5 * MS, 500 * MS) == 0);
		need(budget_unbind(fd) == 0);
		need(i % 2 || budget_resize(fd, 10 * MS, 1000 * MS) == 0);
	}
	elapsed = now_ns() - begin;
	used = info_of(fd).used_ns - used;
	if (used <= (elapsed / (500 * MS) + 2) * 15 * MS)
		return true;
	printf("# %llu us in %llu us\n", (unsigned long long)used / 1000, (unsigned long long)elapsed / 1000);
	return false;
}

static void no_more_than_its_share(void)
{
	int fd = budget_create(10 * MS, 1000 * MS, 0);
	pid_t pid = start(spin);
	bool good = false;

	need(fd >= 0);
	for (int i = 0; i < ATTEMPTS && !good; i++)
		good = rebinding_gains_nothing(fd, pid);
	stop(pid);
	need(good);
}

static uint32_t lock;
static _Atomic int owner;

static void *own_the_lock(void *unused)
{
	need(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL) == 0);
	atomic_store(&owner, gettid_());
	while (!atomic_load(&done))
		usleep(1000);
	need(syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL) == 0);
	return unused;
}

static void *want_the_lock(void *policy)
{
	if (*(int *)policy == SCHED_FIFO)
		need(set_policy(0, SCHED_FIFO, 10) == 0);
	else
		need(budget_bind(shared_budget, BUDGET_SELF) == 0);
	need(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL) == 0);
	need(syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL) == 0);
	return policy;
}

/* Is the owner of a lock that such a thread waits for as urgent as ISO or REALTIME threads are? */
static bool owner_is_urgent(int policy)
{
	char path[64], text[4096];
	pthread_t a, b;
	ssize_t n;
	int fd;

	atomic_store(&owner, 0);
	atomic_store(&done, false);
	need(pthread_create(&a, NULL, own_the_lock, NULL) == 0);
	while (!atomic_load(&owner))
		usleep(1000);
	need(pthread_create(&b, NULL, want_the_lock, &policy) == 0);
	while (!(atomic_load((_Atomic uint32_t *)&lock) & FUTEX_WAITERS))
		usleep(1000);
	usleep(20000); /* it lends before it sleeps, and after it has set the bit */
	snprintf(path, sizeof(path), "/proc/self/task/%d/sched", atomic_load(&owner));
	need((fd = open(path, O_RDONLY)) >= 0 && (n = read(fd, text, sizeof(text) - 1)) > 0);
	text[n] = '\0';
	atomic_store(&done, true);
	need(close(fd) == 0 && pthread_join(a, NULL) == 0 && pthread_join(b, NULL) == 0);
	return strstr(text, " FAIR\n") == NULL;
}

static void is_not_lent(void)
{
	bool lent = false;

	shared_budget = small();
	need(!owner_is_urgent(SCHED_DEADLINE));
	/* The other way round, so that the first look cannot have come too early always. */
	for (int i = 0; i < 50 && !lent; i++)
		lent = owner_is_urgent(SCHED_FIFO);
	need(lent);
}

static void fdinfo(void)
{
	char path[64], text[512], thread[32];
	int fd = small(), file;
	ssize_t n;

	need(budget_bind(fd, BUDGET_SELF) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(thread, sizeof(thread), "\nthread:\t%d\n", gettid_());
	need((file = open(path, O_RDONLY)) >= 0 && (n = read(file, text, sizeof(text) - 1)) > 0);
	text[n] = '\0';
	need(strstr(text, "\nruntime-ns:\t20000000\nperiod-ns:\t100000000\nused-ns:\t") &&
	     strstr(text, thread));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	need((n = readlink(path, text, sizeof(text))) > 0 && strncmp(text, "budget:[", 8) == 0);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "policy") == 0)
		return policy_of(0);
	tap(passes(is_a_budget), "a budget's capability has its type, its rights and its times");
	tap(passes(bad_arguments), "bad arguments are refused");
	tap(passes(who_may_make), "making one needs what SCHED_DEADLINE needs");
	tap(passes(admission), "what is made counts at once, with the deadlines of threads, up to 95%");
	tap(passes(nothing_is_lost), "an end gives back what was reserved, however it comes");
	tap(passes(binds), "a bound thread is scheduled by its times, and then as before");
	tap(passes(one_at_a_time), "one thread to a budget, one budget to a thread");
	tap(passes(returns_to_its_policy), "policy, flag and nice value are back after it");
	tap(passes(whom_it_does_not_fit), "urgent threads and those of some CPUs only are refused");
	tap(passes(other_threads_by_capability), "another thread needs the right to schedule it");
	tap(passes(rights), "BIND, RESIZE, both or none");
	tap(passes(resizes), "up and down, bound or not");
	tap(passes(changes_while_it_runs),
	    "sizes and bindings change while the thread runs, sleeps and yields");
	tap(passes(granted_and_revoked), "granted to a process of nobody's, taken back while it runs");
	tap(passes(only_its_own_revocation_counts), "the capability that it was made through ends a binding");
	tap(passes(expires), "so does its expiry");
	tap(passes(closing), "closing that one does not; closing the last one does");
	tap(passes(confined), "a confined process in capability mode uses what it was given, and no more");
	tap(passes(exit_ends_it), "threads and processes that end leave it");
	tap(passes(children_are_not_bound), "children and new threads are not bound");
	tap(passes(exec_keeps_it), "exec keeps the binding");
	tap(passes(set_id_exec_ends_it), "exec of a set-id program does not");
	tap(passes(policies_end_it), "another policy ends it, one that is refused does not");
	tap(passes(has_its_share), "it is half a processor beside eight busy threads on each");
	tap(passes(no_more_than_its_share), "binding and resizing all the time makes no more of it");
	tap(passes(is_not_lent), "it is not lent to who has what the bound thread waits for");
	tap(passes(fdinfo), "/proc tells");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads by capability: what each right allows, that nothing else does, that a pidfd never
 * comes to name another process, and that Linux programs find what pidfd_open(2) promises.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/process.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "tap.h"

#define P_PIDFD_TYPE ((idtype_t)3)

static volatile sig_atomic_t caught;

static void catch (int signo)
{
	caught = signo;
}

static pid_t leaver(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static int end(pid_t pid)
{
	int status = -1;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int wait_fd(int pidfd, int options, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	return waitid(P_PIDFD_TYPE, (id_t)pidfd, info, options) == 0 ? 0 : -errno;
}

static int poll_in(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout) > 0 ? p.revents : 0;
}

/* A pidfd of `pid` with some of the rights alone. */
static int with(pid_t pid, uint32_t rights)
{
	int whole = pidfd_open(pid, 0);
	cap_handle_t part = cap_reduce(whole, rights);

	close(whole);
	return part < 0 ? (int)part : cap_fd(part);
}

/* --- pidfd_open --- */

static void open_self(void)
{
	int fd = pidfd_open(getpid(), 0);

	need(fd >= 0);
	need(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

static void open_errors(void)
{
	pid_t gone = leaver(0);

	need(waitpid(gone, NULL, 0) == gone);
	need(pidfd_open(gone, 0) == -ESRCH);
	need(pidfd_open(0, 0) == -EINVAL);
	need(pidfd_open(-1, 0) == -EINVAL);
	need(pidfd_open(getpid(), 1) == -EINVAL);
	need(pidfd_open(getpid(), ~0u) == -EINVAL);
}

static void status_flags(void)
{
	int fd = pidfd_open(getpid(), PIDFD_NONBLOCK);

	need(fcntl(fd, F_GETFL) & O_NONBLOCK);
	need(fcntl(fd, F_SETFL, 0) == 0);
	need(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

static void is_no_file(void)
{
	int fd = pidfd_open(getpid(), 0);
	char byte = 0;

	need(read(fd, &byte, 1) == -1 && (errno == EINVAL || errno == EBADF));
	need(write(fd, &byte, 1) == -1 && (errno == EINVAL || errno == EBADF));
	need(lseek(fd, 0, SEEK_SET) == -1);
	need(ftruncate(fd, 0) == -1);
	need(fchmod(fd, 0) == -1);
}

static void link_text(void)
{
	char path[64], text[64] = { 0 };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", pidfd_open(getpid(), 0));
	need(readlink(path, text, sizeof(text) - 1) > 0);
	need(strcmp(text, "anon_inode:[pidfd]") == 0);
}

/* --- poll and wait --- */

static void poll_tells_of_the_end(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	siginfo_t info;

	need(poll_in(fd, 0) == 0);
	kill(pid, SIGKILL);
	need(poll_in(fd, 10000) == POLLIN);
	need(wait_fd(fd, WEXITED, &info) == 0);
	need(poll_in(fd, 0) == (POLLIN | POLLHUP));
}

static void poll_wakes(void)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		usleep(100000);
		_exit(0);
	}
	fd = pidfd_open(pid, 0);
	need(poll_in(fd, -1) == POLLIN);
	need(waitpid(pid, NULL, 0) == pid);
}

static void select_works(void)
{
	pid_t pid = leaver(0);
	int fd = pidfd_open(pid, 0);
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	need(select(fd + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(fd, &set));
	need(waitpid(pid, NULL, 0) == pid);
}

static void wait_reports(void)
{
	pid_t pid = leaver(7);
	int fd = pidfd_open(pid, 0);
	siginfo_t info;

	need(wait_fd(fd, WEXITED | WNOWAIT, &info) == 0);
	need(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 7 &&
	     info.si_signo == SIGCHLD);
	need(wait_fd(fd, WEXITED, &info) == 0 && info.si_status == 7);
	need(wait_fd(fd, WEXITED, &info) == -ECHILD);
}

static void wait_stopped_and_continued(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	siginfo_t info;

	kill(pid, SIGSTOP);
	need(wait_fd(fd, WSTOPPED, &info) == 0 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
	kill(pid, SIGCONT);
	need(wait_fd(fd, WCONTINUED, &info) == 0 && info.si_code == CLD_CONTINUED);
	kill(pid, SIGKILL);
	need(wait_fd(fd, WEXITED, &info) == 0 && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

static void wait_usage(void)
{
	struct rusage usage;
	siginfo_t info;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		for (volatile int i = 0; i < 30000000; i++)
			;
		_exit(0);
	}
	fd = pidfd_open(pid, 0);
	memset(&usage, 0, sizeof(usage));
	need(syscall(SYS_waitid, P_PIDFD_TYPE, fd, &info, WEXITED, &usage) == 0);
	need(usage.ru_utime.tv_sec || usage.ru_utime.tv_usec || usage.ru_stime.tv_usec);
}

static void wait_nonblocking(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, PIDFD_NONBLOCK);
	siginfo_t info;

	need(wait_fd(fd, WEXITED, &info) == -EAGAIN);
	need(wait_fd(fd, WEXITED | WNOHANG, &info) == 0 && info.si_pid == 0);
	kill(pid, SIGKILL);
	need(poll_in(fd, 10000) == POLLIN);
	need(wait_fd(fd, WEXITED, &info) == 0 && info.si_pid == pid);
}

static void wait_only_for_children(void)
{
	siginfo_t info;

	need(wait_fd(pidfd_open(getppid(), 0), WEXITED | WNOHANG, &info) == -ECHILD);
	need(wait_fd(pidfd_open(getpid(), 0), WEXITED | WNOHANG, &info) == -ECHILD);
}

static void wait_bad_fd(void)
{
	siginfo_t info;

	need(wait_fd(999, WEXITED, &info) == -EBADF);
	need(wait_fd(STDOUT_FILENO, WEXITED, &info) == -EBADF);
	need(wait_fd(-1, WEXITED, &info) == -EINVAL);
}

/* --- signals --- */

static void signal_self(void)
{
	signal(SIGUSR1, catch);
	need(pidfd_send_signal(pidfd_open(getpid(), 0), SIGUSR1, NULL, 0) == 0);
	need(caught == SIGUSR1);
}

static void signal_kills(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0), status;

	need(pidfd_send_signal(fd, 0, NULL, 0) == 0);
	need(pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0);
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	need(pidfd_send_signal(fd, SIGTERM, NULL, 0) == -ESRCH);
	need(pidfd_send_signal(fd, 0, NULL, 0) == -ESRCH);
}

/* A /proc/PID directory names the process, and only that one; other files of it do not. */
static void signal_by_directory(void)
{
	pid_t pid = sleeper();
	char path[32];
	int fd, file, place;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	place = open(path, O_PATH);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = open(path, O_RDONLY);
	need(fd >= 0 && file >= 0 && place >= 0);
	need(pidfd_send_signal(file, SIGKILL, NULL, 0) == -EBADF);
	need(pidfd_send_signal(place, SIGKILL, NULL, 0) == -EBADF);
	need(pidfd_send_signal(open("/proc", O_RDONLY), SIGKILL, NULL, 0) == -EBADF);
	need(pidfd_send_signal(fd, 65, NULL, 0) == -EINVAL);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0);
	need(waitpid(pid, NULL, 0) == pid);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == -ESRCH);
}

static void signal_info_checked(void)
{
	pid_t pid = sleeper();
	int fd = pidfd_open(pid, 0);
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	int status;

	need(pidfd_send_signal(fd, SIGUSR2, &info, 0) == -EINVAL);
	info.si_code = SI_USER;
	need(pidfd_send_signal(fd, SIGUSR1, &info, 0) == -EPERM);
	info.si_code = SI_QUEUE;
	need(pidfd_send_signal(fd, SIGUSR1, &info, 0) == 0);
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGUSR1);
}

static void signal_errors(void)
{
	int fd = pidfd_open(getpid(), 0);

	need(pidfd_send_signal(fd, -1, NULL, 0) == -EINVAL);
	need(pidfd_send_signal(fd, 65, NULL, 0) == -EINVAL);
	need(pidfd_send_signal(fd, 0, NULL, 3) == -EINVAL);
	need(pidfd_send_signal(fd, 0, NULL, 0x100) == -EINVAL);
	need(pidfd_send_signal(STDOUT_FILENO, 0, NULL, 0) == -EBADF);
	need(pidfd_send_signal(999, 0, NULL, 0) == -EBADF);
	need(pidfd_send_signal(fd, SIGUSR1, (siginfo_t *)8, 0) == -EFAULT);
}

/* --- rights, one by one --- */

static void signal_needs_its_right(void)
{
	pid_t pid = sleeper();
	int fd = with(pid, PROCESS_RIGHTS & ~PROCESS_RIGHT_SIGNAL);

	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == -EPERM);
	need(pidfd_send_signal(fd, 0, NULL, 0) == -EPERM);
	fd = with(pid, PROCESS_RIGHT_SIGNAL);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0);
	need(waitpid(pid, NULL, 0) == pid);
}

static void wait_needs_its_right(void)
{
	pid_t pid = leaver(3);
	int without = with(pid, PROCESS_RIGHTS & ~PROCESS_RIGHT_WAIT), only = with(pid, PROCESS_RIGHT_WAIT);
	siginfo_t info;

	need(wait_fd(without, WEXITED, &info) == -EPERM);
	need(wait_fd(only, WEXITED, &info) == 0 && info.si_status == 3);
}

static void inspect_needs_its_right(void)
{
	struct process_info info;
	int without = with(getpid(), PROCESS_RIGHTS & ~PROCESS_RIGHT_INSPECT);
	int only = with(getpid(), PROCESS_RIGHT_INSPECT);

	need(process_info(without, &info) == -EPERM);
	need(process_info(only, &info) == 0 && info.pid == getpid() && info.parent == getppid());
	need(info.threads == 1 && info.tid == 0 && info.state == PROCESS_STATE_ALIVE &&
	     info.group == getpgrp());
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void schedule_needs_its_right(void)
{
	pid_t pid = sleeper();
	int without = with(pid, PROCESS_RIGHTS & ~PROCESS_RIGHT_SCHEDULE),
	    only = with(pid, PROCESS_RIGHT_SCHEDULE);
	struct attr attr = { .size = sizeof(attr), .policy = SCHED_BATCH, .nice = 5 };

	need(process_control(without, PROCESS_SET_SCHEDULE, &attr, sizeof(attr)) == -EPERM);
	need(process_control(only, PROCESS_SET_SCHEDULE, &attr, sizeof(attr)) == 0);
	need(process_control(only, PROCESS_GET_SCHEDULE, &attr, sizeof(attr)) == -EPERM);
	attr = (struct attr){ 0 };
	need(process_control(without, PROCESS_GET_SCHEDULE, &attr, sizeof(attr)) == 0);
	need(attr.policy == SCHED_BATCH && attr.nice == 5);
	need(syscall(SYS_sched_getscheduler, pid) == SCHED_BATCH);
	end(pid);
}

static void control_errors(void)
{
	struct process_info info;
	int fd = pidfd_open(getpid(), 0);

	need(process_control(fd, 0, &info, sizeof(info)) == -EINVAL);
	need(process_control(fd, 99, &info, sizeof(info)) == -EINVAL);
	need(process_control(fd, PROCESS_INFO, &info, sizeof(info) - 1) == -EINVAL);
	need(process_control(fd, PROCESS_INFO, (void *)8, sizeof(info)) == -EFAULT);
	need(process_control(STDOUT_FILENO, PROCESS_INFO, &info, sizeof(info)) == -EBADF);
}

static void info_of_a_zombie(void)
{
	pid_t pid = leaver(0);
	int fd = pidfd_open(pid, 0);
	struct process_info info;

	need(poll_in(fd, 10000) == POLLIN);
	need(process_info(fd, &info) == 0 && info.state == PROCESS_STATE_ENDED && info.threads == 0);
	need(waitpid(pid, NULL, 0) == pid);
	need(process_info(fd, &info) == -ESRCH);
}

/* --- capabilities from a process --- */

static void getfd_copies(void)
{
	int pipes[2], fd, copy, status;
	pid_t pid;
	char byte = 0;

	need(pipe(pipes) == 0);
	pid = sleeper();
	fd = pidfd_open(pid, 0);
	copy = pidfd_getfd(fd, pipes[1], 0);
	need(copy >= 0 && fcntl(copy, F_GETFD) == FD_CLOEXEC);
	need(write(copy, "x", 1) == 1 && read(pipes[0], &byte, 1) == 1 && byte == 'x');
	need(pidfd_getfd(fd, 999, 0) == -EBADF);
	need(pidfd_getfd(fd, pipes[1], 1) == -EINVAL);
	status = end(pid);
	need(WIFSIGNALED(status));
	need(pidfd_getfd(fd, pipes[1], 0) == -ESRCH);
}

static void getfd_needs_its_right(void)
{
	pid_t pid = sleeper();
	int without = with(pid, PROCESS_RIGHTS & ~PROCESS_RIGHT_GRANT), only = with(pid, PROCESS_RIGHT_GRANT);

	need(pidfd_getfd(without, STDOUT_FILENO, 0) == -EPERM);
	need(pidfd_getfd(only, STDOUT_FILENO, 0) >= 0);
	end(pid);
}

static void getfd_takes_only_what_may_go(void)
{
	int kept = cap_fd(cap_reduce(STDOUT_FILENO, FILE_RIGHT_WRITE)), fd;
	pid_t pid = sleeper();

	fd = pidfd_open(pid, 0);
	need(kept >= 0);
	need(pidfd_getfd(fd, kept, 0) == -EPERM);
	end(pid);
}

static void getfd_brings_no_rights_back(void)
{
	int file = open("/tmp", O_RDONLY | O_DIRECTORY), fd, copy;
	cap_handle_t less = cap_reduce(file, FILE_RIGHT_STAT | CAP_RIGHT_GRANT);
	struct stat st;
	pid_t pid = sleeper();

	fd = pidfd_open(pid, 0);
	copy = pidfd_getfd(fd, cap_fd(less), 0);
	need(copy >= 0 && fstat(copy, &st) == 0);
	need(fchmod(copy, 0777) == -1 && errno == EPERM);
	need(syscall(SYS_getdents64, copy, &st, sizeof(st)) == -1);
	end(pid);
}

/* --- which process it is --- */

static void never_another_process(void)
{
	pid_t pid, other;
	int fd;

	/* The first numbers are not used again. */
	while ((pid = leaver(0)) < 1000)
		need(waitpid(pid, NULL, 0) == pid);
	fd = pidfd_open(pid, 0);
	need(waitpid(pid, NULL, 0) == pid);
	/* Numbers go up and wrap: run through all of them. */
	for (int i = 0; i < 40000; i++) {
		other = vfork();
		if (other == 0)
			_exit(0);
		need(other > 0 && waitpid(other, NULL, 0) == other);
		if (other == pid)
			break;
	}
	need(other == pid);
	other = sleeper();
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == -ESRCH);
	need(pidfd_getfd(fd, 0, 0) == -ESRCH);
	need(poll_in(fd, 0) == (POLLIN | POLLHUP));
	end(other);
}

static void survives_exec(void)
{
	pid_t pid = fork();
	int fd, status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "sleep 100", NULL);
		_exit(1);
	}
	fd = pidfd_open(pid, 0);
	usleep(100000);
	need(pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0);
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
}

/* --- clone --- */

static pid_t clone_with_pidfd(uint64_t flags, int *pidfd)
{
	return (pid_t)syscall(SYS_clone, 0x1000 | SIGCHLD | flags, 0, pidfd, 0, 0);
}

static void clone_gives_one(void)
{
	int fd = -1;
	siginfo_t info;
	pid_t pid = clone_with_pidfd(0, &fd);

	if (pid == 0)
		_exit(fd == -1 ? 9 : 1); /* the child has none */
	need(pid > 0 && fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	need(wait_fd(fd, WEXITED, &info) == 0 && info.si_pid == pid);
}

static void clone3_gives_one(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = { .flags = 0x1000, .exit_signal = SIGCHLD };
	int fd = -1;
	siginfo_t info;
	pid_t pid;

	args.pidfd = (uintptr_t)&fd;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(4);
	need(pid > 0 && fd >= 0);
	need(wait_fd(fd, WEXITED, &info) == 0 && info.si_pid == pid && info.si_status == 4);
}

static void clone_refuses(void)
{
	int fd = -1;

	need(clone_with_pidfd(CLONE_PARENT_SETTID, &fd) == -1 && errno == EINVAL);
	need(clone_with_pidfd(CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, &fd) == -1 &&
	     errno == EINVAL);
	need(clone_with_pidfd(0, (int *)8) == -1 && errno == EFAULT);
	need(fd == -1 && fcntl(3, F_GETFD) == -1 && fcntl(4, F_GETFD) == -1);
	need(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}

/* --- threads --- */

static _Atomic pid_t thread_id;
static _Atomic int thread_ends;

static void *thread_main(void *unused)
{
	(void)unused;
	thread_id = (pid_t)syscall(SYS_gettid);
	while (!thread_ends)
		usleep(1000);
	return NULL;
}

static pthread_t start_thread(void)
{
	pthread_t thread;

	thread_id = thread_ends = 0;
	need(pthread_create(&thread, NULL, thread_main, NULL) == 0);
	while (!thread_id)
		usleep(1000);
	return thread;
}

static void threads_have_theirs(void)
{
	pthread_t thread = start_thread();
	struct process_info info;
	int fd = pidfd_open(thread_id, PIDFD_THREAD);

	need(pidfd_open(thread_id, 0) == -EINVAL);
	need(fd >= 0 && poll_in(fd, 0) == 0);
	need(process_info(fd, &info) == 0 && info.tid == thread_id && info.pid == getpid() &&
	     info.threads == 2);
	need(pidfd_send_signal(fd, 0, NULL, 0) == 0);
	thread_ends = 1;
	need(poll_in(fd, 10000) == (POLLIN | POLLHUP));
	pthread_join(thread, NULL);
	need(pidfd_send_signal(fd, 0, NULL, 0) == -ESRCH);
}

static void thread_is_no_process(void)
{
	pthread_t thread = start_thread();
	int fd = pidfd_open(thread_id, PIDFD_THREAD);
	siginfo_t info;

	need(wait_fd(fd, WEXITED | WNOHANG, &info) == -ECHILD);
	thread_ends = 1;
	pthread_join(thread, NULL);
}

static void thread_signal_goes_to_it(void)
{
	sigset_t set, old;
	int fd = pidfd_open((pid_t)syscall(SYS_gettid), PIDFD_THREAD);
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	need(pidfd_send_signal(fd, SIGUSR1, NULL, 0) == 0);
	need(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_TKILL && info.si_pid == getpid());
	need(pidfd_send_signal(fd, SIGUSR1, NULL, 2) == 0); /* to the whole group */
	need(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER);
}

static void process_ends_with_its_last_thread(void)
{
	pid_t pid = sleeper();
	int whole = pidfd_open(pid, 0), first = pidfd_open(pid, PIDFD_THREAD);

	kill(pid, SIGKILL);
	need(poll_in(whole, 10000) == POLLIN && poll_in(first, 10000) == POLLIN);
	need(waitpid(pid, NULL, 0) == pid);
	need(poll_in(first, 0) == (POLLIN | POLLHUP));
}

/* --- users --- */

#define SOMEBODY 1234

static void become(uid_t uid)
{
	need(setgid(uid) == 0 && setuid(uid) == 0);
	need(prctl(PR_SET_DUMPABLE, 1) == 0); /* a change of user hides a process from its user at first */
}

static void strangers_may_only_wait(void)
{
	pid_t pid = sleeper();
	struct process_info info;
	int fd, err;

	become(SOMEBODY);
	fd = pidfd_open(pid, 0);
	need(fd >= 0);
	need(poll_in(fd, 0) == 0);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == -EPERM);
	need(pidfd_getfd(fd, 0, 0) == -EPERM);
	need(process_info(fd, &info) == -EPERM);
	need(process_control(fd, PROCESS_SET_SCHEDULE, &(struct attr){ .size = 48 }, 48) == -EPERM);
	err = kill(pid, SIGKILL);
	need(err == -1 && errno == EPERM);
}

/* What kill(2) refuses this user, whoever gave him the capability did not. */
static void authority_is_in_the_capability(void)
{
	pid_t pid = sleeper();
	struct process_info info;
	int fd = pidfd_open(pid, 0);
	struct attr attr = { .size = sizeof(attr), .nice = 10 };

	become(SOMEBODY);
	need(process_info(fd, &info) == 0 && info.uid == 0);
	need(process_control(fd, PROCESS_SET_SCHEDULE, &attr, sizeof(attr)) == 0);
	attr.nice = -10; /* but no more urgent than the process's own limits say */
	need(process_control(fd, PROCESS_SET_SCHEDULE, &attr, sizeof(attr)) == -EPERM);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0);
}

/* A program that gains privilege is out of reach of capabilities from before. */
static void set_id_programs_are_out_of_reach(void)
{
	struct process_info info;
	pid_t pid;
	int fd, status, go[2];
	char byte;

	/* Not below /tmp, which is mounted nosuid. */
	need(system("cp /bin/busybox /cap_suid && chmod 4755 /cap_suid") == 0);
	become(SOMEBODY);
	need(pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		need(read(go[0], &byte, 1) == 1);
		execl("/cap_suid", "sleep", "100", NULL);
		_exit(1);
	}
	fd = pidfd_open(pid, 0);
	need(pidfd_getfd(fd, 1, 0) >= 0 && process_info(fd, &info) == 0);
	need(write(go[1], "x", 1) == 1);
	for (int i = 0; i < 1000 && process_info(fd, &info) == 0; i++)
		usleep(10000);
	need(process_info(fd, &info) == -EPERM);
	need(pidfd_getfd(fd, 1, 0) == -EPERM);
	need(pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0); /* as kill(2): the real user is the same */
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	tap(passes(open_self), "pidfd_open of oneself, closed on exec");
	tap(passes(open_errors), "pidfd_open refuses bad pids and flags");
	tap(passes(status_flags), "O_NONBLOCK of a pidfd");
	tap(passes(is_no_file), "a pidfd is no file");
	tap(passes(link_text), "what /proc shows of a pidfd");
	tap(passes(poll_tells_of_the_end), "poll: nothing, ended, waited for");
	tap(passes(poll_wakes), "a blocked poll is woken by the end");
	tap(passes(select_works), "select waits for the end");
	tap(passes(wait_reports), "waitid by pidfd: WNOWAIT, status, then ECHILD");
	tap(passes(wait_stopped_and_continued), "waitid by pidfd: stopped, continued, killed");
	tap(passes(wait_usage), "waitid reports usage");
	tap(passes(wait_nonblocking), "PIDFD_NONBLOCK makes waitid say EAGAIN");
	tap(passes(wait_only_for_children), "waitid by pidfd: only for children");
	tap(passes(wait_bad_fd), "waitid by pidfd: bad descriptors");
	tap(passes(signal_self), "pidfd_send_signal to oneself");
	tap(passes(signal_kills), "pidfd_send_signal ends a child, ESRCH afterwards");
	tap(passes(signal_by_directory), "pidfd_send_signal takes a /proc/PID directory, no file of it");
	tap(passes(signal_info_checked), "pidfd_send_signal: the info may not pretend");
	tap(passes(signal_errors), "pidfd_send_signal: bad arguments");
	tap(passes(signal_needs_its_right), "signal needs SIGNAL and nothing else");
	tap(passes(wait_needs_its_right), "waiting needs WAIT and nothing else");
	tap(passes(inspect_needs_its_right), "looking needs INSPECT and nothing else");
	tap(passes(schedule_needs_its_right), "scheduling needs SCHEDULE and nothing else");
	tap(passes(control_errors), "process_control: bad arguments");
	tap(passes(info_of_a_zombie), "process_info of one that has ended");
	tap(passes(getfd_copies), "pidfd_getfd copies a descriptor");
	tap(passes(getfd_needs_its_right), "pidfd_getfd needs GRANT and nothing else");
	tap(passes(getfd_takes_only_what_may_go), "pidfd_getfd: what has no GRANT stays where it is");
	tap(passes(getfd_brings_no_rights_back), "pidfd_getfd brings no rights back");
	tap(passes(never_another_process),
	    "a pidfd never names another process, also when the pid comes again");
	tap(passes(survives_exec), "a pidfd goes on naming a process that execs");
	tap(passes(clone_gives_one), "clone with CLONE_PIDFD");
	tap(passes(clone3_gives_one), "clone3 with CLONE_PIDFD");
	tap(passes(clone_refuses), "CLONE_PIDFD: what does not go together, and nothing is left");
	tap(passes(threads_have_theirs), "PIDFD_THREAD: info, signal, end");
	tap(passes(thread_is_no_process), "a thread's pidfd waits for no process");
	tap(passes(thread_signal_goes_to_it), "a thread's pidfd signals that thread, or its group on demand");
	tap(passes(process_ends_with_its_last_thread), "the first thread's end and the process's");
	tap(passes(strangers_may_only_wait), "another user's process: WAIT alone");
	tap(passes(authority_is_in_the_capability), "whoever holds a capability has its rights");
	tap(passes(set_id_programs_are_out_of_reach), "a set-id exec puts a process out of reach");
	return tap_end();
}

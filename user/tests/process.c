/* SPDX-License-Identifier: BSD-2-Clause */
/* fork, exit, wait, groups, sessions, orphans: what the manual pages promise. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

static void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void exits_300(void)
{
	_exit(300);
}

static void dies_of_term(void)
{
	raise(SIGTERM);
}

static void test_status(void)
{
	int status = status_of(exits_300);

	tap(WIFEXITED(status) && WEXITSTATUS(status) == (300 & 0xff), "the exit status is the low byte");
	status = status_of(dies_of_term);
	tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status),
	    "death by signal is told");
}

static void no_children(void)
{
	need(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
	need(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	need(waitpid(12345, NULL, 0) == -1 && errno == ECHILD);
	need(wait4(-1, NULL, 0x12345, NULL) == -1 && errno == EINVAL);
	need(waitpid(-2147483647 - 1, NULL, 0) == -1 && errno == ESRCH);
}

static void nohang(void)
{
	int ends[2];
	pid_t pid;
	char byte;

	need(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0); /* until the parent lets go */
	}
	need(waitpid(pid, NULL, WNOHANG) == 0);
	close(ends[1]);
	need(waitpid(pid, NULL, 0) == pid);
}

static void wait_by_group(void)
{
	pid_t a = fork(), b;

	if (a == 0) {
		setpgid(0, 0);
		sleep_ms(20);
		_exit(1);
	}
	setpgid(a, a);
	b = fork();
	if (b == 0)
		_exit(2);
	need(waitpid(-a, NULL, 0) == a); /* though b ended first */
	need(waitpid(0, NULL, 0) == b);
}

static void wait_for_stop(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		usleep(200000); /* a child that has ended tells no more that it went on */
		_exit(7);
	}
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	need(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0); /* told once */
	kill(pid, SIGCONT);
	need(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void kill_the_stopped(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGTERM); /* pending until it goes on */
	need(waitpid(pid, &status, WNOHANG) == 0);
	kill(pid, SIGKILL);
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

static void waitid_peeks(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(9);
	memset(&info, 0, sizeof(info));
	need(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	need(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 9 &&
	     info.si_signo == SIGCHLD);
	memset(&info, 0, sizeof(info));
	need(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == pid);
	need(waitid(P_ALL, 0, &info, WEXITED) == -1 && errno == ECHILD);
	need(waitid(P_ALL, 0, &info, 0) == -1 && errno == EINVAL);
}

static void ignored_children(void)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(3);
	need(waitpid(pid, NULL, 0) == -1 && errno == ECHILD); /* after it ended */
	need(kill(pid, 0) == -1 && errno == ESRCH);
}

static volatile sig_atomic_t child_signals;
static siginfo_t child_info;

static void on_child(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	child_signals++;
	child_info = *info;
}

static void sigchld_info(void)
{
	struct sigaction sa = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;

	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (pid == 0)
		_exit(5);
	need(waitpid(pid, NULL, 0) == pid);
	need(child_signals == 1 && child_info.si_pid == pid && child_info.si_code == CLD_EXITED);
	need(child_info.si_status == 5 && child_info.si_uid == getuid());
}

static void nocldstop(void)
{
	struct sigaction sa = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_NOCLDSTOP };
	pid_t pid;
	int status;

	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	need(child_signals == 0);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		need(errno == EINTR);
	need(child_signals == 1);
}

static void reparented(void)
{
	int ends[2];
	pid_t reported = 0, middle;

	need(pipe(ends) == 0);
	middle = fork();
	if (middle == 0) {
		pid_t parent = getpid(), now;

		if (fork() == 0) {
			while ((now = getppid()) == parent)
				sleep_ms(5);
			need(write(ends[1], &now, sizeof(now)) == sizeof(now));
			_exit(0);
		}
		sleep_ms(20);
		_exit(0);
	}
	need(waitpid(middle, NULL, 0) == middle);
	need(read(ends[0], &reported, sizeof(reported)) == sizeof(reported));
	need(reported != middle && reported > 0 && reported != getpid());
}

static void groups(void)
{
	pid_t pid = getpid(), child;

	need(setpgid(0, 0) == 0 && getpgrp() == pid && getpgid(0) == pid);
	need(setpgid(0, pid) == 0);
	need(setpgid(0, -1) == -1 && errno == EINVAL);
	need(setpgid(0, 32767) == -1 && errno == EPERM);
	need(setpgid(1, 1) == -1 && errno == ESRCH);
	need(getpgid(32767) == -1 && errno == ESRCH);
	child = fork();
	if (child == 0) {
		need(getpgrp() == pid);
		need(setsid() == getpid());
		need(getsid(0) == getpid() && getpgrp() == getpid());
		need(setsid() == -1 && errno == EPERM);
		need(setpgid(0, 0) == -1 && errno == EPERM);
		_exit(0);
	}
	int status;
	need(waitpid(child, &status, 0) == child && status == 0);
}

static volatile sig_atomic_t hangups;

static void on_hangup(int signo)
{
	(void)signo;
	hangups++;
}

/* POSIX: a stopped group that loses its last link to the session gets SIGHUP and SIGCONT. */
static void orphaned_group(void)
{
	int ends[2];
	char answer = 0;
	pid_t leader;

	need(pipe(ends) == 0);
	leader = fork();
	if (leader == 0) {
		pid_t worker;

		setsid();
		worker = fork();
		if (worker == 0) {
			setpgid(0, 0);
			signal(SIGHUP, on_hangup);
			raise(SIGSTOP);
			for (int i = 0; i < 100 && !hangups; i++)
				sleep_ms(5);
			answer = hangups ? 'y' : 'n';
			need(write(ends[1], &answer, 1) == 1);
			_exit(0);
		}
		setpgid(worker, worker);
		waitpid(worker, NULL, WUNTRACED);
		_exit(0);
	}
	close(ends[1]);
	need(waitpid(leader, NULL, 0) == leader);
	need(read(ends[0], &answer, 1) == 1 && answer == 'y');
}

/* A group without a link to its session cannot be stopped from the keyboard. */
static void orphan_ignores_tstp(void)
{
	setsid();
	raise(SIGTSTP);
}

static void vfork_shares(void)
{
	static volatile int shared;
	pid_t pid;
	int status;

	pid = vfork();
	if (pid == 0) {
		shared = 42;
		_exit(4);
	}
	need(shared == 42); /* the parent slept until now */
	need(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 4);
}

static void memory_is_copied(void)
{
	static volatile int value = 1;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		value = 2;
		_exit(value);
	}
	need(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 2 && value == 1);
}

static void clone_errors(void)
{
	need(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0) == -1 && errno == EINVAL);
}

static void usage(void)
{
	struct rusage r;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (clock_t end = clock() + CLOCKS_PER_SEC / 20; clock() < end;)
			;
		_exit(0);
	}
	need(wait4(pid, &status, 0, &r) == pid && status == 0);
	need(r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec + r.ru_stime.tv_sec * 1000000 +
		     r.ru_stime.tv_usec >=
	     20000);
	need(getrusage(RUSAGE_CHILDREN, &r) == 0);
	need(r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec + r.ru_stime.tv_sec * 1000000 +
		     r.ru_stime.tv_usec >=
	     20000);
	need(getrusage(5, &r) == -1 && errno == EINVAL);
}

static void parent_death(void)
{
	int ends[2];
	pid_t middle;
	char byte;

	need(pipe(ends) == 0);
	middle = fork();
	if (middle == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			need(write(ends[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		need(read(ends[0], &byte, 1) == 1);
		_exit(0);
	}
	need(waitpid(middle, NULL, 0) == middle);
	close(ends[1]);
	need(read(ends[0], &byte, 1) == 0); /* every writer is gone */
}

static void names(void)
{
	char name[17] = { 0 };

	need(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0);
	need(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-name-that-is-") == 0);
	need(prctl(12345, 0, 0, 0, 0) == -1 && errno == EINVAL);
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

int main(void)
{
	test_status();
	tap(passes(no_children), "wait without children fails with ECHILD");
	tap(passes(nohang), "WNOHANG does not wait");
	tap(passes(wait_by_group), "wait by process group");
	tap(passes(wait_for_stop), "WUNTRACED and WCONTINUED tell each change once");
	tap(passes(kill_the_stopped), "SIGKILL reaches a stopped process, SIGTERM waits");
	tap(passes(waitid_peeks), "waitid with WNOWAIT leaves the child");
	tap(passes(ignored_children), "SIGCHLD ignored: no zombies");
	tap(passes(sigchld_info), "SIGCHLD carries who and how");
	tap(passes(nocldstop), "SA_NOCLDSTOP");
	tap(passes(reparented), "an orphan gets another parent");
	tap(passes(groups), "process groups and sessions");
	tap(passes(orphaned_group), "a newly orphaned stopped group gets SIGHUP and SIGCONT");
	tap(passes(orphan_ignores_tstp), "an orphaned group does not stop for SIGTSTP");
	tap(passes(vfork_shares), "vfork shares memory and stops the parent");
	tap(passes(memory_is_copied), "fork copies memory");
	tap(passes(clone_errors), "clone refuses flags that do not fit");
	tap(passes(usage), "rusage of children");
	tap(passes(parent_death), "PR_SET_PDEATHSIG");
	tap(passes(names), "prctl names and switches");
	return tap_end();
}

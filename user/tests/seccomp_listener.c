/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners of seccomp(2): calls that wait for another's answer.  The one who answers is the parent, or a
 * thread, of the one who calls.  Every case holds on Linux 6.1 as well.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "child.h"
#include "filters.h"
#include "tap.h"

#define ASKED SYS_getppid

static int receive(int fd, struct abi_seccomp_notification *n)
{
	memset(n, 0, sizeof(*n));
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, n);
}

static int answer(int fd, uint64_t id, int64_t value, int error, uint32_t flags)
{
	struct abi_seccomp_response r = { .id = id, .value = value, .error = error, .flags = flags };

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static int listen_to(long number)
{
	insn code[] = ANSWER((uint32_t)number, SECCOMP_RET_USER_NOTIF);

	need(no_new_privileges() == 0);
	return (int)ADD_FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER, code);
}

static short ready(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&p, 1, timeout_ms) > 0 ? p.revents : 0;
}

static bool somebody_asks(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, -1) == 1 && (p.revents & POLLIN);
}

/* A child that calls, while the caller has its listener: the filter is in place before the fork, so the
 * parent itself must not make that call. */
static pid_t caller(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		_exit(0);
	}
	return pid;
}

static bool left_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void gets_4711_and_e2big(void)
{
	need(syscall(ASKED, 1, 2, 3, 4, 5, 0xabcdef0123456789) == 4711);
	need(syscall(ASKED) < 0 && errno == E2BIG);
	need(syscall(ASKED) == getpgrp()); /* what a signal as number would look like */
}

static void answers(void)
{
	int fd = listen_to(ASKED);
	struct abi_seccomp_notification n, other;
	pid_t pid;

	need(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && ready(fd, 0) == 0);
	pid = caller(gets_4711_and_e2big);
	need(ready(fd, -1) == POLLIN && receive(fd, &n) == 0 && ready(fd, 0) == POLLOUT);
	need(n.pid == (uint32_t)pid && n.flags == 0 && n.data.number == ASKED && n.data.arch == ARCH_HERE);
	need(n.data.args[0] == 1 && n.data.args[5] == 0xabcdef0123456789);
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id) == 0);
	need(answer(fd, n.id, 1, 0, 2) < 0 && errno == EINVAL);
	need(answer(fd, n.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE) < 0 && errno == EINVAL);
	need(answer(fd, n.id + 1, 0, 0, 0) < 0 && errno == ENOENT);
	need(answer(fd, n.id, 4711, 0, 0) == 0);
	need(receive(fd, &other) == 0 && other.id == n.id + 1);
	need(answer(fd, n.id, 0, 0, 0) < 0 && errno == ENOENT);
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id) < 0 && errno == ENOENT);
	need(answer(fd, other.id, 0, -E2BIG, 0) == 0);
	need(receive(fd, &n) == 0 && answer(fd, n.id, getpgrp(), 0, 0) == 0);
	need(left_well(pid));
}

static void goes_on(void)
{
	need(syscall(ASKED) > 1);
}

static void continues(void)
{
	int fd = listen_to(ASKED);
	struct abi_seccomp_notification n;
	pid_t pid = caller(goes_on);

	need(receive(fd, &n) == 0 && answer(fd, n.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE) == 0);
	need(left_well(pid));
}

static void bad_requests(void)
{
	int fd = listen_to(ASKED);
	struct abi_seccomp_notification n;
	pid_t pid = caller(goes_on);

	memset(&n, 1, sizeof(n));
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0 && errno == EINVAL);
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, NULL) < 0 && errno == EFAULT);
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, NULL) < 0 && errno == EFAULT);
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, NULL) < 0 && errno == EFAULT);
	need(ioctl(fd, 0x2150, NULL) < 0 && errno == EINVAL);
	need(read(fd, &n, sizeof(n)) < 0 && errno == EINVAL);
	need(receive(fd, &n) == 0 && answer(fd, n.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE) == 0);
	need(left_well(pid));
}

static void finds_nobody(void)
{
	need(syscall(ASKED) < 0 && errno == ENOSYS);
	need(syscall(ASKED) < 0 && errno == ENOSYS);
}

/* The listener goes while a call waits: it ends, and so do all later ones. */
static void listener_goes(void)
{
	int fd = listen_to(ASKED), keep[2];
	pid_t pid;

	need(pipe(keep) == 0);
	pid = fork();
	if (pid == 0) {
		close(fd); /* its copy would answer nobody */
		finds_nobody();
		_exit(0);
	}
	need(ready(fd, -1) == POLLIN);
	close(fd);
	need(left_well(pid));
}

static void no_listener(void)
{
	insn code[] = ANSWER(ASKED, SECCOMP_RET_USER_NOTIF);

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	finds_nobody();
}

static void one_listener(void)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };
	int fd = listen_to(ASKED);

	need(fd >= 0 && ADD_FILTER(0, code) == 0);
	need(ADD_FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER, code) < 0 && errno == EBUSY);
	need(ADD_FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC, code) < 0 &&
	     errno == EINVAL);
	need(dup(fd) == fd + 1); /* the refused ones have left no descriptor */
}

/* The one who filters hands the listener to its parent, and ends. */
static void hangs_up(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	int pair[2], fd;
	pid_t pid;

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		fd = listen_to(ASKED);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		need(sendmsg(pair[0], &m, 0) == 1 && read(pair[0], &byte, 1) == 1);
		_exit(syscall(ASKED) == 5 ? 0 : 1);
	}
	need(recvmsg(pair[1], &m, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	need(ready(fd, 0) == 0 && write(pair[1], "", 1) == 1);
	{
		struct abi_seccomp_notification n;

		need(receive(fd, &n) == 0 && n.pid == (uint32_t)pid && answer(fd, n.id, 5, 0, 0) == 0);
	}
	need(left_well(pid) && ready(fd, 0) == POLLHUP);
}

/* --- signals -------------------------------------------------------------------------------------------- */

static volatile int signals;

static void count(int signo)
{
	(void)signo;
	signals++;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = count };

	need(sigaction(SIGUSR1, &action, NULL) == 0);
	need(syscall(ASKED) < 0 && errno == EINTR && signals == 1);
	action.sa_flags = SA_RESTART;
	need(sigaction(SIGUSR1, &action, NULL) == 0);
	need(syscall(ASKED) == 7 && signals == 2);
}

/* A signal ends the wait, and what was taken is void; the restarted call is another one. */
static void signals_come_first(void)
{
	int fd = listen_to(ASKED);
	struct abi_seccomp_notification n, again;
	pid_t pid = caller(interrupted);

	need(receive(fd, &n) == 0 && kill(pid, SIGUSR1) == 0);
	need(somebody_asks(fd));
	need(answer(fd, n.id, 1, 0, 0) < 0 && errno == ENOENT);
	need(receive(fd, &n) == 0 && kill(pid, SIGUSR1) == 0 && receive(fd, &again) == 0 && again.id != n.id);
	need(answer(fd, again.id, 7, 0, 0) == 0 && left_well(pid));
}

static void waits_for_ever(void)
{
	(void)syscall(ASKED);
}

static void killed_while_waiting(void)
{
	int fd = listen_to(ASKED), status;
	struct abi_seccomp_notification n;
	pid_t pid = caller(waits_for_ever);

	need(receive(fd, &n) == 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	need(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	need(answer(fd, n.id, 1, 0, 0) < 0 && errno == ENOENT && ready(fd, 0) == 0);
}

/* --- many at once --------------------------------------------------------------------------------------- */

#define CALLERS 8
#define ROUNDS  50

static void calls_with_its_number(void)
{
	long me = getpid();

	for (int i = 0; i < ROUNDS; i++)
		need(syscall(ASKED, me, i) == me * 1000 + i);
}

/* Whoever asks gets the answer that is meant for it. */
static void many_callers(void)
{
	int fd = listen_to(ASKED);
	pid_t pid[CALLERS];

	for (int i = 0; i < CALLERS; i++)
		pid[i] = caller(calls_with_its_number);
	for (int i = 0; i < CALLERS * ROUNDS; i++) {
		struct abi_seccomp_notification n;

		need(receive(fd, &n) == 0);
		need(answer(fd, n.id, (int64_t)(n.data.args[0] * 1000 + n.data.args[1]), 0, 0) == 0);
	}
	for (int i = 0; i < CALLERS; i++)
		need(left_well(pid[i]));
}

int main(void)
{
	tap(passes(answers), "answers are results");
	tap(passes(continues), "or the call goes on");
	tap(passes(bad_requests), "requests that are refused");
	tap(passes(listener_goes), "without a listener any more: no such call");
	tap(passes(no_listener), "or if there never was one");
	tap(passes(one_listener), "a chain has one listener");
	tap(passes(hangs_up), "a listener that nobody can ask any more hangs up");
	tap(passes(signals_come_first), "a signal ends the wait");
	tap(passes(killed_while_waiting), "and so does SIGKILL");
	tap(passes(many_callers), "many who ask at once");
	return tap_end();
}

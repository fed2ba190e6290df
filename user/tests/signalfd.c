/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals to read, as signalfd(2) has them; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

/* Block and watch some signals. */
static int make(int flags, int a, int b)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, a);
	sigaddset(&set, b);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, flags);
	need(fd >= 0);
	return fd;
}

/* A signal's number, or a negative errno. */
static int take(int fd, struct signalfd_siginfo *si)
{
	ssize_t got = read(fd, si, sizeof(*si));

	need(got == -1 || got == sizeof(*si));
	return got < 0 ? -errno : (int)si->ssi_signo;
}

static int events(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	need(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

static void a_signal(void)
{
	int fd = make(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
	struct signalfd_siginfo si;

	need(events(fd, 0) == 0 && take(fd, &si) == -EAGAIN);
	need(kill(getpid(), SIGUSR2) == 0 && events(fd, 0) == POLLIN && take(fd, &si) == SIGUSR2);
	need(si.ssi_code == SI_USER && si.ssi_pid == (uint32_t)getpid() && si.ssi_uid == getuid() &&
	     si.ssi_errno == 0);
	need(events(fd, 0) == 0 && take(fd, &si) == -EAGAIN);
}

static void values(void)
{
	int fd = make(SFD_NONBLOCK, SIGRTMIN, SIGRTMIN + 1);
	struct signalfd_siginfo si[4];

	need(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 }) == 0);
	need(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_ptr = (void *)0x123456789abull }) == 0);
	need(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 9 }) == 0);
	need(read(fd, si, sizeof(si)) == 3 * sizeof(*si));
	need(si[0].ssi_signo == (uint32_t)SIGRTMIN && si[0].ssi_ptr == 0x123456789abull &&
	     si[0].ssi_code == SI_QUEUE);
	need(si[1].ssi_int == 9 && si[2].ssi_signo == (uint32_t)SIGRTMIN + 1 && si[2].ssi_int == 7);
	need(si[1].ssi_pid == (uint32_t)getpid());
}

static void a_child(void)
{
	int fd = make(0, SIGCHLD, SIGCHLD);
	struct signalfd_siginfo si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	need(take(fd, &si) == SIGCHLD && si.ssi_pid == (uint32_t)pid && si.ssi_code == CLD_EXITED &&
	     si.ssi_status == 5);
	need(waitpid(pid, NULL, 0) == pid);
}

static void a_timer(void)
{
	int fd = make(0, SIGALRM, SIGALRM);
	struct signalfd_siginfo si;

	ualarm(20000, 0);
	need(take(fd, &si) == SIGALRM && si.ssi_code == SI_KERNEL);
}

static void the_mask(void)
{
	int fd = make(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
	struct signalfd_siginfo si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	need(raise(SIGUSR2) == 0 && signalfd(fd, &set, 0) == fd && take(fd, &si) == -EAGAIN &&
	     events(fd, 0) == 0);
	sigaddset(&set, SIGUSR2);
	need(signalfd(fd, &set, 0) == fd && events(fd, 0) == POLLIN && take(fd, &si) == SIGUSR2);
}

static void errors(void)
{
	int fd = make(SFD_NONBLOCK, SIGUSR1, SIGUSR1);
	struct signalfd_siginfo si;
	uint64_t mask = 1;

	need(syscall(SYS_signalfd4, -1, &mask, 4, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_signalfd4, -1, &mask, 8, 1) == -1 && errno == EINVAL);
	need(syscall(SYS_signalfd4, -1, (void *)8, 8, 0) == -1 && errno == EFAULT);
	need(syscall(SYS_signalfd4, 999, &mask, 8, 0) == -1 && errno == EBADF);
	need(syscall(SYS_signalfd4, -2, &mask, 8, 0) == -1 && errno == EBADF);
	need(syscall(SYS_signalfd4, 1, &mask, 8, 0) == -1 && errno == EINVAL);
	need(read(fd, &si, sizeof(si) - 1) == -1 && errno == EINVAL);
	need(write(fd, &si, sizeof(si)) == -1 && errno == EINVAL);
	need(syscall(SYS_signalfd, -1, &mask, 8) >= 0);
}

static void names(void)
{
	int fd = make(SFD_CLOEXEC, SIGUSR1, SIGKILL);
	char text[256] = "", path[64];
	FILE *f;

	need(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	need(f && fread(text, 1, sizeof(text) - 1, f) > 0 && strstr(text, "sigmask:\t0000000000000200\n"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof(text));
	need(readlink(path, text, sizeof(text) - 1) > 0 && strcmp(text, "anon_inode:[signalfd]") == 0);
}

static void *kill_later(void *arg)
{
	usleep(20000);
	need(kill(getpid(), SIGUSR1) == 0);
	return arg;
}

static void waits(void)
{
	int fd = make(0, SIGUSR1, SIGUSR1), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };
	struct signalfd_siginfo si;
	pthread_t t;

	need(pthread_create(&t, NULL, kill_later, NULL) == 0 && take(fd, &si) == SIGUSR1);
	pthread_join(t, NULL);
	need(pthread_create(&t, NULL, kill_later, NULL) == 0 && events(fd, 5000) == POLLIN &&
	     take(fd, &si) == SIGUSR1);
	pthread_join(t, NULL);
	need(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0 && epoll_wait(ep, &e, 1, 0) == 0);
	need(pthread_create(&t, NULL, kill_later, NULL) == 0 && epoll_wait(ep, &e, 1, 5000) == 1);
	pthread_join(t, NULL);
	need(take(fd, &si) == SIGUSR1);
}

static int shared;

static void *read_own(void *arg)
{
	struct signalfd_siginfo si;

	need(take(shared, &si) == -EAGAIN); /* the other thread's is not this one's */
	need(pthread_kill(pthread_self(), SIGUSR2) == 0 && take(shared, &si) == SIGUSR2);
	return arg;
}

static void of_the_reading_thread(void)
{
	struct signalfd_siginfo si;
	pthread_t t;

	shared = make(SFD_NONBLOCK, SIGUSR1, SIGUSR2);
	need(pthread_kill(pthread_self(), SIGUSR1) == 0);
	need(pthread_create(&t, NULL, read_own, NULL) == 0);
	pthread_join(t, NULL);
	need(take(shared, &si) == SIGUSR1 && si.ssi_code == SI_TKILL);
}

/* A file from the parent shows a child its own signals. */
static void of_the_reading_process(void)
{
	int fd = make(SFD_NONBLOCK, SIGUSR1, SIGUSR2), status;
	struct signalfd_siginfo si;
	pid_t pid;

	need(raise(SIGUSR1) == 0);
	pid = fork();
	if (pid == 0) {
		need(take(fd, &si) == -EAGAIN && raise(SIGUSR2) == 0 && events(fd, 0) == POLLIN);
		need(take(fd, &si) == SIGUSR2);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0 && take(fd, &si) == SIGUSR1);
}

/* What a process added to an epoll stays in its queue when it has ended; nothing bad comes of that. */
static void the_watcher_dies(void)
{
	int ep = epoll_create1(0), fd = make(SFD_NONBLOCK, SIGUSR1, SIGUSR1), status;
	struct epoll_event e = { .events = EPOLLIN };

	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0);
		need(waitpid(pid, &status, 0) == pid && status == 0);
		need(raise(SIGUSR1) == 0 && epoll_wait(ep, &e, 1, 0) >= 0);
		need(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) == 0);
	}
}

static _Atomic bool over;

static void *storm(void *arg)
{
	while (!over)
		need(kill(getpid(), SIGUSR1) == 0);
	return arg;
}

static void *read_many(void *arg)
{
	struct pollfd p = { .fd = shared, .events = POLLIN };
	struct signalfd_siginfo si[3];

	while (!over) {
		need(poll(&p, 1, 10) >= 0);
		need(read(shared, si, sizeof(si)) >= (ssize_t)sizeof(*si) || errno == EAGAIN);
	}
	return arg;
}

static void many_readers(void)
{
	pthread_t t[4];

	shared = make(SFD_NONBLOCK, SIGUSR1, SIGUSR1);
	for (int i = 0; i < 4; i++)
		need(pthread_create(&t[i], NULL, i ? read_many : storm, NULL) == 0);
	usleep(400000);
	over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	tap(passes(a_signal), "a signal is read, and who sent it");
	tap(passes(values), "queued signals with their values, the lowest number first");
	tap(passes(a_child), "SIGCHLD says how the child ended");
	tap(passes(a_timer), "an alarm");
	tap(passes(the_mask), "the mask may be changed");
	tap(passes(errors), "errors");
	tap(passes(names), "its name and fdinfo");
	tap(passes(waits), "read, poll and epoll wait");
	tap(passes(of_the_reading_thread), "a thread reads what is pending for itself");
	tap(passes(of_the_reading_process), "so does a process");
	tap(passes(the_watcher_dies), "who put it into an epoll may end");
	tap(passes(many_readers), "a storm of signals and three readers");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, and waiting for descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

static void handler(int signo)
{
	(void)signo;
}

static void interrupt_soon(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
}

static void test_pipe(void)
{
	int ends[2], n = -1;
	char text[8];

	RESULT(pipe(ends));
	RESULT(write(ends[1], "abc", 3));
	RESULT(ioctl(ends[0], FIONREAD, &n));
	VALUE(n);
	RESULT(read(ends[0], text, 8));
	RESULT(fcntl(ends[0], F_GETFD));
	RESULT(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	RESULT(fcntl(ends[0], F_GETFD));
	RESULT(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	RESULT(pipe2(ends, O_APPEND));
	RESULT(syscall(SYS_pipe, nowhere()));
	RESULT(lseek(ends[0], 0, SEEK_SET));
}

static void test_poll(void)
{
	int ends[2], file = file_with("file", "");
	struct pollfd p[3];

	pipe(ends);
	p[0] = (struct pollfd){ ends[0], POLLIN, 0 };
	p[1] = (struct pollfd){ ends[1], POLLOUT, 0 };
	p[2] = (struct pollfd){ file, POLLIN | POLLOUT, 0 };
	RESULT(poll(p, 3, 0));
	VALUE(p[0].revents);
	VALUE(p[1].revents);
	VALUE(p[2].revents);
	write(ends[1], "x", 1);
	RESULT(poll(p, 1, -1));
	VALUE(p[0].revents);
	close(ends[1]);
	RESULT(poll(p, 2, -1));
	VALUE(p[0].revents);
	VALUE(p[1].revents);
	p[0].fd = -1;
	RESULT(poll(p, 1, 10));
	VALUE(p[0].revents);
	RESULT(poll(NULL, 0, 10));
	RESULT(poll(nowhere(), 1, 0));
	RESULT(syscall(SYS_poll, p, 1u << 30, 0));
	interrupt_soon();
	RESULT(poll(NULL, 0, 10000)); /* never restarted */
}

static void test_ppoll(void)
{
	struct timespec none = { 0, 0 }, bad = { 0, -1 };
	struct pollfd p = { 0, POLLIN, 0 };
	sigset_t all;

	sigfillset(&all);
	p.fd = -1;
	RESULT(syscall(SYS_ppoll, &p, 1, &none, &all, 8));
	RESULT(syscall(SYS_ppoll, &p, 1, &bad, NULL, 8));
	RESULT(syscall(SYS_ppoll, &p, 1, &none, &all, 4));
	RESULT(syscall(SYS_ppoll, &p, 1, nowhere(), NULL, 8));
}

static void test_select(void)
{
	struct timeval none = { 0, 0 }, bad = { -1, 0 };
	int ends[2];
	fd_set in, out;

	pipe(ends);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	RESULT(select(ends[1] + 1, &in, &out, NULL, &none));
	VALUE(FD_ISSET(ends[0], &in) != 0);
	VALUE(FD_ISSET(ends[1], &out) != 0);
	write(ends[1], "x", 1);
	FD_SET(ends[0], &in);
	RESULT(select(ends[1] + 1, &in, NULL, NULL, NULL));
	FD_SET(60, &in);
	RESULT(select(61, &in, NULL, NULL, &none));
	RESULT(syscall(SYS_select, -1, &in, NULL, NULL, &none));
	RESULT(syscall(SYS_select, 0, NULL, NULL, NULL, &bad));
	RESULT(syscall(SYS_select, 10, nowhere(), NULL, NULL, &none));
	interrupt_soon();
	RESULT(select(0, NULL, NULL, NULL, NULL));
}

static void test_pselect6(void)
{
	struct timespec none = { 0, 0 }, bad = { 0, 2000000000 };

	RESULT(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &none, NULL));
	RESULT(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad, NULL));
	RESULT(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &none, nowhere()));
}

static void test_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 7 }, got[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), other = epoll_create(1), ends[2];

	pipe(ends);
	VALUE(fcntl(ep, F_GETFD));
	RESULT(syscall(SYS_epoll_create, 0));
	RESULT(epoll_create1(1));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e));
	RESULT(epoll_wait(ep, got, 4, 0));
	write(ends[1], "xy", 2);
	RESULT(epoll_wait(ep, got, 4, -1));
	VALUE(got[0].events);
	VALUE(got[0].data.u64);
	RESULT(epoll_wait(ep, got, 4, 0)); /* level: again */
	e.events = EPOLLIN | EPOLLET;
	RESULT(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e));
	RESULT(epoll_wait(ep, got, 4, 0));
	RESULT(epoll_wait(ep, got, 4, 0)); /* edge: once */
	write(ends[1], "z", 1);
	RESULT(epoll_wait(ep, got, 4, 0));
	e.events = EPOLLIN | EPOLLONESHOT;
	RESULT(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e));
	RESULT(epoll_wait(ep, got, 4, 0));
	RESULT(epoll_wait(ep, got, 4, 0));
	RESULT(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &e));
	RESULT(epoll_wait(ep, got, 4, 0));
	RESULT(epoll_ctl(other, EPOLL_CTL_ADD, ep, &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, other, &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, file_with("file", ""), &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, open("file", O_PATH), &e)); /* counts as none */
	RESULT(epoll_ctl(open("file", O_PATH), EPOLL_CTL_ADD, ends[0], &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_DEL, ends[1], NULL));
	RESULT(epoll_ctl(ep, EPOLL_CTL_MOD, ends[1], &e));
	RESULT(epoll_ctl(ep, 99, ends[0], &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &e));
	RESULT(epoll_ctl(-1, EPOLL_CTL_ADD, ends[0], &e));
	RESULT(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &e));
	RESULT(epoll_ctl(ep, EPOLL_CTL_ADD, ends[1], nowhere()));
	RESULT(epoll_wait(ep, got, 0, 0));
	RESULT(epoll_wait(ends[0], got, 1, 0));
	RESULT(epoll_wait(-1, got, 1, 0));
	RESULT(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL));
	RESULT(epoll_wait(ep, got, 4, 0));
	interrupt_soon();
	RESULT(epoll_pwait(ep, got, 4, 10000, NULL));
}

static void test_eventfd(void)
{
	uint64_t n = 5;
	int fd = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);

	RESULT(read(fd, &n, 8));
	VALUE(n);
	RESULT(read(fd, &n, 8));
	n = 0xfffffffffffffffeull;
	RESULT(write(fd, &n, 8));
	n = 1;
	RESULT(write(fd, &n, 8));
	n = ~0ull;
	RESULT(write(fd, &n, 8));
	RESULT(read(fd, &n, 4));
	RESULT(write(fd, &n, 4));
	RESULT(read(semaphore, &n, 8));
	VALUE(n);
	RESULT(read(semaphore, &n, 8));
	RESULT(read(semaphore, &n, 8));
	RESULT(syscall(SYS_eventfd2, 0, 0x10));
	RESULT(syscall(SYS_eventfd, 1) >= 0);
}

static void test_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	RESULT(read(fd, &info, sizeof(info)));
	raise(SIGUSR1);
	RESULT(read(fd, &info, sizeof(info)));
	VALUE(info.ssi_signo);
	VALUE(info.ssi_pid == (unsigned)getpid());
	RESULT(read(fd, &info, 10));
	RESULT(syscall(SYS_signalfd4, 0, &set, 8, 0));
	RESULT(syscall(SYS_signalfd4, -1, &set, 4, 0));
	RESULT(syscall(SYS_signalfd4, -1, &set, 8, 1));
	RESULT(syscall(SYS_signalfd4, 999, &set, 8, 0));
	RESULT(syscall(SYS_signalfd, -1, &set, 8) >= 0);
}

static void test_inotify(void)
{
	char buffer[1024] __attribute__((aligned(8)));
	struct inotify_event *e = (struct inotify_event *)buffer;
	int fd = inotify_init1(IN_NONBLOCK), watch;

	VALUE(syscall(SYS_inotify_init) >= 0);
	RESULT(read(fd, buffer, sizeof(buffer)));
	watch = (int)RESULT(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVE));
	close(file_with("file", ""));
	RESULT(read(fd, buffer, sizeof(buffer)));
	VALUE(e->mask);
	TEXT("name", e->name, 4);
	rename("file", "other");
	RESULT(read(fd, buffer, sizeof(buffer)));
	VALUE(e->mask);
	unlink("other");
	RESULT(read(fd, buffer, 4));
	RESULT(read(fd, buffer, sizeof(buffer)));
	RESULT(inotify_rm_watch(fd, watch));
	RESULT(read(fd, buffer, sizeof(buffer)));
	VALUE(e->mask);
	RESULT(inotify_rm_watch(fd, watch));
	RESULT(inotify_rm_watch(0, watch));
	RESULT(inotify_add_watch(fd, "missing", IN_CREATE));
	RESULT(inotify_add_watch(fd, ".", 0));
	RESULT(inotify_add_watch(-1, ".", IN_CREATE));
	RESULT(inotify_add_watch(0, ".", IN_CREATE));
	RESULT(inotify_init1(1));
}

/* Writes the limit, and answers what it was. */
static unsigned set_inotify_limit(const char *name, unsigned value)
{
	char path[64];
	unsigned old = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	f = fopen(path, "r+");
	if (!f)
		return 0;
	fscanf(f, "%u", &old);
	rewind(f);
	fprintf(f, "%u\n", value);
	fclose(f);
	return old;
}

/* Events are limited as of the file's creation, files and watches by whose they are. */
static void test_inotify_limits(void)
{
	char buffer[1024] __attribute__((aligned(8)));
	const struct inotify_event *lost = (const struct inotify_event *)(buffer + 2 * 32); /* after two */
	unsigned events = set_inotify_limit("max_queued_events", 2), files, watches;
	int fd = inotify_init1(IN_NONBLOCK), other;

	set_inotify_limit("max_queued_events", events);
	VALUE(events);
	RESULT(inotify_add_watch(fd, ".", IN_CREATE));
	for (int i = 0; i < 4; i++)
		close(file_with((const char *[]){ "a", "b", "c", "d" }[i], ""));
	RESULT(read(fd, buffer, sizeof(buffer)));
	VALUE(lost->wd);
	VALUE(lost->mask);

	files = set_inotify_limit("max_user_instances", 2);
	VALUE(files);
	other = inotify_init();
	VALUE(other >= 0);
	RESULT(inotify_init());
	close(other);
	VALUE(inotify_init() >= 0);
	RESULT(set_inotify_limit("max_user_instances", files));

	watches = set_inotify_limit("max_user_watches", 2);
	VALUE(watches >= 8192);
	other = inotify_init();
	VALUE(inotify_add_watch(other, "a", IN_OPEN) > 0);
	RESULT(inotify_add_watch(other, "b", IN_OPEN));
	VALUE(inotify_add_watch(other, "a", IN_CLOSE) > 0);
	close(fd); /* and with it the watch of "." */
	VALUE(inotify_add_watch(other, "b", IN_OPEN) > 0);
	set_inotify_limit("max_user_watches", watches);
	VALUE(inotify_add_watch(other, "c", IN_OPEN) > 0);
}

static const struct calls table[] = {
	{ "pipe pipe2", test_pipe },
	{ "poll", test_poll },
	{ "ppoll", test_ppoll },
	{ "select", test_select },
	{ "pselect6", test_pselect6 },
	{ "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait", test_epoll },
	{ "eventfd eventfd2", test_eventfd },
	{ "signalfd signalfd4", test_signalfd },
	{ "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch", test_inotify },
	{ "inotify_init inotify_add_watch", test_inotify_limits },
};

CALLS_MAIN(table)

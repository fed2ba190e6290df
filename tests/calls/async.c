/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals of files: O_ASYNC, and whom it tells how. */
#define _GNU_SOURCE
#include "calls.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SIOCSPGRP
#define SIOCSPGRP 0x8902
#define SIOCGPGRP 0x8904
#endif
#ifndef FIOSETOWN
#define FIOSETOWN 0x8901
#define FIOGETOWN 0x8903
#endif
enum { TO_THREAD, TO_PROCESS, TO_GROUP };
struct owner {
	int type, number;
};

#define QUEUED (SIGRTMIN + 3)

/* The system calls themselves: C libraries make other calls of some of these. */
static long control(int fd, int cmd, long arg)
{
	return syscall(SYS_fcntl, fd, cmd, arg);
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

/* The next signal within so many seconds: what it says. */
static void show_signal(const char *what, int seconds)
{
	struct timespec t = { seconds, 0 };
	siginfo_t info = { 0 };
	sigset_t set;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, QUEUED);
	signo = sigtimedwait(&set, &info, &t);
	calls_value(what, signo == QUEUED ? 1000 : signo);
	if (signo <= 0)
		return;
	calls_value("  code", info.si_code);
	if (info.si_code == SI_KERNEL)
		return;
	calls_value("  band", info.si_band);
	calls_value("  fd", info.si_fd);
}

static void show_now(const char *what)
{
	show_signal(what, 0);
}

/* This process hears of `fd`, by the signal that says more. */
static void hear(int fd)
{
	control(fd, F_SETOWN, getpid());
	control(fd, F_SETSIG, QUEUED);
	control(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static void test_owner(void)
{
	struct owner o = { 7, 7 };
	int ends[2], file = file_with("file", "");
	pid_t child;

	pipe(ends);
	RESULT(control(ends[0], F_GETOWN, 0));
	RESULT(control(ends[0], F_GETOWN_EX, (long)&o));
	VALUE(o.type);
	VALUE(o.number);
	RESULT(control(ends[0], F_SETOWN, getpid()));
	VALUE(control(ends[0], F_GETOWN, 0) == getpid());
	RESULT(control(ends[1], F_GETOWN, 0));
	RESULT(control(ends[0], F_GETOWN_EX, (long)&o));
	VALUE(o.type);
	VALUE(o.number == getpid());
	o = (struct owner){ TO_THREAD, (int)syscall(SYS_gettid) };
	RESULT(control(ends[0], F_SETOWN_EX, (long)&o));
	VALUE(control(ends[0], F_GETOWN, 0) == getpid());
	o.type = 9;
	RESULT(control(ends[0], F_GETOWN_EX, (long)&o));
	VALUE(o.type);
	setpgid(0, 0);
	RESULT(control(ends[0], F_SETOWN, -getpgrp()));
	VALUE(control(ends[0], F_GETOWN_EX, (long)&o));
	VALUE(o.type);
	VALUE(o.number == getpgrp());
	o.type = 3;
	RESULT(control(ends[0], F_SETOWN_EX, (long)&o));
	o = (struct owner){ TO_PROCESS, 4000000 };
	RESULT(control(ends[0], F_SETOWN_EX, (long)&o));
	RESULT(control(ends[0], F_SETOWN, 4000000));
	RESULT(control(ends[0], F_SETOWN, -4000000));
	RESULT(control(ends[0], F_SETOWN, -2147483648L));
	RESULT(control(ends[0], F_SETOWN_EX, (long)nowhere()));
	RESULT(control(ends[0], F_GETOWN_EX, (long)nowhere()));
	RESULT(control(ends[0], F_SETOWN, 0));
	RESULT(control(ends[0], F_GETOWN, 0));
	RESULT(control(file, F_SETOWN, getpid()));
	VALUE(control(file, F_GETOWN, 0) == getpid());
	RESULT(control(99, F_SETOWN, 0));
	RESULT(control(open(".", O_PATH), F_SETOWN, getpid()));
	child = fork();
	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT);
	RESULT(control(ends[0], F_SETOWN, child));
	VALUE(control(ends[0], F_GETOWN, 0) == child);
	waitpid(child, NULL, 0);
	RESULT(control(ends[0], F_GETOWN, 0));
	RESULT(control(ends[0], F_SETOWN, child));
}

static void test_signal_number(void)
{
	int ends[2];

	pipe(ends);
	RESULT(control(ends[0], F_GETSIG, 0));
	RESULT(control(ends[0], F_SETSIG, 64));
	RESULT(control(ends[0], F_GETSIG, 0));
	RESULT(control(ends[0], F_SETSIG, 65));
	RESULT(control(ends[0], F_SETSIG, -1));
	RESULT(control(ends[0], F_SETSIG, 0));
	RESULT(control(ends[0], F_GETSIG, 0));
	RESULT(control(dup(ends[0]), F_SETSIG, SIGUSR1));
	RESULT(control(ends[0], F_GETSIG, 0));
}

#define KEPT(fd) (control(fd, F_SETFL, O_ASYNC) == 0 && (control(fd, F_GETFL, 0) & O_ASYNC) != 0)

/* Which files keep the flag. */
static void test_flag(void)
{
	int ends[2], pair[2], file = file_with("file", ""), on = 1, off = 0,
			      ptmx = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	pipe(ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	mkfifo("fifo", 0600);
	VALUE(KEPT(ends[0]));
	VALUE(KEPT(ends[1]));
	VALUE(KEPT(pair[0]));
	VALUE(KEPT(socket(AF_UNIX, SOCK_DGRAM, 0)));
	VALUE(KEPT(open("fifo", O_RDWR)));
	VALUE(KEPT(ptmx));
	VALUE(KEPT(inotify_init()));
	VALUE(KEPT(eventfd(0, 0)));
	VALUE(KEPT(file));
	VALUE(KEPT(open("/dev/null", O_RDWR)));
	VALUE(KEPT(open(".", O_RDONLY)));
	RESULT(control(ends[0], F_SETFL, 0));
	RESULT(control(ends[0], F_GETFL, 0) & O_ASYNC);
	RESULT(ioctl(ends[0], FIOASYNC, &on));
	RESULT(control(ends[0], F_GETFL, 0) & O_ASYNC);
	RESULT(ioctl(ends[0], FIOASYNC, &on));
	RESULT(ioctl(ends[0], FIOASYNC, &off));
	RESULT(control(ends[0], F_GETFL, 0) & O_ASYNC);
	RESULT(ioctl(file, FIOASYNC, &on));
	RESULT(ioctl(file, FIOASYNC, &off));
	RESULT(ioctl(ends[0], FIOASYNC, nowhere()));
	VALUE(control(dup(ends[1]), F_GETFL, 0) & O_ASYNC);
	/* Opened with it: the flag is there, and nobody hears. */
	file = open("fifo", O_RDWR | O_ASYNC);
	VALUE(control(file, F_GETFL, 0) & O_ASYNC);
}

static void test_pipe(void)
{
	int ends[2], copy;
	char buf[8];

	block_all();
	pipe(ends);
	RESULT(control(ends[0], F_SETFL, O_ASYNC));
	write(ends[1], "x", 1);
	show_now("no owner");
	control(ends[0], F_SETOWN, getpid());
	write(ends[1], "x", 1);
	show_now("written");
	show_now("nothing more");
	read(ends[0], buf, 1);
	show_now("read");
	control(ends[0], F_SETSIG, QUEUED);
	write(ends[1], "x", 1);
	write(ends[1], "x", 1);
	show_now("first of two");
	show_now("second");
	show_now("third");
	control(ends[0], F_SETSIG, SIGIO);
	write(ends[1], "x", 1);
	write(ends[1], "x", 1);
	show_now("SIGIO with information");
	show_now("which is pending once");
	control(ends[0], F_SETSIG, SIGCHLD);
	write(ends[1], "x", 1);
	show_now("a signal with codes of its own");
	control(ends[0], F_SETSIG, QUEUED);
	control(ends[1], F_SETSIG, SIGUSR1);
	control(ends[1], F_SETOWN, getpid());
	control(ends[1], F_SETFL, O_ASYNC);
	read(ends[0], buf, 1);
	show_now("room");
	show_now("nothing else");
	copy = dup(ends[0]);
	close(ends[0]);
	write(ends[1], "x", 1);
	show_now("with a copy open");
	control(copy, F_SETFL, 0);
	write(ends[1], "x", 1);
	show_now("off");
	control(copy, F_SETFL, O_ASYNC);
	write(ends[1], "x", 1);
	show_now("on by another number");
	close(copy);
	show_now("the readers' end");
	show_now("nothing else");
}

static void test_pipe_end(void)
{
	int ends[2];

	block_all();
	pipe(ends);
	hear(ends[0]);
	close(ends[1]);
	show_now("the writers' end");
	close(ends[0]);
	show_now("nothing else");
}

static void test_fifo(void)
{
	char buf[8];
	int fd;

	block_all();
	mkfifo("fifo", 0600);
	fd = open("fifo", O_RDWR);
	hear(fd);
	write(fd, "x", 1);
	show_now("in");
	read(fd, buf, 1);
	show_now("out");
	fd = open("fifo", O_RDWR | O_ASYNC);
	control(fd, F_SETOWN, getpid());
	write(fd, "x", 1);
	show_now("the first file's");
	show_now("opened with O_ASYNC");
}

/* What finds no room in the queue becomes SIGIO. */
static void test_overflow(void)
{
	struct rlimit none = { 0, 0 };
	int ends[2];

	block_all();
	pipe(ends);
	hear(ends[0]);
	setrlimit(RLIMIT_SIGPENDING, &none);
	write(ends[1], "x", 1);
	show_now("overflow");
	show_now("nothing else");
}

static void test_group(void)
{
	int ends[2], told[2], status;
	char c = 0;
	pid_t child;

	block_all();
	setpgid(0, 0);
	pipe(ends);
	pipe(told);
	child = fork();
	if (child == 0) {
		read(told[0], &c, 1);
		show_now("the child's");
		_exit(0);
	}
	control(ends[0], F_SETOWN, -getpgrp());
	control(ends[0], F_SETFL, O_ASYNC);
	write(ends[1], "x", 1);
	write(told[1], &c, 1);
	waitpid(child, &status, 0);
	struct timespec none = { 0, 0 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &none);
	show_now("the parent's");
}

static int shared[2];

static void set_root_as_owner(void)
{
	block_all();
	control(shared[0], F_SETOWN, getppid());
	write(shared[1], "x", 1);
}

/* Who names the owner must be allowed to signal it. */
static void test_permission(void)
{
	block_all();
	pipe(shared);
	control(shared[0], F_SETFL, O_ASYNC);
	as_user(1000, "a user", set_root_as_owner);
	write(shared[1], "x", 1);
	struct timespec none = { 0, 0 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &none);
	show_now("named by a user");
	VALUE(control(shared[0], F_GETOWN, 0) == getpid());
	control(shared[0], F_SETOWN, getpid());
	write(shared[1], "x", 1);
	show_now("named by root");
}

static void test_sockets(void)
{
	struct sockaddr_un a = { AF_UNIX, "socket" };
	int pair[2], listener, client, number = getpid(), got = 0;
	char buf[8];

	block_all();
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	RESULT(ioctl(pair[0], FIOSETOWN, &number));
	RESULT(ioctl(pair[0], FIOGETOWN, &got));
	VALUE(got == number);
	number = -getpgrp();
	RESULT(ioctl(pair[0], SIOCSPGRP, &number));
	RESULT(ioctl(pair[0], SIOCGPGRP, &got));
	VALUE(got == number);
	number = 4000000;
	RESULT(ioctl(pair[0], SIOCSPGRP, &number));
	RESULT(ioctl(pair[0], SIOCSPGRP, nowhere()));
	RESULT(ioctl(pair[0], SIOCGPGRP, nowhere()));
	RESULT(ioctl(file_with("file", ""), FIOGETOWN, &got));
	hear(pair[0]);
	write(pair[1], "x", 1);
	show_now("data");
	write(pair[0], "x", 1);
	show_now("not its own");
	read(pair[0], buf, 1);
	show_now("read");
	shutdown(pair[1], SHUT_RD);
	show_now("the peer receives no more");
	shutdown(pair[1], SHUT_WR);
	show_now("the peer sends no more");
	close(pair[1]);
	show_now("the peer is gone");
	close(pair[0]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	hear(pair[0]);
	shutdown(pair[1], SHUT_RDWR);
	show_now("both");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	hear(pair[0]);
	write(pair[1], "x", 1);
	show_now("a datagram");
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	hear(pair[0]);
	write(pair[1], "x", 1);
	show_now("a packet");
	close(pair[1]);
	show_now("its end");
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(listener, (struct sockaddr *)&a, sizeof(a));
	listen(listener, 4);
	hear(listener);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	RESULT(connect(client, (struct sockaddr *)&a, sizeof(a)));
	show_now("a connection");
	client = accept(listener, NULL, NULL);
	VALUE(control(client, F_GETFL, 0) & O_ASYNC);
	RESULT(control(client, F_GETOWN, 0));
	show_now("nothing else");
}

/* A sender that found no room hears of it. */
static void test_socket_room(void)
{
	static char buf[4096];
	int pair[2];

	block_all();
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	hear(pair[0]);
	fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	while (write(pair[0], buf, sizeof(buf)) > 0)
		;
	show_now("full");
	while (read(pair[1], buf, sizeof(buf)) > 0)
		;
	show_now("room");
	show_now("once");
}

static void test_inotify(void)
{
	int fd = inotify_init();

	block_all();
	inotify_add_watch(fd, ".", IN_CREATE);
	hear(fd);
	close(file_with("new", ""));
	show_now("an event");
	show_now("nothing else");
}

static void open_terminal(int *master, int *slave)
{
	char name[32];
	int number = 0, unlock = 0;

	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(*master, TIOCSPTLCK, &unlock);
	ioctl(*master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	*slave = open(name, O_RDWR | O_NOCTTY);
}

/* Linux tells of terminals a little later. */
#define SOON 10

static void test_terminal(void)
{
	struct pollfd p;
	int master, slave;
	char buf[64];

	block_all();
	open_terminal(&master, &slave);
	RESULT(control(slave, F_SETFL, O_RDWR | O_ASYNC));
	VALUE(control(slave, F_GETOWN, 0) == getpid());
	control(slave, F_SETSIG, QUEUED);
	write(master, "half", 4);
	write(master, " a line\n", 8);
	show_signal("a line", SOON);
	show_now("which is one");
	read(slave, buf, sizeof(buf));
	p = (struct pollfd){ master, POLLIN, 0 };
	poll(&p, 1, 10000); /* its echo */
	while (read(master, buf, sizeof(buf)) == sizeof(buf))
		;
	control(slave, F_SETFL, O_RDWR);
	hear(master);
	write(slave, "x", 1);
	show_signal("output", SOON);
	RESULT(control(slave, F_SETFL, O_RDWR | O_ASYNC));
	close(master);
	RESULT(control(slave, F_GETFL, 0) & O_ASYNC);
	RESULT(control(slave, F_SETFL, O_RDWR | O_ASYNC));
}

static void test_signalfd(void)
{
	struct signalfd_siginfo got = { 0 };
	int ends[2], fd;
	sigset_t set;

	block_all();
	sigemptyset(&set);
	sigaddset(&set, QUEUED);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	pipe(ends);
	hear(ends[0]);
	write(ends[1], "x", 1);
	RESULT(read(fd, &got, sizeof(got)));
	VALUE(got.ssi_code);
	VALUE(got.ssi_band);
	VALUE(got.ssi_fd == ends[0]);
	VALUE(got.ssi_pid);
}

static void die_of_it(void)
{
	int ends[2];

	pipe(ends);
	control(ends[0], F_SETOWN, getpid());
	control(ends[0], F_SETFL, O_ASYNC);
	write(ends[1], "x", 1);
	RESULT(0); /* never */
}

static void test_default(void)
{
	in_child("without a handler", die_of_it);
}

static const struct calls table[] = {
	{ "fcntl", test_owner },       { "fcntl", test_signal_number },
	{ "fcntl ioctl", test_flag },  { "fcntl", test_pipe },
	{ "fcntl", test_pipe_end },    { "fcntl", test_fifo },
	{ "fcntl", test_overflow },    { "fcntl", test_group },
	{ "fcntl", test_permission },  { "fcntl ioctl", test_sockets },
	{ "fcntl", test_socket_room }, { "fcntl", test_inotify },
	{ "fcntl", test_terminal },    { "fcntl signalfd4", test_signalfd },
	{ "fcntl", test_default },
};

CALLS_MAIN(table)

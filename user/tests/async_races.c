/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_ASYNC while everything about it changes: it is turned on and off, owners and signals are named,
 * descriptors are closed, revoked, the owner dies and terminals hang up, all beside who writes. Nothing may
 * hang or fall, and afterwards one write is one signal again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libserix/capability.h>

#include "child.h"
#include "tap.h"

#define ROUNDS 300

static int in, out; /* what is written to `out` is news for `in` */
static atomic_bool over;

static void *write_all_the_time(void *arg)
{
	char buf[64];

	while (!atomic_load(&over)) {
		if (write(out, "x", 1) > 0)
			read(in, buf, sizeof(buf));
	}
	return arg;
}

static void *turn_on_and_off(void *arg)
{
	while (!atomic_load(&over)) {
		fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK);
		fcntl(in, F_SETFL, O_NONBLOCK);
	}
	return arg;
}

/* Those who die of the first signal among them. */
static void name_owners(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t child = i % 10 == 0 ? fork() : 0;

		if (i % 10 == 0 && child == 0) {
			sigset_t none;

			sigemptyset(&none);
			sigprocmask(SIG_SETMASK, &none, NULL);
			usleep(1000);
			_exit(0);
		}
		fcntl(in, F_SETOWN, child > 0 ? child : getpid());
		fcntl(in, F_SETSIG, i % 3 ? SIGRTMIN + i % 3 : 0);
		fcntl(in, F_SETOWN, -getpgrp());
		if (child > 0) {
			fcntl(in, F_SETOWN, child);
			waitpid(child, NULL, 0);
		}
	}
}

/* Those that are pending. */
static int take_signals(void)
{
	struct timespec none = { 0, 0 };
	sigset_t all;
	int count = 0;

	sigfillset(&all);
	while (sigtimedwait(&all, NULL, &none) > 0)
		count++;
	return count;
}

static int signals_of_one_write(void)
{
	char buf[64];

	while (read(in, buf, sizeof(buf)) > 0)
		;
	fcntl(in, F_SETOWN, getpid());
	fcntl(in, F_SETSIG, SIGRTMIN + 4);
	fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK);
	take_signals();
	write(out, "x", 1);
	return take_signals();
}

static void race(const char *what)
{
	pthread_t writer, switcher;

	fcntl(in, F_SETFL, O_NONBLOCK);
	fcntl(out, F_SETFL, O_NONBLOCK);
	atomic_store(&over, false);
	pthread_create(&writer, NULL, write_all_the_time, NULL);
	pthread_create(&switcher, NULL, turn_on_and_off, NULL);
	name_owners();
	atomic_store(&over, true);
	pthread_join(writer, NULL);
	pthread_join(switcher, NULL);
	tap(signals_of_one_write() == 1, what);
	close(in);
	close(out);
}

/* Files with O_ASYNC come and go, of a source that goes on telling. */
static void *open_and_close(void *arg)
{
	while (!atomic_load(&over)) {
		int fd = open(arg, O_RDWR | O_NONBLOCK);

		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
		close(fd);
	}
	return arg;
}

static void race_of_closing(void)
{
	static char name[] = "/tmp/async_races.fifo";
	pthread_t t[2];

	mkfifo(name, 0600);
	in = open(name, O_RDWR | O_NONBLOCK);
	out = open(name, O_RDWR | O_NONBLOCK);
	atomic_store(&over, false);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, open_and_close, name);
	for (int i = 0; i < ROUNDS * 10; i++) {
		char c;

		write(out, "x", 1);
		read(in, &c, 1);
	}
	atomic_store(&over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	tap(signals_of_one_write() == 1, "files of a fifo that come and go");
	close(in);
	close(out);
	unlink(name);
}

static int open_terminal(int *slave)
{
	char name[32];
	int number = 0, unlock = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);

	ioctl(master, TIOCSPTLCK, &unlock);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	*slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	return master;
}

static void *use_slave(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 20; i++) {
		fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
		write(fd, "x", 1);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
	return NULL;
}

/* A hang-up beside who turns it on: at the end it is off or nobody would tell it. */
static void race_of_hang_up(void)
{
	bool right = true;

	for (int i = 0; i < ROUNDS / 5; i++) {
		int slave, master = open_terminal(&slave);
		pthread_t t;

		fcntl(master, F_SETFL, O_ASYNC | O_NONBLOCK);
		pthread_create(&t, NULL, use_slave, &slave);
		write(master, "a line\n", 7);
		close(master);
		pthread_join(t, NULL);
		right = right && write(slave, "x", 1) == -1;
		close(slave);
	}
	take_signals();
	tap(right, "terminals that hang up");
}

/* What was turned on through a descriptor ends when that is revoked, whoever has the file open still. */
static void a_revocation_turns_it_off(void)
{
	struct cap_derive how = { .rights = FILE_RIGHT_READ | FILE_RIGHT_IOCTL, .expires_ns = CAP_FOREVER };
	bool right = true;
	int ends[2];

	pipe(ends);
	fcntl(ends[0], F_SETOWN, getpid());
	for (int i = 0; i < 20; i++) {
		cap_handle_t handle = cap_derive(ends[0], &how);

		need(handle >= 0);
		fcntl((int)(uint32_t)handle, F_SETFL, O_ASYNC);
		write(ends[1], "x", 1);
		right = right && (fcntl(ends[0], F_GETFL) & O_ASYNC) && take_signals() == 1;
		need(cap_revoke(ends[0], CAP_REVOKE_CHILDREN) == 0);
		write(ends[1], "x", 1);
		right = right && !(fcntl(ends[0], F_GETFL) & O_ASYNC) && take_signals() == 0;
	}
	fcntl(ends[0], F_SETFL, O_ASYNC);
	write(ends[1], "x", 1);
	tap(right && take_signals() == 1, "a revocation turns it off");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	int ends[2];
	sigset_t all;

	/* A signal that is blocked stays for take_signals(). */
	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	pipe(ends);
	in = ends[0], out = ends[1];
	race("a pipe");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	in = ends[0], out = ends[1];
	race("a socket");
	race_of_closing();
	race_of_hang_up();
	a_revocation_turns_it_off();
	return tap_end();
}

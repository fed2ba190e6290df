/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Privileges while several threads change what the process is: one drops them for good while others change
 * groups, flags and sets, look from outside, and start programs.  What was dropped never comes back.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "linuxcap.h"
#include "tap.h"

#define ROUNDS 30

static atomic_bool over;
static atomic_int returned; /* privileges that came back */

/* The kernel's calls: the C library's would stop all threads for each. */
static void *change_groups(void *arg)
{
	gid_t groups[2] = { 5, 6 };

	while (!atomic_load(&over)) {
		syscall(SYS_setgroups, 2, groups);
		syscall(SYS_setfsgid, 7);
		syscall(SYS_setfsgid, 0);
	}
	return arg;
}

static void *change_flags(void *arg)
{
	while (!atomic_load(&over)) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	}
	return arg;
}

static void *watch(void *arg)
{
	uint64_t before = FULL;

	while (!atomic_load(&over)) {
		uint64_t now = caps_of(0).permitted;

		if (now & ~before)
			atomic_fetch_add(&returned, 1);
		before = now;
	}
	return arg;
}

static void drop_beside_others(void)
{
	void *(*const bodies[])(void *) = { change_groups, change_flags, watch };
	pthread_t threads[3];
	uint64_t left = FULL;

	for (int i = 0; i < 3; i++)
		need(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
	for (int i = 40; i >= 0; i--) {
		left &= ~BIT(i);
		need(caps_set(left, left, 0) == 0);
		need(caps_of(0).permitted == left);
	}
	atomic_store(&over, true);
	for (int i = 0; i < 3; i++)
		need(pthread_join(threads[i], NULL) == 0);
	need(atomic_load(&returned) == 0 && caps_of(0).permitted == 0);
}

static void drops(void)
{
	for (int i = 0; i < ROUNDS; i++)
		need(status_of(drop_beside_others) == 0);
}

/* --- exec ----------------------------------------------------------------------------------------------- */

static int told; /* a file: not empty once the privilege was dropped */

static void *drop_and_tell(void *arg)
{
	for (int i = (int)(intptr_t)arg; i > 0; i--)
		getppid();
	if (caps_set(0, 0, 0) == 0)
		(void)!write(told, "x", 1);
	return NULL;
}

/* User 1000 with one privilege that goes on to programs: either it was dropped before that, or not. */
static void exec_beside_drop(void)
{
	char number[16];
	pthread_t thread;

	told = memfd_create("told", 0);
	snprintf(number, sizeof(number), "%d", told);
	need(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(1000, 1000, 1000) == 0);
	need(caps_set(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL)) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0);
	need(pthread_create(&thread, NULL, drop_and_tell, (void *)(intptr_t)(rand() % 2000)) == 0);
	execl("/proc/self/exe", "linuxcap_races", number, NULL);
	/* They changed while it was being started: as they are now, then. */
	need(errno == EPERM);
	execl("/proc/self/exe", "linuxcap_races", number, NULL);
	need(false);
}

static int started(int fd)
{
	char byte;
	bool dropped = pread(fd, &byte, 1, 0) == 1;

	return dropped && caps_of(0).permitted != 0;
}

static void execs(void)
{
	srand(1);
	for (int i = 0; i < 4 * ROUNDS; i++) {
		rand();
		need(status_of(exec_beside_drop) == 0);
	}
}

/* --- from outside --------------------------------------------------------------------------------------- */

static void come_and_go(void)
{
	for (int i = 0; i < 10 * ROUNDS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			caps_set(0, 0, 0);
			_exit(0);
		}
		for (int look = 0; look < 5; look++) {
			struct header header = { VERSION_3, pid };
			struct data d[2];

			need(syscall(SYS_capget, &header, d) == 0); /* until it is waited for */
			need(d[0].permitted == (uint32_t)FULL || d[0].permitted == 0);
		}
		need(waitpid(pid, NULL, 0) == pid);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return started(atoi(argv[1]));
	tap(passes(drops), "what one thread drops no other brings back");
	tap(passes(execs), "nor does an exec that began before");
	tap(passes(come_and_go), "looked at while it drops them and ends");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals for what happens in a directory, F_NOTIFY of fcntl(2); all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

#define SIG SIGRTMIN

static char dir[64];
static sigset_t set;

/* In a directory of its own, whose end nobody waits for; signals wait to be taken. */
static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/dnotify.XXXXXX");
	need(mkdtemp(dir) && chdir(dir) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIG);
	sigaddset(&set, SIGIO);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static int watch(uint64_t events)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	need(fd >= 0 && fcntl(fd, F_SETSIG, SIG) == 0 && fcntl(fd, F_NOTIFY, events) == 0);
	return fd;
}

/* Signals that have come, all of this kind, naming the descriptor. */
static int told(int fd)
{
	struct timespec now = { 0, 0 };
	siginfo_t info;
	int count = 0;

	while (sigtimedwait(&set, &info, &now) == SIG) {
		need(info.si_fd == fd && info.si_code == 3 /* POLL_MSG */ && info.si_band == 0x441);
		count++;
	}
	return count;
}

static void make(const char *name)
{
	need(close(open(name, O_CREAT | O_RDWR, 0644)) == 0);
}

static void each_event_is_told(void)
{
	char c;
	int file, fd;

	enter();
	need(mkdir("sub", 0755) == 0);
	fd = watch(DN_CREATE | DN_MULTISHOT);
	make("a");
	need(told(fd) == 1 && mkdir("d", 0755) == 0 && told(fd) == 1);
	need(link("a", "b") == 0 && told(fd) == 1 && symlink("a", "s") == 0 && told(fd) == 1);
	make("sub/x");
	need(told(fd) == 0 && rename("sub/x", "x") == 0 && told(fd) == 1 && close(fd) == 0);
	fd = watch(DN_DELETE | DN_MULTISHOT);
	need(unlink("b") == 0 && told(fd) == 1 && rmdir("d") == 0 && told(fd) == 1);
	need(rename("x", "sub/x") == 0 && told(fd) == 1 && close(fd) == 0);
	fd = watch(DN_RENAME | DN_MULTISHOT);
	need(rename("a", "c") == 0 && told(fd) == 1);
	need(rename("c", "sub/c") == 0 && told(fd) == 0 && rename("sub/c", "c") == 0 && told(fd) == 0);
	need(close(fd) == 0);
	file = open("c", O_RDWR);
	fd = watch(DN_MODIFY | DN_MULTISHOT);
	need(write(file, "text", 4) == 4 && told(fd) == 1 && ftruncate(file, 1) == 0 && told(fd) == 1);
	need(pread(file, &c, 1, 0) == 1 && told(fd) == 0 && close(fd) == 0);
	fd = watch(DN_ACCESS | DN_MULTISHOT);
	need(pread(file, &c, 1, 0) == 1 && told(fd) == 1 && write(file, "x", 1) == 1 && told(fd) == 0);
	need(close(fd) == 0);
	fd = watch(DN_ATTRIB | DN_MULTISHOT);
	need(chmod("c", 0600) == 0 && told(fd) == 1 && setxattr("c", "trusted.a", "", 0, 0) == 0);
	need(told(fd) == 1 && chmod(".", 0700) == 0 && told(fd) == 1);
}

static void once_or_until_it_is_ended(void)
{
	int fd;

	enter();
	fd = watch(DN_CREATE);
	make("a");
	make("b");
	need(told(fd) == 1);
	need(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0);
	need(fcntl(fd, F_NOTIFY, DN_DELETE) == 0); /* besides: what was asked for before stays */
	make("c");
	need(unlink("a") == 0 && told(fd) == 2);
	need(fcntl(fd, F_NOTIFY, 0) == 0);
	make("a");
	need(told(fd) == 0 && fcntl(fd, F_NOTIFY, 0) == 0);
	need(fcntl(fd, F_NOTIFY, DN_CREATE) == 0 && fcntl(fd, F_NOTIFY, DN_MULTISHOT) == 0);
	make("d");
	need(told(fd) == 0);
}

static void ends_when_a_descriptor_is_closed(void)
{
	int fd, copy, status;

	enter();
	fd = watch(DN_CREATE | DN_MULTISHOT);
	copy = dup(fd);
	if (fork() == 0) {
		close(fd); /* the child's own has no part in it */
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
	make("a");
	need(told(fd) == 1);
	need(close(copy) == 0);
	make("b");
	need(told(fd) == 0);
	copy = watch(DN_CREATE | DN_MULTISHOT);
	need(dup2(fd, copy) == copy);
	make("c");
	need(told(copy) == 0);
}

static void the_owner_hears(void)
{
	struct timespec soon = { 5, 0 };
	siginfo_t info;
	int fd, ready[2], status;
	pid_t child;
	char c;

	enter();
	fd = open(".", O_RDONLY);
	need(fcntl(fd, F_GETOWN) == 0 && fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0);
	need(fcntl(fd, F_GETOWN) == getpid());
	make("a");
	need(sigtimedwait(&set, &info, &soon) == SIGIO && info.si_code == SI_KERNEL); /* unless F_SETSIG */
	need(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		need(write(ready[1], "", 1) == 1);
		_exit(sigtimedwait(&set, &info, &soon) == SIG && info.si_fd == fd ? 0 : 1);
	}
	need(read(ready[0], &c, 1) == 1);
	need(fcntl(fd, F_SETOWN, child) == 0 && fcntl(fd, F_SETSIG, SIG) == 0);
	make("b");
	need(waitpid(child, &status, 0) == child && status == 0 && told(fd) == 0);
}

static void what_is_no_directory_is_refused(void)
{
	int fd;

	enter();
	make("file");
	fd = open("file", O_RDWR);
	need(fcntl(fd, F_NOTIFY, DN_CREATE) == -1 && errno == ENOTDIR);
	need(fcntl(fd, F_NOTIFY, 0) == 0);
	fd = open(".", O_PATH);
	need(fcntl(fd, F_NOTIFY, DN_CREATE) == -1 && errno == EBADF);
	need(fcntl(-1, F_NOTIFY, DN_CREATE) == -1 && errno == EBADF);
}

/* --- races: registered, told and closed at once --- */

#define ROUNDS 400

static atomic_bool over;
static atomic_int shared = -1;

static void *make_and_remove(void *arg)
{
	char name[8];

	snprintf(name, sizeof(name), "r%ld", (long)(intptr_t)arg);
	while (!atomic_load(&over)) {
		close(open(name, O_CREAT | O_RDWR, 0644));
		unlink(name);
	}
	return NULL;
}

static void *register_what_is_shared(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		int fd = atomic_load(&shared);

		if (fd >= 0)
			fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT);
	}
	return NULL;
}

static void closed_while_it_is_told(void)
{
	pthread_t t[3];

	enter();
	for (intptr_t i = 0; i < 2; i++)
		need(pthread_create(&t[i], NULL, make_and_remove, (void *)i) == 0);
	need(pthread_create(&t[2], NULL, register_what_is_shared, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open(".", O_RDONLY);

		need(fd >= 0 && fcntl(fd, F_NOTIFY, DN_CREATE | (i % 2 ? DN_MULTISHOT : 0)) == 0);
		atomic_store(&shared, fd);
		if (i % 3 == 0)
			sched_yield();
		need(close(fd) == 0);
	}
	atomic_store(&over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) > 0)
		;
	make("last"); /* all descriptors are closed: nobody is told any more */
	need(sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) == -1 && errno == EAGAIN);
}

int main(void)
{
	tap(passes(each_event_is_told), "each event of a directory's entries is told");
	tap(passes(once_or_until_it_is_ended), "once, or until it is ended");
	tap(passes(ends_when_a_descriptor_is_closed),
	    "it ends when the process closes a descriptor of the file");
	tap(passes(the_owner_hears), "the file's owner hears, by SIGIO or what F_SETSIG says");
	tap(passes(what_is_no_directory_is_refused), "what is no directory is refused");
	tap(passes(closed_while_it_is_told), "closed by one thread while others register and tell");
	return tap_end();
}

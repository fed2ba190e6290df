/* SPDX-License-Identifier: BSD-2-Clause */
/* fanotify while files, marks, groups and threads come and go: nothing hangs, nobody waits for ever, and the
 * group's descriptors are those of the files. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

#ifndef FAN_MARK_FILESYSTEM
#define FAN_MARK_FILESYSTEM 0x100
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif
#define ALL_IDS  (FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID)
#define OF_NAMES (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_RENAME | FAN_DELETE_SELF)
#define ROUNDS   300

static char dir[64];
static _Atomic bool over;

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/fanotify.XXXXXX");
	need(mkdtemp(dir) && chdir(dir) == 0);
	need(mount("none", dir, "tmpfs", 0, "") == 0 && chdir(dir) == 0);
	need(close(open("f", O_RDWR | O_CREAT, 0644)) == 0);
}

static void leave(void)
{
	need(chdir("/") == 0 && umount(dir) == 0 && rmdir(dir) == 0);
}

static void *answer_all(void *arg)
{
	int fd = (int)(long)arg;
	struct fanotify_event_metadata e[8];
	ssize_t n;

	while ((n = read(fd, e, sizeof(e))) > 0) {
		for (size_t i = 0; i < (size_t)n / sizeof(e[0]); i++) {
			struct fanotify_response r = { e[i].fd, FAN_ALLOW };

			if (e[i].mask & FAN_ALL_PERM_EVENTS)
				(void)!write(fd, &r, sizeof(r)); /* who asked may be gone */
			close(e[i].fd);
		}
		if (over)
			break;
	}
	return NULL;
}

static void *open_and_read(void *arg)
{
	char c;

	(void)arg;
	while (!over) {
		int fd = open("f", O_RDWR);

		if (fd < 0)
			continue;
		(void)!write(fd, "x", 1);
		(void)!pread(fd, &c, 1, 0);
		close(fd);
	}
	return NULL;
}

/* Proves that threads that ask are let go whoever reads their questions, and when the group ends. */
static void groups_that_end(void)
{
	pthread_t users[3], reader[2];

	enter();
	for (int i = 0; i < 3; i++)
		need(pthread_create(&users[i], NULL, open_and_read, NULL) == 0);
	for (int i = 0; i < 20; i++) {
		int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY);

		need(fd >= 0);
		need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_CLOSE, AT_FDCWD,
				   "f") == 0);
		for (int r = 0; r < 2; r++)
			need(pthread_create(&reader[r], NULL, answer_all, (void *)(long)fd) == 0);
		for (int r = 0; r < 2; r++)
			pthread_join(reader[r], NULL);
		need(close(fd) == 0);
	}
	over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(users[i], NULL);
	leave();
}

/* Proves that a thread that waits for an answer can be killed, asked about or not, and that answering it then
 * is an error and no more. */
static void killed_while_asking(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);

	enter();
	need(fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "f") == 0);
	for (int i = 0; i < 40; i++) {
		struct fanotify_event_metadata e;
		struct fanotify_response r;
		pid_t pid = fork();

		if (pid == 0) {
			open("f", O_RDONLY);
			_exit(0);
		}
		if (i & 1) {
			need(read(fd, &e, sizeof(e)) == sizeof(e) && e.pid == pid);
			r = (struct fanotify_response){ e.fd, FAN_ALLOW };
		} else {
			usleep(1000);
		}
		need(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
		if (i & 1)
			need(write(fd, &r, sizeof(r)) < 0 && errno == ENOENT && close(e.fd) == 0);
	}
	need(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	need(read(fd, dir, sizeof(dir)) < 0 && errno == EAGAIN);
	need(close(fd) == 0);
	leave();
}

static void *change_names(void *arg)
{
	char from[32], to[32];
	long id = (long)arg;

	for (int i = 0; !over; i++) {
		snprintf(from, sizeof(from), "%ld-%d", id, i % 8);
		snprintf(to, sizeof(to), "d/%ld-%d", id, i % 5);
		close(open(from, O_RDWR | O_CREAT, 0644));
		chmod(from, 0600);
		rename(from, to);
		unlink(to);
	}
	return NULL;
}

static void *change_marks(void *arg)
{
	int fd = (int)(long)arg;

	while (!over) {
		(void)!fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, OF_NAMES | FAN_ATTRIB | FAN_OPEN,
				     AT_FDCWD, ".");
		(void)!fanotify_mark(fd, FAN_MARK_ADD, OF_NAMES | FAN_ONDIR | FAN_EVENT_ON_CHILD, AT_FDCWD,
				     "d");
		(void)!fanotify_mark(fd, FAN_MARK_REMOVE, OF_NAMES | FAN_ONDIR | FAN_EVENT_ON_CHILD, AT_FDCWD,
				     "d");
		(void)!fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
	}
	return NULL;
}

/* Proves that names and marks change together with reading, and that what is told is whole. */
static void names_and_marks(void)
{
	int fd = fanotify_init(ALL_IDS | FAN_NONBLOCK, O_RDONLY);
	static _Alignas(8) char buf[65536];
	pthread_t threads[4];
	ssize_t n;

	enter();
	need(fd >= 0 && mkdir("d", 0755) == 0);
	for (long i = 0; i < 3; i++)
		need(pthread_create(&threads[i], NULL, change_names, (void *)i) == 0);
	need(pthread_create(&threads[3], NULL, change_marks, (void *)(long)fd) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		n = read(fd, buf, sizeof(buf));
		need(n > 0 || errno == EAGAIN);
		for (char *p = buf; p < buf + n;) {
			struct fanotify_event_metadata *e = (void *)p;

			need(e->vers == 3 && e->fd == FAN_NOFD && e->event_len >= sizeof(*e));
			p += e->event_len;
			need(p <= buf + n);
		}
	}
	over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	need(close(fd) == 0);
	leave();
}

/* Proves that marks end with their mounts, whoever is told through them meanwhile. */
static void mounts_that_go(void)
{
	int fd = fanotify_init(FAN_NONBLOCK, O_RDONLY);
	pthread_t user;

	enter();
	need(fd >= 0 && mkdir("m", 0755) == 0);
	need(pthread_create(&user, NULL, open_and_read, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		int file;

		need(mount("none", "m", "tmpfs", 0, "") == 0);
		need(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "m") == 0);
		need(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CLOSE, AT_FDCWD, "m") == 0);
		file = open("m/f", O_RDWR | O_CREAT, 0644);
		need(file >= 0 && close(file) == 0);
		need(umount("m") < 0 && errno == EBUSY); /* events keep it */
		for (struct fanotify_event_metadata e; read(fd, &e, sizeof(e)) > 0;)
			close(e.fd);
		need(umount("m") == 0);
	}
	over = true;
	pthread_join(user, NULL);
	need(close(fd) == 0);
	leave();
}

int main(void)
{
	tap(passes(groups_that_end), "groups that end let go who waits");
	tap(passes(killed_while_asking), "who waits for an answer can be killed");
	tap(passes(names_and_marks), "names and marks that change");
	tap(passes(mounts_that_go), "mounts that go");
	return tap_end();
}

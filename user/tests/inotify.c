/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching files, as inotify(7) has it; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "child.h"
#include "tap.h"

static char dir[64];

/* In a directory of its own, whose end nobody waits for. */
static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/inotify.XXXXXX");
	need(mkdtemp(dir) && chdir(dir) == 0);
}

static int make(void)
{
	int fd = inotify_init1(IN_NONBLOCK);

	need(fd >= 0);
	return fd;
}

static int watch(int fd, const char *path, uint32_t mask)
{
	int wd = inotify_add_watch(fd, path, mask);

	need(wd > 0);
	return wd;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* All that there is, as text: "wd:mask:name ", cookies as differences from the first. */
static char seen[4096];

static const char *all(int fd)
{
	_Alignas(struct inotify_event) char buf[4096];
	uint32_t cookies[8];
	unsigned known = 0, k;
	ssize_t got;

	seen[0] = 0;
	while ((got = read(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + got;) {
			const struct inotify_event *e = (const void *)p;

			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%d:%x", e->wd, e->mask);
			if (e->cookie) {
				for (k = 0; k < known && cookies[k] != e->cookie; k++)
					;
				if (k == known)
					cookies[known++] = e->cookie;
				snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "#%u", k);
			}
			if (e->len) {
				need(e->len % sizeof(*e) == 0 && strnlen(e->name, e->len) < e->len);
				snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), ":%s", e->name);
			}
			strcat(seen, " ");
			p += sizeof(*e) + e->len;
		}
	}
	need(got < 0 && errno == EAGAIN);
	return seen;
}

static void need_all(int fd, const char *wanted, int line)
{
	if (strcmp(all(fd), wanted) == 0)
		return;
	printf("# line %d: '%s', not '%s'\n", line, seen, wanted);
	fflush(stdout);
	_exit(1);
}
#define expect(fd, wanted) need_all(fd, wanted, __LINE__)

static void a_file(void)
{
	int in = make(), fd;
	char c;

	enter();
	write_file("f", "abc");
	need(watch(in, "f", IN_ALL_EVENTS) == 1);
	fd = open("f", O_RDWR);
	expect(in, "1:20 ");
	need(read(fd, &c, 1) == 1);
	expect(in, "1:1 ");
	need(write(fd, &c, 1) == 1);
	expect(in, "1:2 ");
	need(read(fd, &c, 1) == 1 && read(fd, &c, 1) == 0); /* nothing read: no event */
	expect(in, "1:1 ");
	need(pwrite(fd, &c, 1, 0) == 1 && close(fd) == 0);
	expect(in, "1:2 1:8 ");
	fd = open("f", O_RDONLY);
	close(fd);
	expect(in, "1:20 1:10 ");
	need(open("f", O_PATH) >= 0);
	expect(in, "");
}

static void its_attributes(void)
{
	struct timeval tv[2] = { { 1, 0 }, { 2, 0 } };
	struct timespec ts[2] = { { 5, 0 }, { 0, UTIME_OMIT } };
	int in = make();

	enter();
	write_file("f", "abc");
	watch(in, "f", IN_ALL_EVENTS);
	need(chmod("f", 0600) == 0);
	expect(in, "1:4 ");
	need(utimes("f", tv) == 0);
	expect(in, "1:4 ");
	need(utimensat(AT_FDCWD, "f", ts, 0) == 0);
	expect(in, "1:1 ");
	need(truncate("f", 1) == 0);
	expect(in, "1:2 ");
	need(link("f", "g") == 0);
	expect(in, "1:4 ");
	need(unlink("g") == 0);
	expect(in, "1:4 ");
}

static void a_directory(void)
{
	int in = make(), fd;

	enter();
	need(watch(in, ".", IN_CREATE | IN_DELETE | IN_MODIFY | IN_OPEN | IN_CLOSE | IN_ATTRIB) == 1);
	write_file("f", "abc");
	expect(in, "1:100:f 1:20:f 1:2:f 1:8:f ");
	need(mkdir("d", 0755) == 0 && symlink("f", "l") == 0 && link("f", "h") == 0 &&
	     mkfifo("p", 0600) == 0);
	expect(in, "1:40000100:d 1:100:l 1:100:h 1:100:p ");
	need(chmod("d", 0700) == 0);
	expect(in, "1:40000004:d ");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	close(fd);
	expect(in, "1:40000020:d 1:40000010:d ");
	need(unlink("l") == 0 && rmdir("d") == 0 && unlink("h") == 0);
	expect(in, "1:200:l 1:40000200:d 1:200:h ");
}

static void renames(void)
{
	int in = make();

	enter();
	need(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0);
	write_file("a/f", "x");
	write_file("b/old", "y");
	need(watch(in, "a", IN_MOVE) == 1 && watch(in, "b", IN_MOVE) == 2 &&
	     watch(in, "a/f", IN_MOVE_SELF) == 3);
	need(rename("a/f", "b/g") == 0);
	expect(in, "1:40#0:f 2:80#0:g 3:800 ");
	need(rename("b/g", "b/old") == 0); /* in the place of another */
	expect(in, "2:40#0:g 2:80#0:old 3:800 ");
	need(mkdir("a/d", 0755) == 0 && rename("a/d", "b/d") == 0);
	expect(in, "1:40000040#0:d 2:40000080#0:d ");
}

static void the_end_of_a_file(void)
{
	int in = make(), fd;

	enter();
	write_file("f", "x");
	watch(in, "f", IN_DELETE_SELF | IN_CLOSE);
	need(unlink("f") == 0);
	expect(in, "1:400 1:8000 ");
	need(inotify_rm_watch(in, 1) == -1 && errno == EINVAL);
	write_file("f", "x");
	need(watch(in, "f", IN_DELETE_SELF | IN_CLOSE) == 2);
	fd = open("f", O_RDONLY);
	need(unlink("f") == 0);
	expect(in, ""); /* it is open still */
	close(fd);
	expect(in, "2:10 2:400 2:8000 ");
	need(mkdir("d", 0755) == 0 && watch(in, "d", IN_DELETE_SELF) == 3 && rmdir("d") == 0);
	expect(in, "3:400 3:8000 ");
}

static void masks(void)
{
	int in = make();

	enter();
	write_file("f", "x");
	need(watch(in, "f", IN_ATTRIB) == 1 && watch(in, "f", IN_MODIFY) == 1); /* instead of */
	need(chmod("f", 0600) == 0 && truncate("f", 0) == 0);
	expect(in, "1:2 ");
	need(watch(in, "f", IN_ATTRIB | IN_MASK_ADD) == 1); /* as well */
	need(chmod("f", 0644) == 0 && truncate("f", 5) == 0);
	expect(in, "1:4 1:2 ");
	need(inotify_add_watch(in, "f", IN_ATTRIB | IN_MASK_CREATE) == -1 && errno == EEXIST);
	need(inotify_add_watch(in, "f", IN_ATTRIB | IN_MASK_CREATE | IN_MASK_ADD) == -1 && errno == EINVAL);
	need(inotify_rm_watch(in, 1) == 0);
	expect(in, "1:8000 ");
	need(watch(in, "f", IN_ATTRIB | IN_ONESHOT) == 2 && chmod("f", 0600) == 0 && chmod("f", 0644) == 0);
	expect(in, "2:4 2:8000 ");
	need(inotify_add_watch(in, "f", IN_ATTRIB | IN_ONLYDIR) == -1 && errno == ENOTDIR);
	need(symlink("f", "l") == 0 && watch(in, "l", IN_ATTRIB) == 3 && watch(in, "f", IN_ATTRIB) == 3);
	need(watch(in, "l", IN_ATTRIB | IN_DONT_FOLLOW) == 4);
}

static void unlinked_names(void)
{
	int in = make(), fd;

	enter();
	write_file("f", "x");
	watch(in, ".", IN_MODIFY | IN_EXCL_UNLINK);
	fd = open("f", O_WRONLY);
	need(write(fd, "y", 1) == 1);
	expect(in, "1:2:f ");
	need(unlink("f") == 0 && write(fd, "y", 1) == 1);
	expect(in, "");
}

static void errors(void)
{
	int in = make();
	char small[16];

	enter();
	need(inotify_init1(1) == -1 && errno == EINVAL);
	need(inotify_add_watch(in, "none", IN_MODIFY) == -1 && errno == ENOENT);
	need(inotify_add_watch(in, ".", 0) == -1 && errno == EINVAL);
	need(inotify_add_watch(1, ".", IN_MODIFY) == -1 && (errno == EINVAL || errno == EBADF));
	need(inotify_add_watch(999, ".", IN_MODIFY) == -1 && errno == EBADF);
	need(inotify_add_watch(in, (char *)8, IN_MODIFY) == -1 && errno == EFAULT);
	need(inotify_rm_watch(in, 1) == -1 && errno == EINVAL);
	need(read(in, small, sizeof(small)) == -1 && errno == EAGAIN);
	watch(in, ".", IN_CREATE);
	write_file("f", "x");
	need(read(in, small, sizeof(small)) == -1 && errno == EINVAL); /* no room for the name */
	need(write(in, small, 1) == -1 && errno == EBADF);
	expect(in, "1:100:f ");
}

static void how_much(void)
{
	int in = make(), bytes = -1;
	struct pollfd p = { .fd = in, .events = POLLIN };

	enter();
	watch(in, ".", IN_CREATE);
	need(ioctl(in, FIONREAD, &bytes) == 0 && bytes == 0 && poll(&p, 1, 0) == 0);
	write_file("f", "x");
	write_file("sixteen letters.", "x");
	need(ioctl(in, FIONREAD, &bytes) == 0 && bytes == 16 + 16 + 16 + 32 && poll(&p, 1, 0) == 1);
	expect(in, "1:100:f 1:100:sixteen letters. ");
}

/* The same again is told once. */
static void repeated(void)
{
	int in = make(), fd;

	enter();
	write_file("f", "x");
	watch(in, "f", IN_MODIFY | IN_ATTRIB);
	fd = open("f", O_WRONLY);
	for (int i = 0; i < 5; i++)
		need(write(fd, "y", 1) == 1);
	need(fchmod(fd, 0600) == 0 && write(fd, "y", 1) == 1);
	expect(in, "1:2 1:4 1:2 ");
}

static void too_many(void)
{
	_Alignas(struct inotify_event) char buf[65536];
	const struct inotify_event *e = NULL;
	int in = make(), events = 0, fd;
	ssize_t got;

	enter();
	write_file("f", "x");
	watch(in, "f", IN_MODIFY | IN_ATTRIB);
	fd = open("f", O_WRONLY);
	for (int i = 0; i < 10000; i++)
		need(write(fd, "y", 1) == 1 && fchmod(fd, 0600) == 0);
	while ((got = read(in, buf, sizeof(buf))) > 0) {
		events += (int)(got / (ssize_t)sizeof(*e));
		e = (const void *)(buf + got - sizeof(*e));
	}
	need(events == 16385 && e->wd == -1 && e->mask == IN_Q_OVERFLOW);
	need(write(fd, "y", 1) == 1);
	expect(in, "1:2 ");
}

static void fdinfo(void)
{
	char text[512] = "", path[64], wanted[128];
	int in = make();
	struct stat st;
	FILE *f;

	enter();
	need(watch(in, ".", IN_CREATE) == 1 && stat(".", &st) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", in);
	snprintf(wanted, sizeof(wanted), "inotify wd:1 ino:%lx sdev:", (unsigned long)st.st_ino);
	f = fopen(path, "r");
	need(f && fread(text, 1, sizeof(text) - 1, f) > 0 && strstr(text, wanted));
}

static void *make_later(void *arg)
{
	usleep(20000);
	write_file("late", "x");
	return arg;
}

static void waits(void)
{
	_Alignas(struct inotify_event) char buf[256];
	int in = inotify_init();
	pthread_t t;

	enter();
	watch(in, ".", IN_CREATE);
	need(pthread_create(&t, NULL, make_later, NULL) == 0 && read(in, buf, sizeof(buf)) == 32);
	pthread_join(t, NULL);
}

static _Atomic bool over;
static int shared;

static void *churn(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "f%ld", (long)(intptr_t)arg);
	while (!over) {
		write_file(name, "x");
		(void)inotify_add_watch(shared, name, IN_ALL_EVENTS);
		need(unlink(name) == 0);
	}
	return arg;
}

static void *drain(void *arg)
{
	_Alignas(struct inotify_event) char buf[4096];

	while (!over)
		if (read(shared, buf, sizeof(buf)) < 0)
			usleep(500);
	return arg;
}

static void races(void)
{
	pthread_t t[4];

	enter();
	shared = make();
	watch(shared, ".", IN_ALL_EVENTS);
	for (int i = 0; i < 4; i++)
		need(pthread_create(&t[i], NULL, i == 3 ? drain : churn, (void *)(intptr_t)i) == 0);
	usleep(500000);
	over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	tap(passes(a_file), "what is done to a file");
	tap(passes(its_attributes), "its attributes");
	tap(passes(a_directory), "what is done in a directory");
	tap(passes(renames), "both halves of a rename have one cookie");
	tap(passes(the_end_of_a_file), "its end ends the watch");
	tap(passes(masks), "masks: instead, as well, once, only a directory");
	tap(passes(unlinked_names), "nothing of what has no name any more");
	tap(passes(errors), "errors");
	tap(passes(how_much), "FIONREAD and poll");
	tap(passes(repeated), "the same again is told once");
	tap(passes(too_many), "more than the queue takes");
	tap(passes(fdinfo), "fdinfo");
	tap(passes(waits), "a read waits");
	tap(passes(races), "files come and go while they are watched");
	return tap_end();
}

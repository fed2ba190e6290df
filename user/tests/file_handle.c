/* SPDX-License-Identifier: BSD-2-Clause */
/* Files by handle: name_to_handle_at(2) and open_by_handle_at(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

struct handle {
	unsigned bytes;
	int type;
	unsigned char body[128];
};

static char dir[64];

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/handle.XXXXXX");
	need(mkdtemp(dir) && chdir(dir) == 0);
}

static int name_to(const char *name, struct handle *h, int flags)
{
	int mount;

	h->bytes = sizeof(h->body);
	return name_to_handle_at(AT_FDCWD, name, (void *)h, &mount, flags);
}

static int open_by(struct handle *h, int flags)
{
	return open_by_handle_at(AT_FDCWD, (void *)h, flags);
}

static void make_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* Proves that a handle leads to the same file wherever that is moved, and shows its place. */
static void follows_the_file(void)
{
	struct handle h;
	char link[64], text[128], want[128];
	ssize_t n;
	int fd;

	enter();
	make_file("a", "hello");
	need(name_to("a", &h, 0) == 0 && h.bytes > 0 && h.bytes <= 128);
	need(mkdir("d", 0755) == 0 && rename("a", "d/b") == 0);
	fd = open_by(&h, O_RDONLY);
	need(fd >= 0 && read(fd, text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(want, sizeof(want), "%s/d/b", dir);
	n = readlink(link, text, sizeof(text));
	need(n == (ssize_t)strlen(want) && memcmp(text, want, (size_t)n) == 0);
}

/* Proves that a handle of a file that is gone never opens another one, and that a guess opens nothing. */
static void names_nothing_else(void)
{
	struct handle h, other;

	enter();
	make_file("a", "first");
	need(name_to("a", &h, 0) == 0);
	other = h;
	other.body[0] ^= 1;
	need(open_by(&other, O_RDONLY) < 0 && errno == ESTALE);
	need(unlink("a") == 0);
	make_file("a", "second");
	need(open_by(&h, O_RDONLY) < 0 && errno == ESTALE);
}

/* Proves that a file without a name can be opened as long as somebody has it open. */
static void open_without_a_name(void)
{
	struct handle h;
	int fd, again;

	enter();
	make_file("a", "text");
	need(name_to("a", &h, 0) == 0);
	fd = open("a", O_RDONLY);
	need(fd >= 0 && unlink("a") == 0);
	again = open_by(&h, O_RDONLY);
	need(again >= 0 && close(again) == 0 && close(fd) == 0);
	need(open_by(&h, O_RDONLY) < 0 && errno == ESTALE);
}

/* Proves that of two names of one file the one that is left is found. */
static void another_name(void)
{
	struct handle h;
	int fd;

	enter();
	make_file("a", "text");
	need(link("a", "b") == 0 && name_to("a", &h, 0) == 0 && unlink("a") == 0);
	fd = open_by(&h, O_RDWR);
	need(fd >= 0 && write(fd, "TEXT", 4) == 4);
}

/* Proves that a directory's handle leads to its place, from where names are looked up. */
static void a_directory(void)
{
	struct handle h;
	char text[128], want[128];
	int fd;

	enter();
	need(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	make_file("d/f", "x");
	need(name_to("d/e", &h, 0) == 0);
	fd = open_by(&h, O_RDONLY | O_DIRECTORY);
	need(fd >= 0 && openat(fd, "../f", O_RDONLY) >= 0);
	snprintf(want, sizeof(want), "%s/d/e", dir);
	need(fchdir(fd) == 0 && getcwd(text, sizeof(text)) && strcmp(text, want) == 0);
	need(chdir(dir) == 0 && close(fd) == 0 && rmdir("d/e") == 0);
	need(open_by(&h, O_RDONLY) < 0 && errno == ESTALE);
}

/* Proves that who may not read all files may not open by handle, and that file modes count all the same. */
static void privilege(void)
{
	struct handle h;

	enter();
	make_file("a", "x");
	need(name_to("a", &h, 0) == 0 && chmod(dir, 0755) == 0);
	need(setgid(1000) == 0 && setuid(1000) == 0);
	need(name_to("a", &h, 0) == 0);
	need(open_by(&h, O_RDONLY) < 0 && errno == EPERM);
}

/* --- races ---------------------------------------------------------------------------------------------- */

static _Atomic int over;

static void *make_and_remove(void *arg)
{
	(void)arg;
	while (!over) {
		int fd = open("r", O_RDWR | O_CREAT, 0644);

		if (fd >= 0)
			close(fd);
		rename("r", "s");
		link("s", "t");
		unlink("s");
		unlink("t");
	}
	return NULL;
}

/* Proves that handles come and go with their files whoever uses them meanwhile: what opens is a file that was
 * there. */
static void files_that_go(void)
{
	pthread_t threads[2];
	unsigned opened = 0, stale = 0;

	enter();
	for (int i = 0; i < 2; i++)
		need(pthread_create(&threads[i], NULL, make_and_remove, NULL) == 0);
	for (int i = 0; i < 4000; i++) {
		struct handle h;
		int fd;

		if (name_to(i & 1 ? "s" : "r", &h, 0) < 0)
			continue;
		fd = open_by(&h, O_RDWR);
		if (fd >= 0)
			opened += write(fd, "x", 1) == 1;
		else
			stale += errno == ESTALE;
		if (fd >= 0)
			close(fd);
		else
			need(errno == ESTALE);
	}
	over = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("# %u opened, %u stale\n", opened, stale);
}

int main(void)
{
	tap(passes(follows_the_file), "a handle leads to the file wherever it is");
	tap(passes(names_nothing_else), "a handle of what is gone, or a guess, names nothing");
	tap(passes(open_without_a_name), "a file without a name");
	tap(passes(another_name), "a file with another name");
	tap(passes(a_directory), "a directory");
	tap(passes(privilege), "opening takes privilege");
	tap(passes(files_that_go), "files that go meanwhile");
	return tap_end();
}

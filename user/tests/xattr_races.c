/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes set, asked for, listed and removed by many threads, beside files that are linked, renamed and
 * unlinked: every value is one that was set, every list one of a moment, and the memory comes back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tap.h"

#define TOP     "/tmp/xattr_races"
#define THREADS 4
#define ROUNDS  300

static atomic_bool wrong;

static void complain_unless(bool right, int line)
{
	if (!right && !atomic_exchange(&wrong, true))
		printf("# line %d, errno %d\n", line, errno);
}
#define NEED(c) complain_unless(c, __LINE__)

/* All THREADS threads run `fn` to its end, numbered from 0. */
static bool run_all(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, fn, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return !atomic_exchange(&wrong, false);
}

static void make(const char *name)
{
	NEED(close(open(name, O_CREAT | O_RDWR, 0644)) == 0);
}

/* --- one value, many writers: never half of one --- */

static void *write_and_read(void *arg)
{
	char mine[3000], seen[4000];
	size_t size = 500 + 700 * (size_t)(intptr_t)arg;

	memset(mine, 'a' + (int)(intptr_t)arg, size);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n;

		NEED(setxattr("one", "trusted.v", mine, size, 0) == 0);
		n = getxattr("one", "trusted.v", seen, sizeof(seen));
		if (n < 0 && errno == ENODATA)
			continue;
		NEED(n >= 500 && (n - 500) % 700 == 0 && seen[0] == 'a' + (n - 500) / 700);
		for (ssize_t k = 1; k < n; k++)
			NEED(seen[k] == seen[0]);
		if (i % 8 == 0)
			NEED(removexattr("one", "trusted.v") == 0 || errno == ENODATA);
	}
	return NULL;
}

/* --- XATTR_CREATE: one of all has it, as with O_EXCL --- */

static atomic_int holders;

static void *create_and_remove(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (setxattr("lock", "trusted.lock", "", 0, XATTR_CREATE) < 0) {
			NEED(errno == EEXIST);
			continue;
		}
		NEED(atomic_fetch_add(&holders, 1) == 0);
		atomic_fetch_sub(&holders, 1);
		NEED(removexattr("lock", "trusted.lock") == 0);
	}
	return NULL;
}

/* --- lists: whole names, and those that stay are always there --- */

static void *list_and_change(void *arg)
{
	char name[64], list[4096];
	intptr_t me = (intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		bool there = false;
		ssize_t n;

		snprintf(name, sizeof(name), "trusted.%ld.%0*d", (long)me, 1 + i % 40, i % 10);
		NEED(setxattr("many", name, name, strlen(name), 0) == 0);
		n = listxattr("many", list, sizeof(list));
		NEED(n > 0 && list[n - 1] == 0);
		for (char *p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
			NEED(strncmp(p, "trusted.", 8) == 0);
			there |= strcmp(p, "trusted.stays") == 0;
		}
		NEED(there);
		NEED(removexattr("many", name) == 0);
	}
	return NULL;
}

/* --- files that come and go: what an attribute took is given back once --- */

static void *set_beside_unlink(void *arg)
{
	static const char value[5000];
	char name[16], another[16];
	intptr_t me = (intptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int fd;

		snprintf(name, sizeof(name), "gone%d", i % 3);
		snprintf(another, sizeof(another), "gone%d", (i + 1) % 3);
		switch ((i + me) % 4) {
		case 0:
			fd = open(name, O_CREAT | O_RDWR, 0644);
			NEED(fd >= 0);
			NEED(fsetxattr(fd, "trusted.a", value, sizeof(value), 0) == 0 || errno == ENOSPC);
			NEED(close(fd) == 0);
			break;
		case 1:
			NEED(unlink(name) == 0 || errno == ENOENT);
			break;
		case 2:
			NEED(rename(name, another) == 0 || errno == ENOENT);
			break;
		default:
			NEED(setxattr(name, "trusted.b", value, 100, 0) == 0 || errno == ENOENT ||
			     errno == ENOSPC);
			NEED(removexattr(name, "trusted.a") == 0 || errno == ENOENT || errno == ENODATA);
			break;
		}
	}
	return NULL;
}

static uint64_t blocks_free(void)
{
	struct statfs fs;

	NEED(statfs(".", &fs) == 0);
	return fs.f_bfree;
}

static bool memory_comes_back(void)
{
	uint64_t before = blocks_free();
	bool right = run_all(set_beside_unlink);

	unlink("gone0");
	unlink("gone1");
	unlink("gone2");
	/* What was renamed or unlinked last may still be on its way out. */
	for (int i = 0; i < 1000 && blocks_free() != before; i++)
		usleep(1000);
	return right && blocks_free() == before;
}

int main(void)
{
	mkdir(TOP, 0755);
	if (mount("none", TOP, "tmpfs", 0, "size=1m") < 0 || chdir(TOP) < 0)
		return 1;
	make("one");
	make("lock");
	make("many");
	NEED(setxattr("many", "trusted.stays", "", 0, 0) == 0);
	tap(run_all(write_and_read), "a value is one that was set, whole");
	tap(run_all(create_and_remove), "one thread creates a name");
	tap(run_all(list_and_change), "a list is one of a moment");
	tap(memory_comes_back(), "memory comes back when files with attributes are unlinked");
	return tap_end();
}

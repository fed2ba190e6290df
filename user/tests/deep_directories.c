/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories so deep that no path leads there: what may be moved where is known all the same. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "tap.h"

#define DEPTH  3000
#define ROUNDS 300
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* So many directories, one in the other, below `at`: the last one. */
static int dig(int at, int depth)
{
	for (int i = 0; i < depth; i++) {
		int next;

		need(mkdirat(at, "d", 0755) == 0);
		next = openat(at, "d", O_DIRECTORY);
		need(next >= 0 && (i == 0 || close(at) == 0));
		at = next;
	}
	return at;
}

static int workplace(void)
{
	static char name[] = "/tmp/deep.XXXXXX";
	int fd = mkdtemp(name) ? open(name, O_DIRECTORY) : -1;

	need(fd >= 0);
	return fd;
}

/* Take it all away again, from the top: what lies in the first moves up before that goes. */
static void fill_in(int at)
{
	while (renameat(at, "d/d", at, "e") == 0)
		need(unlinkat(at, "d", AT_REMOVEDIR) == 0 && renameat(at, "e", at, "d") == 0);
	need(unlinkat(at, "d", AT_REMOVEDIR) == 0);
}

static void moves(void)
{
	int top = workplace(), bottom = dig(top, DEPTH);

	need(renameat(top, "d", bottom, "x") == -1 && errno == EINVAL);
	need(mkdirat(top, "free", 0755) == 0 && renameat(top, "free", bottom, "free") == 0);
	need(renameat(bottom, "free", top, "d") == -1 && errno == ENOTEMPTY);
	need(syscall(SYS_renameat2, bottom, "free", top, "d", RENAME_EXCHANGE) == -1 && errno == EINVAL);
	need(renameat(bottom, "free", top, "free") == 0 && unlinkat(top, "free", AT_REMOVEDIR) == 0);
	fill_in(top);
}

static int place;
static _Atomic bool over;

/* The upper part moves to and fro, if it is there, while others look where the lower one is. */
static void *move_the_middle(void *arg)
{
	while (!over) {
		(void)!renameat(place, "d/d/d", place, "m/d");
		(void)!renameat(place, "m/d", place, "d/d/d");
	}
	return arg;
}

/* Every way up ends. */
static void reach_top(int at)
{
	struct stat top, here;

	need(fstat(place, &top) == 0);
	for (int i = 0; i <= DEPTH + 2; i++) {
		int up = openat(at, "..", O_DIRECTORY);

		need(up >= 0 && fstat(up, &here) == 0 && close(at) == 0);
		if (here.st_ino == top.st_ino)
			return;
		at = up;
	}
	need(false);
}

static void moves_while_it_moves(void)
{
	pthread_t thread;
	int bottom;

	place = workplace();
	need(mkdirat(place, "m", 0755) == 0);
	bottom = dig(place, DEPTH);
	need(pthread_create(&thread, NULL, move_the_middle, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		/* "d" may be moved there while what is below it is below "m". */
		if (renameat(place, "d", bottom, "x") == 0)
			need(renameat(bottom, "x", place, "d") == 0);
		else
			need(errno == EINVAL);
	}
	over = true;
	need(pthread_join(thread, NULL) == 0);
	reach_top(bottom);
}

int main(void)
{
	tap(passes(moves), "a directory does not move below itself, and others move");
	tap(passes(moves_while_it_moves), "the same while those above move");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* One page cache: what read, write, truncate and mappings of a file show is the same at every moment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf escape;
static volatile int caught;

static void on_fault(int signo)
{
	caught = signo;
	siglongjmp(escape, 1);
}

/* 0, or the signal that the access gives. */
static int touch(volatile char *at, bool write)
{
	caught = 0;
	if (sigsetjmp(escape, 1) == 0) {
		if (write)
			*at = 1;
		else
			(void)*at;
	}
	return caught;
}

static int temporary(size_t pages)
{
	char name[] = "/tmp/coherence-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	if (ftruncate(fd, (off_t)(pages * PAGE)) < 0)
		exit(1);
	return fd;
}

static char read_at(int fd, size_t at)
{
	char c = -1;

	return pread(fd, &c, 1, (off_t)at) == 1 ? c : -1;
}

static void test_read_write(int fd, char *shared, char *private)
{
	pwrite(fd, "written", 7, 10);
	tap(memcmp(shared + 10, "written", 7) == 0, "write(2) shows in a shared mapping");
	tap(memcmp(private + 10, "written", 7) == 0, "and in a private one that has no copy");
	shared[PAGE] = 42;
	tap(read_at(fd, PAGE) == 42 && private[PAGE] == 42, "a store to a shared mapping shows in read(2)");
	private[PAGE + 1] = 43;
	tap(read_at(fd, PAGE + 1) == 0 && shared[PAGE + 1] == 0, "a store to a private one does not");
	shared[PAGE + 2] = 44;
	tap(private[PAGE + 2] == 0, "whose page is a copy from then on");
}

static void test_truncate(int fd, char *shared, char *private)
{
	char *second = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	for (size_t i = 0; i < 4; i++)
		shared[i * PAGE + 100] = second[i * PAGE + 200] = private[i * PAGE + 300] = 7;
	tap(ftruncate(fd, (off_t)(PAGE + 50)) == 0, "a file with mapped pages is cut off");
	tap(touch(shared + 2 * PAGE, false) == SIGBUS && touch(second + 3 * PAGE, true) == SIGBUS,
	    "what lies beyond its end is gone from every mapping: SIGBUS");
	tap(touch(private + 2 * PAGE, false) == SIGBUS, "private copies, too");
	tap(shared[PAGE + 100] == 0 && second[PAGE + 200] == 0 && touch(shared + PAGE, true) == 0,
	    "the rest of the last page is cleared and stays mapped");
	tap(ftruncate(fd, (off_t)(4 * PAGE)) == 0 && touch(shared + 2 * PAGE, true) == 0 &&
		    second[2 * PAGE] == 1 && second[2 * PAGE + 200] == 0,
	    "grown again, it is new memory for all");
	munmap(second, 4 * PAGE);
}

/* The child has the file mapped, and sees the parent cut it off. */
static void test_other_process(int fd, char *shared)
{
	int go[2], ready[2], status = -1;
	char c;

	shared[3 * PAGE] = 9;
	if (pipe(go) < 0 || pipe(ready) < 0)
		exit(1);
	if (fork() == 0) {
		close(go[1]);
		if (touch(shared + 3 * PAGE, false) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		_exit(touch(shared + 3 * PAGE, false) == SIGBUS ? 0 : 3);
	}
	if (read(ready[0], &c, 1) != 1 || ftruncate(fd, (off_t)(2 * PAGE)) < 0 || write(go[1], "x", 1) != 1)
		exit(1);
	wait(&status);
	tap(status == 0, "another process's mapping loses the pages as well");
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
}

/* Readers of a mapping while its file is cut off and grown, over and over: the pages are either there, with
 * what was written, or a SIGBUS. */
static void test_race(int fd, char *shared)
{
	volatile long *stop = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int bad = 0, status;

	for (int n = 0; n < 3; n++) {
		if (fork() == 0) {
			while (!*stop) {
				int got = touch(shared + 3 * PAGE, n == 0);

				if (got != 0 && got != SIGBUS)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int round = 0; round < 300; round++) {
		if (ftruncate(fd, (off_t)(2 * PAGE)) < 0 || touch(shared + 3 * PAGE, false) != SIGBUS)
			bad++;
		if (ftruncate(fd, (off_t)(4 * PAGE)) < 0 || touch(shared + 3 * PAGE, false) != 0)
			bad++;
	}
	*stop = 1;
	for (int n = 0; n < 3; n++) {
		if (wait(&status) < 0 || status != 0)
			bad++;
	}
	tap(bad == 0, "no page survives its file's end, however many touch it meanwhile");
	munmap((void *)stop, PAGE);
}

int main(void)
{
	int fd = temporary(4);
	char *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	test_read_write(fd, shared, private);
	test_truncate(fd, shared, private);
	test_other_process(fd, shared);
	test_race(fd, shared);
	return tap_end();
}

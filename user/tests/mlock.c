/* SPDX-License-Identifier: BSD-2-Clause */
/* mlock and its family, as mlock(2) describes them: what is in memory, what is counted, what is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_kib.h"
#include "tap.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, ANON | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t resident(char *p, size_t pages)
{
	unsigned char vec[64];
	size_t n = 0;

	if (mincore(p, pages * PAGE, vec) != 0)
		return (size_t)-1;
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

/* A line of /proc/self/status in KiB, or -1. */
static long status_kib(const char *name)
{
	return proc_kib("/proc/self/status", name);
}

static int fails(int result, int error)
{
	return result == -1 && errno == error;
}

/* The C library's sbrk does not grow.  Returns the end before. */
static char *grow_heap(size_t by)
{
	char *now = (char *)syscall(SYS_brk, 0);

	if (by > 0 && (char *)syscall(SYS_brk, now + by) != now + by)
		return NULL;
	return now;
}

static void test_ranges(void)
{
	char *p = map(16, RW, 0);

	tap(resident(p, 16) == 0 && mlock(p + PAGE + 5, 2 * PAGE) == 0 && resident(p, 16) == 3 &&
		    resident(p + PAGE, 3) == 3,
	    "mlock brings in every page that the range touches");
	tap(status_kib("VmLck:") == 12, "what is locked is counted");
	tap(mlock(p, 4 * PAGE) == 0 && status_kib("VmLck:") == 16, "a page locked twice counts once");
	tap(fails(madvise(p, 16 * PAGE, MADV_DONTNEED), EINVAL) && resident(p, 4) == 4,
	    "MADV_DONTNEED refuses locked memory");
	tap(fails(msync(p, PAGE, MS_SYNC | MS_INVALIDATE), EBUSY), "so does MS_INVALIDATE");
	tap(munlock(p, 16 * PAGE) == 0 && status_kib("VmLck:") == 0 && resident(p, 4) == 4,
	    "munlock keeps the pages, and a second one does not matter");
	tap(syscall(SYS_mlock2, p + 8 * PAGE, 4 * PAGE, MLOCK_ONFAULT) == 0 &&
		    resident(p + 8 * PAGE, 4) == 0 && status_kib("VmLck:") == 16,
	    "MLOCK_ONFAULT locks what is not there yet");
	p[8 * PAGE] = 1;
	tap(resident(p + 8 * PAGE, 4) == 1, "which a touch brings in");
	tap(munmap(p, 16 * PAGE) == 0 && status_kib("VmLck:") == 0, "unmapping unlocks");
}

static void test_errors(void)
{
	char *p = map(4, RW, 0), *none = map(1, PROT_NONE, 0);

	munmap(p + PAGE, PAGE);
	tap(fails(mlock(p, 3 * PAGE), ENOMEM), "a hole is ENOMEM");
	tap(fails(munlock(p, 3 * PAGE), ENOMEM), "for munlock, too");
	tap(fails(mlock(p, -2 * PAGE), EINVAL), "an end that wraps is EINVAL");
	tap(fails((int)syscall(SYS_mlock2, p, PAGE, 2), EINVAL), "an unknown flag of mlock2 is EINVAL");
	tap(fails(mlockall(0), EINVAL) && fails(mlockall(MCL_ONFAULT), EINVAL) && fails(mlockall(8), EINVAL),
	    "mlockall wants a flag that it knows, and not MCL_ONFAULT alone");
	tap(fails(mlock(none, PAGE), ENOMEM), "what cannot be read cannot be brought in");
	munlock(none, PAGE);
	munmap(p, 4 * PAGE);
	munmap(none, PAGE);
}

static void test_all(void)
{
	char *p, *q;

	tap(mlockall(MCL_CURRENT | MCL_FUTURE) == 0 && status_kib("VmLck:") > 0,
	    "mlockall locks all there is");
	p = map(8, RW, 0);
	tap(resident(p, 8) == 8, "and what is mapped afterwards");
	q = grow_heap(0);
	tap(grow_heap(4 * PAGE) == q && resident((char *)(((uintptr_t)q + PAGE - 1) & ~(PAGE - 1)), 4) == 4,
	    "and the heap that grows");
	if (fork() == 0)
		_exit(status_kib("VmLck:") != 0);
	int status = -1;
	wait(&status);
	tap(status == 0, "a child inherits no locks");
	tap(munlockall() == 0 && status_kib("VmLck:") == 0, "munlockall unlocks all");
	munmap(p, 8 * PAGE);
	p = map(8, RW, 0);
	tap(resident(p, 8) == 0, "and what is mapped afterwards is not locked");
	munmap(p, 8 * PAGE);
}

/* In a child that is not root. */
static int limited(void)
{
	struct rlimit limit = { 8 * PAGE, 8 * PAGE }, none = { 0, 0 };
	char *p = map(16, RW, 0);
	int bad = 0;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || setuid(1000) < 0 || !p)
		return 100;
	bad |= !(mlock(p, 8 * PAGE) == 0) << 0;
	bad |= !fails(mlock(p + 8 * PAGE, PAGE), ENOMEM) << 1;
	bad |= !(mlock(p, 4 * PAGE) == 0) << 2;
	bad |= !(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN) << 3;
	bad |= !fails(mlockall(MCL_CURRENT), ENOMEM) << 4;
	bad |= !(munlock(p, PAGE) == 0 && mlock(p + 8 * PAGE, PAGE) == 0) << 5;
	bad |= !(mremap(p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED) << 6;
	munlock(p, 16 * PAGE);
	if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
		return 101;
	bad |= !(fails(mlock(p, PAGE), EPERM) && fails(mlockall(MCL_CURRENT), EPERM) &&
		 syscall(SYS_mmap, 0, PAGE, RW, ANON | MAP_LOCKED, -1, 0) == -1 && errno == EPERM)
	       << 7;
	return bad;
}

static void test_limit(void)
{
	int status = -1;

	fflush(stdout);
	if (fork() == 0)
		_exit(limited());
	wait(&status);
	if (status)
		printf("# status %x\n", status);
	tap(status == 0, "RLIMIT_MEMLOCK holds for who is not root: ENOMEM, EAGAIN, and EPERM when it is 0");
}

int main(void)
{
	char *p = map(4, RW, MAP_LOCKED);

	tap(p && resident(p, 4) == 4 && status_kib("VmLck:") == 16, "MAP_LOCKED");
	munmap(p, 4 * PAGE);
	test_ranges();
	test_errors();
	test_all();
	test_limit();
	return tap_end();
}

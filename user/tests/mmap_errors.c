/* SPDX-License-Identifier: BSD-2-Clause */
/* Every documented error of the memory calls, one row each, as the Linux manual pages list them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TOP  0x7ffffffff000ul

/* The raw calls: the C library checks some arguments by itself. */
static long call(long nr, ...)
{
	long a[6];
	__builtin_va_list args;

	__builtin_va_start(args, nr);
	for (int i = 0; i < 6; i++)
		a[i] = __builtin_va_arg(args, long);
	__builtin_va_end(args);
	return syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* `error` 0: it must work. */
static void expect(long result, int error, const char *what)
{
	int e = errno;
	bool good = error ? result == -1 && e == error : result != -1;

	if (!good)
		printf("# %s: %ld, errno %d instead of %d\n", what, result, result == -1 ? e : 0, error);
	tap(good, what);
}

static long do_mmap(uintptr_t addr, size_t len, int prot, unsigned flags, int fd, uint64_t offset)
{
	return call(SYS_mmap, addr, len, (long)prot, (long)flags, (long)fd, offset);
}

static int file(int flags, size_t pages)
{
	char name[] = "/tmp/errors-XXXXXX";
	int fd = mkstemp(name), other;

	if (ftruncate(fd, (off_t)(pages * PAGE)) < 0)
		exit(1);
	other = open(name, flags);
	close(fd);
	unlink(name);
	return other;
}

static void test_mmap(void)
{
	int reading = file(O_RDONLY, 1), writing = file(O_WRONLY, 1), both = file(O_RDWR, 1), pipes[2];
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);

	expect(do_mmap(0, 0, RW, ANON, -1, 0), EINVAL, "mmap: no length");
	expect(do_mmap(0, PAGE, RW, ANON, -1, 12), EINVAL, "mmap: an offset inside a page");
	expect(do_mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL, "mmap: neither shared nor private");
	expect(do_mmap(0, PAGE, RW, MAP_ANONYMOUS | 4, -1, 0), EINVAL, "mmap: an unknown type");
	expect(do_mmap(0, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0), EINVAL,
	       "mmap: MAP_SHARED_VALIDATE without a file");
	expect(do_mmap(0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, both, 0), EOPNOTSUPP, "mmap: MAP_SYNC");
	expect(do_mmap(0, PAGE, RW, MAP_SHARED_VALIDATE | 0x800000, both, 0), EOPNOTSUPP,
	       "mmap: a flag that MAP_SHARED_VALIDATE does not know");
	expect(do_mmap(0, PAGE, RW, MAP_SHARED_VALIDATE, both, 0), 0, "mmap: MAP_SHARED_VALIDATE");
	expect(do_mmap(0, TOP + PAGE, RW, ANON, -1, 0), ENOMEM, "mmap: more than there are addresses");
	expect(do_mmap(0, 8 * PAGE, RW, MAP_SHARED, both, -4 * PAGE), EOVERFLOW,
	       "mmap: an offset that wraps");
	expect(do_mmap(0, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF, "mmap: no such descriptor");
	expect(do_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, writing, 0), EACCES,
	       "mmap: a file not open for reading");
	expect(do_mmap(0, PAGE, RW, MAP_SHARED, reading, 0), EACCES,
	       "mmap: a shared file not open for writing");
	expect(do_mmap(0, PAGE, RW, MAP_PRIVATE, reading, 0), 0, "mmap: a private one need not be");
	expect(pipe(pipes) == 0 ? do_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0) : 0, ENODEV,
	       "mmap: what cannot be mapped");
	expect(do_mmap((uintptr_t)p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL,
	       "mmap: a crooked fixed address");
	expect(do_mmap(TOP, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM,
	       "mmap: a fixed address of the kernel's");
	expect(do_mmap(0, PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM, "mmap: the null page");
	expect(do_mmap((uintptr_t)p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST,
	       "mmap: MAP_FIXED_NOREPLACE where something is");
	expect(do_mmap(0, 1 << 21, RW, ANON | MAP_HUGETLB, -1, 0), ENOMEM,
	       "mmap: huge pages, of which none are set aside");
	expect(do_mmap(0, 1 << 21, RW, ANON | MAP_HUGETLB | 17u << 26, -1, 0), EINVAL,
	       "mmap: huge pages of no such size");
	expect(do_mmap(0, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, both, 0), EINVAL,
	       "mmap: huge pages of an ordinary file");
	expect(do_mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL,
	       "mmap: shared memory does not grow");
	expect(do_mmap(0, PAGE, RW, ANON | MAP_STACK | MAP_NORESERVE | MAP_POPULATE, -1, 0), 0,
	       "mmap: flags that need nothing");
	close(reading);
	close(writing);
	close(both);
	munmap(p, 4 * PAGE);
}

static void test_unmap_protect(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
	char *stack = mmap(NULL, 4 * PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0);
	int fd = file(O_RDONLY, 1);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	expect(call(SYS_munmap, p + 1, PAGE), EINVAL, "munmap: a crooked address");
	expect(call(SYS_munmap, p, 0l), EINVAL, "munmap: no length");
	expect(call(SYS_munmap, TOP, 2 * PAGE), EINVAL, "munmap: beyond the user's addresses");
	expect(call(SYS_munmap, p + 4 * PAGE, PAGE), 0, "munmap: a page");
	expect(call(SYS_munmap, p + 4 * PAGE, PAGE), 0, "munmap: where nothing is");
	expect(call(SYS_mprotect, p + 1, PAGE, (long)RW), EINVAL, "mprotect: a crooked address");
	expect(call(SYS_mprotect, p, PAGE, 0x40l), EINVAL, "mprotect: an unknown right");
	expect(call(SYS_mprotect, p, PAGE, (long)(PROT_GROWSUP | PROT_GROWSDOWN)), EINVAL,
	       "mprotect: growing both ways");
	expect(call(SYS_mprotect, p, PAGE, (long)(RW | PROT_GROWSDOWN)), EINVAL,
	       "mprotect: growing what does not grow");
	expect(call(SYS_mprotect, stack + 2 * PAGE, PAGE, (long)(PROT_READ | PROT_GROWSDOWN)), 0,
	       "mprotect: a stack from its start");
	expect(call(SYS_mprotect, p, 6 * PAGE, (long)PROT_READ), ENOMEM, "mprotect: a hole");
	expect(call(SYS_mprotect, p, 0l, (long)PROT_READ), 0, "mprotect: nothing");
	expect(call(SYS_mprotect, shared, PAGE, (long)RW), EACCES,
	       "mprotect: a shared file not open for writing");
	munmap(p, 8 * PAGE);
	munmap(stack, 4 * PAGE);
	munmap(shared, PAGE);
	close(fd);
}

static void test_mremap(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0), *q;
	char *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	mprotect(p + 4 * PAGE, PAGE, PROT_READ);
	expect(call(SYS_mremap, p + 1, PAGE, PAGE, 0l), EINVAL, "mremap: a crooked address");
	expect(call(SYS_mremap, p, PAGE, 0l, 0l), EINVAL, "mremap: to no length");
	expect(call(SYS_mremap, p, PAGE, PAGE, 8l), EINVAL, "mremap: an unknown flag");
	expect(call(SYS_mremap, p, PAGE, PAGE, (long)MREMAP_FIXED, p), EINVAL, "mremap: MREMAP_FIXED alone");
	expect(call(SYS_mremap, p, PAGE, PAGE, (long)MREMAP_DONTUNMAP, 0l), EINVAL,
	       "mremap: MREMAP_DONTUNMAP alone");
	expect(call(SYS_mremap, p, PAGE, 2 * PAGE, (long)(MREMAP_MAYMOVE | MREMAP_DONTUNMAP), 0l), EINVAL,
	       "mremap: MREMAP_DONTUNMAP does not resize");
	expect(call(SYS_mremap, p, 2 * PAGE, 2 * PAGE, (long)(MREMAP_MAYMOVE | MREMAP_FIXED), p + PAGE),
	       EINVAL, "mremap: onto itself");
	expect(call(SYS_mremap, p, PAGE, 2 * PAGE, 0l), ENOMEM, "mremap: no room to grow in place");
	expect(call(SYS_mremap, p, 6 * PAGE, 7 * PAGE, (long)MREMAP_MAYMOVE), EFAULT,
	       "mremap: two areas at once");
	expect(call(SYS_mremap, 0x10000l, PAGE, 2 * PAGE, (long)MREMAP_MAYMOVE), EFAULT,
	       "mremap: where nothing is");
	expect(call(SYS_mremap, p, 0l, PAGE, (long)MREMAP_MAYMOVE), EINVAL,
	       "mremap: a second place for private memory");
	q = mremap(shared, 0, 4 * PAGE, MREMAP_MAYMOVE);
	if (q != MAP_FAILED)
		q[PAGE] = 77;
	tap(q != MAP_FAILED && q != shared && shared[PAGE] == 77, "mremap: a second place for shared memory");
	p[0] = 5;
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	tap(q != MAP_FAILED && q[0] == 5 && p[0] == 0,
	    "mremap: MREMAP_DONTUNMAP moves the pages and leaves the place");
	munmap(p, 8 * PAGE);
	munmap(shared, 4 * PAGE);
}

static void test_madvise(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
	char *shared = mmap(NULL, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *read_only = mmap(NULL, PAGE, PROT_READ, ANON, -1, 0);
	int fd = file(O_RDWR, 2);
	char *mapped = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	expect(call(SYS_madvise, p + 1, PAGE, 0l), EINVAL, "madvise: a crooked address");
	expect(call(SYS_madvise, p, PAGE, 5l), EINVAL, "madvise: no such advice");
	expect(call(SYS_madvise, p, PAGE, (long)MADV_MERGEABLE), EINVAL,
	       "madvise: merging, which there is not");
	expect(call(SYS_madvise, p, -PAGE, 0l), EINVAL, "madvise: a length that wraps");
	expect(call(SYS_madvise, p, 0l, (long)MADV_DONTNEED), 0, "madvise: nothing");
	for (size_t i = 0; i < 8; i++)
		p[i * PAGE] = shared[i * PAGE] = (char)(i + 1);
	expect(call(SYS_madvise, shared, PAGE, (long)MADV_FREE), EINVAL,
	       "madvise: MADV_FREE is for private memory");
	expect(call(SYS_madvise, shared, PAGE, (long)MADV_WIPEONFORK), EINVAL,
	       "madvise: so is MADV_WIPEONFORK");
	expect(call(SYS_madvise, p, PAGE, (long)MADV_REMOVE), EINVAL, "madvise: MADV_REMOVE is for objects");
	expect(call(SYS_madvise, shared + PAGE, 2 * PAGE, (long)MADV_REMOVE), 0, "madvise: MADV_REMOVE");
	tap(shared[0] == 1 && shared[PAGE] == 0 && shared[2 * PAGE] == 0 && shared[3 * PAGE] == 4,
	    "madvise: what was removed reads as zero");
	expect(call(SYS_madvise, shared, PAGE, (long)MADV_DONTNEED), 0,
	       "madvise: MADV_DONTNEED of shared memory");
	tap(shared[0] == 1, "madvise: it keeps the contents");
	munmap(p + 4 * PAGE, PAGE);
	expect(call(SYS_madvise, p + 3 * PAGE, 3 * PAGE, (long)MADV_DONTNEED), ENOMEM, "madvise: a hole");
	tap(p[2 * PAGE] == 3 && p[3 * PAGE] == 0 && p[5 * PAGE] == 0, "madvise: what is around it is done");
	expect(call(SYS_madvise, p, 2 * PAGE, (long)MADV_POPULATE_WRITE), 0, "madvise: MADV_POPULATE_WRITE");
	expect(call(SYS_madvise, read_only, PAGE, (long)MADV_POPULATE_READ), 0,
	       "madvise: MADV_POPULATE_READ");
	expect(call(SYS_madvise, read_only, PAGE, (long)MADV_POPULATE_WRITE), EINVAL,
	       "madvise: no right to write");
	expect(call(SYS_madvise, p, 6 * PAGE, (long)MADV_POPULATE_READ), ENOMEM,
	       "madvise: populating a hole");
	expect(call(SYS_madvise, mapped, 4 * PAGE, (long)MADV_POPULATE_READ), EFAULT,
	       "madvise: populating beyond a file's end");
	expect(call(SYS_madvise, mapped, 2 * PAGE, (long)MADV_WILLNEED), 0, "madvise: MADV_WILLNEED");
	munmap(p, 8 * PAGE);
	munmap(shared, 8 * PAGE);
	munmap(mapped, 4 * PAGE);
	close(fd);
}

static void test_sync_core(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	unsigned char vec[4];

	p[PAGE] = 1;
	expect(call(SYS_msync, p + 1, PAGE, (long)MS_SYNC), EINVAL, "msync: a crooked address");
	expect(call(SYS_msync, p, PAGE, 8l), EINVAL, "msync: an unknown flag");
	expect(call(SYS_msync, p, PAGE, (long)(MS_SYNC | MS_ASYNC)), EINVAL, "msync: now and later");
	expect(call(SYS_mincore, p + 1, PAGE, vec), EINVAL, "mincore: a crooked address");
	expect(call(SYS_mincore, p, PAGE, 8l), EFAULT, "mincore: an answer to nowhere");
	expect(call(SYS_mincore, p, 4 * PAGE, vec), 0, "mincore");
	tap(!(vec[0] & 1) && (vec[1] & 1), "mincore: tells what was touched");
	munmap(p + 2 * PAGE, PAGE);
	expect(call(SYS_mincore, p, 4 * PAGE, vec), ENOMEM, "mincore: a hole");
	expect(call(SYS_msync, p, 4 * PAGE, (long)MS_SYNC), ENOMEM, "msync: a hole");
	munmap(p, 4 * PAGE);
	expect(call(SYS_remap_file_pages, p, PAGE, 0l, 0l, 0l), ENOSYS, "remap_file_pages is not there");
}

static int under_limits(void)
{
	struct rlimit as = { 64 << 20, 64 << 20 }, data = { 8 << 20, 8 << 20 };
	long top = syscall(SYS_brk, 0);
	int bad = 0;

	if (setrlimit(RLIMIT_AS, &as) < 0)
		return 100;
	bad |= !(do_mmap(0, 128 << 20, RW, ANON, -1, 0) == -1 && errno == ENOMEM) << 0;
	bad |= !(do_mmap(0, 128 << 20, PROT_NONE, ANON, -1, 0) == -1 && errno == ENOMEM) << 1;
	if (setrlimit(RLIMIT_DATA, &data) < 0)
		return 101;
	bad |= !(do_mmap(0, 16 << 20, RW, ANON, -1, 0) == -1 && errno == ENOMEM) << 2;
	bad |= !(do_mmap(0, 16 << 20, PROT_READ, ANON, -1, 0) != -1) << 3;
	bad |= !(syscall(SYS_brk, top + (16 << 20)) == top) << 4;
	return bad;
}

static void test_limits(void)
{
	int status = -1;

	fflush(stdout);
	if (fork() == 0)
		_exit(under_limits());
	wait(&status);
	if (status)
		printf("# status %x\n", status);
	tap(status == 0, "RLIMIT_AS and RLIMIT_DATA: ENOMEM");
}

int main(void)
{
	test_mmap();
	test_unmap_protect();
	test_mremap();
	test_madvise();
	test_sync_core();
	test_limits();
	return tap_end();
}

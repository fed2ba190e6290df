/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping memory and changing what is mapped. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#define PAGE 4096

static char *pages(int count)
{
	return mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static char *target; /* of what a child tries */

static void writes(void)
{
	*(volatile char *)target = 1;
}

static void reads(void)
{
	(void)*(volatile char *)target;
}

static bool failed(void *p)
{
	return p == MAP_FAILED;
}

/* -1 and errno as mmap left it, or 0. */
static int mapped(void *p)
{
	return failed(p) ? -1 : 0;
}

static void test_mmap(void)
{
	int fd = file_with("file", "abcdef"), reader = open("file", O_RDONLY),
	    writer = open("file", O_WRONLY);
	char *p = pages(2), *shared, *private;
	char text[8] = "";

	VALUE(p[0] + p[PAGE]);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	TEXT("shared", shared, 6);
	shared[0] = 'X';
	TEXT("private", private, 6);
	private[1] = 'Y';
	pread(fd, text, 6, 0);
	TEXT("file", text, 6);
	VALUE(shared[6]); /* zeros up to the end of the page */
	RESULT(mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1)));
	RESULT(mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0)));
	RESULT(mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 0))); /* the descriptor's error comes first */
	RESULT(mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 1))); /* but for that of the offset */
	RESULT(mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, open("file", O_PATH), 0)));
	RESULT(mapped(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0)));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0)));
	RESULT(mapped(mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	RESULT(mapped(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)));
	RESULT(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	target = p;
	in_child("a write where only reading is allowed", writes);
	in_child("a read there", reads);
	RESULT(mapped(
		mmap((void *)~0xffful, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
	close(fd);
	VALUE(shared[0]); /* a mapping outlives the descriptor */
}

static void test_munmap(void)
{
	char *p = pages(3);

	RESULT(munmap(p + PAGE, PAGE));
	target = p + PAGE;
	in_child("a read of the hole", reads);
	p[0] = p[2 * PAGE] = 1;
	RESULT(munmap(p, 3 * PAGE)); /* holes are no error */
	RESULT(munmap(p, 3 * PAGE));
	RESULT(munmap(p + 1, PAGE));
	RESULT(munmap(p, 0));
	RESULT(munmap((void *)(1ul << 60), PAGE));
}

static void test_mprotect(void)
{
	char *p = pages(3);

	RESULT(mprotect(p + PAGE, PAGE, PROT_NONE));
	target = p + PAGE;
	in_child("a read of what is closed", reads);
	RESULT(mprotect(p + PAGE, PAGE, PROT_READ));
	in_child("a read of what is open again", reads);
	in_child("a write there", writes);
	RESULT(mprotect(p + 1, PAGE, PROT_READ));
	RESULT(mprotect(p, 0, PROT_READ));
	munmap(p + PAGE, PAGE);
	RESULT(mprotect(p, 3 * PAGE, PROT_READ));
	RESULT(mprotect(p, PAGE, 0x100));
	RESULT(mprotect(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("/dev/zero", O_RDONLY), 0), PAGE,
			PROT_WRITE));
}

static void test_mremap(void)
{
	char *p = pages(2), *q, *place = pages(4);

	p[0] = 'a';
	p[PAGE] = 'b';
	q = mremap(p, 2 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
	VALUE(q[PAGE]);
	VALUE(q[19 * PAGE]);
	RESULT(mremap(q, 20 * PAGE, PAGE, 0) == q);
	RESULT(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	VALUE(place[0]);
	RESULT(mapped(mremap(place + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
	RESULT(mapped(mremap(place, PAGE, 0, MREMAP_MAYMOVE)));
	RESULT(mapped(mremap(place, PAGE, PAGE, MREMAP_FIXED, q)));
	RESULT(mapped(mremap(place, PAGE, PAGE, 0x10)));
	RESULT(mapped(mremap(nowhere(), PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
	p = pages(2);
	RESULT(mapped(mremap(p, PAGE, 2 * PAGE, 0))); /* in the way: the page after it */
}

static void test_madvise(void)
{
	char *p = pages(2);

	p[0] = 1;
	RESULT(madvise(p, PAGE, MADV_DONTNEED));
	VALUE(p[0]);
	RESULT(madvise(p, 2 * PAGE, MADV_WILLNEED));
	RESULT(madvise(p, PAGE, MADV_SEQUENTIAL));
	RESULT(madvise(p, PAGE, MADV_FREE));
	RESULT(madvise(p + 1, PAGE, MADV_DONTNEED));
	RESULT(madvise(p, PAGE, 9999));
	RESULT(madvise(p, 0, MADV_DONTNEED));
	RESULT(madvise(nowhere(), PAGE, MADV_DONTNEED));
	RESULT(madvise(p, PAGE, MADV_DONTFORK));
	target = p;
	in_child("a read of what was not inherited", reads);
	RESULT(madvise(p, PAGE, MADV_DOFORK));
	in_child("a read of what was", reads);
}

static void test_msync(void)
{
	int fd = file_with("file", "abcdef");
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	RESULT(msync(p, PAGE, MS_SYNC));
	RESULT(msync(p, PAGE, MS_ASYNC));
	RESULT(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	RESULT(msync(p + 1, PAGE, MS_SYNC));
	RESULT(msync(p, PAGE, 0x10));
	RESULT(msync(nowhere(), PAGE, MS_SYNC));
	RESULT(msync(p, 0, MS_SYNC));
}

static void test_mincore(void)
{
	unsigned char in[4] = { 0 };
	char *p = pages(2);

	p[0] = 1;
	RESULT(mincore(p, 2 * PAGE, in));
	VALUE(in[0] & 1);
	VALUE(in[1] & 1);
	RESULT(mincore(p + 1, PAGE, in));
	RESULT(mincore(nowhere(), PAGE, in));
	RESULT(mincore(p, PAGE, nowhere()));
}

static void test_brk(void)
{
	char *start = (char *)syscall(SYS_brk, 0);

	RESULT((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
	start[2 * PAGE] = 1;
	RESULT((char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
	target = start + 2 * PAGE;
	in_child("a read above the break", reads);
	RESULT((char *)syscall(SYS_brk, 1) == start + PAGE); /* refused: the break stays */
}

static void limited_lock(void)
{
	struct rlimit limit = { PAGE, PAGE };
	char *p = pages(2);

	setrlimit(RLIMIT_MEMLOCK, &limit);
	RESULT(mlock(p, PAGE));
	RESULT(mlock(p, 2 * PAGE));
	RESULT(mlockall(MCL_CURRENT));
}

static void test_mlock(void)
{
	char *p = pages(2);

	RESULT(mlock(p, PAGE));
	RESULT(munlock(p, PAGE));
	RESULT(mlock(nowhere(), PAGE));
	RESULT(munlock(nowhere(), PAGE));
	RESULT(syscall(SYS_mlock2, p, PAGE, 1));
	RESULT(syscall(SYS_mlock2, p, PAGE, 8));
	RESULT(mlockall(0));
	RESULT(mlockall(64));
	RESULT(munlockall());
	as_user(1000, "within a limit", limited_lock);
}

static void limited_space(void)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };

	setrlimit(RLIMIT_AS, &limit);
	RESULT(mapped(mmap(NULL, 65 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	RESULT(mapped(pages(1)));
}

static void test_limit(void)
{
	in_child("RLIMIT_AS", limited_space);
}

static void test_memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "name", 3 /* CLOEXEC, ALLOW_SEALING */);
	char *p;

	VALUE(fd >= 0);
	RESULT(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[0] = 'm';
	RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	RESULT(ftruncate(fd, 2 * PAGE));
	RESULT(ftruncate(fd, 0));
	munmap(p, PAGE);
	RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	RESULT(write(fd, "x", 1));
	RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	RESULT(fcntl(fd, F_GET_SEALS));
	RESULT(mapped(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)));
	RESULT(syscall(SYS_memfd_create, "name", 0x100));
	RESULT(syscall(SYS_memfd_create, nowhere(), 0));
	RESULT(fcntl(file_with("file", ""), F_GET_SEALS));
}

/* userfaultfd's ioctls, with structures as rows of words. */
#define UFFDIO_API          0xc018aa3ful
#define UFFDIO_REGISTER     0xc020aa00ul
#define UFFDIO_UNREGISTER   0x8010aa01ul
#define UFFDIO_WAKE         0x8010aa02ul
#define UFFDIO_COPY         0xc028aa03ul
#define UFFDIO_ZEROPAGE     0xc020aa04ul
#define UFFDIO_WRITEPROTECT 0xc018aa06ul
#define USER_MODE_ONLY      1

static void monitor_as_user(void)
{
	RESULT(syscall(SYS_userfaultfd, 0));
	RESULT(syscall(SYS_userfaultfd, 2));
	RESULT(syscall(SYS_userfaultfd, USER_MODE_ONLY | 2));
	SUCCEEDS(syscall(SYS_userfaultfd, USER_MODE_ONLY));
}

static int monitor(void)
{
	int fd = (int)syscall(SYS_userfaultfd, USER_MODE_ONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t api[3] = { 0xaa }, other[3] = { 0xab }, more[3] = { 0xaa, 1ull << 40 };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	VALUE(fcntl(fd, F_GETFD));
	VALUE(poll(&p, 1, 0) == 1 && p.revents == POLLERR);
	RESULT(ioctl(fd, UFFDIO_WAKE, api));
	RESULT(read(fd, api, 32));
	RESULT(ioctl(fd, UFFDIO_API, other));
	VALUE((long)other[0]);
	RESULT(ioctl(fd, UFFDIO_API, more));
	RESULT(ioctl(fd, UFFDIO_API, nowhere()));
	RESULT(ioctl(fd, UFFDIO_API, api));
	VALUE((long)api[0]);
	VALUE(api[2] == (3 | 1ull << 63));
	RESULT(ioctl(fd, UFFDIO_API, (uint64_t[3]){ 0xaa }));
	VALUE(poll(&p, 1, 0));
	return fd;
}

static long resolve(int fd, unsigned long cmd, char *to, char *from, uint64_t len, uint64_t mode)
{
	uint64_t copy[5] = { (uintptr_t)to, (uintptr_t)from, len, mode, 77 };
	uint64_t zero[4] = { (uintptr_t)to, len, mode, 77 };
	bool copies = cmd == UFFDIO_COPY;
	long result = ioctl(fd, cmd, copies ? copy : zero);

	/* How far it came, or why not; 77: it was not begun. */
	return result < 0 && errno != EAGAIN ? result : (long)(copies ? copy[4] : zero[3]);
}

static void test_monitor(void)
{
	char *p = pages(4), from[2 * PAGE];
	uint64_t a = (uintptr_t)p;
	int fd = monitor();

	as_user(1000, "of a user", monitor_as_user);
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a, 2 * PAGE, 0 })));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a, 2 * PAGE, 8 })));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a + 8, 2 * PAGE, 1 })));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a, 0, 1 })));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a, PAGE, 4 })));
	RESULT(ioctl(fd, UFFDIO_REGISTER, nowhere()));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ (uintptr_t)nowhere(), PAGE, 1 })));
	RESULT(resolve(fd, UFFDIO_COPY, p, from, PAGE, 0));
	RESULT(ioctl(fd, UFFDIO_REGISTER, ((uint64_t[4]){ a, 3 * PAGE, 3 })));
	RESULT(resolve(fd, UFFDIO_COPY, p, from, PAGE, 4));
	RESULT(resolve(fd, UFFDIO_COPY, p, from, PAGE - 1, 0));
	RESULT(resolve(fd, UFFDIO_COPY, p, nowhere(), PAGE, 0));
	RESULT(resolve(fd, UFFDIO_COPY, p + PAGE, from, PAGE, 2));
	RESULT(resolve(fd, UFFDIO_COPY, p + PAGE, from, PAGE, 0));
	RESULT(resolve(fd, UFFDIO_COPY, p, from, 2 * PAGE, 1));
	RESULT(resolve(fd, UFFDIO_ZEROPAGE, p + 2 * PAGE, NULL, PAGE, 1));
	RESULT(resolve(fd, UFFDIO_ZEROPAGE, p + 2 * PAGE, NULL, PAGE, 0));
	RESULT(resolve(fd, UFFDIO_ZEROPAGE, p + 2 * PAGE, NULL, 2 * PAGE, 0));
	RESULT(resolve(fd, UFFDIO_ZEROPAGE, p + 2 * PAGE, NULL, PAGE, 2));
	RESULT(ioctl(fd, UFFDIO_WRITEPROTECT, ((uint64_t[3]){ a, 2 * PAGE, 1 })));
	RESULT(ioctl(fd, UFFDIO_WRITEPROTECT, ((uint64_t[3]){ a, 2 * PAGE, 3 })));
	RESULT(ioctl(fd, UFFDIO_WRITEPROTECT, ((uint64_t[3]){ a, 4 * PAGE, 0 })));
	RESULT(ioctl(fd, UFFDIO_WRITEPROTECT, ((uint64_t[3]){ a, 2 * PAGE, 0 })));
	RESULT(ioctl(fd, UFFDIO_WAKE, ((uint64_t[2]){ a, PAGE })));
	RESULT(ioctl(fd, UFFDIO_WAKE, ((uint64_t[2]){ a, PAGE + 1 })));
	RESULT(ioctl(fd, UFFDIO_UNREGISTER, ((uint64_t[2]){ a, 4 * PAGE })));
	RESULT(resolve(fd, UFFDIO_ZEROPAGE, p + PAGE, NULL, PAGE, 0));
	RESULT(ioctl(fd, 0xaa55, 0));
	RESULT(write(fd, from, 32));
	RESULT(read(fd, from, 31));
	RESULT(read(fd, from, 32));
}

static const struct calls table[] = {
	{ "mmap", test_mmap },
	{ "munmap", test_munmap },
	{ "mprotect", test_mprotect },
	{ "mremap", test_mremap },
	{ "madvise", test_madvise },
	{ "msync", test_msync },
	{ "mincore", test_mincore },
	{ "brk", test_brk },
	{ "mlock munlock mlockall munlockall mlock2", test_mlock },
	{ "setrlimit mmap", test_limit },
	{ "memfd_create", test_memfd },
	{ "userfaultfd", test_monitor },
};

CALLS_MAIN(table)

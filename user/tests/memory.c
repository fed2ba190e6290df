/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap and its family, as the Linux manual pages describe them.  Runs on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf escape;
static volatile int fault_code;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	fault_code = signo * 100 + info->si_code;
	siglongjmp(escape, 1);
}

/* 0 when the access works, else signal * 100 + si_code. */
static int read_faults(const volatile char *at)
{
	fault_code = 0;
	if (sigsetjmp(escape, 1) == 0)
		(void)*at;
	return fault_code;
}

static int write_faults(volatile char *at)
{
	fault_code = 0;
	if (sigsetjmp(escape, 1) == 0)
		*at = 1;
	return fault_code;
}

#define MAPERR (SIGSEGV * 100 + SEGV_MAPERR)
#define ACCERR (SIGSEGV * 100 + SEGV_ACCERR)
#define ADRERR (SIGBUS * 100 + BUS_ADRERR)

static char *map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int fails(void *p, int error)
{
	return p == MAP_FAILED && errno == error;
}

static int temporary_file(void)
{
	char name[] = "/tmp/memory-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	return fd;
}

static void test_anonymous(void)
{
	char *p = map(16, RW, ANON), *q;
	int clear = p != NULL;

	for (size_t i = 0; p && i < 16 * PAGE; i++)
		clear &= p[i] == 0;
	tap(clear, "anonymous memory is zero");
	memset(p, 0xa5, 16 * PAGE);
	tap(munmap(p + 4 * PAGE, 4 * PAGE) == 0 && read_faults(p + 4 * PAGE) == MAPERR &&
		    p[8 * PAGE] == (char)0xa5,
	    "munmap cuts a hole");
	q = mmap(p + 4 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	tap(q == p + 4 * PAGE && q[0] == 0, "MAP_FIXED fills it with fresh memory");
	tap(fails(mmap(q, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST),
	    "MAP_FIXED_NOREPLACE keeps what is there");
	munmap(q, 4 * PAGE);
	tap(mmap(q, PAGE, RW, ANON, -1, 0) == q, "a free hint is honoured");
	tap(munmap(p, 16 * PAGE) == 0 && munmap(p, 16 * PAGE) == 0, "unmapping nothing is no error");
}

static void test_bad_arguments(void)
{
	char *p = map(4, RW, ANON);

	tap(fails(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL), "mmap of nothing");
	tap(fails(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL), "mmap neither shared nor private");
	tap(fails(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL), "MAP_FIXED at an odd address");
	tap(fails(mmap(NULL, 1ul << 50, RW, ANON, -1, 0), ENOMEM), "mmap of too much");
	tap(fails(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF), "mmap of no file");
	tap(fails(mmap(NULL, PAGE, RW, MAP_PRIVATE, 0, 77), EINVAL), "mmap at an odd offset");
	tap(munmap(p + 1, PAGE) < 0 && errno == EINVAL, "munmap at an odd address");
	tap(munmap(p, 0) < 0 && errno == EINVAL, "munmap of nothing");
	tap(munmap((void *)(1ul << 63), PAGE) < 0 && errno == EINVAL, "munmap of kernel space");
	tap(syscall(SYS_mprotect, p + 1, PAGE, RW) < 0 && errno == EINVAL, "mprotect at an odd address");
	munmap(p + PAGE, PAGE);
	tap(mprotect(p, 4 * PAGE, PROT_READ) < 0 && errno == ENOMEM, "mprotect across a hole");
	tap(madvise(p, 4 * PAGE, MADV_DONTNEED) < 0 && errno == ENOMEM, "madvise across a hole");
	tap(madvise(p, PAGE, 4711) < 0 && errno == EINVAL, "unknown advice");
	tap(msync(p, 4 * PAGE, MS_SYNC) < 0 && errno == ENOMEM, "msync across a hole");
	tap(msync(p, PAGE, MS_SYNC | MS_ASYNC) < 0 && errno == EINVAL, "msync with both");
	munmap(p, 4 * PAGE);
}

static void test_special_places(void)
{
	char *low = map(4, RW, ANON | MAP_32BIT), *stack;

	tap((uintptr_t)low >> 31 == 0 && write_faults(low) == 0, "MAP_32BIT stays low");
	stack = mmap(low + 0x1000000, PAGE, RW, ANON | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN, -1, 0);
	tap(stack == low + 0x1000000 && write_faults(stack - PAGE) == 0 &&
		    write_faults(stack - 8 * PAGE) == 0,
	    "MAP_GROWSDOWN grows");
	tap(fails(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL),
	    "MAP_SHARED_VALIDATE is for files");
	munmap(low, 4 * PAGE);
	munmap(stack - 8 * PAGE, 9 * PAGE);
}

static void test_protection(void)
{
	char *p = map(3, RW, ANON);

	memset(p, 7, 3 * PAGE);
	tap(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && write_faults(p + PAGE) == ACCERR && p[PAGE] == 7,
	    "read-only memory cannot be written");
	tap(mprotect(p + PAGE, PAGE, PROT_NONE) == 0 && read_faults(p + PAGE) == ACCERR,
	    "PROT_NONE hides it");
	tap(mprotect(p, 3 * PAGE, RW) == 0 && p[PAGE] == 7 && write_faults(p + PAGE) == 0,
	    "and brings it back");
	tap(madvise(p, PAGE, MADV_DONTNEED) == 0 && p[0] == 0 && p[PAGE] == 1, "MADV_DONTNEED forgets");
	munmap(p, 3 * PAGE);
	tap(read_faults(p) == MAPERR, "unmapped memory is gone");
	tap(read_faults((char *)8) == MAPERR, "page zero is not mapped");
}

/* Serix alone: no page is writable and executable, for a program that is not marked (write_exec.c). */
static void test_write_xor_execute(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov eax, 42; ret */
	char *p = map(1, RW, ANON);
	struct utsname name;

	memcpy(p, code, sizeof(code));
	tap(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0 && ((int (*)(void))(uintptr_t)p)() == 42,
	    "written code runs once it is not writable");
	uname(&name);
	if (strcmp(name.sysname, "Linux") == 0 && strstr(name.version, "Serix") == NULL)
		return;
	tap(fails(mmap(NULL, PAGE, RW | PROT_EXEC, ANON, -1, 0), EACCES), "mmap writable and executable");
	tap(mprotect(p, PAGE, RW | PROT_EXEC) < 0 && errno == EACCES, "mprotect writable and executable");
}

static int child_of(pid_t *pid)
{
	*pid = fork();
	return *pid == 0;
}

static int exit_code(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_fork(void)
{
	char *private = map(64, RW, ANON), *shared = map(2, RW, MAP_SHARED | MAP_ANONYMOUS);
	char *left_out = map(1, RW, ANON), *wiped = map(1, RW, ANON);
	pid_t pid;

	memset(private, 1, 64 * PAGE);
	*left_out = *wiped = 1;
	tap(madvise(left_out, PAGE, MADV_DONTFORK) == 0 && madvise(wiped, PAGE, MADV_WIPEONFORK) == 0,
	    "advice on fork");
	if (child_of(&pid)) {
		int good = private[63 * PAGE] == 1 && *wiped == 0 && read_faults(left_out) == MAPERR;

		memset(private, 2, 64 * PAGE);
		shared[PAGE] = 3;
		_exit(good && private[5 * PAGE] == 2 ? 9 : 8);
	}
	tap(exit_code(pid) == 9, "the child has its copy, and obeys advice");
	tap(private[0] == 1 && private[63 * PAGE] == 1, "the parent's pages are its own");
	tap(shared[PAGE] == 3, "shared memory is shared");
	munmap(private, 64 * PAGE);
	munmap(shared, 2 * PAGE);
}

static void test_files(void)
{
	int fd = temporary_file();
	char *shared, *private, byte;

	tap(fd >= 0 && ftruncate(fd, 2 * PAGE + 10) == 0, "a file of two and a bit pages");
	shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	private = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, PAGE);
	tap(shared != MAP_FAILED && private != MAP_FAILED, "is mapped shared and private");
	shared[PAGE] = 'x';
	tap(pread(fd, &byte, 1, PAGE) == 1 && byte == 'x' && private[0] == 'x',
	    "a shared write is seen by read");
	private[0] = 'y';
	tap(pread(fd, &byte, 1, PAGE) == 1 && byte == 'x' && shared[PAGE] == 'x', "a private one is not");
	tap(pwrite(fd, "z", 1, 0) == 1 && shared[0] == 'z', "write is seen by the mapping");
	tap(shared[2 * PAGE + 10] == 0, "behind the end of the file there are zeroes");
	tap(read_faults(shared + 3 * PAGE) == ADRERR, "and behind its last page SIGBUS");
	tap(msync(shared, 2 * PAGE, MS_SYNC) == 0, "msync");
	tap(fails(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP),
	    "MAP_SHARED_VALIDATE knows its flags");
	munmap(shared, 4 * PAGE);
	munmap(private, 2 * PAGE);
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY);
	if (fd < 0)
		fd = open("/sbin/init", O_RDONLY);
	tap(fails(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES),
	    "a file opened for reading cannot be written");
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	tap(shared != MAP_FAILED && memcmp(shared, "\177ELF", 4) == 0, "but read");
	tap(mprotect(shared, PAGE, RW) < 0 && errno == EACCES, "even by way of mprotect");
	close(fd);
}

static void test_brk(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end = start + 40 * PAGE + 17;

	tap((char *)syscall(SYS_brk, end) == end, "the break moves up");
	memset(start, 5, 40 * PAGE);
	tap((char *)syscall(SYS_brk, start + PAGE) == start + PAGE && read_faults(start + 2 * PAGE) == MAPERR,
	    "and down");
	tap((char *)syscall(SYS_brk, end) == end && start[2 * PAGE] == 0, "what comes back is fresh");
	tap((char *)syscall(SYS_brk, (char *)1) == end, "a bad break changes nothing");
	tap((char *)syscall(SYS_brk, (char *)(1ul << 62)) == end, "nor does one that is too high");
	syscall(SYS_brk, start);
}

static void test_mremap(void)
{
	char *p = map(4, RW, ANON), *q, *fixed;

	memset(p, 3, 4 * PAGE);
	tap(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p && read_faults(p + 2 * PAGE) == MAPERR, "mremap shrinks");
	q = mmap(p + 2 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	tap(mremap(p, 2 * PAGE, 8 * PAGE, 0) == MAP_FAILED && errno == ENOMEM, "cannot grow where it is");
	q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	tap(q != MAP_FAILED && q[PAGE] == 3 && q[2 * PAGE] == 0 && read_faults(p) == MAPERR, "moves to grow");
	fixed = map(8, RW, ANON);
	tap(mremap(q, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, fixed) == fixed && fixed[0] == 3,
	    "moves where it is told");
	tap(mremap(q, PAGE, PAGE, 0) == MAP_FAILED && errno == EFAULT, "but not what is not mapped");
	munmap(fixed, 8 * PAGE);
}

static void test_mincore(void)
{
	char *p = map(4, RW, ANON);
	unsigned char in[4] = { 9, 9, 9, 9 };

	p[PAGE] = 1;
	tap(mincore(p, 4 * PAGE, in) == 0 && !in[0] && (in[1] & 1) && !in[2] && !in[3],
	    "mincore tells what is there");
	munmap(p + 2 * PAGE, PAGE);
	tap(mincore(p, 4 * PAGE, in) < 0 && errno == ENOMEM, "and what is not mapped");
	tap(mincore(p, PAGE, (void *)8) < 0 && errno == EFAULT, "to a good address only");
	munmap(p, 4 * PAGE);
}

static int recurse(int depth)
{
	volatile char frame[16384];

	frame[0] = (char)depth;
	return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
}

static void test_stack(void)
{
	pid_t pid;

	tap(recurse(400) != 12345678, "the stack grows by 6 MiB");
	if (child_of(&pid)) {
		recurse(100000);
		_exit(0);
	}
	tap(exit_code(pid) == -1, "but not without end");
}

/* More than there is: the calls or the child fail, the system goes on. */
static void test_many_areas(void)
{
	char *base = map(4096, PROT_NONE, ANON | MAP_NORESERVE);
	int good = base != NULL;

	for (size_t i = 0; good && i < 4096; i += 2)
		good &= mprotect(base + i * PAGE, PAGE, RW) == 0;
	for (size_t i = 0; good && i < 4096; i += 64)
		base[i * PAGE] = 1;
	tap(good && munmap(base, 4096 * PAGE) == 0, "four thousand areas come and go");
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	test_anonymous();
	test_bad_arguments();
	test_special_places();
	test_protection();
	test_write_xor_execute();
	test_fork();
	test_files();
	test_brk();
	test_mremap();
	test_mincore();
	test_stack();
	test_many_areas();
	return tap_end();
}

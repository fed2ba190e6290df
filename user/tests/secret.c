/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_secret(2) as the Linux manual page has it, and memory objects: what each type allows, and that a
 * descriptor can do no more than its rights say.  With the argument "noaes" the machine has no AES
 * instructions, and secure memory is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <serix/memory.h>

#include "child.h"
#include "tap.h"

#define PAGE            4096
#define RW              (PROT_READ | PROT_WRITE)
#define RX              (PROT_READ | PROT_EXEC)
#define FAILS(call, e)  ((call) == -1 && errno == (e))
#define NO_MAP(call, e) ((call) == MAP_FAILED && errno == (e))
#define ALL_RIGHTS      (MEM_RIGHT_READ | MEM_RIGHT_WRITE | MEM_RIGHT_MAP | MEM_RIGHT_RESIZE | MEM_RIGHT_SEAL)

enum { NR_memfd_secret = 447, NR_mem_create = 1024, NR_mem_share, NR_mem_run };

static int make_secret(void)
{
	return (int)syscall(NR_memfd_secret, 0);
}

static int create(unsigned type, size_t size, unsigned flags)
{
	return (int)syscall(NR_mem_create, type, size, flags);
}

static int share(int fd, unsigned rights)
{
	return (int)syscall(NR_mem_share, fd, rights, 0);
}

static char *map(int fd, int prot, int flags)
{
	return mmap(NULL, PAGE, prot, flags, fd, 0);
}

/* --- memfd_secret -----------------------------------------------------------------------------------------
 */

static void secret_is_only_mapped(void)
{
	int fd = make_secret();
	struct stat st;
	char c = 0, *p;

	need(fd >= 0 && FAILS((int)syscall(NR_memfd_secret, 1), EINVAL));
	need(fstat(fd, &st) == 0 && st.st_size == 0);
	need(FAILS(read(fd, &c, 1), EINVAL) && FAILS(write(fd, &c, 1), EINVAL));
	need(FAILS(lseek(fd, 0, SEEK_SET), ESPIPE) && FAILS(fcntl(fd, F_GET_SEALS), EINVAL));
	need(ftruncate(fd, PAGE) == 0 && FAILS(ftruncate(fd, 2 * PAGE), EINVAL) &&
	     FAILS(ftruncate(fd, 0), EINVAL));
	need(NO_MAP(map(fd, RW, MAP_PRIVATE), EINVAL) && NO_MAP(map(fd, RX, MAP_SHARED), EACCES));
	p = map(fd, RW, MAP_SHARED);
	need(p != MAP_FAILED && p[0] == 0 && p[PAGE - 1] == 0);
	p[7] = 's';
	need(p[7] == 's' && FAILS(mprotect(p, PAGE, RX), EACCES));
}

static void touch_beyond(void)
{
	int fd = make_secret();
	volatile char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	if (ftruncate(fd, PAGE) == 0)
		p[PAGE] = 1;
}

static void secret_ends_at_its_size(void)
{
	int status = status_of(touch_beyond);

	need(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

/* The contents outlive every mapping, encrypted meanwhile, as long as the descriptor does. */
static void secret_survives_unmapping(void)
{
	enum { PAGES = 20, WORDS = PAGE / sizeof(unsigned) };
	int fd = make_secret();
	unsigned *p;

	need(ftruncate(fd, PAGES * PAGE) == 0);
	for (unsigned round = 0; round < 10; round++) {
		p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
		need(p != MAP_FAILED);
		for (unsigned i = 0; i < PAGES * WORDS; i++) {
			if (round > 0)
				need(p[i] == i * 2654435761u + round - 1);
			p[i] = i * 2654435761u + round;
		}
		need(munmap(p, PAGES * PAGE) == 0);
	}
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE); /* some of it */
	need(p != MAP_FAILED && p[0] == WORDS * 2654435761u + 9);
}

/* A fault on a page at rest decrypts it with the registers that a program has its numbers in. */
static void vector_registers_are_kept(void)
{
	unsigned long before[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, low[2], high[2];
	int fd = make_secret();
	char *p, c;

	need(ftruncate(fd, PAGE) == 0 && (p = map(fd, RW, MAP_SHARED)) != MAP_FAILED);
	p[0] = 'v';
	need(munmap(p, PAGE) == 0 && (p = map(fd, RW, MAP_SHARED)) != MAP_FAILED);
	__asm__ volatile("movdqu %4, %%xmm0\n\tmovdqu %4, %%xmm9\n\t"
			 "movb (%3), %2\n\t"
			 "movdqu %%xmm0, %0\n\tmovdqu %%xmm9, %1"
			 : "=m"(low), "=m"(high), "=&q"(c)
			 : "r"(p), "m"(before)
			 : "xmm0", "xmm9");
	need(c == 'v' && memcmp(low, before, 16) == 0 && memcmp(high, before, 16) == 0);
}

static void secret_is_shared_with_children(void)
{
	int fd = make_secret();
	char *p;

	need(ftruncate(fd, PAGE) == 0 && (p = map(fd, RW, MAP_SHARED)) != MAP_FAILED);
	p[0] = 'p';
	if (fork() == 0) {
		need(p[0] == 'p');
		p[1] = 'c';
		munmap(p, PAGE);
		_exit(0);
	}
	wait(NULL);
	need(p[0] == 'p' && p[1] == 'c');
	if (fork() == 0) {
		close(fd);
		_exit(0); /* with the mapping */
	}
	wait(NULL);
	close(fd);
	need(p[1] == 'c'); /* and this mapping, the last, ends with its process */
}

/* The owner's own system calls reach it through its mapping; another process's memory calls do not. */
static void secret_serves_its_owner(void)
{
	int fd = make_secret(), ends[2], mem;
	char buf[16] = { 0 }, *p;
	struct iovec local = { buf, 8 }, remote;

	need(ftruncate(fd, PAGE) == 0 && (p = map(fd, RW, MAP_SHARED)) != MAP_FAILED && pipe(ends) == 0);
	strcpy(p, "for me");
	need(write(ends[1], p, 7) == 7 && read(ends[0], p + 100, 7) == 7 && strcmp(p + 100, "for me") == 0);
	mem = open("/proc/self/mem", O_RDONLY);
	need(mem < 0 || pread(mem, buf, 8, (off_t)p) < 0);
	remote = (struct iovec){ p, 8 };
	need(syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0) < 0 && buf[0] == 0);
}

static void secret_has_a_label(void)
{
	int fd = make_secret(), maps = open("/proc/self/maps", O_RDONLY);
	static char buf[65536];
	ssize_t n, len = 0;

	need(ftruncate(fd, PAGE) == 0 && map(fd, RW, MAP_SHARED) != MAP_FAILED);
	while ((n = read(maps, buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
		len += n;
	need(strstr(buf, "/secretmem (deleted)\n"));
}

static unsigned long locked_kib(void)
{
	static char buf[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	const char *row;

	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	row = strstr(buf, "VmLck:");
	return row ? strtoul(row + 6, NULL, 10) : 0;
}

static void secret_is_locked_memory(void)
{
	const struct rlimit little = { 2 * PAGE, 2 * PAGE };
	int fd = make_secret();
	char *p;

	need(ftruncate(fd, 4 * PAGE) == 0 && setrlimit(RLIMIT_MEMLOCK, &little) == 0 && setuid(1000) == 0);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED && locked_kib() == 8 && NO_MAP(map(fd, RW, MAP_SHARED), EAGAIN));
	need(munmap(p, PAGE) == 0 && map(fd, RW, MAP_SHARED) != MAP_FAILED);
}

/* Nothing takes a page out of it, not even where it is no longer locked. */
static void secret_stays_whole(void)
{
	int fd = make_secret(), status;
	char *p;

	need(ftruncate(fd, PAGE) == 0 && (p = map(fd, RW, MAP_SHARED)) != MAP_FAILED);
	p[9] = 'w';
	need(FAILS(madvise(p, PAGE, MADV_REMOVE), EINVAL));
	if (fork() == 0) {
		need(FAILS(madvise(p, PAGE, MADV_REMOVE), EOPNOTSUPP));
		need(madvise(p, PAGE, MADV_DONTNEED) == 0 && p[9] == 'w');
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0 && munlock(p, PAGE) == 0);
	need(FAILS(madvise(p, PAGE, MADV_REMOVE), EOPNOTSUPP) && p[9] == 'w');
}

/* Several processors map, write, check and unmap one object each, with frames moving between them. */
static void churn(void)
{
	for (unsigned round = 0; round < 40; round++) {
		int fd = make_secret();
		unsigned char *p;

		need(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
		for (int again = 0; again < 3; again++) {
			p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
			need(p != MAP_FAILED);
			for (int i = 0; i < 4 * PAGE; i += 64) {
				need(p[i] == (again ? (unsigned char)(i / 64 + getpid()) : 0));
				p[i] = (unsigned char)(i / 64 + getpid());
			}
			if (again == 2)
				close(fd);
			munmap(p, 4 * PAGE);
		}
	}
}

static void secrets_on_all_processors(void)
{
	int status;

	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			churn();
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		need(wait(&status) > 0 && status == 0);
}

/* --- memory objects ------------------------------------------------------------------------------------- */

static void bad_requests(void)
{
	need(FAILS(create(0, PAGE, 0), EINVAL) && FAILS(create(5, PAGE, 0), EINVAL));
	need(FAILS(create(MEM_NORMAL, 0, 0), EINVAL) && FAILS(create(MEM_NORMAL, 100, 0), EINVAL));
	need(FAILS(create(MEM_NORMAL, PAGE, 0x100), EINVAL));
	need(FAILS(create(MEM_NORMAL, PAGE, MEM_CONTIGUOUS), EINVAL));
	need(FAILS(create(MEM_NORMAL, 1ul << 63, 0), EINVAL));
	need(FAILS(share(0, MEM_RIGHT_READ), EBADF) && FAILS(share(99, 0), EBADF));
	need(FAILS(share(create(MEM_NORMAL, PAGE, 0), 1u << 31), EINVAL));
}

static void normal_memory(void)
{
	int fd = create(MEM_NORMAL, 2 * PAGE, MEM_CLOEXEC), copy;
	struct stat st;
	char c, *p;

	need(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && fstat(fd, &st) == 0 && st.st_size == 2 * PAGE);
	p = map(fd, RW, MAP_SHARED);
	need(p != MAP_FAILED && pwrite(fd, "x", 1, 5) == 1 && p[5] == 'x');
	copy = dup(fd);
	need(pread(copy, &c, 1, 5) == 1 && c == 'x' && ftruncate(copy, 3 * PAGE) == 0);
	need(NO_MAP(map(fd, RX, MAP_SHARED), EACCES) && NO_MAP(map(fd, RX, MAP_PRIVATE), EACCES));
	need(FAILS(mprotect(p, PAGE, RX), EACCES));
	need(FAILS(pwrite(fd, "x", 1, 3 * PAGE), EFBIG)); /* growing takes ftruncate and its right */
}

/* One byte of code: ret. */
static void executable_memory(void)
{
	int fd = create(MEM_EXECUTABLE, PAGE, 0);
	char *before, *code;

	before = map(fd, RW, MAP_SHARED);
	need(before != MAP_FAILED && NO_MAP(map(fd, RX, MAP_SHARED), EACCES));
	before[0] = (char)0xc3;
	need(FAILS(mprotect(before, PAGE, RX), EACCES)); /* what could be written never runs */
	need(FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY) && munmap(before, PAGE) == 0);
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	code = map(fd, RX, MAP_SHARED);
	need(code != MAP_FAILED);
	((void (*)(void))code)();
	need(FAILS(mprotect(code, PAGE, RW), EACCES) && NO_MAP(map(fd, RW, MAP_SHARED), EACCES));
	need(NO_MAP(map(fd, RW, MAP_PRIVATE), EACCES) && FAILS(pwrite(fd, "x", 1, 0), EPERM));
}

static void dma_memory(void)
{
	int fd = create(MEM_DMA, 16 * PAGE, MEM_CONTIGUOUS | MEM_BELOW_4G), less, status;
	struct mem_run run = { 0, 0 }, far;
	unsigned char *p;

	need(fd >= 0 && syscall(NR_mem_run, fd, 0ul, &run) == 0);
	need(run.length == 16 * PAGE && run.address % PAGE == 0 && run.address != 0);
	need(run.address + run.length <= 1ul << 32);
	need(syscall(NR_mem_run, fd, 5ul * PAGE + 12, &far) == 0);
	need(far.address == run.address + 5 * PAGE + 12 && far.length == 11 * PAGE - 12);
	need(FAILS(syscall(NR_mem_run, fd, 16ul * PAGE, &far), EINVAL));
	need(FAILS(ftruncate(fd, PAGE), EPERM) && FAILS(ftruncate(fd, 17 * PAGE), EPERM));
	p = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED && p[0] == 0 && p[16 * PAGE - 1] == 0);
	p[3 * PAGE] = 3;
	need(syscall(NR_mem_run, fd, 0ul, &far) == 0 && far.address == run.address);
	less = share(fd, MEM_RIGHT_READ | MEM_RIGHT_WRITE | MEM_RIGHT_MAP);
	need(less >= 0 && FAILS(syscall(NR_mem_run, less, 0ul, &far), EPERM));
	need(FAILS(syscall(NR_mem_run, create(MEM_NORMAL, PAGE, 0), 0ul, &far), EPERM));

	fd = create(MEM_DMA, 8 * PAGE, 0); /* not adjacent, maybe */
	need(fd >= 0 && syscall(NR_mem_run, fd, 7ul * PAGE, &far) == 0 && far.length == PAGE);
	need(FAILS(create(MEM_DMA, 1ul << 45, MEM_CONTIGUOUS), ENOMEM));
	if (fork() == 0) {
		need(setuid(1000) == 0 && FAILS(create(MEM_DMA, PAGE, 0), EPERM));
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
}

static void secure_memory(void)
{
	int fd = create(MEM_SECURE, 2 * PAGE, 0);
	char *p = map(fd, RW, MAP_SHARED), c;

	need(fd >= 0 && p != MAP_FAILED && p[0] == 0);
	p[0] = 'k';
	need(munmap(p, PAGE) == 0 && (p = map(fd, PROT_READ, MAP_SHARED)) != MAP_FAILED && p[0] == 'k');
	need(FAILS(pread(fd, &c, 1, 0), ESPIPE) || FAILS(pread(fd, &c, 1, 0), EINVAL));
	need(FAILS(ftruncate(fd, PAGE), EINVAL) && NO_MAP(map(fd, RW, MAP_PRIVATE), EINVAL));
}

/* Rights only shrink, whatever is asked for, and each is asked for by what it stands for. */
static void rights_only_shrink(void)
{
	int fd = create(MEM_NORMAL, PAGE, 0), reader = share(fd, MEM_RIGHT_READ | MEM_RIGHT_MAP), more, none,
	    status;
	char c, path[32], link[64] = { 0 }, *p;

	need(reader >= 0 && pread(reader, &c, 1, 0) == 1 && FAILS(pwrite(reader, "x", 1, 0), EBADF));
	need(NO_MAP(map(reader, RW, MAP_SHARED), EACCES) && FAILS(ftruncate(reader, 2 * PAGE), EPERM));
	p = map(reader, PROT_READ, MAP_SHARED);
	need(p != MAP_FAILED && FAILS(mprotect(p, PAGE, RW), EACCES));
	need(FAILS(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM) && FAILS(fchmod(reader, 0777), EPERM));
	more = share(reader, ALL_RIGHTS);
	need(more >= 0 && FAILS(pwrite(more, "x", 1, 0), EBADF) && FAILS(ftruncate(more, 2 * PAGE), EPERM));
	none = share(fd, 0);
	need(none >= 0 && FAILS(pread(none, &c, 1, 0), EBADF) &&
	     NO_MAP(map(none, PROT_READ, MAP_SHARED), EPERM));
	need(FAILS(pwrite(dup(reader), "x", 1, 0), EBADF));
	if (fork() == 0) { /* a child's table derives the same */
		need(FAILS(pwrite(reader, "x", 1, 0), EBADF));
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
	/* No way round it by a path. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", reader);
	need(readlink(path, link, sizeof(link) - 1) > 0 && strcmp(link, "/memory (deleted)") == 0);
	need(FAILS(open(path, O_RDWR), ENXIO) && FAILS(truncate(path, 0), ENXIO));
}

/* --- without AES instructions -----------------------------------------------------------------------------
 */

static void secure_is_refused(void)
{
	need(FAILS(make_secret(), ENOSYS) && FAILS(create(MEM_SECURE, PAGE, 0), EOPNOTSUPP));
}

static void types_without_aes(void)
{
	tap(passes(secure_is_refused), "secure memory is refused without AES instructions");
	tap(passes(normal_memory), "normal memory");
	tap(passes(executable_memory), "executable memory");
	tap(passes(dma_memory), "DMA memory");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "noaes") == 0) {
		types_without_aes();
		return tap_end();
	}
	tap(passes(secret_is_only_mapped), "memfd_secret is for mapping only");
	tap(passes(secret_ends_at_its_size), "SIGBUS past the end");
	tap(passes(secret_survives_unmapping), "contents survive being unmapped");
	tap(passes(vector_registers_are_kept), "decrypting leaves vector registers alone");
	tap(passes(secret_is_shared_with_children), "children share the mapping");
	tap(passes(secret_serves_its_owner),
	    "system calls of its owner use it, nobody reads it from outside");
	tap(passes(secret_has_a_label), "/secretmem (deleted) in /proc");
	tap(passes(secret_is_locked_memory), "counts as locked memory");
	tap(passes(secret_stays_whole), "no page can be taken out of it");
	tap(passes(secrets_on_all_processors), "many secrets on all processors");
	tap(passes(bad_requests), "mem_create and mem_share refuse nonsense");
	tap(passes(normal_memory), "normal memory: read and write, never execute");
	tap(passes(executable_memory), "executable memory: written, sealed, then executed");
	tap(passes(dma_memory), "DMA memory: pinned, adjacent, its place by right");
	tap(passes(secure_memory), "secure memory");
	tap(passes(rights_only_shrink), "rights only shrink");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files without a name, and seals: errno by errno as the Linux manual pages memfd_create(2) and fcntl(2) have
 * them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "tap.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#define SEAL_EXEC       0x20
#define NOEXEC_SEAL     8u
#define EXEC            0x10u
#define PAGE            4096
#define ROUNDS          200
#define FAILS(call, e)  ((call) == -1 && errno == (e))
#define NO_MAP(call, e) ((call) == MAP_FAILED && errno == (e))
#define RW              (PROT_READ | PROT_WRITE)

static int make(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

static int sealable(void)
{
	return make("sealed", MFD_ALLOW_SEALING);
}

static void *map(int fd, int prot, int flags)
{
	return mmap(NULL, PAGE, prot, flags, fd, 0);
}

static void refuses_bad_arguments(void)
{
	char name[260];

	memset(name, 'x', sizeof(name));
	name[249] = '\0';
	need(make(name, 0) >= 0);
	name[249] = 'x';
	name[250] = '\0';
	need(FAILS(make(name, 0), EINVAL));
	need(FAILS(make((const char *)8, 0), EFAULT));
	need(FAILS(make("a", 0x8000), EINVAL));
	need(FAILS(make("a", MFD_HUGETLB), EINVAL));
	need(FAILS(make("a", NOEXEC_SEAL | EXEC), EINVAL));
}

static void is_a_file(void)
{
	int fd = make("one", MFD_CLOEXEC);
	char buf[8] = { 0 };
	struct stat st;

	need(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	need(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0777 && st.st_size == 0 &&
	     st.st_nlink == 0);
	need(write(fd, "hello", 5) == 5 && lseek(fd, 1, SEEK_SET) == 1 && read(fd, buf, 8) == 4);
	need(memcmp(buf, "ello", 4) == 0);
	need(pwrite(fd, "J", 1, 0) == 1 && pread(fd, buf, 5, 0) == 5 && memcmp(buf, "Jello", 5) == 0);
	need(ftruncate(fd, 3 * PAGE) == 0 && fstat(fd, &st) == 0 && st.st_size == 3 * PAGE);
	need(fallocate(fd, 0, 0, 4 * PAGE) == 0 && lseek(fd, 0, SEEK_END) == 4 * PAGE);
	need(fchmod(fd, 0600) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	need(fsync(fd) == 0);
}

/* One memory behind descriptor, mapping, the child's mapping, and a second open by way of /proc. */
static void is_shared(void)
{
	int fd = make("shared", 0), again;
	char path[32], *p, c;

	need(ftruncate(fd, PAGE) == 0);
	p = map(fd, RW, MAP_SHARED);
	need(p != MAP_FAILED);
	p[1] = 'm';
	need(pread(fd, &c, 1, 1) == 1 && c == 'm');
	if (fork() == 0) {
		p[2] = 'c';
		_exit(0);
	}
	wait(NULL);
	need(p[2] == 'c' && pwrite(fd, "w", 1, 3) == 1 && p[3] == 'w');
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR);
	need(again >= 0 && pread(again, &c, 1, 2) == 1 && c == 'c');
	close(fd);
	close(again);
	need(p[3] == 'w'); /* the mapping keeps it */
}

static bool maps_show(const char *text)
{
	static char buf[65536];
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n, len = 0;

	while ((n = read(fd, buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
		len += n;
	buf[len] = '\0';
	close(fd);
	return strstr(buf, text);
}

static void has_a_label(void)
{
	int fd = make("a name", 0);
	char path[32], link[64] = { 0 };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	need(readlink(path, link, sizeof(link) - 1) > 0);
	need(strcmp(link, "/memfd:a name (deleted)") == 0);
	need(ftruncate(fd, PAGE) == 0 && map(fd, PROT_READ, MAP_SHARED) != MAP_FAILED);
	need(maps_show("/memfd:a name (deleted)\n"));
	close(fd);
	need(maps_show("/memfd:a name (deleted)\n"));
}

static void runs_as_a_program(void)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL }, buf[65536];
	int from = open("/bin/busybox", O_RDONLY), fd = make("program", 0), status;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		need(write(fd, buf, (size_t)n) == n);
	if (fork() == 0) {
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(99);
	}
	need(wait(&status) > 0 && status == 0);
}

/* --- seals ------------------------------------------------------------------------------------------- */

static void seals_need_permission(void)
{
	int fd = make("plain", 0), file = open("/tmp/memfd-test", O_RDWR | O_CREAT, 0600), ends[2];

	need(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM));
	need(pipe(ends) == 0 && FAILS(fcntl(ends[1], F_GET_SEALS), EINVAL));
	need(FAILS(fcntl(ends[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL));
	need(FAILS(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EPERM));
	unlink("/tmp/memfd-test");

	fd = sealable();
	need(fcntl(fd, F_GET_SEALS) == 0 && FAILS(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL));
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
	need(fcntl(fd, F_GET_SEALS) == (F_SEAL_GROW | F_SEAL_SEAL));
	need(FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM));
}

static void seals_hold_a_reader_off(void)
{
	int fd = sealable(), reader;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	need(reader >= 0 && FAILS(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM));
	need(fcntl(reader, F_GET_SEALS) == 0);
}

static void size_seals(void)
{
	int fd = sealable();

	need(ftruncate(fd, 2 * PAGE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	need(FAILS(ftruncate(fd, PAGE), EPERM) && ftruncate(fd, 3 * PAGE) == 0);
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	need(FAILS(ftruncate(fd, 4 * PAGE), EPERM) && FAILS(fallocate(fd, 0, 0, 4 * PAGE), EPERM));
	need(FAILS(pwrite(fd, "x", 1, 3 * PAGE), EPERM) && pwrite(fd, "x", 1, 3 * PAGE - 1) == 1);
	need(ftruncate(fd, 3 * PAGE) == 0 && fallocate(fd, 0, 0, 3 * PAGE) == 0);
}

/* Only what can ever write counts: a mapping that mprotect could open, but no private and no closed one. */
static void write_seal_meets_mappings(void)
{
	int fd = sealable(), reader;
	char path[32], *p, *half;

	need(ftruncate(fd, 2 * PAGE) == 0);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
	half = p + PAGE;
	need(munmap(p, PAGE) == 0 && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
	need(mprotect(half, PAGE, PROT_READ) == 0 && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
	need(munmap(half, PAGE) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	need(map(reader, PROT_READ, MAP_SHARED) != MAP_FAILED && map(fd, RW, MAP_PRIVATE) != MAP_FAILED);
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	need(FAILS(write(fd, "x", 1), EPERM) && NO_MAP(map(fd, RW, MAP_SHARED), EPERM));
	p = map(fd, PROT_READ, MAP_SHARED);
	need(p != MAP_FAILED && FAILS(mprotect(p, PAGE, RW), EACCES));
	need(map(fd, RW, MAP_PRIVATE) != MAP_FAILED);
}

/* A child's copy of the mapping counts, too, and goes with the child. */
static void write_seal_meets_a_child(void)
{
	int fd = sealable(), status, ends[2];
	char *p, c;
	pid_t pid;

	need(ftruncate(fd, PAGE) == 0 && pipe(ends) == 0);
	p = map(fd, RW, MAP_SHARED);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit((int)read(ends[0], &c, 1));
	}
	need(munmap(p, PAGE) == 0 && FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY));
	close(ends[1]);
	need(waitpid(pid, &status, 0) == pid && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
}

static atomic_int turn;
static int contended;

static void *map_each(void *maps)
{
	for (int round = 1; round <= ROUNDS; round++) {
		while (atomic_load(&turn) != round)
			sched_yield();
		((char **)maps)[round] = map(contended, RW, MAP_SHARED);
		atomic_store(&turn, -round);
	}
	return NULL;
}

/* One thread seals while another maps for writing: one of them has to fail, every time. */
static void write_seal_races_with_mmap(void)
{
	static char *maps[ROUNDS + 1];
	pthread_t mapper;

	need(pthread_create(&mapper, NULL, map_each, maps) == 0);
	for (int round = 1; round <= ROUNDS; round++) {
		bool sealed;

		contended = sealable();
		need(ftruncate(contended, PAGE) == 0);
		atomic_store(&turn, round);
		for (int spin = 0; spin < round % 32; spin++)
			(void)getppid();
		sealed = fcntl(contended, F_ADD_SEALS, F_SEAL_WRITE) == 0;
		while (atomic_load(&turn) != -round)
			sched_yield();
		need(sealed == (maps[round] == MAP_FAILED));
		if (!sealed)
			munmap(maps[round], PAGE);
		close(contended);
	}
	pthread_join(mapper, NULL);
}

static void future_write_seal(void)
{
	int fd = sealable();
	char *before, *p;

	need(ftruncate(fd, PAGE) == 0);
	before = map(fd, RW, MAP_SHARED);
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	before[0] = 'x'; /* what exists stays writable */
	need(FAILS(pwrite(fd, "y", 1, 0), EPERM) && NO_MAP(map(fd, RW, MAP_SHARED), EPERM));
	p = map(fd, PROT_READ, MAP_SHARED);
	need(p != MAP_FAILED && p[0] == 'x' && FAILS(mprotect(p, PAGE, RW), EACCES));
}

static void exec_seal(void)
{
	const int all = SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	int fd = make("x", NOEXEC_SEAL);
	struct stat st;

	need(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0666 && fcntl(fd, F_GET_SEALS) == SEAL_EXEC);
	need(FAILS(fchmod(fd, 0777), EPERM) && fchmod(fd, 0600) == 0);
	need(ftruncate(fd, PAGE) == 0 && NO_MAP(map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE), EACCES));
	need(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);

	fd = make("x", EXEC | MFD_ALLOW_SEALING);
	need(ftruncate(fd, PAGE) == 0 && fcntl(fd, F_ADD_SEALS, SEAL_EXEC) == 0);
	need(fcntl(fd, F_GET_SEALS) == all && FAILS(fchmod(fd, 0666), EPERM));
	need(map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE) != MAP_FAILED);
}

int main(void)
{
	tap(passes(refuses_bad_arguments), "flags and names that are refused");
	tap(passes(is_a_file), "read, write, seek, truncate, allocate, chmod");
	tap(passes(is_shared), "one memory behind descriptors and mappings");
	tap(passes(has_a_label), "/memfd:NAME (deleted) in /proc");
	tap(passes(runs_as_a_program), "runs as a program while it is open for writing");
	tap(passes(seals_need_permission), "who may seal what");
	tap(passes(seals_hold_a_reader_off), "a reader cannot seal");
	tap(passes(size_seals), "seals against shrinking and growing");
	tap(passes(write_seal_meets_mappings), "the write seal and writable mappings exclude each other");
	tap(passes(write_seal_meets_a_child), "a child's mapping counts");
	tap(passes(write_seal_races_with_mmap), "sealing and mapping at once: one of them fails");
	tap(passes(future_write_seal), "the seal against future writing");
	tap(passes(exec_seal), "the seal of the executable bit");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of /proc about processes and their locks say what is true, and only to those who may know. The same
 * program passes on Linux, run as root. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "child.h"
#include "tap.h"

static char text[1 << 16];
static char marker[] = "what another process looks for";

static size_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* --- auxv, mem --- */

static bool auxv_is_own(const char *path)
{
	size_t pairs = slurp(path) / 16, i;
	unsigned long pair[2] = { 0 };

	for (i = 0; i < pairs; i++) {
		memcpy(pair, text + i * 16, sizeof(pair));
		if (pair[0] != AT_NULL && getauxval(pair[0]) != pair[1])
			return false;
	}
	return pairs > 10 && pair[0] == AT_NULL;
}

static void memory_of_another(void)
{
	pid_t pid = sleeper();
	int fd = open_of(pid, "mem", O_RDWR);
	char copy[sizeof(marker)];
	off_t at = (off_t)(uintptr_t)marker;

	need(fd >= 0);
	need(pread(fd, copy, sizeof(copy), at) == sizeof(copy) && memcmp(copy, marker, sizeof(copy)) == 0);
	need(pwrite(fd, "WHAT", 4, at) == 4);
	need(pread(fd, copy, 4, at) == 4 && memcmp(copy, "WHAT", 4) == 0);
	need(memcmp(marker, "what", 4) == 0); /* its own copy of the page */
	need(lseek(fd, at + 5, SEEK_SET) == at + 5 && read(fd, copy, 7) == 7 &&
	     memcmp(copy, "another", 7) == 0);
	kill(pid, SIGKILL);
	need(waitpid(pid, NULL, 0) == pid);
	need(pread(fd, copy, 4, at) <= 0);
}

/* As far as there is memory; then an error. */
static void memory_ends(void)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), copy[64];
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	off_t end = (off_t)(uintptr_t)(map + 4096);

	need(munmap(map + 4096, 4096) == 0);
	need(pread(fd, copy, 64, end - 32) == 32);
	need(pread(fd, copy, 64, end) == -1 && errno == EIO);
	need(pwrite(fd, copy, 64, end) == -1 && errno == EIO);
	need(lseek(fd, 0, SEEK_END) == -1 && errno == EINVAL);
}

static void strangers(void)
{
	static const char *const names[] = { "mem", "auxv", "environ", "personality", "maps", "task/%d/mem" };
	pid_t pid = sleeper();
	char name[64];

	need(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), names[i], pid);
		need(open_of(pid, name, O_RDONLY) == -1 && errno == EACCES);
	}
	need(open_of(pid, "limits", O_RDONLY) >= 0 && open_of(pid, "stat", O_RDONLY) >= 0);
}

/* --- settings --- */

static void filter_is_kept(void)
{
	int fd = open("/proc/self/coredump_filter", O_RDWR | O_CLOEXEC);

	need(slurp("/proc/self/coredump_filter") == 9 && strcmp(text, "00000033\n") == 0);
	need(write(fd, "0x1f\n", 5) == 5);
	if (fork() == 0) {
		slurp("/proc/self/coredump_filter");
		_exit(strcmp(text, "0000001f\n") != 0);
	}
	int status;
	need(wait(&status) > 0 && status == 0);
	need(pwrite(fd, "yes", 3, 0) == -1 && errno == EINVAL);
}

/* --- locks --- */

static bool lists(const char *kind, const char *how, pid_t pid, const struct stat *st, const char *range)
{
	char want[128];

	slurp("/proc/locks");
	snprintf(want, sizeof(want), ": %-6s ADVISORY  %s %d %02x:%02x:%lu %s\n", kind, how, pid,
		 major(st->st_dev), minor(st->st_dev), (unsigned long)st->st_ino, range);
	return strstr(text, want) != NULL;
}

static void locks(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), other;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
	struct stat st;
	char path[32];

	need(fd >= 0 && fstat(fd, &st) == 0);
	need(fcntl(fd, F_SETLK, &l) == 0 && lists("POSIX", "WRITE", getpid(), &st, "10 29"));
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 5 };
	need(fcntl(fd, F_SETLK, &l) == 0);
	need(lists("POSIX", "WRITE", getpid(), &st, "10 14") &&
	     lists("POSIX", "WRITE", getpid(), &st, "20 29"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR);
	need(other >= 0 && flock(other, LOCK_SH) == 0 && lists("FLOCK", "READ", getpid(), &st, "0 EOF"));
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100 };
	need(fcntl(fd, F_OFD_SETLK, &l) == 0 && lists("OFDLCK", "READ", -1, &st, "100 EOF"));
	close(other);
	close(fd);
	slurp("/proc/locks");
	snprintf(path, sizeof(path), ":%lu ", (unsigned long)st.st_ino);
	need(!strstr(text, path));
}

int main(void)
{
	tap(auxv_is_own("/proc/self/auxv"), "auxv is what the program was told");
	tap(auxv_is_own("/proc/thread-self/auxv"), "and a thread's is its process's");
	tap(passes(memory_of_another), "mem: another process's memory, to read and to write");
	tap(passes(memory_ends), "mem: what is not mapped");
	tap(passes(strangers), "what is nobody else's business: EACCES");
	tap(slurp("/proc/self/personality") == 9 && strcmp(text, "00000000\n") == 0, "personality");
	tap(passes(filter_is_kept), "coredump_filter is kept, and the child's, too");
	tap(passes(locks), "locks: each with its kind, its owner, its file and its range");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/pagemap, as proc(5) has it; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

#define PAGE      4096ul
#define FRAME     ((1ull << 55) - 1)
#define EXCLUSIVE (1ull << 56)
#define NOT_ANON  (1ull << 61)
#define SWAPPED   (1ull << 62)
#define PRESENT   (1ull << 63)
#define ALL       (EXCLUSIVE | NOT_ANON | SWAPPED | PRESENT)

static int map_of(const char *path)
{
	int fd = open(path, O_RDONLY);

	need(fd >= 0);
	return fd;
}

static uint64_t entry_in(int fd, const void *p)
{
	uint64_t entry;

	need(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / PAGE * sizeof(entry))) == sizeof(entry));
	return entry;
}

static char *memory(int flags, int fd)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	need(p != MAP_FAILED);
	return p;
}

static void shows_private_memory(void)
{
	int fd = map_of("/proc/self/pagemap");
	char *p = memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	need((entry_in(fd, p) & (ALL | FRAME)) == 0);
	p[0] = 1;
	p[2 * PAGE] = 1;
	need((entry_in(fd, p) & ALL) == (PRESENT | EXCLUSIVE) && (entry_in(fd, p) & FRAME) != 0);
	need((entry_in(fd, p + PAGE) & PRESENT) == 0);
	need((entry_in(fd, p + 2 * PAGE) & ALL) == (PRESENT | EXCLUSIVE));
	need((entry_in(fd, p) & FRAME) != (entry_in(fd, p + 2 * PAGE) & FRAME));
	need(madvise(p, PAGE, MADV_DONTNEED) == 0 && (entry_in(fd, p) & (ALL | FRAME)) == 0);
}

static void shows_who_else_has_it(void)
{
	int fd = map_of("/proc/self/pagemap"), go[2], status = -1;
	char *p = memory(MAP_PRIVATE | MAP_ANONYMOUS, -1), byte;
	uint64_t frame;
	pid_t child;

	p[0] = 1;
	frame = entry_in(fd, p) & FRAME;
	need(pipe(go) == 0);
	child = fork();
	if (child == 0) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	need((entry_in(fd, p) & ALL) == PRESENT && (entry_in(fd, p) & FRAME) == frame);
	close(go[1]);
	need(waitpid(child, &status, 0) == child && status == 0);
	p[0] = 2;
	need((entry_in(fd, p) & ALL) == (PRESENT | EXCLUSIVE));
}

static void shows_shared_memory_and_files(void)
{
	int fd = map_of("/proc/self/pagemap"), file = memfd_create("pagemap", 0);
	char *shared, *copy, *anonymous = memory(MAP_SHARED | MAP_ANONYMOUS, -1);

	need(file >= 0 && ftruncate(file, 4 * PAGE) == 0);
	shared = memory(MAP_SHARED, file);
	copy = memory(MAP_PRIVATE, file);
	anonymous[0] = shared[0] = 1;
	need((entry_in(fd, anonymous) & (PRESENT | NOT_ANON)) == (PRESENT | NOT_ANON));
	need((entry_in(fd, shared) & (PRESENT | NOT_ANON)) == (PRESENT | NOT_ANON));
	need(copy[0] == 1 && (entry_in(fd, copy) & FRAME) == (entry_in(fd, shared) & FRAME));
	copy[0] = 2;
	need((entry_in(fd, copy) & ALL) == (PRESENT | EXCLUSIVE));
	need((entry_in(fd, copy) & FRAME) != (entry_in(fd, shared) & FRAME));
}

static void reads_whole_entries(void)
{
	int fd = map_of("/proc/self/pagemap");
	char *p = memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t e[4];
	off_t at = (off_t)((uintptr_t)p / PAGE * sizeof(e[0]));

	memset(p, 1, 4 * PAGE);
	need(pread(fd, e, sizeof(e), at) == sizeof(e));
	for (int i = 0; i < 4; i++)
		need((e[i] & PRESENT) && e[i] == entry_in(fd, p + (unsigned long)i * PAGE));
	need(pread(fd, e, 4, at) == -1 && errno == EINVAL);
	need(pread(fd, e, 8, at + 4) == -1 && errno == EINVAL);
	need(pread(fd, e, 0, at) == 0);
	need(pread(fd, e, 8, (off_t)(1ull << 50)) == 0);
	need(lseek(fd, at, SEEK_SET) == at && read(fd, e, 8) == 8 && lseek(fd, 0, SEEK_CUR) == at + 8);
	need(pread(fd, (void *)16, 8, at) == -1 && errno == EFAULT);
	need(open("/proc/self/pagemap", O_WRONLY) >= 0 || errno == EACCES);
}

static void hides_frames(void)
{
	char *p = memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd;

	p[0] = 1;
	need(setuid(1000) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	fd = map_of("/proc/self/pagemap");
	need((entry_in(fd, p) & (PRESENT | FRAME)) == PRESENT);
	need(open("/proc/1/pagemap", O_RDONLY) == -1 && errno == EACCES);
}

static void shows_other_processes(void)
{
	char path[64], *p = memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t child;
	int fd;

	p[0] = 1;
	child = sleeper();
	snprintf(path, sizeof(path), "/proc/%d/pagemap", child);
	fd = map_of(path);
	need(entry_in(fd, p) == entry_in(map_of("/proc/self/pagemap"), p));
	need(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	need(read(fd, path, 8) <= 0);
}

int main(void)
{
	tap(passes(shows_private_memory), "private memory: what is touched is there, and nobody else's");
	tap(passes(shows_who_else_has_it), "after fork it is not exclusive, after a write it is again");
	tap(passes(shows_shared_memory_and_files), "shared memory and files, and copies of those");
	tap(passes(reads_whole_entries), "eight bytes a page, whole ones only");
	tap(passes(hides_frames), "frames are for the privileged, others' maps for who may look");
	tap(passes(shows_other_processes), "of another process, while it lives");
	return tap_end();
}

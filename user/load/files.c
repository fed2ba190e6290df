/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in /tmp, in a directory of the worker's own and in one that all workers share. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"

#define COMMON "/tmp/load.common"
#define FILES  12

static char home[64];

static const char *path_of(const char *kind, unsigned i)
{
	static char paths[4][96];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s%u", home, kind, i);
	return path;
}

static void fill(uint8_t *data, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(scramble(seed, i / 8) >> i % 8 * 8);
}

static int create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);

	expect(fd >= 0);
	return fd;
}

/* What is written at any place is read back, by read and through a mapping, holes as zeros. */
static void contents(void)
{
	static uint8_t wanted[60000], got[60000];
	const char *path = path_of("contents", 0);
	size_t size = 0;
	int fd = create(path);
	uint8_t *map;

	memset(wanted, 0, sizeof(wanted));
	for (unsigned i = 2 + draw_below(12); i > 0; i--) {
		size_t at = draw_below(sizeof(wanted) - 1),
		       n = 1 + draw_below((unsigned)(sizeof(wanted) - at));

		fill(wanted + at, n, draw());
		expect(pwrite(fd, wanted + at, n, (off_t)at) == (ssize_t)n);
		size = size > at + n ? size : at + n;
	}
	expect(pread(fd, got, sizeof(got), 0) == (ssize_t)size && memcmp(got, wanted, size) == 0);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(map != MAP_FAILED && memcmp(map, wanted, size) == 0);
	map[size / 2] = (uint8_t)~wanted[size / 2];
	expect(pread(fd, got, 1, (off_t)(size / 2)) == 1 && got[0] == map[size / 2]);
	expect(munmap(map, size) == 0);
	expect(ftruncate(fd, (off_t)(size / 3)) == 0);
	expect(pread(fd, got, sizeof(got), 0) == (ssize_t)(size / 3));
	close(fd);
	expect(unlink(path) == 0);
}

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	expect(dir != NULL);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Names come, move and go; the directory lists those that are there. */
static void names(void)
{
	unsigned count = 1 + draw_below(FILES);
	struct stat a, b;

	for (unsigned i = 0; i < count; i++)
		close(create(path_of("a", i)));
	expect(count_entries(home) == count);
	for (unsigned i = 0; i < count; i++)
		expect(rename(path_of("a", i), path_of("b", i)) == 0);
	expect(count_entries(home) == count && access(path_of("a", 0), F_OK) == -1 && errno == ENOENT);
	expect(link(path_of("b", 0), path_of("c", 0)) == 0);
	expect(stat(path_of("b", 0), &a) == 0 && stat(path_of("c", 0), &b) == 0);
	expect(a.st_ino == b.st_ino && a.st_nlink == 2);
	expect(unlink(path_of("c", 0)) == 0);
	expect(mkdir(path_of("d", 0), 0755) == 0 && rmdir(home) == -1 && errno == ENOTEMPTY);
	expect(rmdir(path_of("d", 0)) == 0);
	for (unsigned i = 0; i < count; i++)
		expect(unlink(path_of("b", i)) == 0);
}

/* An open file lives on without its name. */
static void nameless(void)
{
	uint64_t seed = draw();
	uint8_t data[5000], got[5000];
	int fd = create(path_of("n", 0));

	fill(data, sizeof(data), seed);
	expect(unlink(path_of("n", 0)) == 0);
	expect(write(fd, data, sizeof(data)) == sizeof(data));
	expect(lseek(fd, 0, SEEK_SET) == 0 && read(fd, got, sizeof(got)) == sizeof(got));
	expect(memcmp(data, got, sizeof(data)) == 0);
	close(fd);
}

/* Two processes append to one file: every record is whole. */
static void append(void)
{
	struct {
		uint32_t writer, number;
		uint64_t sum;
	} record;
	const char *path = path_of("append", 0);
	unsigned count = 10 + draw_below(50), next[2] = { 0, 0 };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND, 0644);
	pid_t pid;

	expect(fd >= 0);
	pid = start_child();
	for (uint32_t i = 0; i < count; i++) {
		record.writer = pid == 0;
		record.number = i;
		record.sum = scramble(record.writer, i);
		expect(write(fd, &record, sizeof(record)) == sizeof(record));
	}
	if (pid == 0)
		_exit(0);
	expect_exit(pid, 0);
	expect(lseek(fd, 0, SEEK_SET) == 0);
	while (read(fd, &record, sizeof(record)) == sizeof(record)) {
		expect(record.writer < 2 && record.number == next[record.writer]++);
		expect(record.sum == scramble(record.writer, record.number));
	}
	expect(next[0] == count && next[1] == count);
	close(fd);
	expect(unlink(path) == 0);
}

/* All workers in one directory: names collide, and then exactly one has made the file. */
static void common(void)
{
	char path[64], mine[64];
	struct stat st;

	mkdir(COMMON, 0777);
	snprintf(path, sizeof(path), COMMON "/%u", draw_below(4));
	snprintf(mine, sizeof(mine), COMMON "/own.%d", getpid());
	for (unsigned i = 0; i < 20; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);

		if (fd < 0) {
			expect(errno == EEXIST);
			sched_yield();
			continue;
		}
		expect(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0 && st.st_size == 1);
		expect(rename(path, mine) == 0); /* nobody else takes away what we made */
		expect(fstat(fd, &st) == 0 && st.st_nlink == 1);
		close(fd);
		expect(unlink(mine) == 0);
	}
}

static void file_round(void)
{
	static void (*const ways[])(void) = { contents, names, nameless, append, common };

	snprintf(home, sizeof(home), "/tmp/load.%d", getpid());
	expect(mkdir(home, 0755) == 0);
	one_of(ways, 5);
	expect(rmdir(home) == 0);
}

const struct kind file_kind = { .name = "file", .round = file_round };

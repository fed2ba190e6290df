/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of 100,000 files: each is made, found, listed once and removed, in seconds.  What takes time in
 * proportion to the number of entries, for each of them, would take hours.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define FILES       100000
#define SECONDS_MAX 60 /* for each of the four, on an emulator that has little of the host's time */

static char place[] = "/tmp/large-XXXXXX";
static bool seen[FILES];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const char *name_of(int number)
{
	static char name[32];

	snprintf(name, sizeof(name), "file-%06d", number);
	return name;
}

static bool makes(void)
{
	for (int i = 0; i < FILES; i++) {
		int fd = open(name_of(i), O_RDWR | O_CREAT | O_EXCL, 0600);

		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

/* In an order in which no cache of what was used lately helps. */
static bool finds(void)
{
	struct stat st;

	for (int i = 0; i < FILES; i++)
		if (stat(name_of((int)((long)i * 61803 % FILES)), &st) < 0)
			return false;
	return stat("file-100000", &st) < 0 && errno == ENOENT;
}

/* How many entries there are; -1: one twice, or one that nobody made. */
static int entries(void)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int count = 0, number;

	memset(seen, 0, sizeof(seen));
	while (count >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (sscanf(entry->d_name, "file-%d", &number) != 1 || number < 0 || number >= FILES ||
		    seen[number]) {
			count = -1;
		} else {
			seen[number] = true;
			count++;
		}
	}
	closedir(dir);
	return count;
}

static bool lists(void)
{
	return entries() == FILES;
}

static bool removes(void)
{
	for (int i = 0; i < FILES; i++)
		if (unlink(name_of(i)) < 0)
			return false;
	return entries() == 0;
}

static void in_time(bool (*part)(void), const char *what)
{
	double start = now(), took;
	bool done = part();

	took = now() - start;
	printf("# %s: %.2f s\n", what, took);
	tap(done, what);
	tap(took < SECONDS_MAX, "in seconds");
}

int main(void)
{
	mkdtemp(place);
	tap(mount("tmpfs", place, "tmpfs", 0, "nr_inodes=0") == 0 && chdir(place) == 0,
	    "a file system without a limit");
	in_time(makes, "100,000 files are made in one directory");
	in_time(finds, "each is found");
	in_time(lists, "each is listed, once");
	in_time(removes, "each is removed");
	chdir("/");
	tap(umount(place) == 0 && rmdir(place) == 0, "and the file system goes");
	return tap_end();
}

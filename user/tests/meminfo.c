/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/meminfo, vmstat, zoneinfo, buddyinfo and slabinfo agree with each other and with what a program does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define PAGE   4096ul
#define PAGES  2048ul
#define SLACK  512 /* KiB that come and go between two looks */
#define ORDERS 11

static char text[1 << 16];

static const char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

/* The number behind `name` at the start of a line; -1: there is none. */
static long value_of(const char *path, const char *name)
{
	const char *line = slurp(path);
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, len) == 0)
			return atol(line + len);
	}
	return -1;
}

static long kib(const char *name)
{
	return value_of("/proc/meminfo", name);
}

static bool near(long a, long b, long slack)
{
	return labs(a - b) <= slack;
}

static long sum_of_uses(void)
{
	static const char *const uses[] = { "MemFree:", "AnonPages:",   "Cached:",
					    "Slab:",    "KernelStack:", "PageTables:",
					    "DmaMem:",  "SecretMem:",   "KernelOther:" };
	long sum = 0;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		sum += kib(uses[i]);
	return sum;
}

static bool rows_are_there(void)
{
	static const char *const rows[] = {
		"MemTotal:",      "MemAvailable:",    "Buffers:",      "SwapTotal:",    "Active:",
		"Inactive:",      "Dirty:",           "Shmem:",        "KReclaimable:", "SReclaimable:",
		"SUnreclaim:",    "CommitLimit:",     "Committed_AS:", "VmallocTotal:", "VmallocUsed:",
		"AnonHugePages:", "HugePages_Total:", "Hugepagesize:", "DirectMap4k:",  "DirectMap2M:"
	};
	bool all = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (kib(rows[i]) < 0) {
			printf("# no %s\n", rows[i]);
			all = false;
		}
	}
	return all;
}

/* Free pages by the runs that they lie in. */
static long pages_in_runs(void)
{
	const char *line = slurp("/proc/buddyinfo");
	long pages = 0;

	while ((line = strstr(line, "zone "))) {
		char *at;

		line += strlen("zone ");
		at = strchr(line + strspn(line, " "), ' '); /* behind the zone's name */
		for (int order = 0; at && order < ORDERS; order++)
			pages += strtol(at, &at, 10) << order;
	}
	return pages;
}

/* Every zone's count of one kind. */
static long zones_sum(const char *name)
{
	const char *at = slurp("/proc/zoneinfo");
	long sum = 0;

	while ((at = strstr(at, name)))
		sum += atol(at += strlen(name));
	return sum;
}

static void what_a_program_takes_shows(void)
{
	long before = kib("AnonPages:"), faults = value_of("/proc/vmstat", "pgfault "), free_before, got;
	char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	free_before = kib("MemFree:");
	madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i++)
		at[i * PAGE] = 1;
	got = kib("AnonPages:") - before;
	tap(near(got, PAGES * 4, SLACK), "touched pages are AnonPages");
	tap(near(free_before - kib("MemFree:"), PAGES * 4, SLACK), "and no longer free");
	tap(value_of("/proc/vmstat", "pgfault ") - faults >= (long)PAGES, "each was a fault");
	munmap(at, PAGES * PAGE);
	tap(near(kib("AnonPages:"), before, SLACK), "unmapped they are gone");
}

/* --- /sys/devices/system/memory --- */

#define BLOCKS "/sys/devices/system/memory/"

static bool block_holds(DIR *d, const struct dirent *e)
{
	char path[300];

	snprintf(path, sizeof(path), BLOCKS "%s/state", e->d_name);
	if (strcmp(slurp(path), "online\n") != 0)
		return false;
	snprintf(path, sizeof(path), "%s/node0", e->d_name);
	return faccessat(dirfd(d), path, F_OK, 0) == 0;
}

/* As many as it takes for all memory, each online and in a node. */
static bool blocks_cover_memory(void)
{
	long blocks = 0, kib_each = strtol(slurp(BLOCKS "block_size_bytes"), NULL, 16) / 1024;
	DIR *d = opendir(BLOCKS);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "memory", 6) != 0)
			continue;
		if (!block_holds(d, e))
			return false;
		blocks++;
	}
	if (d)
		closedir(d);
	return kib_each > 0 && blocks * kib_each >= kib("MemTotal:");
}

static bool a_block_stays(void)
{
	int fd = open(BLOCKS "memory0/state", O_WRONLY);
	bool refused = write(fd, "offline\n", 8) == -1 && errno == EBUSY;

	refused &= pwrite(fd, "nonsense", 8, 0) == -1 && errno == EINVAL;
	close(fd);
	return refused && strcmp(slurp(BLOCKS "memory0/state"), "online\n") == 0;
}

int main(void)
{
	tap(rows_are_there(), "the rows that programs look for are there");
	tap(near(sum_of_uses(), kib("MemTotal:"), SLACK), "the uses add up to the total");
	tap(kib("MemAvailable:") > 0 && kib("MemAvailable:") <= kib("MemTotal:"), "some memory is available");
	tap(near(value_of("/proc/vmstat", "nr_free_pages ") * 4, kib("MemFree:"), SLACK),
	    "vmstat and meminfo agree on what is free");
	tap(near(zones_sum("managed ") * 4, kib("MemTotal:"), 0), "the zones manage all memory");
	/* What CPUs keep in their caches is free, but in no zone. */
	tap(near(zones_sum("pages free ") * 4, kib("MemFree:"), 8192),
	    "the zones have nearly all that is free");
	tap(near(pages_in_runs(), zones_sum("pages free "), 128),
	    "free runs hold all free frames of the zones");
	tap(strstr(slurp("/proc/slabinfo"), "kmalloc-64 ") != NULL, "slabinfo lists the caches");
	what_a_program_takes_shows();
	tap(blocks_cover_memory(), "blocks of memory: all of it, online, in a node");
	tap(a_block_stays(), "which cannot be taken away");
	return tap_end();
}

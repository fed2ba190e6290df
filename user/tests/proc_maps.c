/* SPDX-License-Identifier: BSD-2-Clause */
/* maps, smaps and numa_maps of a process with many areas: made as far as they are read, and the same text
 * whatever the reads. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define PAGE  4096ul
#define AREAS 700ul

static char whole[1 << 21], pieces[1 << 21];

/* All of a file by reads of one size; *short_reads: how many before the last gave less. */
static size_t slurp(const char *path, char *to, size_t piece, unsigned *short_reads)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0, last = piece;
	ssize_t n;

	*short_reads = 0;
	while ((n = read(fd, to + len, piece)) > 0) {
		*short_reads += last < piece;
		last = (size_t)n;
		len += (size_t)n;
	}
	close(fd);
	to[len] = '\0';
	return n < 0 ? 0 : len;
}

static void same_by_pieces(const char *path, const char *name)
{
	unsigned short_reads;
	size_t len = slurp(path, whole, PAGE, &short_reads), got = slurp(path, pieces, 100, &short_reads);

	tap(len > AREAS * 20 && got == len && memcmp(whole, pieces, len) == 0, name);
	tap(short_reads == 0, "small pieces are whole ones");
}

/* Lines of `whole` that begin with an address; 0 if they are out of order. */
static unsigned long areas_in_order(void)
{
	unsigned long count = 0, before = 0;

	for (const char *line = whole; *line; line = strchr(line, '\n') + 1) {
		char *end;
		unsigned long start = strtoul(line, &end, 16);

		if (end - line < 8) /* a row of smaps */
			continue;
		if (start < before || start == 0)
			return 0;
		before = *end == '-' ? strtoul(end + 1, NULL, 16) : start + 1;
		count++;
	}
	return count;
}

static void first_page_of_smaps(void)
{
	int fd = open("/proc/self/smaps", O_RDONLY);
	ssize_t n = read(fd, whole, PAGE);
	const char *last;

	whole[n > 0 ? n : 0] = '\0';
	last = strstr(whole, "VmFlags:");
	for (const char *next = last; next; next = strstr(next + 1, "VmFlags:"))
		last = next;
	tap(n > 0 && n <= (ssize_t)PAGE && last && strchr(last, '\n') == whole + n - 1,
	    "a page of smaps is some whole records");
	close(fd);
}

static bool starts_alike(ssize_t n, size_t at)
{
	return n > 0 && memcmp(pieces, whole + at, (size_t)n) == 0;
}

static void any_place(void)
{
	unsigned short_reads;
	size_t len = slurp("/proc/self/maps", whole, PAGE, &short_reads);
	int fd = open("/proc/self/maps", O_RDONLY);
	bool good = fd >= 0;

	for (size_t at = len - 64; good && at > 5000; at -= 4999)
		good = starts_alike(pread(fd, pieces, 64, (off_t)at), at);
	tap(good, "pread anywhere, backwards");
	tap(pread(fd, pieces, 64, (off_t)len + 1000) == 0, "nothing behind the end");
	tap(lseek(fd, 9000, SEEK_SET) == 9000 && starts_alike(read(fd, pieces, 32), 9000), "lseek, too");
	close(fd);
}

int main(void)
{
	char *p = mmap(NULL, AREAS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long in_maps;
	unsigned short_reads;

	for (unsigned long i = 0; i < AREAS; i += 2)
		mprotect(p + i * PAGE, PAGE, PROT_READ);
	first_page_of_smaps();
	any_place();
	same_by_pieces("/proc/self/numa_maps", "numa_maps is the same in pieces of any size");
	in_maps = areas_in_order();
	tap(in_maps > AREAS, "numa_maps has every area once, in order");
	same_by_pieces("/proc/self/maps", "maps is the same in pieces of any size");
	tap(areas_in_order() == in_maps, "maps has every area once, in order");
	slurp("/proc/self/smaps", whole, PAGE, &short_reads);
	tap(areas_in_order() == in_maps, "smaps has every area once, in order");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things lie is random: over many executions, each kind of address takes many values, and every bit
 * that should vary is set about as often as not. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define RUNS 128

enum kind { STACK, MMAP, HEAP, KINDS };

static const struct {
	const char *name;
	int low, high; /* the bits that vary for certain */
} kinds[KINDS] = {
	[STACK] = { "the stack's place", 12, 33 },
	[MMAP] = { "mappings' place", 12, 39 },
	[HEAP] = { "the heap's place", 12, 24 },
};

static uintptr_t seen[KINDS][RUNS];

static int tell(void)
{
	int local;
	uintptr_t at[KINDS] = {
		[STACK] = (uintptr_t)&local,
		[MMAP] = (uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		[HEAP] = (uintptr_t)syscall(SYS_brk, 0),
	};

	return write(1, at, sizeof(at)) == sizeof(at) ? 0 : 1;
}

static bool run_once(int run)
{
	uintptr_t at[KINDS];
	int out[2], status = -1;
	ssize_t n;

	if (pipe(out) < 0)
		return false;
	if (fork() == 0) {
		dup2(out[1], 1);
		execl("/proc/self/exe", "aslr", "tell", (char *)NULL);
		_exit(1);
	}
	close(out[1]);
	n = read(out[0], at, sizeof(at));
	close(out[0]);
	wait(&status);
	for (int k = 0; k < KINDS; k++)
		seen[k][run] = at[k];
	return n == sizeof(at) && status == 0;
}

static int compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* Of 128 fair throws, outside of 36 ... 92 lies less than one in a million. */
static bool fair(enum kind k, int bit)
{
	int ones = 0;

	for (int run = 0; run < RUNS; run++)
		ones += seen[k][run] >> bit & 1;
	return ones >= 36 && ones <= 92;
}

static void judge(enum kind k)
{
	int bad = 0, distinct = 1;
	char what[64];

	for (int bit = kinds[k].low; bit < kinds[k].high; bit++) {
		if (!fair(k, bit)) {
			printf("# %s: bit %d\n", kinds[k].name, bit);
			bad++;
		}
	}
	snprintf(what, sizeof(what), "%s: every bit is random", kinds[k].name);
	tap(bad == 0, what);
	qsort(seen[k], RUNS, sizeof(seen[k][0]), compare);
	for (int run = 1; run < RUNS; run++)
		distinct += seen[k][run] != seen[k][run - 1];
	snprintf(what, sizeof(what), "%s: hardly ever the same twice", kinds[k].name);
	tap(distinct >= RUNS - 8, what);
}

int main(int argc, char **argv)
{
	bool good = true;

	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return tell();
	for (int run = 0; run < RUNS; run++)
		good &= run_once(run);
	tap(good, "programs start");
	for (enum kind k = 0; k < KINDS; k++)
		judge(k);
	return tap_end();
}

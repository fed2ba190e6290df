/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and pipes leave nothing behind: free memory is where it was, caches that /proc/meminfo reports
 * counted as free.  `leaks COUNT` sets how many of each (2000).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_kib.h"
#include "tap.h"

/* Per-CPU caches, and pages of this program touched for the first time. */
#define SLACK_KIB (192 + 64 * sysconf(_SC_NPROCESSORS_ONLN))

static const char *self;

static bool run_program(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(self, self, "child", (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool use_pipe(void)
{
	char byte = 'x';
	int ends[2];

	if (pipe(ends) < 0)
		return false;
	if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
		return false;
	close(ends[0]);
	close(ends[1]);
	return true;
}

static void measure(const char *name, bool (*once)(void), int count)
{
	bool works = true;
	long before, after;

	for (int i = 0; i < 50; i++)
		works &= once();
	before = free_kib();
	for (int i = 0; i < count; i++)
		works &= once();
	after = free_kib();
	printf("# %s: %ld KiB free before, %ld after\n", name, before, after);
	tap(works, name);
	tap(before > 0 && after + SLACK_KIB >= before, "memory is back");
}

int main(int argc, char *argv[])
{
	int count = 2000;

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	if (argc > 1)
		count = atoi(argv[1]);
	measure("fork, exec and wait", run_program, count);
	measure("pipes", use_pipe, count);
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Promises and shortage of memory: /proc/sys/vm/overcommit_*, oom_score_adj, and who leaves when all is
 * eaten. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_kib.h"
#include "tap.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static long read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long value = -99999;

	if (f) {
		if (fscanf(f, "%ld", &value) != 1)
			value = -99999;
		fclose(f);
	}
	return value;
}

static bool write_number(const char *path, long value)
{
	int fd = open(path, O_WRONLY);
	char text[32];
	bool good;

	snprintf(text, sizeof(text), "%ld\n", value);
	good = fd >= 0 && write(fd, text, strlen(text)) > 0;
	if (fd >= 0)
		close(fd);
	return good;
}

/* A row of /proc/meminfo in KiB. */
static long meminfo(const char *name)
{
	return proc_kib("/proc/meminfo", name);
}

static bool can_map(size_t size, int flags)
{
	void *p = mmap(NULL, size, RW, flags, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, size);
	return true;
}

static void test_overcommit(void)
{
	size_t total = (size_t)meminfo("MemTotal:") * 1024;
	long before = meminfo("Committed_AS:"), during;
	char *p = mmap(NULL, 16 * MIB, RW, ANON, -1, 0);

	during = meminfo("Committed_AS:");
	tap(during - before == 16 * 1024, "Committed_AS counts what is promised");
	munmap(p + 4 * MIB, 8 * MIB);
	tap(meminfo("Committed_AS:") - before == 8 * 1024, "and no longer what is unmapped");
	munmap(p, 16 * MIB);
	p = mmap(NULL, 4 * MIB, PROT_READ, ANON, -1, 0);
	tap(meminfo("Committed_AS:") == before && mprotect(p, MIB, RW) == 0 &&
		    meminfo("Committed_AS:") - before == 1024,
	    "read-only memory is charged when it may be written");
	munmap(p, 4 * MIB);
	tap(!can_map(2 * total, ANON) && can_map(total / 2, ANON) && can_map(2 * total, ANON | MAP_NORESERVE),
	    "mode 0 refuses the obvious, unless MAP_NORESERVE");
	tap(write_number("/proc/sys/vm/overcommit_memory", 1) && can_map(4 * total, ANON),
	    "mode 1 refuses nothing");
	tap(write_number("/proc/sys/vm/overcommit_memory", 2) &&
		    meminfo("CommitLimit:") <= (long)(total / 2048) + 4 && !can_map(total * 3 / 4, ANON) &&
		    !can_map(total * 3 / 4, ANON | MAP_NORESERVE) &&
		    !can_map(total * 3 / 4, MAP_SHARED | MAP_ANONYMOUS) && can_map(total / 8, ANON),
	    "mode 2 keeps the limit, whatever the flags");
	tap(write_number("/proc/sys/vm/overcommit_kbytes", meminfo("Committed_AS:") + 2048) &&
		    can_map(MIB, ANON) && !can_map(4 * MIB, ANON),
	    "overcommit_kbytes is the limit when it is set");
	tap(write_number("/proc/sys/vm/overcommit_kbytes", 0) &&
		    write_number("/proc/sys/vm/overcommit_memory", 0) &&
		    !write_number("/proc/sys/vm/overcommit_memory", 3),
	    "there is no mode 3");
	tap(meminfo("Committed_AS:") == before, "nothing stays charged");
}

static void test_adj(void)
{
	tap(write_number("/proc/self/oom_score_adj", 500) && read_number("/proc/self/oom_score_adj") == 500 &&
		    read_number("/proc/self/oom_adj") == 8 && read_number("/proc/self/oom_score") > 900,
	    "oom_score_adj moves the score, and oom_adj shows it on its own scale");
	tap(write_number("/proc/self/oom_adj", -17) && read_number("/proc/self/oom_score_adj") == -1000 &&
		    read_number("/proc/self/oom_score") == 0,
	    "oom_adj -17 is -1000: never");
	tap(write_number("/proc/self/oom_score_adj", 0) && !write_number("/proc/self/oom_score_adj", 1001) &&
		    read_number("/proc/1/oom_score") == 0,
	    "within limits; init has no score");
}

/* Eat until killed. */
static void eat(void)
{
	for (;;) {
		char *p = mmap(NULL, MIB, RW, ANON | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			_exit(7);
		memset(p, 1, MIB);
	}
}

static int killed_by(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Holds `size` bytes and waits for the end. */
static pid_t hold(size_t size, long adj)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		char *p = mmap(NULL, size, RW, ANON, -1, 0);

		if (!write_number("/proc/self/oom_score_adj", adj) || p == MAP_FAILED)
			_exit(1);
		memset(p, 1, size);
		write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	if (read(ready[0], &c, 1) != 1)
		exit(1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_kill(void)
{
	size_t total = (size_t)meminfo("MemTotal:") * 1024;
	pid_t eater, safe, offered;

	eater = fork();
	if (eater == 0)
		eat();
	tap(killed_by(eater) == SIGKILL, "a program that eats all memory is killed, and nobody else");
	safe = hold(total / 2, -1000);
	eater = fork();
	if (eater == 0)
		eat();
	tap(killed_by(eater) == SIGKILL && kill(safe, 0) == 0, "one with -1000 stays, however much it holds");
	kill(safe, SIGKILL);
	killed_by(safe);
	offered = hold(total / 8, 1000);
	eater = fork();
	if (eater == 0)
		eat();
	tap(killed_by(offered) == SIGKILL, "one with 1000 goes first");
	tap(killed_by(eater) == SIGKILL, "then the eater itself");
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* to wait for all who eat, until the last is killed */
	eater = fork();
	if (eater == 0) {
		for (int i = 0; i < 3; i++) {
			if (fork() == 0)
				eat();
		}
		eat();
	}
	tap(killed_by(eater) == SIGKILL, "several that eat at once");
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	test_overcommit();
	test_adj();
	test_kill();
	return tap_end();
}

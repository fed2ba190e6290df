/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scale KIND WORKERS COUNT: so many processes perform COUNT operations each, side by side.  Prints the
 * operations, the time stamp counter's ticks and the nanoseconds from the first to the last, separated by
 * tabs.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

static const char *self;

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	_exit(1);
}

/* New pages, 1 MiB at a time. */
static void faults(unsigned count)
{
	for (unsigned done = 0; done < count;) {
		volatile char *at =
			mmap(NULL, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(at != MAP_FAILED, "mmap");
		for (unsigned i = 0; i < 256 && done < count; i++, done++)
			at[i * PAGE] = 1;
		munmap((void *)at, 256 * PAGE);
	}
}

/* A byte to a partner and back. */
static void pipes(unsigned count)
{
	int there[2], back[2];
	char c = 'x';
	pid_t pid;

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	for (unsigned i = 0; i < count; i++) {
		if (pid == 0)
			must(read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1, "partner");
		else
			must(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
	}
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static void execs(unsigned count)
{
	while (count-- > 0) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0) {
			execl(self, self, "exit", (char *)NULL);
			_exit(1);
		}
		must(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		void (*run)(unsigned);
	} kinds[] = { { "faults", faults }, { "pipes", pipes }, { "execs", execs } };
	void (*run)(unsigned) = NULL;
	unsigned workers, count;
	uint64_t start_ticks, start_ns;

	self = argv[0];
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 0;
	if (argc != 4)
		return 2;
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			run = kinds[i].run;
	if (!run)
		return 2;
	workers = (unsigned)atoi(argv[2]);
	count = (unsigned)atoi(argv[3]);
	run(count / 10 + 1); /* whatever the first time alone costs */
	start_ticks = ticks();
	start_ns = now_ns();
	for (unsigned i = 0; i < workers; i++) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0) {
			run(count);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < workers; i++)
		must(wait(NULL) > 0, "wait");
	printf("%u\t%lu\t%lu\n", workers * count, ticks() - start_ticks, now_ns() - start_ns);
	return 0;
}

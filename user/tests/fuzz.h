/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fuzzers of system calls share: random numbers with a seed, memory that ends in the middle, workers
 * that are processes without privileges and may be killed at any time, and a look at what they leave behind.
 *
 * A program that includes this makes the counter first (make_counter()), then lets run_workers() start its
 * work() over and over.  A worker that ends is replaced.  Each is seeded with the run's seed and its own
 * number; what processes and threads do to one another is up to the scheduler.
 */
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS  4
#define THREADS  3 /* of a worker */
#define NOBODY   65534u
#define ARENA    (64ul * 4096) /* bytes; the last page but one is read-only, the last is not there */
#define SLOTS    96u           /* descriptors that a worker may have */
#define GUARD    (1ul << 20)
#define LEAK_MAX (12ul << 20) /* bytes that the kernel may keep for the next time */

static char *arena;
static int null = -1;          /* /dev/null, as it was before anybody could remove it */
static _Atomic uint64_t *done; /* calls made, by all; shared by the processes */

struct dice {
	uint64_t state;
};

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016. */
static inline uint64_t roll(struct dice *d)
{
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return d->state * 0x2545f4914f6cdd1d;
}

static inline uint64_t below(struct dice *d, uint64_t n)
{
	return (roll(d) >> 16) % n;
}

static inline bool one_in(struct dice *d, unsigned n)
{
	return below(d, n) == 0;
}

/* Numbers that are seldom meant. */
static const uint64_t odd[] = {
	0,
	1,
	4095,
	UINT32_MAX,
	INT64_MAX,
	(uint64_t)INT64_MIN,
	UINT64_MAX,
	UINT64_MAX - 7,
	0x00007ffffffff001, /* the last user page */
	0x0000800000000000, /* not canonical */
	0xffff800000100008, /* direct map */
	0xffffffff80200000, /* kernel text */
};
#define ODD (sizeof(odd) / sizeof(odd[0]))

/* --- workers ----------------------------------------------------------------------------------------- */

/* Vector registers are messages, or lost. */
static inline int64_t enter(uint64_t nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	uint64_t rdx = a[2];
	int64_t result = (int64_t)nr;

	__asm__ volatile("syscall"
			 : "+a"(result), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "D"(a[0]), "S"(a[1])
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return result;
}

static inline void make_arena(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (arena ? MAP_FIXED : 0);

	arena = mmap(arena, ARENA, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (arena == MAP_FAILED || mprotect(arena + ARENA - 2 * 4096, 4096, PROT_READ) < 0 ||
	    munmap(arena + ARENA - 4096, 4096) < 0)
		_exit(2);
}

/* Who has unmapped the arena gets it anew; who has unmapped anything else is over. */
static inline void mend_arena(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if ((char *)info->si_addr < arena || (char *)info->si_addr >= arena + ARENA - 2 * 4096)
		_exit(3);
	make_arena();
}

static inline void ignore(int signo)
{
	(void)signo;
}

/* Signals break into what sleeps, and mend what was broken. */
static inline void set_signals(void)
{
	const struct itimerval often = { { 0, 7000 }, { 0, 7000 } };
	struct sigaction action = { .sa_handler = ignore },
			 mend = { .sa_sigaction = mend_arena, .sa_flags = SA_SIGINFO };

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGSEGV, &mend, NULL);
	sigaction(SIGBUS, &mend, NULL);
	signal(SIGPIPE, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
}

static inline void limit_to(int resource, rlim_t value)
{
	setrlimit(resource, &(struct rlimit){ value, value });
}

/* What is written to them is not for people. */
static inline void use_null_for_files(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			_exit(2);
	close(null);
}

/* All threads of a worker, the first in place of the caller, each with a seed of its own, as its argument. */
static inline void run_threads(struct dice *d, void *(*run)(void *seed))
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, run, (void *)(uintptr_t)(roll(d) | 1));
	run((void *)(uintptr_t)(roll(d) | 1));
}

/* What every worker begins with; user 0 stays root. */
static inline void prepare_worker(uid_t user)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid(); /* the console is for people */
	make_arena();
	limit_to(RLIMIT_NOFILE, SLOTS);
	limit_to(RLIMIT_NPROC, 100);
	limit_to(RLIMIT_FSIZE, 1 << 20);
	limit_to(RLIMIT_CORE, 0);
	if (user && (setgid(user) < 0 || setuid(user) < 0))
		_exit(2);
	set_signals();
	use_null_for_files();
}

static inline pid_t start_worker(uint64_t seed, uint64_t number, void (*work)(uint64_t seed))
{
	pid_t pid = fork();

	if (pid == 0)
		work(seed * 0x9e3779b97f4a7c15 + number * 2 + 1);
	return pid;
}

static inline uint64_t seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* One that could not be started is not -1 to kill(2), who would take that for all. */
static inline void kill_worker(pid_t pid)
{
	if (pid > 0)
		kill(pid, SIGKILL);
}

/* Those that ended are followed by others; all that has been left to this process goes, too. */
static inline void replace_workers(pid_t pids[WORKERS], uint64_t seed, uint64_t *number,
				   void (*work)(uint64_t seed))
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
		for (int i = 0; i < WORKERS; i++)
			if (pids[i] == pid)
				pids[i] = 0;
	for (int i = 0; i < WORKERS; i++)
		if (pids[i] <= 0)
			pids[i] = start_worker(seed, (*number)++, work);
}

/* How many there have been. */
static inline uint64_t run_workers(uint64_t seconds, uint64_t seed, void (*work)(uint64_t seed))
{
	uint64_t number = 0, end = seconds_now() + seconds;
	struct dice d = { seed + 1 };
	pid_t pids[WORKERS] = { 0 };

	if (null < 0)
		null = open("/dev/null", O_RDWR);
	do {
		replace_workers(pids, seed, &number, work);
		usleep(20000);
		if (one_in(&d, 25)) /* in the middle of whatever it does */
			kill_worker(pids[below(&d, WORKERS)]);
	} while (seconds_now() < end);
	for (int i = 0; i < WORKERS; i++)
		kill_worker(pids[i]);
	for (int i = 0; i < WORKERS; i++)
		if (pids[i] > 0)
			waitpid(pids[i], NULL, 0);
	return number;
}

/* --- afterwards -------------------------------------------------------------------------------------- */

/* What could be had: stacks and objects that the kernel keeps for the next time are among it, and how many
 * they are is up to how many threads there once were at a time. */
static inline uint64_t free_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

/* Grandchildren have been left to init: give them time to go. */
static inline bool gives_back(uint64_t before)
{
	for (int i = 0; i < 100; i++) {
		if (free_memory() + LEAK_MAX >= before)
			return true;
		usleep(100000);
	}
	printf("# %llu KiB less than before\n", (unsigned long long)(before - free_memory()) >> 10);
	return false;
}

/* In the middle of nothing, for the kernel writes to where it is told to. */
static inline int make_counter(void)
{
	char *room = mmap(NULL, 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at = MAP_FAILED;

	if (room != MAP_FAILED)
		at = mmap(room + GUARD, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0);
	done = at;
	return at == MAP_FAILED ? -1 : 0;
}

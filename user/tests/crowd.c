/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Too much of everything: whoever asks for it fails or ends alone, and the rest goes on.  `crowd CASE` runs
 * one of processes, bomb, hog, faults; without it, all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

#define PROCESSES 1000
#define BOMB_UID  31337
#define BOMB_MAX  64
#define THREADS   100
#define PAGES     64u
#define SECONDS   4

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *shared_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(page != MAP_FAILED);
	return page;
}

/* --- a thousand processes, all alive at the same time ---------------------------------------------- */

static void processes(void)
{
	static pid_t pids[PROCESSES];
	_Atomic unsigned *alive = shared_page();
	int gate[2], status;
	char c;

	need(pipe(gate) == 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		need(pids[i] >= 0);
		if (pids[i] == 0) {
			close(gate[1]);
			++*alive;
			_exit(read(gate[0], &c, 1) == 0 ? (int)(i % 251) : 255);
		}
	}
	while (*alive < PROCESSES)
		usleep(10000);
	close(gate[1]); /* all of them wake up at once */
	for (unsigned i = 0; i < PROCESSES; i++) {
		need(waitpid(pids[i], &status, 0) == pids[i]);
		need(WIFEXITED(status) && WEXITSTATUS(status) == (int)(i % 251));
	}
}

/* --- a fork bomb ----------------------------------------------------------------------------------- */

static void explode(_Atomic unsigned *refused)
{
	struct rlimit limit = { BOMB_MAX, BOMB_MAX };

	need(setpgid(0, 0) == 0 && setrlimit(RLIMIT_NPROC, &limit) == 0);
	need(setresgid(BOMB_UID, BOMB_UID, BOMB_UID) == 0 && setresuid(BOMB_UID, BOMB_UID, BOMB_UID) == 0);
	for (;;)
		if (fork() < 0 && errno == EAGAIN)
			++*refused;
}

static void bomb(void)
{
	_Atomic unsigned *refused = shared_page();
	double end = now() + 60;
	pid_t pid = fork();

	need(pid >= 0);
	if (pid == 0)
		explode(refused);
	while (*refused < 1000 && now() < end)
		usleep(1000);
	need(*refused >= 1000);
	/* Processes are born while the signal goes round: again, until there is nobody left. */
	while (kill(-pid, SIGKILL) == 0) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		need(now() < end);
		usleep(1000);
	}
	need(errno == ESRCH);
}

/* --- all the memory there is ----------------------------------------------------------------------- */

static void eat(void)
{
	size_t chunk = 16 << 20;
	char *p;

	for (;;) {
		p = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED && chunk == 4096)
			break;
		if (p == MAP_FAILED) {
			chunk /= 2;
			continue;
		}
		for (size_t i = 0; i < chunk; i += 4096)
			p[i] = 1;
	}
	need(errno == ENOMEM);
}

/* Refused in the end, or killed on the way: either will do, as long as it is nobody else. */
static void hog(void)
{
	int status = status_of(eat);

	need(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

static void hogs(void)
{
	pid_t pids[4];
	int status;

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		need(pids[i] >= 0);
		if (pids[i] == 0) {
			eat();
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		need(waitpid(pids[i], &status, 0) == pids[i]);
		need(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	}
}

/* --- a hundred threads fault what another unmaps --------------------------------------------------- */

static volatile char *mapping;
static _Atomic bool stop;
static _Atomic unsigned long caught, touched;
static _Thread_local sigjmp_buf escape;

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

static void *touch(void *arg)
{
	volatile unsigned page = (unsigned)(uintptr_t)arg;

	while (!stop) {
		page = page * 5 + 1;
		if (sigsetjmp(escape, 1) == 0) {
			mapping[page % PAGES * 4096] = 1;
			touched++;
		} else {
			caught++;
		}
	}
	return NULL;
}

static void faults(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	pthread_t t[THREADS];

	mapping = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
	need(mapping != MAP_FAILED && signal(SIGSEGV, on_fault) != SIG_ERR);
	for (unsigned i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, touch, (void *)(uintptr_t)i) == 0);
	/* The waits are turns of a crowd: on one processor each may take a second. */
	for (double end = now() + SECONDS; now() < end || caught == 0 || touched == 0;) {
		need(munmap((void *)mapping, PAGES * 4096) == 0);
		sched_yield();
		need(mmap((void *)mapping, PAGES * 4096, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0) ==
		     mapping);
		for (volatile unsigned i = 0; i < 10000; i++)
			;
	}
	stop = true;
	for (unsigned i = 0; i < THREADS; i++)
		need(pthread_join(t[i], NULL) == 0);
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name, *what;
		void (*body)(void);
	} cases[] = {
		{ "processes", "a thousand processes at once", processes },
		{ "bomb", "a fork bomb inside RLIMIT_NPROC", bomb },
		{ "hog", "a program that eats all memory", hog },
		{ "hogs", "four that eat all memory together", hogs },
		{ "faults", "a hundred threads fault one mapping while it is unmapped", faults },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (argc < 2 || strcmp(argv[1], cases[i].name) == 0)
			tap(passes(cases[i].body), cases[i].what);
	return tap_end();
}

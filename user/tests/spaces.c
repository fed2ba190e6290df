/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that take turns on few CPUs and use the same addresses for different memory.  None may see
 * another one's pages, nor its own of before an munmap, mprotect or fork: with tagged translations (PCID)
 * those may still be in the TLB when a process comes back.  More processes run than a CPU keeps tags for.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "child.h"
#include "tap.h"

#define PAGE      4096ul
#define PLACE     ((uint64_t *)0x10000000ul)
#define PAGES     8ul
#define PROCESSES 10

static unsigned rounds = 100;
static sigjmp_buf escape;

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

static bool readable(const volatile uint64_t *at)
{
	if (sigsetjmp(escape, 0))
		return false;
	(void)*at;
	return true;
}

static bool writable(volatile uint64_t *at)
{
	if (sigsetjmp(escape, 0))
		return false;
	*at = *at;
	return true;
}

static void map_place(void)
{
	need(mmap(PLACE, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == PLACE);
}

static uint64_t *word(unsigned long page)
{
	return PLACE + page * PAGE / sizeof(uint64_t);
}

/* Own values, the others' turn in between, still own values; then a fresh mapping at the same place. */
static void own_values(uint64_t self, unsigned i)
{
	map_place();
	for (unsigned long p = 0; p < PAGES; p++)
		need(*word(p) == 0);
	for (unsigned long p = 0; p < PAGES; p++)
		*word(p) = self << 32 | i << 8 | p;
	sched_yield();
	for (unsigned long p = 0; p < PAGES; p++)
		need(*word(p) == (self << 32 | i << 8 | p));
}

static void lost_rights(uint64_t self, unsigned i)
{
	need(mprotect(word(1), PAGE, PROT_READ) == 0 && munmap(word(2), PAGE) == 0);
	sched_yield();
	need(readable(word(1)) && !writable(word(1)) && !readable(word(2)));
	need(*word(1) == (self << 32 | i << 8 | 1));
	need(madvise(word(3), PAGE, MADV_DONTNEED) == 0);
	sched_yield();
	need(*word(3) == 0 && writable(word(3)));
}

/* The child changes its copy while the parent waits, and the other way round. */
static void copies(unsigned i)
{
	pid_t pid;
	int status;

	*word(4) = i;
	pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		bool same = *word(4) == i;

		*word(4) = i + 1;
		sched_yield();
		_exit(same && *word(4) == i + 1 ? 0 : 1);
	}
	*word(4) = i + 2;
	sched_yield();
	need(*word(4) == i + 2);
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(*word(4) == i + 2);
}

static void live(uint64_t self)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	need(sigaction(SIGSEGV, &action, NULL) == 0);
	for (unsigned i = 0; i < rounds; i++) {
		own_values(self, i);
		lost_rights(self, i);
		if (i % 8 == self % 8)
			copies(i);
	}
}

static void all_at_once(void)
{
	pid_t pids[PROCESSES];
	int status;

	for (uint64_t self = 1; self <= PROCESSES; self++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (pid == 0) {
			live(self);
			_exit(0);
		}
		pids[self - 1] = pid;
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		need(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
}

/* Written by the parent while the child runs in between: an old translation of the shared page would show. */
static void shared_page(void)
{
	uint64_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	need(shared != MAP_FAILED);
	pid = fork();
	need(pid >= 0);
	for (uint64_t i = 0; i < rounds; i++) { /* each writes every other number */
		while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) % 2 != (pid == 0))
			sched_yield();
		__atomic_fetch_add(shared, 1, __ATOMIC_RELEASE);
	}
	if (pid == 0)
		_exit(0);
	need(waitpid(pid, &status, 0) == pid && status == 0 && *shared == 2 * rounds);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	tap(passes(all_at_once), "each process sees its own memory, as it is now");
	tap(passes(shared_page), "what is shared is seen by both");
	return tap_end();
}

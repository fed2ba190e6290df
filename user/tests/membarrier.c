/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2).  Two threads each write their own word and then read the other's.  Only one of them pays:
 * the other side has nothing but a compiler's barrier, so its processor may read before others see its write.
 * With membarrier on the slow side never do both read the old value; --smp 4 makes it meaningful.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum {
	QUERY,
	GLOBAL = 1,
	GLOBAL_EXPEDITED = 2,
	REGISTER_GLOBAL_EXPEDITED = 4,
	PRIVATE_EXPEDITED = 8,
	REGISTER_PRIVATE_EXPEDITED = 16,
	SYNC_CORE = 32,
	REGISTER_SYNC_CORE = 64,
	RSEQ = 128,
	REGISTER_RSEQ = 256,
};

static int membarrier(int command, unsigned flags)
{
	return syscall(SYS_membarrier, command, flags, 0) < 0 ? -errno : 0;
}

static struct {
	_Alignas(64) volatile uint64_t fast;
	_Alignas(64) volatile uint64_t slow;
	_Alignas(64) volatile uint64_t fast_saw;
	_Alignas(64) _Atomic uint64_t round; /* begun by the slow side */
	_Alignas(64) _Atomic uint64_t done;  /* ended by the fast side */
} shared;

static unsigned rounds = 300;

/* Soon, or else the other side has no CPU. */
static void await(_Atomic uint64_t *word, uint64_t value)
{
	for (unsigned tries = 0; atomic_load(word) != value; tries++) {
		if (tries > 2000)
			sched_yield();
	}
}

static void *fast_side(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= rounds; i++) {
		await(&shared.round, i);
		shared.fast = i;
		atomic_signal_fence(memory_order_seq_cst);
		shared.fast_saw = shared.slow;
		atomic_store(&shared.done, i);
	}
	return NULL;
}

/* How often neither saw the other's write, or -errno of a call that failed.  QUERY: nothing is called. */
static long both_stale(int command)
{
	pthread_t thread;
	long stale = 0;
	int err = 0;

	memset(&shared, 0, sizeof(shared));
	pthread_create(&thread, NULL, fast_side, NULL);
	for (uint64_t i = 1; i <= rounds; i++) {
		uint64_t saw;

		atomic_store(&shared.round, i);
		for (volatile unsigned wait = 0; wait < i % 40; wait++)
			;
		shared.slow = i;
		if (command != QUERY)
			err |= membarrier(command, 0);
		saw = shared.fast;
		await(&shared.done, i);
		stale += saw != i && shared.fast_saw != i;
	}
	pthread_join(thread, NULL);
	return err ? err : stale;
}

/* What a child of fork, or what this program after exec, gets for `command`. */
static int in_child(const char *self, int command)
{
	char text[16];
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (!self)
			_exit(-membarrier(command, 0));
		snprintf(text, sizeof(text), "%d", command);
		execl(self, self, "ask", text, NULL);
		_exit(99);
	}
	waitpid(child, &status, 0);
	return -WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "ask") == 0)
		return -membarrier(atoi(argv[2]), 0);
	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	tap(syscall(SYS_membarrier, QUERY, 0, 0) == 511, "the commands that there are");
	tap(membarrier(QUERY, 1) == -EINVAL && membarrier(GLOBAL, 1) == -EINVAL, "flags are EINVAL");
	tap(membarrier(3, 0) == -EINVAL && membarrier(1 << 20, 0) == -EINVAL && membarrier(-1, 0) == -EINVAL,
	    "so are commands that there are not");
	tap(membarrier(RSEQ, 2) == -EINVAL && membarrier(REGISTER_RSEQ, 1) == -EINVAL,
	    "and flags of those for rseq");
	tap(membarrier(PRIVATE_EXPEDITED, 0) == -EPERM && membarrier(SYNC_CORE, 0) == -EPERM,
	    "private ones are EPERM before they are registered");
	tap(membarrier(GLOBAL, 0) == 0 && membarrier(GLOBAL_EXPEDITED, 0) == 0 &&
		    membarrier(REGISTER_GLOBAL_EXPEDITED, 0) == 0,
	    "global ones are not");
	tap(membarrier(REGISTER_SYNC_CORE, 0) == 0 && membarrier(PRIVATE_EXPEDITED, 0) == -EPERM &&
		    membarrier(SYNC_CORE, 0) == 0,
	    "registering one does not register the other");
	tap(membarrier(REGISTER_PRIVATE_EXPEDITED, 0) == 0 && membarrier(PRIVATE_EXPEDITED, 0) == 0,
	    "registered, it works");
	tap(in_child(NULL, PRIVATE_EXPEDITED) == 0, "a child of fork is registered");
	tap(in_child(argv[0], PRIVATE_EXPEDITED) == -EPERM, "a program after exec is not");
	tap(both_stale(PRIVATE_EXPEDITED) == 0, "PRIVATE_EXPEDITED orders what other threads do");
	tap(both_stale(SYNC_CORE) == 0, "so does SYNC_CORE");
	tap(both_stale(GLOBAL_EXPEDITED) == 0, "and GLOBAL_EXPEDITED");
	tap(both_stale(GLOBAL) == 0, "and GLOBAL");
	printf("# with no barrier at all neither saw the other %ld times in %u\n", both_stale(QUERY), rounds);
	return tap_end();
}

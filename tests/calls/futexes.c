/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and what they wait for. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

/* Of linux/futex.h, which musl's compiler does not find. */
enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	PRIVATE = 128,
};
#define ADD_4_IF_3 (1 << 28 | 0 << 24 | 4 << 12 | 3) /* FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_EQ, 3) */

static int word, other;

static long futex(int *at, int op, int value, const void *timeout, int *at2, int value3)
{
	return syscall(SYS_futex, at, op, value, timeout, at2, value3);
}

static void handler(int signo)
{
	(void)signo;
}

static void *waiter(void *arg)
{
	return (void *)futex(&word, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, (int)(long)arg);
}

/* Until so many of the threads sleep: a requeue of nobody to nowhere would tell nothing, so they are given
 * time. */
static void let_them_sleep(void)
{
	usleep(50000);
}

static void test_futex(void)
{
	struct timespec soon = { 0, 10000000 }, bad = { 0, -1 };
	struct sigaction sa = { .sa_handler = handler };
	int *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t[3];

	RESULT(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
	RESULT(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0));
	RESULT(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
	RESULT(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	RESULT(futex((int *)((char *)&word + 1), FUTEX_WAKE, 1, NULL, NULL, 0));
	RESULT(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
	RESULT(futex(nowhere(), FUTEX_WAIT, 0, NULL, NULL, 0));
	RESULT(futex(nowhere(), FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	RESULT(futex(nowhere(), FUTEX_WAKE, 1, NULL, NULL, 0));
	RESULT(futex(closed, FUTEX_WAKE, 1, NULL, NULL, 0));
	RESULT(futex(closed, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	RESULT(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, closed, 0));
	RESULT(futex(&word, 99, 0, NULL, NULL, 0));
	RESULT(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
	RESULT(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	RESULT(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	let_them_sleep();
	RESULT(futex(&word, FUTEX_WAKE | PRIVATE, 2, NULL, NULL, 0));
	RESULT(futex(&word, FUTEX_CMP_REQUEUE | PRIVATE, 0, (void *)1, &other, 5));
	RESULT(futex(&word, FUTEX_CMP_REQUEUE | PRIVATE, 0, (void *)1, &other, 0));
	RESULT(futex(&word, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0));
	other = 3;
	RESULT(futex(&word, FUTEX_WAKE_OP | PRIVATE, 1, (void *)1, &other, ADD_4_IF_3));
	VALUE(other);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

static void test_priority_inheritance(void)
{
	int lock = 0;

	RESULT(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	VALUE(lock == syscall(SYS_gettid));
	RESULT(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	RESULT(futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	RESULT(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	VALUE(lock);
	RESULT(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	lock = 1000000;
	RESULT(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static void *sets_value(void *arg)
{
	*(int *)arg = 7;
	return arg;
}

static int clear_me = 5;

static int leaves(void *arg)
{
	(void)arg;
	return 3;
}

static void others_robust_list(void)
{
	size_t length;
	void *head;

	RESULT(syscall(SYS_get_robust_list, 1, &head, &length));
}

static void test_threads(void)
{
	static char stack[65536];
	pthread_t t;
	int value = 0, status;
	long head, length;
	pid_t pid;

	RESULT(pthread_create(&t, NULL, sets_value, &value));
	RESULT(pthread_join(t, NULL));
	VALUE(value);
	pid = clone(leaves, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL,
		    NULL, &clear_me);
	RESULT(waitpid(pid, &status, 0) == pid);
	VALUE(status);
	VALUE(clear_me); /* cleared in the memory that both share */
	RESULT(syscall(SYS_get_robust_list, 0, &head, &length));
	VALUE(length);
	RESULT(syscall(SYS_set_robust_list, &value, 24) >= 0 ? 0 : -1);
	RESULT(syscall(SYS_set_robust_list, &value, 8));
	RESULT(syscall(SYS_get_robust_list, 0, nowhere(), &length));
	RESULT(syscall(SYS_get_robust_list, 0, &head, nowhere()));
	RESULT(syscall(SYS_get_robust_list, 1000000, &head, &length));
	RESULT(syscall(SYS_get_robust_list, -1, &head, &length));
	RESULT(syscall(SYS_get_robust_list, getppid(), &head, &length));
	as_user(1000, "of a process of root", others_robust_list);
}

static void test_membarrier(void)
{
	RESULT(syscall(SYS_membarrier, 0, 0, 0) > 0);
	RESULT(syscall(SYS_membarrier, 1, 0, 0));
	RESULT(syscall(SYS_membarrier, 8, 0, 0)); /* not registered */
	RESULT(syscall(SYS_membarrier, 16, 0, 0));
	RESULT(syscall(SYS_membarrier, 8, 0, 0));
	RESULT(syscall(SYS_membarrier, 1 << 20, 0, 0));
	RESULT(syscall(SYS_membarrier, 1, 1, 0));
}

static const struct calls table[] = {
	{ "futex", test_futex },
	{ "futex", test_priority_inheritance },
	{ "clone set_robust_list get_robust_list", test_threads },
	{ "membarrier", test_membarrier },
};

CALLS_MAIN(table)

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals to a process of several threads: each is taken by one that may, whatever becomes of those that were
 * told of it first. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "now.h"
#include "tap.h"

#define FIRST  SIGRTMIN
#define SECOND (SIGRTMIN + 1)
#define LIMIT  10000000000ull /* nanoseconds: a signal that nobody was told of never comes */

static _Atomic int taken;
static _Atomic bool asleep, both_sent, taken_meanwhile, quit;

static sigset_t set_of(int one, int other)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, one);
	sigaddset(&set, other);
	return set;
}

static bool comes(_Atomic int *count, int want)
{
	uint64_t end = now_ns() + LIMIT;

	while (atomic_load(count) < want && now_ns() < end)
		sched_yield();
	return atomic_load(count) >= want;
}

static void take(int signo)
{
	(void)signo;
	atomic_fetch_add(&taken, 1);
}

/* Blocks the second signal and does not end before somebody else took that. */
static void take_and_wait(int signo)
{
	(void)signo;
	atomic_store(&taken_meanwhile, comes(&taken, 1));
}

/* The one that may always take them, asleep. */
static void *waiter(void *arg)
{
	(void)arg;
	atomic_store(&asleep, true);
	while (!atomic_load(&quit))
		usleep(200 * 1000 * 1000);
	return NULL;
}

static void *unblocked_waiter(void *arg)
{
	sigset_t both = set_of(FIRST, SECOND);

	pthread_sigmask(SIG_UNBLOCK, &both, NULL);
	return waiter(arg);
}

static void *send_both(void *arg)
{
	(void)arg;
	need(kill(getpid(), FIRST) == 0 && kill(getpid(), SECOND) == 0);
	atomic_store(&both_sent, true);
	return NULL;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, run, arg) == 0);
	return thread;
}

static pthread_t start_waiter(void)
{
	pthread_t thread = start(waiter, NULL);

	while (!atomic_load(&asleep))
		sched_yield();
	usleep(20 * 1000);
	return thread;
}

static void stop_waiter(pthread_t thread)
{
	atomic_store(&quit, true);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

/* On one CPU the sender has sent both before the first thread, which is told of both, takes one. */
static void handed_on_when_blocked(void)
{
	sigset_t both = set_of(FIRST, SECOND);
	struct sigaction first = { .sa_handler = take_and_wait }, second = { .sa_handler = take };
	cpu_set_t cpu;
	pthread_t other, sender;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	need(sched_setaffinity(0, sizeof(cpu), &cpu) == 0);
	sigaddset(&first.sa_mask, SECOND);
	need(sigaction(FIRST, &first, NULL) == 0 && sigaction(SECOND, &second, NULL) == 0);
	need(signal(SIGUSR1, take) != SIG_ERR);
	other = start_waiter();
	pthread_sigmask(SIG_BLOCK, &both, NULL);
	sender = start(send_both, NULL);
	pthread_sigmask(SIG_UNBLOCK, &both, NULL);
	while (!atomic_load(&both_sent))
		;
	need(atomic_load(&taken_meanwhile));
	pthread_join(sender, NULL);
	stop_waiter(other);
}

/* --- stopped by its tracer ---------------------------------------------------------------------- */

static struct shared {
	_Atomic pid_t tid;
	_Atomic bool leave, left;
	_Atomic int taken_by_other;
} * shared;

static void *end_when_told(void *arg)
{
	sigset_t both = set_of(FIRST, SECOND);

	(void)arg;
	pthread_sigmask(SIG_UNBLOCK, &both, NULL);
	atomic_store(&shared->tid, gettid());
	while (!atomic_load(&shared->leave))
		sched_yield();
	syscall(SYS_exit, 0); /* not pthread_exit, which blocks all signals first */
	return NULL;
}

/* The thread that ends stands in line before the other one. */
static int traced_program(void)
{
	sigset_t both = set_of(FIRST, SECOND);
	struct sigaction action = { .sa_handler = take };
	pthread_t other;

	need(sigaction(FIRST, &action, NULL) == 0 && signal(SIGUSR1, take) != SIG_ERR);
	pthread_sigmask(SIG_BLOCK, &both, NULL);
	start(end_when_told, NULL);
	other = start(unblocked_waiter, NULL);
	atomic_store(&shared->taken_by_other, comes(&taken, 1));
	stop_waiter(other);
	while (!atomic_load(&shared->left))
		sched_yield();
	return 0;
}

/* A tracer holds it at the event of its exit: the other one takes the signal meanwhile. */
static void not_told_to_one_that_is_stopped(void)
{
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared != MAP_FAILED);
	pid = fork();
	if (pid == 0)
		_exit(traced_program());
	while (!atomic_load(&shared->tid))
		sched_yield();
	need(ptrace(PTRACE_SEIZE, shared->tid, 0, PTRACE_O_TRACEEXIT) == 0);
	usleep(50 * 1000); /* the other one sleeps */
	atomic_store(&shared->leave, true);
	need(waitpid(shared->tid, &status, __WALL) == shared->tid && status >> 16 == PTRACE_EVENT_EXIT);
	need(kill(pid, FIRST) == 0 && comes(&shared->taken_by_other, 1));
	need(ptrace(PTRACE_CONT, shared->tid, 0, 0) == 0);
	need(waitpid(shared->tid, &status, __WALL) == shared->tid && WIFEXITED(status));
	atomic_store(&shared->left, true);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	tap(passes(handed_on_when_blocked), "a signal that a thread came to block goes to another");
	tap(passes(not_told_to_one_that_is_stopped), "a thread at its tracer's stop is passed over");
	return tap_end();
}

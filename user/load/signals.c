/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: each that is sent arrives as the rules say, queued ones all and in order. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static volatile sig_atomic_t handled, nested, last_value;

static void count_handled(int signo)
{
	(void)signo;
	handled++;
}

static void handle_with(int signo, void (*handler)(int), int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	expect(sigaction(signo, &act, NULL) == 0);
}

static sigset_t set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

/* To oneself: handled before kill returns. */
static void to_self(void)
{
	unsigned count = 1 + draw_below(50);

	handle_with(SIGUSR1, count_handled, 0);
	handled = 0;
	for (unsigned i = 0; i < count; i++) {
		expect(kill(getpid(), SIGUSR1) == 0);
		expect(handled == (int)i + 1);
	}
}

/* Blocked: pending, once however often it was sent, and delivered when it is let through. */
static void masked(void)
{
	sigset_t usr1 = set_of(SIGUSR1), pending;

	handle_with(SIGUSR1, count_handled, 0);
	handled = 0;
	expect(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
	for (unsigned i = 1 + draw_below(5); i > 0; i--)
		raise(SIGUSR1);
	expect(handled == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	expect(sigprocmask(SIG_UNBLOCK, &usr1, NULL) == 0);
	expect(handled == 1);
}

/* Values by real-time signals: every one, in the order they were sent. */
static void queued(void)
{
	unsigned count = 1 + draw_below(40);
	sigset_t set = set_of(SIGRTMIN + 1);
	siginfo_t info;
	pid_t pid;

	expect(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pid = start_child();
	if (pid == 0) {
		for (unsigned i = 0; i < count; i++) {
			while (sigqueue(getppid(), SIGRTMIN + 1, (union sigval){ .sival_int = (int)i }) < 0) {
				expect(errno == EAGAIN); /* RLIMIT_SIGPENDING */
				sleep_us(100);
			}
		}
		_exit(0);
	}
	for (unsigned i = 0; i < count; i++) {
		int got;

		do
			got = sigwaitinfo(&set, &info);
		while (got < 0 && errno == EINTR);
		expect(got == SIGRTMIN + 1 && info.si_value.sival_int == (int)i && info.si_pid == pid);
	}
	expect_exit(pid, 0);
	expect(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

/* Two processes answer each other by signals alone. */
static void ping_pong(void)
{
	unsigned count = 1 + draw_below(30);
	sigset_t usr1 = set_of(SIGUSR1), old;
	pid_t pid, parent = getpid();
	int signo;

	expect(sigprocmask(SIG_BLOCK, &usr1, &old) == 0);
	pid = start_child();
	for (unsigned i = 0; i < count; i++) {
		if (pid != 0)
			expect(kill(pid, SIGUSR1) == 0);
		expect(sigwait(&usr1, &signo) == 0 && signo == SIGUSR1);
		if (pid == 0)
			expect(kill(parent, SIGUSR1) == 0);
	}
	if (pid == 0)
		_exit(0);
	expect_exit(pid, 0);
	expect(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

/* A handler's mask holds while it runs; on a stack of its own. */
static void in_handler(int signo)
{
	int here = nested++;

	if (signo == SIGUSR1) {
		raise(SIGUSR2); /* masked by the handler: comes behind it */
		expect(nested == here + 1);
	}
	last_value = signo;
}

static void nested_handlers(void)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) }, none = { .ss_flags = SS_DISABLE };
	struct sigaction act = { .sa_handler = in_handler, .sa_flags = draw_below(2) ? SA_ONSTACK : 0 };

	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGUSR2);
	expect(sigaltstack(&alternate, NULL) == 0);
	expect(sigaction(SIGUSR1, &act, NULL) == 0 && sigaction(SIGUSR2, &act, NULL) == 0);
	nested = 0;
	raise(SIGUSR1);
	expect(nested == 2 && last_value == SIGUSR2);
	expect(sigaltstack(&none, NULL) == 0);
}

/* Stopped, continued and killed, each seen by the parent. */
static void stop_and_go(void)
{
	int status;
	pid_t pid = start_child();

	if (pid == 0)
		for (;;)
			sched_yield();
	for (unsigned i = 1 + draw_below(5); i > 0; i--) {
		expect(kill(pid, SIGSTOP) == 0);
		expect(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		expect(kill(pid, SIGCONT) == 0);
		expect(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	}
	expect(kill(pid, SIGKILL) == 0);
	expect(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A read that a signal interrupts goes on by itself, or says EINTR, as the handler was set. */
static void interrupted_read(void)
{
	bool restart = draw_below(2);
	int ends[2], told[2];
	char c;
	pid_t pid;

	expect(pipe(ends) == 0 && pipe(told) == 0);
	pid = start_child();
	if (pid == 0) {
		handle_with(SIGUSR1, count_handled, restart ? SA_RESTART : 0);
		handled = 0;
		expect(write(told[1], "r", 1) == 1);
		while (read(ends[0], &c, 1) < 0)
			expect(errno == EINTR && !restart);
		_exit(c);
	}
	expect(read(told[0], &c, 1) == 1);
	for (unsigned i = draw_below(8); i > 0; i--) {
		expect(kill(pid, SIGUSR1) == 0);
		sleep_us(draw_below(300));
	}
	expect(write(ends[1], "\x11", 1) == 1);
	expect_exit(pid, 0x11);
	close(ends[0]);
	close(ends[1]);
	close(told[0]);
	close(told[1]);
}

/* To one thread of several. */
static _Thread_local volatile sig_atomic_t mine;
static pthread_barrier_t ready;

static void count_mine(int signo)
{
	(void)signo;
	mine++;
}

static void *wait_for_mine(void *arg)
{
	mine = 0;
	pthread_barrier_wait(&ready);
	while (mine == 0)
		sched_yield();
	return arg;
}

static void to_threads(void)
{
	unsigned count = 1 + draw_below(4);
	pthread_t t[4];

	handle_with(SIGUSR2, count_mine, SA_RESTART);
	pthread_barrier_init(&ready, NULL, count + 1);
	mine = 0;
	for (unsigned i = 0; i < count; i++)
		expect(pthread_create(&t[i], NULL, wait_for_mine, NULL) == 0);
	pthread_barrier_wait(&ready);
	for (unsigned i = 0; i < count; i++)
		expect(pthread_kill(t[i], SIGUSR2) == 0);
	for (unsigned i = 0; i < count; i++)
		expect(pthread_join(t[i], NULL) == 0);
	expect(mine == 0);
}

static void signal_round(void)
{
	static void (*const ways[])(void) = { to_self,         masked,      queued,           ping_pong,
					      nested_handlers, stop_and_go, interrupted_read, to_threads };

	one_of(ways, 8);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

const struct kind signal_kind = { .name = "signal", .round = signal_round };

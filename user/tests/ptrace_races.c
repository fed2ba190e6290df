/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracers and tracees that end, exec, fork and stop while requests are made: nothing hangs, everybody can be
 * waited for, and who is left is nobody's tracee.  The same program passes on Linux.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "ptrace.h"
#include "tap.h"

#define ROUNDS 60

static unsigned seed = 1;

/* A short while, another one each time. */
static void a_while(void)
{
	struct timespec t = { .tv_nsec = (seed = seed * 1103515245 + 12345) % 400000 };

	nanosleep(&t, NULL);
}

/* Until it has ended, whatever it stops for meanwhile. */
static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		trace(PTRACE_CONT, pid, 0, 0);
	return status;
}

/* Calls, signals to itself, children, threads: all that stops a tracee. */
static void *thread_life(void *arg)
{
	getppid();
	return arg;
}

static void busy_life(void)
{
	signal(SIGUSR1, SIG_IGN);
	for (;;) {
		pthread_t thread;
		pid_t pid;

		getppid();
		raise(SIGUSR1);
		if (pthread_create(&thread, NULL, thread_life, NULL) == 0)
			pthread_join(thread, NULL);
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static pid_t busy(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		busy_life();
	}
	return pid;
}

/* What a tracer does all day, to everybody who stops. */
static void serve(pid_t target, unsigned options)
{
	static const int ways[] = { PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, PTRACE_SYSCALL };
	struct user_regs_struct regs;
	unsigned n = 0;
	int status;
	pid_t pid;

	if (trace(PTRACE_SEIZE, target, 0, options) != 0)
		return;
	trace(PTRACE_INTERRUPT, target, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int signo = WIFSTOPPED(status) && status >> 16 == 0 ? WSTOPSIG(status) : 0;

		if (trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&regs) == 0)
			trace(PTRACE_SETREGS, pid, 0, (uintptr_t)&regs);
		if (WIFSTOPPED(status))
			trace(ways[n++ % 4], pid, 0,
			      signo == SIGTRAP || signo == SIGSTOP ? 0 : (uintptr_t)signo);
	}
}

#define ALL_EVENTS (PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT)

static pid_t tracer_of(pid_t target, unsigned options)
{
	pid_t pid = fork();

	if (pid == 0) {
		serve(target, options);
		_exit(0);
	}
	return pid;
}

static void kill_and_wait(pid_t pid)
{
	need(kill(pid, SIGKILL) == 0);
	need(WTERMSIG(reap(pid)) == SIGKILL);
}

static void tracee_killed(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t target = busy(), tracer = tracer_of(target, ALL_EVENTS);

		a_while();
		kill_and_wait(target);
		kill(tracer, SIGKILL);
		reap(tracer);
	}
}

static void tracer_killed(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t target = busy();
		pid_t tracer = tracer_of(target, i % 2 ? ALL_EVENTS | PTRACE_O_EXITKILL : 0);

		a_while();
		kill_and_wait(tracer);
		/* It goes on, or it may be traced anew, or it is dead: whatever it was at. */
		kill(target, SIGKILL);
		reap(target);
	}
}

static void both_killed(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t target = busy(), tracer = tracer_of(target, ALL_EVENTS);

		a_while();
		kill(i % 2 ? tracer : target, SIGKILL);
		kill(i % 2 ? target : tracer, SIGKILL);
		reap(target);
		reap(tracer);
	}
}

/* Two who want the same. */
static void attach_storm(void)
{
	pid_t target = sleeper(), rivals[3];

	for (int i = 0; i < 3; i++) {
		rivals[i] = fork();
		if (rivals[i] == 0) {
			for (int n = 0; n < ROUNDS * 4; n++) {
				int status;

				if (trace(n % 2 ? PTRACE_ATTACH : PTRACE_SEIZE, target, 0, 0) != 0)
					continue;
				if (n % 2 == 0)
					trace(PTRACE_INTERRUPT, target, 0, 0);
				if (waitpid(target, &status, __WALL) != target ||
				    trace(PTRACE_DETACH, target, 0, 0) != 0)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		need(reap(rivals[i]) == 0);
	need(trace(PTRACE_SEIZE, target, 0, 0) == 0);
	kill_and_reap(target);
}

static void *exec_now(void *arg)
{
	execl("/proc/self/exe", "ptrace_races", "end", NULL);
	return arg;
}

/* Threads that exec under each other's feet. */
static void exec_life(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, i == 2 ? exec_now : thread_life, NULL);
	for (;;)
		pause();
}

static void execs(void)
{
	for (int i = 0; i < ROUNDS / 2; i++) {
		pid_t pid = tracee(exec_life), any;
		int status;

		need(trace(PTRACE_SETOPTIONS, pid, 0, ALL_EVENTS) == 0);
		go_on(PTRACE_CONT, pid, 0);
		while ((any = waitpid(-1, &status, __WALL)) > 0) {
			if (any == pid && !WIFSTOPPED(status))
				break;
			if (WIFSTOPPED(status))
				trace(PTRACE_CONT, any, 0, 0);
		}
		need(any == pid && WIFEXITED(status) && WEXITSTATUS(status) == 6);
		while (waitpid(-1, &status, __WALL) > 0)
			;
	}
}

/* Stops of the process, and what ends them, beside a tracer. */
static void job_control(void)
{
	pid_t target = busy(), tracer = tracer_of(target, ALL_EVENTS);
	int status;

	for (int i = 0; i < ROUNDS; i++) {
		kill(target, i % 2 ? SIGCONT : SIGSTOP);
		a_while();
		waitpid(target, &status, WNOHANG | WUNTRACED | WCONTINUED);
	}
	kill_and_wait(target);
	kill(tracer, SIGKILL);
	reap(tracer);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "end") == 0)
		return 6;
	tap(passes(tracee_killed), "a tracee is killed at any time");
	tap(passes(tracer_killed), "a tracer is killed at any time");
	tap(passes(both_killed), "both are");
	tap(passes(attach_storm), "many attach to the same and let go");
	tap(passes(execs), "threads exec while they are traced");
	tap(passes(job_control), "stopped and continued while it is traced");
	return tap_end();
}

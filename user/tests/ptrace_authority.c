/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2): who may trace whom, and what a tracer cannot make of a program that may do more than he may, or
 * that he may not read.  The same program passes on Linux, run as root.
 */
#define _GNU_SOURCE
#include "ptrace.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

#define NOBODY 1000

static void become_nobody(void)
{
	need(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

/* This very program, with another mode; root's. */
static void copy_self(const char *name, mode_t mode)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	char text[4096];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		need(write(to, text, (size_t)n) == n);
	need(fchmod(to, mode) == 0);
	close(from);
	close(to);
}

/* --- attaching ------------------------------------------------------------------------------------ */

static void strangers(void)
{
	pid_t pid = sleeper();

	become_nobody();
	need(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	need(trace(PTRACE_SEIZE, pid, 0, 0) == -1 && errno == EPERM);
}

static void not_dumpable(void)
{
	int ready[2];
	pid_t pid;
	char c;

	need(pipe(ready) == 0);
	become_nobody();
	prctl(PR_SET_DUMPABLE, 1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(ready[1], "x", 1);
		sleep_for_ever();
	}
	need(read(ready[0], &c, 1) == 1);
	need(trace(PTRACE_SEIZE, pid, 0, 0) == -1 && errno == EPERM);
	kill(pid, SIGKILL);
}

static void asks_with_privileges(void)
{
	_exit(trace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM ? 0 : 1);
}

/* Who has privileges does not hand himself to a parent without. */
static void parent_without(void)
{
	int ready[2], status;
	pid_t pid;
	char c;

	need(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		need(read(ready[0], &c, 1) == 1);
		asks_with_privileges();
	}
	become_nobody();
	need(write(ready[1], "x", 1) == 1);
	status = wait_for(pid);
	need(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- what the tracee becomes ---------------------------------------------------------------------- */

/* Whether the set-user-ID program has root's rights when `child` has run it under a tracer. */
static bool gains(pid_t child)
{
	int status = wait_for(child);

	need(STOPPED_BY(status, SIGTRAP));
	go_on(PTRACE_CONT, child, 0);
	status = wait_for(child);
	need(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 0;
}

/* A child that runs it and has its parent trace it. */
static pid_t run_traced(const char *program)
{
	pid_t pid = fork();

	if (pid == 0) {
		become_nobody();
		trace(PTRACE_TRACEME, 0, 0, 0);
		execl(program, program, "euid", NULL);
		_exit(99);
	}
	return pid;
}

static void set_id(void)
{
	static const char copy[] = "/ptrace-set-id";
	int status;
	pid_t pid;

	copy_self(copy, 04755);
	become_nobody();
	pid = fork();
	if (pid == 0) {
		execl(copy, copy, "euid", NULL);
		_exit(99);
	}
	status = wait_for(pid);
	need(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	need(!gains(run_traced(copy)));
}

/* The tracer may be privileged at that moment and be somebody else afterwards: who chose him counts. */
static void set_id_under_chosen_tracer(void)
{
	static const char copy[] = "/ptrace-set-id";

	copy_self(copy, 04755);
	need(!gains(run_traced(copy)));
}

/* --- what the tracer may not read ----------------------------------------------------------------- */

static void unreadable(void)
{
	static const char copy[] = "/ptrace-unreadable";
	int status;
	pid_t pid;

	copy_self(copy, 0711);
	become_nobody();
	pid = fork();
	if (pid == 0) {
		execl(copy, copy, "dumpable", NULL);
		_exit(99);
	}
	status = wait_for(pid);
	need(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static volatile long word = 0x1122334455667788;

static void hide(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	raise(SIGSTOP);
}

/* Who is traced already may withdraw his memory. */
static void hidden_later(void)
{
	long seen = 0;
	pid_t pid;

	become_nobody();
	prctl(PR_SET_DUMPABLE, 1);
	pid = tracee(hide);
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&seen) == 0 && seen == word);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGSTOP));
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&seen) == -1 && errno == EIO);
	need(trace(PTRACE_POKEDATA, pid, (uintptr_t)&word, 1) == -1 && errno == EIO);
	kill_and_reap(pid);
}

static void hidden_from_root(void)
{
	pid_t pid = sleeper();
	long seen = 0;

	need(trace(PTRACE_ATTACH, pid, 0, 0) == 0 && STOPPED_BY(wait_for(pid), SIGSTOP));
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&seen) == 0 && seen == word);
	kill_and_reap(pid);
	pid = tracee(hide);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGSTOP));
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&seen) == 0 && seen == word);
	kill_and_reap(pid);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "euid") == 0)
		return geteuid() == 0 ? 0 : 1;
	if (argc > 1 && strcmp(argv[1], "dumpable") == 0)
		return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1;
	tap(passes(strangers), "another user's process: EPERM");
	tap(passes(not_dumpable), "one that is not dumpable: EPERM");
	tap(passes(parent_without), "TRACEME with privileges that the parent has not: EPERM");
	tap(passes(set_id), "set-user-ID programs gain nothing under a tracer without privilege");
	tap(passes(set_id_under_chosen_tracer), "nor under one with it, whom somebody without has chosen");
	tap(passes(unreadable), "a program that may not be read is not dumpable");
	tap(passes(hidden_later), "memory of who is not dumpable any more is not its tracer's");
	tap(passes(hidden_from_root), "but one's with privileges");
	return tap_end();
}

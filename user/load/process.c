/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: every child that is started is waited for, and has ended as it was told to. */
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define CHILDREN 8
#define BUSYBOX  "/bin/busybox"

/* A child's way to end, which its parent has to see in the status. */
static _Noreturn void end_by(unsigned code)
{
	if (code >= 64) {
		signal(SIGTERM, SIG_DFL);
		raise(SIGTERM);
	}
	_exit((int)code);
}

static bool ended_by(int status, unsigned code)
{
	if (code >= 64)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == (int)code;
}

/* Children of children: each waits for its own before it ends. */
static _Noreturn void generation(unsigned depth, unsigned code)
{
	for (; depth > 0; depth--) {
		pid_t pid = start_child();

		if (pid != 0) {
			expect_exit(pid, 7);
			_exit((int)code);
		}
		code = 7;
	}
	end_by(code);
}

static void fork_round(void)
{
	pid_t pids[CHILDREN];
	unsigned codes[CHILDREN], count = 1 + draw_below(CHILDREN), left = count;

	for (unsigned i = 0; i < count; i++) {
		unsigned depth = draw_below(3);

		codes[i] = draw_below(depth ? 64 : 80);
		pids[i] = start_child();
		if (pids[i] == 0)
			generation(depth, codes[i]);
	}
	while (left > 0) {
		unsigned i = 0;
		int status;
		/* One by name, or whichever ends next. */
		pid_t pid = waitpid(draw_below(2) ? -1 : pids[left - 1], &status, 0);

		while (i < left && pids[i] != pid)
			i++;
		expect(i < left);
		expect(ended_by(status, codes[i]));
		left--;
		pids[i] = pids[left];
		codes[i] = codes[left];
	}
	expect(waitpid(-1, NULL, WNOHANG) == -1);
}

/* The program itself, with arguments it has to understand. */
static void exec_self(int code)
{
	char text[16];
	pid_t pid;

	snprintf(text, sizeof(text), "%d", code);
	pid = start_child();
	if (pid == 0) {
		execl(program_path, "load", "--exit", text, (char *)NULL);
		_exit(126);
	}
	expect_exit(pid, code);
}

static void spawn_self(int code)
{
	static char *const none[] = { NULL };
	char text[16], *argv[] = { "load", "--exit", text, NULL };
	pid_t pid;

	snprintf(text, sizeof(text), "%d", code);
	expect(posix_spawn(&pid, program_path, NULL, NULL, argv, none) == 0);
	expect_exit(pid, code);
}

/* Another program, whose output and status are checked. */
static void exec_busybox(int code)
{
	char script[64], said[64] = "", wanted[64];
	int ends[2];
	ssize_t n, got = 0;
	pid_t pid;

	snprintf(script, sizeof(script), "echo load %d; exit %d", code * 3, code);
	snprintf(wanted, sizeof(wanted), "load %d\n", code * 3);
	expect(pipe(ends) == 0);
	pid = start_child();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl(BUSYBOX, "sh", "-c", script, (char *)NULL);
		_exit(126);
	}
	close(ends[1]);
	while ((n = read(ends[0], said + got, sizeof(said) - 1 - (size_t)got)) > 0)
		got += n;
	close(ends[0]);
	expect_exit(pid, code);
	expect(strcmp(said, wanted) == 0);
}

static void exec_missing(void)
{
	pid_t pid = start_child();

	if (pid == 0) {
		execl("/nowhere/at/all", "all", (char *)NULL);
		_exit(5);
	}
	expect_exit(pid, 5);
}

static void exec_round(void)
{
	int code = (int)draw_below(90);

	switch (draw_below(4)) {
	case 0:
		exec_self(code);
		break;
	case 1:
		spawn_self(code);
		break;
	case 2:
		exec_missing();
		break;
	default:
		if (access(BUSYBOX, X_OK) == 0)
			exec_busybox(code);
		else
			exec_self(code);
	}
}

const struct kind fork_kind = { .name = "fork", .round = fork_round };
const struct kind exec_kind = { .name = "exec", .round = exec_round };

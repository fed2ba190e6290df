/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases that run in a child of their own: what they break ends with them. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The wait status of a child that runs body and leaves with 0. */
static inline int status_of(void (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		body();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static inline bool passes(void (*body)(void))
{
	int status = status_of(body);

	if (status)
		printf("# status %x\n", status);
	return status == 0;
}

/* Inside such a child: leave with a failure, and say where, unless the condition holds. */
static inline void need_at(bool condition, int line)
{
	if (condition)
		return;
	printf("# line %d, errno %d\n", line, errno);
	fflush(stdout);
	_exit(1);
}
#define need(c) need_at(c, __LINE__)

/* A child that sleeps until it is killed or its parent ends. */
static inline pid_t sleeper(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* it ended before */
			_exit(0);
		for (;;)
			pause();
	}
	return pid;
}

/* Of a process, as /proc/pid/stat has it; 0: there is no such. */
static inline char state_of(pid_t pid)
{
	char path[32], text[256], *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	at = strrchr(text, ')');
	return at ? at[2] : 0;
}

/* Until it is in that state, or has ended. */
static inline void until_state(pid_t pid, char state)
{
	for (char now = 0; now != state && now != 'Z'; now = state_of(pid))
		usleep(1000);
}

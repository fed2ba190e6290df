/* SPDX-License-Identifier: BSD-2-Clause */
/* Tracees for tests, and steps with them that must succeed.  For cases that run by passes() of child.h. */
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "child.h"

/* glibc's header has these, musl's not. */
#ifndef PTRACE_GETREGSET
#define PTRACE_GETREGSET 0x4204
#define PTRACE_SETREGSET 0x4205
#endif
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

#define STOPPED_BY(status, signo) ((status) == ((signo) << 8 | 0x7f))
#define EVENT_STATUS(event)       ((SIGTRAP | (event) << 8) << 8 | 0x7f)

static inline long trace(long request, pid_t pid, uintptr_t addr, uintptr_t data)
{
	return syscall(101, request, (long)pid, addr,
		       data); /* as it is, without the C library's ideas of PEEK */
}

static inline int wait_for(pid_t pid)
{
	int status = -1;

	need(waitpid(pid, &status, __WALL) == pid);
	return status;
}

static inline void go_on(long request, pid_t pid, int signo)
{
	need(trace(request, pid, 0, (uintptr_t)signo) == 0);
}

/* A child that asks to be traced, stops once and then runs body; it is stopped. */
static inline pid_t tracee(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (trace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(99);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	need(pid > 0 && STOPPED_BY(wait_for(pid), SIGSTOP));
	return pid;
}

static inline void nothing(void) {}

static inline void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static inline void kill_and_reap(pid_t pid)
{
	int status;

	need(kill(pid, SIGKILL) == 0);
	do
		status = wait_for(pid);
	while (WIFSTOPPED(status));
	need(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

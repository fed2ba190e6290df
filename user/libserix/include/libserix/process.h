/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads by capability: Linux's pidfds, and what <serix/process.h> adds.  A descriptor that a
 * function makes is closed on exec and belongs to the caller.
 */
#pragma once

#include <serix/cap.h>
#include <serix/process.h>
#include <signal.h>
#include <stddef.h>

#define PIDFD_NONBLOCK 04000u
#define PIDFD_THREAD   0200u

int pidfd_open(pid_t pid, unsigned flags);
int pidfd_send_signal(int pidfd, int signo, siginfo_t *info, unsigned flags);
/* A copy of a descriptor of the process: PROCESS_RIGHT_GRANT here, CAP_RIGHT_GRANT there. */
int pidfd_getfd(int pidfd, int fd, unsigned flags);
int process_control(cap_handle_t handle, unsigned op, void *data, size_t size);
int process_info(cap_handle_t handle, struct process_info *out);

/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/process.h>

#include "call.h"

int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)call(pidfd_open, pid, flags);
}

int pidfd_send_signal(int pidfd, int signo, siginfo_t *info, unsigned flags)
{
	return (int)call(pidfd_send_signal, pidfd, signo, info, flags);
}

int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return (int)call(pidfd_getfd, pidfd, fd, flags);
}

int process_control(cap_handle_t handle, unsigned op, void *data, size_t size)
{
	return (int)call(process_control, handle, op, data, size);
}

int process_info(cap_handle_t handle, struct process_info *out)
{
	return process_control(handle, PROCESS_INFO, out, sizeof(*out));
}

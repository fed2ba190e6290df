/* SPDX-License-Identifier: BSD-2-Clause */
/* Debugging: one thread looks into another. */
#include <kernel/syscall.h>

#include <kernel/ptrace.h>

/*
 * lacks: PTRACE_SINGLEBLOCK, PTRACE_GET_THREAD_AREA, PTRACE_SET_THREAD_AREA, PTRACE_ARCH_PRCTL,
 * PTRACE_SECCOMP_GET_FILTER, PTRACE_SECCOMP_GET_METADATA (EIO), PTRACE_O_SUSPEND_SECCOMP (EINVAL); segment
 * registers stay as they are, and other values for them are EIO
 */
SYSCALL(ptrace)
{
	return ptrace_call(ARG(0, int64_t), ARG(1, pid_t), args->a[2], args->a[3]);
}

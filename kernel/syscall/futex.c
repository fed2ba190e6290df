/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2), futex_waitv(2). */
#include <kernel/syscall.h>

#include <kernel/proc_calls.h>

/* takes: FUTEX_* in call_wait call_wake futex_call, but FUTEX_ANY, else ENOSYS */
SYSCALL(futex)
{
	return futex_call(ARG(0, uaddr_t), ARG(1, int), ARG(2, uint32_t), args->a[3], ARG(4, uaddr_t),
			  ARG(5, uint32_t));
}

/* takes: FUTEX_* in kernel/proc/futex_waitv.c, but FUTEX_WAITV_MAX FUTEX_ANY, else EINVAL */
SYSCALL(futex_waitv)
{
	return futex_waitv_call(ARG(0, uaddr_t), ARG(1, unsigned), ARG(2, unsigned), ARG(3, uaddr_t),
				ARG(4, int));
}

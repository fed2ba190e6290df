/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory, semaphores, messages. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/sysvipc.h>
#include <kernel/timespec.h>
#include <kernel/wait.h>
#include <serix/errno.h>

SYSCALL(shmget)
{
	return shm_get(ARG(0, int32_t), ARG(1, uint64_t), ARG(2, uint32_t));
}

SYSCALL(shmat)
{
	return shm_attach(ARG(0, int), ARG(1, uint64_t), ARG(2, uint32_t));
}

SYSCALL(shmdt)
{
	return shm_detach(ARG(0, uint64_t));
}

SYSCALL(shmctl)
{
	return shm_control(ARG(0, int), ARG(1, int), ARG(2, uaddr_t));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory, semaphores, messages. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/sysvipc.h>
#include <kernel/timespec.h>
#include <kernel/unsupported.h>
#include <kernel/vm.h>
#include <kernel/wait.h>
#include <serix/errno.h>

/*
 * takes: IPC_CREAT* IPC_EXCL* in kernel/sysvipc/ids.c; SHM_* in segment_create, else ignored
 * lacks: huge pages (SHM_HUGETLB: ENOMEM, EPERM if not root)
 */
SYSCALL(shmget)
{
	return shm_get(ARG(0, int32_t), ARG(1, uint64_t), ARG(2, uint32_t));
}

/*
 * takes: SHM_* in where_to_attach rights_to_attach, else ignored
 * lacks: memory that is written and executed where neither the program's file nor `vm.write_exec` allows it
 * (EACCES)
 */
SYSCALL(shmat)
{
	uint32_t flags = ARG(2, uint32_t);
	int64_t at = shm_attach(ARG(0, int), ARG(1, uint64_t), flags);

	if (at == -EACCES && (flags & (SHM_EXEC | SHM_RDONLY)) == SHM_EXEC &&
	    !vm_may_write_exec(current_task()->vm))
		unsupported_note(UNSUPPORTED_FLAG, SHM_EXEC, "shmat");
	return at;
}

SYSCALL(shmdt)
{
	return shm_detach(ARG(0, uint64_t));
}

/* takes: IPC_* SHM_* in shm_control, else EINVAL */
SYSCALL(shmctl)
{
	return shm_control(ARG(0, int), ARG(1, int), ARG(2, uaddr_t));
}

/* takes: IPC_CREAT* IPC_EXCL* in kernel/sysvipc/ids.c, else ignored */
SYSCALL(semget)
{
	return sem_get(ARG(0, int32_t), ARG(1, int), ARG(2, uint32_t));
}

/* takes: IPC_* SEM_* GET* SET* in sem_control, else EINVAL */
SYSCALL(semctl)
{
	return sem_control(ARG(0, int), ARG(1, int), ARG(2, int), ARG(3, uint64_t));
}

#define FEW_OPS 8u

static int64_t operate(int id, uaddr_t from, uint32_t count, uint64_t deadline_ns)
{
	struct abi_sembuf few[FEW_OPS], *ops = few;
	int64_t result;

	if (id < 0 || count < 1)
		return -EINVAL;
	if (count > atomic_load(&sysvipc_limits.semopm))
		return -E2BIG;
	if (count > FEW_OPS)
		ops = kcalloc(count, sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	result = copy_from_user(ops, from, count * sizeof(*ops));
	if (result == 0)
		result = sem_operate(id, ops, count, deadline_ns);
	if (ops != few)
		kfree(ops);
	return result;
}

/* takes: SEM_UNDO* IPC_NOWAIT* in kernel/sysvipc/sem.c, else ignored */
SYSCALL(semop)
{
	return operate(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), WAIT_FOREVER);
}

/* takes: SEM_UNDO* IPC_NOWAIT* in kernel/sysvipc/sem.c, else ignored */
SYSCALL(semtimedop)
{
	struct abi_timespec ts;

	if (!ARG(3, uaddr_t))
		return operate(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), WAIT_FOREVER);
	if (copy_from_user(&ts, ARG(3, uaddr_t), sizeof(ts)) < 0)
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return operate(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), deadline_after(timespec_to_ns(&ts)));
}

/* takes: IPC_CREAT* IPC_EXCL* in kernel/sysvipc/ids.c, else ignored */
SYSCALL(msgget)
{
	return msg_get(ARG(0, int32_t), ARG(1, uint32_t));
}

/* takes: IPC_NOWAIT* in kernel/sysvipc/msg.c, else ignored */
SYSCALL(msgsnd)
{
	return msg_send(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint64_t), ARG(3, uint32_t));
}

/* takes: IPC_NOWAIT* MSG_NOERROR* MSG_EXCEPT* MSG_COPY* in kernel/sysvipc/msg.c, else ignored */
SYSCALL(msgrcv)
{
	return msg_receive(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint64_t), ARG(3, int64_t), ARG(4, uint32_t));
}

/* takes: IPC_* MSG_* in msg_control, else EINVAL */
SYSCALL(msgctl)
{
	return msg_control(ARG(0, int), ARG(1, int), ARG(2, uaddr_t));
}

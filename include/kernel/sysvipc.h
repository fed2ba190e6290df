/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V IPC: shared memory, semaphores and message queues, which programs find by a key and name by an id.
 *
 * Each kind has one table of ids and one sleeping lock, RANK_SYSVIPC, for the table and all that is in it.
 * It comes behind vm_space.lock, because areas that come and go count in their segment; so user memory is
 * never touched under it.
 *
 * Keys and ids are global names, so they are ambient authority: a process that is confined to paths, or in
 * capability mode, finds no object by its key, and none by its id but those that were made under the very
 * same confinement.  IPC_PRIVATE works.
 *
 * All calls return what the system call returns, negative errno included.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/sysvipc.h>

struct process;

/* Limits, as /proc/sys/kernel has them. */
struct sysvipc_limits {
	_Atomic uint64_t shmmax, shmall; /* bytes of a segment; pages of all */
	_Atomic uint32_t shmmni;
	_Atomic uint32_t semmsl, semmns, semopm, semmni;
	_Atomic uint32_t msgmax, msgmnb, msgmni;
};
extern struct sysvipc_limits sysvipc_limits;
#define SYSVIPC_IDS 32768u /* what the limits on ids can be at most */

/* --- shared memory: kernel/sysvipc/shm.c ---------------------------------------------------------------- */

int64_t shm_get(int32_t key, uint64_t size, uint32_t flags);
int64_t shm_attach(int id, uint64_t addr, uint32_t flags); /* where it is */
int64_t shm_detach(uint64_t addr);
int64_t shm_control(int id, int cmd, uaddr_t buf);

/* --- semaphores: kernel/sysvipc/sem.c ------------------------------------------------------------------- */

int64_t sem_get(int32_t key, int count, uint32_t flags);
/* `ops`: of the caller.  deadline_ns: monotonic, WAIT_FOREVER. */
int64_t sem_operate(int id, const struct abi_sembuf *ops, unsigned count, uint64_t deadline_ns);
int64_t sem_control(int id, int num, int cmd, uint64_t arg);

/* What a process undoes when it ends (SEM_UNDO); shared by CLONE_SYSVSEM.  In process.sem_undo, which begins
 * as NULL. */
struct sem_undo_list;
/* The child shares what the running process undoes.  -ENOMEM. */
int sem_undo_share(struct process *child) __must_check;
/* The process ends, or never began. */
void sem_undo_exit(struct process *p);

/* --- messages: kernel/sysvipc/msg.c --------------------------------------------------------------------- */

int64_t msg_get(int32_t key, uint32_t flags);
int64_t msg_send(int id, uaddr_t from, uint64_t size, uint32_t flags);
int64_t msg_receive(int id, uaddr_t to, uint64_t size, int64_t type, uint32_t flags);
int64_t msg_control(int id, int cmd, uaddr_t buf);

/* --- /proc/sysvipc -------------------------------------------------------------------------------------- */

/* The first at or after *index that the running process may know of.  False: none. */
bool shm_next(unsigned *index, int *id, struct abi_shmid_ds *out, uint64_t *resident);
bool sem_next(unsigned *index, int *id, struct abi_semid_ds *out);
bool msg_next(unsigned *index, int *id, struct abi_msqid_ds *out);

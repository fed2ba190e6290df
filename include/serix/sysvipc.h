/* SPDX-License-Identifier: BSD-2-Clause */
/* System V IPC: Linux x86-64's structures and numbers. */
#pragma once

#include <stdint.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000u
#define IPC_EXCL    02000u
#define IPC_NOWAIT  04000u

#define IPC_RMID 0
#define IPC_SET  1
#define IPC_STAT 2
#define IPC_INFO 3

struct abi_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_ipc_perm) == 48, "struct ipc64_perm");

/* --- shared memory --- */

#define SHM_RDONLY    010000u
#define SHM_RND       020000u
#define SHM_REMAP     040000u
#define SHM_EXEC      0100000u
#define SHM_HUGETLB   04000u
#define SHM_NORESERVE 010000u
#define SHM_DEST      01000u /* in mode: removed, and gone with the last that has it attached */
#define SHM_LOCKED    02000u

#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

struct abi_shmid_ds {
	struct abi_ipc_perm perm;
	uint64_t size;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t attached;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "struct shmid64_ds");

struct abi_shminfo {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct abi_shm_info {
	int32_t used_ids, pad;
	uint64_t total, resident, swapped, swap_attempts, swap_successes;
};

/* --- semaphores --- */

#define SEM_UNDO     0x1000
#define GETPID       11
#define GETVAL       12
#define GETALL       13
#define GETNCNT      14
#define GETZCNT      15
#define SETVAL       16
#define SETALL       17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20

struct abi_sembuf {
	uint16_t num;
	int16_t op;
	int16_t flags;
};

struct abi_semid_ds {
	struct abi_ipc_perm perm;
	int64_t otime;
	uint64_t unused1;
	int64_t ctime;
	uint64_t unused2;
	uint64_t count;
	uint64_t unused3[2];
};
_Static_assert(sizeof(struct abi_semid_ds) == 104, "struct semid64_ds");

struct abi_seminfo {
	int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

/* --- messages --- */

#define MSG_NOERROR  010000u
#define MSG_EXCEPT   020000u
#define MSG_COPY     040000u
#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13

struct abi_msqid_ds {
	struct abi_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t bytes, count, limit;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "struct msqid64_ds");

struct abi_msginfo {
	int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t msgseg, pad;
};

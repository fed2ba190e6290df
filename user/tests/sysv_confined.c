/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and ids of System V IPC are global names: who is in capability mode finds nothing by them but its
 * own. */
#define _GNU_SOURCE
#include <libserix/confine.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "child.h"
#include "tap.h"

#define FAILS(call, e)  ((call) == -1 && errno == (e))
#define NO_MAP(call, e) ((call) == (void *)-1 && errno == (e))
#define KEY             0x53434f4e

static int shm, sem, msg;

static void finds_nothing(void)
{
	struct sembuf up = { 0, 1, 0 };
	struct shmid_ds ds;
	char line[256];

	need(cap_enter(CAP_ENTER) == 0);
	need(FAILS(shmget(KEY, 4096, 0600), EACCES) &&
	     FAILS(shmget(KEY + 1, 4096, IPC_CREAT | 0600), EACCES));
	need(FAILS(semget(KEY, 1, 0600), EACCES) && FAILS(msgget(KEY, 0600), EACCES));
	need(NO_MAP(shmat(shm, NULL, 0), EACCES) && FAILS(shmctl(shm, IPC_STAT, &ds), EACCES));
	need(FAILS(shmctl(shm, IPC_RMID, NULL), EACCES));
	need(FAILS(shmctl(shm % 32768, SHM_STAT_ANY, &ds), EACCES));
	need(FAILS(semop(sem, &up, 1), EACCES) && FAILS(semctl(sem, 0, IPC_RMID), EACCES));
	need(FAILS(msgsnd(msg, line, 1, IPC_NOWAIT), EACCES) || errno == EINVAL);
	need(FAILS(msgctl(msg, IPC_RMID, NULL), EACCES));
}

/* What it makes itself is shared with its children. */
static void has_its_own(void)
{
	int status, id;
	char *at;
	pid_t pid;

	need(cap_enter(CAP_ENTER) == 0);
	id = shmget(IPC_PRIVATE, 4096, 0600);
	need(id >= 0);
	pid = fork();
	if (pid == 0) {
		at = shmat(id, NULL, 0);
		need(at != (void *)-1);
		at[0] = 'c';
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	at = shmat(id, NULL, 0);
	need(at != (void *)-1 && at[0] == 'c');
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void keeps_what_is_attached(void)
{
	char *at = shmat(shm, NULL, 0);

	need(at != (void *)-1 && cap_enter(CAP_ENTER) == 0);
	at[0] = 'k';
	need(shmdt(at) == 0 && NO_MAP(shmat(shm, NULL, 0), EACCES));
}

int main(void)
{
	shm = shmget(KEY, 4096, IPC_CREAT | 0666);
	sem = semget(KEY, 1, IPC_CREAT | 0666);
	msg = msgget(KEY, IPC_CREAT | 0666);
	tap(shm >= 0 && sem >= 0 && msg >= 0, "one of each, for everybody");
	tap(passes(finds_nothing), "in capability mode no key and no id leads to it");
	tap(passes(has_its_own), "what is made there is shared with children");
	tap(passes(keeps_what_is_attached), "what was attached before stays, until it is given up");
	tap(shmctl(shm, IPC_RMID, NULL) == 0 && semctl(sem, 0, IPC_RMID) == 0 &&
		    msgctl(msg, IPC_RMID, NULL) == 0,
	    "all is there still");
	return tap_end();
}

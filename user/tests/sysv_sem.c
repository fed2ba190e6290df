/* SPDX-License-Identifier: BSD-2-Clause */
/* System V semaphores as semget(2), semop(2), semctl(2) have them.  Runs on Linux, too, with the same
 * outcome. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define WORKERS        4
#define ROUNDS         500

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int make(int n)
{
	return semget(IPC_PRIVATE, n, 0600);
}

static int op(int id, int num, int by, int flags)
{
	struct sembuf b = { (unsigned short)num, (short)by, (short)flags };

	return semop(id, &b, 1);
}

static int value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static int set(int id, int num, int to)
{
	return semctl(id, num, SETVAL, (union arg){ .val = to });
}

static void removed(int id)
{
	need(semctl(id, 0, IPC_RMID) == 0);
}

static pid_t child(void)
{
	fflush(stdout);
	return fork();
}

static void child_ended_well(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Until `n` wait for the semaphore to grow (or to be zero). */
static void until_waiting(int id, int num, int cmd, int n)
{
	for (int i = 0; i < 5000 && semctl(id, num, cmd) != n; i++)
		usleep(1000);
	need(semctl(id, num, cmd) == n);
}

static void get_refusals(void)
{
	key_t key = 0x53450000 ^ getpid();
	int id;

	need(FAILS(semget(key, 1, 0600), ENOENT));
	need(FAILS(semget(IPC_PRIVATE, 0, 0600), EINVAL));
	need(FAILS(semget(IPC_PRIVATE, -1, 0600), EINVAL));
	need(FAILS(semget(IPC_PRIVATE, 32001, 0600), EINVAL));
	id = semget(key, 3, IPC_CREAT | 0600);
	need(id >= 0 && semget(key, 0, 0) == id && semget(key, 3, 0) == id);
	need(FAILS(semget(key, 4, 0), EINVAL));
	need(FAILS(semget(key, 3, IPC_CREAT | IPC_EXCL), EEXIST));
	removed(id);
	need(FAILS(semctl(id, 0, GETVAL), EINVAL));
}

static void op_refusals(void)
{
	int id = make(2);
	struct sembuf many[501];

	memset(many, 0, sizeof(many));
	need(FAILS(semop(id, many, 0), EINVAL));
	need(FAILS(semop(id, many, 501), E2BIG));
	need(semop(id, many, 500) == 0);
	need(FAILS(semop(id, (void *)8, 1), EFAULT));
	need(FAILS(semop(-1, many, 1), EINVAL));
	need(FAILS(op(id, 2, 1, 0), EFBIG));
	need(FAILS(op(id, 0, -1, IPC_NOWAIT), EAGAIN));
	need(op(id, 0, 1, 0) == 0);
	need(FAILS(op(id, 0, 0, IPC_NOWAIT), EAGAIN));
	need(op(id, 0, 32766, 0) == 0 && FAILS(op(id, 0, 1, 0), ERANGE) && value(id, 0) == 32767);
	need(FAILS(set(id, 0, 32768), ERANGE) && FAILS(set(id, 0, -1), ERANGE) &&
	     FAILS(set(id, 2, 1), EINVAL));
	need(FAILS(semctl(id, 0, 4711), EINVAL));
	removed(id);
}

static void all_or_nothing(void)
{
	int id = make(3);
	struct sembuf ops[3] = { { 0, 5, 0 }, { 1, -1, IPC_NOWAIT }, { 2, 1, 0 } };

	need(FAILS(semop(id, ops, 3), EAGAIN));
	need(value(id, 0) == 0 && value(id, 1) == 0 && value(id, 2) == 0);
	need(set(id, 1, 1) == 0 && semop(id, ops, 3) == 0);
	need(value(id, 0) == 5 && value(id, 1) == 0 && value(id, 2) == 1);
	/* One after the other on the same one. */
	ops[0] = (struct sembuf){ 0, -5, IPC_NOWAIT };
	ops[1] = (struct sembuf){ 0, 0, IPC_NOWAIT };
	ops[2] = (struct sembuf){ 0, 2, 0 };
	need(semop(id, ops, 3) == 0 && value(id, 0) == 2);
	removed(id);
}

static void all_values(void)
{
	int id = make(3);
	unsigned short v[3] = { 1, 2, 3 }, out[3] = { 0 };
	struct semid_ds ds;

	need(semctl(id, 0, SETALL, (union arg){ .array = v }) == 0);
	need(semctl(id, 0, GETALL, (union arg){ .array = out }) == 0 && memcmp(v, out, sizeof(v)) == 0);
	need(semctl(id, 1, GETPID) == getpid());
	v[2] = 40000;
	need(FAILS(semctl(id, 0, SETALL, (union arg){ .array = v }), ERANGE) && value(id, 2) == 3);
	need(FAILS(semctl(id, 0, SETALL, (union arg){ .array = (void *)8 }), EFAULT));
	need(semctl(id, 0, IPC_STAT, (union arg){ .buf = &ds }) == 0);
	need(ds.sem_nsems == 3 && ds.sem_otime == 0 && ds.sem_ctime != 0 &&
	     (ds.sem_perm.mode & 0777) == 0600);
	ds.sem_perm.mode = 0640;
	need(semctl(id, 0, IPC_SET, (union arg){ .buf = &ds }) == 0);
	need(op(id, 0, 1, 0) == 0 && semctl(id, 0, IPC_STAT, (union arg){ .buf = &ds }) == 0);
	need((ds.sem_perm.mode & 0777) == 0640 && ds.sem_otime != 0);
	removed(id);
}

static void waits_and_is_woken(void)
{
	int id = make(2);
	pid_t down = child(), zero;

	if (down == 0)
		_exit(op(id, 0, -2, 0));
	until_waiting(id, 0, GETNCNT, 1);
	need(op(id, 0, 1, 0) == 0 && semctl(id, 0, GETNCNT) == 1);
	zero = child();
	if (zero == 0)
		_exit(op(id, 0, 0, 0));
	until_waiting(id, 0, GETZCNT, 1);
	need(op(id, 0, 1, 0) == 0); /* lets the one go, which lets the other go */
	child_ended_well(down);
	child_ended_well(zero);
	need(value(id, 0) == 0 && semctl(id, 0, GETNCNT) == 0 && semctl(id, 0, GETZCNT) == 0);
	need(semctl(id, 0, GETPID) == zero || semctl(id, 0, GETPID) == down);
	removed(id);
}

static void removal_wakes(void)
{
	int id = make(1);
	pid_t pid = child();

	if (pid == 0)
		_exit(!FAILS(op(id, 0, -1, SEM_UNDO), EIDRM));
	until_waiting(id, 0, GETNCNT, 1);
	removed(id);
	child_ended_well(pid);
}

static void nothing(int signo)
{
	(void)signo;
}

static void signal_interrupts(void)
{
	int id = make(1);
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 0);
	need(FAILS(op(id, 0, -1, 0), EINTR)); /* whatever SA_RESTART says */
	need(semctl(id, 0, GETNCNT) == 0);
	removed(id);
}

static void times_out(void)
{
	int id = make(1);
	struct sembuf b = { 0, -1, 0 };
	struct timespec ts = { 0, 20000000 }, bad = { 0, 1000000000 };

	need(FAILS(semtimedop(id, &b, 1, &ts), EAGAIN));
	need(FAILS(semtimedop(id, &b, 1, &bad), EINVAL));
	need(FAILS(semtimedop(id, &b, 1, (void *)8), EFAULT));
	need(set(id, 0, 1) == 0 && semtimedop(id, &b, 1, &ts) == 0);
	removed(id);
}

static void undone_at_exit(void)
{
	int id = make(2);
	pid_t pid;

	need(set(id, 0, 10) == 0);
	pid = child();
	if (pid == 0) {
		need(op(id, 0, -3, SEM_UNDO) == 0 && op(id, 0, 1, SEM_UNDO) == 0);
		need(op(id, 1, 4, SEM_UNDO) == 0 && op(id, 1, -2, 0) == 0);
		_exit(0);
	}
	child_ended_well(pid);
	need(value(id, 0) == 10);
	need(value(id, 1) == 0); /* never below zero */
	need(semctl(id, 0, GETPID) == pid);
	removed(id);
}

static void undo_is_void_after_set(void)
{
	int id = make(1);
	pid_t pid = child();

	if (pid == 0) {
		need(op(id, 0, 3, SEM_UNDO) == 0 && set(id, 0, 7) == 0);
		_exit(0);
	}
	child_ended_well(pid);
	need(value(id, 0) == 7);
	removed(id);
}

/* A lock whose holder is killed is free for who waits. */
static void a_killed_holder_lets_go(void)
{
	int id = make(1), status;
	pid_t holder, waiter;

	need(set(id, 0, 1) == 0);
	holder = child();
	if (holder == 0) {
		need(op(id, 0, -1, SEM_UNDO) == 0);
		for (;;)
			pause();
	}
	for (int i = 0; i < 5000 && value(id, 0) != 0; i++)
		usleep(1000);
	waiter = child();
	if (waiter == 0)
		_exit(op(id, 0, -1, 0));
	until_waiting(id, 0, GETNCNT, 1);
	need(kill(holder, SIGKILL) == 0 && waitpid(holder, &status, 0) == holder);
	child_ended_well(waiter);
	removed(id);
}

static void others(void)
{
	int id = make(1), open = semget(IPC_PRIVATE, 1, 0604);
	pid_t pid = child();
	struct semid_ds ds;

	if (pid == 0) {
		need(setgid(1000) == 0 && setuid(1000) == 0);
		need(FAILS(op(id, 0, 1, 0), EACCES) && FAILS(semctl(id, 0, GETVAL), EACCES));
		need(FAILS(semctl(id, 0, IPC_RMID), EPERM));
		need(value(open, 0) == 0 && op(open, 0, 0, 0) == 0);
		need(FAILS(op(open, 0, 1, 0), EACCES) && FAILS(set(open, 0, 1), EACCES));
		need(semctl(open, 0, IPC_STAT, (union arg){ .buf = &ds }) == 0);
		need(FAILS(semctl(open, 0, IPC_SET, (union arg){ .buf = &ds }), EPERM));
		_exit(0);
	}
	child_ended_well(pid);
	removed(id);
	removed(open);
}

static void by_place(void)
{
	struct seminfo limits, use;
	struct semid_ds ds;
	int id = make(5), last = semctl(0, 0, IPC_INFO, (union arg){ .info = &limits }), found = 0;

	need(last >= 0 && limits.semmsl == 32000 && limits.semopm == 500 && limits.semvmx == 32767);
	need(semctl(0, 0, SEM_INFO, (union arg){ .info = &use }) == last && use.semusz >= 1 &&
	     use.semaem >= 5);
	for (int i = 0; i <= last; i++)
		found += semctl(i, 0, SEM_STAT, (union arg){ .buf = &ds }) == id;
	need(found == 1);
	removed(id);
}

static void in_proc(void)
{
	int id = make(4), found = 0;
	char line[256];
	FILE *f = fopen("/proc/sysvipc/sem", "r");

	need(f && fgets(line, sizeof(line), f) && strstr(line, "semid perms      nsems"));
	while (fgets(line, sizeof(line), f)) {
		int key, there, n;
		unsigned perms, count;

		n = sscanf(line, "%d %d %o %u", &key, &there, &perms, &count);
		found += n == 4 && there == id && perms == 0600 && count == 4;
	}
	need(found == 1);
	removed(id);
}

/* With CLONE_SYSVSEM what is undone is shared: the first one's end takes nothing back. */
static int shares_undo(void *arg)
{
	return op(*(int *)arg, 0, 1, SEM_UNDO);
}

static void shared_undo(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int id = make(1);
	pid_t pid;

	pid = clone(shares_undo, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, &id);
	need(pid > 0);
	child_ended_well(pid);
	need(value(id, 0) == 1);
	removed(id);
}

/* Several processes count under a lock made of a semaphore, in two sets that hang together. */
static void excludes(void)
{
	int id = make(2);
	pid_t pids[WORKERS];

	need(set(id, 0, 1) == 0);
	for (int w = 0; w < WORKERS; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			for (int i = 0; i < ROUNDS; i++) {
				int before;

				need(op(id, 0, -1, SEM_UNDO) == 0);
				before = value(id, 1);
				need(set(id, 1, before + 1) == 0);
				need(op(id, 0, 1, SEM_UNDO) == 0);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < WORKERS; w++)
		child_ended_well(pids[w]);
	need(value(id, 1) == WORKERS * ROUNDS && value(id, 0) == 1);
	removed(id);
}

/* Sets are made and removed under who waits for them. */
static void removal_races(void)
{
	for (int i = 0; i < 40; i++) {
		int id = make(2);
		pid_t pids[WORKERS];

		need(id >= 0);
		for (int w = 0; w < WORKERS; w++) {
			pids[w] = child();
			if (pids[w] == 0) {
				struct sembuf ops[2] = { { 0, -1, SEM_UNDO },
							 { 1, (short)(w % 2), SEM_UNDO } };

				while (semop(id, ops, 2) == 0)
					;
				_exit(errno != EIDRM && errno != EINVAL);
			}
		}
		need(op(id, 0, 2, 0) == 0);
		usleep(300);
		removed(id);
		for (int w = 0; w < WORKERS; w++)
			child_ended_well(pids[w]);
	}
}

int main(void)
{
	tap(passes(get_refusals), "semget finds, makes and refuses by key, number and flags");
	tap(passes(op_refusals), "semop refuses what is wrong");
	tap(passes(all_or_nothing), "operations are done all together or not at all");
	tap(passes(all_values), "SETALL, GETALL, IPC_STAT, IPC_SET");
	tap(passes(waits_and_is_woken), "who waits is woken when it can go, and counted before");
	tap(passes(removal_wakes), "removal wakes with EIDRM");
	tap(passes(signal_interrupts), "a signal interrupts");
	tap(passes(times_out), "semtimedop gives up in time");
	tap(passes(undone_at_exit), "SEM_UNDO is undone at exit");
	tap(passes(undo_is_void_after_set), "SETVAL makes what was to be undone void");
	tap(passes(a_killed_holder_lets_go), "a killed holder lets go");
	tap(passes(others), "others get what the mode grants");
	tap(passes(by_place), "IPC_INFO, SEM_INFO, SEM_STAT");
	tap(passes(in_proc), "/proc/sysvipc/sem");
	tap(passes(shared_undo), "CLONE_SYSVSEM shares what is undone");
	tap(passes(excludes), "processes exclude each other");
	tap(passes(removal_races), "removal under who waits");
	return tap_end();
}

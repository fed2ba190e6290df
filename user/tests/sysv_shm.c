/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory as shmget(2), shmat(2), shmctl(2) have it: what it shares, how long it lives, who
 * may do what with it.  Runs on Linux, too, with the same outcome.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "child.h"
#include "tap.h"

#define PAGE            4096ul
#define SIZE            (4 * PAGE)
#define FAILS(call, e)  ((call) == -1 && errno == (e))
#define NO_MAP(call, e) ((call) == (void *)-1 && errno == (e))
#define ROUNDS          300
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static int make(void)
{
	return shmget(IPC_PRIVATE, SIZE, 0600);
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds = { 0 };

	need(shmctl(id, IPC_STAT, &ds) == 0);
	return ds;
}

static void become(uid_t id)
{
	need(setgid(id) == 0 && setuid(id) == 0);
}

static key_t some_key(void)
{
	return (key_t)(0x53580000 ^ getpid());
}

static void get_refusals(void)
{
	key_t key = some_key();
	int id;

	need(FAILS(shmget(key, SIZE, 0600), ENOENT));
	need(FAILS(shmget(key, 0, IPC_CREAT | 0600), EINVAL));
	need(FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL));
	need(FAILS(shmget(IPC_PRIVATE, -1ul, 0600), EINVAL));
	id = shmget(key, SIZE, IPC_CREAT | 0600);
	need(id >= 0);
	need(shmget(key, SIZE, IPC_CREAT | 0600) == id);
	need(shmget(key, 0, 0) == id);
	need(shmget(key, 1, 0) == id);
	need(FAILS(shmget(key, SIZE + 1, 0), EINVAL));
	need(FAILS(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600), EEXIST));
	need(shmctl(id, IPC_RMID, NULL) == 0);
	need(FAILS(shmget(key, SIZE, 0600), ENOENT));
	need(FAILS(shmctl(id, IPC_RMID, NULL), EINVAL));
}

static void private_is_new_each_time(void)
{
	int a = make(), b = make();

	need(a >= 0 && b >= 0 && a != b);
	need(shmctl(a, IPC_RMID, NULL) == 0 && shmctl(b, IPC_RMID, NULL) == 0);
	/* A number that was given up names nothing for a long time. */
	need(make() != a);
}

static void attach_refusals(void)
{
	int id = make();
	char *at = shmat(id, NULL, 0);

	need(at != (void *)-1);
	need(NO_MAP(shmat(-1, NULL, 0), EINVAL));
	need(NO_MAP(shmat(id, at + 1, 0), EINVAL));
	need(NO_MAP(shmat(id, at, 0), EINVAL)); /* something is there */
	need(NO_MAP(shmat(id, NULL, SHM_REMAP), EINVAL));
	need(NO_MAP(shmat(id, (void *)1, SHM_REMAP | SHM_RND), EINVAL));
	need(FAILS(shmdt(at + 1), EINVAL));
	need(FAILS(shmdt(at + PAGE), EINVAL));
	need(FAILS(shmdt(&id), EINVAL));
	need(shmdt(at) == 0);
	need(FAILS(shmdt(at), EINVAL));
	need(shmctl(id, IPC_RMID, NULL) == 0);
	need(NO_MAP(shmat(id, NULL, 0), EINVAL));
}

static void shares_with_children(void)
{
	int id = make(), status;
	_Atomic int *at = shmat(id, NULL, 0);
	pid_t pid;

	need(at != (void *)-1);
	pid = fork();
	if (pid == 0) {
		_Atomic int *again = shmat(id, NULL, 0);

		need(again != (void *)-1 && again != at);
		atomic_store(&again[PAGE / 4 * 3], 77);
		need(stat_of(id).shm_nattch == 3);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(at[PAGE / 4 * 3] == 77);
	need(stat_of(id).shm_nattch == 1 && stat_of(id).shm_lpid == pid);
	need(shmdt((void *)at) == 0);
	need(stat_of(id).shm_nattch == 0);
	/* It keeps what is in it while nobody has it. */
	at = shmat(id, NULL, SHM_RDONLY);
	need(at[PAGE / 4 * 3] == 77);
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void removed_while_attached(void)
{
	key_t key = some_key();
	int id = shmget(key, SIZE, IPC_CREAT | 0600);
	char *at = shmat(id, NULL, 0), *again;

	need(at != (void *)-1);
	at[0] = 'x';
	need(shmctl(id, IPC_RMID, NULL) == 0);
	need(stat_of(id).shm_perm.mode & SHM_DEST);
	need(stat_of(id).shm_perm.__key == IPC_PRIVATE);
	need(FAILS(shmget(key, SIZE, 0600), ENOENT));
	again = shmat(id, NULL, 0); /* as on Linux, by its id it is still to be had */
	need(again != (void *)-1 && again[0] == 'x');
	need(shmdt(at) == 0);
	again[1] = 'y';
	need(shmdt(again) == 0);
	need(FAILS(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL));
}

static void exit_detaches(void)
{
	int id = make(), status;
	pid_t pid = fork();

	if (pid == 0) {
		need(shmat(id, NULL, 0) != (void *)-1);
		need(shmctl(id, IPC_RMID, NULL) == 0);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(FAILS(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL));
}

static void read_only_is_read_only(void)
{
	int id = make();
	char *rw = shmat(id, NULL, 0), *ro = shmat(id, NULL, SHM_RDONLY);

	need(rw != (void *)-1 && ro != (void *)-1);
	rw[5] = 'r';
	need(ro[5] == 'r');
	need(FAILS(mprotect(ro, PAGE, PROT_READ | PROT_WRITE), EACCES));
	need(mprotect(rw, PAGE, PROT_READ) == 0 && mprotect(rw, PAGE, PROT_READ | PROT_WRITE) == 0);
	need(shmctl(id, IPC_RMID, NULL) == 0);
	ro[0] = 'w';
}

static void remap_and_rounding(void)
{
	int a = make(), b = make();
	char *at = shmat(a, NULL, 0), *other;

	at[0] = 'a';
	other = shmat(b, at, SHM_REMAP);
	need(other == at && at[0] == 0);
	need(stat_of(a).shm_nattch == 0 && stat_of(b).shm_nattch == 1);
	need(shmdt(at) == 0);
	need(shmat(a, at + 123, SHM_RND) == at && at[0] == 'a');
	need(shmctl(a, IPC_RMID, NULL) == 0 && shmctl(b, IPC_RMID, NULL) == 0);
}

/* Parts that munmap leaves are attachments of their own, and one shmdt takes them all. */
static void parts(void)
{
	int id = make();
	char *at = shmat(id, NULL, 0);

	need(at != (void *)-1);
	need(munmap(at + PAGE, PAGE) == 0);
	need(stat_of(id).shm_nattch == 2);
	at[0] = at[3 * PAGE] = 'p';
	need(shmdt(at) == 0);
	need(stat_of(id).shm_nattch == 0);
	at = shmat(id, NULL, 0);
	need(munmap(at, PAGE) == 0); /* the first of it, too */
	need(shmdt(at) == 0);
	need(stat_of(id).shm_nattch == 0);
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

/* KiB of /proc/meminfo's Shmem. */
static long shared_memory(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	need(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Shmem: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* 4 MiB, again and again, of which each part is a mapping of its own when it is detached. */
static void memory_of_parts(void)
{
	const size_t size = 4096 * 1024;
	long before = shared_memory();

	for (int i = 0; i < 8; i++) {
		int id = shmget(IPC_PRIVATE, size, 0600);
		char *at = shmat(id, NULL, 0);

		need(id >= 0 && at != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
		memset(at, 1, size);
		need(mprotect(at + PAGE, PAGE, PROT_READ) == 0);
		need(shmdt(at) == 0);
	}
	need(shared_memory() - before < 16 * 1024);
}

static void stat_and_set(void)
{
	int id = make();
	struct shmid_ds ds = stat_of(id);

	need(ds.shm_segsz == SIZE && ds.shm_cpid == getpid() && ds.shm_lpid == 0 && ds.shm_nattch == 0);
	need(ds.shm_perm.uid == geteuid() && ds.shm_perm.cuid == geteuid() && ds.shm_perm.cgid == getegid());
	need((ds.shm_perm.mode & 0777) == 0600 && ds.shm_atime == 0 && ds.shm_dtime == 0 &&
	     ds.shm_ctime != 0);
	ds.shm_perm.mode = 07777;
	ds.shm_perm.uid = 12;
	need(shmctl(id, IPC_SET, &ds) == 0);
	ds = stat_of(id);
	need((ds.shm_perm.mode & 07777) == 0777 && ds.shm_perm.uid == 12);
	need(FAILS(shmctl(id, IPC_STAT, (void *)8), EFAULT));
	need(FAILS(shmctl(id, IPC_SET, (void *)8), EFAULT));
	need(FAILS(shmctl(id, 4711, &ds), EINVAL));
	need(FAILS(shmctl(-1, IPC_STAT, &ds), EINVAL));
	need(shmctl(id, SHM_LOCK, NULL) == 0 && (stat_of(id).shm_perm.mode & SHM_LOCKED));
	need(shmctl(id, SHM_UNLOCK, NULL) == 0 && !(stat_of(id).shm_perm.mode & SHM_LOCKED));
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void by_place(void)
{
	struct shminfo limits;
	struct shm_info use;
	struct shmid_ds ds;
	int id = make(), last = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), found = 0;

	need(last >= 0 && limits.shmmni >= 128 && limits.shmmin == 1 && limits.shmmax > SIZE);
	need(shmctl(0, SHM_INFO, (struct shmid_ds *)&use) >= 0 && use.used_ids >= 1 && use.shm_tot >= 4);
	for (int i = 0; i <= last; i++)
		found += shmctl(i, SHM_STAT, &ds) == id;
	need(found == 1);
	need(FAILS(shmctl(last + 1000, SHM_STAT, &ds), EINVAL));
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void others(void)
{
	int id = make(), status, ours = shmget(IPC_PRIVATE, SIZE, 0644);
	pid_t pid = fork();
	struct shmid_ds ds;

	if (pid == 0) {
		become(1000);
		need(NO_MAP(shmat(id, NULL, SHM_RDONLY), EACCES));
		need(FAILS(shmctl(id, IPC_STAT, &ds), EACCES));
		need(FAILS(shmctl(id, IPC_RMID, NULL), EPERM));
		need(NO_MAP(shmat(ours, NULL, 0), EACCES));
		need(shmat(ours, NULL, SHM_RDONLY) != (void *)-1);
		need(shmctl(ours, IPC_STAT, &ds) == 0);
		need(FAILS(shmctl(ours, IPC_SET, &ds), EPERM));
		need(FAILS(shmctl(ours, SHM_LOCK, NULL), EPERM));
		need(FAILS(shmget(IPC_PRIVATE, SIZE, SHM_HUGETLB | 0600), EPERM));
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(shmctl(id, IPC_RMID, NULL) == 0 && shmctl(ours, IPC_RMID, NULL) == 0);
}

static void by_key_of_others(void)
{
	key_t key = some_key();
	int id = shmget(key, SIZE, IPC_CREAT | 0640), status;
	pid_t pid = fork();

	if (pid == 0) {
		become(1000);
		need(FAILS(shmget(key, SIZE, 0600), EACCES));
		need(FAILS(shmget(key, SIZE, 0400), EACCES));
		need(shmget(key, SIZE, 0) == id); /* no way of using it is asked for */
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void in_proc(void)
{
	int id = make(), found = 0;
	char line[512];
	FILE *f = fopen("/proc/sysvipc/shm", "r");

	need(f != NULL && fgets(line, sizeof(line), f) != NULL);
	need(strstr(line, "shmid perms                  size  cpid  lpid nattch"));
	while (fgets(line, sizeof(line), f)) {
		int key, there, perms, n;
		unsigned long size;

		n = sscanf(line, "%d %d %o %lu", &key, &there, (unsigned *)&perms, &size);
		found += n == 4 && there == id && size == SIZE && perms == 0600;
	}
	need(found == 1);
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

static void in_maps(void)
{
	int id = make(), found = 0;
	char *at = shmat(id, NULL, 0), line[512], want[64];
	FILE *f = fopen("/proc/self/maps", "r");

	snprintf(want, sizeof(want), "%lx-", (unsigned long)at);
	while (fgets(line, sizeof(line), f))
		found +=
			strstr(line, want) && strstr(line, "rw-s") && strstr(line, "/SYSV00000000 (deleted)");
	need(found == 1);
	need(shmctl(id, IPC_RMID, NULL) == 0);
}

/* Threads attach, detach, remove and make at once: the counts come out right, and nothing is left. */
static _Atomic int current_id = -1;
static _Atomic int working;

static void *attacher(void *arg)
{
	(void)arg;
	while (atomic_load(&working)) {
		int id = atomic_load(&current_id);
		char *at = shmat(id, NULL, 0);

		if (at == (void *)-1)
			continue;
		at[PAGE] = 'z';
		munmap(at + PAGE, PAGE);
		shmdt(at);
	}
	return NULL;
}

static void races(void)
{
	struct shm_info before, after;
	pthread_t threads[3];

	need(shmctl(0, SHM_INFO, (struct shmid_ds *)&before) >= 0);
	atomic_store(&working, 1);
	for (int i = 0; i < 3; i++)
		need(pthread_create(&threads[i], NULL, attacher, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		int id = make();

		need(id >= 0);
		atomic_store(&current_id, id);
		if (i % 3)
			usleep(50);
		need(shmctl(id, IPC_RMID, NULL) == 0);
	}
	atomic_store(&working, 0);
	for (int i = 0; i < 3; i++)
		need(pthread_join(threads[i], NULL) == 0);
	need(shmctl(0, SHM_INFO, (struct shmid_ds *)&after) >= 0);
	need(after.used_ids == before.used_ids && after.shm_tot == before.shm_tot);
}

int main(void)
{
	tap(passes(get_refusals), "shmget finds, makes and refuses by key, size and flags");
	tap(passes(private_is_new_each_time),
	    "IPC_PRIVATE is new each time, and ids are not used again at once");
	tap(passes(attach_refusals), "shmat and shmdt refuse what is wrong");
	tap(passes(shares_with_children),
	    "what is written is shared with children and stays; attachments are counted");
	tap(passes(removed_while_attached),
	    "removed while attached: no key, but there until the last detaches");
	tap(passes(exit_detaches), "the end of a process detaches");
	tap(WTERMSIG(status_of(read_only_is_read_only)) == SIGSEGV,
	    "SHM_RDONLY can not be written, nor made so");
	tap(passes(remap_and_rounding), "SHM_REMAP and SHM_RND");
	tap(passes(parts), "parts that munmap leaves count, and go with one shmdt");
	tap(passes(memory_of_parts), "what was cut into parts gives its memory back");
	tap(passes(stat_and_set), "IPC_STAT, IPC_SET, SHM_LOCK");
	tap(passes(by_place), "IPC_INFO, SHM_INFO, SHM_STAT");
	tap(passes(others), "others get what the mode grants");
	tap(passes(by_key_of_others), "others find by key what the mode grants");
	tap(passes(in_proc), "/proc/sysvipc/shm");
	tap(passes(in_maps), "/proc/self/maps names segments");
	tap(passes(races), "attaching, cutting, detaching and removing at once leaves nothing");
	return tap_end();
}

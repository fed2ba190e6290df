/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock while everything moves: rulesets that grow while they are enforced, directories that change places
 * and mounts that come and go under those who open files there, processes that end while others look at them.
 * Every answer is one that some order of events gives.
 */
#include "landlock.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tap.h"

#define TOP     "/tmp/landlock_races"
#define THREADS 4
#define FILES   64
#define ROUNDS  24

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE

static atomic_bool wrong, over;

static void complain_unless(bool right, int line)
{
	if (!right && !atomic_exchange(&wrong, true))
		printf("# line %d, errno %d\n", line, errno);
}
#define NEED(c) complain_unless(c, __LINE__)

/* The last thread is `other`, which goes on until the rest, who run `fn`, have ended. */
static bool run_beside(void *(*fn)(void *), void *(*other)(void *))
{
	pthread_t t[THREADS];

	atomic_store(&over, false);
	for (intptr_t i = 0; i < THREADS; i++)
		NEED(pthread_create(&t[i], NULL, i < THREADS - 1 ? fn : other, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++) {
		if (i == THREADS - 1)
			atomic_store(&over, true);
		pthread_join(t[i], NULL);
	}
	return !atomic_exchange(&wrong, false);
}

static void make(const char *name)
{
	NEED(close(open(name, O_CREAT | O_RDWR, 0644)) == 0);
}

static int opens(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* --- a ruleset that grows: who enforces it has the rules up to some moment --- */

static int shared;

static void name_of(int i, char *name)
{
	snprintf(name, 32, "files/%d", i);
}

static void *enforce_it(void *arg)
{
	char name[32];
	bool denied = false;

	(void)arg;
	NEED(landlock_enforce(shared) == 0);
	for (int i = 0; i < FILES; i++) {
		int error;

		name_of(i, name);
		error = opens(name);
		NEED(error == 0 || error == EACCES);
		NEED(error != 0 || !denied); /* the rules were added in this order */
		denied |= error == EACCES;
	}
	return NULL;
}

static void *add_rules(void *arg)
{
	char name[32];

	(void)arg;
	for (int i = 0; i < FILES; i++) {
		name_of(i, name);
		NEED(landlock_add(shared, READ_FILE, name) == 0);
	}
	return NULL;
}

static bool rulesets_grow(void)
{
	bool right = true;

	for (int i = 0; i < ROUNDS / 4 && right; i++) {
		shared = landlock_ruleset(READ_FILE);
		right = run_beside(enforce_it, add_rules);
		close(shared);
	}
	return right;
}

/* --- a directory goes from one place to another: allowed in the one, denied in the other --- */

static void *open_there(void *arg)
{
	int ruleset = landlock_ruleset(READ_FILE), dir;

	do
		dir = open("a/moves", O_PATH);
	while (dir < 0 && errno == ENOENT);
	NEED(dir >= 0 && landlock_add(ruleset, READ_FILE, "a") == 0 && landlock_enforce(ruleset) == 0);
	for (int i = 0; i < ROUNDS * 10; i++) {
		int fd = openat(dir, (intptr_t)arg & 1 ? "file" : "in/file", O_RDONLY), error;

		NEED(fd >= 0 || errno == EACCES);
		close(fd);
		NEED(opens("b/stays") == EACCES && opens("a/stays") == 0);
		error = opens("b/moves/file");
		/* 0: it was back when the question came up. */
		NEED(error == EACCES || error == ENOENT || error == 0);
	}
	close(dir);
	close(ruleset);
	return NULL;
}

static void *move_about(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		NEED(rename("a/moves", "b/moves") == 0);
		NEED(rename("b/moves", "a/moves") == 0);
	}
	return NULL;
}

/* --- two that exchange files with what another one opens --- */

static void *exchange_there(void *arg)
{
	const unsigned rights = LANDLOCK_ACCESS_FS_REFER | READ_FILE;
	int ruleset = landlock_ruleset(rights);

	(void)arg;
	NEED(landlock_add(ruleset, LANDLOCK_ACCESS_FS_REFER, ".") == 0);
	NEED(landlock_add(ruleset, READ_FILE, "a") == 0 && landlock_enforce(ruleset) == 0);
	for (int i = 0; i < ROUNDS * 4; i++) {
		/* From a nothing is gained in b; back it would be. */
		NEED(rename("b/stays", "a/gained") == -1 && errno == EXDEV);
		NEED(link("b/stays", "a/gained") == -1 && errno == EXDEV);
		NEED(syscall(SYS_renameat2, AT_FDCWD, "a/stays", AT_FDCWD, "b/stays", 2) == -1 &&
		     errno == EXDEV);
	}
	close(ruleset);
	return NULL;
}

/* --- mounts come and go on the way up --- */

static void *open_below_mounts(void *arg)
{
	int ruleset = landlock_ruleset(READ_FILE);

	(void)arg;
	NEED(landlock_add(ruleset, READ_FILE, "mounts") == 0 && landlock_enforce(ruleset) == 0);
	for (int i = 0; i < ROUNDS * 4; i++) {
		int error = opens("mounts/on/file");

		/* Within what is no longer mounted there is no way up to the rule. */
		NEED(error == 0 || error == ENOENT || error == EACCES);
		NEED(opens("mounts/stays") == 0 && opens("a/stays") == EACCES);
	}
	close(ruleset);
	return NULL;
}

static void *mount_and_unmount(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		NEED(mount("none", "mounts/on", "tmpfs", 0, NULL) == 0);
		make("mounts/on/file");
		NEED(umount2("mounts/on", MNT_DETACH) == 0);
	}
	return NULL;
}

/* --- processes that end, or are restricted, while who is restricted looks at them --- */

static atomic_int looked_at;

static void *look(void *arg)
{
	int ruleset = landlock_ruleset(LANDLOCK_ACCESS_FS_MAKE_SOCK);
	char path[64], link[64];

	(void)arg;
	NEED(landlock_enforce(ruleset) == 0);
	close(ruleset);
	for (int i = 0; i < ROUNDS * 4; i++) {
		snprintf(path, sizeof(path), "/proc/%d/exe", atomic_load(&looked_at));
		/* It is outside of this thread's domain, or gone. */
		NEED(readlink(path, link, sizeof(link)) == -1);
		NEED(errno == EACCES || errno == ENOENT || errno == ESRCH);
	}
	return NULL;
}

static void *fork_and_end(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		pid_t child = fork();

		if (child == 0) {
			int ruleset = landlock_ruleset(READ_FILE);

			landlock_enforce(ruleset);
			landlock_enforce(ruleset);
			_exit(0);
		}
		atomic_store(&looked_at, child);
		NEED(waitpid(child, NULL, 0) == child);
	}
	return NULL;
}

/* --- descriptors close while they are used --- */

static atomic_int victim;

static void *use_it(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS * 4; i++) {
		int fd = atomic_load(&victim);

		NEED(landlock_add(fd, READ_FILE, "a") == 0 || errno == EBADF || errno == EBADFD);
		if (i % 64 == 0) {
			NEED(landlock_enforce(fd) == 0 || errno == EBADF || errno == EBADFD ||
			     errno == E2BIG);
		}
	}
	return NULL;
}

static void *close_it(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		atomic_store(&victim, landlock_ruleset(READ_FILE));
		sched_yield();
		close(atomic_load(&victim));
	}
	return NULL;
}

int main(void)
{
	char name[32];

	mkdir(TOP, 0755);
	if (mount("none", TOP, "tmpfs", 0, "size=4m") < 0 || chdir(TOP) < 0)
		return 1;
	for (int i = 0; i < 6; i++)
		mkdir((const char *const[]){ "a", "b", "a/moves", "a/moves/in", "files", "mounts" }[i], 0755);
	mkdir("mounts/on", 0755);
	for (int i = 0; i < 5; i++)
		make((const char *const[]){ "a/stays", "b/stays", "a/moves/file", "a/moves/in/file",
					    "mounts/stays" }[i]);
	for (int i = 0; i < FILES; i++) {
		name_of(i, name);
		make(name);
	}
	tap(rulesets_grow(), "who enforces a ruleset has the rules of one moment");
	tap(run_beside(open_there, move_about), "a directory that moves is where it is");
	tap(run_beside(exchange_there, move_about), "nothing is gained by moves meanwhile");
	tap(run_beside(open_below_mounts, mount_and_unmount), "mounts come and go on the way up");
	tap(run_beside(look, fork_and_end), "nobody looks out of a domain at who comes and goes");
	tap(run_beside(use_it, close_it), "rulesets close while they are used");
	return tap_end();
}

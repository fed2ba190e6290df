/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters that are spread to all threads while those begin, end, fork and exec, and listeners that close
 * while calls wait for their answers.  Each case proves a rule that only their meeting can break; --smp 4
 * makes it meaningful.  All of them hold on Linux as well.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "child.h"
#include "filters.h"
#include "tap.h"

#define THREADS 4
#define ROUNDS  100

static atomic_bool over;
static atomic_int in_force; /* getppid answers with this error, or a larger one, everywhere */

/* The newest filter's answer counts, so errors only grow. */
static bool is_in_force(void)
{
	int least = atomic_load(&in_force);

	return syscall(SYS_getppid) < 0 ? errno >= least : least == 0;
}

static int spread(int error)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | (uint32_t)error);

	return (int)ADD_FILTER(SECCOMP_FILTER_FLAG_TSYNC, code);
}

/* Spread filter after filter beside threads that run `fn` until that is over; all must return NULL. */
static void spread_beside(void *(*fn)(void *))
{
	pthread_t t[THREADS];
	void *wrong;

	need(no_new_privileges() == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, fn, NULL) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		need(spread(i) == 0);
		atomic_store(&in_force, i);
	}
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], &wrong) == 0 && !wrong);
}

static void *look_once(void *arg)
{
	(void)arg;
	return is_in_force() ? NULL : &over;
}

static void *begin_threads(void *arg)
{
	void *wrong = arg;
	pthread_t t;

	while (!atomic_load(&over) && !wrong)
		if (pthread_create(&t, NULL, look_once, NULL) != 0 || pthread_join(t, &wrong) != 0)
			wrong = &over;
	return wrong;
}

static void beside_threads(void)
{
	spread_beside(begin_threads);
}

/* A child that began after a filter was in force has it; in_force itself is the parent's by then. */
static void *fork_children(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(is_in_force() ? 0 : 1);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			return &over;
	}
	return NULL;
}

static void beside_forks(void)
{
	spread_beside(fork_children);
}

/* --- all at once ---------------------------------------------------------------------------------------- */

static int own_depth(void)
{
	char buf[4096] = "";
	int fd = open("/proc/thread-self/status", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	const char *row = n > 0 ? strstr(buf, "Seccomp_filters:") : NULL;

	close(fd);
	return row ? atoi(row + strlen("Seccomp_filters:")) : -1;
}

static pthread_barrier_t barrier;

static void *spread_many(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++)
		if (spread(i) != 0)
			return &over;
	pthread_barrier_wait(&barrier);
	return own_depth() == THREADS * ROUNDS ? arg : &over;
}

/* Each finds all with the same filters, so none is refused, and all have all. */
static void from_everywhere(void)
{
	pthread_t t[THREADS];
	void *wrong;

	need(no_new_privileges() == 0 && pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, spread_many, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], &wrong) == 0 && !wrong);
	need(own_depth() == THREADS * ROUNDS);
}

/* --- exec ----------------------------------------------------------------------------------------------- */

static void *spread_on(void *arg)
{
	for (int i = 1; i <= ROUNDS / 5; i++)
		(void)spread(i);
	return arg;
}

/* One thread's exec ends another that spreads: the new program has as many filters as it is said to have. */
static void beside_exec(void)
{
	for (int i = 0; i < ROUNDS / 5; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t;

			need(no_new_privileges() == 0 && pthread_create(&t, NULL, spread_on, NULL) == 0);
			for (volatile int spin = 0; spin < i * 1000; spin++)
				;
			execl("/proc/self/exe", "seccomp_races", "look", NULL);
			_exit(2);
		}
		need(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

static int look(void)
{
	int depth = own_depth(), error = syscall(SYS_getppid) < 0 ? errno : 0;

	return depth == error ? 0 : 1;
}

/* --- listeners ------------------------------------------------------------------------------------------ */

#define ANSWER_GIVEN 7

static pid_t parent;

static void *ask(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		long got = syscall(SYS_getppid);

		if (got != ANSWER_GIVEN && got != parent && !(got < 0 && errno == ENOSYS))
			return &over;
	}
	return NULL;
}

/* The next call is answered, unless its thread is gone by then. */
static void answer_one(int fd)
{
	struct abi_seccomp_notification n = { 0 };
	struct abi_seccomp_response r = { .value = ANSWER_GIVEN };

	while (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
		need(errno == ENOENT);
	r.id = n.id;
	need(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r) == 0 || errno == ENOENT);
}

/* The filter is spread to callers that are there already; some calls are answered, then the listener
 * closes. */
static void listener_closes(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_USER_NOTIF);
	pthread_t t[THREADS];
	void *wrong;
	int fd;

	parent = getppid();
	need(no_new_privileges() == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, ask, NULL) == 0);
	fd = (int)ADD_FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
				     SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
			     code);
	need(fd >= 0);
	for (int i = 0; i < ROUNDS; i++)
		answer_one(fd);
	close(fd);
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], &wrong) == 0 && !wrong);
}

static void ask_and_leave(void)
{
	alarm(30);
	atomic_store(&over, false);
	(void)ask(NULL);
}

/* Callers are killed while their calls are answered, and the listener closes on the last of them. */
static void callers_die(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_USER_NOTIF);

	need(no_new_privileges() == 0);
	for (int round = 0; round < ROUNDS / 10; round++) {
		pid_t child = fork(), pid[THREADS];
		int fd, status;

		if (child != 0) {
			need(waitpid(child, &status, 0) == child && status == 0);
			continue;
		}
		need((fd = (int)ADD_FILTER(SECCOMP_FILTER_FLAG_NEW_LISTENER, code)) >= 0);
		for (int i = 0; i < THREADS; i++) {
			pid[i] = fork();
			if (pid[i] == 0) {
				close(fd);
				ask_and_leave();
				_exit(0);
			}
		}
		for (int i = 0; i < 5 * THREADS; i++) {
			if (i == 4 * THREADS)
				for (int k = 1; k < THREADS; k++)
					kill(pid[k], SIGKILL);
			answer_one(fd);
		}
		close(fd);
		kill(pid[0], SIGKILL);
		for (int i = 0; i < THREADS; i++)
			need(waitpid(pid[i], &status, 0) == pid[i] && WIFSIGNALED(status));
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "look") == 0)
		return look();
	tap(passes(beside_threads), "new threads have what was in force before them");
	tap(passes(beside_forks), "and so have new processes");
	tap(passes(from_everywhere), "all threads spread at once, and all have all");
	tap(passes(beside_exec), "beside exec");
	tap(passes(listener_closes), "a listener closes on its own process's calls");
	tap(passes(callers_die), "callers are killed while they wait");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* A command that expires is killed by the kernel; somebody outside of its confinement has to tell that from
 * others' SIGKILL.  Meanwhile signals go on to the command. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "caprun.h"

static volatile pid_t child;

static void pass_on(int signo)
{
	if (child > 0)
		kill(child, signo);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
#define COUNT (sizeof(passed_on) / sizeof(*passed_on))

static void wait_for_child(double due)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail(EXIT_CAPRUN, "wait: %s", strerror(errno));
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(WTERMSIG(status) == SIGKILL && now() >= due ? EXIT_TIMEOUT : 128 + WTERMSIG(status));
}

void watch_child(double seconds)
{
	struct sigaction old[COUNT], action = { .sa_handler = pass_on };
	double due = now() + seconds;
	sigset_t all, mask;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	for (unsigned i = 0; i < COUNT; i++)
		sigaction(passed_on[i], &action, &old[i]);
	child = fork();
	if (child < 0)
		fail(EXIT_CAPRUN, "fork: %s", strerror(errno));
	if (child > 0) {
		sigprocmask(SIG_SETMASK, &mask, NULL);
		wait_for_child(due);
	}
	for (unsigned i = 0; i < COUNT; i++)
		sigaction(passed_on[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

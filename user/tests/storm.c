/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make threads, children and programs while timers and their parent stop, continue and kill
 * them: every end meets every beginning.  `storm SECONDS` sets for how long (3).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define VICTIMS 8
#define STEPS   60

static const char *self;

static void nothing(int signo)
{
	(void)signo;
}

/* Some end by themselves, some are there when the process ends. */
static void *idle(void *ends)
{
	do
		usleep(100);
	while (!ends || rand() % 50);
	return NULL;
}

static void run_self(void)
{
	execl(self, self, "child", (char *)NULL);
	_exit(1);
}

static void leave_somehow(void)
{
	switch (rand() % 4) {
	case 0:
		_exit(3);
	case 1:
		abort();
	case 2:
		run_self();
		break;
	default:
		pthread_exit(NULL);
	}
}

static void fork_and_wait(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (rand() % 2)
			run_self();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void live(unsigned seed)
{
	struct itimerval often = { { 0, 700 }, { 0, 700 } };
	pthread_t t;

	srand(seed);
	setpgid(0, 0);
	signal(SIGUSR1, nothing);
	signal(SIGALRM, nothing);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < STEPS; i++) {
		if (pthread_create(&t, NULL, idle, (void *)(intptr_t)(rand() % 2)) == 0)
			pthread_detach(t);
		if (rand() % 3 == 0)
			kill(getpid(), SIGUSR1);
		if (rand() % 7 == 0)
			fork_and_wait();
		if (rand() % 40 == 0)
			leave_somehow();
		usleep((useconds_t)(rand() % 500));
	}
	_exit(0);
}

static void torment(pid_t pid)
{
	static const int signals[20] = { SIGSTOP, SIGCONT, SIGCONT, SIGKILL, SIGTERM };
	int signo = signals[rand() % 20];

	if (signo)
		kill(signo == SIGTERM ? -pid : pid, signo);
}

static bool ended(pid_t pid)
{
	int status;

	return waitpid(pid, &status, WNOHANG | WUNTRACED | WCONTINUED) == pid &&
	       (WIFEXITED(status) || WIFSIGNALED(status));
}

int main(int argc, char *argv[])
{
	pid_t victims[VICTIMS] = { 0 };
	unsigned made = 0, gone = 0;
	time_t end;

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 3);
	while (time(NULL) < end) {
		for (int i = 0; i < VICTIMS; i++) {
			if (victims[i] == 0) {
				victims[i] = fork();
				if (victims[i] == 0)
					live(made);
				made++;
			}
			torment(victims[i]);
			if (ended(victims[i])) {
				victims[i] = 0;
				gone++;
			}
		}
		usleep(1000);
	}
	for (int i = 0; i < VICTIMS; i++) {
		if (victims[i] == 0)
			continue;
		kill(victims[i], SIGKILL);
		gone += waitpid(victims[i], NULL, 0) == victims[i];
	}
	printf("# %u processes\n", made);
	tap(made > VICTIMS && gone == made, "every process ends and is reaped");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define GRACE_MS 2000

/* Reap until no child is left or the time is up. */
static bool wait_for_all(int ms)
{
	for (; ms > 0; ms -= 10) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	}
	return false;
}

static const char *name_of(int how)
{
	switch ((unsigned)how) {
	case RB_POWER_OFF:
		return "powering off";
	case (unsigned)RB_HALT_SYSTEM:
		return "halting";
	default:
		return "restarting";
	}
}

void shut_down(int how)
{
	log_line("%s", name_of(how));
	if (!wait_for_all(10)) {
		kill(-1, SIGTERM);
		kill(-1, SIGHUP); /* interactive shells ignore SIGTERM */
		kill(-1, SIGCONT);
		if (!wait_for_all(GRACE_MS)) {
			kill(-1, SIGKILL);
			wait_for_all(GRACE_MS);
		}
	}
	sync();
	reboot(how);
	log_line("reboot: %s", strerror(errno));
	for (;;)
		pause();
}

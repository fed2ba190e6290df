/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

static int how_to_end(int signo)
{
	switch (signo) {
	case SIGUSR1:
		return (int)RB_HALT_SYSTEM;
	case SIGUSR2:
		return RB_POWER_OFF;
	default:
		return RB_AUTOBOOT;
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		services_reap(pid, status);
}

int main(void)
{
	sigset_t wanted;

	if (getpid() != 1) {
		fputs("init: only the kernel starts this program, as process 1\n", stderr);
		return 1;
	}
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGUSR2);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del comes here as SIGINT */

	mount_system();
	write_exec_mark("/etc/serix/write_exec");
	services_load("/etc/serix/services");
	services_start_once();
	if (run_requested())
		run_command();
	services_start_shells();

	for (;;) {
		int delay = services_delay(), signo;
		struct timespec time_out = { .tv_sec = delay };

		signo = delay < 0 ? sigwaitinfo(&wanted, NULL) : sigtimedwait(&wanted, NULL, &time_out);
		if (signo > 0 && signo != SIGCHLD)
			shut_down(how_to_end(signo));
		reap();
		services_restart_due();
	}
}

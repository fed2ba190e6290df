/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

/* A program that could not be started ends as a shell would report it. */
static int exec_status(int error)
{
	return error == ENOENT ? 127 : 126;
}

/* To whoever holds the terminal's other end: what follows is the command's, and nothing that is typed from
 * here on is echoed.  What firmware wrote to the same port lies before it. */
static void announce(void)
{
	static const char mark[] = "\036serix-start\n";

	if (write(STDOUT_FILENO, mark, sizeof(mark) - 1) < 0)
		log_line("cannot write to the terminal: %s", strerror(errno));
}

static void child(char *const argv[], const char *terminal, bool plain)
{
	bool login = argv[0][0] == '-';
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!take_terminal(terminal, plain)) {
		log_line("%s: cannot open %s: %s", argv[0], terminal, strerror(errno));
		_exit(1);
	}
	if (plain)
		announce();
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("TERM", strncmp(terminal, "/dev/ttyS", 9) == 0 ? "vt100" : "linux", 1);
	if (chdir(plain ? "/" : "/root") < 0 && chdir("/") < 0)
		log_line("%s: cannot enter /: %s", argv[0], strerror(errno));
	if (login)
		execv("/bin/sh", argv);
	else
		execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(exec_status(errno));
}

pid_t spawn(char *const argv[], const char *terminal, bool plain)
{
	pid_t pid = fork();

	if (pid == 0)
		child(argv, terminal, plain);
	if (pid < 0)
		log_line("%s: cannot fork: %s", argv[0], strerror(errno));
	return pid;
}

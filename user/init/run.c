/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One command instead of shells.  A boot with `serix.run=1` brings /etc/serix/run: the command's words,
 * each ended by a NUL (the last may lack it).  Its status goes to the kernel log, as "serix-exit: N"
 * (128 + the signal's number if a signal ended it), and the machine is powered off, or left as it is with
 * `serix.hold=1`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

#define RUN_FILE  "/etc/serix/run"
#define MAX_BYTES 65536
#define MAX_WORDS 1024

static bool cmdline_has(const char *word)
{
	char line[4096], *save;
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return false;
	line[len] = '\0';
	for (char *w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		if (strcmp(w, word) == 0)
			return true;
	return false;
}

bool run_requested(void)
{
	return cmdline_has("serix.run=1");
}

/* Split the file into argv; false with a logged reason. */
static bool read_command(char *argv[MAX_WORDS + 1])
{
	static char text[MAX_BYTES + 1];
	int fd = open(RUN_FILE, O_RDONLY | O_CLOEXEC), words = 0;
	ssize_t len = 0, n = 0;

	while (fd >= 0 && len < MAX_BYTES && (n = read(fd, text + len, (size_t)(MAX_BYTES - len))) > 0)
		len += n;
	if (fd < 0 || n < 0 || len == 0 || len == MAX_BYTES) {
		log_line(RUN_FILE ": %s", fd < 0 || n < 0 ? strerror(errno) : len ? "too long" : "empty");
		return false;
	}
	close(fd);
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		if (words == MAX_WORDS) {
			log_line(RUN_FILE ": too many words");
			return false;
		}
		argv[words++] = p;
	}
	argv[words] = NULL;
	return true;
}

static int wait_for(pid_t pid)
{
	int status;
	pid_t ended;

	/* Orphans are reaped on the way. */
	while ((ended = wait(&status)) != pid)
		if (ended < 0 && errno == ECHILD)
			return 1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void run_command(void)
{
	static char *argv[MAX_WORDS + 1];
	int status = 127, fd;

	if (read_command(argv)) {
		pid_t pid = spawn(argv, "/dev/console", true);

		status = pid < 0 ? 126 : wait_for(pid);
	}
	fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) {
		tcdrain(fd);
		close(fd);
	}
	log_line("serix-exit: %d", status);
	while (cmdline_has("serix.hold=1"))
		pause();
	shut_down(RB_POWER_OFF);
}

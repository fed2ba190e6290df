/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /etc/serix/services: one service a line, `NAME MODE COMMAND [ARGUMENT...]`, # starts a comment.
 *
 *	shell TERMINAL   a login shell on a terminal, started again whenever it ends; a terminal that this
 *	                 machine lacks is passed over
 *	once COMMAND...  run to its end before the shells start
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define MAX_SERVICES  16
#define MAX_WORDS     16
#define QUICK_SECONDS 2 /* a shell that ended sooner is started again only after DELAY_SECONDS */
#define DELAY_SECONDS 3

enum mode { SHELL, ONCE };

struct service {
	enum mode mode;
	char *words[MAX_WORDS + 1]; /* shell: the terminal; once: argv */
	char *name;
	pid_t pid;      /* 0: not running */
	time_t started; /* monotonic seconds */
	time_t due;     /* when to start again; 0: not waiting */
};

static struct service services[MAX_SERVICES];
static size_t service_count;

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Returns a text that says what is wrong, or NULL. */
static const char *parse_line(char *line)
{
	struct service *s = &services[service_count];
	char *save, *mode;
	size_t words = 0;

	line[strcspn(line, "#\n")] = '\0';
	s->name = strtok_r(line, " \t", &save);
	if (!s->name)
		return NULL;
	mode = strtok_r(NULL, " \t", &save);
	if (!mode)
		return "no mode";
	if (strcmp(mode, "shell") == 0)
		s->mode = SHELL;
	else if (strcmp(mode, "once") == 0)
		s->mode = ONCE;
	else
		return "unknown mode";
	while ((s->words[words] = strtok_r(NULL, " \t", &save)))
		if (++words > MAX_WORDS - 1)
			return "too many words";
	if (words == 0)
		return "nothing to start";
	s->name = strdup(s->name);
	for (size_t i = 0; i < words; i++)
		s->words[i] = strdup(s->words[i]);
	service_count++;
	return NULL;
}

void services_load(const char *path)
{
	char line[512];
	int number = 0;
	FILE *f = fopen(path, "re");

	if (!f) {
		log_line("%s: %s; a shell on /dev/console instead", path, strerror(errno));
		parse_line((char[]){ "console shell /dev/console" });
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		const char *wrong = service_count == MAX_SERVICES ? "too many services" : parse_line(line);

		number++;
		if (wrong)
			log_line("%s:%d: %s", path, number, wrong);
	}
	fclose(f);
}

void services_start_once(void)
{
	for (size_t i = 0; i < service_count; i++) {
		struct service *s = &services[i];
		int status;
		pid_t pid;

		if (s->mode != ONCE)
			continue;
		pid = spawn(s->words, "/dev/console", false);
		if (pid > 0 && waitpid(pid, &status, 0) == pid && status != 0)
			log_line("%s ended with status %d", s->name, WEXITSTATUS(status));
	}
}

static void start_shell(struct service *s)
{
	char *argv[] = { "-sh", NULL };
	const char *terminal = s->words[0];

	s->due = 0;
	s->started = now();
	s->pid = spawn(argv, terminal, false);
	if (s->pid < 0) {
		s->pid = 0;
		s->due = s->started + DELAY_SECONDS;
	}
}

void services_start_shells(void)
{
	for (size_t i = 0; i < service_count; i++)
		if (services[i].mode == SHELL && access(services[i].words[0], F_OK) == 0)
			start_shell(&services[i]);
}

bool services_reap(pid_t pid, int status)
{
	(void)status;
	for (size_t i = 0; i < service_count; i++) {
		struct service *s = &services[i];

		if (s->pid != pid)
			continue;
		s->pid = 0;
		if (now() - s->started >= QUICK_SECONDS)
			start_shell(s);
		else
			s->due = now() + DELAY_SECONDS;
		return true;
	}
	return false;
}

int services_delay(void)
{
	int delay = -1;

	for (size_t i = 0; i < service_count; i++) {
		time_t left = services[i].due - now();

		if (!services[i].due)
			continue;
		left = left > 0 ? left : 0;
		if (delay < 0 || left < delay)
			delay = (int)left;
	}
	return delay;
}

void services_restart_due(void)
{
	for (size_t i = 0; i < service_count; i++)
		if (services[i].due && services[i].due <= now())
			start_shell(&services[i]);
}

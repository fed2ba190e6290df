/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/serix/audit: what is written down, how often, and who may read it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/confine.h>
#include <libserix/process.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "child.h"
#include "tap.h"

#define TEXT_MAX (512 * 1024)

static const struct cap_derive as_it_is = { .rights = UINT32_MAX, .expires_ns = CAP_FOREVER };

static char *audit(void)
{
	static char text[TEXT_MAX];
	size_t len = 0;
	ssize_t n;
	int fd = open("/proc/serix/audit", O_RDONLY);

	need(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return text;
}

/* How many lines there are of that event by this process, about `what` ("" for anything). */
static int count(const char *event, const char *what)
{
	char *text = audit(), head[64], tail[64];
	int n = 0;

	snprintf(head, sizeof(head), " %s pid=%d ", event, getpid());
	snprintf(tail, sizeof(tail), " what=%s", what);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		n += strstr(line, head) && strstr(line, tail);
	return n;
}

static long dropped(const char *event)
{
	char name[32], *at;

	snprintf(name, sizeof(name), " %s=", event);
	at = strstr(audit(), name);
	return at ? atol(at + strlen(name)) : -1;
}

static void try_to_read(int fd)
{
	char c;

	need(read(fd, &c, 1) == -1 && errno == EBADF);
}

static int write_only(void)
{
	int fd = open("/dev/null", O_WRONLY);

	need(fd >= 0);
	return fd;
}

static void a_missing_right_is_noted(void)
{
	int fd = write_only();
	cap_handle_t narrow = cap_reduce(fd, FILE_RIGHT_WRITE);

	need(count("denial", "") == 0);
	try_to_read(cap_fd(narrow));
	need(count("denial", "right missing") == 1);
	need(cap_export(narrow, (struct cap_token *)8) == -EPERM);
	need(count("denial", "right missing") == 2);
}

static void a_stale_handle_is_noted(void)
{
	cap_handle_t handle = cap_handle(write_only());
	struct cap_info info;

	need(close(cap_fd(handle)) == 0);
	need(cap_query(handle, &info) == -EBADF);
	need(cap_derive(handle, &as_it_is) == -EBADF);
	need(count("denial", "stale handle") >= 1);
}

static void a_closed_descriptor_is_not_worth_a_line(void)
{
	char c;

	need(read(500, &c, 1) == -1 && errno == EBADF);
	need(close(500) == -1);
	need(count("denial", "") == 0);
}

static void wrong_tokens_and_imports_are_noted(void)
{
	struct cap_token token, wrong = { { 1, 2 } };

	need(cap_export(write_only(), &token) == 0);
	need(cap_import(&wrong, &as_it_is) == -ENOENT);
	need(cap_import(&token, &as_it_is) >= 0);
	need(count("denial", "no such token") == 1);
	need(count("grant", "token") == 1);
}

static void revocations_are_noted(void)
{
	need(cap_revoke(write_only(), 0) == 0);
	need(count("revocation", "") == 1);
}

static void expiries_are_noted(void)
{
	struct cap_info info;
	cap_handle_t handle = write_only();
	char object[64];

	need(cap_query(handle, &info) == 0);
	need(cap_expire(handle, 1000000) == 0);
	usleep(100000);
	snprintf(object, sizeof(object), " expiry pid=0 uid=0 ");
	need(strstr(audit(), object));
	snprintf(object, sizeof(object), "object=file:%lu ", (unsigned long)info.object);
	need(strstr(audit(), object));
}

static void the_end_of_a_confinement_is_noted(void)
{
	struct confinement c = { .expires_ns = 50000000 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (cap_confine(&c, sizeof(c)) == 0)
			pause();
		_exit(1);
	}
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	need(strstr(audit(), " expiry pid=0 uid=0 comm=confine "));
}

static void grants_are_noted(void)
{
	int pidfd, hold[2];
	pid_t pid;
	char c;

	need(pipe(hold) == 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit((int)read(hold[0], &c, 1));
	}
	pidfd = pidfd_open(pid, 0);
	need(pidfd >= 0);
	need(cap_grant(pidfd, write_only(), &as_it_is) >= 0);
	need(count("grant", "") == 1);
	close(hold[1]);
	need(wait(NULL) == pid);
}

/* Sixteen digits in a row would be half of an id. */
static void no_id_is_printed(void)
{
	struct cap_token token;
	char half[17];

	int fd = write_only();

	need(cap_export(fd, &token) == 0);
	need(cap_revoke(fd, 0) == 0);
	for (int i = 0; i < 2; i++) {
		snprintf(half, sizeof(half), "%016lx", (unsigned long)token.id[i]);
		need(!strstr(audit(), half));
		half[8] = '\0';
		need(!strstr(audit(), half));
	}
}

static void a_flood_is_counted_and_not_kept(void)
{
	int fd = write_only();
	long before = dropped("denial");

	for (int i = 0; i < 20000; i++)
		try_to_read(fd);
	need(count("denial", "right missing") >= 30);
	need(count("denial", "right missing") <= 300);
	need(dropped("denial") - before >= 19700);
}

static void a_name_cannot_fake_a_line(void)
{
	need(prctl(PR_SET_NAME, "a\n1.0 grant x\\") == 0);
	try_to_read(write_only());
	need(strstr(audit(), " comm=a\\0121.0\\040grant\\040x\\134 "));
}

/* Only one's own lines, and nothing about what others did. */
static void others_see_their_own(void)
{
	int fd = write_only();

	need(setgid(1000) == 0 && setuid(1000) == 0);
	try_to_read(fd);
	for (char *line = strtok(audit(), "\n"); line; line = strtok(NULL, "\n"))
		need(strstr(line, " uid=1000 "));
	need(count("denial", "right missing") == 1);
}

int main(void)
{
	tap(passes(a_missing_right_is_noted), "a missing right is noted");
	tap(passes(a_stale_handle_is_noted), "a stale handle is noted");
	tap(passes(a_closed_descriptor_is_not_worth_a_line), "a closed descriptor is not worth a line");
	tap(passes(wrong_tokens_and_imports_are_noted), "wrong tokens and imports are noted");
	tap(passes(revocations_are_noted), "revocations are noted");
	tap(passes(expiries_are_noted), "expiries are noted, as the kernel's doing");
	tap(passes(the_end_of_a_confinement_is_noted), "the end of a confinement is noted");
	tap(passes(grants_are_noted), "grants to another process are noted");
	tap(passes(no_id_is_printed), "no part of an id is printed");
	tap(passes(a_flood_is_counted_and_not_kept), "a flood is counted and not kept");
	tap(passes(a_name_cannot_fake_a_line), "a program's name cannot fake a line");
	tap(passes(others_see_their_own), "who is not root sees his own lines alone");
	return tap_end();
}

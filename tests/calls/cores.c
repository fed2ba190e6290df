/* SPDX-License-Identifier: BSD-2-Clause */
/* Cores: who leaves one, what wait says of it, its name.  What is in them: user/tests/core_dump.c. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#define PATTERN  "/proc/sys/kernel/core_pattern"
#define USES_PID "/proc/sys/kernel/core_uses_pid"

static long set(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	long n = write(fd, text, strlen(text));
	int error = errno;

	close(fd);
	errno = error;
	return n;
}

static void show(const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text));

	close(fd);
	calls_text(path, text, n > 0 ? (size_t)n : 0);
}

/* A child with that limit, and how it ended. */
static pid_t die(const char *what, void (*body)(void), rlim_t limit)
{
	struct rlimit r = { limit, limit };
	pid_t pid = fork();
	char text[64];
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &r);
		body();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	snprintf(text, sizeof(text), "signal %d, core %d", WTERMSIG(status), WCOREDUMP(status) != 0);
	calls_text(what, text, strlen(text));
	return pid;
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* What lies there now, by name, with the child's pid as "PID"; it goes. */
static void tell_files(const char *directory, pid_t pid)
{
	char text[300], number[16], path[300];
	struct dirent **entries;
	int n = scandir(directory, &entries, not_hidden, alphasort);
	struct stat st;

	snprintf(number, sizeof(number), "%d", pid);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *at = pid ? strstr(name, number) : NULL;

		snprintf(path, sizeof(path), "%s/%s", directory, name);
		lstat(path, &st);
		if (at)
			snprintf(text, sizeof(text), "%.*sPID%s", (int)(at - name), name,
				 at + strlen(number));
		calls_text("file", at ? text : name, strlen(at ? text : name));
		VALUE(st.st_mode);
		VALUE(st.st_uid);
		VALUE(st.st_size > 0);
		unlink(path);
	}
}

static int signo;

static void by_signal(void)
{
	signal(signo, SIG_DFL);
	raise(signo);
	_exit(0);
}

static volatile uintptr_t sixteen = 16;

static void by_fault(void)
{
	*(volatile int *)sixteen = 1;
}

static void begin(void)
{
	set(PATTERN, "core\n");
	set(USES_PID, "0\n");
}

static void test_signals(void)
{
	static const int stop_or_ignore[] = { SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
					      SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH };
	char what[32];

	begin();
	for (signo = 1; signo < 32; signo++) {
		bool skip = false;

		for (size_t i = 0; i < sizeof(stop_or_ignore) / sizeof(stop_or_ignore[0]); i++)
			skip |= stop_or_ignore[i] == signo;
		if (skip)
			continue;
		snprintf(what, sizeof(what), "by signal %d", signo);
		die(what, by_signal, RLIM_INFINITY);
		VALUE(unlink("core"));
	}
	die("by a fault", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
}

static void test_limits(void)
{
	begin();
	die("limit 0", by_fault, 0);
	tell_files(".", 0);
	die("limit 1", by_fault, 1);
	tell_files(".", 0);
	die("limit 4095", by_fault, 4095);
	tell_files(".", 0);
	die("limit 1 MiB", by_fault, 1 << 20);
	tell_files(".", 0);
}

static void not_dumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	by_fault();
}

static void of_user(void)
{
	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	prctl(PR_SET_DUMPABLE, 1);
	by_fault();
}

static void after_setuid(void)
{
	setresuid(1000, 1000, 1000);
	by_fault();
}

static void ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	by_fault();
}

static void blocked(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	by_fault();
}

static void file_limit(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_FSIZE, &none);
	by_fault();
}

static void test_who(void)
{
	begin();
	die("not dumpable", not_dumpable, RLIM_INFINITY);
	tell_files(".", 0);
	die("one that changed its user", after_setuid, RLIM_INFINITY);
	tell_files(".", 0);
	die("a user, where it may not write", of_user, RLIM_INFINITY);
	tell_files(".", 0);
	chmod(".", 0777);
	die("a user, where all may write", of_user, RLIM_INFINITY);
	tell_files(".", 0);
	die("with SIGSEGV ignored", ignored, RLIM_INFINITY);
	tell_files(".", 0);
	die("with all blocked", blocked, RLIM_INFINITY);
	tell_files(".", 0);
	die("with no files to write", file_limit, RLIM_INFINITY);
	tell_files(".", 0);
}

static void test_in_the_way(void)
{
	begin();
	file_with("f", "kept");
	symlink("f", "core");
	die("a link", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
	file_with("f", "kept");
	link("f", "core");
	die("a file of two names", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
	file_with("core", "old");
	chmod("core", 0644);
	die("an old one", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
	mkdir("core", 0755);
	die("a directory", by_fault, RLIM_INFINITY);
	VALUE(rmdir("core"));
	mkfifo("core", 0644);
	die("a fifo", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
}

static void test_pattern(void)
{
	static const char *const patterns[] = {
		"core", "c.%p", "c.%P", "c.%i", "c.%u.%g", "c.%s",    "c.%e",
		"c.%%", "c.%",  "c.%z", "c.%c", "d/core",  "%p.%s%%", "c.%d",
	};
	char long_one[200], what[64];
	pid_t pid;

	begin();
	show(PATTERN);
	mkdir("d", 0755);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		set(PATTERN, patterns[i]);
		show(PATTERN);
		snprintf(what, sizeof(what), "pattern %s", patterns[i]);
		pid = die(what, by_fault, RLIM_INFINITY);
		tell_files("d", pid);
		rmdir("d");
		tell_files(".", pid);
		mkdir("d", 0755);
	}
	set(PATTERN, "missing/core");
	die("a directory that is not there", by_fault, RLIM_INFINITY);
	set(USES_PID, "1\n");
	set(PATTERN, "core\n");
	pid = die("with its pid", by_fault, RLIM_INFINITY);
	rmdir("d");
	tell_files(".", pid);
	set(PATTERN, "core-%p\n");
	pid = die("with its pid, once", by_fault, RLIM_INFINITY);
	tell_files(".", pid);
	set(USES_PID, "0\n");
	memset(long_one, 'x', sizeof(long_one));
	long_one[126] = '\0';
	RESULT(set(PATTERN, long_one));
	show(PATTERN);
	set(PATTERN, "");
	show(PATTERN);
	set(PATTERN, "\n");
	show(PATTERN);
	die("no pattern", by_fault, RLIM_INFINITY);
	tell_files(".", 0);
	begin();
}

static void of_nobody(void)
{
	RESULT(open(PATTERN, O_WRONLY));
	RESULT(open(USES_PID, O_WRONLY));
	show(PATTERN);
}

static void test_settings(void)
{
	struct stat st;

	begin();
	RESULT(stat(PATTERN, &st));
	VALUE(st.st_mode);
	RESULT(stat(USES_PID, &st));
	VALUE(st.st_mode);
	as_user(1000, "another user", of_nobody);
	show("/proc/self/coredump_filter");
	RESULT(set("/proc/self/coredump_filter", "0x7f"));
	show("/proc/self/coredump_filter");
	RESULT(set("/proc/self/coredump_filter", "zz"));
	begin();
}

static const struct calls table[] = {
	{ "core by signals", test_signals }, { "core limits", test_limits },
	{ "core by users", test_who },       { "core in the way", test_in_the_way },
	{ "core_pattern", test_pattern },    { "core settings", test_settings },
};

CALLS_MAIN(table)

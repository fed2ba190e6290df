/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of cases share: see calls.h. */
#define _GNU_SOURCE
#include "calls.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20

static const char *current;

/* strerrorname_np() is glibc's alone; the names are the same on every system. */
static const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
#define E(name) { name, #name }
		E(EPERM),
		E(ENOENT),
		E(ESRCH),
		E(EINTR),
		E(EIO),
		E(ENXIO),
		E(E2BIG),
		E(ENOEXEC),
		E(EBADF),
		E(ECHILD),
		E(EAGAIN),
		E(ENOMEM),
		E(EACCES),
		E(EFAULT),
		E(ENOTBLK),
		E(EBUSY),
		E(EEXIST),
		E(EXDEV),
		E(ENODEV),
		E(ENOTDIR),
		E(EISDIR),
		E(EINVAL),
		E(ENFILE),
		E(EMFILE),
		E(ENOTTY),
		E(ETXTBSY),
		E(EFBIG),
		E(ENOSPC),
		E(ESPIPE),
		E(EROFS),
		E(EMLINK),
		E(EPIPE),
		E(EDOM),
		E(ERANGE),
		E(EDEADLK),
		E(ENAMETOOLONG),
		E(ENOLCK),
		E(ENOSYS),
		E(ENOTEMPTY),
		E(ELOOP),
		E(ENOMSG),
		E(EIDRM),
		E(ENODATA),
		E(EPROTO),
		E(EBADMSG),
		E(EBADFD),
		E(EOVERFLOW),
		E(ENOTSOCK),
		E(EDESTADDRREQ),
		E(EMSGSIZE),
		E(EPROTOTYPE),
		E(ENOPROTOOPT),
		E(EPROTONOSUPPORT),
		E(ESOCKTNOSUPPORT),
		E(EOPNOTSUPP),
		E(EPFNOSUPPORT),
		E(EAFNOSUPPORT),
		E(EADDRINUSE),
		E(EADDRNOTAVAIL),
		E(ENETDOWN),
		E(ENETUNREACH),
		E(ECONNABORTED),
		E(ECONNRESET),
		E(ENOBUFS),
		E(EISCONN),
		E(ENOTCONN),
		E(ESHUTDOWN),
		E(ETIMEDOUT),
		E(ECONNREFUSED),
		E(EALREADY),
		E(EINPROGRESS),
		E(ESTALE),
		E(EDQUOT),
		E(ECANCELED),
		E(EOWNERDEAD),
		E(ENOTRECOVERABLE),
		E(EUSERS),
		E(EDQUOT),
		E(ENOKEY),
		E(EKEYEXPIRED),
		E(EKEYREVOKED),
#undef E
	};
	static char number[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	snprintf(number, sizeof(number), "error %d", error);
	return number;
}

static void report(const char *what, const char *outcome)
{
	printf("%s: %s = %s\n", current, what, outcome);
	fflush(stdout);
}

long calls_result(const char *what, long result)
{
	int error = errno;
	char text[64];

	if (result == -1 && error)
		snprintf(text, sizeof(text), "-1 %s", error_name(error));
	else
		snprintf(text, sizeof(text), "%ld", result);
	report(what, text);
	errno = error;
	return result;
}

long calls_succeeds(const char *what, long result)
{
	if (result == -1)
		return calls_result(what, result);
	report(what, "ok");
	return result;
}

void calls_value(const char *what, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	report(what, text);
}

void calls_text(const char *what, const char *text, size_t bytes)
{
	char shown[4 * 256 + 3], *at = shown;

	*at++ = '"';
	for (size_t i = 0; i < bytes && at < shown + sizeof(shown) - 6; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			at += sprintf(at, "\\x%02x", c);
		else
			*at++ = (char)c;
	}
	*at++ = '"';
	*at = '\0';
	report(what, shown);
}

int file_with(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || lseek(fd, 0, SEEK_SET) != 0) {
		report("a file to work with", error_name(errno));
		_exit(1);
	}
	return fd;
}

static void report_end(const char *what, int status)
{
	char text[32];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	report(what, text);
}

static int status_of(void (*body)(void), unsigned id)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (id && (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0))
			_exit(125);
		body();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void in_child(const char *what, void (*body)(void))
{
	report_end(what, status_of(body, 0));
}

void as_user(unsigned id, const char *what, void (*body)(void))
{
	report_end(what, status_of(body, id));
}

void *nowhere(void)
{
	void *p = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, 65536);
	return p;
}

/* Its own directory, umask and time; what it leaves behind stays there. */
static void run(const struct calls *calls, const char *top, size_t nr)
{
	char directory[256];
	pid_t pid;
	int status = 0;

	current = calls->call;
	snprintf(directory, sizeof(directory), "%s/%zu", top, nr);
	pid = fork();
	if (pid == 0) {
		umask(022);
		if (mkdir(directory, 0755) < 0 || chdir(directory) < 0)
			_exit(124);
		alarm(SECONDS);
		calls->cases();
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		report_end("the cases", status);
}

int calls_run(const struct calls *table, size_t count, int argc, char **argv)
{
	char top[] = "/tmp/calls.XXXXXX";

	if (!mkdtemp(top) || chmod(top, 0755) < 0) {
		perror("calls: no directory to work in");
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		if (argc < 2 || strcmp(argv[1], table[i].call) == 0)
			run(&table[i], top, i);
	return 0;
}

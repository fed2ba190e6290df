/* SPDX-License-Identifier: BSD-2-Clause */
/* execve: arguments, scripts, errors, what is kept and what is not. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

extern char **environ;

static char self[1024], dir[64], file[256];
static void *volatile unmapped = (void *)8;

/* Run execve in a child with its output caught; the exit status, or -1 and the child's errno. */
static int run(const char *path, char *const argv[], char *const envp[], char *out, size_t size)
{
	int ends[2], status, failed[2], error = 0;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	need(pipe(ends) == 0 && pipe2(failed, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execve(path, argv, envp);
		error = errno;
		if (write(failed[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	close(ends[1]);
	close(failed[1]);
	while (used + 1 < size && (n = read(ends[0], out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	close(ends[0]);
	need(waitpid(pid, &status, 0) == pid);
	if (read(failed[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(failed[0]);
	errno = error;
	return error ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* "show": print the arguments one a line. */
static int show(int argc, char *argv[])
{
	for (int i = 2; i < argc; i++)
		printf("[%s]\n", argv[i]);
	fflush(stdout);
	return 12;
}

static void write_file(const char *name, const char *text, size_t len, mode_t mode)
{
	int fd;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode);
	need(fd >= 0 && write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static char big[1 << 18];

static void arguments(void)
{
	char *argv[] = { "x", "show", "a b", "", "c", NULL }, *envp[] = { "E=1", NULL };

	need(run(self, argv, envp, big, sizeof(big)) == 12);
	need(strcmp(big, "[a b]\n[]\n[c]\n") == 0);
}

static void environment(void)
{
	char *argv[] = { "x", "env", NULL }, *envp[] = { "FIRST=1", "SECOND=two words", NULL };

	need(run(self, argv, envp, big, sizeof(big)) == 0);
	need(strcmp(big, "FIRST=1\nSECOND=two words\n") == 0);
}

static void large_arguments(void)
{
	static char text[131072 + 1], out[1 << 18];
	char *argv[] = { "x", "show", text, NULL }, *envp[] = { NULL };

	memset(text, 'y', 131071); /* the longest string there may be, with its NUL */
	need(run(self, argv, envp, out, sizeof(out)) == 12 && strlen(out) == 131071 + 3);
	text[131071] = 'y';
	need(run(self, argv, envp, out, sizeof(out)) == -1 && errno == E2BIG);
}

static void too_many_arguments(void)
{
	static char text[100001];
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	char *argv[64], *envp[] = { NULL };

	memset(text, 'z', sizeof(text) - 1);
	for (int i = 0; i < 63; i++)
		argv[i] = text;
	argv[63] = NULL;
	argv[1] = "show";
	need(setrlimit(RLIMIT_STACK, &limit) == 0);
	need(run(self, argv, envp, big, sizeof(big)) == -1 && errno == E2BIG);
	argv[3] = NULL;
	need(run(self, argv, envp, big, sizeof(big)) == 12);
}

static void no_arguments(void)
{
	char *argv[] = { NULL }, *envp[] = { NULL };

	need(run(self, argv, envp, big, sizeof(big)) == 77); /* argv[0] is "" */
}

static void scripts(void)
{
	char text[8192], want[8192], *argv[] = { "ignored", "arg", NULL }, *envp[] = { NULL };
	char first[256];

	snprintf(text, sizeof(text), "#!%s show\nanything\n", self);
	write_file("script", text, strlen(text), 0755);
	snprintf(want, sizeof(want), "[%s]\n[arg]\n", file);
	need(run(file, argv, envp, big, sizeof(big)) == 12 && strcmp(big, want) == 0);

	/* One optional argument, blanks inside it kept. */
	snprintf(text, sizeof(text), "#! %s  show \t\n", self);
	write_file("blanks", text, strlen(text), 0755);
	need(run(file, argv, envp, big, sizeof(big)) == 12);

	/* A script as the interpreter of a script. */
	snprintf(first, sizeof(first), "%.100s/script", dir);
	snprintf(text, sizeof(text), "#!%s extra words\n", first);
	write_file("nested", text, strlen(text), 0755);
	snprintf(want, sizeof(want), "[%s]\n[extra words]\n[%s]\n[arg]\n", first, file);
	need(run(file, argv, envp, big, sizeof(big)) == 12 && strcmp(big, want) == 0);

	/* One that interprets itself. */
	snprintf(text, sizeof(text), "#!%s/loop\n", dir);
	write_file("loop", text, strlen(text), 0755);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == ELOOP);

	snprintf(text, sizeof(text), "#!/does/not/exist\n");
	write_file("missing", text, strlen(text), 0755);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == ENOENT);
	write_file("empty-line", "#!\n", 3, 0755);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == ENOEXEC);
	/* The last line of a file needs no newline. */
	snprintf(text, sizeof(text), "#!%s show", self);
	write_file("no-newline", text, strlen(text), 0755);
	need(run(file, argv, envp, big, sizeof(big)) == 12);
}

static void errors(void)
{
	char *argv[] = { "x", NULL }, *envp[] = { NULL };

	need(run("/does/not/exist", argv, envp, big, sizeof(big)) == -1 && errno == ENOENT);
	need(run("", argv, envp, big, sizeof(big)) == -1 && errno == ENOENT);
	need(run("/tmp", argv, envp, big, sizeof(big)) == -1 && errno == EACCES);
	write_file("text", "hello\n", 6, 0755);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == ENOEXEC);
	write_file("nothing", "", 0, 0755);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == ENOEXEC);
	write_file("no-x", "#!/bin/sh\n", 10, 0644);
	need(run(file, argv, envp, big, sizeof(big)) == -1 && errno == EACCES);
	need(execve(unmapped, argv, envp) == -1 && errno == EFAULT);
	need(execve(self, unmapped, envp) == -1 && errno == EFAULT);
	argv[0] = unmapped;
	need(execve(self, argv, envp) == -1 && errno == EFAULT);
}

/* Damaged copies of this very program: never more than an error or the program's own death. */
static void damaged_programs(void)
{
	static char image[1 << 20];
	char *argv[] = { "x", "show", NULL }, *envp[] = { NULL };
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t size = read(fd, image, sizeof(image));
	uint32_t seed = 12345;

	close(fd);
	need(size > 4096);
	for (int i = 0; i < 150; i++) {
		char saved[64 + 8 * 56];

		memcpy(saved, image, sizeof(saved));
		for (int k = 0; k < 1 + i % 4; k++) {
			seed = seed * 1664525 + 1013904223;
			image[(seed >> 8) % sizeof(saved)] = (char)(seed >> 24);
		}
		write_file("damaged", image, (size_t)size, 0755);
		(void)run(file, argv, envp, big, sizeof(big));
		memcpy(image, saved, sizeof(saved));
	}
	/* Cut short. */
	for (size_t cut = 1; cut < 4096; cut = cut * 2 + 1) {
		write_file("cut", image, cut, 0755);
		need(run(file, argv, envp, big, sizeof(big)) != 12 && (cut >= 64 || errno == ENOEXEC));
	}
}

/* `file` as a program that sleeps, which runs when this returns: its exec has closed the pipe.  Who looked by
 * opening it for writing could be what the exec fails for. */
static pid_t start_file(void)
{
	int ends[2];
	char none;
	pid_t pid;

	need(pipe2(ends, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		execl(file, "x", "sleep", (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	need(read(ends[0], &none, 1) == 0);
	close(ends[0]);
	return pid;
}

static void busy_text(void)
{
	static char image[1 << 20];
	char *argv[] = { "x", "show", NULL }, *envp[] = { NULL };
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t size = read(fd, image, sizeof(image));
	pid_t pid;

	close(fd);
	write_file("busy", image, (size_t)size, 0755);
	fd = open(file, O_WRONLY);
	need(fd >= 0 && run(file, argv, envp, big, sizeof(big)) == -1 && errno == ETXTBSY);
	close(fd);
	pid = start_file();
	fd = open(file, O_WRONLY);
	need(fd == -1 && errno == ETXTBSY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd = open(file, O_WRONLY);
	need(fd >= 0);
	close(fd);
}

/* "state": what an exec kept and dropped, as one number. */
static int state(void)
{
	struct sigaction usr1, usr2;
	sigset_t mask, pending;
	int result = 0;

	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	result |= usr1.sa_handler == SIG_DFL ? 1 : 0;    /* handlers go */
	result |= usr2.sa_handler == SIG_IGN ? 2 : 0;    /* ignoring stays */
	result |= sigismember(&mask, SIGHUP) ? 4 : 0;    /* the mask stays */
	result |= sigismember(&pending, SIGHUP) ? 8 : 0; /* and what is pending */
	result |= fcntl(100, F_GETFD) == -1 ? 16 : 0;    /* close-on-exec */
	result |= fcntl(101, F_GETFD) == 0 ? 32 : 0;
	return result;
}

static void handler(int signo)
{
	(void)signo;
}

static void kept_and_dropped(void)
{
	char *argv[] = { "x", "state", NULL }, *envp[] = { NULL };
	sigset_t set;
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, handler);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGHUP);
		dup3(1, 100, O_CLOEXEC);
		dup2(1, 101);
		execve(self, argv, envp);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	need(WEXITSTATUS(status) == 63);
}

static void by_descriptor(void)
{
	char *argv[] = { "x", "show", "fd", NULL }, *envp[] = { NULL };
	int fd = open(self, O_RDONLY), status;
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(1);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 12);
	need(syscall(SYS_execveat, fd, "", argv, envp, 0L) == -1 && errno == ENOENT);
	need(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH | 0x8000L) == -1 && errno == EINVAL);
}

/* The auxiliary vector tells the truth. */
static void auxiliary_vector(void)
{
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);
	uint64_t words[2];

	need(ph && getauxval(AT_PHENT) == sizeof(*ph) && getauxval(AT_PHNUM) > 0);
	need(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == 100);
	need(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
	need(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
	need(getauxval(AT_SECURE) == 0);
	need(random != NULL);
	memcpy(words, random, sizeof(words));
	need(words[0] != 0 && words[1] != 0 && words[0] != words[1]);
	need(strcmp((const char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	need(((const char *)getauxval(AT_EXECFN))[0] != '\0');
	need(getauxval(AT_MINSIGSTKSZ) >= 1000 && getauxval(AT_HWCAP) != 0);
	need(((uintptr_t)words & 7) == 0);
}

static void set_user_id(void)
{
	static char image[1 << 20];
	char *argv[] = { "x", "ids", NULL }, *envp[] = { NULL };
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t size = read(fd, image, sizeof(image));

	close(fd);
	if (geteuid() != 0)
		return;
	write_file("suid", image, (size_t)size, 0755);
	need(chown(file, 1234, 4321) == 0 && chmod(file, 06755) == 0 && chmod(dir, 0755) == 0);
	need(setresgid(500, 500, 500) == 0 && setresuid(500, 500, 500) == 0);
	need(run(file, argv, envp, big, sizeof(big)) == 0);
	need(strcmp(big, "500 1234 1234 500 4321 4321 secure 1\n") == 0);
}

static int print_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	printf("%u %u %u %u %u %u secure %lu\n", r, e, s, rg, eg, sg, getauxval(AT_SECURE));
	fflush(stdout);
	return 0;
}

static int print_environment(void)
{
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	fflush(stdout);
	return 0;
}

static int as_child(int argc, char *argv[])
{
	if (strcmp(argv[1], "show") == 0)
		return show(argc, argv);
	if (strcmp(argv[1], "env") == 0)
		return print_environment();
	if (strcmp(argv[1], "state") == 0)
		return state();
	if (strcmp(argv[1], "ids") == 0)
		return print_ids();
	if (strcmp(argv[1], "sleep") == 0)
		return (int)sleep(20);
	return 99;
}

int main(int argc, char *argv[])
{
	char *clean[] = { "rm", "-rf", dir, NULL };
	ssize_t n;

	if (argc > 1)
		return as_child(argc, argv);
	if (argc == 1 && argv[0][0] == '\0')
		return 77;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	/* Where set-user-ID programs are honoured: /tmp is mounted nosuid. */
	snprintf(dir, sizeof(dir), "%s/exec-test-%d", geteuid() == 0 ? "" : "/tmp", getpid());
	if (n <= 0 || mkdir(dir, 0700) < 0)
		return 2;
	tap(passes(arguments), "arguments arrive as given");
	tap(passes(environment), "so does the environment");
	tap(passes(large_arguments), "strings of 128 KiB, and not one byte more");
	tap(passes(too_many_arguments), "all strings together: a quarter of the stack limit");
	tap(passes(no_arguments), "a program always has an argv[0]");
	tap(passes(scripts), "scripts");
	tap(passes(errors), "each failure has its error");
	tap(passes(damaged_programs), "damaged programs harm nobody");
	tap(passes(busy_text), "ETXTBSY both ways");
	tap(passes(kept_and_dropped), "what exec keeps and what it drops");
	tap(passes(by_descriptor), "execveat");
	tap(passes(auxiliary_vector), "the auxiliary vector");
	tap(passes(set_user_id), "set-user-id programs");
	if (fork() == 0) {
		execvp("rm", clean);
		_exit(1);
	}
	wait(NULL);
	return tap_end();
}

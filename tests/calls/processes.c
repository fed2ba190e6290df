/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads: making, replacing, waiting for and naming them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

static pid_t child_that(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		body();
		_exit(0);
	}
	return pid;
}

static void sleeps(void)
{
	for (;;)
		pause();
}

static void exits_with_7(void)
{
	_exit(7);
}

static void stops(void)
{
	raise(SIGSTOP);
}

static void test_fork(void)
{
	static volatile int value = 1;
	int fd = file_with("file", "abcdef"), status;
	char c;
	pid_t pid = fork();

	if (pid == 0) {
		value = 2;
		read(fd, &c, 1);
		_exit(getppid() == getpid() || value != 2);
	}
	RESULT(waitpid(pid, &status, 0) == pid);
	VALUE(status);
	VALUE(value);
	RESULT(lseek(fd, 0, SEEK_CUR)); /* the offset is shared */
	pid = vfork();
	if (pid == 0)
		_exit(3);
	waitpid(pid, &status, 0);
	VALUE(status);
}

static void test_clone(void)
{
	int status;
	long pid;

	signal(SIGUSR1, SIG_IGN);
	pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0)
		_exit(4);
	RESULT(waitpid((pid_t)pid, &status, 0));
	RESULT(waitpid((pid_t)pid, &status, __WCLONE) == pid);
	VALUE(status);
	RESULT(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
	RESULT(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
	RESULT(syscall(SYS_clone, CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0));
	RESULT(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
	RESULT(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID, 0, nowhere(), 0, 0));
}

struct clone_arguments {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

static void test_clone3(void)
{
	struct clone_arguments a = { .exit_signal = SIGCHLD };
	int status;
	long pid = syscall(SYS_clone3, &a, 64);

	if (pid == 0)
		_exit(5);
	RESULT(waitpid((pid_t)pid, &status, 0) == pid);
	VALUE(status);
	RESULT(syscall(SYS_clone3, &a, 8));
	RESULT(syscall(SYS_clone3, &a, 1 << 20));
	RESULT(syscall(SYS_clone3, nowhere(), 64));
	a.exit_signal = 65;
	RESULT(syscall(SYS_clone3, &a, 64));
	a = (struct clone_arguments){ .exit_signal = SIGCHLD, .flags = 1ull << 40 };
	RESULT(syscall(SYS_clone3, &a, 64));
	a = (struct clone_arguments){ .exit_signal = SIGCHLD, .stack_size = 4096 };
	RESULT(syscall(SYS_clone3, &a, 64));
	a = (struct clone_arguments){ .exit_signal = SIGCHLD, .flags = CLONE_THREAD };
	RESULT(syscall(SYS_clone3, &a, 64));
}

static void script(const char *name, const char *text, mode_t mode)
{
	int fd = file_with(name, text);

	close(fd);
	chmod(name, mode);
}

static char *const no_words[] = { NULL };
static char *const words[] = { "name", "one", "two", NULL };

static void run_script(void)
{
	execve("./script", words, no_words);
	_exit(100);
}

static void run_nested(void)
{
	execve("./nested", words, no_words);
	_exit(100);
}

static void exec_of_others(void)
{
	RESULT(execve("closed/script", words, no_words));
	RESULT(execve("only root's", words, no_words));
}

static void test_execve(void)
{
	char *many[2] = { "name", NULL };
	char *huge = malloc(256 << 10);

	script("script", "#!/bin/sh\nexit $#\n", 0755);
	script("nested", "#!./script\n", 0755);
	script("loop", "#!./loop\n", 0755);
	script("plain", "exit 3\n", 0755);
	script("no interpreter", "#!./missing\n", 0755);
	script("empty", "", 0755);
	script("not executable", "#!/bin/sh\n", 0644);
	mkdir("directory", 0755);
	in_child("a script with two words", run_script);
	in_child("a script that is its interpreter", run_nested);
	RESULT(execve("./missing", words, no_words));
	RESULT(execve("./loop", words, no_words));
	RESULT(execve("./plain", words, no_words));
	RESULT(execve("./no interpreter", words, no_words));
	RESULT(execve("./empty", words, no_words));
	RESULT(execve("./not executable", words, no_words));
	RESULT(execve("./directory", words, no_words));
	RESULT(execve("./script/below", words, no_words));
	RESULT(execve("", words, no_words));
	RESULT(execve(nowhere(), words, no_words));
	RESULT(execve("./script", nowhere(), no_words));
	RESULT(execve("./script", words, nowhere()));
	memset(huge, 'h', 256 << 10);
	huge[(256 << 10) - 1] = '\0';
	many[0] = huge;
	RESULT(execve("./script", many, no_words)); /* one word of more than 128 KiB */
	mkdir("closed", 0700);
	script("closed/script", "#!/bin/sh\n", 0755);
	script("only root's", "#!/bin/sh\n", 0700);
	as_user(1000, "without rights", exec_of_others);
}

static void exec_by_descriptor(void)
{
	int fd = open("script", O_RDONLY);

	syscall(SYS_execveat, fd, "", words, no_words, AT_EMPTY_PATH);
	_exit(100);
}

static void test_execveat(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));

	script("script", "#!/bin/sh\nexit $#\n", 0755);
	symlink("../script", "d/link");
	in_child("by descriptor", exec_by_descriptor);
	RESULT(syscall(SYS_execveat, dir, "link", words, no_words, AT_SYMLINK_NOFOLLOW));
	RESULT(syscall(SYS_execveat, dir, "missing", words, no_words, 0));
	RESULT(syscall(SYS_execveat, -1, "script", words, no_words, 0));
	RESULT(syscall(SYS_execveat, dir, "link", words, no_words, 0x10));
	RESULT(syscall(SYS_execveat, dir, "", words, no_words, AT_EMPTY_PATH));
}

static void test_wait4(void)
{
	int status = -1;
	pid_t pid = child_that(exits_with_7), other;

	RESULT(wait4(pid, &status, 0, NULL) == pid);
	VALUE(status);
	RESULT(wait4(pid, &status, 0, NULL));
	RESULT(wait4(-1, &status, WNOHANG, NULL));
	RESULT(wait4(-1, &status, 0x1000, NULL));
	other = child_that(sleeps);
	RESULT(wait4(other, &status, WNOHANG, NULL));
	RESULT(wait4(-other, &status, WNOHANG, NULL));
	kill(other, SIGSTOP);
	RESULT(wait4(other, &status, WUNTRACED, NULL) == other);
	VALUE(status);
	kill(other, SIGCONT);
	RESULT(wait4(other, &status, WCONTINUED, NULL) == other);
	VALUE(status);
	kill(other, SIGKILL);
	RESULT(wait4(0, &status, 0, NULL) == other);
	VALUE(status);
	pid = child_that(exits_with_7);
	while (waitpid(pid, NULL, WNOHANG) == 0)
		;
	child_that(exits_with_7);
	RESULT(wait4(-1, nowhere(), 0, NULL));
	child_that(stops);
	RESULT(wait4(-1, &status, WUNTRACED, nowhere()));
	RESULT(wait4(-2147483647 - 1, &status, 0, NULL));
}

static void test_waitid(void)
{
	pid_t pid = child_that(exits_with_7);
	siginfo_t info;
	int fd;

	memset(&info, 0, sizeof(info));
	RESULT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	VALUE(info.si_code);
	VALUE(info.si_status);
	VALUE(info.si_pid == pid);
	VALUE(info.si_signo);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	RESULT(waitid(3 /* P_PIDFD */, (id_t)fd, &info, WEXITED));
	RESULT(waitid(P_ALL, 0, &info, WEXITED));
	RESULT(waitid(P_ALL, 0, &info, 0));
	RESULT(waitid(P_ALL, 0, &info, WNOHANG));
	RESULT(waitid(77, 0, &info, WEXITED));
	RESULT(waitid(P_PID, 0, &info, WEXITED));
	pid = child_that(sleeps);
	info.si_pid = 1;
	RESULT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	VALUE(info.si_pid);
	kill(pid, SIGTERM);
	RESULT(waitid(P_PID, (id_t)pid, &info, WEXITED));
	VALUE(info.si_code);
	VALUE(info.si_status);
	RESULT(waitid(3, 999, &info, WEXITED));
}

static void test_ids(void)
{
	RESULT(getpid() == syscall(SYS_gettid));
	RESULT(getppid() > 1);
	RESULT(syscall(SYS_getppid) == getppid());
	RESULT(syscall(SYS_set_tid_address, NULL) == getpid());
}

static void own_session(void)
{
	RESULT(setsid() == getpid());
	RESULT(setsid());
	RESULT(getsid(0) == getpid());
	RESULT(getpgid(0) == getpid());
	RESULT(setpgid(0, 0));
	RESULT(syscall(SYS_getpgrp) == getpid());
}

static void test_groups(void)
{
	pid_t pid = child_that(sleeps), gone = child_that(exits_with_7);

	waitpid(gone, NULL, 0);
	RESULT(setpgid(pid, 0));
	RESULT(getpgid(pid) == pid);
	RESULT(setpgid(pid, getpgid(0)));
	RESULT(setpgid(gone, 0));
	RESULT(setpgid(1, 0));
	RESULT(setpgid(0, -1));
	RESULT(setpgid(0, 1000000));
	RESULT(getpgid(gone));
	RESULT(getpgid(-1));
	RESULT(getsid(gone));
	RESULT(getsid(pid) == getsid(0));
	in_child("a session", own_session);
	kill(pid, SIGKILL);
}

static void test_priority(void)
{
	RESULT(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RESULT(setpriority(PRIO_PROCESS, 0, 5));
	RESULT(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RESULT(setpriority(PRIO_PROCESS, 0, 100));
	RESULT(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RESULT(setpriority(PRIO_PROCESS, 0, -100));
	RESULT(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	RESULT(getpriority(77, 0));
	RESULT(setpriority(77, 0, 0));
	RESULT(getpriority(PRIO_PROCESS, 1000000));
	RESULT(setpriority(PRIO_PROCESS, 1000000, 0));
}

static void default_slack(void)
{
	RESULT(prctl(PR_GET_TIMERSLACK));
	RESULT(prctl(PR_SET_TIMERSLACK, 5));
	RESULT(prctl(PR_SET_TIMERSLACK, 0));
	RESULT(prctl(PR_GET_TIMERSLACK));
}

/* --- orphans -------------------------------------------------------------------------------------------- */

static int reports[2]; /* an orphan writes here whether its new parent is the process `expected` */
static pid_t expected, leaver;

static void exits_soon(void)
{
	_exit(9);
}

/* Writes when its parent has gone. */
static void orphan(void)
{
	char is = 0;

	while (getppid() == leaver)
		usleep(1000);
	is = getppid() == expected;
	write(reports[1], &is, 1);
	_exit(5);
}

static void leaves_orphan(void)
{
	leaver = getpid();
	child_that(orphan);
	_exit(6);
}

static void leaves_zombie(void)
{
	pid_t pid = child_that(exits_soon);

	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	_exit(6);
}

/* A grandchild of a subreaper that stopped to be one goes further up. */
static void no_subreaper(void)
{
	int status;

	RESULT(prctl(PR_SET_CHILD_SUBREAPER, 1));
	RESULT(prctl(PR_SET_CHILD_SUBREAPER, 0));
	waitpid(child_that(leaves_orphan), &status, 0);
	RESULT(wait(&status));
}

static char adopted(void)
{
	char is = 2;

	read(reports[0], &is, 1);
	return is;
}

static void is_no_subreaper(void)
{
	int on = -1;

	RESULT(prctl(PR_GET_CHILD_SUBREAPER, &on));
	VALUE(on);
}

static void test_subreaper(void)
{
	int status = 0, on = -1;

	pipe(reports);
	expected = getpid();
	RESULT(prctl(PR_GET_CHILD_SUBREAPER, &on));
	VALUE(on);
	RESULT(prctl(PR_GET_CHILD_SUBREAPER, nowhere()));
	RESULT(prctl(PR_SET_CHILD_SUBREAPER, 77));
	RESULT(prctl(PR_GET_CHILD_SUBREAPER, &on));
	VALUE(on);
	in_child("a child's", is_no_subreaper);

	RESULT(waitpid(child_that(leaves_orphan), &status, 0) > 0);
	VALUE(status);
	VALUE(adopted());
	RESULT(wait(&status) > 0);
	VALUE(status);
	in_child("one between that is none any more", no_subreaper);
	VALUE(adopted());
	RESULT(wait(&status) > 0);
	VALUE(status);

	RESULT(waitpid(child_that(leaves_zombie), &status, 0) > 0);
	RESULT(wait(&status) > 0);
	VALUE(status);
	signal(SIGCHLD, SIG_IGN); /* nobody waits: no zombie is left */
	child_that(leaves_zombie);
	RESULT(wait(&status));
	signal(SIGCHLD, SIG_DFL);

	RESULT(prctl(PR_SET_CHILD_SUBREAPER, 0));
	RESULT(waitpid(child_that(leaves_orphan), &status, 0) > 0);
	VALUE(adopted());
	RESULT(wait(&status));
}

/* --- personalities -------------------------------------------------------------------------------------- */

#define QUERY 0xffffffff

static void self_as(char *word)
{
	static char *arguments[] = { "processes", NULL, NULL };

	arguments[1] = word;
	execve("/proc/self/exe", arguments, no_words);
	_exit(100);
}

static void exec_with_persona(void)
{
	personality(ADDR_NO_RANDOMIZE);
	self_as("persona");
}

static void inherits_persona(void)
{
	VALUE(personality(QUERY) == ADDR_NO_RANDOMIZE);
}

/* Where a fresh program's stack, heap and mappings lie. */
static void says_addresses(void)
{
	void *at[3] = { __builtin_frame_address(0), sbrk(0),
			mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };

	write(1, at, sizeof(at));
}

static void fixed_addresses(void)
{
	personality(ADDR_NO_RANDOMIZE);
	dup2(reports[1], 1);
	self_as("addresses");
}

static void test_personality(void)
{
	void *first[3], *second[3];
	struct utsname uts;

	RESULT(personality(QUERY));
	RESULT(personality(ADDR_NO_RANDOMIZE));
	RESULT(personality(QUERY) == ADDR_NO_RANDOMIZE);
	in_child("a child's", inherits_persona);
	RESULT(personality(PER_LINUX32) == ADDR_NO_RANDOMIZE);
	uname(&uts);
	TEXT("machine", uts.machine, strlen(uts.machine));
	RESULT(personality(PER_LINUX));
	uname(&uts);
	TEXT("machine", uts.machine, strlen(uts.machine));
	in_child("over exec", exec_with_persona);
	pipe(reports);
	in_child("addresses", fixed_addresses);
	RESULT(read(reports[0], first, sizeof(first)));
	in_child("addresses", fixed_addresses);
	RESULT(read(reports[0], second, sizeof(second)));
	RESULT(memcmp(first, second, sizeof(first)));
}

static void test_prctl(void)
{
	char name[17] = "";

	RESULT(prctl(PR_SET_NAME, "a name that is too long"));
	RESULT(prctl(PR_GET_NAME, name));
	TEXT("name", name, 15);
	RESULT(prctl(PR_GET_DUMPABLE));
	RESULT(prctl(PR_SET_DUMPABLE, 0));
	RESULT(prctl(PR_GET_DUMPABLE));
	RESULT(prctl(PR_SET_DUMPABLE, 5));
	RESULT(prctl(PR_SET_PDEATHSIG, 77));
	RESULT(prctl(PR_SET_PDEATHSIG, SIGTERM));
	RESULT((prctl(PR_GET_PDEATHSIG, name), *(int *)name));
	RESULT(prctl(PR_SET_CHILD_SUBREAPER, 1));
	RESULT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	RESULT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RESULT(prctl(PR_GET_TIMERSLACK));
	RESULT(prctl(PR_SET_TIMERSLACK, 1000));
	RESULT(prctl(PR_GET_TIMERSLACK));
	in_child("the slack of a child", default_slack);
	RESULT(prctl(PR_SET_TIMERSLACK, 0));
	RESULT(prctl(PR_GET_TIMERSLACK));
	RESULT(prctl(PR_SET_KEEPCAPS, 2));
	RESULT(prctl(PR_SET_KEEPCAPS, 0));
	RESULT(prctl(PR_GET_KEEPCAPS));
	RESULT(prctl(12345));
	RESULT(prctl(PR_SET_NAME, nowhere()));
}

static void test_arch_prctl(void)
{
	unsigned long base = 0;

	RESULT(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &base));
	VALUE(base != 0);
	RESULT(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0x1234));
	RESULT(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &base));
	VALUE(base);
	RESULT(syscall(SYS_arch_prctl, 0x1001, ~0ul));
	RESULT(syscall(SYS_arch_prctl, 0x1001, 1ul << 60));
	RESULT(syscall(SYS_arch_prctl, 0x1004, nowhere()));
	RESULT(syscall(SYS_arch_prctl, 0x7777, 0));
}

static void exits_group(void)
{
	syscall(SYS_exit_group, 300);
}

static void exits_alone(void)
{
	syscall(SYS_exit, 6);
}

static void test_exit(void)
{
	in_child("exit_group(300)", exits_group);
	in_child("exit(6)", exits_alone);
}

static void test_limits(void)
{
	struct rlimit limit, other = { 100, 50 };
	struct rusage usage;

	RESULT(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 20;
	RESULT(setrlimit(RLIMIT_NOFILE, &limit));
	RESULT(dup2(0, 20));
	RESULT(dup2(0, 19));
	RESULT(setrlimit(RLIMIT_NOFILE, &other));
	RESULT(getrlimit(99, &limit));
	RESULT(setrlimit(99, &limit));
	RESULT(syscall(SYS_getrlimit, RLIMIT_CORE, nowhere()));
	RESULT(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
	VALUE(limit.rlim_cur);
	RESULT(prlimit(1000000, RLIMIT_NOFILE, NULL, &limit));
	limit = (struct rlimit){ 10, 10 };
	RESULT(prlimit(0, RLIMIT_CORE, &limit, NULL));
	RESULT(getrusage(RUSAGE_SELF, &usage));
	RESULT(getrusage(RUSAGE_CHILDREN, &usage));
	RESULT(getrusage(RUSAGE_THREAD, &usage));
	RESULT(getrusage(77, &usage));
	RESULT(syscall(SYS_getrusage, RUSAGE_SELF, nowhere()));
}

static void limit(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit set = { soft, hard };

	setrlimit(which, &set);
}

static void no_address_space(void)
{
	limit(RLIMIT_AS, 1 << 20, 1 << 20);
	RESULT(mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
}

static void no_data(void)
{
	limit(RLIMIT_DATA, 0, 0);
	RESULT(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0);
	RESULT(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
	RESULT(syscall(SYS_brk, (char *)sbrk(0) + (1 << 20)) == (long)sbrk(0));
}

static void no_processes(void)
{
	limit(RLIMIT_NPROC, 1, 1);
	RESULT(fork());
}

static void no_files(void)
{
	limit(RLIMIT_NOFILE, 3, 3);
	RESULT(dup(0));
	RESULT(fcntl(0, F_DUPFD, 3));
	RESULT(open("/dev/null", O_RDONLY));
}

static void no_signals(void)
{
	union sigval value = { .sival_int = 1 };
	sigset_t all;

	limit(RLIMIT_SIGPENDING, 2, 2);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	RESULT(sigqueue(getpid(), SIGRTMIN, value));
	RESULT(sigqueue(getpid(), SIGRTMIN, value));
	RESULT(sigqueue(getpid(), SIGRTMIN, value));
	RESULT(kill(getpid(), SIGRTMIN + 1));
	RESULT(sigqueue(getpid(), SIGUSR1, value));
}

static void large_file(void)
{
	int fd = file_with("large", "");

	limit(RLIMIT_FSIZE, 10, 10);
	signal(SIGXFSZ, SIG_IGN);
	RESULT(write(fd, "0123456789abc", 13));
	RESULT(write(fd, "d", 1));
	RESULT(pwrite(fd, "e", 1, 100));
	RESULT(ftruncate(fd, 11));
	RESULT(ftruncate(fd, 5));
	signal(SIGXFSZ, SIG_DFL);
	pwrite(fd, "f", 1, 10);
}

static void locks_much(void)
{
	char *memory = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RESULT(mlock(memory, 4096));
	RESULT(mlock(memory, 8192));
	RESULT(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED
		       ? errno
		       : 0);
}

static volatile int told;

static void notes(int signo)
{
	told = signo;
}

static void burns(void)
{
	limit(RLIMIT_CPU, 1, 2);
	signal(SIGXCPU, notes);
	while (!told)
		;
	write(1, "SIGXCPU has come\n", 17);
	for (;;)
		;
}

/* Grows the stack page by page. */
static int deep(int depth)
{
	volatile char page[4096];

	page[0] = (char)depth;
	return depth ? deep(depth - 1) + page[0] : 0;
}

static void overflows(void)
{
	limit(RLIMIT_STACK, 256 << 10, 256 << 10);
	deep(200);
}

static void no_locked(void)
{
	limit(RLIMIT_MEMLOCK, 4096, 4096);
	as_user(1000, "memory to lock", locks_much);
}

static void test_enforcement(void)
{
	in_child("address space", no_address_space);
	as_user(1000, "data", no_data);
	as_user(1000, "processes", no_processes);
	in_child("files", no_files);
	as_user(1000, "signals", no_signals);
	in_child("the size of a file", large_file);
	in_child("CPU time", burns);
	in_child("the stack", overflows);
	in_child("locked memory", no_locked);
}

static void raise_limit(void)
{
	struct rlimit limit = { 10, 10 };

	RESULT(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_max = 11;
	RESULT(setrlimit(RLIMIT_NOFILE, &limit));
	RESULT(setpriority(PRIO_PROCESS, 0, -1));
	RESULT(setpriority(PRIO_PROCESS, 0, 1));
	RESULT(setpriority(PRIO_PROCESS, 0, 0));
	RESULT(setpriority(PRIO_PROCESS, 1, 5));
}

static void test_limits_of_users(void)
{
	as_user(1000, "without rights", raise_limit);
}

static const struct calls table[] = {
	{ "fork vfork", test_fork },
	{ "clone", test_clone },
	{ "clone3", test_clone3 },
	{ "execve", test_execve },
	{ "execveat", test_execveat },
	{ "wait4", test_wait4 },
	{ "waitid", test_waitid },
	{ "getpid getppid gettid set_tid_address", test_ids },
	{ "setpgid getpgid setsid getsid getpgrp", test_groups },
	{ "getpriority setpriority", test_priority },
	{ "prctl", test_prctl },
	{ "prctl", test_subreaper },
	{ "personality", test_personality },
	{ "arch_prctl", test_arch_prctl },
	{ "exit exit_group", test_exit },
	{ "getrlimit setrlimit prlimit64 getrusage", test_limits },
	{ "setrlimit", test_enforcement },
	{ "setrlimit setpriority", test_limits_of_users },
};

/* As the cases of personality(2) run this program: with a word for what to do. */
int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "persona") == 0)
		return personality(QUERY) != ADDR_NO_RANDOMIZE;
	if (argc == 2 && strcmp(argv[1], "addresses") == 0) {
		says_addresses();
		return 0;
	}
	return calls_run(table, sizeof(table) / sizeof(table[0]), argc, argv);
}

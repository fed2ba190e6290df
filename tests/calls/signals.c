/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: sending, handling, blocking, waiting for them. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

static volatile sig_atomic_t caught, last, code, value;

static void handler(int signo)
{
	caught++;
	last = signo;
}

static void with_info(int signo, siginfo_t *info, void *context)
{
	(void)context;
	handler(signo);
	code = info->si_code;
	value = info->si_value.sival_int;
}

static void handle(int signo, int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		sa.sa_sigaction = with_info;
	else
		sa.sa_handler = handler;
	sigaction(signo, &sa, NULL);
}

static sigset_t set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static void test_rt_sigaction(void)
{
	struct sigaction sa = { .sa_handler = handler }, old;

	RESULT(sigaction(SIGUSR1, &sa, NULL));
	RESULT(sigaction(SIGUSR1, NULL, &old));
	VALUE(old.sa_handler == handler);
	RESULT(syscall(SYS_rt_sigaction, SIGKILL, &sa, NULL, 8));
	RESULT(syscall(SYS_rt_sigaction, SIGSTOP, &sa, NULL, 8));
	RESULT(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, 8));
	RESULT(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	RESULT(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	RESULT(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	RESULT(syscall(SYS_rt_sigaction, SIGUSR1, nowhere(), NULL, 8));
	RESULT(raise(SIGUSR1));
	VALUE(caught);
	handle(SIGUSR2, SA_RESETHAND);
	RESULT(raise(SIGUSR2));
	sigaction(SIGUSR2, NULL, &old);
	VALUE(old.sa_handler == SIG_DFL);
}

static void test_rt_sigprocmask(void)
{
	sigset_t set = set_of(SIGUSR1), old, pending;

	handle(SIGUSR1, 0);
	RESULT(sigprocmask(SIG_BLOCK, &set, NULL));
	RESULT(raise(SIGUSR1));
	RESULT(raise(SIGUSR1));
	VALUE(caught);
	RESULT(sigpending(&pending));
	VALUE(sigismember(&pending, SIGUSR1));
	RESULT(sigprocmask(SIG_UNBLOCK, &set, &old));
	VALUE(caught); /* two of a kind are one */
	VALUE(sigismember(&old, SIGUSR1));
	RESULT(syscall(SYS_rt_sigprocmask, 99, &set, NULL, 8));
	RESULT(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8));
	RESULT(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
	RESULT(syscall(SYS_rt_sigprocmask, SIG_BLOCK, nowhere(), NULL, 8));
	RESULT(syscall(SYS_rt_sigpending, &set, 16));
	sigfillset(&set);
	RESULT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &old, 8);
	VALUE(sigismember(&old, SIGKILL)); /* never blocked */
}

static void test_realtime(void)
{
	sigset_t set = set_of(SIGRTMIN + 1);
	union sigval v;
	siginfo_t info;

	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 3; i++) {
		v.sival_int = i;
		RESULT(sigqueue(getpid(), SIGRTMIN + 1, v));
	}
	for (int i = 1; i <= 3; i++) {
		RESULT(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
		VALUE(info.si_value.sival_int);
		VALUE(info.si_code);
	}
	handle(SIGRTMIN + 1, SA_SIGINFO);
	v.sival_int = 9;
	RESULT(sigqueue(getpid(), SIGRTMIN + 1, v));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	VALUE(caught);
	VALUE(value);
	RESULT(sigqueue(1000000, SIGUSR1, v));
	RESULT(sigqueue(getpid(), 65, v));
	memset(&info, 0, sizeof(info));
	RESULT(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &info)); /* as if the kernel had sent it */
}

static void test_rt_tgsigqueueinfo(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	handle(SIGUSR1, SA_SIGINFO);
	info.si_value.sival_int = 5;
	RESULT(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info));
	VALUE(value);
	RESULT(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info));
	RESULT(syscall(SYS_rt_tgsigqueueinfo, getpid(), 1000000, SIGUSR1, &info));
	RESULT(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 65, &info));
	RESULT(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, nowhere()));
}

static void test_rt_sigtimedwait(void)
{
	struct timespec none = { 0, 0 }, bad = { 0, -1 };
	sigset_t set = set_of(SIGUSR1);
	siginfo_t info;

	sigprocmask(SIG_BLOCK, &set, NULL);
	RESULT(sigtimedwait(&set, &info, &none));
	raise(SIGUSR1);
	RESULT(sigtimedwait(&set, &info, &none));
	VALUE(info.si_code);
	RESULT(syscall(SYS_rt_sigtimedwait, &set, &info, &bad, 8));
	RESULT(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 4));
	RESULT(syscall(SYS_rt_sigtimedwait, nowhere(), &info, &none, 8));
}

static void unblocks_and_waits(void)
{
	sigset_t set = set_of(SIGALRM), empty;

	handle(SIGALRM, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGALRM);
	sigemptyset(&empty);
	RESULT(sigsuspend(&empty));
	VALUE(caught);
}

static void test_rt_sigsuspend(void)
{
	in_child("a pending signal", unblocks_and_waits);
	RESULT(syscall(SYS_rt_sigsuspend, nowhere(), 8));
	RESULT(syscall(SYS_rt_sigsuspend, NULL, 4));
}

static void kill_others(void)
{
	RESULT(kill(1, 0));
	RESULT(kill(getppid(), 0));
	RESULT(kill(getpid(), 0));
}

static void test_kill(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		for (;;)
			pause();
	RESULT(kill(pid, 0));
	RESULT(kill(pid, 65));
	RESULT(kill(pid, -1));
	RESULT(kill(1000000, SIGTERM));
	RESULT(kill(-1000000, SIGTERM));
	RESULT(kill(pid, SIGTERM));
	waitpid(pid, &status, 0);
	VALUE(status);
	RESULT(kill(pid, 0));
	as_user(1000, "of others' processes", kill_others);
}

static void test_tgkill(void)
{
	handle(SIGUSR1, SA_SIGINFO);
	RESULT(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	VALUE(caught);
	VALUE(code);
	RESULT(syscall(SYS_tkill, getpid(), SIGUSR1));
	VALUE(caught);
	RESULT(syscall(SYS_tgkill, getpid(), getpid(), 65));
	RESULT(syscall(SYS_tgkill, -1, getpid(), SIGUSR1));
	RESULT(syscall(SYS_tgkill, getpid(), 1000000, SIGUSR1));
	RESULT(syscall(SYS_tgkill, getppid(), getpid(), SIGUSR1));
	RESULT(syscall(SYS_tkill, 0, SIGUSR1));
	RESULT(syscall(SYS_tkill, 1000000, SIGUSR1));
	RESULT(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static volatile bool on_stack;
static char stack[65536];

static void where(int signo)
{
	char here;

	(void)signo;
	on_stack = &here >= stack && &here < stack + sizeof(stack);
}

static void test_sigaltstack(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;
	struct sigaction sa = { .sa_handler = where, .sa_flags = SA_ONSTACK };

	RESULT(sigaltstack(NULL, &old));
	VALUE(old.ss_flags);
	RESULT(sigaltstack(&s, NULL));
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	VALUE(on_stack);
	RESULT(sigaltstack(NULL, &old));
	VALUE(old.ss_sp == stack);
	VALUE(old.ss_flags);
	s.ss_size = 100;
	RESULT(sigaltstack(&s, NULL));
	s.ss_size = sizeof(stack);
	s.ss_flags = 77;
	RESULT(sigaltstack(&s, NULL));
	s.ss_flags = SS_DISABLE;
	RESULT(sigaltstack(&s, NULL));
	raise(SIGUSR1);
	VALUE(on_stack);
	RESULT(syscall(SYS_sigaltstack, nowhere(), NULL));
}

static void faults(void)
{
	*(volatile char *)nowhere() = 1;
}

static void divides(void)
{
	volatile int zero = 0;

	zero = 1 / zero;
}

static void is_illegal(void)
{
	__builtin_trap();
}

static void beyond_the_file(void)
{
	int fd = file_with("short", "");

	*(volatile char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) = 1;
}

static int fault_code, fault_signo;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	fault_signo = signo;
	fault_code = info->si_code;
	_exit(info->si_code + 100);
}

static void handled_fault(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	faults();
}

static void fault_of_rights(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	*(volatile char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}

static void test_faults(void)
{
	in_child("a write to nothing", faults);
	in_child("a division by zero", divides);
	in_child("an illegal instruction", is_illegal);
	in_child("a write beyond the file", beyond_the_file);
	in_child("SEGV_MAPERR", handled_fault);
	in_child("SEGV_ACCERR", fault_of_rights);
}

static void test_restart(void)
{
	int ends[2];
	char c = 0;
	pid_t pid, parent = getpid();

	pipe(ends);
	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_RESTART);
	for (int round = 0; round < 2; round++) {
		pid = fork();
		if (pid == 0) {
			usleep(100000);
			kill(parent, round ? SIGUSR2 : SIGUSR1);
			usleep(100000);
			write(ends[1], "x", 1);
			_exit(0);
		}
		RESULT(read(ends[0], &c, 1));
		waitpid(pid, NULL, 0);
		if (!round)
			read(ends[0], &c, 1);
	}
	VALUE(caught);
	VALUE(last == SIGUSR2);
}

static const struct calls table[] = {
	{ "rt_sigaction", test_rt_sigaction },
	{ "rt_sigprocmask rt_sigpending", test_rt_sigprocmask },
	{ "rt_sigqueueinfo rt_sigtimedwait", test_realtime },
	{ "rt_tgsigqueueinfo", test_rt_tgsigqueueinfo },
	{ "rt_sigtimedwait", test_rt_sigtimedwait },
	{ "rt_sigsuspend", test_rt_sigsuspend },
	{ "kill", test_kill },
	{ "tgkill tkill", test_tgkill },
	{ "sigaltstack rt_sigreturn", test_sigaltstack },
	{ "rt_sigaction exit_group", test_faults },
	{ "rt_sigaction read", test_restart },
};

CALLS_MAIN(table)

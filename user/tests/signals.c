/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: actions, masks, queues, stacks, interrupted calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

static volatile sig_atomic_t count;
static volatile int last_signal, order[16], ordered;
static siginfo_t last_info;

static void note(int signo, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last_signal = signo;
	last_info = *info;
	if (ordered < 16)
		order[ordered++] = info->si_value.sival_int;
}

static void handle(int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | flags };

	need(sigaction(signo, &sa, NULL) == 0);
}

static sigset_t set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static void kill_self_info(void)
{
	handle(SIGUSR1, 0);
	need(kill(getpid(), SIGUSR1) == 0);
	need(count == 1 && last_info.si_code == SI_USER && last_info.si_pid == getpid() &&
	     last_info.si_uid == getuid());
	need(raise(SIGUSR1) == 0);
	need(count == 2 && last_info.si_code == SI_TKILL);
}

static void blocked_until_unblocked(void)
{
	sigset_t set = set_of(SIGUSR1), pending;

	handle(SIGUSR1, 0);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	need(count == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	need(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	need(count == 1); /* standard signals do not queue */
}

static void realtime_queue(void)
{
	sigset_t set = set_of(SIGRTMIN + 1);

	handle(SIGRTMIN + 1, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 5; i++)
		need(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i }) == 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	need(count == 5 && last_info.si_code == SI_QUEUE);
	for (int i = 0; i < 5; i++)
		need(order[i] == i + 1);
}

static int nesting, deepest, entered;

static void nest(int signo)
{
	entered++;
	nesting++;
	if (nesting > deepest)
		deepest = nesting;
	if (entered < 3)
		raise(signo);
	nesting--;
}

static void masks_in_handlers(void)
{
	struct sigaction sa = { .sa_handler = nest };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	need(deepest == 1); /* the signal is blocked while its handler runs */
	nesting = deepest = entered = 0;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR2);
	need(deepest == 3);
}

static void reset_hand(void)
{
	struct sigaction sa;

	handle(SIGUSR1, (int)SA_RESETHAND);
	raise(SIGUSR1);
	need(count == 1 && sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
}

static void no_action_for_kill(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };
	sigset_t all, now;

	need(sigaction(SIGKILL, &sa, NULL) == -1 && errno == EINVAL);
	need(sigaction(SIGSTOP, &sa, NULL) == -1 && errno == EINVAL);
	need(sigaction(65, &sa, NULL) == -1 && errno == EINVAL);
	sigfillset(&all);
	need(sigprocmask(SIG_SETMASK, &all, NULL) == 0 && sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	need(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP) && sigismember(&now, SIGTERM));
	need(syscall(SYS_rt_sigprocmask, 7, &all, NULL, 8) == -1 && errno == EINVAL);
	need(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 4) == -1 && errno == EINVAL);
}

static void ignored_is_dropped(void)
{
	sigset_t set = set_of(SIGUSR1), pending;

	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN); /* throws the pending one away */
	need(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
}

static void kill_errors(void)
{
	need(kill(getpid(), 65) == -1 && errno == EINVAL);
	need(kill(32766, 0) == -1 && errno == ESRCH);
	need(kill(-32766, SIGTERM) == -1 && errno == ESRCH);
	need(syscall(SYS_tgkill, getpid(), 32766, 0) == -1 && errno == ESRCH);
	need(syscall(SYS_tgkill, 0, getpid(), 0) == -1 && errno == EINVAL);
	need(kill(getpid(), 0) == 0);
}

static void permission(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* came too late */
			_exit(0);
		for (;;)
			pause();
	}
	if (geteuid() == 0) {
		need(kill(pid, 0) == 0);
		need(setresuid(1000, 1000, 1000) == 0);
		need(kill(pid, SIGTERM) == -1 && errno == EPERM);
		need(kill(1, 0) == -1 && errno == EPERM);
	}
}

static void group_kill(void)
{
	int status;
	pid_t pid;

	setpgid(0, 0);
	signal(SIGUSR1, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		for (;;)
			pause();
	}
	for (int i = 0; i < 20; i++) { /* until it has its action set */
		kill(0, SIGUSR1);
		usleep(2000);
	}
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGUSR1);
}

static volatile uintptr_t unmapped = 0x1238;
static sigjmp_buf back;
static void *fault_address;
static int fault_code;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	fault_address = info->si_addr;
	fault_code = info->si_code;
	siglongjmp(back, 1);
}

static void fault_info(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)unmapped = 1;
		need(false);
	}
	need(fault_address == (void *)unmapped && fault_code == SEGV_MAPERR);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)(readonly + 5) = 1;
		need(false);
	}
	need(fault_address == readonly + 5 && fault_code == SEGV_ACCERR);
	if (sigsetjmp(back, 1) == 0) {
		volatile int zero = 0;
		int result;

		__asm__ volatile("cltd; idivl %2" : "=a"(result) : "0"(1), "r"(zero) : "rdx");
		need(false);
	}
	need(fault_code == FPE_INTDIV);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("ud2");
		need(false);
	}
	need(fault_code == ILL_ILLOPN);
}

/* A fault whose signal is blocked or ignored ends the program all the same. */
static void blocked_fault(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sigset_t set = set_of(SIGSEGV);

		signal(SIGSEGV, SIG_IGN);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*(volatile char *)unmapped = 1;
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static char *alternate;
static volatile bool was_on_alternate;

static void on_alternate(int signo)
{
	char here;
	stack_t now;

	(void)signo;
	sigaltstack(NULL, &now);
	was_on_alternate = &here >= alternate && &here < alternate + 65536 && (now.ss_flags & SS_ONSTACK);
}

static void overflow_handler(int signo)
{
	(void)signo;
	_exit(17);
}

static volatile int depth_wanted = 1 << 30;

static int recurse(int n)
{
	volatile char pad[512];

	pad[0] = (char)n;
	return n < depth_wanted ? recurse(n + 1) + pad[0] : 0;
}

static void altstack(void)
{
	struct sigaction sa = { .sa_handler = on_alternate, .sa_flags = SA_ONSTACK };
	stack_t ss = { .ss_size = 65536 }, old;
	int status;
	pid_t pid;

	alternate = ss.ss_sp = malloc(65536);
	need(sigaltstack(&ss, NULL) == 0);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	need(was_on_alternate);
	need(sigaltstack(NULL, &old) == 0 && old.ss_sp == alternate && old.ss_flags == 0);
	ss.ss_size = 100;
	need(sigaltstack(&ss, NULL) == -1 && errno == ENOMEM);
	ss.ss_flags = 99;
	need(sigaltstack(&ss, NULL) == -1 && errno == EINVAL);
	pid = fork();
	if (pid == 0) {
		sa.sa_handler = overflow_handler;
		sigaction(SIGSEGV, &sa, NULL);
		_exit(recurse(0) & 1);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 17);
}

static void arm_ms(int ms)
{
	struct itimerval t = { .it_value = { 0, ms * 1000 } };

	setitimer(ITIMER_REAL, &t, NULL);
}

/* The next deadline is beyond what the kernel counts: it must not wrap into the past. */
static void endless_interval(void)
{
	struct itimerval t = { .it_interval = { INT64_MAX / 2, 0 }, .it_value = { 0, 1000 } };

	handle(SIGALRM, 0);
	need(setitimer(ITIMER_REAL, &t, NULL) == 0);
	usleep(20000);
	usleep(20000);
	need(count == 1);
}

static void interrupted_read(void)
{
	int ends[2];
	char byte;

	need(pipe(ends) == 0);
	handle(SIGALRM, 0);
	arm_ms(20);
	need(read(ends[0], &byte, 1) == -1 && errno == EINTR && count == 1);
	handle(SIGALRM, SA_RESTART);
	arm_ms(20);
	if (fork() == 0) {
		usleep(60000);
		need(write(ends[1], "x", 1) == 1);
		_exit(0);
	}
	need(read(ends[0], &byte, 1) == 1 && byte == 'x' && count == 2);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void interrupted_sleep(void)
{
	struct timespec t = { 0, 200000000 }, left = { 0 };

	handle(SIGALRM, SA_RESTART); /* nanosleep does not restart after a handler */
	arm_ms(50);
	need(nanosleep(&t, &left) == -1 && errno == EINTR);
	need(left.tv_sec == 0 && left.tv_nsec > 50000000 && left.tv_nsec < 160000000);
}

/* Stopped and continued, a sleep goes on to its first deadline. */
static void stopped_sleep(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct timespec t = { 0, 200000000 };
		double start = now(), took;
		int result = nanosleep(&t, NULL);

		took = now() - start;
		_exit(result == 0 && took >= 0.199 && took < 0.6 ? 0 : 1);
	}
	usleep(50000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	usleep(50000);
	kill(pid, SIGCONT);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void suspend(void)
{
	sigset_t set = set_of(SIGALRM), none, after;

	handle(SIGALRM, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&none);
	arm_ms(20);
	need(sigsuspend(&none) == -1 && errno == EINTR && count == 1);
	sigprocmask(SIG_SETMASK, NULL, &after);
	need(sigismember(&after, SIGALRM)); /* the old mask is back */
}

static void timed_wait(void)
{
	sigset_t set = set_of(SIGUSR1);
	struct timespec t = { 0, 30000000 };
	siginfo_t info;
	double start = now();

	sigprocmask(SIG_BLOCK, &set, NULL);
	need(sigtimedwait(&set, &info, &t) == -1 && errno == EAGAIN && now() - start >= 0.029);
	raise(SIGUSR1);
	need(sigtimedwait(&set, &info, &t) == SIGUSR1 && info.si_signo == SIGUSR1);
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGUSR1);
		_exit(3);
	}
	need(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER);
	t.tv_nsec = 1000000000;
	need(sigtimedwait(&set, &info, &t) == -1 && errno == EINVAL);
}

static void floating_point_survives(void)
{
	volatile double before = 1.5, x;
	struct sigaction sa = { .sa_handler = nest };

	entered = 5;
	sigaction(SIGUSR1, &sa, NULL);
	x = before * 3;
	__asm__ volatile("movq %0, %%xmm7" : : "r"(0x123456789abcdefull) : "xmm7");
	raise(SIGUSR1);
	need(x == 4.5);
}

/* Registers that a handler finds and changes are the program's. */
static void change_context(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	uc->uc_mcontext.gregs[REG_RIP] += 2; /* over UD2 */
}

static void context_is_restored(void)
{
	struct sigaction sa = { .sa_sigaction = change_context, .sa_flags = SA_SIGINFO };
	uint64_t rax = 0, rbx;

	sigaction(SIGILL, &sa, NULL);
	__asm__ volatile("movq $99, %%rbx; ud2; movq %%rbx, %1" : "=a"(rax), "=r"(rbx) : : "rbx");
	need(rax == 4711 && rbx == 99);
}

static void bad_frame(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) { /* a frame that is not there */
		__asm__ volatile("movq $0x1000, %%rsp; movl $15, %%eax; syscall" : : : "memory");
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	pid = fork();
	if (pid == 0) { /* a handler without a stack */
		handle(SIGSEGV, 0);
		__asm__ volatile("movq $0x1000, %%rsp; pushq $0" : : : "memory");
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
	tap(passes(kill_self_info), "siginfo of kill and raise");
	tap(passes(blocked_until_unblocked), "a blocked signal is pending once");
	tap(passes(realtime_queue), "real-time signals queue in order with their values");
	tap(passes(masks_in_handlers), "a handler blocks its own signal, but for SA_NODEFER");
	tap(passes(reset_hand), "SA_RESETHAND");
	tap(passes(no_action_for_kill), "SIGKILL and SIGSTOP can be neither handled nor blocked");
	tap(passes(ignored_is_dropped), "ignoring a signal drops it where it is pending");
	tap(passes(kill_errors), "errors of kill and tgkill");
	tap(passes(group_kill), "kill of the own group");
	tap(passes(fault_info), "faults say where and why");
	tap(passes(blocked_fault), "a blocked fault is fatal");
	tap(passes(altstack), "alternate stacks, also for stack overflow");
	tap(passes(endless_interval), "an endless timer interval fires once");
	tap(passes(interrupted_read), "read: EINTR, or restarted with SA_RESTART");
	tap(passes(interrupted_sleep), "nanosleep: EINTR with what is left");
	tap(passes(stopped_sleep), "a stopped sleep keeps its deadline");
	tap(passes(suspend), "sigsuspend restores the mask");
	tap(passes(timed_wait), "sigtimedwait");
	tap(passes(floating_point_survives), "floating point survives a handler");
	tap(passes(context_is_restored), "a handler may change the registers");
	tap(passes(bad_frame), "bad frames and stacks end in SIGSEGV");
	tap(passes(permission), "signals to other users' processes need privilege");
	return tap_end();
}

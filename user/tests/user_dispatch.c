/* SPDX-License-Identifier: BSD-2-Clause */
/* prctl(PR_SET_SYSCALL_USER_DISPATCH): calls that come back as SIGSYS.  Every case holds on Linux 6.1 as
 * well. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <ucontext.h>

#include "child.h"
#include "filters.h"
#include "tap.h"

#define PR_DISPATCH 59

static volatile uint8_t selector;
static volatile int caught;
static siginfo_t last;

static int dispatch(unsigned long mode, uintptr_t start, uintptr_t length, volatile void *byte)
{
	return prctl(PR_DISPATCH, mode, start, length, (uintptr_t)byte);
}

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW; /* for its own return, too */
	last = *info;
	caught++;
	uc->uc_mcontext.gregs[REG_RAX] =
		uc->uc_mcontext.gregs[REG_RAX] * 1000 + uc->uc_mcontext.gregs[REG_RDI];
}

static void catch_sigsys(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	need(sigaction(SIGSYS, &action, NULL) == 0);
}

static void arguments(void)
{
	need(dispatch(2, 0, 0, NULL) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_OFF, 1, 0, NULL) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_OFF, 0, 1, NULL) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_OFF, 0, 0, &selector) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_ON, 1, 0, &selector) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_ON, 1, -1, &selector) < 0 && errno == EINVAL);
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, (void *)-1) < 0 && errno == EFAULT);
	need(dispatch(PR_SYS_DISPATCH_OFF, 0, 0, NULL) == 0);
}

static void selected(void)
{
	const struct {
		int32_t signo, error, code, pad;
		uint64_t addr;
		int32_t number;
		uint32_t arch;
	} *info = (void *)&last;

	catch_sigsys();
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0 && syscall(SYS_getpid) == getpid());
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	need(syscall(SYS_getppid, 7) == SYS_getppid * 1000 + 7 && caught == 1);
	need(info->signo == SIGSYS && info->code == SYS_USER_DISPATCH && info->error == 0);
	need(info->number == SYS_getppid && info->arch == ARCH_HERE && info->addr);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	need(syscall(54321, 5) == 54321 * 1000 + 5 && caught == 2); /* no call of any system */
	need(dispatch(PR_SYS_DISPATCH_OFF, 0, 0, NULL) == 0);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	need(syscall(SYS_getpid) == getpid() && caught == 2);
}

/* Calls from within the range are never dispatched. */
static void from_the_range(void)
{
	catch_sigsys();
	need(dispatch(PR_SYS_DISPATCH_ON, 0x1000, 0x7fffffff0000, NULL) == 0);
	need(syscall(SYS_getpid) > 0 && caught == 0);
}

static void bad_selector(void)
{
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0);
	selector = 2;
	(void)syscall(SYS_getpid);
}

static void selector_without_memory(void)
{
	catch_sigsys();
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, (void *)8) == 0);
	(void)syscall(SYS_getpid);
}

static bool dies_of(void (*body)(void), int signo)
{
	int status = status_of(body);

	return WIFSIGNALED(status) && WTERMSIG(status) == signo;
}

static void *calls(void *arg)
{
	*(bool *)arg = syscall(SYS_getpid) > 0;
	return NULL;
}

/* Threads and children do not inherit it; the byte says BLOCK all the time but where this thread calls. */
static void not_inherited(void)
{
	bool thread_called = false;
	pthread_t t;
	int status;
	pid_t pid;

	catch_sigsys();
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0);
	pid = fork();
	if (pid == 0) {
		selector = SYSCALL_DISPATCH_FILTER_BLOCK;
		_exit(syscall(SYS_getpid) > 0 && caught == 0 ? 0 : 1);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(pthread_create(&t, NULL, calls, &thread_called) == 0 && pthread_join(t, NULL) == 0 &&
	     thread_called);
	need(caught == 0);
}

/* It is asked before the filters are, which never see what went back. */
static void before_filters(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_KILL_PROCESS);

	catch_sigsys();
	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(dispatch(PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	need(syscall(SYS_getppid, 3) == SYS_getppid * 1000 + 3 && caught == 1);
}

int main(void)
{
	tap(passes(arguments), "arguments");
	tap(passes(selected), "a byte says which calls come back, and SIGSYS what they were");
	tap(passes(from_the_range), "a range of addresses is left out");
	tap(dies_of(bad_selector, SIGSYS), "a byte that says anything else");
	tap(dies_of(selector_without_memory, SIGSEGV), "a byte that is not there");
	tap(passes(not_inherited), "children and threads do not inherit it");
	tap(passes(before_filters), "dispatched calls are not filtered");
	return tap_end();
}

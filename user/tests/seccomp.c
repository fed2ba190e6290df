/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp(2): strict mode, what programs of filters are taken, what becomes of calls by what they return, who
 * has which filters.  Every case holds on Linux 6.1 as well.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

#include "child.h"
#include "filters.h"
#include "tap.h"

#define NOBODY 65534

/* --- strict mode ---------------------------------------------------------------------------------------- */

static void exit_only(int code)
{
	syscall(SYS_exit, code);
}

static void strict_by_call(void)
{
	need(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL) < 0 && errno == EINVAL);
	need(seccomp(SECCOMP_SET_MODE_STRICT, 0, "") < 0 && errno == EINVAL);
	need(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
	need(write(STDOUT_FILENO, "", 0) == 0 && read(STDIN_FILENO, NULL, 0) == 0);
	exit_only(7);
}

static void strict_by_prctl(void)
{
	need(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_DISABLED);
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	(void)getppid();
	exit_only(0);
}

static _Atomic pid_t victim;

/* A thread that is killed joins nobody: wait until its number is no more. */
static void wait_until_gone(void)
{
	while (atomic_load(&victim) == 0 || syscall(SYS_tgkill, getpid(), atomic_load(&victim), 0) == 0)
		usleep(1000);
}

static void *strict_thread(void *arg)
{
	(void)arg;
	atomic_store(&victim, (pid_t)syscall(SYS_gettid));
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	(void)getppid();
	return NULL;
}

/* The thread alone ends. */
static void strict_beside_others(void)
{
	pthread_t t;

	need(pthread_create(&t, NULL, strict_thread, NULL) == 0);
	wait_until_gone();
	need(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_DISABLED);
}

static void strict_after_filter(void)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0 && errno == EINVAL);
	need(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER);
}

static void strict_mode(void)
{
	int status = status_of(strict_by_call);

	tap(WIFEXITED(status) && WEXITSTATUS(status) == 7, "strict mode leaves read, write and exit");
	status = status_of(strict_by_prctl);
	tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "and kills by SIGKILL at any other call");
	tap(passes(strict_beside_others), "of several threads the one that made it");
	tap(passes(strict_after_filter), "who has filters can not have strict mode");
}

/* --- who may, and what is taken ------------------------------------------------------------------------- */

static void without_privilege(void)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };
	struct abi_bpf_program none = { .length = 0, .instructions = (uintptr_t)code };

	need(getuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
	need(ADD_FILTER(0, code) < 0 && errno == EACCES);
	need(seccomp(SECCOMP_SET_MODE_FILTER, 0, &none) < 0 && errno == EINVAL);
	need(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT);
	need(seccomp(SECCOMP_SET_MODE_FILTER, 1u << 20, NULL) < 0 && errno == EINVAL);
	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(prctl(PR_SET_SECCOMP, 3, code) < 0 && errno == EINVAL);
	need(seccomp(9, 0, NULL) < 0 && errno == EINVAL);
}

static bool refused(const insn *code, size_t count)
{
	return add_filter(0, code, count) < 0 && errno == EINVAL;
}
#define REFUSED(...) \
	refused((const insn[]){ __VA_ARGS__ }, sizeof((const insn[]){ __VA_ARGS__ }) / sizeof(insn))

static void bad_programs(void)
{
	insn allow = RETURN(SECCOMP_RET_ALLOW);
	struct abi_bpf_program unmapped = { .length = 1, .instructions = 8 };

	need(no_new_privileges() == 0);
	need(seccomp(SECCOMP_SET_MODE_FILTER, 0, &unmapped) < 0 && errno == EFAULT);
	need(refused(&allow, 0) && refused(&allow, 4097));
	need(REFUSED(LOAD(number))); /* no return at the end */
	need(REFUSED(STATEMENT(BPF_LD | BPF_W | BPF_ABS, 2), allow));
	need(REFUSED(STATEMENT(BPF_LD | BPF_W | BPF_ABS, 64), allow));
	need(REFUSED(STATEMENT(BPF_LD | BPF_W | BPF_ABS, -4096), allow));
	need(REFUSED(STATEMENT(0x28, 0), allow)); /* a half word */
	need(REFUSED(STATEMENT(0x40, 0), allow)); /* indirect */
	need(REFUSED(STATEMENT(0xb1, 0), allow)); /* the length of an IP header */
	need(REFUSED(STATEMENT(0x94, 3), allow)); /* remainder */
	need(REFUSED(STATEMENT(0xffff, 0), allow));
	need(REFUSED(STATEMENT(BPF_ALU | BPF_DIV | BPF_K, 0), allow));
	need(REFUSED(STATEMENT(BPF_ALU | BPF_LSH | BPF_K, 32), allow));
	need(REFUSED(STATEMENT(BPF_ST, 16), allow));
	need(REFUSED(STATEMENT(BPF_LD | BPF_MEM, 0), allow)); /* never written */
	need(REFUSED(STATEMENT(BPF_JMP | BPF_JA, 1), allow));
	need(REFUSED(STATEMENT(BPF_JMP | BPF_JA, -1), allow));
	need(REFUSED(IF_EQUAL(0, 0, 1), allow));
	need(REFUSED(IF_EQUAL(0, 1, 0), STATEMENT(BPF_ST, 0), STATEMENT(BPF_LD | BPF_MEM, 0), allow));
	need(prctl(PR_GET_SECCOMP) == SECCOMP_MODE_DISABLED);
}

/* How long is counted differently: Linux counts what it translates a program to, up to twice as much. */
static void long_chains(void)
{
	static insn code[4096];
	int count = 0;

	for (size_t i = 0; i < 4096; i++)
		code[i] = RETURN(SECCOMP_RET_ALLOW);
	need(no_new_privileges() == 0);
	while (count < 9 && add_filter(0, code, 4096) == 0)
		count++;
	need(errno == ENOMEM && count >= 3 && count <= 7);
	need(add_filter(0, code, 1) == 0);
}

static void what_there_is(void)
{
	static const uint32_t known[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
					  SECCOMP_RET_TRAP,         SECCOMP_RET_ERRNO,
					  SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,
					  SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW };
	uint32_t unknown = 0x12340000, data = SECCOMP_RET_ERRNO | 1;
	struct abi_seccomp_sizes sizes = { 0 };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		need(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&known[i]) == 0);
	need(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &unknown) < 0 && errno == EOPNOTSUPP);
	need(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &data) < 0 && errno == EOPNOTSUPP);
	need(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &unknown) < 0 && errno == EINVAL);
	need(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL) < 0 && errno == EFAULT);
	need(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0);
	need(sizes.notification == 80 && sizes.response == 24 && sizes.data == 64);
}

static bool file_has(const char *path, const char *text)
{
	char buf[4096] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strstr(buf, text);
}

static void shown_in_proc(void)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };

	need(file_has("/proc/self/status", "\nSeccomp:\t0\nSeccomp_filters:\t0\n"));
	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0 && ADD_FILTER(0, code) == 0);
	need(file_has("/proc/self/status", "\nSeccomp:\t2\nSeccomp_filters:\t2\n"));
	need(file_has("/proc/sys/kernel/seccomp/actions_avail",
		      "kill_process kill_thread trap errno user_notif trace log allow\n"));
	need(file_has("/proc/sys/kernel/seccomp/actions_logged",
		      "kill_process kill_thread trap errno user_notif trace log\n"));
}

/* --- what a call comes to ------------------------------------------------------------------------------- */

static void by_number(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | E2BIG);
	insn large[] = ANSWER(SYS_getpgrp, SECCOMP_RET_ERRNO | 0xffff);
	insn none[] = ANSWER(SYS_getuid, SECCOMP_RET_ERRNO);

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_getppid) < 0 && errno == E2BIG);
	need(syscall(SYS_getpid) > 0);
	need(ADD_FILTER(0, large) == 0 && ADD_FILTER(0, none) == 0);
	need(syscall(SYS_getpgrp) < 0 && errno == 4095);
	need(syscall(SYS_getuid) == 0);
	need(syscall(SYS_getppid) < 0 && errno == E2BIG);
}

/* lseek is refused for one offset of 64 bits only; the low words of others are the same. */
static void by_arguments(void)
{
	uint32_t offset = offsetof(struct abi_seccomp_data, args[1]);
	insn code[] = {
		LOAD(arch),
		IF_EQUAL(ARCH_HERE, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(number),
		IF_EQUAL(SYS_lseek, 0, 5),
		STATEMENT(BPF_LD | BPF_W | BPF_ABS, offset),
		IF_EQUAL(0x1000, 0, 3),
		STATEMENT(BPF_LD | BPF_W | BPF_ABS, offset + 4),
		IF_EQUAL(0x5, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOTTY),
		RETURN(SECCOMP_RET_ALLOW),
	};

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_lseek, -1, 0x500001000l, 0) < 0 && errno == ENOTTY);
	need(syscall(SYS_lseek, -1, 0x1000l, 0) < 0 && errno == EBADF);
	need(syscall(SYS_lseek, -1, 0x600001000l, 0) < 0 && errno == EBADF);
}

/* A call that does not come from where it should: the address is that behind the instruction. */
static void by_place(void)
{
	long result = SYS_getppid;
	uintptr_t behind;

	__asm__("leaq 1f(%%rip), %0\n.globl seccomp_place\n" : "=r"(behind));
	{
		insn code[] = {
			LOAD(number),
			IF_EQUAL(SYS_getppid, 0, 3),
			LOAD(instruction_pointer),
			IF_EQUAL((uint32_t)behind, 1, 0),
			RETURN(SECCOMP_RET_ERRNO | ENOTTY),
			RETURN(SECCOMP_RET_ALLOW),
		};

		need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	}
	need(syscall(SYS_getppid) < 0 && errno == ENOTTY);
	__asm__ volatile("syscall\n1:\n" : "+a"(result) : : "rcx", "r11", "memory");
	need(result == getppid() || result > 0);
}

/* All that the language has: the numbers are in no way special. */
static void by_arithmetic(void)
{
	insn code[] = {
		LOAD(number),
		IF_EQUAL(SYS_lseek, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct abi_seccomp_data, args[1])),
		STATEMENT(BPF_ST, 3),
		STATEMENT(BPF_LDX | BPF_MEM, 3), /* X = a */
		STATEMENT(BPF_ALU | BPF_MUL | BPF_K, 7),
		STATEMENT(BPF_ALU | BPF_ADD | BPF_X, 0), /* 8a */
		STATEMENT(BPF_ALU | BPF_RSH | BPF_K, 2),
		STATEMENT(BPF_ALU | BPF_SUB | BPF_X, 0), /* a */
		STATEMENT(BPF_ALU | BPF_NEG, 0),
		STATEMENT(BPF_ALU | BPF_XOR | BPF_K, 0xffffffff), /* a - 1 */
		STATEMENT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		STATEMENT(BPF_ALU | BPF_OR | BPF_K, 0x100),
		STATEMENT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		STATEMENT(BPF_RET | BPF_A, 0),
	};

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_lseek, -1, 5l, 0) < 0 && errno == (4 | 0x100));
	need(syscall(SYS_lseek, -1, 0x80l, 0) < 0 && errno == (0x7f | 0x100));
}

static void untraced(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_TRACE | 3);

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_getppid) < 0 && errno == ENOSYS);
}

#define OPTION_SECCOMP 0x80
#define EVENT_SECCOMP  7

static void traced_calls(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_TRACE | 33);

	need(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0);
	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_getppid) == getpid());
	need(syscall(SYS_getppid) == 55);
	need(syscall(SYS_getppid) > 0);
	_exit(0);
}

/* The next stop is the filter's; its tracer makes another call of it: `number`, with `result` if it is
 * none. */
static void change_call(pid_t pid, long number, long result)
{
	struct user_regs_struct regs;
	unsigned long message = 0;
	int status;

	need(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid);
	need(WIFSTOPPED(status) && status >> 8 == (SIGTRAP | EVENT_SECCOMP << 8));
	need(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0 && message == 33);
	need(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0 && regs.orig_rax == SYS_getppid);
	regs.orig_rax = (unsigned long)number;
	if (number < 0)
		regs.rax = (unsigned long)result;
	need(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0);
}

static void traced(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		traced_calls();
	need(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	need(ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTION_SECCOMP) == 0);
	change_call(pid, SYS_getpid, 0);
	change_call(pid, -1, 55);
	change_call(pid, SYS_getppid, 0);
	need(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void logged(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_LOG);

	need(no_new_privileges() == 0 &&
	     ADD_FILTER(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, code) == 0);
	need(syscall(SYS_getppid) > 0);
}

static void strictest(void)
{
	insn log[] = ANSWER(SYS_getppid, SECCOMP_RET_LOG),
	     first[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | 1);
	insn second[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | 2),
	     trace[] = ANSWER(SYS_getppid, SECCOMP_RET_TRACE);

	need(no_new_privileges() == 0 && ADD_FILTER(0, first) == 0 && ADD_FILTER(0, second) == 0);
	need(ADD_FILTER(0, log) == 0 && ADD_FILTER(0, trace) == 0);
	need(syscall(SYS_getppid) < 0 && errno == 2); /* of two of a kind the newer */
}

/* A number that no system has is looked at like any other. */
static void unknown_number(void)
{
	insn code[] = ANSWER(12345, SECCOMP_RET_ERRNO | ENOTTY);

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(12345) < 0 && errno == ENOTTY);
	need(syscall(12346) < 0 && errno == ENOSYS);
}

static void calls(void)
{
	tap(passes(by_number), "errors by number, at most 4095");
	tap(passes(by_arguments), "by all 64 bits of arguments");
	tap(passes(by_place), "by where the call is");
	tap(passes(by_arithmetic), "by what was computed");
	tap(passes(untraced), "nobody traces: no such call");
	tap(passes(traced), "a tracer sees the call and may make another one of it");
	tap(passes(logged), "logged calls are made");
	tap(passes(strictest), "of all filters the strictest answer counts");
	tap(passes(unknown_number), "unknown numbers, too");
}

/* --- killing and trapping ------------------------------------------------------------------------------- */

static uint32_t deadly_answer;

static void *call_once(void *arg)
{
	insn code[] = ANSWER(SYS_getppid, deadly_answer);

	atomic_store(&victim, (pid_t)syscall(SYS_gettid));
	if (ADD_FILTER(0, code) == 0)
		(void)syscall(SYS_getppid);
	atomic_store((atomic_bool *)arg, true); /* not reached */
	return NULL;
}

/* Leaves with 1 if the thread went on, 0 if it alone ended. */
static void killed_thread(void)
{
	atomic_bool went_on = false;
	pthread_t t;

	need(no_new_privileges() == 0 && pthread_create(&t, NULL, call_once, &went_on) == 0);
	wait_until_gone();
	need(!went_on);
}

static void killed_alone(void)
{
	atomic_bool went_on = false;

	signal(SIGSYS, SIG_IGN); /* which does not matter */
	need(no_new_privileges() == 0);
	call_once(&went_on);
}

static bool dies_of_sigsys(void (*body)(void), uint32_t answer)
{
	int status;

	deadly_answer = answer;
	status = status_of(body);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static siginfo_t trapped;
static long trapped_rax;
static uintptr_t trapped_at;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	trapped = *info;
	trapped_rax = uc->uc_mcontext.gregs[REG_RAX];
	trapped_at = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	uc->uc_mcontext.gregs[REG_RAX] = uc->uc_mcontext.gregs[REG_RDI] + 1;
}

static void trap_call(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_TRAP | 77);
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	const struct {
		int32_t signo, error, code, pad;
		uint64_t addr;
		int32_t number;
		uint32_t arch;
	} *info = (void *)&trapped;

	need(sigaction(SIGSYS, &action, NULL) == 0 && no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(syscall(SYS_getppid, 41) == 42);
	need(info->signo == SIGSYS && info->error == 77 && info->code == SYS_SECCOMP);
	need(info->number == SYS_getppid && info->arch == ARCH_HERE && info->addr == trapped_at);
	need(trapped_rax == SYS_getppid);
}

static void trap_blocked(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_TRAP);
	sigset_t set;

	signal(SIGSYS, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	(void)syscall(SYS_getppid);
}

static void killing(void)
{
	tap(dies_of_sigsys(killed_alone, SECCOMP_RET_KILL_THREAD),
	    "a killed only thread is a killed process");
	tap(dies_of_sigsys(killed_alone, SECCOMP_RET_KILL_PROCESS), "a killed process");
	deadly_answer = SECCOMP_RET_KILL_THREAD;
	tap(passes(killed_thread), "a killed thread leaves the others");
	tap(dies_of_sigsys(killed_thread, SECCOMP_RET_KILL_PROCESS),
	    "a process is killed by any of its threads");
	tap(dies_of_sigsys(killed_thread, 0x12340000), "and by what is no answer");
	tap(passes(trap_call), "SIGSYS says which call it was, and the handler gives the result");
	tap(dies_of_sigsys(trap_blocked, 0), "SIGSYS can not be blocked or ignored");
}

/* --- who has it ----------------------------------------------------------------------------------------- */

static bool denied(void)
{
	return syscall(SYS_getppid) < 0 && errno == ENOTTY;
}

static void *is_denied(void *arg)
{
	*(bool *)arg = denied();
	return NULL;
}

static void inherited(void)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY);
	bool in_thread = false;
	pthread_t t;
	int status;
	pid_t pid;

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	need(pthread_create(&t, NULL, is_denied, &in_thread) == 0 && pthread_join(t, NULL) == 0 && in_thread);
	pid = fork();
	if (pid == 0)
		_exit(denied() && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
	pid = vfork();
	if (pid == 0) {
		execl("/proc/self/exe", "seccomp", "denied", NULL);
		_exit(2);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static atomic_int stage;
static pthread_barrier_t barrier;

/* Has filters of its own, or none, and tells what it finds when the main thread has spread its own. */
static void *other_thread(void *arg)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };
	bool own = *(bool *)arg;

	*(bool *)arg = false;
	if (own && ADD_FILTER(0, code) != 0)
		return NULL;
	atomic_store(&stage, (int)syscall(SYS_gettid));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	*(bool *)arg = denied() && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
	return NULL;
}

static void spread(bool own, unsigned flags, long expect, int expect_errno)
{
	insn code[] = ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY);
	bool result = own;
	pthread_t t;
	long got;

	need(no_new_privileges() == 0 && pthread_barrier_init(&barrier, NULL, 2) == 0);
	need(pthread_create(&t, NULL, other_thread, &result) == 0);
	pthread_barrier_wait(&barrier);
	got = ADD_FILTER(flags, code);
	need(got == (expect > 0 ? atomic_load(&stage) : expect) && (got >= 0 || errno == expect_errno));
	need(denied() == (got == 0));
	pthread_barrier_wait(&barrier);
	need(pthread_join(t, NULL) == 0 && result == (got == 0 && (flags & SECCOMP_FILTER_FLAG_TSYNC)));
}

static void not_spread(void)
{
	spread(false, 0, 0, 0);
}

static void spread_to_all(void)
{
	spread(false, SECCOMP_FILTER_FLAG_TSYNC, 0, 0);
}

static void not_spread_to_strangers(void)
{
	spread(true, SECCOMP_FILTER_FLAG_TSYNC, 1, 0);
}

static void no_stranger_is_named(void)
{
	spread(true, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, -1, ESRCH);
}

/* Who has the beginning of the chain gets the rest. */
static void spread_to_followers(void)
{
	insn code[] = { RETURN(SECCOMP_RET_ALLOW) };

	need(no_new_privileges() == 0 && ADD_FILTER(0, code) == 0);
	spread(false, SECCOMP_FILTER_FLAG_TSYNC, 0, 0);
}

static void owners(void)
{
	tap(passes(inherited), "inherited by threads and processes, kept by exec");
	tap(passes(not_spread), "a filter is its thread's");
	tap(passes(spread_to_all), "TSYNC: all threads have it");
	tap(passes(spread_to_followers), "and those that have the beginning of the chain");
	tap(passes(not_spread_to_strangers), "a thread with other filters is named, and nobody has it");
	tap(passes(no_stranger_is_named), "or not named");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "denied") == 0)
		return denied() ? 0 : 1;
	strict_mode();
	tap(passes(without_privilege), "filters want no_new_privs or privilege");
	tap(passes(bad_programs), "programs that are refused");
	tap(passes(long_chains), "a chain has an end");
	tap(passes(what_there_is), "actions and sizes");
	tap(passes(shown_in_proc), "shown in /proc");
	calls();
	killing();
	owners();
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of system calls, strict mode, and calls that go back to the program. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../include/serix/seccomp.h"
#include "calls.h"

#define PR_DISPATCH 59

typedef struct abi_bpf_instruction insn;

static long seccomp(unsigned op, unsigned flags, const void *arg)
{
	return syscall(SYS_seccomp, op, flags, arg);
}

static long add(unsigned flags, const insn *code, size_t length)
{
	struct abi_bpf_program program = { .length = (uint16_t)length, .instructions = (uintptr_t)code };

	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* For getppid and an argument of 5 `first`, for any other of its arguments `second`. */
static long answer(unsigned flags, uint32_t first, uint32_t second)
{
	const insn code[] = {
		{ BPF_LD | BPF_ABS, 0, 0, offsetof(struct abi_seccomp_data, number) },
		{ BPF_JMP | BPF_JEQ, 1, 0, SYS_getppid },
		{ BPF_RET, 0, 0, SECCOMP_RET_ALLOW },
		{ BPF_LD | BPF_ABS, 0, 0, offsetof(struct abi_seccomp_data, args[0]) },
		{ BPF_JMP | BPF_JEQ, 0, 1, 5 },
		{ BPF_RET, 0, 0, first },
		{ BPF_RET, 0, 0, second },
	};

	return add(flags, code, 7);
}

static long one(uint16_t code, uint32_t k)
{
	const insn program[] = { { code, 0, 0, k }, { BPF_RET, 0, 0, SECCOMP_RET_ALLOW } };

	return add(0, program, 2);
}

static void makes_filters(void)
{
	const insn allow = { BPF_RET, 0, 0, SECCOMP_RET_ALLOW };
	const uint32_t actions[] = { 0x80000000, 0,          0x30000,    0x50000, 0x7fc00000,
				     0x7ff00000, 0x7ffc0000, 0x7fff0000, 0x60000 };

	RESULT(prctl(PR_GET_SECCOMP));
	RESULT(add(0, &allow, 1));
	RESULT(add(0, &allow, 0));
	RESULT(add(1u << 12, &allow, 1));
	RESULT(add(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, &allow, 1));
	RESULT(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL));
	RESULT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
	RESULT(prctl(PR_SET_SECCOMP, 0, NULL));
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	for (uint32_t taken = 0; taken < 256; taken++) {
		if (one((uint16_t)taken, (taken & 7) == BPF_RET ? SECCOMP_RET_ALLOW : 4) == 0)
			VALUE(taken);
	}
	RESULT(one(BPF_LD | BPF_ABS, 60));
	RESULT(one(BPF_LD | BPF_ABS, 61));
	RESULT(one(BPF_LD | BPF_ABS, 64));
	RESULT(one(BPF_ALU | BPF_LSH, 31));
	RESULT(one(BPF_ALU | BPF_LSH, 32));
	RESULT(one(BPF_ALU | BPF_DIV, 0));
	RESULT(one(BPF_JMP | BPF_JA, 0));
	RESULT(one(BPF_JMP | BPF_JA, 1));
	RESULT(one(BPF_ST, 15));
	RESULT(one(BPF_ST, 16));
	RESULT(prctl(PR_GET_SECCOMP));
	RESULT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		RESULT(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
	RESULT(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, actions));
	RESULT(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, NULL));
	RESULT(seccomp(4, 0, NULL));
}

static void test_programs(void)
{
	as_user(1000, "by a user", makes_filters);
}

static void errors(void)
{
	RESULT(answer(0, SECCOMP_RET_ERRNO | E2BIG, SECCOMP_RET_ERRNO));
	RESULT(syscall(SYS_getppid, 5));
	RESULT(syscall(SYS_getppid, 6));
	RESULT(answer(0, SECCOMP_RET_TRACE, SECCOMP_RET_USER_NOTIF));
	RESULT(syscall(SYS_getppid, 5));
	RESULT(syscall(SYS_getppid, 6));
}

static void absent(void)
{
	RESULT(answer(SECCOMP_FILTER_FLAG_LOG, SECCOMP_RET_TRACE, SECCOMP_RET_USER_NOTIF));
	RESULT(syscall(SYS_getppid, 5));
	RESULT(syscall(SYS_getppid, 6));
}

static void killed(void)
{
	answer(0, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD);
	syscall(SYS_getppid, 5);
}

static void killed_thread(void)
{
	answer(0, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD);
	syscall(SYS_getppid, 6);
}

static void trapped(void)
{
	answer(0, SECCOMP_RET_TRAP, SECCOMP_RET_ALLOW);
	SUCCEEDS(syscall(SYS_getppid, 6));
	syscall(SYS_getppid, 5);
}

static void no_action(void)
{
	answer(0, 0x60000, SECCOMP_RET_ALLOW);
	syscall(SYS_getppid, 5);
}

static void strict(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_exit, 3);
}

static void not_strict_enough(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	_exit(3); /* is exit_group */
}

static void test_answers(void)
{
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	in_child("errors", errors);
	in_child("nobody to ask", absent);
	in_child("killed process", killed);
	in_child("killed thread", killed_thread);
	in_child("trapped", trapped);
	in_child("no such action", no_action);
	in_child("strict mode", strict);
	in_child("exit_group in strict mode", not_strict_enough);
}

static volatile uint8_t selector;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	(void)context;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	RESULT(signo);
	RESULT(info->si_code);
	RESULT(info->si_errno);
}

static void dispatched(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	RESULT(prctl(PR_DISPATCH, 1, 0, 0, &selector));
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	RESULT(syscall(SYS_getppid));
	RESULT(prctl(PR_DISPATCH, 0, 0, 0, 0));
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	SUCCEEDS(syscall(SYS_getppid));
}

static void bad_selector(void)
{
	prctl(PR_DISPATCH, 1, 0, 0, &selector);
	selector = 7;
	getpid();
	syscall(SYS_getppid);
}

static void no_selector(void)
{
	prctl(PR_DISPATCH, 1, 0, 0, nowhere());
	syscall(SYS_getppid);
}

static void test_dispatch(void)
{
	RESULT(prctl(PR_DISPATCH, 2, 0, 0, 0));
	RESULT(prctl(PR_DISPATCH, 0, 1, 0, 0));
	RESULT(prctl(PR_DISPATCH, 0, 0, 1, 0));
	RESULT(prctl(PR_DISPATCH, 1, 1, 0, 0));
	RESULT(prctl(PR_DISPATCH, 1, 1, -1L, 0));
	RESULT(prctl(PR_DISPATCH, 1, 0, 0, -1L));
	in_child("dispatched", dispatched);
	in_child("bad selector", bad_selector);
	in_child("no selector", no_selector);
}

static const struct calls table[] = {
	{ "seccomp prctl", test_programs },
	{ "seccomp prctl", test_answers },
	{ "prctl", test_dispatch },
};

CALLS_MAIN(table)

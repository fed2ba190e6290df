/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2), request by request: what each is refused for, what it tells, and what stops. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reg.h>
#include <sys/syscall.h>

#include "../../user/tests/ptrace.h"
#include "calls.h"

static pid_t pid; /* the tracee */

/* What the tracee did, as its tracer hears of it. */
static void hear_of(const char *what, pid_t who)
{
	char text[64];
	int status = -1;

	if (waitpid(who, &status, __WALL) != who)
		snprintf(text, sizeof(text), "nothing");
	else if (WIFSTOPPED(status))
		snprintf(text, sizeof(text), "signal %d, event %d", WSTOPSIG(status), status >> 16);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "killed by %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	calls_text(what, text, strlen(text));
}
#define STOP() hear_of("the tracee", pid)

#define TRACE(request, addr, data) RESULT(trace(request, pid, (uintptr_t)(addr), (uintptr_t)(data)))

static void tell_siginfo(void)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	if (TRACE(PTRACE_GETSIGINFO, 0, &info) < 0)
		return;
	VALUE(info.si_signo);
	VALUE(info.si_code);
	VALUE(info.si_errno);
}

static void tell_message(pid_t child)
{
	unsigned long message = 0;

	TRACE(PTRACE_GETEVENTMSG, 0, &message);
	if (child)
		VALUE(message == (unsigned long)child);
	else
		VALUE(message);
}

/* --- who may --- */

static void as_stranger(void)
{
	TRACE(PTRACE_ATTACH, 0, 0);
	TRACE(PTRACE_SEIZE, 0, 0);
	TRACE(PTRACE_CONT, 0, 0);
}

static void test_attach(void)
{
	int status;

	RESULT(trace(PTRACE_ATTACH, getpid(), 0, 0));
	RESULT(trace(PTRACE_SEIZE, getpid(), 0, 0));
	RESULT(trace(PTRACE_ATTACH, 0, 0, 0));
	RESULT(trace(PTRACE_ATTACH, -1, 0, 0));
	RESULT(trace(PTRACE_ATTACH, 0x7ffffff, 0, 0));
	RESULT(trace(PTRACE_CONT, 0x7ffffff, 0, 0));
	RESULT(trace(PTRACE_CONT, getpid(), 0, 0));
	RESULT(trace(12345, 0x7ffffff, 0, 0));
	pid = sleeper();
	as_user(1000, "another user", as_stranger);
	TRACE(12345, 0, 0);
	TRACE(PTRACE_SEIZE, 1, 0);
	TRACE(PTRACE_SEIZE, 0, 1u << 30);
	TRACE(PTRACE_ATTACH, 0, 0);
	STOP();
	TRACE(PTRACE_ATTACH, 0, 0);
	TRACE(PTRACE_SEIZE, 0, 0);
	RESULT(waitpid(pid, &status, WNOHANG | __WALL));
	tell_siginfo();
	TRACE(PTRACE_DETACH, 0, 65);
	TRACE(PTRACE_DETACH, 0, -1);
	TRACE(PTRACE_DETACH, 0, 0);
	TRACE(PTRACE_DETACH, 0, 0);
	TRACE(PTRACE_SEIZE, 0, 0);
	TRACE(PTRACE_DETACH, 0, 0);
	TRACE(PTRACE_INTERRUPT, 0, 0);
	STOP();
	TRACE(PTRACE_DETACH, 0, SIGTERM); /* which is for stops by a signal only */
	kill(pid, SIGKILL);
	STOP();
}

static void ask_twice(void)
{
	RESULT(trace(PTRACE_TRACEME, 0, 0, 0));
	RESULT(trace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGTERM);
}

static void test_traceme(void)
{
	pid = fork();
	if (pid == 0) {
		ask_twice();
		_exit(9);
	}
	STOP();
	tell_siginfo();
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	TRACE(PTRACE_CONT, 0, 0);
}

/* --- requests of one that is not there for them --- */

static const struct {
	const char *name;
	long request;
} requests[] = {
	{ "PEEKTEXT", 1 },
	{ "PEEKDATA", 2 },
	{ "PEEKUSER", 3 },
	{ "POKETEXT", 4 },
	{ "POKEDATA", 5 },
	{ "POKEUSER", 6 },
	{ "CONT", 7 },
	{ "SINGLESTEP", 9 },
	{ "GETREGS", 12 },
	{ "SETREGS", 13 },
	{ "GETFPREGS", 14 },
	{ "SETFPREGS", 15 },
	{ "DETACH", 17 },
	{ "SYSCALL", 24 },
	{ "SYSEMU", 31 },
	{ "SETOPTIONS", 0x4200 },
	{ "GETEVENTMSG", 0x4201 },
	{ "GETSIGINFO", 0x4202 },
	{ "SETSIGINFO", 0x4203 },
	{ "GETREGSET", 0x4204 },
	{ "SETREGSET", 0x4205 },
	{ "LISTEN", 0x4208 },
	{ "PEEKSIGINFO", 0x4209 },
	{ "GETSIGMASK", 0x420a },
	{ "SETSIGMASK", 0x420b },
	{ "GET_SYSCALL_INFO", 0x420e },
	{ "nonsense", 0x4299 },
};

static void ask_all(const char *when, uintptr_t data)
{
	char what[64];

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		snprintf(what, sizeof(what), "%s of one that %s", requests[i].name, when);
		errno = 0;
		calls_result(what, trace(requests[i].request, pid, 0, data));
	}
}

static void test_untraced(void)
{
	pid = sleeper();
	ask_all("nobody traces", 0);
	TRACE(PTRACE_SEIZE, 0, 0);
	ask_all("runs", 0);
	TRACE(PTRACE_INTERRUPT, 0, 0);
	STOP();
	kill_and_reap(pid);
	ask_all("is dead", 0);
}

static void test_wild(void)
{
	static const long taking[] = { 1, 2, 3, 12, 13, 14, 15, 0x4201, 0x4202, 0x4203 };
	struct iovec iov = { nowhere(), 4096 };
	char what[64];

	pid = tracee(nothing);
	for (size_t i = 0; i < sizeof(taking) / sizeof(taking[0]); i++) {
		snprintf(what, sizeof(what), "request %lx with an address that is none", taking[i]);
		errno = 0;
		calls_result(what, trace(taking[i], pid, 0, (uintptr_t)nowhere()));
	}
	TRACE(PTRACE_GETREGSET, NT_PRSTATUS, nowhere());
	TRACE(PTRACE_GETREGSET, NT_PRSTATUS, &iov);
	TRACE(PTRACE_SETREGSET, NT_PRSTATUS, &iov);
	TRACE(PTRACE_GETREGSET, NT_X86_XSTATE, &iov);
	TRACE(PTRACE_SETREGSET, NT_X86_XSTATE, &iov);
	TRACE(0x420a, 8, nowhere());
	TRACE(0x420b, 8, nowhere());
	TRACE(0x4209, nowhere(), nowhere());
	TRACE(0x420e, 88, nowhere());
	TRACE(PTRACE_CONT, 0, 65);
	TRACE(PTRACE_SYSCALL, 0, -1);
	TRACE(PTRACE_SINGLESTEP, 0, 1000);
	TRACE(PTRACE_INTERRUPT, 0, 0);
	TRACE(PTRACE_LISTEN, 0, 0);
	TRACE(12345, 0, 0);
	kill_and_reap(pid);
}

/* --- memory and registers --- */

static volatile long word = 0x1122334455667788;

static void test_memory(void)
{
	uintptr_t value = 0;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	pid = tracee(nothing);
	TRACE(PTRACE_PEEKDATA, &word, &value);
	VALUE(value == 0x1122334455667788);
	TRACE(PTRACE_PEEKTEXT, (uintptr_t)&word + 3, &value);
	VALUE((value & 0xffffffffff) == 0x1122334455);
	TRACE(PTRACE_PEEKDATA, page + 4088, &value);
	TRACE(PTRACE_PEEKDATA, page + 4090, &value);
	TRACE(PTRACE_POKEDATA, page + 4090, 1);
	TRACE(PTRACE_PEEKDATA, 0, &value);
	TRACE(PTRACE_PEEKDATA, -8ul, &value);
	TRACE(PTRACE_PEEKDATA, 1ul << 47, &value);
	TRACE(PTRACE_POKEDATA, 0, 0);
	TRACE(PTRACE_POKEDATA, -8ul, 0);
	TRACE(PTRACE_POKEDATA, &word, 42);
	VALUE(word == 42);
	TRACE(PTRACE_PEEKDATA, &word, &value);
	VALUE(value);
	TRACE(PTRACE_POKETEXT, (uintptr_t)nothing & ~7ul, -1);
	TRACE(PTRACE_PEEKDATA, shared, &value);
	TRACE(PTRACE_POKEDATA, shared, 1);
	VALUE(*shared);
	kill_and_reap(pid);
}

static void poke_user(const char *what, size_t at, uintptr_t value)
{
	char text[64];
	uintptr_t now = 0;

	errno = 0;
	snprintf(text, sizeof(text), "%s := %#lx", what, (unsigned long)value);
	calls_result(text, trace(PTRACE_POKEUSER, pid, at, value));
	trace(PTRACE_PEEKUSER, pid, at, (uintptr_t)&now);
	VALUE(now == value);
}

static void test_user_area(void)
{
	/* Those of rings that are not a program's; which others there are is the system's affair. */
	static const uintptr_t selectors[] = { 0x10, 0x18, 0x21, 0x22 };
	static const struct {
		const char *name;
		size_t at;
	} segments[] = {
		{ "cs", CS * 8 }, { "ss", SS * 8 }, { "ds", DS * 8 }, { "es", ES * 8 }, { "fs", FS * 8 }
	};
	static const size_t places[] = { 0,   1,   4,   26 * 8, 27 * 8, 27 * 8 + 4, 600,
					 840, 904, 911, 912,    920,    928,        1000 };
	uintptr_t value = 0;
	char what[64];

	pid = tracee(nothing);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(what, sizeof(what), "PEEKUSER at %zu", places[i]);
		errno = 0;
		calls_result(what, trace(PTRACE_PEEKUSER, pid, places[i], (uintptr_t)&value));
	}
	TRACE(PTRACE_PEEKUSER, -8ul, &value);
	TRACE(PTRACE_POKEUSER, -8ul, 0);
	TRACE(PTRACE_POKEUSER, 3, 0);
	TRACE(PTRACE_POKEUSER, 600, 0);
	for (size_t s = 0; s < sizeof(segments) / sizeof(segments[0]); s++)
		for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
			poke_user(segments[s].name, segments[s].at, selectors[i]);
	poke_user("fs_base", FS_BASE * 8, 0x1000);
	poke_user("fs_base", FS_BASE * 8, -1ul);
	poke_user("gs_base", GS_BASE * 8, 0x1000);
	poke_user("gs_base", GS_BASE * 8, 1ul << 63);
	poke_user("rip", RIP * 8, -1ul);
	poke_user("rsp", RSP * 8, 1ul << 63);
	for (unsigned bit = 0; bit < 22; bit++)
		poke_user("eflags", EFLAGS * 8, 0x202ul ^ 1ul << bit);
	poke_user("eflags", EFLAGS * 8, -1ul);
	kill_and_reap(pid);
}

#define DEBUGREG(n) (offsetof(struct user, u_debugreg) + (n)*8)

static void test_debug_registers(void)
{
	static const uintptr_t controls[] = { 0,           1,           2,           3,           0x10000 | 1,
					      0x20000 | 1, 0x30000 | 1, 0x40000 | 1, 0xd0000 | 1, 0x90000 | 1,
					      0x80000 | 1, 0xf0000 | 1, 0x400,       0x100,       0x2000,
					      0xff,        1ul << 32 };

	pid = tracee(nothing);
	poke_user("dr0", DEBUGREG(0), (uintptr_t)&word);
	poke_user("dr1", DEBUGREG(1), 0xffff800000000000);
	poke_user("dr3", DEBUGREG(3), 0);
	poke_user("dr4", DEBUGREG(4), 1);
	poke_user("dr5", DEBUGREG(5), 1);
	poke_user("dr6", DEBUGREG(6), 1);
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		poke_user("dr7", DEBUGREG(7), controls[i]);
	poke_user("dr0", DEBUGREG(0), (uintptr_t)&word + 1);
	poke_user("dr7", DEBUGREG(7), 0x50001);
	kill_and_reap(pid);
}

static void test_register_sets(void)
{
	static const uint32_t types[] = {
		0, NT_PRSTATUS, NT_PRFPREG, 3, NT_X86_XSTATE, 0x203, 0x46e62b7f, -1u
	};
	static const size_t sizes[] = { 0, 7, 8, 12, 216, 4096 };
	static char area[8192];
	struct user_regs_struct regs;
	char what[64];

	pid = tracee(nothing);
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct iovec iov = { area, sizes[s] };

			snprintf(what, sizeof(what), "GETREGSET %x of %zu bytes", types[t], sizes[s]);
			errno = 0;
			calls_result(what, trace(PTRACE_GETREGSET, pid, types[t], (uintptr_t)&iov));
			if (types[t] != NT_X86_XSTATE || sizes[s] < 4096)
				VALUE(iov.iov_len);
			if (types[t] == NT_X86_XSTATE)
				continue;
			snprintf(what, sizeof(what), "SETREGSET %x of %zu bytes", types[t], iov.iov_len);
			errno = 0;
			calls_result(what, trace(PTRACE_SETREGSET, pid, types[t], (uintptr_t)&iov));
		}
	}
	TRACE(PTRACE_GETREGS, 0, &regs);
	VALUE(regs.cs);
	VALUE(regs.ss);
	VALUE(regs.ds);
	VALUE(regs.es);
	VALUE(regs.fs);
	VALUE(regs.gs);
	VALUE(regs.fs_base != 0);
	VALUE(regs.gs_base);
	VALUE(regs.orig_rax);
	VALUE(regs.rax);
	regs.cs = 0x10;
	TRACE(PTRACE_SETREGS, 0, &regs);
	regs.cs = 0x33;
	regs.fs_base = 1ul << 63;
	TRACE(PTRACE_SETREGS, 0, &regs);
	kill_and_reap(pid);
}

/* --- options, masks, queues --- */

static void test_options(void)
{
	char what[64];

	pid = tracee(nothing);
	for (unsigned bit = 0; bit < 32; bit++) {
		if (bit == 21) /* PTRACE_O_SUSPEND_SECCOMP is for checkpoints */
			continue;
		snprintf(what, sizeof(what), "SETOPTIONS 1 << %u", bit);
		errno = 0;
		calls_result(what, trace(PTRACE_SETOPTIONS, pid, 0, 1u << bit));
	}
	TRACE(PTRACE_SETOPTIONS, 0, 1ul << 32);
	TRACE(PTRACE_SETOPTIONS, 7, 0);
	kill_and_reap(pid);
}

static void queue_some(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR2);
	raise(SIGTERM);
	__asm__ volatile("int3");
}

static void test_signals(void)
{
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} peek = { 0, 0, 8 };
	siginfo_t infos[8];
	uint64_t mask = 0;

	pid = tracee(nothing);
	TRACE(0x420a, 8, &mask);
	VALUE(mask);
	mask = -1ul;
	TRACE(0x420b, 8, &mask);
	TRACE(0x420a, 8, &mask);
	VALUE(mask == (-1ul & ~(1ul << (SIGKILL - 1)) & ~(1ul << (SIGSTOP - 1))));
	TRACE(0x420a, 4, &mask);
	TRACE(0x420b, 16, &mask);
	TRACE(0x4209, &peek, infos);
	peek.flags = 2;
	TRACE(0x4209, &peek, infos);
	peek.flags = 1;
	TRACE(0x4209, &peek, infos);
	peek = (typeof(peek)){ 0, 0, -1 };
	TRACE(0x4209, &peek, infos);
	kill_and_reap(pid);

	pid = tracee(queue_some);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	peek = (typeof(peek)){ 0, 0, 8 };
	TRACE(0x4209, &peek, infos);
	VALUE(infos[0].si_signo);
	VALUE(infos[1].si_signo);
	peek = (typeof(peek)){ 1, 0, 8 };
	TRACE(0x4209, &peek, infos);
	VALUE(infos[0].si_signo);
	peek = (typeof(peek)){ 0, 1, 8 };
	TRACE(0x4209, &peek, infos);
	VALUE(infos[0].si_signo);
	peek = (typeof(peek)){ 5, 1, 8 };
	TRACE(0x4209, &peek, infos);
	peek = (typeof(peek)){ 0, 0, 0 };
	TRACE(0x4209, &peek, infos);
	peek = (typeof(peek)){ 0, 0, 8 };
	TRACE(0x4209, &peek, nowhere());
	kill_and_reap(pid);
}

static volatile sig_atomic_t handled, handled_code, handled_value;

static void note(int signo, siginfo_t *info, void *context)
{
	(void)context;
	handled = signo;
	handled_code = info->si_code;
	handled_value = info->si_value.sival_int;
}

static void take_usr1(void)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	_exit(handled == 0 ? 1 : handled_code == SI_QUEUE && handled_value == 77 ? 2 : 3);
}

static void test_siginfo(void)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	pid = tracee(take_usr1);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	info.si_value.sival_int = 77;
	TRACE(PTRACE_SETSIGINFO, 0, &info);
	tell_siginfo();
	TRACE(PTRACE_CONT, 0, SIGUSR1);
	STOP();
	pid = tracee(take_usr1);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	TRACE(PTRACE_SETSIGINFO, 0, &info);
	TRACE(PTRACE_CONT, 0, SIGTERM); /* another than its siginfo says */
	STOP();
	pid = tracee(take_usr1);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	pid = tracee(take_usr1);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	TRACE(PTRACE_CONT, 0, SIGKILL);
	STOP();
}

/* --- calls and steps --- */

static void calls_body(void)
{
	syscall(SYS_getppid, 11, 22, 33, 44, 55, 66);
	_exit(3);
}

struct call_info {
	uint8_t op, padding[3];
	uint32_t arch;
	uint64_t ip, sp;
	uint64_t nr, args[6];
	uint64_t spare;
};

static void tell_call(void)
{
	struct call_info info;
	int64_t result;

	memset(&info, 0, sizeof(info));
	TRACE(0x420e, sizeof(info), &info);
	VALUE(info.op);
	VALUE(info.arch);
	VALUE(info.ip != 0);
	VALUE(info.sp != 0);
	if (info.op == 1) {
		VALUE(info.nr);
		VALUE(info.args[0]);
		VALUE(info.nr == SYS_exit_group ? 0 : info.args[5]);
	}
	if (info.op == 2) {
		result = (int64_t)info.nr;
		VALUE(result == getpid());
		VALUE(*(uint8_t *)info.args);
	}
}

static void test_calls(void)
{
	struct user_regs_struct regs;
	struct call_info info;

	pid = tracee(calls_body);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACESYSGOOD);
	tell_call();
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP(); /* the end of the call that raised the signal, whichever it is */
	do {
		trace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, NULL, __WALL);
		trace(PTRACE_GETREGS, pid, 0, (uintptr_t)&regs);
	} while (regs.orig_rax != SYS_getppid);
	tell_siginfo();
	tell_message(0);
	tell_call();
	TRACE(0x420e, 0, &info);
	TRACE(0x420e, 8, &info);
	VALUE((long)regs.rax == -ENOSYS);
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP();
	tell_siginfo();
	tell_message(0);
	tell_call();
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP();
	tell_call();
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP();
}

static void plain_calls(void)
{
	__asm__ volatile("int3; movl $110, %%eax; syscall; nop; nop" : : : "rax", "rcx", "r11", "memory");
}

/* Without TRACESYSGOOD. */
static void test_plain_calls(void)
{
	pid = tracee(plain_calls);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP();
	tell_siginfo();
	tell_call();
	TRACE(PTRACE_SYSCALL, 0, 0);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_SINGLESTEP, 0, 0);
	STOP();
	tell_siginfo();
	tell_call();
	TRACE(PTRACE_SINGLESTEP, 0, SIGUSR1);
	STOP();
}

static volatile uintptr_t sixteen = 16;

static void fault(void)
{
	*(volatile int *)sixteen = 1;
}

static void divide(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" : : : "rax", "rcx", "rdx");
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static void test_faults(void)
{
	static void (*const bodies[])(void) = { fault, divide, undefined, privileged };

	for (unsigned i = 0; i < 4; i++) {
		pid = tracee(bodies[i]);
		TRACE(PTRACE_CONT, 0, 0);
		STOP();
		tell_siginfo();
		TRACE(PTRACE_CONT, 0, i == 0 ? 0 : SIGSEGV);
		STOP();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, __WALL);
	}
}

/* --- events --- */

static void fork_body(void)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0)
		_exit(5);
	waitpid(child, &status, 0);
	_exit(WEXITSTATUS(status));
}

static pid_t message(void)
{
	unsigned long message = 0;

	trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message);
	return (pid_t)message;
}

static void test_fork(void)
{
	pid_t child;

	pid = tracee(fork_body);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	child = message();
	VALUE(child > 0 && child != pid);
	hear_of("the child", child);
	TRACE(PTRACE_CONT, 0, 0);
	RESULT(trace(PTRACE_CONT, child, 0, 0));
	hear_of("the child", child);
	RESULT(trace(PTRACE_CONT, child, 0, 0));
	hear_of("the child", child);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_CONT, 0, SIGCHLD);
	STOP();
	tell_siginfo();
	tell_message(0);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
}

static void vfork_body(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(5);
}

static void test_vfork(void)
{
	pid_t child;

	pid = tracee(vfork_body);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEVFORKDONE);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	child = message();
	VALUE(child > 0 && child != pid);
	kill_and_reap(pid);
}

static void exec_body(void)
{
	char *argv[] = { "sh", "-c", "exit 6", NULL };

	execv("/bin/sh", argv);
	_exit(98);
}

static void test_exec(void)
{
	pid = tracee(exec_body);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXEC);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	tell_message(pid);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	pid = tracee(exec_body);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
}

static void exit_body(void)
{
	_exit(12);
}

static void test_exit(void)
{
	pid = tracee(exit_body);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXIT);
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	tell_message(0);
	TRACE(PTRACE_CONT, 0, SIGTERM);
	STOP();
	pid = tracee(sleep_for_ever);
	TRACE(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXIT);
	TRACE(PTRACE_CONT, 0, 0);
	kill(pid, SIGTERM);
	STOP();
	TRACE(PTRACE_CONT, 0, SIGTERM);
	STOP();
	tell_message(0);
	TRACE(PTRACE_DETACH, 0, 0);
	STOP();
	pid = tracee(sleep_for_ever);
	TRACE(PTRACE_KILL, 0, 0);
	STOP();
	TRACE(PTRACE_KILL, 0, 0);
}

/* --- job control --- */

static void test_stops(void)
{
	int status;

	pid = sleeper();
	TRACE(PTRACE_SEIZE, 0, 0);
	TRACE(PTRACE_LISTEN, 0, 0);
	TRACE(PTRACE_INTERRUPT, 0, 0);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_LISTEN, 0, 0);
	TRACE(PTRACE_INTERRUPT, 0, 0);
	STOP();
	TRACE(PTRACE_CONT, 0, 0);
	kill(pid, SIGSTOP);
	STOP();
	tell_siginfo();
	TRACE(PTRACE_LISTEN, 0, 0);
	TRACE(PTRACE_CONT, 0, SIGSTOP);
	STOP();
	TRACE(PTRACE_GETSIGINFO, 0, &(siginfo_t){ 0 });
	TRACE(PTRACE_LISTEN, 0, 0);
	TRACE(PTRACE_CONT, 0, 0);
	RESULT(waitpid(pid, &status, WNOHANG | __WALL));
	kill(pid, SIGCONT);
	STOP();
	TRACE(PTRACE_CONT, 0, 0);
	STOP();
	TRACE(PTRACE_CONT, 0, SIGCONT);
	kill(pid, SIGKILL);
	STOP();
}

static void trap_here(void)
{
	__asm__ volatile("int3");
}

static void test_waits(void)
{
	siginfo_t info = { 0 };
	int status;

	pid = tracee(trap_here);
	RESULT(waitpid(pid, &status, WNOHANG));
	RESULT(waitpid(pid, &status, WNOHANG | __WCLONE));
	TRACE(PTRACE_CONT, 0, 0);
	RESULT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	VALUE(info.si_code);
	VALUE(info.si_status);
	VALUE(info.si_signo);
	RESULT(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG));
	VALUE(info.si_code);
	info.si_pid = 1;
	RESULT(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG));
	VALUE(info.si_pid);
	kill(pid, SIGKILL);
	RESULT(waitpid(-1, &status, __WALL | __WNOTHREAD) == pid);
	VALUE(status);
	RESULT(waitpid(pid, &status, __WALL));
}

static const struct calls table[] = {
	{ "ptrace", test_attach },
	{ "ptrace", test_traceme },
	{ "ptrace", test_untraced },
	{ "ptrace", test_wild },
	{ "ptrace", test_memory },
	{ "ptrace", test_user_area },
	{ "ptrace", test_debug_registers },
	{ "ptrace", test_register_sets },
	{ "ptrace", test_options },
	{ "ptrace", test_signals },
	{ "ptrace", test_siginfo },
	{ "ptrace", test_calls },
	{ "ptrace", test_plain_calls },
	{ "ptrace", test_faults },
	{ "ptrace", test_fork },
	{ "ptrace", test_vfork },
	{ "ptrace", test_exec },
	{ "ptrace", test_exit },
	{ "ptrace", test_stops },
	{ "ptrace", test_waits },
};

CALLS_MAIN(table)

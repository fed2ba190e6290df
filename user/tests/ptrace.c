/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2): each request, stop and option.  The same program passes on Linux, run as root. */
#define _GNU_SOURCE
#include "ptrace.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reg.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tap.h"

static volatile long word = 0x1122334455667788;

static bool status_says(pid_t pid, const char *line)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, line) != NULL;
}

static void get_regs(pid_t pid, struct user_regs_struct *regs)
{
	need(trace(PTRACE_GETREGS, pid, 0, (uintptr_t)regs) == 0);
}

static void set_regs(pid_t pid, const struct user_regs_struct *regs)
{
	need(trace(PTRACE_SETREGS, pid, 0, (uintptr_t)regs) == 0);
}

static void expect_exit(pid_t pid, int code)
{
	int status = wait_for(pid);

	need(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

/* --- beginning and ending --- */

static void traceme(void)
{
	pid_t pid = tracee(nothing);
	char line[32];

	snprintf(line, sizeof(line), "TracerPid:\t%d\n", getpid());
	need(status_says(pid, line) && status_says(pid, "State:\tt (tracing stop)\n"));
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 0);
	need(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
}

static void traceme_twice(void)
{
	if (trace(PTRACE_TRACEME, 0, 0, 0) != 0 || trace(PTRACE_TRACEME, 0, 0, 0) != -1 || errno != EPERM)
		_exit(1);
}

static void attach(void)
{
	pid_t pid = sleeper();

	need(trace(PTRACE_ATTACH, pid, 0, 0) == 0);
	need(STOPPED_BY(wait_for(pid), SIGSTOP));
	need(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	need(trace(PTRACE_DETACH, pid, 0, 65) == -1 && errno == EIO);
	go_on(PTRACE_DETACH, pid, 0);
	need(status_says(pid, "TracerPid:\t0\n"));
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&word) == -1 && errno == ESRCH);
	kill_and_reap(pid);
}

static void refusals(void)
{
	pid_t pid = sleeper();

	need(trace(PTRACE_ATTACH, getpid(), 0, 0) == -1 && errno == EPERM);
	need(trace(PTRACE_ATTACH, 0x7ffffff, 0, 0) == -1 && errno == ESRCH);
	need(trace(PTRACE_SEIZE, pid, 1, 0) == -1 && errno == EIO);
	need(trace(PTRACE_SEIZE, pid, 0, 1u << 30) == -1 && errno == EIO);
	need(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	need(trace(PTRACE_SEIZE, pid, 0, 0) == 0);
	need(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	need(trace(PTRACE_LISTEN, pid, 0, 0) == -1 && errno == ESRCH);
	kill_and_reap(pid);
	pid = tracee(sleep_for_ever);
	need(trace(12345, pid, 0, 0) == -1 && errno == EIO);
	need(trace(PTRACE_INTERRUPT, pid, 0, 0) == -1 && errno == EIO);
	need(trace(PTRACE_LISTEN, pid, 0, 0) == -1 && errno == EIO);
	need(trace(PTRACE_SETOPTIONS, pid, 0, 1u << 30) == -1 && errno == EINVAL);
	need(trace(PTRACE_CONT, pid, 0, 65) == -1 && errno == EIO);
	kill_and_reap(pid);
}

static void tracer_ends(void)
{
	pid_t target = sleeper(), tracer = fork();
	int status;

	if (tracer == 0) {
		need(trace(PTRACE_ATTACH, target, 0, 0) == 0 && STOPPED_BY(wait_for(target), SIGSTOP));
		_exit(0);
	}
	need(waitpid(tracer, &status, 0) == tracer && status == 0);
	need(status_says(target, "TracerPid:\t0\n"));
	while (!status_says(target, "State:\tS"))
		usleep(1000);
	kill_and_reap(target);
}

static void exit_kill(void)
{
	pid_t target = sleeper(), tracer = fork();
	int status;

	if (tracer == 0) {
		need(trace(PTRACE_SEIZE, target, 0, PTRACE_O_EXITKILL) == 0);
		_exit(0);
	}
	need(waitpid(tracer, &status, 0) == tracer && status == 0);
	need(waitpid(target, &status, 0) == target && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The tracer waits first, then the parent. */
static void both_wait(void)
{
	pid_t target = fork(), tracer;
	int status, pipes[2];
	siginfo_t info = { 0 };
	char c;

	if (target == 0) {
		sleep_for_ever();
	}
	need(pipe(pipes) == 0);
	tracer = fork();
	if (tracer == 0) {
		need(trace(PTRACE_SEIZE, target, 0, 0) == 0 && kill(target, SIGKILL) == 0);
		need(waitid(P_PID, (id_t)target, &info, WEXITED | WNOWAIT) == 0);
		need(write(pipes[1], "x", 1) == 1 && usleep(20000) == 0);
		status = wait_for(target);
		need(WIFSIGNALED(status));
		_exit(0);
	}
	need(read(pipes[0], &c, 1) == 1);
	need(waitpid(target, &status, WNOHANG) == 0); /* a zombie, but its tracer's */
	need(waitpid(target, &status, 0) == target && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	need(waitpid(tracer, &status, 0) == tracer && status == 0);
}

/* --- memory and registers --- */

static void memory(void)
{
	pid_t pid = tracee(nothing);
	uintptr_t value = 0, code = (uintptr_t)nothing & ~7ul;

	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&value) == 0 &&
	     value == 0x1122334455667788);
	need(trace(PTRACE_PEEKTEXT, pid, (uintptr_t)&word + 1, (uintptr_t)&value) == 0);
	need((value & 0xffffffffffffff) == 0x11223344556677);
	need(trace(PTRACE_POKEDATA, pid, (uintptr_t)&word, 42) == 0 && word == 0x1122334455667788);
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, (uintptr_t)&value) == 0 && value == 42);
	need(trace(PTRACE_PEEKDATA, pid, 8, (uintptr_t)&value) == -1 && errno == EIO);
	need(trace(PTRACE_POKEDATA, pid, 8, 0) == -1 && errno == EIO);
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&word, 8) == -1 && errno == EFAULT);
	/* Code is nobody's to write, but a tracer may; what others run stays as it is. */
	need(trace(PTRACE_PEEKTEXT, pid, code, (uintptr_t)&value) == 0 && value == *(uintptr_t *)code);
	need(trace(PTRACE_POKETEXT, pid, code, ~value) == 0 && value == *(uintptr_t *)code);
	need(trace(PTRACE_PEEKTEXT, pid, code, (uintptr_t)&value) == 0 && value == ~*(uintptr_t *)code);
	kill_and_reap(pid);
}

static void memory_by_file(void)
{
	pid_t pid = tracee(nothing);
	uintptr_t value = 0, code = (uintptr_t)nothing & ~7ul;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	need(fd >= 0 && pread(fd, &value, 8, (off_t)code) == 8 && value == *(uintptr_t *)code);
	value = ~value;
	need(pwrite(fd, &value, 8, (off_t)code) == 8 && value == ~*(uintptr_t *)code);
	need(pread(fd, &value, 8, (off_t)code) == 8 && value == ~*(uintptr_t *)code);
	kill_and_reap(pid);
}

static char *shared_read_only;

static void shared_stays(void)
{
	pid_t pid;

	shared_read_only = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(shared_read_only != MAP_FAILED);
	pid = tracee(nothing);
	need(trace(PTRACE_POKEDATA, pid, (uintptr_t)shared_read_only, 1) == -1 && errno == EIO);
	need(*shared_read_only == 0);
	kill_and_reap(pid);
}

static void trap_here(void)
{
	__asm__ volatile("movq $0x1234567, %%rbx; movq $-3, %%r15; int3; cmpq $99, %%rbx; je 1f; ud2; 1:"
			 :
			 :
			 : "rbx", "r15", "cc");
}

static void registers(void)
{
	pid_t pid = tracee(trap_here);
	struct user_regs_struct regs, again;
	struct iovec iov = { &again, sizeof(again) };
	uintptr_t value;

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	get_regs(pid, &regs);
	need(regs.rbx == 0x1234567 && regs.r15 == (unsigned long)-3 && regs.orig_rax == (unsigned long)-1);
	need(regs.cs == 0x33 && regs.ss == 0x2b && regs.fs_base != 0);
	need(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov) == 0 && iov.iov_len == 27 * 8);
	need(memcmp(&regs, &again, sizeof(regs)) == 0);
	iov.iov_len = 16;
	need(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov) == 0 && iov.iov_len == 16);
	iov.iov_len = 15;
	need(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov) == -1 && errno == EINVAL);
	need(trace(PTRACE_GETREGSET, pid, 77, (uintptr_t)&iov) == -1 && errno == EINVAL);
	need(trace(PTRACE_PEEKUSER, pid, RIP * 8, (uintptr_t)&value) == 0 && value == regs.rip);
	need(trace(PTRACE_PEEKUSER, pid, 4, (uintptr_t)&value) == -1 && errno == EIO);
	need(trace(PTRACE_PEEKUSER, pid, 928, (uintptr_t)&value) == -1 && errno == EIO);
	regs.rbx = 98;
	set_regs(pid, &regs);
	need(trace(PTRACE_POKEUSER, pid, RBX * 8, 99) == 0);
	need(trace(PTRACE_POKEUSER, pid, CS * 8, 0x10) == -1 && errno == EIO);
	need(trace(PTRACE_POKEUSER, pid, FS_BASE * 8, 1ul << 63) == -1 && errno == EIO);
	get_regs(pid, &again);
	need(again.rbx == 99 && again.cs == 0x33);
	/* Flags that are not a program's to set do not stick. */
	regs = again;
	regs.eflags |= 0x3000 | 1u << 17;
	regs.eflags &= ~0x200ul;
	set_regs(pid, &regs);
	get_regs(pid, &regs);
	need((regs.eflags & 0x23200) == 0x200);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 0);
}

/* A kernel address, or none at all, as the next instruction: the program's fault. */
static void wild_registers(void)
{
	static const uintptr_t wild[] = { 0xffff800000000000, 0x800000000000, 0x7fffffffffff, 0 };

	for (unsigned i = 0; i < 4; i++) {
		pid_t pid = tracee(nothing);

		need(trace(PTRACE_POKEUSER, pid, RIP * 8, wild[i]) == 0);
		need(trace(PTRACE_POKEUSER, pid, ORIG_RAX * 8, (uintptr_t)-1) == 0);
		need(trace(PTRACE_POKEUSER, pid, RSP * 8, wild[i]) == 0);
		go_on(PTRACE_CONT, pid, 0);
		need(STOPPED_BY(wait_for(pid), SIGSEGV));
		kill_and_reap(pid);
	}
}

static void load_xmm(void)
{
	static const double two = 2.0;

	__asm__ volatile("movsd %0, %%xmm7; fldpi; int3; ucomisd %%xmm6, %%xmm7; je 1f; ud2; 1: fstp %%st"
			 :
			 : "m"(two)
			 : "xmm6", "xmm7", "cc");
}

static void vector_registers(void)
{
	pid_t pid = tracee(load_xmm);
	static struct user_fpregs_struct fp, again;
	static char area[8192];
	struct iovec iov = { &again, sizeof(again) };
	double value;

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	need(trace(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&fp) == 0 && fp.cwd == 0x37f && fp.mxcsr == 0x1f80);
	memcpy(&value, (char *)fp.xmm_space + 7 * 16, 8);
	need(value == 2.0 && ((uint16_t *)fp.st_space)[4] == 0x4000); /* pi's exponent */
	need(trace(PTRACE_GETREGSET, pid, NT_PRFPREG, (uintptr_t)&iov) == 0 && iov.iov_len == 512);
	need(memcmp(&fp, &again, 416) == 0);
	iov = (struct iovec){ area, sizeof(area) };
	need(trace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (uintptr_t)&iov) == 0 && iov.iov_len >= 576);
	need(memcmp(area, &fp, 416) == 0 && (*(uint64_t *)(area + 464) & 3) == 3);
	*(uint64_t *)(area + 512) |= 1ull << 62;
	need(trace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (uintptr_t)&iov) == -1 && errno == EINVAL);
	*(uint64_t *)(area + 512) &= ~(1ull << 62);
	memcpy(area + 160 + 6 * 16, &value, 8);
	*(uint64_t *)(area + 512) |= 3;
	need(trace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (uintptr_t)&iov) == 0);
	need(trace(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&again) == 0);
	need(memcmp((char *)again.xmm_space + 6 * 16, &value, 8) == 0);
	again.mxcsr = 0xffffffff;
	need(trace(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&again) == -1 && errno == EINVAL);
	again.mxcsr = 0x1f80;
	need(trace(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&again) == 0);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 0);
}

/* --- stops --- */

static volatile sig_atomic_t handled;

static void note(int signo)
{
	handled = signo;
}

static void take_usr1(void)
{
	signal(SIGUSR1, note);
	raise(SIGUSR1);
	_exit(handled);
}

static void signals(void)
{
	pid_t pid = tracee(take_usr1);
	siginfo_t info = { 0 };

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGUSR1));
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0);
	need(info.si_signo == SIGUSR1 && info.si_code == SI_TKILL && info.si_pid == pid);
	go_on(PTRACE_CONT, pid, SIGUSR1);
	expect_exit(pid, SIGUSR1);
	pid = tracee(take_usr1);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGUSR1));
	go_on(PTRACE_CONT, pid, 0); /* it never hears of it */
	expect_exit(pid, 0);
	pid = tracee(take_usr1);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGUSR1));
	go_on(PTRACE_CONT, pid, SIGTERM); /* another one */
	need(wait_for(pid) == SIGTERM);
}

static void ignored_and_blocked(void)
{
	pid_t pid = tracee(sleep_for_ever);
	uint64_t mask = 1ull << (SIGUSR2 - 1), got = 0;
	siginfo_t infos[4];
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} peek = { 0, 1, 4 };

	need(trace(PTRACE_GETSIGMASK, pid, 8, (uintptr_t)&got) == 0);
	need(trace(PTRACE_SETSIGMASK, pid, 7, (uintptr_t)&mask) == -1 && errno == EINVAL);
	need(trace(PTRACE_SETSIGMASK, pid, 8, (uintptr_t)&mask) == 0);
	need(trace(PTRACE_GETSIGMASK, pid, 8, (uintptr_t)&got) == 0 && got == mask);
	need(kill(pid, SIGUSR2) == 0 && kill(pid, SIGWINCH) == 0);
	memset(infos, 0, sizeof(infos));
	need(trace(PTRACE_PEEKSIGINFO, pid, (uintptr_t)&peek, (uintptr_t)infos) == 2);
	need(infos[0].si_signo == SIGUSR2 && infos[1].si_signo == SIGWINCH && infos[1].si_pid == getpid());
	peek.off = 2;
	need(trace(PTRACE_PEEKSIGINFO, pid, (uintptr_t)&peek, (uintptr_t)infos) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGWINCH)); /* ignored, but seen */
	mask = 0;
	need(trace(PTRACE_SETSIGMASK, pid, 8, (uintptr_t)&mask) == 0);
	go_on(PTRACE_CONT, pid, SIGWINCH);
	need(STOPPED_BY(wait_for(pid), SIGUSR2));
	kill_and_reap(pid);
}

static void set_siginfo(void)
{
	pid_t pid = tracee(take_usr1);
	siginfo_t info = { 0 }, again = { 0 };

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGUSR1));
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0);
	info.si_code = SI_QUEUE;
	need(trace(PTRACE_SETSIGINFO, pid, 0, (uintptr_t)&info) == 0);
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&again) == 0 && again.si_code == SI_QUEUE);
	go_on(PTRACE_CONT, pid, SIGUSR1);
	expect_exit(pid, SIGUSR1);
}

static void calls_body(void)
{
	_exit((int)syscall(SYS_getppid) == 4711 ? 3 : 4);
}

struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp, nr, args[6];
};

static void next_call(pid_t pid, long want)
{
	do {
		go_on(PTRACE_SYSCALL, pid, 0);
		need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80));
	} while (trace(PTRACE_PEEKUSER, pid, ORIG_RAX * 8, (uintptr_t)&want) == 0 && want != SYS_getppid);
}

static void calls(void)
{
	pid_t pid = tracee(calls_body);
	struct user_regs_struct regs;
	struct call_info info;
	uint64_t message = 0;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	next_call(pid, SYS_getppid);
	get_regs(pid, &regs);
	need((long)regs.rax == -ENOSYS && regs.orig_rax == SYS_getppid);
	need(trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message) == 0 && message == 1);
	need(trace(0x420e, pid, sizeof(info), (uintptr_t)&info) == 80);
	need(info.op == 1 && info.arch == 0xc000003e && info.nr == SYS_getppid && info.ip == regs.rip);
	go_on(PTRACE_SYSCALL, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80));
	get_regs(pid, &regs);
	need((pid_t)regs.rax == getpid());
	need(trace(0x420e, pid, sizeof(info), (uintptr_t)&info) == 33 && info.op == 2);
	need((pid_t)info.nr == getpid());
	regs.rax = 4711;
	set_regs(pid, &regs);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 3);
}

/* The tracer changes number and arguments of a call, or has it not happen. */
static void changed_calls(void)
{
	pid_t pid = tracee(calls_body);
	struct user_regs_struct regs;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	next_call(pid, SYS_getppid);
	get_regs(pid, &regs);
	regs.orig_rax = SYS_exit_group;
	regs.rdi = 77;
	set_regs(pid, &regs);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 77);
	pid = tracee(calls_body);
	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	next_call(pid, SYS_getppid);
	need(trace(PTRACE_POKEUSER, pid, ORIG_RAX * 8, (uintptr_t)-1) == 0);
	need(trace(PTRACE_POKEUSER, pid, RAX * 8, 4711) == 0);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 3);
}

/* Registers that calls keep: a tracer may change these, too. */
static void kept_body(void)
{
	long kept;

	__asm__ volatile("movq $110, %%rax; movq $1, %%r12; movq $2, %%rbx; syscall; leaq (%%r12, %%rbx), %0"
			 : "=r"(kept)
			 :
			 : "rax", "rbx", "rcx", "r11", "r12", "memory");
	_exit((int)kept);
}

static void kept_registers(void)
{
	pid_t pid = tracee(kept_body);
	struct user_regs_struct regs;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	next_call(pid, SYS_getppid);
	get_regs(pid, &regs);
	need(regs.r12 == 1 && regs.rbx == 2);
	regs.r12 = 30;
	set_regs(pid, &regs);
	go_on(PTRACE_SYSCALL, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80));
	need(trace(PTRACE_POKEUSER, pid, RBX * 8, 5) == 0);
	go_on(PTRACE_DETACH, pid, 0);
	expect_exit(pid, 35);
}

static void emulate(void)
{
	pid_t pid = tracee(calls_body);

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	next_call(pid, SYS_getppid);
	go_on(PTRACE_SYSCALL, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80));
	go_on(31, pid, 0); /* SYSEMU: the next call, exit_group, does not happen */
	need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80));
	go_on(31, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP | 0x80)); /* exit, which C libraries try next */
	kill_and_reap(pid);
}

static void stepped_body(void)
{
	__asm__ volatile("int3; nop; nop; movq $39, %%rax; syscall; nop" : : : "rax", "rcx", "r11", "memory");
}

static void steps(void)
{
	static const unsigned lengths[] = { 1, 1, 7, 2, 1 };
	pid_t pid = tracee(stepped_body);
	struct user_regs_struct regs;
	unsigned long at;
	siginfo_t info;

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	get_regs(pid, &regs);
	at = regs.rip;
	for (unsigned i = 0; i < 5; i++) {
		go_on(PTRACE_SINGLESTEP, pid, 0);
		need(STOPPED_BY(wait_for(pid), SIGTRAP));
		get_regs(pid, &regs);
		need(regs.rip == (at += lengths[i]));
		need((regs.eflags & 0x100) == 0); /* the tracer's own doing does not show */
		need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0 && info.si_signo == SIGTRAP);
		need(info.si_code == (i == 3 ? TRAP_BRKPT : TRAP_TRACE));
	}
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 0);
}

/* A step into a handler ends at its first instruction. */
static void step_into_handler(void)
{
	pid_t pid = tracee(take_usr1);
	struct user_regs_struct regs;

	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGUSR1));
	go_on(PTRACE_SINGLESTEP, pid, SIGUSR1);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	get_regs(pid, &regs);
	need(regs.rip == (uintptr_t)note && regs.rdi == SIGUSR1);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, SIGUSR1);
}

static volatile long watched[2];

static __attribute__((noipa)) void write_watched(void)
{
	watched[1] = 1;
	watched[0] = 2;
	__asm__ volatile("" : : : "memory");
	watched[1] = 3;
}

#define DEBUGREG(n) (offsetof(struct user, u_debugreg) + (n)*8)

static void breakpoints(void)
{
	pid_t pid = tracee(write_watched);
	uintptr_t value;
	siginfo_t info;

	need(trace(PTRACE_POKEUSER, pid, DEBUGREG(0), 0xffff800000000000) == -1 && errno == EINVAL);
	need(trace(PTRACE_POKEUSER, pid, DEBUGREG(4), 0) == -1 && errno == EIO);
	need(trace(PTRACE_POKEUSER, pid, DEBUGREG(0), (uintptr_t)&watched[0]) == 0);
	need(trace(PTRACE_POKEUSER, pid, DEBUGREG(1), (uintptr_t)write_watched) == 0);
	/* 0: writes of 8 bytes; 1: execution */
	need(trace(PTRACE_POKEUSER, pid, DEBUGREG(7), 0x00090000 | 1 | 4) == 0);
	need(trace(PTRACE_PEEKUSER, pid, DEBUGREG(0), (uintptr_t)&value) == 0 &&
	     value == (uintptr_t)&watched[0]);
	need(trace(PTRACE_PEEKUSER, pid, DEBUGREG(7), (uintptr_t)&value) == 0 && value == 0x90005);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	need(trace(PTRACE_PEEKUSER, pid, RIP * 8, (uintptr_t)&value) == 0);
	need(value == (uintptr_t)write_watched);
	need(trace(PTRACE_PEEKUSER, pid, DEBUGREG(6), (uintptr_t)&value) == 0 && (value & 0xf) == 2);
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0 && info.si_code == TRAP_HWBKPT);
	need(trace(PTRACE_PEEKUSER, pid, DEBUGREG(6), (uintptr_t)&value) == 0 && (value & 0xf) == 1);
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&watched[0], (uintptr_t)&value) == 0 && value == 2);
	need(trace(PTRACE_PEEKDATA, pid, (uintptr_t)&watched[1], (uintptr_t)&value) == 0 && value == 1);
	write_watched(); /* this thread's own registers are not armed */
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 0);
}

/* --- events --- */

static uintptr_t message_of(pid_t pid)
{
	uintptr_t message = 0;

	need(trace(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&message) == 0);
	return message;
}

static void fork_body(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(5);
	waitpid(pid, &status, 0);
	_exit(WEXITSTATUS(status));
}

/* The child stops for the first time: SIGSTOP, or of one that was seized an event. */
static void expect_child(pid_t pid, bool seized)
{
	int status = wait_for(pid);

	need(seized ? status == EVENT_STATUS(PTRACE_EVENT_STOP) : STOPPED_BY(status, SIGSTOP));
	go_on(PTRACE_CONT, pid, 0);
}

static void forks(void)
{
	pid_t pid = tracee(fork_body), child;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_FORK));
	child = (pid_t)message_of(pid);
	go_on(PTRACE_CONT, pid, 0);
	expect_child(child, false);
	expect_exit(child, 5); /* before its parent */
	need(STOPPED_BY(wait_for(pid), SIGCHLD));
	go_on(PTRACE_CONT, pid, SIGCHLD);
	expect_exit(pid, 5);
}

static void vfork_body(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(5);
}

static void vforks(void)
{
	pid_t pid = tracee(vfork_body), child;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_VFORK));
	child = (pid_t)message_of(pid);
	go_on(PTRACE_CONT, pid, 0);
	expect_child(child, false);
	expect_exit(child, 5);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_VFORK_DONE) && (pid_t)message_of(pid) == child);
	kill_and_reap(pid);
}

static void *thread_body(void *arg)
{
	return arg;
}

static void clone_body(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_body, NULL) != 0 || pthread_join(thread, NULL) != 0)
		_exit(9);
}

static void clones(void)
{
	pid_t pid = tracee(clone_body), thread;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_CLONE));
	thread = (pid_t)message_of(pid);
	need(thread != pid);
	go_on(PTRACE_CONT, pid, 0);
	expect_child(thread, false);
	expect_exit(thread, 0); /* a thread's end is told, too */
	expect_exit(pid, 0);
}

static void exec_body(void)
{
	char *argv[] = { "ptrace", "exit", NULL };

	execv("/proc/self/exe", argv);
	_exit(98);
}

static void execs(void)
{
	pid_t pid = tracee(exec_body);

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_EXEC) && (pid_t)message_of(pid) == pid);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 6);
	pid = tracee(exec_body); /* without the option */
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP));
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 6);
}

static void *exec_thread(void *arg)
{
	exec_body();
	return arg;
}

static void thread_exec_body(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_thread, NULL);
	sleep_for_ever();
}

static void thread_execs(void)
{
	pid_t pid = tracee(thread_exec_body), thread;

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_CLONE));
	thread = (pid_t)message_of(pid);
	go_on(PTRACE_CONT, pid, 0);
	expect_child(thread, false);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_EXEC) && (pid_t)message_of(pid) == thread);
	need(trace(PTRACE_CONT, thread, 0, 0) == -1 && errno == ESRCH);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 6);
}

static void exit_body(void)
{
	_exit(12);
}

static void thread_exit_body(void)
{
	syscall(SYS_exit, 12);
}

static void exits(void)
{
	pid_t pid = tracee(exit_body);

	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_EXIT) && message_of(pid) == 12 << 8);
	need(status_says(pid, "State:\tt"));
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 12);
	pid = tracee(thread_exit_body);
	need(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_EXIT));
	need(kill(pid, SIGKILL) == 0 && !WIFSTOPPED(wait_for(pid))); /* the last stop, too, ends by that */
}

static void filtered_body(void)
{
	/* Load the number; is it getppid? then TRACE with 0x77, else ALLOW. */
	static struct {
		uint16_t code;
		uint8_t yes, no;
		uint32_t k;
	} program[] = {
		{ 0x20, 0, 0, 0 },
		{ 0x15, 0, 1, SYS_getppid },
		{ 0x06, 0, 0, 0x7ff00077 },
		{ 0x06, 0, 0, 0x7fff0000 },
	};
	struct {
		uint16_t length;
		void *instructions;
	} filter = { 4, program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, 2, &filter) != 0)
		_exit(98);
	_exit(syscall(SYS_getppid) == 4711 ? 3 : syscall(SYS_getppid) == -1 ? 4 : 5);
}

static void filters(void)
{
	pid_t pid = tracee(filtered_body);
	struct call_info info;

	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 4); /* nobody asked to be told: no such call */
	pid = tracee(filtered_body);
	need(trace(PTRACE_SETOPTIONS, pid, 0, 1 << 7) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(7) && message_of(pid) == 0x77);
	need(trace(0x420e, pid, sizeof(info), (uintptr_t)&info) == 84 && info.op == 3 &&
	     info.nr == SYS_getppid);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(7));
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 5);
	pid = tracee(filtered_body);
	need(trace(PTRACE_SETOPTIONS, pid, 0, 1 << 7) == 0);
	go_on(PTRACE_CONT, pid, 0);
	need(wait_for(pid) == EVENT_STATUS(7));
	need(trace(PTRACE_POKEUSER, pid, ORIG_RAX * 8, (uintptr_t)-1) == 0);
	need(trace(PTRACE_POKEUSER, pid, RAX * 8, 4711) == 0);
	go_on(PTRACE_CONT, pid, 0);
	expect_exit(pid, 3);
}

/* --- job control --- */

static void group_stop(void)
{
	pid_t pid = tracee(sleep_for_ever);
	siginfo_t info;

	go_on(PTRACE_CONT, pid, 0);
	need(kill(pid, SIGTSTP) == 0 && STOPPED_BY(wait_for(pid), SIGTSTP));
	go_on(PTRACE_CONT, pid, SIGSTOP);
	need(STOPPED_BY(wait_for(pid), SIGSTOP)); /* now the process stops */
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == -1 && errno == EINVAL);
	go_on(PTRACE_CONT, pid, 0); /* an old tracer has it go on */
	need(kill(pid, SIGCONT) == 0 && STOPPED_BY(wait_for(pid), SIGCONT));
	kill_and_reap(pid);
}

static void seized(void)
{
	pid_t pid = sleeper();
	siginfo_t info;

	need(trace(PTRACE_SEIZE, pid, 0, 0) == 0);
	need(trace(PTRACE_INTERRUPT, pid, 0, 0) == 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_STOP));
	need(trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0);
	need(info.si_signo == SIGTRAP && info.si_code == (SIGTRAP | PTRACE_EVENT_STOP << 8));
	go_on(PTRACE_CONT, pid, 0);
	need(kill(pid, SIGSTOP) == 0 && STOPPED_BY(wait_for(pid), SIGSTOP));
	go_on(PTRACE_CONT, pid, SIGSTOP);
	need(wait_for(pid) == ((SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f));
	go_on(PTRACE_LISTEN, pid, 0);
	need(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	need(waitpid(pid, NULL, WNOHANG | __WALL) == 0);
	need(kill(pid, SIGCONT) == 0);
	need(wait_for(pid) == EVENT_STATUS(PTRACE_EVENT_STOP)); /* it listened */
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGCONT));
	go_on(PTRACE_CONT, pid, SIGCONT);
	kill_and_reap(pid);
}

/* One that was stopped already stops for its tracer, and after that for its parent. */
static void attach_to_stopped(void)
{
	pid_t pid = sleeper();
	int status;

	need(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	need(trace(PTRACE_SEIZE, pid, 0, 0) == 0);
	need(wait_for(pid) == ((SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f));
	go_on(PTRACE_DETACH, pid, 0);
	while (!status_says(pid, "State:\tT (stopped)"))
		usleep(1000);
	kill_and_reap(pid);
}

/* --- wait --- */

static void waits(void)
{
	pid_t pid = tracee(trap_here);
	siginfo_t info = { 0 };
	int status;

	need(waitpid(pid, &status, WNOHANG) == 0); /* told already */
	go_on(PTRACE_SYSCALL, pid, 0);
	need(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	need(info.si_code == CLD_TRAPPED && info.si_status == SIGTRAP && info.si_pid == pid);
	need(waitpid(-1, &status, __WALL | __WNOTHREAD) == pid && STOPPED_BY(status, SIGTRAP));
	kill_and_reap(pid);
	need(waitpid(pid, &status, __WALL) == -1 && errno == ECHILD);
}

static volatile sig_atomic_t child_code, child_status;

static void note_child(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	child_code = info->si_code;
	child_status = info->si_status;
}

static void tells_by_signal(void)
{
	struct sigaction action = { .sa_sigaction = note_child, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;

	need(sigaction(SIGCHLD, &action, NULL) == 0);
	pid = tracee(trap_here);
	child_code = 0;
	go_on(PTRACE_CONT, pid, 0);
	need(STOPPED_BY(wait_for(pid), SIGTRAP) && child_code == CLD_TRAPPED && child_status == SIGTRAP);
	kill_and_reap(pid);
}

/* Only the thread that traces makes requests; others of its process may wait. */
static pid_t others_tracee;
static long others_result, others_error;

static void *other_thread(void *arg)
{
	others_result = trace(PTRACE_CONT, others_tracee, 0, 0);
	others_error = errno;
	return arg;
}

static void one_thread_only(void)
{
	pthread_t thread;

	others_tracee = tracee(nothing);
	need(pthread_create(&thread, NULL, other_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
	need(others_result == -1 && others_error == ESRCH);
	kill_and_reap(others_tracee);
}

static void set_ptracer(void)
{
	need(prctl(0x59616d61, 0, 0, 0, 0) == 0 || errno == EINVAL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 6;
	tap(passes(traceme), "TRACEME: stops, is seen to be traced, goes on, ends");
	tap(passes(traceme_twice), "TRACEME twice: EPERM");
	tap(passes(attach), "ATTACH stops, DETACH lets go");
	tap(passes(refusals), "what is refused, and how");
	tap(passes(tracer_ends), "a tracer that ends lets its tracee go on");
	tap(passes(exit_kill), "EXITKILL: it dies instead");
	tap(passes(both_wait), "a dead process is its tracer's first, then its parent's");
	tap(passes(memory), "PEEK and POKE: data, code, what is not there");
	tap(passes(memory_by_file), "/proc/PID/mem: a tracer writes code");
	tap(passes(shared_stays), "POKE does not reach what is shared and read-only");
	tap(passes(registers), "general registers, whole and by words");
	tap(passes(wild_registers), "instruction and stack pointers that lead nowhere: SIGSEGV");
	tap(passes(vector_registers), "x87, SSE and all that XSAVE knows");
	tap(passes(signals), "signals: delivered, withheld, replaced");
	tap(passes(ignored_and_blocked), "ignored ones are seen, blocked ones wait; mask and queue");
	tap(passes(set_siginfo), "SETSIGINFO");
	tap(passes(calls), "SYSCALL: begin and end, GET_SYSCALL_INFO, another result");
	tap(passes(changed_calls), "another call in its place, or none");
	tap(passes(kept_registers), "registers that calls keep can be changed in calls");
	tap(passes(emulate), "SYSEMU: calls that do not happen");
	tap(passes(steps), "SINGLESTEP, over a call, too");
	tap(passes(step_into_handler), "SINGLESTEP into a handler");
	tap(passes(breakpoints), "breakpoints in registers: on execution, on writing");
	tap(passes(forks), "TRACEFORK");
	tap(passes(vforks), "TRACEVFORK and TRACEVFORKDONE");
	tap(passes(clones), "TRACECLONE: a thread, and its end");
	tap(passes(execs), "exec: TRACEEXEC, or SIGTRAP");
	tap(passes(thread_execs), "exec by another than the first thread");
	tap(passes(exits), "TRACEEXIT");
	tap(passes(filters), "TRACESECCOMP: a filter has its tracer decide");
	tap(passes(group_stop), "a process's stop under an old tracer");
	tap(passes(seized), "SEIZE, INTERRUPT, LISTEN");
	tap(passes(attach_to_stopped), "SEIZE of one that is stopped");
	tap(passes(waits), "wait: once, without taking, by thread");
	tap(passes(tells_by_signal), "SIGCHLD says what happened");
	tap(passes(one_thread_only), "requests are the tracing thread's alone");
	tap(passes(set_ptracer), "PR_SET_PTRACER");
	return tap_end();
}

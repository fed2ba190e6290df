/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the processor does for a program: registers that survive calls, signals and switches; exceptions
 * that arrive with Linux's signal, code and address; instructions that user mode may not use.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

#define FLAG_TF (1ull << 8)
#define FLAG_AC (1ull << 18)

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_GS 0x1004

#define FIELD_TRAP 20 /* REG_TRAPNO of the saved registers */

static sigjmp_buf back;
static volatile int seen_signo, seen_code;
static volatile uintptr_t seen_address;
static volatile long seen_trap;

static void note(int signo, siginfo_t *info, void *context)
{
	seen_signo = signo;
	seen_code = info->si_code;
	seen_address = (uintptr_t)info->si_addr;
	seen_trap = (long)((ucontext_t *)context)->uc_mcontext.gregs[FIELD_TRAP];
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = note;
	action.sa_flags = SA_SIGINFO;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* Run it; did it raise just this? */
static bool raises(void (*run)(void), int signo, int code, long trap)
{
	seen_signo = 0;
	if (sigsetjmp(back, 1) == 0)
		run();
	if (seen_signo != signo || seen_code != code || seen_trap != trap)
		printf("# signal %d code %d trap %ld\n", seen_signo, seen_code, seen_trap);
	return seen_signo == signo && seen_code == code && seen_trap == trap;
}

static void divide(void)
{
	__asm__ volatile("idivl %0" ::"r"(0), "a"(1), "d"(0));
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void single_step(void)
{
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop; nop" ::"i"(FLAG_TF) : "cc", "memory");
}

static void unaligned(void)
{
	static char bytes[16];

	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t"
			 "movl 1(%1), %%eax" ::"i"(FLAG_AC),
			 "r"(bytes)
			 : "rax", "cc", "memory");
}

/* In a child: with AC set, no library code can be trusted to run. */
static bool unaligned_is_sigbus(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);
		unaligned();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

static void privileged(void)
{
	__asm__ volatile("cli");
}

static void sse_divide(void)
{
	uint32_t unmasked = 0x1f80 & ~0x200u;
	float one = 1, zero = 0;

	__asm__ volatile("ldmxcsr %0\n\t"
			 "movss %1, %%xmm0\n\t"
			 "divss %2, %%xmm0" ::"m"(unmasked),
			 "m"(one), "m"(zero)
			 : "xmm0");
}

static void x87_divide(void)
{
	uint16_t unmasked = 0x037f & ~0x4u;

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(unmasked));
}

static void write_constant(void)
{
	*(volatile char *)(uintptr_t)write_constant = 1;
}

static void read_unmapped(void)
{
	static volatile char *volatile at = (volatile char *)0x12345000;

	(void)*at;
}

static void store_gdt(void)
{
	char table[10];

	__asm__ volatile("sgdt %0" : "=m"(table));
}

static void store_idt(void)
{
	char table[10];

	__asm__ volatile("sidt %0" : "=m"(table));
}

static bool cpu_has_umip(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & (1u << 2));
}

/* QEMU's translator raises neither alignment checks nor SSE exceptions. */
static bool cpu_is_translated(void)
{
	unsigned a, b, c, d;

	__cpuid(0x40000000, a, b, c, d);
	return b == 0x54474354 && c == 0x43544743 && d == 0x47435447; /* TCGTCGTCGTCG */
}

/* A system call changes RAX, RCX and R11, and nothing else. */
static bool call_keeps_registers(void)
{
	uint64_t bad;

	__asm__ volatile(
		"push %%rbx; push %%rbp\n\t"
		"mov $1, %%rbx; mov $2, %%rbp; mov $3, %%r12; mov $4, %%r13; mov $5, %%r14; mov $6, %%r15\n\t"
		"mov $7, %%rdi; mov $8, %%rsi; mov $9, %%rdx; mov $10, %%r10; mov $11, %%r8; mov $12, "
		"%%r9\n\t"
		"mov $39, %%eax; syscall\n\t"
		"xor $1, %%rbx; xor $2, %%rbp; xor $3, %%r12; xor $4, %%r13; xor $5, %%r14; xor $6, %%r15\n\t"
		"xor $7, %%rdi; xor $8, %%rsi; xor $9, %%rdx; xor $10, %%r10; xor $11, %%r8; xor $12, "
		"%%r9\n\t"
		"mov %%rbx, %%rax; or %%rbp, %%rax; or %%r12, %%rax; or %%r13, %%rax; or %%r14, %%rax\n\t"
		"or %%r15, %%rax; or %%rdi, %%rax; or %%rsi, %%rax; or %%rdx, %%rax; or %%r10, %%rax\n\t"
		"or %%r8, %%rax; or %%r9, %%rax\n\t"
		"pop %%rbp; pop %%rbx"
		: "=a"(bad)
		:
		: "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rcx", "memory",
		  "cc");
	return bad == 0;
}

static void handler_uses_sse(int signo)
{
	(void)signo;
	__asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; fninit" ::: "xmm0", "xmm7");
}

/* In one piece of assembly, so that the compiler has nothing in SSE registers meanwhile. */
static bool signal_keeps_sse_and_red_zone(void)
{
	uint64_t low, high, zone, in = 0x1122334455667788;
	long pid = getpid();

	signal(SIGUSR1, handler_uses_sse);
	__asm__ volatile("movq %3, %%xmm0; movq %3, %%xmm7\n\t"
			 "mov %3, -16(%%rsp)\n\t"
			 "mov $62, %%eax; mov %4, %%rdi; mov $10, %%esi; syscall\n\t"
			 "movq %%xmm0, %0; movq %%xmm7, %1\n\t"
			 "mov -16(%%rsp), %2"
			 : "=&r"(low), "=&r"(high), "=&r"(zone)
			 : "r"(in), "r"(pid)
			 : "rax", "rdi", "rsi", "rcx", "r11", "xmm0", "xmm7", "memory");
	return low == in && high == in && zone == in;
}

static bool switches_keep_sse(void)
{
	int failed = 0, status;

	for (int child = 0; child < 4; child++) {
		if (fork() != 0)
			continue;
		for (uint64_t i = 0; i < 20000; i++) {
			uint64_t in = i * 0x9e3779b97f4a7c15u + (uint64_t)child, out;

			__asm__ volatile("movq %1, %%xmm5\n\t"
					 "mov $24, %%eax; syscall\n\t"
					 "movq %%xmm5, %0"
					 : "=r"(out)
					 : "r"(in)
					 : "rax", "rcx", "r11", "xmm5", "memory");
			if (out != in)
				_exit(1);
		}
		_exit(0);
	}
	for (int child = 0; child < 4; child++)
		failed += wait(&status) < 0 || status != 0;
	return failed == 0;
}

static bool fork_keeps_sse(void)
{
	uint64_t in = 0xabcdef0123456789, out;
	long pid;
	int status;

	__asm__ volatile("movq %2, %%xmm9\n\t"
			 "mov $57, %%eax; syscall\n\t"
			 "movq %%xmm9, %1"
			 : "=&a"(pid), "=&r"(out)
			 : "r"(in)
			 : "rcx", "r11", "xmm9", "memory");
	if (pid == 0)
		_exit(out != in);
	return waitpid((pid_t)pid, &status, 0) == pid && status == 0 && out == in;
}

static bool gs_base_is_kept(void)
{
	static uint64_t target = 77;
	uint64_t base = 0, value;

	if (syscall(SYS_arch_prctl, ARCH_SET_GS, &target) != 0 ||
	    syscall(SYS_arch_prctl, ARCH_GET_GS, &base) != 0)
		return false;
	usleep(1000);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	return base == (uint64_t)(uintptr_t)&target && value == 77;
}

static bool kernel_bases_are_refused(void)
{
	return syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff800000000000ul) == -1 &&
	       syscall(SYS_arch_prctl, ARCH_SET_FS, 0x0000800000000000ul) == -1;
}

static bool stack_is_aligned_in_handlers;

static void look_at_stack(int signo)
{
	(void)signo;
	stack_is_aligned_in_handlers = (uintptr_t)__builtin_frame_address(0) % 16 == 0;
}

static bool handler_stack_is_aligned(void)
{
	signal(SIGUSR1, look_at_stack);
	raise(SIGUSR1);
	return stack_is_aligned_in_handlers;
}

int main(void)
{
	catch_all();
	tap(raises(divide, SIGFPE, FPE_INTDIV, 0), "integer division by zero");
	tap(raises(undefined, SIGILL, ILL_ILLOPN, 6), "undefined instruction");
	tap(seen_address == (uintptr_t)undefined || seen_address - (uintptr_t)undefined < 32, "its address");
	tap(raises(breakpoint, SIGTRAP, SI_KERNEL, 3), "breakpoint");
	tap(raises(single_step, SIGTRAP, TRAP_TRACE, 1), "single step");
	tap(raises(privileged, SIGSEGV, SI_KERNEL, 13), "privileged instruction");
	tap(raises(x87_divide, SIGFPE, FPE_FLTDIV, 16), "x87 division by zero");
	tap(raises(write_constant, SIGSEGV, SEGV_ACCERR, 14), "write to read-only memory");
	tap(raises(read_unmapped, SIGSEGV, SEGV_MAPERR, 14) && seen_address == 0x12345000, "unmapped memory");
	if (!cpu_is_translated()) {
		tap(unaligned_is_sigbus(), "alignment check");
		tap(raises(sse_divide, SIGFPE, FPE_FLTDIV, 19), "SSE division by zero");
	}
	if (cpu_has_umip()) {
		tap(raises(store_gdt, SIGSEGV, SI_KERNEL, 13), "sgdt is refused");
		tap(raises(store_idt, SIGSEGV, SI_KERNEL, 13), "sidt is refused");
	}
	tap(call_keeps_registers(), "a system call keeps the registers");
	tap(signal_keeps_sse_and_red_zone(), "a signal keeps SSE registers and the red zone");
	tap(switches_keep_sse(), "switches keep SSE registers");
	tap(fork_keeps_sse(), "fork keeps SSE registers");
	tap(gs_base_is_kept(), "the GS base is kept");
	tap(kernel_bases_are_refused(), "segment bases in the kernel half are refused");
	tap(handler_stack_is_aligned(), "the stack is aligned in signal handlers");
	return tap_end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program may not do kills that program and nothing else.  Each case runs in a child; the parent
 * looks at how it died.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

#define KERNEL_TEXT  ((volatile char *)0xffffffff80200000)
#define DIRECT_MAP   ((volatile char *)0xffff800000100000)
#define NONCANONICAL ((volatile char *)0x0000800000000000)

static void read_kernel_text(void)
{
	(void)*KERNEL_TEXT;
}

static void write_direct_map(void)
{
	*DIRECT_MAP = 1;
}

static void read_noncanonical(void)
{
	(void)*NONCANONICAL;
}

static void jump_to(volatile char *where)
{
	((void (*)(void))(uintptr_t)where)();
}

static void jump_to_kernel(void)
{
	jump_to(KERNEL_TEXT);
}

static void jump_to_noncanonical(void)
{
	jump_to(NONCANONICAL);
}

static void read_null(void)
{
	static volatile char *volatile near_null = (volatile char *)8;

	(void)*near_null;
}

static void divide_by_zero(void)
{
	/* Not in C: a compiler may know better ways to divide one. */
	__asm__ volatile("idivl %0" ::"r"(0), "a"(1), "d"(0));
}

static volatile bool enough; /* never */

static int recurse_for_ever(volatile char *below)
{
	volatile char frame[4096];

	frame[0] = below ? below[0] : 1;
	if (enough)
		return 0;
	return recurse_for_ever(frame) + frame[0];
}

static void overflow_stack(void)
{
	recurse_for_ever(NULL);
}

static void execute_stack(void)
{
	volatile unsigned char code[] = { 0xc3 };

	jump_to((volatile char *)code);
}

static void write_own_text(void)
{
	*(volatile char *)(uintptr_t)write_own_text = 0x90;
}

static void halt(void)
{
	__asm__ volatile("hlt");
}

static void disable_interrupts(void)
{
	__asm__ volatile("cli");
}

static void write_port(void)
{
	__asm__ volatile("outb %%al, $0x80" ::"a"(0));
}

static void write_cr3(void)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(0ul));
}

static void write_msr(void)
{
	__asm__ volatile("wrmsr" ::"c"(0xc0000082), "a"(0), "d"(0));
}

static void load_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table = { 0, 0 };

	__asm__ volatile("lidt %0" ::"m"(table));
}

static void invalid_opcode(void)
{
	__asm__ volatile("ud2");
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void kernel_vector(void)
{
	__asm__ volatile("int $0x20");
}

/* A call works with any stack pointer; then a signal has nowhere to go. */
static void call_with_kernel_stack(void)
{
	long result;

	__asm__ volatile("mov %%rsp, %%r12\n\t"
			 "mov %1, %%rsp\n\t"
			 "syscall\n\t"
			 "mov %%r12, %%rsp"
			 : "=a"(result)
			 : "r"(DIRECT_MAP), "a"(39l)
			 : "rcx", "r11", "r12", "memory");
	_exit(result == getpid() ? 0 : 1);
}

static void signal_with_kernel_stack(void)
{
	signal(SIGUSR1, (void (*)(int))(uintptr_t)read_null);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "syscall\n\t"
			 "hlt" ::"r"(DIRECT_MAP),
			 "a"(62l), "D"((long)getpid()), "S"((long)SIGUSR1));
}

static uint64_t return_rip, return_cs = 0, return_flags = 0;

static void spoil_return(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signo;
	(void)info;
	if (return_rip)
		regs[REG_RIP] = (greg_t)return_rip;
	if (return_cs)
		regs[REG_CSGSFS] = (greg_t)((uint64_t)regs[REG_CSGSFS] & ~0xffffull) | (greg_t)return_cs;
	regs[REG_EFL] |= (greg_t)return_flags;
}

static void return_from_signal(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = spoil_return;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void return_to_noncanonical(void)
{
	return_rip = (uintptr_t)NONCANONICAL;
	return_from_signal();
}

static void return_to_kernel(void)
{
	return_rip = (uintptr_t)KERNEL_TEXT;
	return_from_signal();
}

/* Kernel segments and I/O privilege asked for by a signal frame must not be had. */
static void return_with_kernel_segment(void)
{
	return_cs = 0x08;
	return_from_signal();
	__asm__ volatile("cli");
}

static void return_with_io_privilege(void)
{
	return_flags = 3 << 12;
	return_from_signal();
	__asm__ volatile("cli");
}

/* The last instruction of the address space would make sysret return beyond it. */
static void call_at_the_end(void)
{
	char *page = mmap((void *)0x7ffffffff000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (page == MAP_FAILED)
		_exit(0);
	memcpy(page + 4094, "\x0f\x05", 2);
	__asm__ volatile("jmp *%0" ::"r"(page + 4094), "a"(39l));
}

struct fault_case {
	const char *name;
	void (*run)(void);
	int signals[2]; /* how it may end; 0: by itself, with status 0 */
};

static const struct fault_case cases[] = {
	{ "reading kernel text", read_kernel_text, { SIGSEGV, SIGSEGV } },
	{ "writing the direct map", write_direct_map, { SIGSEGV, SIGSEGV } },
	{ "reading a non-canonical address", read_noncanonical, { SIGSEGV, SIGBUS } },
	{ "jumping into the kernel", jump_to_kernel, { SIGSEGV, SIGSEGV } },
	{ "jumping to a non-canonical address", jump_to_noncanonical, { SIGSEGV, SIGBUS } },
	{ "reading near NULL", read_null, { SIGSEGV, SIGSEGV } },
	{ "dividing by zero", divide_by_zero, { SIGFPE, SIGFPE } },
	{ "recursing for ever", overflow_stack, { SIGSEGV, SIGSEGV } },
	{ "executing the stack", execute_stack, { SIGSEGV, SIGSEGV } },
	{ "writing the program's text", write_own_text, { SIGSEGV, SIGSEGV } },
	{ "hlt", halt, { SIGSEGV, SIGSEGV } },
	{ "cli", disable_interrupts, { SIGSEGV, SIGSEGV } },
	{ "out", write_port, { SIGSEGV, SIGSEGV } },
	{ "mov to cr3", write_cr3, { SIGSEGV, SIGSEGV } },
	{ "wrmsr", write_msr, { SIGSEGV, SIGSEGV } },
	{ "lidt", load_idt, { SIGSEGV, SIGSEGV } },
	{ "ud2", invalid_opcode, { SIGILL, SIGILL } },
	{ "int3", breakpoint, { SIGTRAP, SIGTRAP } },
	{ "int with a vector of the kernel", kernel_vector, { SIGSEGV, SIGSEGV } },
	{ "a call with a kernel stack pointer", call_with_kernel_stack, { 0, 0 } },
	{ "a signal with a kernel stack pointer", signal_with_kernel_stack, { SIGSEGV, SIGSEGV } },
	{ "sigreturn to a non-canonical address", return_to_noncanonical, { SIGSEGV, SIGSEGV } },
	{ "sigreturn into the kernel", return_to_kernel, { SIGSEGV, SIGSEGV } },
	{ "sigreturn with a kernel segment", return_with_kernel_segment, { SIGSEGV, SIGSEGV } },
	{ "sigreturn with I/O privilege", return_with_io_privilege, { SIGSEGV, SIGSEGV } },
	{ "a call at the end of the address space", call_at_the_end, { 0, SIGSEGV } },
};

static bool ends_as_told(const struct fault_case *c)
{
	struct rlimit small = { 1 << 20, 1 << 20 };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (c->run == overflow_stack)
			setrlimit(RLIMIT_STACK, &small);
		c->run();
		_exit(99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	for (int i = 0; i < 2; i++) {
		if (c->signals[i] ? WIFSIGNALED(status) && WTERMSIG(status) == c->signals[i]
				  : WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return true;
	}
	printf("# status %#x\n", (unsigned)status);
	return false;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap(ends_as_told(&cases[i]), cases[i].name);
	return tap_end();
}

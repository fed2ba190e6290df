/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handler finds on its stack, and what becomes of what it changes there: registers, vector registers,
 * stacks for signals.  Sizes are compared with what CPUID says: they are the machine's, not the system's.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "calls.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define MAGIC1    0x46505853u
#define MAGIC2    0x46505845u
#define SW_BYTES  464
#define XMM0      160
#define HEADER    512
#define ON_AVX    4
#define CARRY     0x1
#define DIRECTION 0x400
#define IOPL      0x3000

/* The last 48 bytes of the FXSAVE part. */
struct sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
};

static uint64_t xcr0(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static unsigned leaf_d(unsigned part, int reg)
{
	unsigned r[4];

	__cpuid_count(0xd, part, r[0], r[1], r[2], r[3]);
	return r[reg];
}

static void on(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigaction(signo, &sa, NULL);
}

/* --- layout ------------------------------------------------------------------------------------------- */

static void looks_at_layout(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	char *fp = (char *)uc->uc_mcontext.fpregs;
	uint64_t *header = (uint64_t *)(fp + HEADER);
	struct sw_bytes sw;
	uint32_t magic2;

	(void)signo;
	memcpy(&sw, fp + SW_BYTES, sizeof(sw));
	memcpy(&magic2, fp + sw.xstate_size, sizeof(magic2));
	VALUE(uc->uc_flags);
	VALUE(uc->uc_link == NULL);
	VALUE((uintptr_t)uc % 16);
	VALUE((char *)info - (char *)uc);
	VALUE((uintptr_t)fp % 64);
	VALUE(fp - (char *)info >= 128 && fp - (char *)info < 128 + 64 + 16);
	VALUE(sw.magic1 == MAGIC1);
	VALUE(magic2 == MAGIC2);
	VALUE(sw.xstate_size - leaf_d(0, 1));
	VALUE(sw.extended_size - sw.xstate_size);
	VALUE(sw.xfeatures ^ xcr0());
	VALUE(header[0] & ~sw.xfeatures);
	VALUE(header[1]);
	VALUE(header[2] | header[3]);
	VALUE(uc->uc_mcontext.gregs[REG_CSGSFS]);
	VALUE(uc->uc_mcontext.gregs[REG_OLDMASK]);
	VALUE(*(long *)&uc->uc_sigmask);
	VALUE(uc->uc_stack.ss_sp == NULL);
	VALUE(uc->uc_stack.ss_size);
	VALUE(uc->uc_stack.ss_flags);
	VALUE(uc->uc_mcontext.gregs[REG_RSP] - (long)(fp + sw.extended_size) >= 128);
	VALUE(uc->uc_mcontext.gregs[REG_RSP] - (long)(fp + sw.extended_size) < 128 + 64);
}

static void test_layout(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, 40);
	sigprocmask(SIG_BLOCK, &set, NULL);
	on(SIGUSR1, looks_at_layout, 0);
	RESULT(raise(SIGUSR1));
}

/* --- registers ------------------------------------------------------------------------------------------ */

static greg_t seen[NGREG];
__attribute__((used)) static uint64_t entry_rax, entry_flags;

/* Notes what the kernel does not promise to C, and goes on with `changes_registers`. */
void notes_entry(int signo, siginfo_t *info, void *context);
__attribute__((used)) static void changes_registers(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	memcpy(seen, uc->uc_mcontext.gregs, sizeof(seen));
	uc->uc_mcontext.gregs[REG_R12] = 112;
	uc->uc_mcontext.gregs[REG_R11] = 111;
	uc->uc_mcontext.gregs[REG_RCX] = 222;
	uc->uc_mcontext.gregs[REG_EFL] = (uc->uc_mcontext.gregs[REG_EFL] ^ CARRY) | IOPL;
	uc->uc_mcontext.gregs[REG_EFL] &= ~0x200l; /* interrupts */
}
__asm__(".text\n"
	"notes_entry:\n"
	"	mov %rax, entry_rax(%rip)\n"
	"	pushfq\n"
	"	pop entry_flags(%rip)\n"
	"	jmp changes_registers\n");

static void test_registers(void)
{
	uint64_t pid = (uint64_t)getpid(), r12, r13, r11, rcx, rdx, flags;

	on(SIGUSR1, notes_entry, 0);
	__asm__ volatile("mov $12, %%r12\n mov $13, %%r13\n mov $8, %%r8\n mov $9, %%r9\n mov $10, %%r10\n"
			 "mov $3, %%edx\n std\n syscall\n"
			 "pushfq\n cld\n pop %[flags]\n"
			 "mov %%r12, %[r12]\n mov %%r13, %[r13]\n mov %%r11, %[r11]\n mov %%rcx, %[rcx]\n "
			 "mov %%rdx, %[rdx]\n"
			 : [flags] "=&m"(flags), [r12] "=&m"(r12), [r13] "=&m"(r13), [r11] "=&m"(r11),
			   [rcx] "=&m"(rcx), [rdx] "=&m"(rdx)
			 : "a"(SYS_kill), "D"(pid), "S"((uint64_t)SIGUSR1)
			 : "memory", "cc", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13");
	VALUE(entry_rax);
	VALUE(entry_flags & DIRECTION);
	VALUE(seen[REG_RAX]);
	VALUE(seen[REG_RDI] == (greg_t)pid);
	VALUE(seen[REG_RSI]);
	VALUE(seen[REG_RDX]);
	VALUE(seen[REG_R8]);
	VALUE(seen[REG_R9]);
	VALUE(seen[REG_R10]);
	VALUE(seen[REG_R12]);
	VALUE(seen[REG_R13]);
	VALUE(seen[REG_RCX] == seen[REG_RIP]);
	VALUE(seen[REG_R11] == seen[REG_EFL]);
	VALUE(seen[REG_EFL] & (DIRECTION | IOPL | 0x200));
	VALUE(r12);
	VALUE(r13);
	VALUE(r11);
	VALUE(rcx);
	VALUE(rdx);
	VALUE((flags ^ (uint64_t)seen[REG_EFL]) & (CARRY | DIRECTION | IOPL | 0x200 | 1u << 21));
}

static uint64_t frame_xmm3[2], frame_high[2], own_xmm3;
static uint32_t frame_mxcsr, own_mxcsr, changed_mxcsr = 0x1f80 | 0x6000;
static uint16_t frame_control, own_control;
static char frame_st0[10];

static void changes_vectors(int signo, siginfo_t *info, void *context)
{
	static const uint64_t low[2] = { 0x1111, 0x2222 }, high[2] = { 0x3333, 0x4444 };
	char *fp = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;

	(void)signo;
	(void)info;
	__asm__ volatile("movq %%xmm3, %0\n stmxcsr %1\n fnstcw %2"
			 : "=r"(own_xmm3), "=m"(own_mxcsr), "=m"(own_control));
	memcpy(frame_xmm3, fp + XMM0 + 3 * 16, 16);
	memcpy(frame_high, fp + leaf_d(2, 1) + 3 * 16, 16);
	memcpy(&frame_mxcsr, fp + 24, 4);
	memcpy(&frame_control, fp, 2);
	memcpy(frame_st0, fp + 32, 10);
	memcpy(fp + XMM0 + 3 * 16, low, 16);
	memcpy(fp + leaf_d(2, 1) + 3 * 16, high, 16);
	memcpy(fp + 24, &changed_mxcsr, 4);
	__asm__ volatile("ldmxcsr %0\n fninit\n pxor %%xmm4, %%xmm4" : : "m"(changed_mxcsr) : "xmm4");
}

static void test_vectors(void)
{
	static const uint64_t before[4] = { 1, 2, 3, 4 };
	uint64_t after[4], xmm4[2];
	uint32_t mxcsr = 0x1f80 | 0x2000, standard = 0x1f80, mxcsr_after;
	uint16_t control = 0x027f, control_after;
	long double one;

	if (!(xcr0() & ON_AVX))
		return;
	on(SIGUSR1, changes_vectors, 0);
	__asm__ volatile("fldcw %[control]\n fld1\n ldmxcsr %[mxcsr]\n"
			 "vmovdqu %[before], %%ymm3\n vmovdqu %[before], %%ymm4\n"
			 "syscall\n"
			 "vmovdqu %%ymm3, %[after]\n movdqu %%xmm4, %[xmm4]\n vzeroupper\n"
			 "stmxcsr %[mxcsr_after]\n ldmxcsr %[standard]\n fnstcw %[control_after]\n fstpt "
			 "%[one]\n fninit\n"
			 : [after] "=m"(after), [xmm4] "=m"(xmm4), [mxcsr_after] "=m"(mxcsr_after),
			   [control_after] "=m"(control_after), [one] "=m"(one)
			 : "a"(SYS_kill), "D"((uint64_t)getpid()),
			   "S"((uint64_t)SIGUSR1), [before] "m"(before), [mxcsr] "m"(mxcsr),
			   [standard] "m"(standard), [control] "m"(control)
			 : "memory", "rcx", "r11", "xmm3", "xmm4");
	VALUE(own_xmm3);
	VALUE(own_mxcsr);
	VALUE(own_control);
	VALUE(frame_xmm3[0]);
	VALUE(frame_xmm3[1]);
	VALUE(frame_high[0]);
	VALUE(frame_high[1]);
	VALUE(frame_mxcsr);
	VALUE(frame_control);
	TEXT("st(0)", frame_st0, sizeof(frame_st0));
	VALUE(after[0]);
	VALUE(after[1]);
	VALUE(after[2]);
	VALUE(after[3]);
	VALUE(xmm4[0]);
	VALUE(xmm4[1]);
	VALUE(mxcsr_after);
	VALUE(control_after);
	VALUE(one == 1.0L);
}

/* --- frames that a handler has spoilt ------------------------------------------------------------------- */

static void (*spoil)(ucontext_t *uc);

static void spoils(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	spoil(context);
}

static void returns_from_spoilt(void)
{
	on(SIGUSR1, spoils, 0);
	raise(SIGUSR1);
}

static void in_spoilt(const char *what, void (*how)(ucontext_t *uc))
{
	spoil = how;
	in_child(what, returns_from_spoilt);
}

static uint64_t *xsave_header(ucontext_t *uc)
{
	return (uint64_t *)((char *)uc->uc_mcontext.fpregs + HEADER);
}

static struct sw_bytes *sw_bytes(ucontext_t *uc)
{
	return (struct sw_bytes *)((char *)uc->uc_mcontext.fpregs + SW_BYTES);
}

static void nothing(ucontext_t *uc)
{
	(void)uc;
}

static void unknown_feature(ucontext_t *uc)
{
	xsave_header(uc)[0] |= 1ull << 62;
}

static void compacted(ucontext_t *uc)
{
	xsave_header(uc)[1] = 1ull << 63;
}

static void reserved_header(ucontext_t *uc)
{
	xsave_header(uc)[2] = 1;
}

static void no_features(ucontext_t *uc)
{
	xsave_header(uc)[0] = 0;
}

static void no_magic1(ucontext_t *uc)
{
	sw_bytes(uc)->magic1 = 0;
}

static void no_magic2(ucontext_t *uc)
{
	memset((char *)uc->uc_mcontext.fpregs + sw_bytes(uc)->xstate_size, 0, 4);
}

static void too_large(ucontext_t *uc)
{
	sw_bytes(uc)->xstate_size = 1 << 20;
}

static void too_small(ucontext_t *uc)
{
	sw_bytes(uc)->xstate_size = 100;
}

static void other_features(ucontext_t *uc)
{
	sw_bytes(uc)->xfeatures = 3;
}

static void no_state(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = NULL;
}

static void state_nowhere(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = nowhere();
}

static void state_in_the_kernel(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)0xffff800000100000;
}

static void state_not_aligned(ucontext_t *uc)
{
	static char copy[65536] __attribute__((aligned(64)));

	memcpy(copy + 8, uc->uc_mcontext.fpregs, sw_bytes(uc)->extended_size);
	uc->uc_mcontext.fpregs = (void *)(copy + 8);
}

static void state_elsewhere(ucontext_t *uc)
{
	static char copy[65536] __attribute__((aligned(64)));

	memcpy(copy, uc->uc_mcontext.fpregs, sw_bytes(uc)->extended_size);
	uc->uc_mcontext.fpregs = (void *)copy;
}

static void far_away(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = 1l << 60;
}

static void into_the_kernel(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff80200000;
}

static void no_code_segment(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] &= ~0xffffl;
}

static void kernel_code_segment(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] = (uc->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffl) | 0x10;
}

static void no_privilege_in_code_segment(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] &= ~3l;
}

static void no_stack_segment(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] &= 0xffffffffffff;
}

static void no_stack_segment_and_not_strict(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] &= 0xffffffffffff;
	uc->uc_flags &= ~4ul;
}

static void no_flags(ucontext_t *uc)
{
	uc->uc_flags = 0;
}

static void all_flags(ucontext_t *uc)
{
	uc->uc_flags = ~0ul;
}

static void returns_from_nowhere(void)
{
	__asm__ volatile("mov %0, %%rsp\n mov $15, %%eax\n syscall\n" : : "r"(nowhere()) : "memory");
}

static void returns_from_the_kernel(void)
{
	__asm__ volatile("mov $0xffff800000100000, %%rsp\n mov $15, %%eax\n syscall\n" : : : "memory");
}

static void test_spoilt(void)
{
	in_spoilt("nothing", nothing);
	in_spoilt("a feature that there is not", unknown_feature);
	in_spoilt("a compacted header", compacted);
	in_spoilt("reserved bytes of the header", reserved_header);
	in_spoilt("no features", no_features);
	in_spoilt("magic1", no_magic1);
	in_spoilt("magic2", no_magic2);
	in_spoilt("xstate_size, too large", too_large);
	in_spoilt("xstate_size, too small", too_small);
	in_spoilt("xfeatures", other_features);
	in_spoilt("no state", no_state);
	in_spoilt("state nowhere", state_nowhere);
	in_spoilt("state in the kernel", state_in_the_kernel);
	in_spoilt("state that is not aligned", state_not_aligned);
	in_spoilt("state elsewhere", state_elsewhere);
	in_spoilt("an address that is not canonical", far_away);
	in_spoilt("an address of the kernel's", into_the_kernel);
	in_spoilt("no code segment", no_code_segment);
	in_spoilt("the kernel's code segment", kernel_code_segment);
	in_spoilt("a code segment without privilege", no_privilege_in_code_segment);
	in_spoilt("no stack segment", no_stack_segment);
	in_spoilt("no stack segment, not strict", no_stack_segment_and_not_strict);
	in_spoilt("no flags", no_flags);
	in_spoilt("all flags", all_flags);
	in_child("a frame nowhere", returns_from_nowhere);
	in_child("a frame in the kernel", returns_from_the_kernel);
}

/* --- faults --------------------------------------------------------------------------------------------- */

static sigjmp_buf back;
static struct {
	int signo, code;
	long trap, error, address, at, cr2;
} fault;

static void notes_fault(int signo, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	fault.signo = signo;
	fault.code = info->si_code;
	fault.trap = r[REG_TRAPNO];
	fault.error = r[REG_ERR];
	fault.address = (long)info->si_addr;
	fault.at = r[REG_RIP];
	fault.cr2 = r[REG_CR2];
	siglongjmp(back, 1);
}

static void tell_fault(const char *what, long expected)
{
	calls_value(what, fault.signo);
	VALUE(fault.code);
	VALUE(fault.trap);
	VALUE(fault.error);
	calls_value("si_addr is where it happened", fault.address == expected);
	calls_value("si_addr is the instruction", fault.address == fault.at);
	VALUE(fault.address == 0);
	if (fault.trap == 14)
		VALUE(fault.cr2 == fault.address);
}

#define FAULT(what, expected, ...)                             \
	do {                                                   \
		memset(&fault, 0, sizeof(fault));              \
		if (sigsetjmp(back, 1) == 0)                   \
			__asm__ volatile(__VA_ARGS__);         \
		tell_fault(what, (long)(uintptr_t)(expected)); \
	} while (0)

static void test_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	char *none = nowhere(), *kernel = (void *)0xffffffff80200000, *hole = (void *)(1l << 60);
	char *constant = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file_with("short", ""), 0);
	volatile char sum = *(volatile char *)constant;
	uint16_t unmasked = 0x037b;

	(void)sum;
	memset(data, 0xc3, 4096);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		on(signals[i], notes_fault, 0);
	FAULT("a read of nothing", none, "movb (%0), %%al" : : "r"(none) : "rax");
	FAULT("a write to nothing", none + 5, "movb $1, 5(%0)" : : "r"(none));
	FAULT("a jump to nothing", none, "jmp *%0" : : "r"(none));
	FAULT("a read of address 8", 8, "movb (%0), %%al" : : "r"(8l) : "rax");
	FAULT("a write to a constant page", constant, "movb $1, (%0)" : : "r"(constant));
	FAULT("a write to a constant page never read", constant + 4096, "movb $1, 4096(%0)"
	      :
	      : "r"(constant));
	FAULT("a read of a closed page", closed, "movb (%0), %%al" : : "r"(closed) : "rax");
	FAULT("a jump to data", data, "jmp *%0" : : "r"(data));
	FAULT("a read of the kernel", kernel, "movb (%0), %%al" : : "r"(kernel) : "rax");
	FAULT("a write to the kernel", kernel, "movb $1, (%0)" : : "r"(kernel));
	FAULT("a jump into the kernel", kernel, "jmp *%0" : : "r"(kernel));
	FAULT("a read of unmapped addresses of the kernel", -4096l, "movb (%0), %%al"
	      :
	      : "r"(-4096l)
	      : "rax");
	FAULT("an address that is not canonical", hole, "movb (%0), %%al" : : "r"(hole) : "rax");
	FAULT("a write beyond the file", beyond, "movb $1, (%0)" : : "r"(beyond));
	FAULT("a read beyond the file", beyond + 9, "movb 9(%0), %%al" : : "r"(beyond) : "rax");
	FAULT("a division by zero", 0, "xor %%ecx, %%ecx\n div %%ecx" : : : "rax", "rcx", "rdx");
	FAULT("a quotient too large", 0, "mov $1, %%ecx\n mov $1, %%edx\n div %%ecx"
	      :
	      :
	      : "rax", "rcx", "rdx");
	FAULT("x87: a division by zero", 0, "fninit\n fldcw %0\n fld1\n fldz\n fdivrp\n fwait"
	      :
	      : "m"(unmasked));
	__asm__ volatile("fninit");
	FAULT("ud2", 0, "ud2");
	FAULT("int3", 0, "int3");
	FAULT("int $3", 0, ".byte 0xcd, 3");
	FAULT("int $4", 0, "int $4");
	FAULT("int1", 0, ".byte 0xf1");
	FAULT("int $0x81", 0, "int $0x81");
	FAULT("hlt", 0, "hlt");
	FAULT("cli", 0, "cli");
	FAULT("in", 0, "inb $0x80, %%al" : : : "rax");
	FAULT("a selector", 0, "mov $0x1234, %%eax\n mov %%ax, %%ds" : : : "rax");
	FAULT("a single step", 0, "pushfq\n orl $0x100, (%%rsp)\n popfq\n nop\n nop" : : : "cc");
}

/* --- stacks for signals --------------------------------------------------------------------------------- */

static char stack[65536] __attribute__((aligned(64))), other[65536] __attribute__((aligned(64)));
static int depth;

static bool is_in(const char *s, const void *at)
{
	return (const char *)at >= s && (const char *)at < s + sizeof(stack);
}

static int set_stack(char *s, size_t size, unsigned flags)
{
	stack_t st = { .ss_sp = s, .ss_size = size, .ss_flags = (int)flags };

	return sigaltstack(&st, NULL);
}

static void tell_stack(void)
{
	stack_t now;

	RESULT(sigaltstack(NULL, &now));
	VALUE(now.ss_sp == stack ? 1 : now.ss_sp == other ? 2 : now.ss_sp == NULL ? 0 : -1);
	VALUE(now.ss_size);
	VALUE(now.ss_flags);
}

static void tells_stack(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	char here;

	(void)signo;
	(void)info;
	VALUE(depth);
	VALUE(is_in(stack, &here) ? 1 : is_in(other, &here) ? 2 : 0);
	VALUE(uc->uc_stack.ss_sp == stack ? 1 : uc->uc_stack.ss_sp == other ? 2 : 0);
	VALUE(uc->uc_stack.ss_size);
	VALUE(uc->uc_stack.ss_flags);
	tell_stack();
	RESULT(set_stack(other, sizeof(other), 0));
	RESULT(set_stack(NULL, 0, SS_DISABLE));
	RESULT(set_stack(stack, sizeof(stack), 5));
	if (depth++ == 0)
		raise(SIGUSR1);
}

/* Twice, one within the other, with a stack set in this way. */
static void nests(unsigned flags)
{
	depth = 0;
	RESULT(set_stack(stack, sizeof(stack), flags));
	tell_stack();
	on(SIGUSR1, tells_stack, SA_ONSTACK | SA_NODEFER);
	RESULT(raise(SIGUSR1));
	tell_stack();
}

static void test_nesting(void)
{
	tell_stack();
	nests(0);
	nests(SS_ONSTACK);
	nests(SS_AUTODISARM);
	nests(SS_DISABLE);
	nests(SS_AUTODISARM | SS_DISABLE);
}

/* With SS_AUTODISARM a handler may set its own stack anew: the next one starts at its top again. */
static void rearms(int signo, siginfo_t *info, void *context)
{
	static char *first;
	char here;

	(void)signo;
	(void)info;
	(void)context;
	if (depth++ == 0) {
		first = &here;
		RESULT(set_stack(stack, 32768, SS_AUTODISARM));
		tell_stack();
		raise(SIGUSR1);
		VALUE(depth);
	} else {
		VALUE(is_in(stack, &here));
		VALUE(&here < first);
		_exit(0);
	}
}

static void rearmed(void)
{
	set_stack(stack, sizeof(stack), SS_AUTODISARM);
	on(SIGUSR1, rearms, SA_ONSTACK | SA_NODEFER);
	raise(SIGUSR1);
}

static void again(int signo, siginfo_t *info, void *context)
{
	volatile char much[1024] = { 0 };

	(void)info;
	(void)context;
	raise(signo + much[0]);
}

static void overflows(void)
{
	set_stack(stack, 16384, 0);
	on(SIGUSR1, again, SA_ONSTACK | SA_NODEFER);
	raise(SIGUSR1);
}

static void overflows_with_handler(void)
{
	on(SIGSEGV, again, SA_ONSTACK | SA_NODEFER);
	overflows();
}

/* On its own stack the handler of the overflow hears of it. */
static void leaves_with_3(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	_exit(info->si_code == SI_KERNEL ? 3 : 4);
}

static void overflow_is_told(void)
{
	on(SIGSEGV, leaves_with_3, 0);
	overflows();
}

static volatile int sink;

__attribute__((noinline)) static int recurses(int n)
{
	volatile char much[512] = { 0 };

	return n < 0 ? 0 : recurses(n + 1 + much[0]) + much[1];
}

static void notes_overflow(int signo, siginfo_t *info, void *context)
{
	greg_t sp = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
	char here;

	(void)signo;
	VALUE(is_in(stack, &here));
	VALUE(info->si_code);
	VALUE((long)info->si_addr - sp < 4096 && sp - (long)info->si_addr < 4096);
	siglongjmp(back, 1);
}

static void test_overflow(void)
{
	in_child("nested until no room is left", overflows);
	in_child("the same with a handler on that stack", overflows_with_handler);
	in_child("the same with a handler on the other", overflow_is_told);
	in_child("set anew by the handler", rearmed);
	set_stack(stack, sizeof(stack), 0);
	on(SIGSEGV, notes_overflow, SA_ONSTACK);
	for (int i = 0; i < 2; i++)
		if (sigsetjmp(back, 1) == 0)
			sink = recurses(0);
	tell_stack();
}

/* A frame that finds no room: half of the stack is not there. */
static void half_a_stack(void)
{
	char *half = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(half + 32768, 32768);
	set_stack(half, 65536, 0);
	on(SIGUSR1, again, SA_ONSTACK);
	raise(SIGUSR1);
}

static void half_a_stack_is_told(void)
{
	on(SIGSEGV, leaves_with_3, 0);
	half_a_stack();
}

static void sizes(void)
{
	RESULT(set_stack(stack, 2047, 0));
	RESULT(set_stack(stack, 2048, 0));
	RESULT(set_stack(stack, 0, 0));
	RESULT(set_stack(stack, 2047, SS_DISABLE));
	RESULT(set_stack(stack, sizeof(stack), 2 | SS_AUTODISARM));
	RESULT(set_stack(stack, sizeof(stack), 3));
	RESULT(set_stack(stack, sizeof(stack), 1 << 30));
	RESULT(set_stack(NULL, sizeof(stack), 0));
	tell_stack();
}

static void *tells(void *arg)
{
	(void)arg;
	tell_stack();
	return NULL;
}

static void tells_it(void)
{
	tell_stack();
}

static void tells_in_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		tell_stack();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void test_inheritance(void)
{
	pthread_t thread;

	in_child("half of it is not there", half_a_stack);
	in_child("half of it is not there, with a handler", half_a_stack_is_told);
	in_child("sizes and flags", sizes);
	set_stack(stack, sizeof(stack), 0);
	in_child("after fork", tells_it);
	in_child("after vfork", tells_in_vfork);
	pthread_create(&thread, NULL, tells, NULL);
	pthread_join(thread, NULL);
}

static void test_exec(void)
{
	char *const argv[] = { "frames", "--tell", NULL };

	set_stack(stack, sizeof(stack), 0);
	execv("/proc/self/exe", argv);
}

static const struct calls told[] = { { "sigaltstack execve", tells_it } };

static const struct calls table[] = {
	{ "rt_sigreturn", test_layout },     { "rt_sigreturn", test_registers },
	{ "rt_sigreturn", test_vectors },    { "rt_sigreturn", test_spoilt },
	{ "rt_sigaction", test_faults },     { "sigaltstack rt_sigreturn", test_nesting },
	{ "sigaltstack", test_overflow },    { "sigaltstack", test_inheritance },
	{ "sigaltstack execve", test_exec },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--tell") == 0)
		return calls_run(told, 1, 1, argv);
	return calls_run(table, sizeof(table) / sizeof(table[0]), argc, argv);
}

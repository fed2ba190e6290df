/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64's half of <arch/context.h>.  entry.asm builds struct arch_regs and saves into struct
 * arch_context; offsets.inc repeats the layout and percpu.c asserts that both agree.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct debug_regs;

/* What a task keeps while it does not run; callee-saved registers lie on its kernel stack. */
struct arch_context {
	uint64_t sp;      /* kernel stack pointer */
	uint64_t fs_base; /* user thread pointer */
	uint64_t gs_base; /* user's GS */
	void *fpu;        /* XSAVE or FXSAVE area; NULL: a task that never leaves the kernel */
	void *quick;      /* the same, unless a switch from or to it has more to do (switch.h): then NULL */
	struct debug_regs *debug; /* its breakpoints; NULL: none */
	uint64_t debug_status;    /* what its last debug exception was, as DR6 says it */
	bool stepped;             /* a debugger has set TF */
};

/* arch_regs.vector of a system call; `error` then holds the call's number. */
#define REGS_VECTOR_SYSCALL 256u
/* arch_regs.vector of registers made up by the kernel: a fresh program, a return from a signal. */
#define REGS_VECTOR_NONE 257u
/* The same as of a system call, but a debugger has changed registers: SYSRET cannot leave with them. */
#define REGS_VECTOR_CHANGED_SYSCALL 258u

/* The machine's name for filters of calls and in SIGSYS: EM_X86_64, 64 bits, little endian. */
#define ARCH_AUDIT 0xc000003eu

/* One full frame for every entry: what the entry code pushes, lowest address first. */
struct arch_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, rcx, rax;
	uint64_t rdi, rsi, rdx, r10, r8, r9; /* the arguments of a system call, in their order */
	uint64_t vector;
	uint64_t error; /* the CPU's error code, or the number of the system call */
	uint64_t rip, cs, rflags, rsp, ss;
};

/* The inline half: see <arch/context.h>. */

/* No register survives, so the compiler saves those that it needs, and no others.  (RBP may be its frame
 * pointer, which cannot be named here.) */
static __always_inline void arch_context_jump(struct arch_context *from, struct arch_context *to)
{
	uint64_t *save = &from->sp, load = to->sp;

	__asm__ volatile("pushq %%rbp; call context_switch; popq %%rbp"
			 : "+D"(save), "+S"(load)
			 :
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			   "memory", "cc");
}

/* From here on: on the way of every system call. */

static inline const uint64_t *arch_regs_syscall_args(const struct arch_regs *regs)
{
	return &regs->rdi;
}

static inline struct arch_regs *arch_regs_of_args(const uint64_t *args)
{
	return (struct arch_regs *)((char *)(uintptr_t)args - offsetof(struct arch_regs, rdi));
}

static inline void arch_regs_set_syscall_arg(struct arch_regs *regs, unsigned n, uint64_t value)
{
	(&regs->rdi)[n] = value;
}

static inline int64_t arch_regs_syscall(const struct arch_regs *regs)
{
	bool call = regs->vector == REGS_VECTOR_SYSCALL || regs->vector == REGS_VECTOR_CHANGED_SYSCALL;

	return call ? (int64_t)regs->error : -1;
}

static inline uint64_t arch_regs_syscall_number(const struct arch_regs *regs)
{
	return regs->error;
}

static inline void arch_regs_set_result(struct arch_regs *regs, int64_t value)
{
	regs->rax = (uint64_t)value;
}

static inline int64_t arch_regs_result(const struct arch_regs *regs)
{
	return (int64_t)regs->rax;
}

static inline void arch_message_pass(struct arch_context *to, size_t size)
{
	void *area = to->fpu;

	__asm__ volatile("call message_pass"
			 : "+D"(area), "+S"(size)
			 :
			 : "rax", "rcx", "rdx", "memory", "cc");
}

static inline void arch_regs_set_message(struct arch_regs *regs, uint64_t tag, uint64_t badge,
					 uint64_t cookie, uint64_t rights)
{
	regs->rdx = tag;
	regs->r8 = badge;
	regs->r9 = cookie;
	regs->r10 = rights;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching between kernel contexts, and the registers of user threads. */
#include <arch/context.h>

#include <kernel/sched.h>
#include <kernel/string.h>

#include "cpu.h"
#include "switch.h"
#include "x86.h"

void enter_user(struct arch_regs *regs) __noreturn;

/* What a new context's first switch finds, lowest address first.  The stack is 16-byte aligned above it. */
struct first_frame {
	uint64_t return_address;
	uint64_t entry, arg; /* popped by context_first_run */
};

void arch_context_init(struct arch_context *ctx, void *stack_top, void (*entry)(void *), void *arg)
{
	/* Below the user registers, which clone and exec fill in before or while the function runs. */
	struct first_frame *frame = (struct first_frame *)((struct arch_regs *)stack_top - 1) - 1;

	*frame = (struct first_frame){ (uint64_t)context_first_run, (uint64_t)entry, (uint64_t)arg };
	ctx->sp = (uint64_t)frame;
}

static inline uint64_t stack_top(const struct task *task)
{
	return (uint64_t)task->kernel_stack + KERNEL_STACK_SIZE;
}

static inline void tell_cpu(struct task *to)
{
	struct cpu *cpu = arch_this_cpu();

	cpu->current = to;
	cpu->canary = to->canary;
	cpu->kernel_stack = stack_top(to);
	cpu->arch->tss.rsp[0] = cpu->kernel_stack;
}

static __noinline void change_slowly(struct task *from, struct task *to)
{
	switch_state_slowly(&from->context, &to->context);
	tell_cpu(to);
}

void arch_context_change(struct task *from, struct task *to)
{
	/* By itself, so that the quick way saves no registers for what the other calls. */
	if (!switch_is_quick(&from->context, &to->context)) {
		change_slowly(from, to);
		return;
	}
	switch_state_quickly(&from->context, &to->context);
	tell_cpu(to);
}

struct arch_regs *arch_user_regs(struct task *task)
{
	return (struct arch_regs *)stack_top(task) - 1;
}

void arch_regs_start(struct arch_regs *regs, uaddr_t entry, uaddr_t stack)
{
	*regs = (struct arch_regs){
		.vector = REGS_VECTOR_NONE,
		.rip = entry,
		.cs = SEL_USER_CODE,
		.rflags = FLAGS_IF | FLAGS_ONE,
		.rsp = stack,
		.ss = SEL_USER_DATA,
	};
}

void arch_enter_user(void)
{
	struct task *task = arch_current_task();

	arch_irq_disable();
	/* The idle task of start-up was given its stack by the boot code, not by a switch. */
	ASSERT(arch_this_cpu()->kernel_stack == stack_top(task));
	enter_user(arch_user_regs(task));
}

uint64_t arch_regs_pc(const struct arch_regs *regs)
{
	return regs->rip;
}

uint64_t arch_regs_sp(const struct arch_regs *regs)
{
	return regs->rsp;
}

uint64_t arch_regs_frame_pointer(const struct arch_regs *regs)
{
	return regs->rbp;
}

bool arch_regs_user(const struct arch_regs *regs)
{
	return (regs->cs & 3) != 0;
}

void arch_regs_set_pc(struct arch_regs *regs, uaddr_t pc)
{
	regs->rip = pc;
}

void arch_regs_set_sp(struct arch_regs *regs, uaddr_t sp)
{
	regs->rsp = sp;
}

void arch_regs_restart_as(struct arch_regs *regs, int64_t number)
{
	regs->rax = (uint64_t)number;
	regs->rip -= 2; /* the length of SYSCALL */
	regs->vector = REGS_VECTOR_NONE;
}

void arch_regs_restart_syscall(struct arch_regs *regs)
{
	arch_regs_restart_as(regs, (int64_t)regs->error);
}

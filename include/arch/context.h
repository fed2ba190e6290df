/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: a task's saved state, user registers, FPU, thread pointer.
 * <arch/context_impl.h> defines struct arch_context (kernel stack pointer, thread pointers, FPU area)
 * and struct arch_regs (what entry code saves at the top of the kernel stack).
 */
#pragma once

#include <arch/context_impl.h>
#include <kernel/types.h>

struct task;

/* Fill in a context that starts in entry(arg) with interrupts off, on the stack ending at stack_top. */
void arch_context_init(struct arch_context *ctx, void *stack_top, void (*entry)(void *), void *arg);
/* A switch has two steps, with interrupts off.  First all but the stack: vector registers, thread pointers,
 * and what the processor knows of the running task. */
void arch_context_change(struct task *from, struct task *to);
/* Then, inline in <arch/context_impl.h>, the stack; returns when somebody jumps back.
 *	void arch_context_jump(struct arch_context *from, struct arch_context *to)
 */

/* The user registers of a task, at the top of its kernel stack; valid for user threads only. */
struct arch_regs *arch_user_regs(struct task *task);
/* Registers of a fresh program: everything zero but instruction and stack pointer. */
void arch_regs_start(struct arch_regs *regs, uaddr_t entry, uaddr_t stack);
/* Leave for user mode with arch_user_regs(current), after user_return_work(). */
void arch_enter_user(void) __attribute__((noreturn));

uint64_t arch_regs_pc(const struct arch_regs *regs);
uint64_t arch_regs_sp(const struct arch_regs *regs);
uint64_t arch_regs_frame_pointer(const struct arch_regs *regs);
bool arch_regs_user(const struct arch_regs *regs);
void arch_regs_set_pc(struct arch_regs *regs, uaddr_t pc);
void arch_regs_set_sp(struct arch_regs *regs, uaddr_t sp);
/* Inline, in <arch/context_impl.h>:
 *	int64_t arch_regs_syscall(regs)                the system call in progress, -1 if the entry was none
 *	uint64_t arch_regs_syscall_number(regs)        the same where it is known that it was one
 *	const uint64_t *arch_regs_syscall_args(regs)   its six arguments, where they were saved
 *	struct arch_regs *arch_regs_of_args(args)      whose they are, back again
 *	void arch_regs_set_syscall_arg(regs, n, value) for when it is begun anew
 * *	void arch_regs_set_result(regs, value), int64_t arch_regs_result(regs)
 *	ARCH_AUDIT                                     the machine as Linux's AUDIT_ARCH_* number it
 */
void arch_regs_restart_syscall(struct arch_regs *regs);
void arch_regs_restart_as(struct arch_regs *regs, int64_t number); /* another call in its place */

/* FPU/SSE/AVX state.  The area hangs off arch_context; -ENOMEM. */
int arch_fpu_alloc(struct arch_context *ctx) __attribute__((warn_unused_result));
void arch_fpu_free(struct arch_context *ctx);
void arch_fpu_reset(struct task *task);                 /* exec: initial state; task is current */
void arch_fpu_copy(struct task *to, struct task *from); /* fork; from is current */

/* Thread pointers (arch_prctl and CLONE_SETTLS).  -EPERM for a non-user address. */
int arch_set_tls(struct task *task, uaddr_t base) __attribute__((warn_unused_result));
void arch_tls_copy(struct task *to, struct task *from); /* fork; from is current */
void arch_tls_reset(struct task *task);                 /* exec: no thread pointer; task is current */
/* arch_prctl(2) on the running task. */
int64_t arch_prctl(int code, uaddr_t addr);

/* Signal frames, in Linux's layout.  Push builds the frame on the user stack (or `altstack_top` when
 * non-zero) and redirects regs to the handler; -EFAULT when the stack cannot be written.
 * Return restores from the frame at the stack pointer; -EFAULT or -EINVAL for a bad frame. */
struct arch_sigframe_info {
	uaddr_t handler, restorer;
	uint64_t mask;        /* to restore on return */
	uaddr_t altstack_top; /* 0: stay on this stack */
	bool within_altstack; /* no frame that would lie below it */
	uint64_t ss_sp, ss_size;
	uint32_t ss_flags;   /* uc_stack */
	const void *siginfo; /* struct abi_siginfo */
	int signo;
};
int arch_signal_push(struct arch_regs *regs, const struct arch_sigframe_info *info);
int arch_signal_return(struct arch_regs *regs, uint64_t *mask, uint64_t *ss_sp, uint64_t *ss_size,
		       uint32_t *ss_flags);

/* Walk the kernel stack from a frame pointer; returns the number of return addresses written. */
size_t arch_backtrace(uint64_t frame_pointer, uintptr_t *out, size_t max);
/* All registers as text, several lines. */
int arch_regs_describe(const struct arch_regs *regs, char *buf, size_t size);

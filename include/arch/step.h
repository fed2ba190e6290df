/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: a debugger's traps.  But where it says otherwise the task is a user thread that does
 * not run, or the running one.
 */
#pragma once

#include <kernel/types.h>

struct arch_context;
struct task;

/* An exception after one instruction of the program, until told otherwise; registers that a debugger reads do
 * not show it. */
void arch_step(struct task *task, bool on);
/* A new thread has a copy of the running one's registers: nobody steps it yet. */
void arch_step_not_inherited(struct task *child);

/* Words of Linux's struct user behind the general registers, by their offsets, which are multiples of 8 below
 * ARCH_USER_SIZE (<arch/elf_impl.h>): debug registers; all else is 0.  A task that does not run.  -EIO: not
 * to be set; -EINVAL: no such breakpoint; -ENOMEM. */
uint64_t arch_debug_register(const struct task *task, uint64_t offset);
int arch_set_debug_register(struct task *task, uint64_t offset, uint64_t value)
	__attribute__((warn_unused_result));
/* exec: the running task has no breakpoints any more. */
void arch_debug_reset(struct task *task);
void arch_debug_free(struct arch_context *ctx);

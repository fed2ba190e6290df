/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: a user thread's registers in the layouts that debuggers and core files of Linux know,
 * by the type of the note that holds them.  The thread is the running one, or does not run.
 */
#pragma once

#include <stddef.h>

struct task;

/* Defined by the machine's <arch/elf_impl.h>: ARCH_ELF_GREGS_SIZE, ARCH_ELF_FPREGS_SIZE, ARCH_USER_SIZE. */
#include <arch/elf_impl.h>

/* NT_PRSTATUS's registers: struct user_regs_struct.  Among them is the number of the system call that it is
 * in, else -1. */
void arch_elf_gregs(struct task *task, void *out);
/* NT_PRFPREG: struct user_fpregs_struct. */
void arch_elf_fpregs(struct task *task, void *out);
/* NT_X86_XSTATE: the XSAVE area; 0: the machine has none. */
size_t arch_elf_xstate_size(void);
void arch_elf_xstate(struct task *task, void *out);

/*
 * Back again, of a task that does not run: all of it, checked first.  No value can bring more than the
 * program could have by itself.  Whoever changes general registers has the system call, where there is one,
 * end with these.  -EIO, or -EINVAL, -EFAULT for the others: nothing has changed.
 */
int arch_elf_set_gregs(struct task *task, const void *in, size_t size) __attribute__((warn_unused_result));
int arch_elf_set_fpregs(struct task *task, const void *in, size_t size) __attribute__((warn_unused_result));
int arch_elf_set_xstate(struct task *task, const void *in, size_t size) __attribute__((warn_unused_result));

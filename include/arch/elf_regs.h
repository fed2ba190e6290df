/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: a user thread's registers in the layouts that debuggers and core files of Linux know,
 * by the type of the note that holds them.  The thread is the running one, or does not run.
 */
#pragma once

#include <stddef.h>

struct task;

/* Defined by the machine's <arch/elf_impl.h>: ARCH_ELF_GREGS_SIZE, ARCH_ELF_FPREGS_SIZE. */
#include <arch/elf_impl.h>

/* NT_PRSTATUS's registers: struct user_regs_struct.  Among them is the number of the system call that it is
 * in, else -1. */
void arch_elf_gregs(struct task *task, void *out);
/* NT_PRFPREG: struct user_fpregs_struct. */
void arch_elf_fpregs(struct task *task, void *out);
/* NT_X86_XSTATE: the XSAVE area; 0: the machine has none. */
size_t arch_elf_xstate_size(void);
void arch_elf_xstate(struct task *task, void *out);

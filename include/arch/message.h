/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: messages in vector registers.  A program's system call leaves its message registers
 * as they are, so a small message crosses the kernel without memory of its own.
 *
 * Each of these moves `size` bytes, 0 to ARCH_MESSAGE_SIZE, low bytes first, and nothing that lies beyond
 * them: the rest of the register that the last byte is in becomes zero, and those after it, like all other
 * vector state, stay what the receiver had, or zero.  The running task is a user thread; its registers are
 * its own across preemption and sleep.
 */
#pragma once

#include <arch/context_impl.h>
#include <kernel/types.h>

#define ARCH_MESSAGE_SIZE 128u

/* The running task's message registers into memory; `buffer` has room for whole registers (16 bytes). */
void arch_message_store(void *buffer, size_t size);
/* From memory into the running task's message registers, all of which change. */
void arch_message_load(const void *buffer, size_t size);
/* Inline, in <arch/context_impl.h>:
 *	void arch_message_pass(struct arch_context *to, size_t size)
 * from the running task's registers into those of a user thread that does not run, and whose run queue is
 * locked: it has them when it runs next;
 *	void arch_regs_set_message(regs, tag, badge, cookie, rights)
 * what comes with a small message, into registers of the system call.
 */

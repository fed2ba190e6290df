/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: the processor.  The inline half is the machine's own arch/cpu_impl.h. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/percpu.h>

/* Defined inline by the machine's <arch/cpu_impl.h>:
 *
 *	struct cpu *arch_this_cpu(void)           stable only with preemption or interrupts off
 *	struct task *arch_current_task(void)      one instruction: always right
 *	void arch_preempt_count_add(int n)        one instruction: always right
 *	uint32_t arch_preempt_count(void)
 *	bool arch_resched_pending(void)           a switch was asked for and preemption is on
 *	uint64_t arch_irq_save(void)              interrupts off; the former state
 *	void arch_irq_restore(uint64_t flags)
 *	void arch_irq_enable(void), arch_irq_disable(void)
 *	bool arch_irqs_enabled(void)
 *	void arch_cpu_relax(void)                 in spin loops
 *	uint64_t arch_cycles(void)                free-running cycle counter
 *	uint64_t arch_cycles_ordered(void)        the same, read after all loads before it: a reading that
 *	                                          another CPU handed over is never later
 */
#include <arch/cpu_impl.h>

struct arch_regs;

/* Start-up of the processor and its tables, in this order (see kernel/core/main.c). */
void arch_cpu_init_early(void); /* CR0/CR4/EFER pinned, GDT, TSS, IDT, exceptions: panics work after it */
void arch_cpu_init(void);       /* after the allocators: IST stacks, FPU sizes, system-call entry */
/* Make the tables read-only and drop start-up memory; the last step before the first program. */
void arch_seal(void);

/* What this CPU fetches from here on are the instructions that memory holds now. */
void arch_sync_core(void);
/* Stop this CPU for good. */
void arch_cpu_halt(void) __noreturn;

/* Up to `len` bytes from the CPU's own random source; returns how many. */
size_t arch_random(void *buf, size_t len);

/* Text for /proc/cpuinfo, in Linux's format.  Returns the length. */
int arch_cpu_describe(uint32_t cpu, char *buf, size_t size);

/* Reset by the machine's own last resorts (keyboard controller, triple fault). */
void arch_reset(void) __noreturn;

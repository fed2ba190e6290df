/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64's inline half of <arch/cpu.h>.  GS points at this CPU's struct cpu while in the kernel; the
 * offsets used here are asserted in arch/x86_64/percpu.c.
 *
 * Reads of what may change under the reader's feet are volatile; `current` is not: it never changes
 * within one flow of control, so the compiler may keep it in a register.
 */
#pragma once

#include <kernel/compiler.h>

#define CPU_OFFSET_SELF    0
#define CPU_OFFSET_CURRENT 8
#define CPU_OFFSET_PREEMPT 52
#define CPU_OFFSET_RESCHED 60

#define X86_FLAGS_IF (1ull << 9)

struct cpu;
struct task;

static __always_inline struct cpu *arch_this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(cpu) : "i"(CPU_OFFSET_SELF));
	return cpu;
}

static __always_inline struct task *arch_current_task(void)
{
	struct task *task;

	__asm__("movq %%gs:%c1, %0" : "=r"(task) : "i"(CPU_OFFSET_CURRENT));
	return task;
}

static __always_inline void arch_preempt_count_add(int n)
{
	__asm__ volatile("addl %0, %%gs:%c1" : : "ri"(n), "i"(CPU_OFFSET_PREEMPT) : "memory", "cc");
}

static __always_inline uint32_t arch_preempt_count(void)
{
	uint32_t n;

	__asm__ volatile("movl %%gs:%c1, %0" : "=r"(n) : "i"(CPU_OFFSET_PREEMPT) : "memory");
	return n;
}

static __always_inline bool arch_resched_pending(void)
{
	uint32_t resched;

	__asm__ volatile("movl %%gs:%c1, %0" : "=r"(resched) : "i"(CPU_OFFSET_RESCHED) : "memory");
	return unlikely(resched != 0) && arch_preempt_count() == 0;
}

static __always_inline uint64_t arch_irq_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags;
}

static __always_inline void arch_irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static __always_inline void arch_irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static __always_inline uint64_t arch_irq_save(void)
{
	uint64_t flags = arch_irq_flags();

	arch_irq_disable();
	return flags;
}

static __always_inline void arch_irq_restore(uint64_t flags)
{
	if (flags & X86_FLAGS_IF)
		arch_irq_enable();
}

static __always_inline bool arch_irqs_enabled(void)
{
	return arch_irq_flags() & X86_FLAGS_IF;
}

static __always_inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static __always_inline uint64_t arch_cycles(void)
{
	uint64_t low, high; /* of 32 bits each: the instruction clears the rest */

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}

/* RDTSC waits for nothing before it; LFENCE in front makes it wait for all loads (Intel SDM vol. 2B, RDTSC).
 */
static __always_inline uint64_t arch_cycles_ordered(void)
{
	uint64_t low, high; /* of 32 bits each: the instruction clears the rest */

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return high << 32 | low;
}

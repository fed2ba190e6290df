/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract's inline half on the host: one CPU, no interrupts, no preemption. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kernel/percpu.h>

static inline struct cpu *arch_this_cpu(void)
{
	static struct cpu cpu;

	return &cpu;
}

static inline struct task *arch_current_task(void)
{
	return NULL;
}

static inline void arch_preempt_count_add(int n)
{
	(void)n;
}

static inline uint32_t arch_preempt_count(void)
{
	return 0;
}

static inline bool arch_resched_pending(void)
{
	return false;
}

static inline uint64_t arch_irq_save(void)
{
	return 0;
}

static inline void arch_irq_restore(uint64_t flags)
{
	(void)flags;
}

static inline void arch_irq_enable(void) {}
static inline void arch_irq_disable(void) {}

static inline bool arch_irqs_enabled(void)
{
	return true;
}

static inline void arch_cpu_relax(void) {}

static inline uint64_t arch_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

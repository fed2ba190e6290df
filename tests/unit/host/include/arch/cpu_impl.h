/* SPDX-License-Identifier: BSD-2-Clause */
/* The inline half of <arch/cpu.h> for code that runs on the host: threads as CPUs, no interrupts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct task;

/* tests/unit/host/cpu.c */
extern struct cpu host_cpu;
extern _Thread_local struct cpu *host_this_cpu;
extern _Thread_local struct task *host_current_task; /* NULL, unless a test sets it */
extern _Atomic bool host_has_threads;
void host_yield(void);

static inline struct cpu *arch_this_cpu(void)
{
	return host_this_cpu;
}

static inline struct task *arch_current_task(void)
{
	return host_current_task;
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

/* Without threads nobody else runs who could let go of the lock. */
static inline void arch_cpu_relax(void)
{
	if (!host_has_threads)
		__builtin_trap();
	host_yield();
}

/* Time stands still unless a test moves it. */
extern uint64_t host_cycles;

static inline uint64_t arch_cycles(void)
{
	return host_cycles;
}

static inline uint64_t arch_cycles_ordered(void)
{
	return arch_cycles();
}

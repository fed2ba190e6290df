/* SPDX-License-Identifier: BSD-2-Clause */
/* Preemption control.  Nests; preempt_enable() switches if a switch was asked for meanwhile. */
#pragma once

#include <arch/cpu.h>
#include <kernel/compiler.h>

void preempt_schedule(void);

static inline void preempt_disable(void)
{
	arch_preempt_count_add(1);
	__asm__ volatile("" ::: "memory");
}

static inline void preempt_enable_no_resched(void)
{
	__asm__ volatile("" ::: "memory");
	arch_preempt_count_add(-1);
}

static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Non-maskable interrupts: how one CPU reaches another that keeps its interrupts off, to learn where it is
 * or to halt it.  What was interrupted may hold any lock, so the handler writes to its own CPU's struct
 * arch_cpu and nothing else.
 */
#include "nmi.h"

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <kernel/printk.h>
#include <kernel/time.h>

#include "apic.h"
#include "cpu.h"

#define ANSWER_NS (100 * NSEC_PER_MSEC)

static atomic_bool stopping;

static void note_place(struct arch_cpu *cpu, const struct arch_regs *regs)
{
	size_t n = 0;

	cpu->trace[n++] = regs->rip;
	if (!arch_regs_user(regs))
		n += arch_backtrace(regs->rbp, cpu->trace + n, ARRAY_SIZE(cpu->trace) - n);
	atomic_store_explicit(&cpu->trace_count, (uint32_t)n, memory_order_release);
}

void nmi_handle(const struct arch_regs *regs)
{
	struct arch_cpu *cpu = arch_this_cpu()->arch;

	if (atomic_load_explicit(&stopping, memory_order_relaxed)) {
		note_place(cpu, regs);
		arch_cpu_halt();
	}
	if (atomic_exchange_explicit(&cpu->trace_wanted, 0, memory_order_relaxed))
		note_place(cpu, regs);
	else
		cpu->nmi_count++;
}

void nmi_report(void)
{
	struct arch_cpu *cpu = arch_this_cpu()->arch;
	uint32_t count = READ_ONCE(cpu->nmi_count);

	if (likely(count == cpu->nmi_reported) || time_now_ns() < cpu->nmi_next_report_ns)
		return;
	cpu->nmi_next_report_ns = time_now_ns() + NSEC_PER_SEC;
	pr_warn("cpu %u: %u non-maskable interrupt(s) of unknown cause", arch_this_cpu()->id,
		count - cpu->nmi_reported);
	cpu->nmi_reported = count;
}

static bool has_answered(const struct arch_cpu *cpu)
{
	return atomic_load_explicit(&cpu->trace_count, memory_order_acquire) != 0;
}

void arch_stop_others(void)
{
	const struct cpu *self = arch_this_cpu();
	uint64_t end = time_now_ns() + ANSWER_NS;

	if (atomic_exchange(&stopping, true))
		return;
	cpumask_for_each(id, &cpus_online)
	{
		if (id == self->id)
			continue;
		atomic_store_explicit(&cpus[id]->arch->trace_count, 0, memory_order_relaxed);
		apic_send_nmi(cpus[id]->arch->apic_id);
	}
	/* Until then they may still write to the console. */
	cpumask_for_each(id, &cpus_online) while (id != self->id && !has_answered(cpus[id]->arch) &&
						  time_now_ns() < end) arch_cpu_relax();
}

static void ask(struct arch_cpu *cpu)
{
	/* The halted ones have answered already. */
	if (atomic_load_explicit(&stopping, memory_order_relaxed))
		return;
	atomic_store_explicit(&cpu->trace_count, 0, memory_order_relaxed);
	atomic_store_explicit(&cpu->trace_wanted, 1, memory_order_relaxed);
	apic_send_nmi(cpu->apic_id);
}

size_t arch_cpu_where(uint32_t id, uintptr_t *out, size_t max)
{
	struct arch_cpu *cpu = cpus[id]->arch;
	uint64_t end = time_now_ns() + ANSWER_NS;
	size_t n;

	ask(cpu);
	while ((n = atomic_load_explicit(&cpu->trace_count, memory_order_acquire)) == 0) {
		if (time_now_ns() >= end)
			return 0;
		arch_cpu_relax();
	}
	n = MIN(n, max);
	for (size_t i = 0; i < n; i++)
		out[i] = cpu->trace[i];
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one-shot timer of each CPU: the TSC deadline where the CPU has it, else the local APIC's counter,
 * whose rate is measured against the cycle counter.
 */
#include <arch/platform.h>

#include <arch/cpu.h>
#include <kernel/printk.h>
#include <kernel/time.h>

#include "apic.h"
#include "cpu.h"
#include "x86.h"

#define MEASURE_NS    NSEC_PER_MSEC
#define RATE_SHIFT    32

static bool use_deadline __ro_after_init;
static uint64_t ticks_per_ns __ro_after_init; /* with RATE_SHIFT fraction bits */

void arch_interrupts_init(void)
{
	pic_disable();
	apic_init();
	ioapic_init();
}

/* Runs with interrupts off: nothing can make the two readings drift apart but the machine's host. */
static uint64_t measure_apic_timer(void)
{
	uint64_t start, now, span = time_cycles_per_sec() / (NSEC_PER_SEC / MEASURE_NS);
	uint32_t ticks;

	apic_timer_start(UINT32_MAX);
	start = arch_cycles();
	do {
		arch_cpu_relax();
		now = arch_cycles();
	} while (now - start < span);
	ticks = UINT32_MAX - apic_timer_count();
	apic_timer_start(0);
	return (uint64_t)ticks * time_cycles_per_sec() / (now - start);
}

void arch_timer_init(void)
{
	uint64_t hz, flags = arch_irq_save();

	use_deadline = cpu_features.tsc_deadline;
	apic_timer_setup(use_deadline);
	if (use_deadline) {
		pr_info("timer: TSC deadline");
	} else {
		hz = measure_apic_timer();
		ticks_per_ns = (uint64_t)(((unsigned __int128)hz << RATE_SHIFT) / NSEC_PER_SEC);
		pr_info("timer: local APIC at %lu.%03lu MHz", hz / 1000000, hz / 1000 % 1000);
	}
	arch_irq_restore(flags);
}

void arch_timer_set(uint64_t deadline_ns)
{
	uint64_t now, ticks;

	if (use_deadline) {
		/* Zero would disarm it. */
		msr_write(MSR_TSC_DEADLINE, time_ns_to_cycles(deadline_ns) | 1);
		return;
	}
	now = time_now_ns();
	ticks = 1;
	if (deadline_ns > now)
		ticks += (uint64_t)((unsigned __int128)(deadline_ns - now) * ticks_per_ns >> RATE_SHIFT);
	/* A deadline out of reach: the early interrupt finds nothing due and sets the rest. */
	apic_timer_start((uint32_t)MIN(ticks, (uint64_t)UINT32_MAX));
}

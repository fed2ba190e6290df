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

#define RATE_SHIFT 28 /* of ticks_per_ns: clocks up to 64 GHz */
/* Programmed at most this far ahead.  A program chooses deadlines centuries away, and a count that wrapped
 * into the past would interrupt without end. */
#define AHEAD_MAX_NS (60 * NSEC_PER_SEC)

static bool use_deadline __ro_after_init;
static uint64_t ticks_per_ns __ro_after_init;

void arch_interrupts_init(void)
{
	pic_disable();
	apic_init();
	ioapic_init();
}

void arch_timer_init(void)
{
	uint64_t hz, flags = arch_irq_save();

	use_deadline = cpu_features.tsc_deadline;
	apic_timer_setup(use_deadline);
	hz = use_deadline ? time_cycles_per_sec() : calibrate_apic_timer(time_cycles_per_sec());
	ticks_per_ns = (hz << RATE_SHIFT) / NSEC_PER_SEC;
	arch_irq_restore(flags);
	pr_info("timer: %s at %lu.%03lu MHz", use_deadline ? "TSC deadline" : "local APIC", hz / 1000000,
		hz / 1000 % 1000);
}

void timer_init_cpu(void)
{
	apic_timer_setup(use_deadline);
}

void arch_timer_set(uint64_t deadline_ns)
{
	uint64_t now = time_now_ns(), ticks = 1;

	if (deadline_ns > now)
		ticks += (uint64_t)((unsigned __int128)MIN(deadline_ns - now, AHEAD_MAX_NS) * ticks_per_ns >>
				    RATE_SHIFT);
	/* A deadline out of reach: the early interrupt finds nothing due and sets the rest. */
	if (use_deadline)
		msr_write(MSR_TSC_DEADLINE, arch_cycles() + ticks);
	else
		apic_timer_start((uint32_t)MIN(ticks, (uint64_t)UINT32_MAX));
}

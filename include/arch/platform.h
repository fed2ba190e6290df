/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's tables say about interrupt controllers, processors and timers, in neutral form.
 * drivers/kernel/acpi fills it in; without ACPI (microvm can lack it) the machine's defaults stand.
 */
#pragma once

#include <kernel/percpu.h>
#include <kernel/types.h>

#define PLATFORM_MAX_IOAPICS   16
#define PLATFORM_MAX_OVERRIDES 32

struct platform_cpu {
	uint32_t apic_id;
	uint32_t acpi_uid;
	bool enabled;
};

struct platform_ioapic {
	paddr_t address;
	uint32_t id;
	uint32_t gsi_base;
};

struct platform_override { /* an ISA line that arrives elsewhere */
	uint8_t isa_irq;
	uint32_t gsi;
	bool active_low, level;
};

struct arch_platform {
	bool has_acpi;
	paddr_t lapic_address;
	bool has_8259;
	uint32_t cpu_count;
	struct platform_cpu cpus[MAX_CPUS];
	uint32_t ioapic_count;
	struct platform_ioapic ioapics[PLATFORM_MAX_IOAPICS];
	uint32_t override_count;
	struct platform_override overrides[PLATFORM_MAX_OVERRIDES];
	struct {
		uint32_t gsi_or_lint;
		uint32_t cpu_uid; /* 0xff...: all */
		bool valid, active_low, level;
	} lapic_nmi;
	paddr_t hpet_address;   /* 0: none */
	uint16_t pm_timer_port; /* 0: none */
	bool pm_timer_32bit;
	uint16_t iapc_boot_flags; /* FADT IAPC_BOOT_ARCH; bit 1: 8042 present */
	bool iapc_boot_flags_valid;
};

/* Filled by acpi_init(), read-only afterwards. */
extern struct arch_platform platform;

/* Local APIC, IOAPICs, legacy PICs off; needs `platform`. */
void arch_interrupts_init(void);
/* Route a global system interrupt to irq_dispatch(slot) and unmask it.  -ENODEV: no controller has it. */
int arch_irq_route(unsigned slot, unsigned gsi, bool level, bool active_low);
/* Find the cycle counter's frequency (CPUID, else measured against HPET, PM timer or PIT). */
uint64_t arch_calibrate_cycles(void);
/* Start the one-shot timer; set its next deadline, in monotonic time.  The interrupt may come early when the
 * deadline is far ahead: the caller sets it again. */
void arch_timer_init(void);
void arch_timer_set(uint64_t deadline_ns);

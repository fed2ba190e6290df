/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC: by MSRs where the CPU has x2APIC, else through its window of memory.  Register numbers
 * are the memory offsets; an MSR is the offset divided by 16.
 */
#include "apic.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/platform.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/vmalloc.h>

#include "cpu.h"
#include "vectors.h"
#include "x86.h"

#define APIC_ID           0x020
#define APIC_VERSION      0x030
#define APIC_TPR          0x080
#define APIC_EOI          0x0b0
#define APIC_SVR          0x0f0
#define APIC_ESR          0x280
#define APIC_LVT_CMCI     0x2f0
#define APIC_ICR          0x300
#define APIC_ICR_HIGH     0x310
#define APIC_LVT_TIMER    0x320
#define APIC_LVT_THERMAL  0x330
#define APIC_LVT_PERF     0x340
#define APIC_LVT_LINT0    0x350
#define APIC_LVT_LINT1    0x360
#define APIC_LVT_ERROR    0x370
#define APIC_TIMER_INIT   0x380
#define APIC_TIMER_COUNT  0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define APIC_WINDOW 0x400

#define BASE_ENABLE  (1ull << 11)
#define BASE_X2APIC  (1ull << 10)
#define BASE_ADDRESS 0x000ffffffffff000ull

/* Interrupt command register (Intel SDM vol. 3, 11.6.1) */
#define ICR_NMI        (4u << 8)
#define ICR_INIT       (5u << 8)
#define ICR_STARTUP    (6u << 8)
#define ICR_PENDING    (1u << 12)
#define ICR_ASSERT     (1u << 14)
#define ICR_DEST_SHIFT 24 /* in the high half, xAPIC */

#define SVR_ENABLE       (1u << 8)
#define LVT_MASKED       (1u << 16)
#define LVT_LEVEL        (1u << 15)
#define LVT_ACTIVE_LOW   (1u << 13)
#define LVT_NMI          (4u << 8)
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1      0x0b

static volatile uint8_t *window __ro_after_init; /* NULL: x2APIC */

static uint32_t apic_read(unsigned reg)
{
	if (window)
		return *(volatile uint32_t *)(window + reg);
	return (uint32_t)msr_read(MSR_X2APIC + reg / 16);
}

static void apic_write(unsigned reg, uint32_t value)
{
	if (window)
		*(volatile uint32_t *)(window + reg) = value;
	else
		msr_write(MSR_X2APIC + reg / 16, value);
}

static void enable(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	/* Straight from "disabled" to x2APIC is not a legal transition. */
	msr_write(MSR_APIC_BASE, base | BASE_ENABLE);
	if (cpu_features.x2apic)
		msr_write(MSR_APIC_BASE, base | BASE_ENABLE | BASE_X2APIC);
}

static void find_registers(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	if (cpu_features.x2apic)
		return;
	/* The processor itself knows better than the MADT. */
	if ((base & BASE_ADDRESS) != platform.lapic_address)
		pr_warn("apic: at %#llx, not at the %#lx of the firmware's table", base & BASE_ADDRESS,
			platform.lapic_address);
	window = mmio_map(base & BASE_ADDRESS, APIC_WINDOW, PT_READ | PT_WRITE | PT_UNCACHED);
	if (!window)
		panic("out of memory for the local APIC's registers");
}

/* The line that the firmware calls NMI, where it belongs to every CPU. */
static uint32_t lint_value(unsigned lint)
{
	if (!platform.lapic_nmi.valid || platform.lapic_nmi.gsi_or_lint != lint)
		return LVT_MASKED;
	return LVT_NMI | (platform.lapic_nmi.level ? LVT_LEVEL : 0) |
	       (platform.lapic_nmi.active_low ? LVT_ACTIVE_LOW : 0);
}

void apic_init(void)
{
	if (!cpu_features.apic)
		panic("this CPU has no local APIC: Serix cannot keep time on it");
	find_registers();
	apic_init_cpu();
	arch_this_cpu()->arch->apic_id = apic_id();
}

void apic_init_cpu(void)
{
	uint32_t entries;

	enable();
	entries = (apic_read(APIC_VERSION) >> 16 & 0xff) + 1;

	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT_LINT0, lint_value(0));
	apic_write(APIC_LVT_LINT1, lint_value(1));
	apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
	if (entries > 4)
		apic_write(APIC_LVT_PERF, LVT_MASKED);
	if (entries > 5)
		apic_write(APIC_LVT_THERMAL, LVT_MASKED);
	if (entries > 6)
		apic_write(APIC_LVT_CMCI, LVT_MASKED);
	/* The error register shows what happened since the last write to it. */
	apic_write(APIC_ESR, 0);
	apic_eoi();
}

/* Stores before it are seen by who gets the interrupt: the write to an x2APIC MSR does not order them by
 * itself (Intel SDM vol. 3, 11.12.3). */
static void send(uint32_t apic_id, uint32_t command)
{
	uint64_t flags;

	if (!window) {
		__asm__ volatile("mfence; lfence" : : : "memory");
		msr_write(MSR_X2APIC + APIC_ICR / 16, (uint64_t)apic_id << 32 | command);
		return;
	}
	flags = arch_irq_save();
	while (apic_read(APIC_ICR) & ICR_PENDING)
		arch_cpu_relax();
	apic_write(APIC_ICR_HIGH, apic_id << ICR_DEST_SHIFT);
	apic_write(APIC_ICR, command);
	arch_irq_restore(flags);
}

void apic_send_ipi(uint32_t apic_id, uint8_t vector)
{
	send(apic_id, ICR_ASSERT | vector);
}

void apic_send_nmi(uint32_t apic_id)
{
	send(apic_id, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(uint32_t apic_id, uint8_t page)
{
	send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_ID);

	return window ? id >> 24 : id;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_report_error(void)
{
	apic_write(APIC_ESR, 0);
	pr_warn("cpu %u: local APIC error %#x", arch_this_cpu()->id, apic_read(APIC_ESR));
}

void apic_timer_setup(bool tsc_deadline)
{
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
	/* The mode must be set before the first write to the deadline MSR; the window's store may linger. */
	if (window)
		__asm__ volatile("mfence" : : : "memory");
}

void apic_timer_start(uint32_t count)
{
	apic_write(APIC_TIMER_INIT, count);
}

uint32_t apic_timer_count(void)
{
	return apic_read(APIC_TIMER_COUNT);
}

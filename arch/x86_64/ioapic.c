/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOAPICs: global system interrupts (GSIs) to vectors of the boot CPU.  What the hardware says about its
 * size is not trusted further than its register window reaches.
 */
#include "apic.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/platform.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#include "cpu.h"
#include "vectors.h"

#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define IOAPIC_SIZE    0x20
#define REG_VERSION    0x01
#define REG_ENTRY(n)   (0x10 + 2 * (n))
#define MAX_ENTRIES    240u
#define DEFAULT_IOAPIC 0xfec00000ull

#define ENTRY_MASKED     (1u << 16)
#define ENTRY_LEVEL      (1u << 15)
#define ENTRY_ACTIVE_LOW (1u << 13)

struct ioapic {
	volatile uint8_t *regs;
	uint32_t gsi_base, entries;
};

static struct ioapic ioapics[PLATFORM_MAX_IOAPICS] __ro_after_init;
static uint32_t ioapic_count __ro_after_init;
/* Register access is select, then read or write. */
static struct spinlock ioapic_lock = SPINLOCK_INIT("ioapic", RANK_IRQ);

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg)
{
	*(volatile uint32_t *)(io->regs + IOAPIC_SELECT) = reg;
	return *(volatile uint32_t *)(io->regs + IOAPIC_WINDOW);
}

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(io->regs + IOAPIC_SELECT) = reg;
	*(volatile uint32_t *)(io->regs + IOAPIC_WINDOW) = value;
}

static void add_ioapic(paddr_t address, uint32_t gsi_base)
{
	struct ioapic *io = &ioapics[ioapic_count];

	io->regs = mmio_map(address, IOAPIC_SIZE, PT_READ | PT_WRITE | PT_UNCACHED);
	if (!io->regs) {
		pr_err("ioapic at %#lx: cannot be mapped there", address);
		return;
	}
	io->gsi_base = gsi_base;
	io->entries = (ioapic_read(io, REG_VERSION) >> 16 & 0xff) + 1;
	if (io->entries > MAX_ENTRIES) {
		pr_notice("ioapic at %#lx: nothing answers there", address);
		mmio_unmap((void *)io->regs, IOAPIC_SIZE);
		return;
	}
	for (uint32_t i = 0; i < io->entries; i++)
		ioapic_write(io, REG_ENTRY(i), ENTRY_MASKED);
	ioapic_count++;
}

void ioapic_init(void)
{
	if (!platform.has_acpi && platform.ioapic_count == 0)
		add_ioapic(DEFAULT_IOAPIC, 0);
	for (uint32_t i = 0; i < platform.ioapic_count; i++)
		add_ioapic(platform.ioapics[i].address, platform.ioapics[i].gsi_base);
}

static const struct ioapic *ioapic_of(unsigned gsi)
{
	for (uint32_t i = 0; i < ioapic_count; i++) {
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].entries)
			return &ioapics[i];
	}
	return NULL;
}

int arch_irq_route(unsigned slot, unsigned gsi, bool level, bool active_low)
{
	const struct ioapic *io = ioapic_of(gsi);
	uint32_t low, destination = arch_this_cpu()->arch->apic_id;
	uint64_t flags;

	/* Without interrupt remapping an IOAPIC names its destination with eight bits. */
	if (!io || destination > 0xfe)
		return -ENODEV;
	low = VECTOR_DEVICE + slot;
	low |= (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_ACTIVE_LOW : 0);
	flags = spin_lock_irqsave(&ioapic_lock);
	ioapic_write(io, REG_ENTRY(gsi - io->gsi_base), ENTRY_MASKED);
	ioapic_write(io, REG_ENTRY(gsi - io->gsi_base) + 1, destination << 24);
	ioapic_write(io, REG_ENTRY(gsi - io->gsi_base), low);
	spin_unlock_irqrestore(&ioapic_lock, flags);
	return 0;
}

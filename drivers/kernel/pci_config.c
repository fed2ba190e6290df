/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ways to configuration space: two ports that every PC has, for the first 256 bytes on segment 0 (PCI
 * Local Bus Specification 3.0, 3.2.2.3.2: mechanism #1), and memory that the firmware's MCFG table tells of,
 * 4096 bytes for each function (PCI Express Base Specification 3.0, 7.2.2; PCI Firmware Specification 3.0,
 * 4.1.2).  The ports are used where they reach, for a table may be wrong.
 */
#include "pci_config.h"

#include <arch/io.h>
#include <arch/paging.h>
#include <kernel/acpi.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/vmalloc.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u
#define PORTS_REACH    256u

#define BUS_WINDOW 0x100000u /* 32 devices with 8 functions with 4096 bytes */
#define NOTHING    0xffffffffu

/* A bus in memory.  The list is made by pci_init() and read-only afterwards. */
struct bus_window {
	struct bus_window *next;
	uint16_t segment;
	uint8_t bus;
	volatile uint8_t *base;
};

static struct bus_window *windows;
static struct spinlock ports_lock = SPINLOCK_INIT("PCI ports", RANK_DEVICE); /* the pair of ports */

static const struct bus_window *window_of(struct pci_address at)
{
	for (const struct bus_window *w = windows; w; w = w->next)
		if (w->segment == at.segment && w->bus == at.bus)
			return w;
	return NULL;
}

static volatile uint32_t *word_in(const struct bus_window *w, struct pci_address at, uint32_t offset)
{
	return (volatile uint32_t *)(w->base +
				     ((uint32_t)at.device << 15 | (uint32_t)at.function << 12 | offset));
}

static uint32_t port_address(struct pci_address at, uint32_t offset)
{
	return CONFIG_ENABLE | (uint32_t)at.bus << 16 | (uint32_t)at.device << 11 |
	       (uint32_t)at.function << 8 | offset;
}

static bool by_ports(struct pci_address at, uint32_t offset)
{
	return at.segment == 0 && offset < PORTS_REACH;
}

uint32_t pci_config_read(struct pci_address at, uint32_t offset)
{
	const struct bus_window *w;
	uint64_t flags;
	uint32_t value;

	if (!by_ports(at, offset)) {
		w = window_of(at);
		return w ? *word_in(w, at, offset) : NOTHING;
	}
	flags = spin_lock_irqsave(&ports_lock);
	arch_out32(CONFIG_ADDRESS, port_address(at, offset));
	value = arch_in32(CONFIG_DATA);
	spin_unlock_irqrestore(&ports_lock, flags);
	return value;
}

void pci_config_write(struct pci_address at, uint32_t offset, uint32_t value)
{
	const struct bus_window *w;
	uint64_t flags;

	if (!by_ports(at, offset)) {
		w = window_of(at);
		if (w)
			*word_in(w, at, offset) = value;
		return;
	}
	flags = spin_lock_irqsave(&ports_lock);
	arch_out32(CONFIG_ADDRESS, port_address(at, offset));
	arch_out32(CONFIG_DATA, value);
	spin_unlock_irqrestore(&ports_lock, flags);
}

bool pci_config_has_extended(struct pci_address at)
{
	return window_of(at);
}

void pci_config_add_bus(uint16_t segment, uint8_t bus)
{
	for (uint32_t i = 0; i < acpi.mcfg_count; i++) {
		const struct acpi_mcfg_entry *e = &acpi.mcfg[i];
		struct bus_window *w;

		if (e->segment != segment || bus < e->bus_first || bus > e->bus_last)
			continue;
		w = kzalloc(sizeof(*w));
		if (!w)
			return;
		/* The table's address is that of bus 0, whichever is the first. */
		w->base = mmio_map(e->base + (paddr_t)bus * BUS_WINDOW, BUS_WINDOW,
				   PT_READ | PT_WRITE | PT_UNCACHED);
		w->segment = segment;
		w->bus = bus;
		w->next = windows;
		if (w->base)
			windows = w;
		else
			kfree(w);
		return;
	}
}

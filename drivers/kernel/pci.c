/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI functions, found by looking at each place where one can be: the buses that the firmware's table begins
 * with, and those behind bridges, as the firmware numbered them.  Registers and their meaning: PCI Local Bus
 * Specification 3.0, 6.1 and 6.2; of bridges: PCI-to-PCI Bridge Architecture Specification 1.2, 3.2.
 *
 * Nothing is changed for good: how large a window is a function says only when ones are written to it
 * (6.2.5.1), so the old value is put back, and meanwhile the function answers nowhere.
 */
#include <kernel/pci.h>

#include "pci_config.h"

#include <arch/cpu.h>
#include <kernel/acpi.h>
#include <kernel/printk.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define REG_ID           0x00
#define REG_COMMAND      0x04
#define REG_CLASS        0x08
#define REG_HEADER       0x0c
#define REG_BAR          0x10
#define REG_BUSES        0x18 /* of a bridge: primary, secondary, subordinate */
#define REG_IO_WINDOW    0x1c
#define REG_MEMORY       0x20
#define REG_PREFETCH     0x24
#define REG_SUBSYSTEM    0x2c
#define REG_ROM          0x30
#define REG_CAPABILITIES 0x34
#define REG_BRIDGE_ROM   0x38
#define REG_INTERRUPT    0x3c
#define REG_EXTENDED     0x100

#define COMMAND_DECODES 0x3u    /* ports and memory */
#define COMMAND_MASK    0xffffu /* the other half is status, where ones that are written clear */
#define STATUS_HAS_LIST (1u << 20)
#define HEADER_TYPE(w)  ((w) >> 16 & 0x7f)
#define HEADER_MULTI    (1u << 23)
#define HEADER_BRIDGE   1

#define CAPABILITY_SUBSYSTEM 0x0d
#define CAPABILITY_EXPRESS   0x10
#define CAPABILITIES_MAX     48 /* 192 bytes behind the header, four for each: more is a loop */

#define CLASS_HOST_BRIDGE 0x0600

#define FUNCTIONS_MAX 4096u

/* What the walk needs to remember. */
struct walk {
	struct pci_function **end;
	uint32_t count;
	uint16_t segment;
	uint8_t root;
	uint64_t seen[256 / 64]; /* buses of this segment that were looked at */
};

static struct pci_function *functions;

static struct pci_address address_of(const struct pci_function *f)
{
	return (struct pci_address){ f->segment, f->bus, f->device, f->function };
}

static uint32_t read_word(const struct pci_function *f, uint32_t offset)
{
	return pci_config_read(address_of(f), offset);
}

static void write_word(const struct pci_function *f, uint32_t offset, uint32_t value)
{
	pci_config_write(address_of(f), offset, value);
}

/* --- windows ------------------------------------------------------------------------------------------- */

/* Which bits of the register can be set. */
static uint32_t writable_bits(const struct pci_function *f, uint32_t offset, uint32_t ones)
{
	uint32_t old = read_word(f, offset), mask;

	write_word(f, offset, ones);
	mask = read_word(f, offset);
	write_word(f, offset, old);
	return mask;
}

static void set_resource(struct pci_resource *r, uint64_t base, uint64_t mask, uint32_t flags)
{
	if (mask == 0)
		return;
	*r = (struct pci_resource){ .start = base & mask, .end = (base & mask) + (mask & (0 - mask)) - 1 };
	r->flags = flags;
}

static void port_window(const struct pci_function *f, struct pci_resource *r, uint32_t offset, uint32_t low)
{
	uint32_t mask = writable_bits(f, offset, ~0u) & 0xfffcu; /* the upper half may be wired to zero */

	set_resource(r, low & ~3u, mask, PCI_RESOURCE_PORTS | PCI_RESOURCE_ALIGNED | (low & 3));
}

/* Returns whether it took two registers. */
static bool memory_window(const struct pci_function *f, struct pci_resource *r, uint32_t offset, uint32_t low)
{
	bool wide = (low & 6) == 4;
	uint64_t base = low & ~0xfu, mask = writable_bits(f, offset, ~0u) & ~0xfu;
	uint32_t flags = PCI_RESOURCE_MEMORY | PCI_RESOURCE_ALIGNED | (low & 0xf);

	if (low & 8)
		flags |= PCI_RESOURCE_PREFETCH;
	if (wide) {
		base |= (uint64_t)read_word(f, offset + 4) << 32;
		mask |= (uint64_t)writable_bits(f, offset + 4, ~0u) << 32;
		flags |= PCI_RESOURCE_64;
	} else if (mask) {
		mask |= ~0ull << 32;
	}
	set_resource(r, base, mask, flags);
	return wide;
}

static void rom_window(struct pci_function *f, uint32_t offset)
{
	uint32_t low = read_word(f, offset);
	uint64_t mask = writable_bits(f, offset, 0xfffff800u) & 0xfffff800u;

	if (mask)
		mask |= ~0ull << 32;
	set_resource(&f->resources[6], low & 0xfffff800u, mask,
		     PCI_RESOURCE_MEMORY | PCI_RESOURCE_READ_ONLY | PCI_RESOURCE_ALIGNED | (low & 1));
}

/* A host bridge goes on answering: what it decodes may be the way to memory. */
static void find_windows(struct pci_function *f)
{
	uint32_t registers = f->bridge ? 2 : 6, command = read_word(f, REG_COMMAND) & COMMAND_MASK;
	bool silence = f->class_code >> 8 != CLASS_HOST_BRIDGE && (command & COMMAND_DECODES);
	uint64_t flags = arch_irq_save(); /* what is printed may go to a screen on one of these windows */

	if (silence)
		write_word(f, REG_COMMAND, command & ~COMMAND_DECODES);
	for (uint32_t i = 0; i < registers; i++) {
		uint32_t offset = REG_BAR + i * 4, low = read_word(f, offset);

		if (low & 1)
			port_window(f, &f->resources[i], offset, low);
		else if (memory_window(f, &f->resources[i], offset, low))
			i++;
	}
	rom_window(f, f->bridge ? REG_BRIDGE_ROM : REG_ROM);
	if (silence)
		write_word(f, REG_COMMAND, command);
	arch_irq_restore(flags);
}

/* From `first` up to and with the last byte of the granule that `last` begins. */
static void bridge_window(struct pci_resource *r, uint64_t first, uint64_t last, uint64_t granule,
			  uint32_t flags)
{
	if (first <= last)
		*r = (struct pci_resource){ first, last + granule - 1, flags | PCI_RESOURCE_STARTS };
}

/* What a bridge passes on.  A base above its limit is a window that is shut. */
static void find_bridge_windows(struct pci_function *f)
{
	struct pci_resource *r = &f->resources[PCI_RESOURCES];
	uint32_t io = read_word(f, REG_IO_WINDOW), memory = read_word(f, REG_MEMORY);
	uint32_t prefetch = read_word(f, REG_PREFETCH), high = read_word(f, REG_PREFETCH + 0xc);
	uint64_t base = (prefetch & 0xfff0u) << 16, limit = prefetch & 0xfff00000u;
	bool wide = (prefetch & 0xf) == 1;

	bridge_window(&r[0], (io & 0xf0u) << 8 | ((io & 0xf) == 1 ? high << 16 : 0),
		      (io & 0xf000u) | ((io & 0xf) == 1 ? high & 0xffff0000u : 0), 0x1000,
		      PCI_RESOURCE_PORTS | (io & 0xf));
	bridge_window(&r[1], (uint64_t)(memory & 0xfff0u) << 16, memory & 0xfff00000u, 0x100000,
		      PCI_RESOURCE_MEMORY);
	if (wide) {
		base |= (uint64_t)read_word(f, REG_PREFETCH + 4) << 32;
		limit |= (uint64_t)read_word(f, REG_PREFETCH + 8) << 32;
	}
	bridge_window(&r[2], base, limit, 0x100000,
		      PCI_RESOURCE_MEMORY | PCI_RESOURCE_PREFETCH | (wide ? PCI_RESOURCE_64 : 0) |
			      (prefetch & 0xf));
}

/* --- functions ----------------------------------------------------------------------------------------- */

/* Where a capability lies; 0: nowhere. */
static uint32_t find_capability(const struct pci_function *f, uint8_t wanted)
{
	uint32_t at;

	if (!(read_word(f, REG_COMMAND) & STATUS_HAS_LIST))
		return 0;
	at = read_word(f, REG_CAPABILITIES) & 0xfc;
	for (int i = 0; i < CAPABILITIES_MAX && at >= PCI_CONFIG_HEADER; i++) {
		uint32_t header = read_word(f, at);

		if ((header & 0xff) == wanted)
			return at;
		at = header >> 8 & 0xfc;
	}
	return 0;
}

static uint32_t find_config_size(const struct pci_function *f)
{
	if (!pci_config_has_extended(address_of(f)) || !find_capability(f, CAPABILITY_EXPRESS) ||
	    read_word(f, REG_EXTENDED) == ~0u)
		return PCI_CONFIG_SIZE;
	return PCI_CONFIG_LARGE;
}

static void describe(struct pci_function *f, uint32_t id, uint32_t header)
{
	uint32_t class = read_word(f, REG_CLASS), interrupt = read_word(f, REG_INTERRUPT), subsystem = 0, at;

	f->vendor = (uint16_t)id;
	f->id = (uint16_t)(id >> 16);
	f->class_code = class >> 8;
	f->revision = (uint8_t) class;
	f->bridge = HEADER_TYPE(header) == HEADER_BRIDGE;
	if ((interrupt >> 8 & 0xff) != 0) /* it has a pin */
		f->irq = (uint8_t)interrupt;
	if (HEADER_TYPE(header) == 0) {
		subsystem = read_word(f, REG_SUBSYSTEM);
	} else if (f->bridge) {
		at = find_capability(f, CAPABILITY_SUBSYSTEM);
		subsystem = at ? read_word(f, at + 4) : 0;
	}
	f->subsystem_vendor = (uint16_t)subsystem;
	f->subsystem_id = (uint16_t)(subsystem >> 16);
	f->config_size = find_config_size(f);
	if (HEADER_TYPE(header) <= HEADER_BRIDGE)
		find_windows(f);
	if (f->bridge)
		find_bridge_windows(f);
}

static struct pci_function *add_function(struct walk *w, struct pci_address at, uint32_t parent)
{
	struct pci_function *f = w->count < FUNCTIONS_MAX ? kzalloc(sizeof(*f)) : NULL;

	if (!f)
		return NULL;
	f->number = w->count++;
	f->parent = parent;
	f->segment = at.segment;
	f->root = w->root;
	f->bus = at.bus;
	f->device = at.device;
	f->function = at.function;
	*w->end = f;
	w->end = &f->next;
	return f;
}

/* --- buses --------------------------------------------------------------------------------------------- */

static bool see_bus(struct walk *w, uint8_t bus)
{
	uint64_t bit = 1ull << (bus % 64), *word = &w->seen[bus / 64];

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

/* One place.  Returns whether there are functions beside the first. */
static bool look_at(struct walk *w, struct pci_address at, uint32_t parent)
{
	uint32_t id = pci_config_read(at, REG_ID), header;
	struct pci_function *f;

	if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
		return false;
	header = pci_config_read(at, REG_HEADER);
	f = add_function(w, at, parent);
	if (f)
		describe(f, id, header);
	return header & HEADER_MULTI;
}

static void look_at_bus(struct walk *w, uint8_t bus, uint32_t parent)
{
	pci_config_add_bus(w->segment, bus);
	for (uint8_t device = 0; device < 32; device++) {
		struct pci_address at = { w->segment, bus, device, 0 };

		if (!look_at(w, at, parent))
			continue;
		for (at.function = 1; at.function < 8; at.function++)
			look_at(w, at, parent);
	}
}

/* Those behind bridges follow as the list grows: no recursion, whatever the numbers say. */
static void look_from(struct walk *w, uint16_t segment, uint8_t root)
{
	struct pci_function **first = w->end;

	w->segment = segment;
	w->root = root;
	memset(w->seen, 0, sizeof(w->seen));
	see_bus(w, root);
	look_at_bus(w, root, PCI_NONE);
	for (struct pci_function *f = *first; f; f = f->next) {
		uint8_t behind = f->bridge ? (uint8_t)(read_word(f, REG_BUSES) >> 8) : 0;

		if (behind > f->bus && see_bus(w, behind))
			look_at_bus(w, behind, f->number);
	}
}

const struct pci_function *pci_function(uint32_t number)
{
	const struct pci_function *f = functions;

	while (f && f->number != number)
		f = f->next;
	return f;
}

void pci_read(const struct pci_function *f, uint32_t offset, void *buf, size_t size)
{
	uint8_t *to = buf;
	uint32_t word = ~0u;

	for (size_t i = 0; i < size; i++, offset++) {
		if (offset >= f->config_size)
			word = ~0u;
		else if (i == 0 || offset % 4 == 0)
			word = read_word(f, offset & ~3u);
		to[i] = (uint8_t)(word >> offset % 4 * 8);
	}
}

void pci_init(void)
{
	struct walk w = { .end = &functions };

	look_from(&w, 0, 0);
	for (uint32_t i = 0; i < acpi.mcfg_count; i++)
		if (acpi.mcfg[i].segment != 0)
			look_from(&w, acpi.mcfg[i].segment, acpi.mcfg[i].bus_first);
	pr_info("pci: %u functions\n", w.count);
}

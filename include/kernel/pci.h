/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which PCI functions the machine has, and their configuration space, read only.
 *
 * pci_init() looks for them once, on the boot CPU before there are others, and finds out how large their
 * windows are.  Nobody drives them yet: the list does not change afterwards and needs no lock.  A function's
 * number is its place in the list, in the order of addresses.
 */
#pragma once

#include <kernel/types.h>

#define PCI_RESOURCES      13u /* six windows, the ROM, and six that only virtual functions have */
#define PCI_BRIDGE_WINDOWS 4u  /* of a bridge, behind those: ports, memory, prefetchable memory, unused */
#define PCI_NONE           UINT32_MAX

#define PCI_CONFIG_HEADER 64u   /* what everybody may read */
#define PCI_CONFIG_SIZE   256u  /* of conventional functions */
#define PCI_CONFIG_LARGE  4096u /* of PCI Express */

/* What a window is, in the bits that Linux shows programs behind the low ones, which are the register's. */
#define PCI_RESOURCE_PORTS     0x00000100u
#define PCI_RESOURCE_MEMORY    0x00000200u
#define PCI_RESOURCE_PREFETCH  0x00002000u
#define PCI_RESOURCE_READ_ONLY 0x00004000u
#define PCI_RESOURCE_ALIGNED   0x00040000u /* to its size */
#define PCI_RESOURCE_STARTS    0x00080000u /* aligned as its start is */
#define PCI_RESOURCE_64        0x00100000u

struct pci_resource {
	uint64_t start, end; /* the last byte; flags 0: there is none */
	uint32_t flags;      /* PCI_RESOURCE_* and the low bits of the register */
};

struct pci_function {
	struct pci_function *next;
	uint32_t number;
	uint32_t parent; /* the bridge that it is behind, PCI_NONE: on a root bus */
	uint16_t segment;
	uint8_t root, bus, device, function; /* `root` is the bus at the top of its tree */
	bool bridge;                         /* from PCI to PCI */
	uint16_t vendor, id, subsystem_vendor, subsystem_id;
	uint32_t class_code; /* class, subclass, programming interface */
	uint8_t revision, irq;
	uint32_t config_size;
	struct pci_resource resources[PCI_RESOURCES + PCI_BRIDGE_WINDOWS];
};

void pci_init(void);
/* NULL: past the last. */
const struct pci_function *pci_function(uint32_t number);
/* `size` bytes of the configuration space; what lies outside reads as ones.  Any context. */
void pci_read(const struct pci_function *function, uint32_t offset, void *buf, size_t size);

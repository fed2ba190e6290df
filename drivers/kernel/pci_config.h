/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space by address: aligned words of it. */
#pragma once

#include <kernel/types.h>

struct pci_address {
	uint16_t segment;
	uint8_t bus, device, function;
};

/* Ones where there is nothing. */
uint32_t pci_config_read(struct pci_address at, uint32_t offset);
void pci_config_write(struct pci_address at, uint32_t offset, uint32_t value);
/* Does the machine show 4096 bytes of each function on this bus? */
bool pci_config_has_extended(struct pci_address at);
/* Make this bus' words fit to be read.  Once for each, before others read it. */
void pci_config_add_bus(uint16_t segment, uint8_t bus);

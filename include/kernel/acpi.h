/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI static tables.  acpi_init() finds and checks them and fills in `platform` (arch/platform.h) and
 * `acpi`.  A table that does not pass is ignored with one line in the log.  Only bytes are read: no AML
 * is interpreted, and nothing in a table is trusted.
 */
#pragma once

#include <kernel/types.h>

#define ACPI_MAX_MCFG       16
#define ACPI_MAX_MEMORY     64
#define ACPI_MAX_CPUS       256
#define ACPI_MAX_LOCALITIES 64

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1

/* A register named by address space and address (Generic Address Structure).  address 0: absent. */
struct acpi_register {
	uint8_t space; /* ACPI_SPACE_* */
	uint8_t bits;
	uint64_t address;
};

struct acpi_mcfg_entry { /* memory-mapped PCI configuration space */
	paddr_t base;
	uint16_t segment;
	uint8_t bus_first, bus_last;
};

struct acpi_info {
	bool present;
	uint8_t fadt_revision; /* 0: no usable FADT */
	bool hw_reduced;       /* no PM1 registers */
	uint64_t dsdt;
	uint16_t pm1a_control, pm1b_control; /* ports; 0: none */
	uint16_t smi_command;                /* port; 0: ACPI mode is always on */
	uint8_t acpi_enable;                 /* value for smi_command */
	struct acpi_register reset;
	uint8_t reset_value;
	struct acpi_register sleep_control, sleep_status;
	uint8_t century_register; /* CMOS index; 0: none */
	bool no_cmos_rtc;         /* the firmware says so */

	bool s5_valid; /* \_S5_ was found: values for power-off */
	uint8_t s5_type_a, s5_type_b;

	uint32_t mcfg_count;
	struct acpi_mcfg_entry mcfg[ACPI_MAX_MCFG];
};

/* Filled by acpi_init(), read-only afterwards. */
extern struct acpi_info acpi;

/* Read the tables.  Needs the direct map and mmio_map(); before anything that reads `platform`. */
void acpi_init(void);

/* SRAT and SLIT: what is near what, by proximity domain. */
struct acpi_memory_range {
	paddr_t base;
	uint64_t length;
	uint32_t domain;
};

struct acpi_cpu_domain {
	uint32_t apic_id;
	uint32_t domain;
};

struct acpi_numa {
	uint32_t memory_count; /* they do not overlap */
	struct acpi_memory_range memory[ACPI_MAX_MEMORY];
	uint32_t cpu_count;
	struct acpi_cpu_domain cpus[ACPI_MAX_CPUS];
	uint32_t locality_count; /* domains that `distances` speaks of, from 0 on; 0: no SLIT */
	uint8_t distances[ACPI_MAX_LOCALITIES][ACPI_MAX_LOCALITIES];
};

/* Read the two tables, before the frame allocator: memory is looked at through a window of start-up's. */
void acpi_read_numa(struct acpi_numa *out);

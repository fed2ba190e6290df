/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pure half of the ACPI code: it sees physical memory through an accessor, so the same source runs
 * in the kernel, in host tests and under the fuzzer.
 */
#pragma once

#include <arch/platform.h>
#include <kernel/acpi.h>

/* How tables are read.  map() gives `len` readable bytes at `pa`, or NULL when the range is no memory a
 * table may lie in; unmap() ends the use of what map() gave. */
struct acpi_memory {
	const void *(*map)(struct acpi_memory *mem, paddr_t pa, size_t len);
	void (*unmap)(struct acpi_memory *mem, const void *ptr, size_t len);
	bool quiet; /* about the root pointer and what lists the tables: another walk complains */
};

struct acpi_header {
	char signature[4];
	uint32_t length; /* header included */
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __packed;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");

/* Find the root pointer: at `hint` (0: not told), else in the BIOS area.  False: no ACPI. */
bool acpi_find_rsdp(struct acpi_memory *mem, paddr_t hint, paddr_t *out);

/* Read every table that the root pointer reaches into the two structures (zeroed by the caller but for
 * defaults).  Returns the number of tables used. */
unsigned acpi_read_tables(struct acpi_memory *mem, paddr_t rsdp, struct acpi_info *info,
			  struct arch_platform *platform_out);

/* The same for the two tables about NUMA, and only them.  Says nothing about the others: acpi_read_tables
 * will. */
void acpi_read_numa_tables(struct acpi_memory *mem, paddr_t rsdp, struct acpi_numa *out);

/* One table each, checksum and length already checked, `len` >= sizeof(struct acpi_header).  NULL, or
 * what is wrong with it; nothing is changed then. */
const char *acpi_parse_madt(const void *table, size_t len, struct arch_platform *out);
const char *acpi_parse_fadt(const void *table, size_t len, struct acpi_info *info, struct arch_platform *out);
const char *acpi_parse_hpet(const void *table, size_t len, struct arch_platform *out);
const char *acpi_parse_mcfg(const void *table, size_t len, struct acpi_info *info);
const char *acpi_parse_srat(const void *table, size_t len, struct acpi_numa *out);
const char *acpi_parse_slit(const void *table, size_t len, struct acpi_numa *out);

/* Look for the definition of \_S5_ among the bytes of a DSDT or SSDT.  True: the values were found. */
bool acpi_find_s5(const void *aml, size_t len, uint8_t *type_a, uint8_t *type_b);

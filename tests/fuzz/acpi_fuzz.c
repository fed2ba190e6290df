/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/acpi/acpi_tables.c drivers/kernel/acpi/acpi_parse.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/acpi/acpi_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The input is the BIOS area of a machine.  Checksums are mended in what is mapped, or the fuzzer would
 * hardly ever get behind them: a mapped range that begins like a table gets the sum right.
 */
#define BASE 0xe0000u

static const uint8_t *area;
static size_t area_size;
static long mapped;

static void mend(uint8_t *p, size_t len)
{
	uint8_t sum = 0;
	size_t field = len >= 8 && memcmp(p, "RSD PTR ", 8) == 0 ? 8 : 9;

	if (field == 8 && len > 20)
		len = 20;
	if (len <= field)
		return;
	p[field] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	p[field] = (uint8_t)-sum;
}

static const void *mem_map(struct acpi_memory *mem, paddr_t pa, size_t len)
{
	uint8_t *copy;

	(void)mem;
	if (pa < BASE || pa - BASE > area_size || len > area_size - (pa - BASE))
		return NULL;
	copy = malloc(len ? len : 1);
	memcpy(copy, area + (pa - BASE), len);
	mend(copy, len);
	mapped++;
	return copy;
}

static void mem_unmap(struct acpi_memory *mem, const void *ptr, size_t len)
{
	(void)mem;
	(void)len;
	mapped--;
	free((void *)(uintptr_t)ptr);
}

static void check(const struct acpi_info *info, const struct arch_platform *plat,
		  const struct acpi_numa *numa)
{
	if (mapped != 0 || plat->cpu_count > MAX_CPUS || plat->ioapic_count > PLATFORM_MAX_IOAPICS ||
	    plat->override_count > PLATFORM_MAX_OVERRIDES || info->mcfg_count > ACPI_MAX_MCFG ||
	    numa->memory_count > ACPI_MAX_MEMORY || numa->cpu_count > ACPI_MAX_CPUS ||
	    numa->locality_count > ACPI_MAX_LOCALITIES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_memory mem = { .map = mem_map, .unmap = mem_unmap };
	static struct acpi_info info;
	static struct arch_platform plat;
	static struct acpi_numa numa;
	paddr_t rsdp = BASE;

	memset(&info, 0, sizeof(info));
	memset(&plat, 0, sizeof(plat));
	memset(&numa, 0, sizeof(numa));
	area = data;
	area_size = size;
	(void)acpi_find_rsdp(&mem, BASE, &rsdp);
	acpi_read_tables(&mem, rsdp, &info, &plat);
	acpi_read_numa_tables(&mem, rsdp, &numa);
	check(&info, &plat, &numa);

	/* And each parser by itself, on all of it. */
	if (size >= sizeof(struct acpi_header)) {
		(void)acpi_parse_madt(data, size, &plat);
		(void)acpi_parse_fadt(data, size, &info, &plat);
		(void)acpi_parse_hpet(data, size, &plat);
		(void)acpi_parse_mcfg(data, size, &info);
		(void)acpi_parse_srat(data, size, &numa);
		(void)acpi_parse_slit(data, size, &numa);
		check(&info, &plat, &numa);
	}
	(void)acpi_find_s5(data, size, &info.s5_type_a, &info.s5_type_b);
	return 0;
}

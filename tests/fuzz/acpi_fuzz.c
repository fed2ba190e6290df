/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/acpi/acpi_tables.c drivers/kernel/acpi/acpi_parse.c */
/* Any bytes as physical memory full of ACPI tables, the root pointer at its start: no access beyond what was
 * mapped, and every mapping ends. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <arch/platform.h>
#include <kernel/acpi.h>

#include "drivers/kernel/acpi/acpi_tables.h"

#define MEMORY_AT 0x1000u

struct image {
	struct acpi_memory mem; /* first: the callbacks get its address */
	const uint8_t *data;
	size_t size;
	int mapped;
};

/* A copy of exactly that size, so that the sanitizer sees its end. */
static const void *map(struct acpi_memory *mem, paddr_t pa, size_t len)
{
	struct image *image = (struct image *)mem;
	uint8_t *copy;

	if (pa < MEMORY_AT || pa - MEMORY_AT > image->size || len > image->size - (pa - MEMORY_AT))
		return NULL;
	copy = malloc(len ? len : 1);
	memcpy(copy, image->data + (pa - MEMORY_AT), len);
	image->mapped++;
	return copy;
}

static void unmap(struct acpi_memory *mem, const void *ptr, size_t len)
{
	(void)len;
	((struct image *)mem)->mapped--;
	free((void *)ptr);
}

/* Checksums would keep nearly every input out. */
static void fix_checksum(uint8_t *bytes, size_t len, size_t at)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	bytes[at] -= sum;
}

static void fix_tables(uint8_t *data, size_t size)
{
	uint32_t length;

	if (size >= 20) {
		memcpy(data, "RSD PTR ", 8);
		fix_checksum(data, 20, 8);
	}
	for (size_t at = 36; at + 36 <= size; at += 4) {
		memcpy(&length, data + at + 4, 4);
		if (data[at] >= 'A' && data[at] <= 'Z' && length >= 36 && length <= size - at)
			fix_checksum(data + at, length, 9);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arch_platform platform;
	static struct acpi_info info;
	uint8_t *copy = malloc(size + 1);
	struct image image = { { map, unmap }, copy, size, 0 };
	paddr_t rsdp;

	memcpy(copy, data, size);
	fix_tables(copy, size);
	memset(&platform, 0, sizeof(platform));
	memset(&info, 0, sizeof(info));
	if (acpi_find_rsdp(&image.mem, MEMORY_AT, &rsdp))
		acpi_read_tables(&image.mem, rsdp, &info, &platform);
	assert(image.mapped == 0);
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/proc/elf.c */
/* Any bytes as a program: what passes keeps the promises of struct elf_image. */
#include <kernel/elf.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EM_X86_64 62

static const struct elf_limits limits = {
	.address_end = 0x7ffffffff000,
	.page_size = 4096,
	.machine = EM_X86_64,
};

static void check(const struct elf_image *image, size_t size)
{
	uint64_t end = 0;

	assert(image->segment_count >= 1 && image->segment_count <= ELF_MAX_SEGMENTS);
	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *s = &image->segments[i];

		assert(s->file_size <= s->memory_size);
		assert(s->offset <= size && s->file_size <= size - s->offset);
		assert(s->address >= end || i == 0);
		assert(s->memory_size <= limits.address_end &&
		       s->address <= limits.address_end - s->memory_size);
		assert((s->address - s->offset) % limits.page_size == 0 || s->file_size == 0);
		end = s->address + s->memory_size;
	}
	assert(image->low <= image->segments[0].address && image->high >= end);
	assert(image->interp_size <= ELF_INTERP_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_limits own = limits;
	struct elf_header header;
	struct elf_image image;
	uint8_t *table;

	own.file_size = size;
	if (elf_read_header(data, size, &own, &header) < 0)
		return 0;
	assert(header.phdr_count <= ELF_MAX_PHDRS);
	assert(header.phdr_offset <= size && header.phdr_count * ELF_PHDR_SIZE <= size - header.phdr_offset);
	table = malloc(header.phdr_count * ELF_PHDR_SIZE + 1);
	memcpy(table, data + header.phdr_offset, header.phdr_count * ELF_PHDR_SIZE);
	if (elf_read_image(&header, table, &own, &image) == 0)
		check(&image, size);
	free(table);
	return 0;
}

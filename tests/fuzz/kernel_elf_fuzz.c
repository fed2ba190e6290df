/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/elf.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <loader/elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted can be placed into exactly the memory it asks for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image image;
	const char *why = NULL;
	void *base;

	if (elf_check(data, size, &image, &why) < 0) {
		if (!why)
			abort();
		return 0;
	}
	if (image.size > ELF_WINDOW || image.entry >= image.size)
		abort();
	base = malloc(image.size);
	if (base)
		elf_place(&image, data, base);
	free(base);
	return 0;
}

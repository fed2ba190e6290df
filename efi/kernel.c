/* SPDX-License-Identifier: BSD-2-Clause */
/* From the kernel's file to an image in memory that may be entered. */
#include "efi_priv.h"

#include <loader/elf.h>

#define KERNEL_FILE_MAX (128ull << 20) /* the window, and as much again for symbols */

int kernel_load(const struct config_file *spec, bool hash_required, struct kernel *kernel)
{
	struct elf_image image;
	struct mem file;
	const char *why;
	int err;

	err = file_load(spec->path, KERNEL_FILE_MAX, &file);
	if (err < 0)
		return err;
	err = trust_check(spec, &file, hash_required);
	if (err < 0)
		goto out_free_file;
	err = elf_check(file.at, file.size, &image, &why);
	if (err < 0) {
		con_error("%t: %s", &spec->path, why);
		goto out_free_file;
	}
	err = mem_alloc_aligned(&kernel->image, image.size, ELF_IMAGE_ALIGN, "the kernel");
	if (err < 0)
		goto out_free_file;
	elf_place(&image, file.at, kernel->image.at);
	kernel->entry = (uint64_t)kernel->image.at + image.entry;
out_free_file:
	mem_free(&file);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: grub/mb2.c loader/boot_info.c kernel/core/boot_info.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <grub/mb2.h>
#include <kernel/boot_info.h>
#include <loader/boot_info.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any tags: refused with a reason, or turned into something that the kernel accepts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info bi;
	void *info = malloc(size ? size : 1); /* so that the sanitizer sees the end */

	memcpy(info, data, size);
	boot_info_init(&bi, "multiboot2");
	if (!mb2_translate(&bi, info, size, 0x10000) && boot_info_set_kernel(&bi, 0x200000, 0x100000) == 0 &&
	    boot_info_finish(&bi) == 0 && boot_info_check(&bi))
		abort();
	free(info);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/pvh.c loader/boot_info.c kernel/core/boot_info.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/boot_info.h>
#include <loader/boot_info.h>
#include <loader/pvh.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is all of physical memory, start_info at 16. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_info bi;
	unsigned char *memory = malloc(size ? size : 1);
	const struct pvh_window window = { memory, size };

	memcpy(memory, data, size);
	boot_info_init(&bi, "pvh");
	if (!pvh_translate(&bi, &window, 16) && boot_info_set_kernel(&bi, 0x200000, 0x100000) == 0 &&
	    boot_info_finish(&bi) == 0 && boot_info_check(&bi))
		abort();
	free(memory);
	return 0;
}

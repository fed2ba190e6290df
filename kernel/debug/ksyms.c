/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/ksyms.h>

#include <kernel/compiler.h>

extern const char __kernel_start[], __text_start[], __text_end[], __init_start[], __init_text_end[];

static bool is_code(uintptr_t addr)
{
	return (addr >= (uintptr_t)__text_start && addr < (uintptr_t)__text_end) ||
	       (addr >= (uintptr_t)__init_start && addr < (uintptr_t)__init_text_end);
}

const char *ksym_lookup(uintptr_t addr, uintptr_t *offset)
{
	uint32_t low = 0, high = ksyms_count;
	uint32_t target;

	if (!is_code(addr))
		return NULL;
	target = (uint32_t)(addr - (uintptr_t)__kernel_start);
	/* All before low start at or below the target, all from high on above it. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ksyms[middle].address <= target)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	*offset = target - ksyms[low - 1].address;
	return ksyms_names + ksyms[low - 1].name;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract, sanitizer builds: where the shadow of kernel memory lies. */
#pragma once

#include <kernel/types.h>

/* shadow = address / 8 + SHADOW_OFFSET; the Makefile gives the compiler the same number. */
#define SHADOW_OFFSET 0xdffffc0000000000ull
#define SHADOW_START  0xffffec0000000000ull /* of KERNEL_BASE */
#define SHADOW_END    0xfffffc0000000000ull

#ifdef SERIX_KASAN
#define WITH_SHADOW true
#else
#define WITH_SHADOW false
#endif

static inline uint8_t *shadow_of(uint64_t addr)
{
	return (uint8_t *)(uintptr_t)((addr >> 3) + SHADOW_OFFSET);
}

/* Boot code shows one page of zeroes everywhere: all is allowed.  From here on tables can be changed one by
 * one; before the first user space. */
void arch_shadow_init(void);
/* Give the shadow pages in [start, end) memory of their own where they have none.  -ENOMEM. */
int arch_shadow_populate(uint64_t start, uint64_t end) __attribute__((warn_unused_result));

/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64's inline half of <arch/paging.h>. */
#pragma once

#include <kernel/types.h>

/* CR3 with CR4.PCIDE (SDM vol. 3A, 4.10.4.1): the identifier in the low bits; bit 63 keeps its
 * translations. */
#define CR3_KEEP_SHIFT 63

static inline void arch_pt_load_tagged(paddr_t root, unsigned asid, bool keep)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(root | asid | (uint64_t)keep << CR3_KEEP_SHIFT) : "memory");
}

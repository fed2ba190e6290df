/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table entries. */
#pragma once

#include <kernel/types.h>

#define ENTRIES 512u

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_PWT      (1ull << 3)
#define PTE_PCD      (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_LARGE    (1ull << 7)
#define PTE_GLOBAL   (1ull << 8)
#define PTE_NONE     (1ull << 9) /* ours: mapped without any right, see paging.c */
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

uint64_t *pt_table(paddr_t pa);

/* A page table below 4 GiB for a processor that starts: the kernel half, and one page of low memory mapped
 * where it lies.  PADDR_NONE: out of memory. */
paddr_t paging_start_root(paddr_t page);
void paging_free_start_root(paddr_t root, paddr_t page);

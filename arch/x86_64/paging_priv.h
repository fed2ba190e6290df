/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table entries. */
#pragma once

#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/types.h>

#define ENTRIES 512u

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_PWT      (1ull << 3)
#define PTE_PCD      (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_LARGE    (1ull << 7) /* above level 0; there it would be the PAT bit, which is not used */
#define PTE_GLOBAL   (1ull << 8)
#define PTE_NONE     (1ull << 9)  /* ours: mapped without any right, see paging.c */
#define PTE_WATCHED  (1ull << 10) /* ours: PT_WATCHED */
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

uint64_t *pt_table(paddr_t pa);

/* A page table below 4 GiB for a processor that starts: the kernel half, and one page of low memory mapped
 * where it lies.  PADDR_NONE: out of memory. */
paddr_t paging_start_root(paddr_t page);
void paging_free_start_root(paddr_t root, paddr_t page);

static inline unsigned index_at(uint64_t va, unsigned level)
{
	return (unsigned)(va >> (PAGE_SHIFT + 9 * level)) % ENTRIES;
}

static inline uint64_t span_at(unsigned level)
{
	return 1ull << (PAGE_SHIFT + 9 * level);
}

static inline bool is_mapped(uint64_t pte)
{
	return pte & (PTE_PRESENT | PTE_NONE);
}

static inline paddr_t pte_address(uint64_t pte)
{
	return (pte & PTE_PRESENT ? pte : ~pte) & PTE_ADDRESS;
}

/* The bits of an entry by its PT_*, PTE_NONE where there is no right (paging.c). */
#define PT_ALL (PT_READ | PT_WRITE | PT_EXEC | PT_USER | PT_UNCACHED | PT_WC | PT_WATCHED)
extern const uint64_t pte_bits[PT_ALL + 1];

static inline uint64_t pte_make(paddr_t pa, unsigned prot)
{
	uint64_t bits = pte_bits[prot & PT_ALL];

	return bits | (unlikely(bits & PTE_NONE) ? ~pa & PTE_ADDRESS : pa);
}

static inline unsigned pte_prot(uint64_t pte)
{
	unsigned prot;

	if (unlikely(!(pte & PTE_PRESENT)))
		return PT_USER | (pte & PTE_WATCHED ? PT_WATCHED : 0);
	/* Without a branch: every fault wants to know. */
	_Static_assert(PTE_WRITE == PT_WRITE && PTE_USER << 1 == PT_USER && PT_EXEC == 1u << 2, "bits");
	prot = PT_READ | (unsigned)(pte & PTE_WRITE) | (unsigned)(pte & PTE_USER) << 1 |
	       (unsigned)(~pte >> 63) << 2;
	if (unlikely(pte & (PTE_PCD | PTE_PWT | PTE_WATCHED)))
		prot |= pte & PTE_WATCHED ? PT_WATCHED : pte & PTE_PCD ? PT_UNCACHED : PT_WC;
	return prot;
}

/* Nothing of the kernel's is written and executed.  What programs may have is mm/'s to say. */
static inline bool breaks_wx(unsigned prot)
{
	return (prot & (PT_WRITE | PT_EXEC | PT_USER)) == (PT_WRITE | PT_EXEC);
}

/*
 * Which entries of a table above the lowest level may be in use: bit n stands for entries 8n to 8n+7.  Kept
 * in the table's struct page, so that freeing an address space need not look at every entry.
 */
static inline uintptr_t *used_groups(const uint64_t *table)
{
	return (uintptr_t *)&page_of(virt_to_phys(table))->owner;
}

/* The number of tables below a user root, kept in the root's struct page. */
static inline uintptr_t *tables_below(paddr_t root)
{
	return (uintptr_t *)&page_of(root)->aux;
}

/* Tables kept ready for splitting large pages, one for each that a table of level 1 maps: the address of the
 * first, kept in that table's struct page; each leads to the next in the same way. */
static inline uintptr_t *spare_tables(const uint64_t *table)
{
	return (uintptr_t *)&page_of(virt_to_phys(table))->aux;
}

static inline uint64_t large_make(paddr_t pa, unsigned prot)
{
	return pte_make(pa, prot) | PTE_LARGE;
}

/* The entry of `to_level` for va, with the tables above it made.  NULL: out of memory. */
uint64_t *pt_make_path(paddr_t root, uint64_t va, unsigned to_level);
/* Replace a large page of the kernel's by a table that maps the same.  False: out of memory. */
bool pt_split_kernel(uint64_t *entry, unsigned level);
/* Take a large page out of a user space; its spare table is freed. */
void large_clear(paddr_t root, uint64_t *entry);

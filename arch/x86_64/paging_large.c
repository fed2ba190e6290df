/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large pages of user spaces: 2 MiB by one entry of a table of level 1 (SDM vol. 3A, 4.5).
 *
 * Splitting must not fail: it happens where half of a change is done already.  So each large page brings
 * along the table that it would be split into; it waits, all zeroes, on a list of the table of level 1.
 */
#include <kernel/assert.h>
#include <kernel/compiler.h>
#include <serix/errno.h>

#include "paging_priv.h"

static uint64_t *table_of(uint64_t *entry)
{
	return (uint64_t *)ALIGN_DOWN((uintptr_t)entry, PAGE_SIZE);
}

static void push_spare(uint64_t *directory, paddr_t pa)
{
	*spare_tables(pt_table(pa)) = *spare_tables(directory);
	*spare_tables(directory) = pa;
}

static paddr_t pop_spare(uint64_t *directory)
{
	paddr_t pa = *spare_tables(directory);

	ASSERT(pa != 0);
	*spare_tables(directory) = *spare_tables(pt_table(pa));
	return pa;
}

int arch_pt_map_large(paddr_t root, uint64_t va, paddr_t pa, unsigned prot)
{
	uint64_t *entry = pt_make_path(root, va, 1);
	paddr_t spare;

	ASSERT((va | pa) % LARGE_PAGE_SIZE == 0 && (prot & PT_USER) && va < USER_END);
	ASSERT((prot & (PT_WRITE | PT_EXEC)) != (PT_WRITE | PT_EXEC));
	if (!entry)
		return -ENOMEM;
	ASSERT(*entry == 0);
	spare = pmm_alloc(PAGE_TABLE, PMM_ZERO);
	if (spare == PADDR_NONE)
		return -ENOMEM;
	++*tables_below(root);
	push_spare(table_of(entry), spare);
	WRITE_ONCE(*entry, large_make(pa, prot));
	return 0;
}

void large_clear(paddr_t root, uint64_t *entry)
{
	WRITE_ONCE(*entry, 0);
	--*tables_below(root);
	pmm_free_zeroed(pop_spare(table_of(entry)));
}

/* The entry of level 1 for va; NULL: no table has it. */
static uint64_t *directory_entry(paddr_t root, uint64_t va)
{
	uint64_t *table = pt_table(root);

	for (unsigned level = 3; level > 1; level--) {
		uint64_t entry = table[index_at(va, level)];

		if (!(entry & PTE_PRESENT))
			return NULL;
		table = pt_table(entry & PTE_ADDRESS);
	}
	return &table[index_at(va, 1)];
}

static bool is_large(const uint64_t *entry)
{
	return entry && is_mapped(*entry) && (*entry & PTE_LARGE);
}

bool arch_pt_query_large(paddr_t root, uint64_t va, paddr_t *pa, unsigned *prot)
{
	const uint64_t *entry = directory_entry(root, va);

	if (!is_large(entry))
		return false;
	*pa = pte_address(*entry);
	*prot = pte_prot(*entry);
	return true;
}

unsigned arch_pt_density(paddr_t root, uint64_t va)
{
	const uint64_t *entry = directory_entry(root, va), *table;
	unsigned n = 0;

	if (is_large(entry))
		return ENTRIES;
	if (!entry || !(*entry & PTE_PRESENT))
		return 0;
	table = pt_table(*entry & PTE_ADDRESS);
	for (unsigned i = 0; i < ENTRIES; i++)
		n += is_mapped(table[i]);
	return n;
}

bool arch_pt_split_large(paddr_t root, uint64_t va)
{
	uint64_t *entry = directory_entry(root, va), *directory, *table;
	paddr_t pa, table_pa;
	unsigned prot;

	if (!is_large(entry))
		return false;
	pa = pte_address(*entry);
	prot = pte_prot(*entry);
	directory = table_of(entry);
	table_pa = pop_spare(directory);
	table = pt_table(table_pa);
	for (unsigned i = 0; i < ENTRIES; i++)
		table[i] = pte_make(pa + i * PAGE_SIZE, prot);
	*used_groups(directory) |= 1ull << ((entry - directory) / 8);
	*used_groups(table) = 0;
	*spare_tables(table) = 0;
	/* x86 keeps the order of stores: a CPU that walks sees the whole table or the large page. */
	WRITE_ONCE(*entry, table_pa | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_USER);
	return true;
}

void arch_pt_protect_large(paddr_t root, uint64_t va, unsigned prot)
{
	uint64_t *entry = directory_entry(root, va);

	ASSERT(is_large(entry));
	WRITE_ONCE(*entry, large_make(pte_address(*entry), prot));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sanitizer builds: page tables of the shadow.  Boot code maps all of it to one page of zeroes, through one
 * table a level (boot/page_tables.c).  A table that is still that shared one is copied before it is changed.
 */
#include <arch/shadow.h>

#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "paging_priv.h"

#define LEVELS 4

/* The addresses between heap and image belong to nobody: their shadow stays as boot code made it. */
#define UNUSED_ADDRESS KERNEL_HEAP_END

static struct spinlock shadow_lock = SPINLOCK_INIT("shadow", RANK_KVM);
/* What an entry of each level says as long as it is shared: [0] the zero page, [3] not used. */
static uint64_t shared[LEVELS];

static uint64_t copy_of(uint64_t entry)
{
	paddr_t pa = pmm_alloc(PAGE_KERNEL, 0);

	if (pa == PADDR_NONE)
		return 0;
	memcpy(pt_table(pa), pt_table(entry & PTE_ADDRESS), PAGE_SIZE);
	return pa | (entry & ~PTE_ADDRESS);
}

static bool is_shared(uint64_t entry, unsigned level)
{
	return (entry & PTE_ADDRESS) == (shared[level] & PTE_ADDRESS);
}

static int populate_page(uint64_t va)
{
	uint64_t *table = pt_table(arch_pt_kernel_root());

	for (unsigned level = LEVELS; level-- > 0;) {
		uint64_t *entry = &table[index_at(va, level)];

		if (is_shared(*entry, level)) {
			uint64_t own = copy_of(*entry);

			if (!own)
				return -ENOMEM;
			*entry = own;
			arch_tlb_flush_page(va);
		}
		table = pt_table(*entry & PTE_ADDRESS);
	}
	return 0;
}

int arch_shadow_populate(uint64_t start, uint64_t end)
{
	int err = 0;

	for (uint64_t va = ALIGN_DOWN(start, PAGE_SIZE); va < end && err == 0; va += PAGE_SIZE) {
		uint64_t flags = spin_lock_irqsave(&shadow_lock);

		err = populate_page(va);
		spin_unlock_irqrestore(&shadow_lock, flags);
	}
	return err;
}

void arch_shadow_init(void)
{
	uint64_t va = (uint64_t)shadow_of(UNUSED_ADDRESS), *root = pt_table(arch_pt_kernel_root());
	const uint64_t *table = root;

	for (unsigned level = LEVELS; level-- > 0;) {
		shared[level] = table[index_at(va, level)];
		table = pt_table(shared[level] & PTE_ADDRESS);
	}
	/* Code may have marked stack frames in it meanwhile. */
	memset(pt_table(shared[0] & PTE_ADDRESS), 0, PAGE_SIZE);
	/* User spaces copy the top level: it must not change later. */
	for (unsigned i = index_at(SHADOW_START, 3); i < index_at(SHADOW_END, 3); i++) {
		uint64_t own = copy_of(root[i]);

		if (own)
			root[i] = own;
	}
}

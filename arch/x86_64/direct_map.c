/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single pages out of the direct map, and back.
 *
 * The direct map is built of pages as large as the processor has; the first frame that is taken out of a
 * large page splits it for good.  The table that takes its place maps the same memory with the same rights,
 * so while other CPUs use translations of both kinds they see no difference (SDM vol. 3A, 4.10.2.3), and what
 * they hold of the large page goes with the flush of the one page that is taken out: INVLPG drops the
 * translation of an address whatever its size (4.10.4.1).
 */
#include <arch/paging.h>

#include <kernel/compiler.h>
#include <kernel/spinlock.h>
#include <serix/errno.h>

#include "paging_priv.h"

/* Entries below the direct map's part of the top-level table change under it. */
static struct spinlock direct_map_lock = SPINLOCK_INIT("direct map", RANK_KVM);

/* The 4 KiB entry of a frame, large pages split on the way.  NULL: out of memory. */
static uint64_t *entry_of_locked(paddr_t pa)
{
	uint64_t va = arch_direct_map_base + pa, *table = pt_table(arch_pt_kernel_root());

	assert_held(&direct_map_lock);
	for (unsigned level = 3; level > 0; level--) {
		uint64_t *entry = &table[index_at(va, level)];

		ASSERT(*entry & PTE_PRESENT);
		if ((*entry & PTE_LARGE) && !pt_split_kernel(entry, level))
			return NULL;
		table = pt_table(*entry & PTE_ADDRESS);
	}
	return &table[index_at(va, 0)];
}

int arch_direct_map_remove(paddr_t pa)
{
	uint64_t irq = spin_lock_irqsave(&direct_map_lock), *entry = entry_of_locked(pa);

	if (entry) {
		ASSERT(*entry & PTE_PRESENT);
		WRITE_ONCE(*entry, 0);
	}
	spin_unlock_irqrestore(&direct_map_lock, irq);
	return entry ? 0 : -ENOMEM;
}

void arch_direct_map_restore(paddr_t pa)
{
	uint64_t irq = spin_lock_irqsave(&direct_map_lock), *entry = entry_of_locked(pa);

	ASSERT(entry && *entry == 0);
	WRITE_ONCE(*entry, pte_make(pa, PT_READ | PT_WRITE));
	spin_unlock_irqrestore(&direct_map_lock, irq);
}

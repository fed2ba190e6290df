/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A window onto physical memory for the time before the frame allocator: three tables of its own, hung into
 * the boot page tables while anything is mapped, and gone with start-up's memory.
 *
 * Pages are read-only and cached as the MTRRs say: the tables that firmware wrote may still be in caches.
 */
#include <arch/paging.h>

#include <boot/boot_info.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>
#include <kernel/compiler.h>

#include "cpu.h"
#include "paging_priv.h"

#define WINDOW_BASE 0xffffff0000000000ull /* a slot of the root that nothing else uses */
#define WINDOW_SLOT (WINDOW_BASE >> 39 & (ENTRIES - 1))

extern char __kernel_start[];

static uint64_t directory[ENTRIES] __initdata __aligned(PAGE_SIZE);
static uint64_t middle[ENTRIES] __initdata __aligned(PAGE_SIZE);
static uint64_t pages[ENTRIES] __initdata __aligned(PAGE_SIZE);
static unsigned used __initdata; /* pages mapped, from the window's start */

static __init uint64_t table_entry(const uint64_t *table)
{
	paddr_t pa = (uint64_t)table - (uint64_t)__kernel_start + boot_info.kernel_base;

	return pa | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
}

static __init void open_window(void)
{
	directory[0] = table_entry(middle);
	middle[0] = table_entry(pages);
	pt_table(arch_pt_current())[WINDOW_SLOT] = table_entry(directory);
}

static __init void close_window(void)
{
	pt_table(arch_pt_current())[WINDOW_SLOT] = 0;
	arch_tlb_flush_all();
}

__init const void *arch_early_map(paddr_t pa, size_t len)
{
	paddr_t first = ALIGN_DOWN(pa, PAGE_SIZE), end;
	const char *va = (const char *)(WINDOW_BASE + used * PAGE_SIZE + (pa - first));

	if (add_overflows(pa, len, &end) || end > arch_phys_end() ||
	    end - first > (ENTRIES - used) * PAGE_SIZE)
		return NULL;
	if (used == 0)
		open_window();
	for (paddr_t page = first; page < end; page += PAGE_SIZE)
		pages[used++] = page | PTE_PRESENT | PTE_ACCESSED | PTE_NX;
	return va;
}

__init void arch_early_unmap(const void *ptr, size_t len)
{
	uint64_t first = ALIGN_DOWN((uint64_t)ptr, PAGE_SIZE);
	unsigned index = (unsigned)((first - WINDOW_BASE) / PAGE_SIZE);

	ASSERT(ALIGN_UP((uint64_t)ptr + len, PAGE_SIZE) == WINDOW_BASE + used * PAGE_SIZE);
	while (used > index) {
		pages[--used] = 0;
		arch_tlb_flush_page(WINDOW_BASE + used * PAGE_SIZE);
	}
	if (used == 0)
		close_window();
}

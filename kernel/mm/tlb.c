/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushing translations.  One processor runs, so flushing means its own TLB; requests to others are sent
 * from here once there are others.
 *
 * A space that this CPU does not have loaded needs no flush: without PCIDs, loading it drops everything
 * that is not global.  A kernel thread runs in whatever user space is loaded, so then any may be.
 */
#include "tlb.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/sched.h>
#include <kernel/vm.h>

#define FLUSH_ALL_PAGES 32 /* from here on reloading all is cheaper than page by page */

static bool may_be_loaded(const struct vm_space *vm)
{
	const struct task *task = current_task();

	return !task || !task->vm || task->vm == vm;
}

static void flush_pages(uint64_t start, uint64_t end)
{
	if ((end - start) >> PAGE_SHIFT > FLUSH_ALL_PAGES) {
		arch_tlb_flush_all();
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		arch_tlb_flush_page(start);
}

void tlb_flush_range(struct vm_space *vm, uint64_t start, uint64_t end)
{
	if (may_be_loaded(vm))
		flush_pages(start, end);
}

void tlb_flush_kernel(uint64_t start, uint64_t end)
{
	flush_pages(start, end);
}

void tlb_leave_space(struct vm_space *vm)
{
	if (may_be_loaded(vm))
		arch_pt_load(arch_pt_kernel_root());
}

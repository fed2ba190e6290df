/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushing translations, on this CPU and on every other one that may hold them.
 *
 * A CPU may hold translations of a space from when it sets its bit in vm_space.cpus until it has loaded
 * another page table and taken the bit out.  It sets the bit before it loads; who flushes changes the page
 * table before it looks at the mask.  So either the flusher sees the bit, or the load comes after the change
 * and finds the new entries.  A kernel thread leaves the last space loaded.
 */
#include "tlb.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/preempt.h>
#include <kernel/smp.h>
#include <kernel/vm.h>

#define FLUSH_ALL_PAGES 32 /* from here on reloading all is cheaper than page by page */

struct range {
	uint64_t start, end;
};

static void flush_here(void *arg)
{
	struct range range = *(const struct range *)arg;

	if ((range.end - range.start) >> PAGE_SHIFT > FLUSH_ALL_PAGES) {
		arch_tlb_flush_all();
		return;
	}
	for (; range.start < range.end; range.start += PAGE_SIZE)
		arch_tlb_flush_page(range.start);
}

void tlb_flush_range(struct vm_space *vm, uint64_t start, uint64_t end)
{
	struct range range = { start, end };

	/* The page table was changed before: see above. */
	atomic_thread_fence(memory_order_seq_cst);
	smp_call(&vm->cpus, flush_here, &range);
}

void tlb_flush_kernel(uint64_t start, uint64_t end)
{
	struct range range = { start, end };

	atomic_thread_fence(memory_order_seq_cst);
	smp_call(&CPUMASK_ALL, flush_here, &range);
}

void vm_space_load(struct vm_space *vm)
{
	struct cpu *cpu = arch_this_cpu();
	struct vm_space *former = cpu->vm;

	DEBUG_ASSERT(!arch_irqs_enabled());
	if (former == vm)
		return;
	if (vm)
		cpumask_set_atomic(&vm->cpus, cpu->id);
	arch_pt_load(vm ? vm->root : arch_pt_kernel_root());
	cpu->vm = vm;
	if (former)
		cpumask_clear_atomic(&former->cpus, cpu->id);
}

static void leave_here(void *arg)
{
	if (arch_this_cpu()->vm == arg)
		vm_space_load(NULL);
}

void tlb_leave_space(struct vm_space *vm)
{
	smp_call(&vm->cpus, leave_here, vm);
}

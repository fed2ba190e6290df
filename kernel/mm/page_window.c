/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows onto single frames.  Their addresses belong to one CPU each, so closing one needs no more than a
 * flush on that CPU: no other ever uses the address.
 */
#include <kernel/page_window.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/panic.h>
#include <kernel/preempt.h>

#include "kvm.h"

#define WINDOWS 2u /* a CPU: a key and what is encrypted with it */

static uint64_t windows;                /* [i] the first CPU's first */
static unsigned windows_open[MAX_CPUS]; /* of this CPU, preemption off */

/* Tables of the kernel's half stay once they are made: map something everywhere now, and opening a window
 * never needs memory.  One page for each lowest table. */
void page_window_init(void)
{
	uint64_t size = (uint64_t)MAX_CPUS * WINDOWS * PAGE_SIZE;

	windows = kvm_reserve(size);
	if (!windows)
		panic("no room for page windows");
	for (uint64_t va = windows; va < windows + size;
	     va = ALIGN_DOWN(va, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE) {
		if (kvm_map(va, 0, 0) < 0)
			panic("no memory for page windows");
		(void)kvm_unmap(va);
	}
}

void *page_window_open(paddr_t pa)
{
	uint32_t cpu;
	uint64_t va;
	int err;

	preempt_disable();
	cpu = arch_this_cpu()->id;
	ASSERT(windows_open[cpu] < WINDOWS);
	va = windows + ((uint64_t)cpu * WINDOWS + windows_open[cpu]++) * PAGE_SIZE;
	err = kvm_map(va, pa, PT_READ | PT_WRITE);
	ASSERT(err == 0);
	return (void *)va;
}

void page_window_close(void *window)
{
	(void)kvm_unmap((uint64_t)window);
	arch_tlb_flush_page((uint64_t)window);
	windows_open[arch_this_cpu()->id]--;
	preempt_enable();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: the kernel's own part of the page tables. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/pmm.h>

/* One page.  -ENOMEM. */
int kvm_map(uint64_t va, paddr_t pa, unsigned prot) __must_check;
/* The frame, or PADDR_NONE.  The caller flushes. */
paddr_t kvm_unmap(uint64_t va);

/* Addresses for ever, unmapped, with a guard page behind them.  0: none left. */
uint64_t kvm_reserve(uint64_t size) __must_check;

/* Back [start, end) with cleared frames, writable; on failure nothing stays.  -ENOMEM. */
int kvm_populate(uint64_t start, uint64_t end, enum page_use use) __must_check;
/* Unmapping what kvm_populate has mapped, in one or several places: all CPUs flush once, then the frames, and
 * by the caller the addresses, are free. */
struct kvm_batch {
	uint64_t start, end; /* what was unmapped lies in it; start >= end: nothing */
	struct page *frames; /* linked by page.aux */
};
void kvm_batch_init(struct kvm_batch *batch);
void kvm_batch_unmap(struct kvm_batch *batch, uint64_t start, uint64_t end);
void kvm_batch_finish(struct kvm_batch *batch);
/* The same for one range. */
void kvm_depopulate(uint64_t start, uint64_t end);

/* Kernel stacks live from `start` on; returns the first address behind their range. */
uint64_t kstack_init(uint64_t start);

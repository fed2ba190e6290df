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
/* Unmap, flush and free. */
void kvm_depopulate(uint64_t start, uint64_t end);

/* Kernel stacks live from `start` on; returns the first address behind their range. */
uint64_t kstack_init(uint64_t start);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: every flush of translations goes through here, after the page table was changed and
 * before the frames that it named are freed.
 *
 * Rule for callers of everything but tlb_space_init and tlb_flush_begin: other CPUs are interrupted and
 * waited for.  So interrupts are on, and no spinlock is held: others would spin for the length of the round,
 * and one that does so with its interrupts off would never answer.  Debug builds check it.
 *
 * Raising rights needs no flush: a CPU that still has the lower ones faults, which drops its translation (SDM
 * vol. 3A, 4.10.4.1), finds nothing to do and tries again.
 */
#pragma once

#include <kernel/types.h>

struct page;
struct vm_space;

/* A new space that no CPU has loaded. */
void tlb_space_init(struct vm_space *vm);
/* Pages [start, end) of a user space lost rights, were unmapped or replaced. */
void tlb_flush_range(struct vm_space *vm, uint64_t start, uint64_t end);
/*
 * The same in two steps, for callers that hold a spinlock: begin, in any context, after the change; true: no
 * other CPU has the space loaded, and all is done.  Else end, with the lock let go: until it returns other
 * CPUs may go on by what was there before.
 */
struct tlb_flush {
	struct vm_space *vm;
	uint64_t start, end;
	uint64_t gen; /* of vm_space.tlb_gen: this flush */
};
bool tlb_flush_begin(struct tlb_flush *f, struct vm_space *vm, uint64_t start, uint64_t end);
void tlb_flush_end(struct tlb_flush *f);
/* The same in the kernel half. */
void tlb_flush_kernel(uint64_t start, uint64_t end);
/* No CPU may still use this space's page table: it is about to be freed. */
void tlb_leave_space(struct vm_space *vm);

/*
 * One operation that unmaps: ranges and frames are collected, one flush reaches the CPUs that need it, then
 * the frames are freed.  vm_space.lock is held from init to finish, for reading at least; to take tables out,
 * for writing.  Between the change and the flush, which is done without the page table's lock, others may
 * fill the emptied entries again: the batch still holds the references of what was there.
 */
#define TLB_BATCH_FRAMES 32

struct tlb_sheet; /* a page full of further frames */

struct tlb_batch {
	struct vm_space *vm;
	uint64_t start, end;      /* what was unmapped lies in it; start >= end: nothing */
	struct page *tables;      /* page tables taken out, linked by page.aux */
	struct tlb_sheet *sheets; /* full ones, and the one being filled first */
	unsigned sheet_count;
	unsigned count; /* in frames */
	paddr_t frames[TLB_BATCH_FRAMES];
};

void tlb_batch_init(struct tlb_batch *batch, struct vm_space *vm);
/* Take the pages of [start, end) out of the page table.  No large page reaches out of the range. */
void tlb_batch_unmap(struct tlb_batch *batch, uint64_t start, uint64_t end);
/* Take out the tables that cover [start, end) or parts of it and nothing outside [low, high), where nothing
 * is mapped any more. */
void tlb_batch_trim(struct tlb_batch *batch, uint64_t start, uint64_t end, uint64_t low, uint64_t high);
void tlb_batch_finish(struct tlb_batch *batch);

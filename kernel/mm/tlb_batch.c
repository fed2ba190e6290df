/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmapping in batches: change the page table, flush once, free.
 *
 * While the space is loaded on this CPU alone a flush costs little, and the frames on the stack do.  When
 * others have to be interrupted, further frames are noted on pages of their own, as long as there is memory
 * for them: up to 32 MiB are unmapped for one round of interrupts.
 */
#include "tlb.h"

#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/vm.h>

#include "tlb_priv.h"
#include "uninitialized.h"
#include "vm_large.h"
#include "vm_priv.h"

#define SHEET_FRAMES (PAGE_SIZE / sizeof(paddr_t) - 2)
#define SHEET_CHUNK  34ul /* unmapped with the page table locked */
#define SHEETS_MAX   16

struct tlb_sheet {
	struct tlb_sheet *next;
	uint64_t count;
	paddr_t frames[SHEET_FRAMES];
};
_Static_assert(sizeof(struct tlb_sheet) == PAGE_SIZE, "a sheet is a page");

void tlb_batch_init(struct tlb_batch *batch, struct vm_space *vm)
{
	batch->vm = vm;
	batch->start = UINT64_MAX;
	batch->end = 0;
	batch->tables = NULL;
	batch->sheets = NULL;
	batch->sheet_count = 0;
	batch->count = 0;
}

static void widen(struct tlb_batch *batch, uint64_t start, uint64_t end)
{
	batch->start = MIN(batch->start, start);
	batch->end = MAX(batch->end, end);
}

static void put(struct vm_space *vm, const paddr_t *frames, uint64_t n)
{
	vm_count_unmapped(vm, vm_frames_put(frames, (unsigned)n));
}

static void free_frames(struct tlb_batch *batch)
{
	struct tlb_sheet *sheet;

	if (batch->count > 0)
		put(batch->vm, batch->frames, batch->count);
	batch->count = 0;
	while ((sheet = batch->sheets)) {
		batch->sheets = sheet->next;
		put(batch->vm, sheet->frames, sheet->count);
		pmm_free(virt_to_phys(sheet));
	}
	batch->sheet_count = 0;
}

static void free_tables(struct tlb_batch *batch)
{
	struct page *page;

	while ((page = batch->tables)) {
		batch->tables = page->aux;
		pmm_free_zeroed(page_addr(page));
	}
}

void tlb_batch_finish(struct tlb_batch *batch)
{
	if (batch->start < batch->end)
		tlb_flush(batch->vm, batch->start, batch->end, batch->tables != NULL);
	free_frames(batch);
	free_tables(batch);
	batch->start = UINT64_MAX;
	batch->end = 0;
}

static bool add_sheet(struct tlb_batch *batch)
{
	struct tlb_sheet *sheet;
	paddr_t pa;

	if (batch->sheet_count == SHEETS_MAX || !tlb_loaded_elsewhere(batch->vm))
		return false;
	pa = pmm_alloc(PAGE_KERNEL, 0);
	if (pa == PADDR_NONE)
		return false;
	sheet = phys_to_virt(pa);
	sheet->next = batch->sheets;
	sheet->count = 0;
	batch->sheets = sheet;
	batch->sheet_count++;
	return true;
}

static unsigned unmap_into(struct tlb_batch *batch, uint64_t *at, uint64_t end, paddr_t *frames,
			   uint64_t room)
{
	unsigned n;

	spin_lock(&batch->vm->pt_lock);
	n = arch_pt_unmap_range(batch->vm->root, at, end, frames, (unsigned)room);
	spin_unlock(&batch->vm->pt_lock);
	return n;
}

/* Unmap as many pages as there is room for; *at moves behind them.  False: there is no room. */
static bool unmap_some(struct tlb_batch *batch, uint64_t *at, uint64_t end)
{
	struct tlb_sheet *sheet = batch->sheets;
	uint64_t from = *at;
	unsigned n;

	if (batch->count < TLB_BATCH_FRAMES) {
		n = unmap_into(batch, at, end, batch->frames + batch->count, TLB_BATCH_FRAMES - batch->count);
		batch->count += n;
	} else if ((sheet && sheet->count < SHEET_FRAMES) || add_sheet(batch)) {
		sheet = batch->sheets;
		n = unmap_into(batch, at, end, sheet->frames + sheet->count,
			       MIN(SHEET_CHUNK, SHEET_FRAMES - sheet->count));
		sheet->count += n;
	} else {
		return false;
	}
	if (n > 0)
		widen(batch, from, *at);
	return true;
}

void tlb_batch_unmap(struct tlb_batch *batch, uint64_t start, uint64_t end)
{
	while (start < end) {
		if (!unmap_some(batch, &start, end))
			tlb_batch_finish(batch);
	}
}

void tlb_batch_trim(struct tlb_batch *batch, uint64_t start, uint64_t end, uint64_t low, uint64_t high)
{
	paddr_t tables[TLB_BATCH_FRAMES] __uninitialized;
	unsigned n;

	do {
		spin_lock(&batch->vm->pt_lock);
		n = arch_pt_trim(batch->vm->root, start, end, low, high, tables, TLB_BATCH_FRAMES);
		spin_unlock(&batch->vm->pt_lock);
		for (unsigned i = 0; i < n; i++) {
			struct page *page = page_of(tables[i]);

			page->aux = batch->tables;
			batch->tables = page;
		}
		if (n > 0)
			widen(batch, start, start + PAGE_SIZE); /* one address will do: see tlb_flush */
	} while (n == TLB_BATCH_FRAMES);
}

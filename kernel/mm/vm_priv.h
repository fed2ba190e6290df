/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: what the files of the address-space part share.  `_locked`: vm_space.lock is held. */
#pragma once

#include <arch/paging.h>
#include <kernel/vm.h>

#include "pmm_batch.h"

#define VM_RIGHTS    (VM_READ | VM_WRITE | VM_EXEC)
#define VM_BATCH     32     /* frames handled by one walk of the page table */
#define VM_AREAS_MAX 65530u /* in one space, as Linux's default */

/* How the page table maps a page of an area; `write` false holds back the right to write. */
static inline unsigned vm_area_prot(const struct vm_area *area, bool write)
{
	unsigned prot = 0;

	_Static_assert(VM_READ == PT_READ && VM_WRITE == PT_WRITE && VM_EXEC == PT_EXEC, "same bits");
	prot = area->flags & (write ? VM_RIGHTS : VM_READ | VM_EXEC);
	/* The machine knows no page that can be written or executed but not read. */
	return prot || (area->flags & VM_WRITE) ? prot | PT_READ | PT_USER : 0;
}

static inline bool vm_area_private(const struct vm_area *area)
{
	return !(area->flags & VM_SHARED);
}

static inline uint64_t vm_area_index(const struct vm_area *area, uint64_t addr)
{
	return (area->offset + (addr - area->start)) >> PAGE_SHIFT;
}

void vm_object_setup(void);
/* As vm_object_page, but -ENXIO past the object's size. */
int vm_object_page_inside(struct vm_object *obj, uint64_t index, struct page **out) __must_check;

void vm_map_setup(void);
/* A new area, not in the tree: a copy of `model` with its own reference to the object.  NULL: no memory. */
struct vm_area *vm_area_copy(const struct vm_area *model) __must_check;
/* Drop the reference and free. */
void vm_area_free(struct vm_area *area);
/* Take the pages of [start, end) out of the page table and drop their references. */
void vm_unmap_pages_locked(struct vm_space *vm, uint64_t start, uint64_t end);
/* Resolve a fault at addr, inside or below the area above it. */
int vm_fault_locked(struct vm_space *vm, uint64_t addr, unsigned access) __must_check;

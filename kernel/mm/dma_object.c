/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects for devices: all frames are there from the start and stay where they are, because the object
 * holds a reference to each and nothing that shrinks it is allowed (the file system seals its size).
 */
#include <kernel/memobj.h>

#include <kernel/vm.h>
#include <serix/errno.h>

#include "page_tree.h"

/* Takes over the frame's reference, also on failure. */
static int add_frame_locked(struct vm_object *obj, uint64_t index, paddr_t pa)
{
	int err = page_tree_insert(&obj->pages, index, page_of(pa));

	if (err < 0)
		pmm_free(pa);
	return err;
}

static int add_single_locked(struct vm_object *obj, uint64_t count, unsigned flags)
{
	int err = 0;

	for (uint64_t i = 0; i < count && err == 0; i++) {
		paddr_t pa = pmm_alloc(PAGE_DMA, flags);

		err = pa == PADDR_NONE ? -ENOMEM : add_frame_locked(obj, i, pa);
	}
	return err;
}

static int add_run_locked(struct vm_object *obj, uint64_t count, unsigned flags)
{
	paddr_t first = pmm_alloc_contiguous(count, 1, PAGE_DMA, flags);
	int err = 0;

	if (first == PADDR_NONE)
		return -ENOMEM;
	for (uint64_t i = 0; i < count; i++) {
		paddr_t pa = first + i * PAGE_SIZE;

		if (err == 0)
			err = add_frame_locked(obj, i, pa);
		else
			pmm_free(pa);
	}
	return err;
}

int vm_object_pin(struct vm_object *obj, uint64_t size, bool contiguous, bool below_4g)
{
	unsigned flags = PMM_ZERO | (below_4g ? PMM_DMA32 : 0);
	uint64_t count = size >> PAGE_SHIFT;
	int err;

	mutex_lock(&obj->lock);
	obj->pinned = true;
	err = contiguous ? add_run_locked(obj, count, flags) : add_single_locked(obj, count, flags);
	if (err == 0)
		obj->size = size;
	mutex_unlock(&obj->lock);
	return err;
}

int vm_object_run(struct vm_object *obj, uint64_t offset, paddr_t *address, uint64_t *length)
{
	uint64_t index = offset >> PAGE_SHIFT, pages = 0;
	struct page *page;
	paddr_t first = 0;

	mutex_lock(&obj->lock);
	while ((page = page_tree_find(&obj->pages, index + pages))) {
		if (pages == 0)
			first = page_addr(page);
		else if (page_addr(page) != first + pages * PAGE_SIZE)
			break;
		pages++;
	}
	mutex_unlock(&obj->lock);
	if (pages == 0)
		return -EINVAL;
	*address = first + (offset & ~PAGE_MASK);
	*length = pages * PAGE_SIZE - (offset & ~PAGE_MASK);
	return 0;
}

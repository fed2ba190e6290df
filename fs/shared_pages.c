/* SPDX-License-Identifier: BSD-2-Clause */
#include "shared_pages.h"

#include <kernel/pmm.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

static struct shared_pages *pages_of(struct vm_object *obj)
{
	return container_of(obj, struct shared_pages, object);
}

static void release(struct vm_object *obj)
{
	struct shared_pages *p = pages_of(obj);

	for (uint32_t i = 0; i < p->count; i++)
		page_put(page_of(virt_to_phys(p->pages[i])));
	kfree(p);
}

static void describe(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	strlcpy(buf, pages_of(obj)->name, size);
	*dev = 0;
	*ino = 0;
}

static const struct vm_object_ops shared_ops = { .release = release, .describe = describe };

/* All pages; on failure those that are there are counted. */
static int fill(struct shared_pages *p, uint32_t count)
{
	for (; p->count < count; p->count++) {
		struct page *page;
		int err = vm_object_page(&p->object, p->count, &page);

		if (err < 0)
			return err;
		p->pages[p->count] = phys_to_virt(page_addr(page));
	}
	return 0;
}

int shared_pages_create(const char *name, uint64_t bytes, struct shared_pages **out)
{
	uint64_t count = ALIGN_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT;
	struct shared_pages *p = kzalloc(sizeof(*p) + count * sizeof(p->pages[0]));
	int err;

	if (!p)
		return -ENOMEM;
	vm_object_init(&p->object, &shared_ops, count << PAGE_SHIFT);
	p->object.pinned = true;
	p->name = name;
	err = vm_object_charge(&p->object);
	if (err == 0)
		err = fill(p, (uint32_t)count);
	if (err < 0)
		shared_pages_put(p);
	else
		*out = p;
	return err;
}

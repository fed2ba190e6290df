/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that the kernel shares with programs: the rings of fs/aio and fs/uring.  All are there from the start
 * and stay until the last mapping and the last user of them are gone.  What programs do to their mappings
 * does not concern the kernel's view of the pages.
 *
 * The programs may write at any time: whoever reads here reads each word once, and checks what it got.
 */
#pragma once

#include <arch/paging.h>
#include <kernel/vm.h>

struct shared_pages {
	struct vm_object object;
	const char *name; /* [i] as /proc/pid/maps shows it */
	uint32_t count;   /* [i] */
	char *pages[];    /* [i] as the kernel sees them; each is referenced */
};

/* Zeroed and charged; one reference, shared_pages_put().  -ENOMEM. */
int shared_pages_create(const char *name, uint64_t bytes, struct shared_pages **out) __must_check;

static inline void shared_pages_put(struct shared_pages *p)
{
	vm_object_put(&p->object);
}

/* What lies there does not cross a page's end. */
static inline void *shared_pages_at(const struct shared_pages *p, uint64_t offset)
{
	return p->pages[offset >> PAGE_SHIFT] + offset % PAGE_SIZE;
}

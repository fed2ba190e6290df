/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/pagemap: eight bytes for each page of a process, by its number, with Linux's bits.
 *
 * Which frame it is only the privileged are told; all others read zero there.  Nothing is ever swapped, and
 * no page is known to be soft-dirty.
 */
#include "proc_priv.h"

#include <arch/paging.h>
#include <kernel/slab.h>
#include <kernel/vm.h>

#define EXCLUSIVE (1ull << 56)
#define WATCHED   (1ull << 57)
#define NOT_ANON  (1ull << 61) /* a file's, or shared */
#define PRESENT   (1ull << 63)

#define ENTRY ((off_t)sizeof(uint64_t))
#define BATCH 128u
#define PAGES (1ull << (47 - PAGE_SHIFT)) /* the user half, with its guard page */

struct batch {
	struct vm_page_look look[BATCH];
	uint64_t entries[BATCH];
};

static uint64_t entry_of(const struct vm_page_look *look, bool frames)
{
	if (!look->mapped)
		return 0;
	return PRESENT | (look->anonymous ? 0 : NOT_ANON) | (look->exclusive ? EXCLUSIVE : 0) |
	       (look->watched ? WATCHED : 0) | (frames ? look->frame : 0);
}

/* Bytes, or -EFAULT. */
static ssize_t read_batch(struct vm_space *vm, struct iobuf *io, uint64_t page, unsigned count, bool frames,
			  struct batch *b)
{
	vm_look_at_pages(vm, page << PAGE_SHIFT, count, b->look);
	for (unsigned i = 0; i < count; i++)
		b->entries[i] = entry_of(&b->look[i], frames);
	return iobuf_write(io, b->entries, count * sizeof(b->entries[0]));
}

static ssize_t read_all(struct vm_space *vm, struct iobuf *io, off_t *pos, struct batch *b)
{
	bool frames = cred_has_privilege(PRIV_SYS_ADMIN);
	ssize_t done = 0, n = 0;

	while (io->left > 0 && *pos / ENTRY < (off_t)PAGES && !signal_pending()) {
		uint64_t page = (uint64_t)(*pos / ENTRY);
		unsigned count =
			(unsigned)MIN(MIN(io->left / sizeof(uint64_t), PAGES - page), (uint64_t)BATCH);

		n = read_batch(vm, io, page, count, frames, b);
		if (n <= 0)
			break;
		done += n;
		*pos += n;
	}
	return done > 0 ? done : n < 0 ? n : signal_pending() ? -ERESTARTSYS : 0;
}

ssize_t proc_read_pagemap(const struct proc_node *node, struct iobuf *io, off_t *pos)
{
	int err = proc_may_look(node->process);
	struct vm_space *vm;
	struct batch *b;
	ssize_t n;

	if (err < 0)
		return err;
	if (*pos % ENTRY || io->left % sizeof(uint64_t))
		return -EINVAL;
	vm = process_vm_get(node->process);
	if (!vm)
		return 0;
	b = kmalloc(sizeof(*b));
	n = b ? read_all(vm, io, pos, b) : -ENOMEM;
	kfree(b);
	vm_space_put(vm);
	return n;
}

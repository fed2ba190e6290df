/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole pages on their way from one address space to another: what a message is made of.
 *
 * Taken pages are an array of frames, each with a reference of whoever has the array.  Nobody can change
 * them any more: a page that somebody else still has mapped is mapped there without the right to write, and
 * the first write to it makes a copy.  VM_PAGE_ZEROES in place of a frame is a page of zeroes that nobody
 * has touched yet.
 *
 * They are charged to nobody while they are under way: whoever keeps many limits how many.
 */
#pragma once

#include <arch/paging.h>
#include <kernel/compiler.h>
#include <kernel/types.h>

struct vm_space;

#define VM_PAGES_MAX   34u /* in one call: a message of MESSAGE_MAX that begins and ends inside pages */
#define VM_PAGE_ZEROES ((paddr_t)UINT64_MAX)

enum vm_take {
	VM_TAKE_SHARE, /* the sender keeps them, copied on write */
	VM_TAKE_MOVE,  /* they are gone from there: it reads zeroes.  What it may not write stays as it is */
};

/* Take the pages [addr, addr + count pages) of the running process.  Pages that must stay where they are
 * (of files, shared, secure, locked in memory) are copied.  Other threads' writes are in the pages or come
 * later: all CPUs have heard of it when this returns.  -EFAULT, -ENOMEM: nothing was changed.  No lock is
 * held. */
int vm_pages_take(uint64_t addr, unsigned count, enum vm_take how, paddr_t *frames) __must_check;

/* A new page with a copy of part of one of the running process, at the same offset; the rest of it may hold
 * anything. -EFAULT, -ENOMEM. */
int vm_pages_copy_in(uint64_t from, size_t len, paddr_t *frame) __must_check;

/* Make them the contents of [addr, addr + count pages) of the running process, in place of what is there.
 * All are gone from `frames` then.  -EOPNOTSUPP: not all of the range is private, anonymous, writable
 * memory without wishes of its own (locked, bound to a node); -ENOMEM.  Then nothing was changed, and the
 * caller copies. */
int vm_pages_give(uint64_t addr, unsigned count, const paddr_t *frames) __must_check;

/* Copy bytes of taken pages, from `offset` in the first one on, to the running process.  -EFAULT. */
int vm_pages_copy_out(const paddr_t *frames, size_t offset, uaddr_t to, size_t len) __must_check;

/* Give up the references. */
void vm_pages_drop(const paddr_t *frames, unsigned count);

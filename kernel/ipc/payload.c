/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a message under way, in one of three forms by size:
 *
 *	PAYLOAD_INLINE	in the message itself
 *	PAYLOAD_COPY	in a buffer of the kernel's
 *	PAYLOAD_PAGES	in whole pages (kernel/vm_pages.h), as the sender had them.  Those at the two ends
 *			that the sender's buffer fills only in part are copies of that part, or, with
 *			MESSAGE_PAGES, the pages themselves
 *
 * Where the receiver's buffer begins at the same offset in its page the whole pages become the receiver's,
 * else their bytes are copied.  What comes from a page that was filled in part only is always copied, unless
 * both sides say MESSAGE_PAGES.
 */
#include <kernel/ipc.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/vm_pages.h>
#include <serix/errno.h>

/* Above this pages are handed on; a page costs about as much as copying it in and out does. */
#define COPY_MAX PAGE_SIZE

struct payload_pages {
	uint32_t offset; /* of the message in the first page */
	uint32_t count;
	bool ends; /* the first and the last page are the sender's own, too */
	paddr_t frames[VM_PAGES_MAX];
};
_Static_assert(MESSAGE_MAX / PAGE_SIZE + 2 <= VM_PAGES_MAX, "the largest message, at any address");

/* The pages [low, high) of a message are whole: nothing else is in them, or nobody minds. */
struct whole {
	unsigned low, high;
};

static struct whole whole_pages(uint32_t offset, uint32_t size, bool ends)
{
	unsigned pages = (offset + size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (ends)
		return (struct whole){ 0, pages };
	return (struct whole){ offset != 0, (offset + size) >> PAGE_SHIFT };
}

/* --- taking ---------------------------------------------------------------------------------------- */

static int take_copy(struct payload *p, uaddr_t from)
{
	void *copy = kmalloc(p->size);

	if (!copy)
		return -ENOMEM;
	if (arch_copy_from_user(copy, from, p->size) < 0) {
		kfree(copy);
		return -EFAULT;
	}
	p->form = PAYLOAD_COPY;
	p->copy = copy;
	return 0;
}

/* The two ends, where they are not whole.  They come first: taking pages that move cannot be undone. */
static int take_ends(struct payload_pages *pages, struct whole whole, uaddr_t from, uint32_t size)
{
	uaddr_t end = from + size, tail = ALIGN_DOWN(end, PAGE_SIZE);
	int err = 0;

	if (whole.low > 0)
		err = vm_pages_copy_in(from, PAGE_SIZE - pages->offset, &pages->frames[0]);
	if (err < 0 || whole.high == pages->count)
		return err;
	err = vm_pages_copy_in(tail, end - tail, &pages->frames[whole.high]);
	if (err < 0)
		vm_pages_drop(pages->frames, whole.low);
	return err;
}

static void drop_ends(struct payload_pages *pages, struct whole whole)
{
	vm_pages_drop(pages->frames, whole.low);
	vm_pages_drop(pages->frames + whole.high, pages->count - whole.high);
}

static int fill_pages(struct payload_pages *pages, struct whole whole, uaddr_t from, uint32_t size,
		      enum vm_take how)
{
	uaddr_t start = ALIGN_DOWN(from, PAGE_SIZE) + whole.low * PAGE_SIZE;
	int err = take_ends(pages, whole, from, size);

	if (err < 0)
		return err;
	err = vm_pages_take(start, whole.high - whole.low, how, &pages->frames[whole.low]);
	if (err < 0)
		drop_ends(pages, whole);
	return err;
}

static int take_pages(struct payload *p, uaddr_t from, uint32_t flags)
{
	enum vm_take how = flags & MESSAGE_MOVE ? VM_TAKE_MOVE : VM_TAKE_SHARE;
	bool ends = how == VM_TAKE_SHARE && (flags & MESSAGE_PAGES);
	uint32_t offset = (uint32_t)(from & ~PAGE_MASK);
	struct whole whole = whole_pages(offset, p->size, ends);
	struct payload_pages *pages;
	int err;

	if (whole.low >= whole.high)
		return take_copy(p, from);
	pages = kmalloc(sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	pages->offset = offset;
	pages->count = (uint32_t)((offset + p->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	pages->ends = ends;
	err = fill_pages(pages, whole, from, p->size, how);
	if (err < 0) {
		kfree(pages);
		return err;
	}
	p->form = PAYLOAD_PAGES;
	p->pages = pages;
	return 0;
}

int payload_take(struct payload *p, uaddr_t from, uint64_t size, uint32_t flags)
{
	p->size = (uint32_t)size;
	p->form = PAYLOAD_INLINE;
	if (size <= MESSAGE_SMALL)
		return size ? copy_from_user(p->bytes, from, size) : 0;
	if (from > USER_END || size > USER_END - from)
		return -EFAULT;
	if (size > COPY_MAX || (flags & (MESSAGE_PAGES | MESSAGE_MOVE)) == MESSAGE_PAGES)
		return take_pages(p, from, flags);
	return take_copy(p, from);
}

/* --- giving ---------------------------------------------------------------------------------------- */

/* Copy the bytes [from, to) of the message, as they lie in its pages. */
static int copy_part(const struct payload_pages *pages, uaddr_t target, size_t from, size_t to)
{
	return from < to ? vm_pages_copy_out(pages->frames, from, target + from - pages->offset, to - from)
			 : 0;
}

/* What can fail comes first, and the pages go all at once or not at all. */
static int give_pages(struct payload *p, uaddr_t to, uint32_t flags)
{
	struct payload_pages *pages = p->pages;
	bool ends = pages->ends && (flags & MESSAGE_PAGES), same = (to & ~PAGE_MASK) == pages->offset;
	struct whole whole = whole_pages(pages->offset, p->size, ends);
	size_t low = whole.low * PAGE_SIZE, high = whole.high * PAGE_SIZE, end = pages->offset + p->size;
	uaddr_t start = ALIGN_DOWN(to, PAGE_SIZE) + low;
	int err;

	if (!same || whole.low >= whole.high)
		return copy_part(pages, to, pages->offset, end);
	err = copy_part(pages, to, pages->offset, MIN(MAX(low, pages->offset), end));
	if (err == 0)
		err = copy_part(pages, to, high, end);
	if (err < 0)
		return err;
	if (vm_pages_give(start, whole.high - whole.low, &pages->frames[whole.low]) < 0)
		return copy_part(pages, to, MAX(low, pages->offset), MIN(high, end));
	for (unsigned i = whole.low; i < whole.high; i++)
		pages->frames[i] = VM_PAGE_ZEROES; /* nothing to drop */
	return 0;
}

static int give(struct payload *p, uaddr_t to, uint32_t flags)
{
	switch ((enum payload_form)p->form) {
	case PAYLOAD_INLINE:
		return p->size ? copy_to_user(to, p->bytes, p->size) : 0;
	case PAYLOAD_COPY:
		return arch_copy_to_user(to, p->copy, p->size);
	case PAYLOAD_PAGES:
		return give_pages(p, to, flags);
	}
	return -EFAULT;
}

int payload_give(struct payload *p, uaddr_t to, uint32_t flags)
{
	int err = give(p, to, flags);

	if (err == 0)
		payload_drop(p);
	return err;
}

void payload_drop(struct payload *p)
{
	if (p->form == PAYLOAD_COPY) {
		kfree(p->copy);
	} else if (p->form == PAYLOAD_PAGES) {
		vm_pages_drop(p->pages->frames, p->pages->count);
		kfree(p->pages);
	}
	p->form = PAYLOAD_INLINE;
	p->size = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a message under way. */
#include <kernel/ipc.h>

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

static void *bytes_of(struct payload *p)
{
	return p->form == PAYLOAD_INLINE ? p->bytes : p->copy;
}

int payload_take(struct payload *p, uaddr_t from, uint64_t size, uint32_t flags)
{
	(void)flags;
	p->size = (uint32_t)size;
	p->form = size <= MESSAGE_SMALL ? PAYLOAD_INLINE : PAYLOAD_COPY;
	if (p->form == PAYLOAD_COPY) {
		p->copy = kmalloc(size);
		if (!p->copy)
			return -ENOMEM;
	}
	if (size == 0 || copy_from_user(bytes_of(p), from, size) == 0)
		return 0;
	payload_drop(p);
	return -EFAULT;
}

int payload_give(struct payload *p, uaddr_t to)
{
	if (p->size && copy_to_user(to, bytes_of(p), p->size) < 0)
		return -EFAULT;
	payload_drop(p);
	return 0;
}

void payload_drop(struct payload *p)
{
	if (p->form == PAYLOAD_COPY)
		kfree(p->copy);
	*p = (struct payload){ .form = PAYLOAD_INLINE };
}

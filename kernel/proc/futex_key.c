/* SPDX-License-Identifier: BSD-2-Clause */
/* What a futex word is known by, whatever address it is used through. */
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

/* *out is what it would be in private memory.  A function of its own: who says "private" needs no area. */
static __noinline int get_by_area(struct vm_space *vm, uaddr_t addr, struct futex_key_ref *out)
{
	struct vm_area area __attribute__((uninitialized));
	uint32_t word;

	/* Its page decides what a word is known by: there has to be one that can be read. */
	if (get_user_u32(addr, &word) < 0)
		return -EFAULT;
	if (!vm_next_area(vm, addr, &area))
		return -EFAULT;
	if (area.start <= addr && (area.flags & (VM_SHARED | VM_REVOKED)) == VM_SHARED && area.object) {
		out->key = (struct futex_key){ area.object, area.offset + (addr - area.start) };
		out->object = area.object;
		return 0;
	}
	if (area.object)
		vm_object_put(area.object);
	return area.start <= addr && !(area.flags & VM_REVOKED) ? 0 : -EFAULT;
}

int futex_key_get(uaddr_t addr, bool is_private, struct futex_key_ref *out)
{
	struct vm_space *vm = current_process()->vm;

	*out = (struct futex_key_ref){ .key = { vm, addr } };
	if (addr % sizeof(uint32_t))
		return -EINVAL;
	if (addr >= USER_END)
		return -EFAULT;
	return is_private ? 0 : get_by_area(vm, addr, out);
}

void futex_key_put(struct futex_key_ref *ref)
{
	if (ref->object)
		vm_object_put(ref->object);
}

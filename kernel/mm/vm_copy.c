/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes between the kernel, or the running process, and another space.
 *
 * pt_lock of the other space is held while bytes of one of its pages are copied: what is unmapped everywhere
 * (truncated, revoked) is then left by everybody, and no page need be held.
 */
#include <arch/trap.h>
#include <arch/usercopy.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "vm_priv.h"

/* A private copy that nobody else has may be written to though it is mapped for reading. */
static bool may_force(const struct page *page, unsigned access)
{
	return (access & FAULT_FORCE) && page->use == PAGE_ANON && refcount_read(&page->refs) == 1;
}

/* The bytes at addr, if a page is mapped there that allows the access.  pt_lock is held.  -EAGAIN: it must be
 * faulted in.  -EFAULT: secure memory is its owner's alone, and the kernel has no way to it. */
static int mapped_bytes(struct vm_space *vm, uint64_t addr, unsigned access, char **bytes)
{
	unsigned prot;
	paddr_t pa;

	if (!arch_pt_query(vm->root, ALIGN_DOWN(addr, PAGE_SIZE), &pa, &prot) || !(prot & PT_READ))
		return -EAGAIN;
	if ((access & FAULT_WRITE) && !(prot & PT_WRITE) && !may_force(page_of(pa), access))
		return -EAGAIN;
	if (page_of(pa)->use == PAGE_SECURE)
		return -EFAULT;
	*bytes = (char *)phys_to_virt(pa) + (addr & ~PAGE_MASK);
	return 0;
}

/* Bytes from `at` to the end of its page, at most len. */
static size_t part_in_page(uint64_t at, size_t len)
{
	return MIN(len, PAGE_SIZE - (at & ~PAGE_MASK));
}

static int copy_mapped(struct vm_space *vm, uint64_t addr, char *kernel, size_t len, unsigned access)
{
	char *bytes;
	int err;

	spin_lock(&vm->pt_lock);
	err = mapped_bytes(vm, addr, access, &bytes);
	if (err == 0 && (access & FAULT_WRITE))
		memcpy(bytes, kernel, len);
	else if (err == 0)
		memcpy(kernel, bytes, len);
	spin_unlock(&vm->pt_lock);
	return err;
}

/* The same, faulted in where it must be.  A page may go again before it is looked at. */
static bool copy_in_page(struct vm_space *vm, uint64_t addr, char *kernel, size_t len, unsigned access)
{
	int err;

	if (addr >= USER_END)
		return false;
	while ((err = copy_mapped(vm, addr, kernel, len, access)) == -EAGAIN) {
		if (vm_resolve_locked(vm, addr, access) < 0)
			return false;
	}
	return err == 0;
}

static ssize_t copy_space(struct vm_space *vm, uaddr_t user, char *kernel, size_t len, unsigned access)
{
	size_t done = 0;

	read_lock(&vm->lock);
	while (done < len) {
		size_t part = part_in_page(user + done, len - done);

		if (!copy_in_page(vm, user + done, kernel + done, part, access))
			break;
		done += part;
	}
	read_unlock(&vm->lock);
	return done > 0 || len == 0 ? (ssize_t)done : -EFAULT;
}

ssize_t vm_read(struct vm_space *vm, uaddr_t src, void *dst, size_t len)
{
	return copy_space(vm, src, dst, len, 0);
}

ssize_t vm_write(struct vm_space *vm, uaddr_t dst, const void *src, size_t len)
{
	return copy_space(vm, dst, (char *)src, len, FAULT_WRITE);
}

ssize_t vm_write_forced(struct vm_space *vm, uaddr_t dst, const void *src, size_t len)
{
	return copy_space(vm, dst, (char *)src, len, FAULT_WRITE | FAULT_FORCE);
}

/* --- from the running process ------------------------------------------------------------------------ */

/* Have the running process's [src, src + len) mapped, which may go again.  No space is locked. */
static int fetch_source(uaddr_t src, size_t len)
{
	struct vm_space *own = current_task()->vm;

	for (uint64_t at = ALIGN_DOWN(src, PAGE_SIZE); at < src + len; at += PAGE_SIZE) {
		int err = vm_fault(own, at, 0);

		if (err == VM_FAULT_WAITS)
			err = vm_fault_wait(own, at, 0, false);
		if (err < 0)
			return err == -ENOMEM ? err : -EFAULT;
	}
	return 0;
}

/* Copy inside one page of the target, whose lock is held for reading.  -EAGAIN: *fetch tells whether the
 * source must be faulted in, or the target. */
static int copy_across(struct vm_space *vm, uint64_t dst, uaddr_t src, size_t len, bool *fetch)
{
	char *bytes;
	int err;

	*fetch = false;
	spin_lock(&vm->pt_lock);
	err = mapped_bytes(vm, dst, FAULT_WRITE, &bytes);
	if (err == 0 && copy_from_user_atomic(bytes, src, len) < 0) {
		*fetch = true;
		err = -EAGAIN;
	}
	spin_unlock(&vm->pt_lock);
	return err;
}

/* As far as it goes without the source being faulted in; *done counts on. */
static int copy_part(struct vm_space *vm, uaddr_t dst, uaddr_t src, size_t len, size_t *done, bool *fetch)
{
	int err = 0;

	*fetch = false;
	read_lock(&vm->lock);
	while (*done < len && err == 0 && !*fetch) {
		size_t part = part_in_page(dst + *done, len - *done);

		err = dst + *done < USER_END ? copy_across(vm, dst + *done, src + *done, part, fetch)
					     : -EFAULT;
		if (err == 0)
			*done += part;
		else if (err == -EAGAIN)
			err = *fetch ? 0 : vm_resolve_locked(vm, dst + *done, FAULT_WRITE);
	}
	read_unlock(&vm->lock);
	return err;
}

int vm_copy_to_space(struct vm_space *vm, uaddr_t dst, uaddr_t src, size_t len, bool *theirs)
{
	size_t done = 0;
	bool fetch;
	int err;

	*theirs = false;
	for (;;) {
		err = copy_part(vm, dst, src, len, &done, &fetch);
		*theirs = err < 0;
		if (err < 0)
			return err == -ENOMEM ? err : -EFAULT;
		if (done == len)
			return 0;
		err = fetch_source(src + done, part_in_page(dst + done, len - done));
		if (err < 0)
			return err;
	}
}

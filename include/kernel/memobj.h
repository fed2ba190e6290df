/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, memory objects: memory that a capability names.
 *
 * The capability's kernel object is an open file without a name (so that a descriptor of it works with mmap,
 * ftruncate, fstat, dup and close), around a vm_object of one type.  The type is fixed for ever and says what
 * the memory may be used for; the capability's rights say what its holder may do with it.
 *
 *	normal       read and write; never executable
 *	executable   writable until F_SEAL_WRITE is set, executable from then on: never both, in no mapping
 *	DMA          frames that exist from the start, pinned, and whose physical addresses may be asked for
 *	secure       out of the kernel's direct map; encrypted while no address space maps it;
 *	             zeroed when freed
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct vm_object;

enum memobj_type {              /* numbered as in <serix/memory.h> */
		   MEMOBJ_NONE, /* an ordinary file */
		   MEMOBJ_NORMAL,
		   MEMOBJ_SECURE,
		   MEMOBJ_DMA,
		   MEMOBJ_EXECUTABLE,
};

/* An object whose pages the kernel cannot reach.  It never shrinks.  -EOPNOTSUPP: the processor has no AES
 * instructions; -ENOMEM. */
int vm_object_create_secure(uint64_t size, struct vm_object **out) __must_check;
/* Give an empty object its pages, pinned, at once.  -ENOMEM: it holds some of them. */
int vm_object_pin(struct vm_object *obj, uint64_t size, bool contiguous, bool below_4g) __must_check;
/* Where a byte of such an object lies in physical memory, and how many bytes follow it there.  -EINVAL: none.
 */
int vm_object_run(struct vm_object *obj, uint64_t offset, paddr_t *address, uint64_t *length) __must_check;

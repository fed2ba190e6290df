/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects and memfd_secret(2): files without a name whose contents are of one type of memory.
 *
 * A memory object proper (OBJECT_MEMORY) is reached through its capability alone: no path leads to it, not
 * even by way of /proc, so what a descriptor's rights withhold stays withheld.  What memfd_secret makes is
 * an ordinary file with secure contents, as on Linux.
 */
#include "vfs_priv.h"

#include <kernel/memobj.h>
#include <kernel/process.h>
#include <serix/memory.h>

#define SIZE_MAX_OBJECT INT64_MAX

/* --- secure contents -------------------------------------------------------------------------------------
 */

/* The size is set once, and the contents are never cut: as Linux has it. */
static int secure_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	if (attr->valid & ATTR_SIZE) {
		if (v->size != 0)
			return -EINVAL;
		if (attr->size > SIZE_MAX_OBJECT)
			return -EFBIG;
		v->size = attr->size;
		vm_object_resize(v->pages, attr->size);
	}
	vnode_apply_attr_locked(v, attr);
	return 0;
}

static int secure_mmap(struct file *file, struct vm_object **object, uint64_t *offset)
{
	(void)offset;
	vm_object_get(file->vnode->pages);
	*object = file->vnode->pages;
	return 0;
}

static const struct vnode_ops secure_ops = { .setattr = secure_setattr };
static const struct file_ops secure_file_ops = { .mmap = secure_mmap };

static int secure_vnode(uint64_t size, struct vnode **out)
{
	struct vm_object *object;
	struct vnode *v;
	int err = vm_object_create_secure(size, &object);

	if (err < 0)
		return err;
	v = nameless_vnode(&secure_ops, S_IFREG | 0600);
	if (!v) {
		vm_object_put(object);
		return -ENOMEM;
	}
	v->file_ops = &secure_file_ops;
	v->pages = object;
	v->memory = MEMOBJ_SECURE;
	v->size = size;
	*out = v;
	return 0;
}

int secretmem_create(struct file **out)
{
	struct vnode *v;
	int err = secure_vnode(0, &v);

	if (err < 0)
		return err;
	err = nameless_open(v, v->file_ops, "secretmem", out);
	vnode_put(v);
	return err;
}

/* --- memory objects --------------------------------------------------------------------------------------
 */

static int plain_vnode(enum memobj_type type, uint64_t size, struct vnode **out)
{
	struct vnode *v = nameless_file(0600);

	if (!v)
		return -ENOMEM;
	v->memory = type;
	v->seals = 0;
	v->size = size;
	vm_object_resize(v->pages, size);
	*out = v;
	return 0;
}

static int dma_vnode(uint64_t size, unsigned flags, struct vnode **out)
{
	struct vnode *v;
	int err;

	if (!cred_has_privilege(PRIV_SYS_RAWIO))
		return -EPERM;
	/* What cannot succeed shall not take all frames from others while it fails. */
	if (size > pmm_free_memory() / 2)
		return -ENOMEM;
	err = plain_vnode(MEMOBJ_DMA, 0, &v);
	if (err < 0)
		return err;
	err = vm_object_pin(v->pages, size, flags & MEM_CONTIGUOUS, flags & MEM_BELOW_4G);
	if (err < 0) {
		vnode_put(v);
		return err;
	}
	v->size = size;
	v->seals = F_SEAL_SHRINK | F_SEAL_GROW;
	*out = v;
	return 0;
}

static int typed_vnode(enum memobj_type type, uint64_t size, unsigned flags, struct vnode **out)
{
	switch (type) {
	case MEMOBJ_SECURE:
		return secure_vnode(size, out);
	case MEMOBJ_DMA:
		return dma_vnode(size, flags, out);
	case MEMOBJ_NORMAL:
	case MEMOBJ_EXECUTABLE:
		return plain_vnode(type, size, out);
	case MEMOBJ_NONE:
		break;
	}
	return -EINVAL;
}

int memobj_create(enum memobj_type type, uint64_t size, unsigned flags, struct file **out)
{
	struct vnode *v;
	int err;

	if (size == 0 || size > SIZE_MAX_OBJECT || !IS_ALIGNED(size, PAGE_SIZE))
		return -EINVAL;
	if ((flags & ~(MEM_CONTIGUOUS | MEM_BELOW_4G)) || (flags && type != MEMOBJ_DMA))
		return -EINVAL;
	err = typed_vnode(type, size, flags, &v);
	if (err < 0)
		return err;
	err = nameless_open(v, v->file_ops, "memory", out);
	if (err == 0)
		(*out)->object.type = OBJECT_MEMORY;
	vnode_put(v);
	return err;
}

int memobj_run(struct file *file, uint64_t offset, paddr_t *address, uint64_t *length)
{
	struct vnode *v = file->vnode;

	return v && v->memory == MEMOBJ_DMA ? vm_object_run(v->pages, offset, address, length) : -EINVAL;
}

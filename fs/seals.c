/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seals: what may never again be done to a file in memory (fcntl F_ADD_SEALS), and what follows from them
 * and from a memory object's type for mappings.
 *
 * vnode.seals is set here, and obeyed where contents and size change (ramfs_file.c), under vnode.lock.  A
 * shared mapping that may be written is counted in vm_object.writers under the same lock before it exists,
 * so that it and F_SEAL_WRITE exclude each other.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>

#define ALL_SEALS \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)
#define NO_WRITING (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static bool can_be_sealed(const struct vnode *v)
{
	return v && v->pages && v->memory != MEMOBJ_SECURE;
}

/* A program that cannot be made one by chmod cannot change either: W^X from the start. */
static uint32_t implied(const struct vnode *v, uint32_t seals)
{
	if ((seals & F_SEAL_EXEC) && (v->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | NO_WRITING;
	return seals;
}

static int add_locked(struct vnode *v, uint32_t seals)
{
	if (v->seals & F_SEAL_SEAL)
		return -EPERM;
	seals = implied(v, seals);
	if ((seals & ~v->seals & F_SEAL_WRITE) && atomic_load(&v->pages->writers) > 0)
		return -EBUSY;
	v->seals |= seals;
	return 0;
}

int file_add_seals(struct file *file, uint32_t seals)
{
	struct vnode *v = file->vnode;
	int err;

	if (!(file->access & CAP_WRITE))
		return -EPERM;
	if ((seals & ~ALL_SEALS) || !can_be_sealed(v))
		return -EINVAL;
	mutex_lock(&v->lock);
	err = add_locked(v, seals);
	mutex_unlock(&v->lock);
	return err;
}

int64_t file_get_seals(struct file *file)
{
	struct vnode *v = file->vnode;

	return can_be_sealed(v) ? (int64_t)READ_ONCE(v->seals) : -EINVAL;
}

/* --- mappings ------------------------------------------------------------------------------------------- */

/* The rule of the object's type; see <kernel/memobj.h>. */
static uint32_t allowed_by_type(const struct vnode *v)
{
	switch (v->memory) {
	case MEMOBJ_NONE:
		/* Sealed as no program: its contents are not to be executed in any other way either. */
		if ((v->seals & F_SEAL_EXEC) && !(v->mode & 0111))
			return VM_READ | VM_WRITE;
		return VM_READ | VM_WRITE | VM_EXEC;
	case MEMOBJ_EXECUTABLE:
		return v->seals & F_SEAL_WRITE ? VM_READ | VM_EXEC : VM_READ | VM_WRITE;
	case MEMOBJ_NORMAL:
	case MEMOBJ_SECURE:
	case MEMOBJ_DMA:
		break;
	}
	return VM_READ | VM_WRITE;
}

static int limit(const struct vnode *v, bool shared, uint32_t prot, uint32_t *max_prot)
{
	uint32_t max = *max_prot & allowed_by_type(v);

	/* A private copy would be out of secure memory. */
	if (v->memory == MEMOBJ_SECURE && !shared)
		return -EINVAL;
	if (prot & ~max)
		return -EACCES;
	if (shared && (READ_ONCE(v->seals) & NO_WRITING))
		max &= ~VM_WRITE;
	*max_prot = max;
	return prot & ~max ? -EPERM : 0;
}

/* Nothing on a mount that forbids programs is mapped as one. */
static int limit_execution(const struct file *file, uint32_t prot, uint32_t *max_prot)
{
	if (!file->mount || !(atomic_load(&file->mount->flags) & MS_NOEXEC))
		return 0;
	if (prot & VM_EXEC)
		return -EPERM;
	*max_prot &= ~VM_EXEC;
	return 0;
}

int file_limit_mapping(struct file *file, struct vm_object *object, bool shared, uint32_t prot,
		       uint32_t *max_prot)
{
	struct vnode *v = file->vnode && file->vnode->pages ? file->vnode : NULL;
	int err = limit_execution(file, prot, max_prot);

	if (err < 0)
		return err;
	if (!shared)
		return v ? limit(v, false, prot, max_prot) : 0;
	if (v) {
		mutex_lock(&v->lock);
		err = limit(v, true, prot, max_prot);
	}
	if (err == 0 && (*max_prot & VM_WRITE))
		vm_object_hold_writable(object);
	if (v)
		mutex_unlock(&v->lock);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls about the size of files and where their contents are kept. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

SYSCALL(ftruncate)
{
	struct file_use use;
	int err;

	if (ARG(1, off_t) < 0)
		return -EINVAL;
	err = file_use(ARG(0, int), 0, &use);
	if (err < 0)
		return err;
	if (atomic_load(&use.file->flags) & O_PATH)
		err = -EBADF;
	else if ((use.file->access & CAP_WRITE) && !(atomic_load(&use.cap->rights) & CAP_TRUNCATE))
		err = -EPERM;
	else
		err = vfs_truncate_file(use.file, ARG(1, off_t));
	file_done(&use);
	return err;
}

/* Combinations of fallocate(2)'s modes that there are here; the others move or share contents. */
static bool mode_known(uint32_t mode)
{
	return mode == 0 || mode == FALLOC_FL_KEEP_SIZE ||
	       mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ||
	       (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
}

static int allocate(struct file *file, uint32_t mode, off_t offset, off_t len)
{
	struct vnode *v = file->vnode;
	int err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (!mode_known(mode))
		return -EOPNOTSUPP;
	if (offset + len < 0)
		return -EFBIG;
	if (S_ISFIFO(v->mode))
		return -ESPIPE;
	if (!S_ISREG(v->mode))
		return S_ISDIR(v->mode) ? -EISDIR : -ENODEV;
	if (!v->ops->allocate)
		return -EOPNOTSUPP;
	mutex_lock(&v->lock);
	err = mode & FALLOC_FL_KEEP_SIZE ? 0 : vfs_limit_size(v, (uint64_t)(offset + len));
	if (err == 0)
		err = v->ops->allocate(v, mode, (uint64_t)offset, (uint64_t)len);
	mutex_unlock(&v->lock);
	return err;
}

/*
 * takes: FALLOC_FL_* in mode_known allocate, not FALLOC_FL_COLLAPSE_RANGE FALLOC_FL_INSERT_RANGE
 * FALLOC_FL_UNSHARE_RANGE (EOPNOTSUPP), else EOPNOTSUPP
 */
SYSCALL(fallocate)
{
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_WRITE | CAP_TRUNCATE, &use);

	if (err < 0)
		return err;
	err = use.file->vnode ? allocate(use.file, ARG(1, uint32_t), ARG(2, off_t), ARG(3, off_t)) : -ENODEV;
	file_done(&use);
	return err;
}

/* Who can neither read nor write the file has nothing to do with its being safe. */
static int use_to_sync(int fd, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (!(atomic_load(&use->file->flags) & O_PATH) &&
	    (atomic_load(&use->cap->rights) & (CAP_READ | CAP_WRITE)))
		return 0;
	file_done(use);
	return -EBADF;
}

/* Everything lives in memory: what was written is as safe as it gets. */
static int64_t sync_fd(int fd)
{
	struct file_use use;
	int err = use_to_sync(fd, &use);

	if (err < 0)
		return err;
	if (use.file->vnode && !S_ISREG(use.file->vnode->mode) && !S_ISDIR(use.file->vnode->mode))
		err = -EINVAL;
	file_done(&use);
	return err;
}

SYSCALL(fsync)
{
	return sync_fd(ARG(0, int));
}

SYSCALL(fdatasync)
{
	return sync_fd(ARG(0, int));
}

SYSCALL(sync)
{
	(void)args;
	return 0;
}

SYSCALL(syncfs)
{
	struct file_use use;
	int err = use_to_sync(ARG(0, int), &use);

	if (err == 0)
		file_done(&use);
	return err;
}

/* Only part of a file: the same, but more is checked. */
/* takes: SYNC_FILE_RANGE_*, else EINVAL */
SYSCALL(sync_file_range)
{
	off_t offset = ARG(1, off_t), len = ARG(2, off_t), end;
	struct file_use use;
	int err;

	if (offset < 0 || len < 0 || add_overflows(offset, len, &end) ||
	    (ARG(3, uint32_t) & ~SYNC_FILE_RANGE_ALL))
		return -EINVAL;
	err = use_to_sync(ARG(0, int), &use);
	if (err < 0)
		return err;
	if (!use.file->vnode || (!S_ISREG(use.file->vnode->mode) && !S_ISDIR(use.file->vnode->mode)))
		err = -ESPIPE;
	file_done(&use);
	return err;
}

/* --- advice --------------------------------------------------------------------------------------------- */

/* takes: POSIX_FADV_* in include/serix/abi_fs.h, but POSIX_FADV_MAX, else EINVAL */
SYSCALL(fadvise64)
{
	struct file_use use;
	int err = file_use(ARG(0, int), 0, &use);

	if (err < 0)
		return err;
	if (atomic_load(&use.file->flags) & O_PATH)
		err = -EBADF;
	else if (!use.file->vnode || S_ISFIFO(use.file->vnode->mode))
		err = -ESPIPE;
	else if (ARG(2, off_t) < 0 || ARG(3, uint32_t) > POSIX_FADV_MAX)
		err = -EINVAL;
	file_done(&use);
	return err;
}

SYSCALL(readahead)
{
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_READ, &use);

	if (err < 0)
		return err == -EPERM ? -EBADF : err;
	if (!use.file->vnode || !S_ISREG(use.file->vnode->mode))
		err = -EINVAL;
	file_done(&use);
	return err;
}

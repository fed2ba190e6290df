/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of files in memory.  They are charged to the file system as contents are: all bytes that they
 * take there, in whole pages.
 */
#include "ramfs_priv.h"

#include <arch/paging.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/xattr.h>

#include "xattr_store.h"

/* The file system's attributes take so many bytes more, or less.  Every change of the sum is followed by the
 * difference in pages, in whatever order these come. */
static uint64_t charge(struct ramfs *fs, int64_t growth)
{
	uint64_t before = atomic_load(&fs->attr_bytes), after, pages;

	do
		after = before + (uint64_t)growth;
	while (!atomic_compare_exchange_weak(&fs->attr_bytes, &before, after));
	pages = ALIGN_UP(after, PAGE_SIZE) / PAGE_SIZE - ALIGN_UP(before, PAGE_SIZE) / PAGE_SIZE;
	return atomic_fetch_add(&fs->used_pages, pages) + pages;
}

static int may_charge(struct ramfs *fs, int64_t growth)
{
	uint64_t limit = READ_ONCE(fs->limit_pages);

	if (growth > 0 && !ramfs_memory_left())
		return -ENOSPC;
	if (charge(fs, growth) > limit && limit && growth > 0) {
		charge(fs, -growth);
		return -ENOSPC;
	}
	return 0;
}

ssize_t ramfs_getxattr(struct vnode *v, const char *name, void *value, size_t size)
{
	ssize_t n = xattr_name_check(name);

	if (n < 0)
		return n;
	if (!READ_ONCE(v->xattrs))
		return -ENODATA;
	mutex_lock(&v->lock);
	n = xattr_store_get(v->xattrs, name, value, size);
	mutex_unlock(&v->lock);
	return n;
}

int ramfs_listxattr(struct vnode *v, struct xattr_sink *sink)
{
	const struct xattr *x = NULL;
	int err = 0;

	if (!READ_ONCE(v->xattrs))
		return 0;
	mutex_lock(&v->lock);
	while (err == 0 && (x = xattr_store_next(v->xattrs, x)) != NULL)
		err = sink->add(sink, xattr_name(x));
	mutex_unlock(&v->lock);
	return err;
}

static int store_of(struct vnode *v)
{
	struct xattr_store *store;

	if (v->xattrs)
		return 0;
	store = kzalloc(sizeof(*store));
	if (!store)
		return -ENOSPC;
	WRITE_ONCE(v->xattrs, store);
	return 0;
}

static int set(struct vnode *v, const char *name, const void *value, size_t size, unsigned flags)
{
	struct ramfs *fs = v->sb->private;
	int64_t growth;
	int err = store_of(v);

	if (err == 0)
		err = xattr_store_plan(v->xattrs, name, size, flags, &growth);
	if (err == 0)
		err = may_charge(fs, growth);
	if (err < 0)
		return err;
	err = xattr_store_put(v->xattrs, name, value, size);
	if (err < 0)
		charge(fs, -growth);
	return err;
}

/* Without XATTR_REPLACE it need not be there. */
static int remove(struct vnode *v, const char *name, unsigned flags)
{
	int64_t bytes = v->xattrs ? xattr_store_remove(v->xattrs, name) : -ENODATA;

	if (bytes < 0)
		return flags & XATTR_REPLACE ? (int)bytes : 0;
	charge(v->sb->private, -bytes);
	return 0;
}

int ramfs_setxattr(struct vnode *v, const char *name, const void *value, size_t size, unsigned flags)
{
	int err = xattr_name_check(name);

	if (err == 0)
		err = value ? set(v, name, value, size, flags) : remove(v, name, flags);
	if (err == 0)
		v->ctime_ns = time_real_ns();
	return err;
}

void ramfs_xattrs_free(struct vnode *v)
{
	if (!v->xattrs)
		return;
	charge(v->sb->private, -(int64_t)xattr_store_clear(v->xattrs));
	kfree(v->xattrs);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the in-memory file system: ramfs.c (names and nodes), ramfs_file.c (contents). */
#pragma once

#include "vfs_priv.h"

struct ramfs {
	uint64_t limit_pages;        /* 0: as memory allows; a remount writes it */
	uint64_t limit_nodes;        /* likewise */
	_Atomic uint64_t used_pages; /* [a] of contents and attributes */
	_Atomic uint64_t attr_bytes; /* [a] that attributes take: rounded up to pages, part of used_pages */
	_Atomic uint64_t nodes;      /* [a] who keeps this: vnodes, contents, the mount */
	_Atomic uint64_t vnodes;     /* [a] */
	struct mutex lock;           /* covers dirs; after every vnode lock */
	struct list dirs;            /* every directory, for taking the tree down */
};

extern const struct file_ops ramfs_file_ops;

/* Is there memory left for more contents?  Some stays free for the kernel however much is written. */
bool ramfs_memory_left(void);
/* One node less; the last one frees the file system, which contents that are mapped may outlive. */
void ramfs_put(struct ramfs *fs);

/* A regular file without a name, owned by the caller's credentials.  NULL: no memory. */
struct vnode *ramfs_nameless_file(struct superblock *sb, mode_t mode);

void ramfs_file_init(void);
/* The empty contents of a new regular file.  -ENOMEM. */
int ramfs_contents_create(struct vnode *v) __must_check;
/* The file is gone; what is still mapped shows it. */
void ramfs_contents_deleted(struct vnode *v);
/* Caller holds v->lock.  -EPERM: sealed; -EFBIG. */
int ramfs_resize_locked(struct vnode *v, uint64_t size) __must_check;
/* Start-up only: memory that the allocator does not have yet becomes the contents of an empty file.  *taken
 * of its pages are the caller's no more, also on failure; none if the file lies elsewhere.  -ENOSPC,
 * -ENOMEM. */
int ramfs_adopt(struct file *file, paddr_t pa, size_t pages, size_t *taken) __must_check;
/* As the rows of struct vnode_ops. */
int ramfs_allocate(struct vnode *v, uint32_t mode, uint64_t offset, uint64_t len) __must_check;
void ramfs_mapped(struct vnode *v, const struct path *path);
/* Likewise, of attributes: ramfs_xattr.c. */
ssize_t ramfs_getxattr(struct vnode *v, const char *name, void *value, size_t size);
int ramfs_listxattr(struct vnode *v, struct xattr_sink *sink);
int ramfs_setxattr(struct vnode *v, const char *name, const void *value, size_t size,
		   unsigned flags) __must_check;
/* The file is gone. */
void ramfs_xattrs_free(struct vnode *v);

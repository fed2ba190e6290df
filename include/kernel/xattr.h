/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: xattr(7).
 *
 * A file system that has them answers by the rows of struct vnode_ops; where there are none, so is no
 * attribute.  What a name's first part says about who may use it is looked after here.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536u
#define XATTR_LIST_MAX 65536u

#define XATTR_CREATE  1u
#define XATTR_REPLACE 2u

#define XATTR_NAME_CAPS "security.capability" /* what privileges a program gives: <linux/capability.h> */

struct path;
struct vnode;

/* For vnode_ops.listxattr: told each name; not 0 ends the list with that. */
struct xattr_sink {
	int (*add)(struct xattr_sink *sink, const char *name);
};

/*
 * For the kernel's own needs, whoever runs: no permission is asked for.  The length of the value, which lies
 * in `value` up to `size` bytes then; `size` 0 asks for the length alone.  -ENODATA: there is no such
 * attribute; -ERANGE: it is longer; -EOPNOTSUPP: the file system has none.  Takes vnode.lock, but not where
 * the file never had an attribute: cheap enough for every exec.
 */
ssize_t vnode_getxattr(struct vnode *vnode, const char *name, void *value, size_t size) __must_check;

/*
 * As the calls: by the running process's rights.  `path` is where the file was found, its members NULL for
 * what has no place; `vnode` is NULL for what is no file of any file system.
 *
 * -ENODATA, -ERANGE, -EOPNOTSUPP, -EPERM, -EACCES; of those that change something also -EROFS, -EEXIST,
 * -EINVAL, -ENOSPC, -ENOMEM.
 */
ssize_t vfs_getxattr(struct vnode *vnode, const char *name, void *value, size_t size) __must_check;
/* All names that the process may see, each with its NUL; `size` 0 asks for the length alone. */
ssize_t vfs_listxattr(struct vnode *vnode, char *list, size_t size) __must_check;
int vfs_setxattr(const struct path *path, struct vnode *vnode, const char *name, const void *value,
		 size_t size, unsigned flags) __must_check;
int vfs_removexattr(const struct path *path, struct vnode *vnode, const char *name) __must_check;

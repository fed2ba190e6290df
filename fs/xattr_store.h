/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of one file in memory: names with values, in the order of the names.  Pure; the caller has
 * the lock, and checked the names and values for length.
 *
 * A change has two steps, so that memory can be charged to whom it belongs in between: xattr_store_plan says
 * whether there may be such a change and what it costs, xattr_store_put or _remove makes it.
 */
#pragma once

#include <kernel/rbtree.h>
#include <kernel/compiler.h>
#include <kernel/types.h>

struct xattr_store {
	struct rb_tree by_name;
	uint32_t names; /* bytes that the list of all names takes */
};

struct xattr;

/* `growth`: bytes of memory that the file's attributes take more afterwards, or less.  flags: XATTR_*.
 * -EEXIST, -ENODATA as flags say; -ENOSPC: the list of names would be longer than anybody can read. */
int xattr_store_plan(const struct xattr_store *store, const char *name, size_t size, unsigned flags,
		     int64_t *growth) __must_check;
/* The attribute gets the value.  -ENOMEM: nothing has changed. */
int xattr_store_put(struct xattr_store *store, const char *name, const void *value, size_t size) __must_check;
/* The bytes of memory that are free now, or -ENODATA. */
int64_t xattr_store_remove(struct xattr_store *store, const char *name);
/* As vnode_getxattr. */
ssize_t xattr_store_get(const struct xattr_store *store, const char *name, void *value, size_t size);
/* Each name, the least first: NULL is the one before. */
const struct xattr *xattr_store_next(const struct xattr_store *store, const struct xattr *after);
const char *xattr_name(const struct xattr *xattr);
/* All attributes are gone: the bytes of memory that are free now. */
uint64_t xattr_store_clear(struct xattr_store *store);

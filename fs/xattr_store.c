/* SPDX-License-Identifier: BSD-2-Clause */
#include "xattr_store.h"

#include <arch/paging.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/xattr.h>
#include <serix/errno.h>

struct xattr {
	struct rb_node node;
	uint32_t size; /* of the value, which follows the name's NUL */
	uint16_t len;  /* of the name */
	char name[];
};

static size_t object_size(size_t len, size_t size)
{
	return sizeof(struct xattr) + len + 1 + size;
}

/* Memory that an attribute takes, what the allocator rounds up to included: a class of sizes is never more
 * than the next power of two, and large objects are whole pages. */
static int64_t cost(size_t len, size_t size)
{
	size_t bytes = object_size(len, size), class = 64;

	if (bytes > 2 * PAGE_SIZE)
		return (int64_t)ALIGN_UP(bytes, PAGE_SIZE);
	while (class < bytes)
		class *= 2;
	return (int64_t) class;
}

static int64_t cost_of(const struct xattr *x)
{
	return cost(x->len, x->size);
}

static struct xattr *xattr_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct xattr, node) : NULL;
}

static struct xattr *find(const struct xattr_store *store, const char *name)
{
	struct rb_node *node = store->by_name.root;

	while (node) {
		struct xattr *x = xattr_of(node);
		int order = strcmp(name, x->name);

		if (order == 0)
			return x;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static void insert(struct xattr_store *store, struct xattr *x)
{
	struct rb_node **link = &store->by_name.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = strcmp(x->name, xattr_of(parent)->name) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&store->by_name, &x->node, parent, link);
	store->names += x->len + 1u;
}

static int64_t erase(struct xattr_store *store, struct xattr *x)
{
	int64_t bytes = cost_of(x);

	rb_erase(&store->by_name, &x->node);
	store->names -= x->len + 1u;
	kfree(x);
	return bytes;
}

int xattr_store_plan(const struct xattr_store *store, const char *name, size_t size, unsigned flags,
		     int64_t *growth)
{
	const struct xattr *old = find(store, name);
	size_t len = strlen(name);

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!old && store->names + len + 1 > XATTR_LIST_MAX)
		return -ENOSPC;
	*growth = cost(len, size) - (old ? cost_of(old) : 0);
	return 0;
}

int xattr_store_put(struct xattr_store *store, const char *name, const void *value, size_t size)
{
	size_t len = strlen(name);
	struct xattr *x = kmalloc(object_size(len, size)), *old = find(store, name);

	if (!x)
		return -ENOMEM;
	x->size = (uint32_t)size;
	x->len = (uint16_t)len;
	memcpy(x->name, name, len + 1);
	if (size > 0)
		memcpy(x->name + len + 1, value, size);
	if (old)
		erase(store, old);
	insert(store, x);
	return 0;
}

int64_t xattr_store_remove(struct xattr_store *store, const char *name)
{
	struct xattr *x = find(store, name);

	return x ? erase(store, x) : -ENODATA;
}

ssize_t xattr_store_get(const struct xattr_store *store, const char *name, void *value, size_t size)
{
	const struct xattr *x = find(store, name);

	if (!x)
		return -ENODATA;
	if (size > 0 && size < x->size)
		return -ERANGE;
	if (size > 0 && x->size > 0)
		memcpy(value, x->name + x->len + 1, x->size);
	return (ssize_t)x->size;
}

const struct xattr *xattr_store_next(const struct xattr_store *store, const struct xattr *after)
{
	return xattr_of(after ? rb_next(&after->node) : rb_first(&store->by_name));
}

const char *xattr_name(const struct xattr *xattr)
{
	return xattr->name;
}

uint64_t xattr_store_clear(struct xattr_store *store)
{
	struct rb_node *node;
	uint64_t bytes = 0;

	while ((node = rb_first(&store->by_name)) != NULL)
		bytes += (uint64_t)erase(store, xattr_of(node));
	return bytes;
}

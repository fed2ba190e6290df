/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/xattr_store.c kernel/lib/rbtree.c */
/* Any changes of a file's attributes, beside a plain array that has to come to the same. */
#include <stdlib.h>
#include <string.h>

#include <kernel/xattr.h>
#include <serix/errno.h>

#include "../../fs/xattr_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 64

struct model {
	bool there[NAMES];
	uint8_t byte[NAMES];
	size_t size[NAMES];
};

static char *name_of(unsigned i, char *buf)
{
	memset(buf, 'a' + (int)(i % 16), 6 + i / 16);
	memcpy(buf, "user.", 5);
	buf[6 + i / 16] = 0;
	return buf;
}

static void need(bool holds)
{
	if (!holds)
		abort();
}

static void set(struct xattr_store *store, struct model *m, unsigned i, unsigned flags, const uint8_t *from,
		int64_t *charged)
{
	static uint8_t value[255 * 64];
	char name[16];
	int64_t growth;
	size_t size = from[0] * (from[1] % 64u);
	int err = xattr_store_plan(store, name_of(i, name), size, flags, &growth);

	need(err == (m->there[i] && (flags & XATTR_CREATE)     ? -EEXIST
		     : !m->there[i] && (flags & XATTR_REPLACE) ? -ENODATA
							       : 0));
	if (err < 0)
		return;
	memset(value, from[1], size);
	need(xattr_store_put(store, name, value, size) == 0);
	*charged += growth;
	m->there[i] = true;
	m->byte[i] = from[1];
	m->size[i] = size;
}

static void drop(struct xattr_store *store, struct model *m, unsigned i, int64_t *charged)
{
	char name[16];
	int64_t bytes = xattr_store_remove(store, name_of(i, name));

	need(m->there[i] ? bytes > 0 : bytes == -ENODATA);
	*charged -= bytes > 0 ? bytes : 0;
	m->there[i] = false;
}

static void look(const struct xattr_store *store, const struct model *m, unsigned i)
{
	static uint8_t value[255 * 64];
	char name[16];
	ssize_t n = xattr_store_get(store, name_of(i, name), value, sizeof(value));

	need(m->there[i] ? n == (ssize_t)m->size[i] : n == -ENODATA);
	need(n <= 0 || (value[0] == m->byte[i] && value[n - 1] == m->byte[i]));
}

static void list(const struct xattr_store *store, const struct model *m)
{
	const struct xattr *x = NULL;
	const char *last = "";
	size_t names = 0, count = 0;

	while ((x = xattr_store_next(store, x)) != NULL) {
		need(strcmp(last, xattr_name(x)) < 0);
		last = xattr_name(x);
		names += strlen(last) + 1;
		count++;
	}
	for (unsigned i = 0; i < NAMES; i++)
		count -= m->there[i];
	need(count == 0 && names == store->names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xattr_store store = { 0 };
	struct model m = { 0 };
	int64_t charged = 0;

	for (; size >= 4; data += 4, size -= 4) {
		unsigned i = data[1] % NAMES;

		switch (data[0] % 4) {
		case 0:
		case 1:
			set(&store, &m, i, data[0] >> 2 & 3, data + 2, &charged);
			break;
		case 2:
			drop(&store, &m, i, &charged);
			break;
		default:
			look(&store, &m, i);
			break;
		}
	}
	list(&store, &m);
	need(xattr_store_clear(&store) == (uint64_t)charged);
	return 0;
}

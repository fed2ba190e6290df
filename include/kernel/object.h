/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects: what a capability names.  A file, later a port, a process, a device: each embeds a
 * struct kobject, counted, with a type that fixes which rights mean something.
 */
#pragma once

#include <kernel/refcount.h>

enum object_type {
	OBJECT_NONE,
	OBJECT_FILE,
	OBJECT_DIRECTORY,
	OBJECT_MEMORY, /* see <kernel/memobj.h> */
	OBJECT_TYPES,
};

struct kobject;
struct cap_table;

struct kobject_ops {
	/* The last reference is gone.  May sleep. */
	void (*release)(struct kobject *obj);
	/* A capability to it was dropped from `table` (POSIX close semantics: flush); may be NULL. */
	int (*closed)(struct kobject *obj, const struct cap_table *table);
};

struct kobject {
	struct refcount refs;
	enum object_type type;         /* [i] */
	const struct kobject_ops *ops; /* [i] */
	uint64_t id;                   /* [i] unique for ever */
};

void kobject_init(struct kobject *obj, enum object_type type, const struct kobject_ops *ops);

static inline void kobject_get(struct kobject *obj)
{
	refcount_get(&obj->refs);
}

static inline void kobject_put(struct kobject *obj)
{
	if (refcount_put(&obj->refs))
		obj->ops->release(obj);
}

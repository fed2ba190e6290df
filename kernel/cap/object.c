/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/object.h>

#include <kernel/compiler.h>

static _Atomic uint64_t next_id = 1;

uint64_t kobject_new_id(void)
{
	return atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
}

void kobject_init(struct kobject *obj, enum object_type type, const struct kobject_ops *ops)
{
	refcount_set(&obj->refs, 1);
	obj->type = type;
	obj->ops = ops;
	obj->id = kobject_new_id();
}

const char *object_type_name(enum object_type type)
{
	static const char *const names[] = {
		"none",         "file",   "directory", "memory", "process", "thread", "port",
		"notification", "device", "interrupt", "socket", "timer",   "budget",
	};
	_Static_assert(ARRAY_SIZE(names) == OBJECT_TYPES, "each type has its name");

	return names[type];
}

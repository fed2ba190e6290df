/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/object.h>

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

/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/object.h>

#include <kernel/compiler.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

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
	list_init(&obj->observers);
}

const char *object_type_name(enum object_type type)
{
	static const char *const names[] = {
		"none",   "file",      "directory", "memory", "process", "thread", "port",    "notification",
		"device", "interrupt", "socket",    "timer",  "budget",  "ring",   "ruleset",
	};
	_Static_assert(ARRAY_SIZE(names) == OBJECT_TYPES, "each type has its name");

	return names[type];
}

/* --- observers ------------------------------------------------------------------------------------------ */

/* Few objects have any: one lock, and one place to wait at, for many objects. */
#define OBSERVER_LOCK(n) SPINLOCK_INIT("observers", RANK_OBSERVERS)
static struct spinlock locks[8] = {
	OBSERVER_LOCK(0), OBSERVER_LOCK(1), OBSERVER_LOCK(2), OBSERVER_LOCK(3),
	OBSERVER_LOCK(4), OBSERVER_LOCK(5), OBSERVER_LOCK(6), OBSERVER_LOCK(7),
};
static struct waitqueue enders = WAITQUEUE_INIT(enders);

static struct spinlock *lock_of(const struct kobject *obj)
{
	return &locks[((uintptr_t)obj >> 6) % ARRAY_SIZE(locks)];
}

void kobject_observe(struct kobject *obj, struct kobject_observer *o)
{
	struct spinlock *lock = lock_of(obj);

	spin_lock(lock);
	list_add_tail(&obj->observers, &o->link);
	spin_unlock(lock);
}

void kobject_unobserve(struct kobject *obj, struct kobject_observer *o)
{
	struct spinlock *lock = lock_of(obj);

	spin_lock(lock);
	list_del(&o->link);
	spin_unlock(lock);
	wake_up_all(&enders);
}

/* One whose end is the caller's from now on, or NULL; *left: there are observers. */
static struct kobject_observer *claim_one(struct kobject *obj, bool *left)
{
	struct spinlock *lock = lock_of(obj);
	struct kobject_observer *o, *claimed = NULL;

	spin_lock(lock);
	list_for_each (o, &obj->observers, link) {
		if (o->claim(o)) {
			claimed = o;
			break;
		}
	}
	*left = !list_empty(&obj->observers);
	spin_unlock(lock);
	return claimed;
}

static bool has_observers(struct kobject *obj)
{
	struct spinlock *lock = lock_of(obj);
	bool some;

	spin_lock(lock);
	some = !list_empty(&obj->observers);
	spin_unlock(lock);
	return some;
}

void kobject_end_observers(struct kobject *obj)
{
	struct kobject_observer *o;
	bool left;

	while ((o = claim_one(obj, &left)) != NULL)
		o->end(o);
	/* The others' ends are under way. */
	if (left)
		wait_event(&enders, !has_observers(obj));
}

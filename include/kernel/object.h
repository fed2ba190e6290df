/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects: what a capability names.  A file, a port, a process, a device: each embeds a
 * struct kobject, counted, with a type that fixes which rights mean something.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/types.h>
#include <serix/cap.h>

enum object_type {
	OBJECT_NONE = CAP_TYPE_NONE,
	OBJECT_FILE = CAP_TYPE_FILE,
	OBJECT_DIRECTORY = CAP_TYPE_DIRECTORY,
	OBJECT_MEMORY = CAP_TYPE_MEMORY, /* see <kernel/memobj.h> */
	OBJECT_PROCESS = CAP_TYPE_PROCESS,
	OBJECT_THREAD = CAP_TYPE_THREAD,
	OBJECT_PORT = CAP_TYPE_PORT,
	OBJECT_NOTIFICATION = CAP_TYPE_NOTIFICATION,
	OBJECT_DEVICE = CAP_TYPE_DEVICE,
	OBJECT_INTERRUPT = CAP_TYPE_INTERRUPT,
	OBJECT_SOCKET = CAP_TYPE_SOCKET,
	OBJECT_TIMER = CAP_TYPE_TIMER,
	OBJECT_BUDGET = CAP_TYPE_BUDGET,
	OBJECT_RING = CAP_TYPE_RING,       /* see <kernel/uring.h> */
	OBJECT_RULESET = CAP_TYPE_RULESET, /* see <kernel/landlock.h> */
	OBJECT_TYPES = CAP_TYPES,
};

struct kobject;
struct cap_table;
struct poll_table;

/* All but release may be NULL. */
struct kobject_ops {
	/* The last reference is gone.  May sleep. */
	void (*release)(struct kobject *obj);
	/* A capability to it was dropped from `table` (POSIX close semantics: flush). */
	int (*closed)(struct kobject *obj, const struct cap_table *table);
	/* A capability with these rights comes to be; one is gone, or lost them.  For objects that end when
	 * nobody has some right any more.  `granted` is called with a table's lock held and must not sleep;
	 * `dropped` may. */
	void (*granted)(struct kobject *obj, uint32_t rights);
	void (*dropped)(struct kobject *obj, uint32_t rights);
	/* As file_ops.poll, for objects that are no files. */
	uint32_t (*poll)(struct kobject *obj, struct poll_table *table);
	/* A name for people, as /proc/pid/fd shows it: "port:[17]".  Cut to size. */
	void (*describe)(struct kobject *obj, char *buf, size_t size);
	/* As file_ops.info: more lines for /proc/pid/fdinfo. */
	void (*info)(struct kobject *obj, char *buf, size_t size);
};

struct kobject {
	struct refcount refs;
	enum object_type type;         /* [i] */
	const struct kobject_ops *ops; /* [i] */
	uint64_t id;                   /* [i] unique for ever */
	struct list observers;         /* RANK_OBSERVERS */
};

/*
 * Somebody who has to know when an object goes, without keeping it there.  Before ops->release the last
 * reference's owner asks each observer, with a lock held, to `claim` its end: false if another thread is at
 * that already.  Where it is true, `end` follows without a lock.  The object stays until all have unobserved.
 */
struct kobject_observer {
	struct list link;
	bool (*claim)(struct kobject_observer *o);
	void (*end)(struct kobject_observer *o);
};
/* The caller has a reference. */
void kobject_observe(struct kobject *obj, struct kobject_observer *o);
/* The object may be gone when it returns. */
void kobject_unobserve(struct kobject *obj, struct kobject_observer *o);

/* A number that no object had or will have; kobject_init() takes one. */
uint64_t kobject_new_id(void);
/* "file"; the words of /proc and of programs. */
const char *object_type_name(enum object_type type);

void kobject_init(struct kobject *obj, enum object_type type, const struct kobject_ops *ops);

static inline void kobject_get(struct kobject *obj)
{
	refcount_get(&obj->refs);
}

/* Unless the last reference is gone, but not all observers. */
static inline bool kobject_get_unless_gone(struct kobject *obj)
{
	return refcount_get_unless_zero(&obj->refs);
}

/* Of what nobody has a reference to any more. */
void kobject_end_observers(struct kobject *obj);

static inline void kobject_put(struct kobject *obj)
{
	if (!refcount_put(&obj->refs))
		return;
	if (unlikely(!list_empty(&obj->observers)))
		kobject_end_observers(obj);
	obj->ops->release(obj);
}

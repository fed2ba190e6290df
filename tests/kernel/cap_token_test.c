/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens on several CPUs: everybody exports, imports what others exported, and closes, at once.  What comes
 * out of an import is what went in or an error, and in the end every object is gone.
 */
#include <kernel/ktest.h>

#include <kernel/cap.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "sched_worker.h"

#define WORKERS 4
#define PLACES  64
#define RUN_NS  (NSEC_PER_SEC / 2)

static _Atomic uint64_t objects;

static void release(struct kobject *obj)
{
	atomic_fetch_sub(&objects, 1);
	kfree(obj);
}

static const struct kobject_ops ops = { .release = release };

/* What was exported lately: an id and the number of the object behind it. */
static struct spinlock places_lock = SPINLOCK_INIT("places", RANK_IDLE_LATENCY);
static struct {
	struct cap_id id;
	uint64_t object;
} places[PLACES]; /* [places_lock] */

static _Atomic uint64_t imported, too_late, wrong;

static const struct cap_terms as_it_is = { .rights = UINT32_MAX };

/* A new object with a capability that is exported; its descriptor. */
static int make(struct cap_table *table)
{
	struct kobject *obj = kzalloc(sizeof(*obj));
	unsigned place = (unsigned)random_u64() % PLACES;
	struct cap_id id;
	uint64_t flags;
	int fd;

	if (!obj)
		return -ENOMEM;
	kobject_init(obj, OBJECT_TIMER, &ops);
	atomic_fetch_add(&objects, 1);
	fd = cap_install(table, obj, cap_type_rights(OBJECT_TIMER), 0, 0);
	if (fd < 0) {
		kobject_put(obj);
		return fd;
	}
	if (cap_export(table, fd, &id) < 0) {
		wrong++;
		return fd;
	}
	flags = spin_lock_irqsave(&places_lock);
	places[place].id = id;
	places[place].object = obj->id;
	spin_unlock_irqrestore(&places_lock, flags);
	return fd;
}

/* Returns whether it came too late. */
static bool take(struct cap_table *table)
{
	unsigned place = (unsigned)random_u64() % PLACES;
	uint64_t flags = spin_lock_irqsave(&places_lock);
	struct cap_id id = places[place].id;
	uint64_t object = places[place].object;
	struct capability *cap;
	cap_handle_t got;

	spin_unlock_irqrestore(&places_lock, flags);
	if (!object)
		return false;
	got = cap_import(table, &id, &as_it_is);
	if (got == -ENOENT || got == -EBADF) {
		too_late++;
		return true;
	}
	imported++;
	if (got < 0) {
		wrong++;
		return false;
	}
	/* It may have been revoked since. */
	if (cap_use(table, got, OBJECT_TIMER, 0, &cap) == 0) {
		wrong += cap->object->id != object;
		cap_done(cap);
	}
	if (random_u64() % 2)
		cap_close(table, got);
	return false;
}

/* One step; returns whether it was a guess. */
static bool step(struct cap_table *table)
{
	unsigned slot = (unsigned)random_u64() % 32;

	switch (random_u64() % 4) {
	case 0:
		make(table);
		return false;
	case 1:
		cap_close(table, slot);
		return false;
	case 2:
		if (random_u64() % 8 == 0)
			(void)!cap_revoke(table, slot, true);
		return false;
	default:
		return take(table);
	}
}

/* Who comes too late too often has to wait; here everybody does, so with a new table before that. */
static void work(struct worker *w)
{
	while (!atomic_load(&w->stop)) {
		struct cap_table *table;
		unsigned late = 0;

		if (cap_table_create(&table) < 0) {
			wrong++;
			return;
		}
		while (!atomic_load(&w->stop) && late < 3)
			late += step(table);
		cap_table_put(table);
	}
}

static void everybody_at_once(void)
{
	static struct worker workers[WORKERS];
	struct sched_policy policy = policy_fair(0);

	for (unsigned i = 0; i < WORKERS; i++)
		worker_create(&workers[i], work, &policy, ON_ANY_CPU);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_go(&workers[i]);
	control_sleep(RUN_NS);
	for (unsigned i = 0; i < WORKERS; i++)
		worker_join(&workers[i]);
	KTEST_EXPECT(imported > 0);
	KTEST_EXPECT(too_late > 0);
	KTEST_EXPECT(wrong == 0);
	KTEST_EXPECT(objects == 0);
	pr_info("# %lu imports, %lu came too late", imported, too_late);
}

static const struct ktest_case cases[] = {
	{ "tokens that are made, used and ended at once never mix things up", everybody_at_once },
};

KTEST_SUITE("cap_token", cases);

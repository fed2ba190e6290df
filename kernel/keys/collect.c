/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key that has expired stays in its keyrings for key_limits.gc_delay, so that who looks for it is told why
 * it is not there.  Then this thread takes it out.
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/timespec.h>
#include <kernel/wait.h>

#include "keys_priv.h"

static struct rb_tree dying = RB_TREE_INIT; /* [keys_lock] by when they die */
static struct waitqueue wanted = WAITQUEUE_INIT(wanted);
static _Atomic bool rung; /* since the thread has looked */

void keys_collect_soon(void)
{
	atomic_store(&rung, true);
	wake_up(&wanted);
}

static struct key *first(void)
{
	struct rb_node *node = rb_first(&dying);

	return node ? rb_entry(node, struct key, by_collect) : NULL;
}

static void enter(struct key *key)
{
	struct rb_node **link = &dying.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = key->collect < rb_entry(parent, struct key, by_collect)->collect ? &parent->left
											: &parent->right;
	}
	rb_insert(&dying, &key->by_collect, parent, link);
}

void key_collect_at(struct key *key, int64_t died)
{
	keys_assert_held();
	if (key->collect != KEY_NEVER)
		rb_erase(&dying, &key->by_collect);
	key->collect = died;
	if (died == KEY_NEVER)
		return;
	enter(key);
	if (first() == key)
		keys_collect_soon();
}

/* Take out what is due; when the next will be, in real seconds. */
static int64_t collect(void)
{
	int64_t delay = atomic_load(&key_limits.gc_delay), now = keys_now();
	struct key *key;

	while ((key = first()) != NULL && key->collect + delay <= now) {
		key_collect_at(key, KEY_NEVER);
		key_unlink_everywhere(key);
	}
	return key ? key->collect + delay : KEY_NEVER;
}

static void collector(void *arg)
{
	(void)arg;
	for (;;) {
		uint64_t deadline = WAIT_FOREVER;
		int64_t due;

		keys_lock_always();
		due = collect();
		keys_leave();
		if (due != KEY_NEVER)
			deadline = deadline_of_real((uint64_t)due * NSEC_PER_SEC);
		if (wait_event_timeout(&wanted, atomic_exchange(&rung, false), deadline, false) < 0)
			continue; /* it is time */
	}
}

void keys_start(void)
{
	if (!kthread_create("keys", collector, NULL))
		panic("no memory for the thread that collects keys");
}

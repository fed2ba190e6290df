/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation, in two steps.
 *
 * First everything below the root is taken off, leaf after leaf (cap_tree_victim).  No lock is held from one
 * leaf to the next, so the work is preempted like any other.  It ends whatever others do, for nothing joins
 * what is to go once its root is marked (kernel/cap/tree.c):
 *
 *	derive, dup, fork, open through a directory	hang something below one: refused under the mark
 *	settle		moves one from a holder into a table; it stays where it is in the tree
 *	close, exit, exec	take capabilities off: less is left to do
 *	exec of a shared table	copies, like fork
 *	another revocation	makes capabilities drained: less is left to do; this one waits for them, too
 *
 * One in a table loses its slot.  The holder of another is told, once, and ends what it made of it; whoever
 * drops a capability meanwhile waits until its holder has been told.
 *
 * Then the revoker waits until the last call that was under way through one of them is over.  Each such call
 * holds a reference, which keeps its capability in the tree, so "none is left below" is what is waited for.
 * Those calls sleep interruptibly or not for long: threads that use a table from which something was taken
 * that is in use are interrupted, and a call that then begins anew does not find the capability.  New ones
 * cannot begin.
 *
 * Two revocations of one capability do not wait for each other: they are counted apart from calls.
 */
#include "cap_priv.h"

#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

void (*cap_interrupt_user)(struct cap_user *user);

/* --- waiting -------------------------------------------------------------------------------------------- */

#define QUEUES 32

static struct waitqueue queues[QUEUES];

void cap_revoke_init(void)
{
	for (size_t i = 0; i < QUEUES; i++)
		waitqueue_init(&queues[i]);
}

/* Where revokers wait for what happens to a capability. */
static struct waitqueue *queue_of(const struct capability *cap)
{
	return &queues[((uintptr_t)cap >> 6) % QUEUES];
}

void cap_wake_revokers(const struct capability *cap)
{
	wake_up_all(queue_of(cap));
}

/* Is nothing under way any more through what was taken off? */
static bool calls_are_over(struct capability *cap, bool self)
{
	struct cap_tree *tree = atomic_load(&cap->tree);
	bool none;

	/* The count first: a revoker that leaves stops being one before it lets go of its reference. */
	if (self && (atomic_load(&cap->refs) & CAP_REFS_COUNT) > atomic_load(&cap->revokers))
		return false;
	if (!tree)
		return true;
	spin_lock(&tree->lock);
	none = list_empty(&cap->revoked);
	spin_unlock(&tree->lock);
	return none;
}

#define RETRY_NS (10 * NSEC_PER_MSEC)

/* Until calls are over.  -EINTR: this thread is to die. */
static int wait_for_calls(struct capability *cap, bool self)
{
	struct waitqueue *wq = queue_of(cap);
	int err;

	if (self)
		atomic_fetch_or(&cap->refs, CAP_REFS_WATCHED);
	for (;;) {
		err = wait_event_interruptible(wq, calls_are_over(cap, self));
		if (err == 0 || task_is_dying())
			return err;
		/* Another signal has to wait: look again after a short sleep. */
		err = wait_event_timeout(wq, calls_are_over(cap, self), time_now_ns() + RETRY_NS, false);
		if (err == 0)
			return 0;
	}
}

/* --- taking off ----------------------------------------------------------------------------------------- */

void cap_table_join(struct cap_table *table, struct cap_user *user)
{
	spin_lock(&table->lock);
	list_add_tail(&table->processes, &user->link);
	spin_unlock(&table->lock);
}

void cap_table_leave(struct cap_table *table, struct cap_user *user)
{
	spin_lock(&table->lock);
	list_del(&user->link);
	spin_unlock(&table->lock);
}

static void interrupt_users(struct cap_table *table)
{
	struct cap_user *user;

	spin_lock(&table->lock);
	list_for_each (user, &table->processes, link)
		cap_interrupt_user(user);
	spin_unlock(&table->lock);
}

/* The caller has a reference on it; it is revoked. */
static void take_from_table(struct capability *cap)
{
	struct cap_table *table = cap->table;
	bool there;
	uint32_t index;

	if (!table)
		return;
	cap_table_pin(table);
	spin_lock(&table->lock);
	index = atomic_load(&cap->slot);
	there = index != CAP_NO_SLOT;
	if (there)
		cap_take_locked(table, index);
	spin_unlock(&table->lock);
	if ((atomic_load(&cap->refs) & CAP_REFS_COUNT) > 1u + there)
		interrupt_users(table);
	if (there)
		cap_let_go(table, cap);
	cap_table_unpin(table);
}

/* What its holder knows to be revoked leaves the tree, for the holder may keep it: but only when nobody waits
 * for what hangs below it. */
static void leave_if_told(struct capability *cap, struct cap_left *left)
{
	*left = (struct cap_left){ 0 };
	if (cap->told && !cap->spent && atomic_load(&cap->revokers) == 0)
		cap_tree_leave(cap, false, left);
}

/* The holder is told: it ends what it made of the capability. */
static void tell_holder(struct cap_tree *tree, struct capability *cap, const struct cap_holder_ops *ops)
{
	struct cap_left left;

	ops->revoked(cap, cap->holder);
	spin_lock(&tree->lock);
	cap->being_told = false;
	cap->told = true;
	leave_if_told(cap, &left);
	spin_unlock(&tree->lock);
	cap_free_left(tree, &left);
	cap_wake_revokers(cap);
}

/* Revoke one that has nothing left to revoke below it.  Lets go of the tree's lock. */
static void revoke_one(struct cap_tree *tree, struct capability *cap)
{
	const struct cap_holder_ops *ops = cap->holder_ops;
	bool here;

	assert_held(&tree->lock);
	cap_tree_drain(cap);
	/* Nobody has it any more?  Then it is here for its children, or its last user is about to take it
	 * off. */
	here = cap_get_unless_gone(cap);
	if (here && ops) {
		cap->holder_ops = NULL;
		cap->teller = current_task();
		cap->being_told = true;
	}
	spin_unlock(&tree->lock);
	if (!here)
		return;
	if (ops)
		tell_holder(tree, cap, ops);
	else
		take_from_table(cap);
	cap_done(cap);
}

/* An original that nothing was derived from.  False: something was, meanwhile. */
static bool revoke_lonely(struct capability *cap)
{
	atomic_store(&cap->state, CAP_REVOKED);
	/* Who makes it a tree from now on sees the state when it wants to derive; cap_adopt looks
	 * afterwards. */
	if (atomic_load(&cap->tree))
		return false;
	take_from_table(cap);
	return true;
}

void cap_revoke_begin(struct capability *cap, bool self)
{
	struct cap_tree *tree = atomic_load(&cap->tree);
	struct capability *victim;
	uint64_t epoch;

	if (!tree && (!self || revoke_lonely(cap)))
		return;
	tree = atomic_load(&cap->tree);
	spin_lock(&tree->lock);
	epoch = cap_tree_begin(tree, cap, self);
	while ((victim = cap_tree_victim(cap, epoch)) != NULL) {
		revoke_one(tree, victim);
		spin_lock(&tree->lock);
	}
	cap_tree_end(tree);
	if (self)
		revoke_one(tree, cap);
	else
		spin_unlock(&tree->lock);
}

static void end(struct capability *cap)
{
	struct cap_tree *tree = atomic_load(&cap->tree);
	struct cap_left left;

	atomic_fetch_sub(&cap->revokers, 1);
	if (!tree)
		return;
	spin_lock(&tree->lock);
	leave_if_told(cap, &left);
	spin_unlock(&tree->lock);
	cap_free_left(tree, &left);
}

int cap_revoke_from(struct capability *cap, bool self)
{
	int err;

	cap_audit(CAP_EVENT_REVOCATION, cap, self ? "with its children" : "its children");
	atomic_fetch_add(&cap->revokers, 1);
	cap_revoke_begin(cap, self);
	err = wait_for_calls(cap, self);
	end(cap);
	return err;
}

int cap_revoke(struct cap_table *table, cap_handle_t handle, bool self)
{
	struct capability *cap;
	int err = cap_use(table, handle, OBJECT_NONE, 0, &cap);

	if (err < 0)
		return err;
	err = cap_revoke_from(cap, self);
	cap_done(cap);
	return err;
}

void cap_revoke_table(struct cap_table *table)
{
	struct capability *cap;
	int slot = -1;

	while ((slot = cap_next(table, slot + 1, &cap)) >= 0) {
		cap_revoke_begin(cap, true);
		cap_done(cap);
	}
}

/* --- what holders do ------------------------------------------------------------------------------------ */

static bool is_being_told(struct cap_tree *tree, struct capability *cap)
{
	bool told;

	spin_lock(&tree->lock);
	told = cap->being_told && cap->teller != current_task();
	if (!told) {
		uint32_t live = CAP_LIVE;

		cap->holder_ops = NULL;
		atomic_compare_exchange_strong(&cap->state, &live, CAP_CLOSED);
	}
	spin_unlock(&tree->lock);
	return told;
}

void cap_drop(struct capability *cap)
{
	struct cap_tree *tree = atomic_load(&cap->tree);

	wait_event(queue_of(cap), !is_being_told(tree, cap));
	cap_done(cap);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expiry.  A look-up compares the time with the cycle counter, so that a capability is over to the cycle.
 * What must end besides - mappings, calls that sleep, what was derived - is revoked by a kernel thread.
 *
 * Capabilities that expire stand in a queue by their time, copies and children too: they may outlive the one
 * that they come from.  One timer wakes the thread when the first is due.  Its interrupt does nothing else,
 * and the thread takes one at a time, so any number may be due at once.
 *
 * An entry in the queue holds no reference; the capability's end takes it out.
 */
#include "cap_priv.h"

#include <kernel/panic.h>
#include <kernel/rbtree.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

struct cap_expiry {
	struct rb_node node;    /* [lock] in `pending`, while it is queued */
	bool queued;            /* [lock] */
	uint64_t expires;       /* [lock] its place there: what the cycle counter will show */
	struct capability *cap; /* [i] */
};

/* With interrupts off: timers that ring meanwhile take locks of processes, which come before this one. */
static struct spinlock lock = SPINLOCK_INIT("cap_expiry", RANK_CAP_EXPIRY);
static struct rb_tree pending = RB_TREE_INIT; /* [lock] */
static struct timer alarm;                    /* [lock] armed under it: for the first, or one that was */
static _Atomic bool rung;                     /* since the thread has looked */
static struct waitqueue wanted = WAITQUEUE_INIT(wanted);

static void ring(struct timer *timer)
{
	(void)timer;
	atomic_store(&rung, true);
	wake_up(&wanted);
}

int cap_expiry_alloc(struct capability *cap)
{
	struct cap_expiry *expiry = kzalloc(sizeof(*expiry)), *none = NULL;

	if (!expiry)
		return -ENOMEM;
	expiry->cap = cap;
	if (!atomic_compare_exchange_strong(&cap->expiry, &none, expiry))
		kfree(expiry);
	return 0;
}

/* When the cycle counter will have reached `cycles`, or a little later. */
static uint64_t deadline_of(uint64_t cycles)
{
	uint64_t now = arch_cycles(), rate = time_cycles_per_sec(), ahead = cycles > now ? cycles - now : 0;
	uint64_t seconds = ahead / rate, limit = UINT64_MAX / NSEC_PER_SEC / 2;

	if (seconds > limit)
		return UINT64_MAX;
	return time_now_ns() + seconds * NSEC_PER_SEC + ahead % rate * NSEC_PER_SEC / rate + 1;
}

static struct cap_expiry *first_locked(void)
{
	struct rb_node *node = rb_first(&pending);

	return node ? rb_entry(node, struct cap_expiry, node) : NULL;
}

static void insert_locked(struct cap_expiry *expiry)
{
	struct rb_node **link = &pending.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = expiry->expires < rb_entry(parent, struct cap_expiry, node)->expires ? &parent->left
											    : &parent->right;
	}
	rb_insert(&pending, &expiry->node, parent, link);
	expiry->queued = true;
}

static void remove_locked(struct cap_expiry *expiry)
{
	if (expiry->queued)
		rb_erase(&pending, &expiry->node);
	expiry->queued = false;
}

void cap_expiry_start(struct capability *cap)
{
	struct cap_expiry *expiry = atomic_load(&cap->expiry);
	uint64_t flags;

	flags = spin_lock_irqsave(&lock);
	remove_locked(expiry);
	expiry->expires = atomic_load(&cap->expires);
	insert_locked(expiry);
	if (first_locked() == expiry)
		timer_arm(&alarm, deadline_of(expiry->expires));
	spin_unlock_irqrestore(&lock, flags);
}

/* An alarm that was for this one rings for nothing. */
void cap_expiry_end(struct capability *cap)
{
	struct cap_expiry *expiry = atomic_load(&cap->expiry);
	uint64_t flags;

	flags = spin_lock_irqsave(&lock);
	remove_locked(expiry);
	spin_unlock_irqrestore(&lock, flags);
	atomic_store(&cap->expiry, NULL);
	kfree(expiry);
}

/* The next capability that is due, with a reference; NULL: none, and the alarm is set. */
static struct capability *next_expired(void)
{
	struct capability *cap = NULL;
	struct cap_expiry *first;
	uint64_t flags;

	flags = spin_lock_irqsave(&lock);
	while (!cap && (first = first_locked()) && first->expires <= arch_cycles()) {
		remove_locked(first);
		/* Its last reference may be gone; then its end waits for the lock. */
		if (cap_get_unless_gone(first->cap))
			cap = first->cap;
	}
	if (!cap && first)
		timer_arm(&alarm, deadline_of(first->expires));
	spin_unlock_irqrestore(&lock, flags);
	return cap;
}

static void cerberus(void *arg)
{
	struct capability *cap;

	(void)arg;
	for (;;) {
		while ((cap = next_expired()) != NULL) {
			/* Calls under way are interrupted; nobody waits for them, least of all those whose
			 * time is over, too. */
			cap_audit(CAP_EVENT_EXPIRY, cap, "its time is over");
			cap_revoke_begin(cap, true);
			cap_done(cap);
		}
		wait_event(&wanted, atomic_exchange(&rung, false));
	}
}

void cap_expire_start(void)
{
	timer_init(&alarm, ring);
	if (!kthread_create("cerberus", cerberus, NULL))
		panic("no memory for the thread that revokes what has expired");
}

int cap_expire(struct cap_table *table, cap_handle_t handle, uint64_t expires)
{
	struct capability *cap;
	uint64_t now;
	int err = cap_use(table, handle, OBJECT_NONE, 0, &cap);

	if (err < 0)
		return err;
	/* What is queued has a tree: cerberus comes from nowhere, and the tree's lock says whether the
	 * table that the capability was in is still there. */
	err = cap_tree_of(cap) ? cap_expiry_alloc(cap) : -ENOMEM;
	if (err == 0) {
		now = atomic_load(&cap->expires);
		while (!atomic_compare_exchange_weak(&cap->expires, &now, cap_earlier(now, expires)))
			;
		cap_expiry_start(cap);
	}
	cap_done(cap);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expiry.  A look-up compares the time with the cycle counter, so that a capability is over to the cycle.
 * What must end besides - mappings, calls that sleep, what was derived - is revoked by a kernel thread, which
 * a timer wakes.  Only capabilities that expire have a timer, and each of those has its own, copies and
 * children too: they may outlive the one that they come from.
 *
 * The timer's function runs in an interrupt: it only queues the capability.  An entry in the queue holds no
 * reference; the capability's end takes it out.
 */
#include "cap_priv.h"

#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

struct cap_expiry {
	struct timer timer;     /* [lock] armed under it */
	struct capability *cap; /* [i] */
	struct list link;       /* [lock] in `expired`, or by itself */
};

static struct spinlock lock = SPINLOCK_INIT("cap_expiry", RANK_CAP_EXPIRY);
static struct list expired = LIST_INIT(expired); /* [lock] */
static struct waitqueue wanted = WAITQUEUE_INIT(wanted);

static void is_due(struct timer *timer)
{
	struct cap_expiry *expiry = container_of(timer, struct cap_expiry, timer);
	uint64_t flags = spin_lock_irqsave(&lock);

	if (list_empty(&expiry->link))
		list_add_tail(&expired, &expiry->link);
	spin_unlock_irqrestore(&lock, flags);
	wake_up(&wanted);
}

int cap_expiry_alloc(struct capability *cap)
{
	struct cap_expiry *expiry = kmalloc(sizeof(*expiry)), *none = NULL;

	if (!expiry)
		return -ENOMEM;
	timer_init(&expiry->timer, is_due);
	expiry->cap = cap;
	list_init(&expiry->link);
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

void cap_expiry_start(struct capability *cap)
{
	struct cap_expiry *expiry = atomic_load(&cap->expiry);
	uint64_t flags = spin_lock_irqsave(&lock);

	timer_arm(&expiry->timer, deadline_of(atomic_load(&cap->expires)));
	spin_unlock_irqrestore(&lock, flags);
}

void cap_expiry_end(struct capability *cap)
{
	struct cap_expiry *expiry = atomic_load(&cap->expiry);
	uint64_t flags;

	timer_cancel(&expiry->timer);
	flags = spin_lock_irqsave(&lock);
	list_del(&expiry->link);
	spin_unlock_irqrestore(&lock, flags);
	atomic_store(&cap->expiry, NULL);
	kfree(expiry);
}

/* The next capability that is due, with a reference; NULL: none. */
static struct capability *next_expired(void)
{
	struct capability *cap = NULL;
	uint64_t flags = spin_lock_irqsave(&lock);

	while (!cap && !list_empty(&expired)) {
		struct cap_expiry *expiry = list_first(&expired, struct cap_expiry, link);

		list_del(&expiry->link);
		/* Its last reference may be gone; then its end waits for the lock. */
		if (cap_get_unless_gone(expiry->cap))
			cap = expiry->cap;
	}
	spin_unlock_irqrestore(&lock, flags);
	return cap;
}

static void revoke_expired(struct capability *cap)
{
	/* Calls under way are interrupted; nobody waits for them, least of all those whose time is over,
	 * too. */
	if (cap_is_expired(cap)) {
		cap_audit(CAP_EVENT_EXPIRY, cap, "its time is over");
		cap_revoke_begin(cap, true);
	} else {
		cap_expiry_start(cap);
	}
	cap_done(cap);
}

static void cerberus(void *arg)
{
	(void)arg;
	for (;;) {
		struct capability *cap = next_expired();

		if (cap)
			revoke_expired(cap);
		else
			wait_event(&wanted, !list_empty(&expired));
	}
}

void cap_expire_start(void)
{
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
	/* What has a timer has a tree: cerberus comes from nowhere, and the tree's lock says whether the
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

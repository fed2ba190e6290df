/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of confinements that have one.  A thread sleeps until the first is due, and then takes what its
 * processes have: capabilities first, so that what they gave to others goes, too, and then their lives.
 * Meanwhile they cannot make new ones (clone.c looks at `expired`), so that one round over all processes
 * finds them all.
 */
#include <kernel/cap.h>
#include <kernel/cap_audit.h>
#include <kernel/panic.h>
#include <kernel/wait.h>

#include "confine_priv.h"
#include "proc_priv.h"

static struct spinlock lock = SPINLOCK_INIT("confinements that end", RANK_CAP_EXPIRY);
static struct list expiring =
	LIST_INIT(expiring);                    /* [lock] in no order: few programs are confined for a time */
static _Atomic uint64_t first_due = UINT64_MAX; /* [a] not later than the first one's end */
static struct waitqueue work = WAITQUEUE_INIT(work);

void confine_expiry_add(struct confine *c)
{
	uint64_t flags = spin_lock_irqsave(&lock);

	list_add_tail(&expiring, &c->expiring);
	atomic_store(&first_due, MIN(atomic_load(&first_due), c->expires));
	spin_unlock_irqrestore(&lock, flags);
	wake_up(&work);
}

void confine_expiry_remove(struct confine *c)
{
	uint64_t flags = spin_lock_irqsave(&lock);

	list_del(&c->expiring);
	list_init(&c->expiring);
	spin_unlock_irqrestore(&lock, flags);
}

/* One that is due, referenced and off the list, or NULL; then first_due is exact again. */
static struct confine *take_due(void)
{
	uint64_t now = time_now_ns(), next = UINT64_MAX, flags = spin_lock_irqsave(&lock);
	struct confine *c, *found = NULL;

	list_for_each (c, &expiring, expiring) {
		/* One without references is about to leave the list by itself. */
		if (!found && c->expires <= now && refcount_get_unless_zero(&c->refs))
			found = c;
		else if (c->expires > now)
			next = MIN(next, c->expires);
	}
	if (found) {
		list_del(&found->expiring);
		list_init(&found->expiring);
	} else {
		atomic_store(&first_due, next);
	}
	spin_unlock_irqrestore(&lock, flags);
	return found;
}

static void end_process(struct process *p)
{
	struct cap_table *caps = process_caps_get(p);

	if (caps) {
		cap_revoke_table(caps);
		cap_table_unpin(caps);
	}
	signal_process(p, SIGKILL, NULL);
}

static void expire(struct confine *c)
{
	struct process *p;
	pid_t next = 1;

	atomic_store(&c->expired, true);
	cap_audit(CAP_EVENT_EXPIRY, NULL, "confinement");
	while ((p = process_next(next)) != NULL) {
		next = p->pid + 1;
		if (confine_within(process_confine(p), c))
			end_process(p);
		process_put(p);
	}
}

static void expiry_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct confine *c;

		while ((c = take_due()) != NULL) {
			expire(c);
			confine_put(c);
		}
		/* -ETIMEDOUT is what it waits for. */
		(void)wait_event_timeout(&work, atomic_load(&first_due) <= time_now_ns(),
					 atomic_load(&first_due), false);
	}
}

void confine_expiry_init(void)
{
	if (!kthread_create("confine", expiry_thread, NULL))
		panic("no memory for the thread that ends confinements");
}

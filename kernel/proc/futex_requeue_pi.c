/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a word to a futex with an owner: what condition variables need whose mutex has priority inheritance.
 * Who waits by FUTEX_WAIT_REQUEUE_PI names the futex that it wants to own when it returns, and sleeps as a
 * waiter of both kinds: in the bucket of the word until FUTEX_CMP_REQUEUE_PI has it own the futex, or queues
 * it there.
 */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

/* --- waiting -------------------------------------------------------------------------------------------- */

static bool was_moved(const struct pi_waiter *pi)
{
	return READ_ONCE(pi->queued) || READ_ONCE(pi->acquired);
}

/* Awake or timed out.  A waiter that was moved is off the bucket's list for good. */
static int end_wait(struct futex_waiter *w, struct pi_waiter *pi, int err, const struct deadline *deadline)
{
	if (!futex_dequeue(w))
		return err == -EINTR ? -ERESTARTNOINTR : err;
	err = pi_waiter_sleep(pi, deadline);
	/* To begin anew would be to find that the word has changed. */
	return err == -EINTR ? -EAGAIN : err;
}

static int sleep_for(struct futex_waiter *w, struct pi_waiter *pi, const struct futex_key *key, uaddr_t addr,
		     uint32_t expected, const struct deadline *deadline)
{
	uint32_t value;
	int err;

	futex_enqueue(w, key, FUTEX_ANY);
	err = get_user_u32(addr, &value);
	if (err == 0 && value != expected)
		err = -EAGAIN;
	if (err == 0)
		err = wait_event_deadline(&pi->wq, was_moved(pi), deadline);
	return end_wait(w, pi, err, deadline);
}

int64_t futex_wait_requeue_pi(uaddr_t addr, bool is_private, uint32_t expected,
			      const struct deadline *deadline, uaddr_t addr2)
{
	struct futex_key_ref from, to;
	struct pi_waiter pi;
	struct futex_waiter w = { .wq = &pi.wq, .pi = &pi };
	int err;

	if (addr == addr2)
		return -EINVAL;
	err = futex_key_get(addr, is_private, &from);
	if (err < 0)
		return err;
	err = futex_key_get(addr2, is_private, &to);
	if (err == 0 && futex_same_key(&from.key, &to.key))
		err = -EINVAL;
	if (err == 0) {
		pi_waiter_begin(&pi, &to.key, addr2);
		err = sleep_for(&w, &pi, &from.key, addr, expected, deadline);
		pi_waiter_end(&pi);
	}
	futex_key_put(&to);
	futex_key_put(&from);
	return err;
}

/* --- moving --------------------------------------------------------------------------------------------- */

struct requeue {
	struct futex_key from, to;
	uaddr_t addr, addr2;
	uint32_t expected;
	uint32_t limit; /* of waiters, those that get the futex included */
	uint32_t moved;
};

/* The most urgent one that waits for the word. */
static struct futex_waiter *first_waiter_locked(struct futex_bucket *b, const struct requeue *r,
						uint32_t *count)
{
	struct futex_waiter *w, *first = NULL;

	*count = 0;
	list_for_each (w, &b->waiters, link) {
		if (!futex_same_key(&w->key, &r->from))
			continue;
		++*count;
		if (!first || !w->pi ||
		    READ_ONCE(w->pi->thread->task.urgency) < READ_ONCE(first->pi->thread->task.urgency))
			first = w;
		if (!w->pi)
			break;
	}
	return first;
}

/* Both locks are held. */
static int move_locked(struct futex_bucket *b, struct requeue *r)
{
	struct futex_waiter *w;
	uint32_t value, count;
	int err = get_user_u32_atomic(r->addr, &value);

	if (err == 0 && value != r->expected && r->moved == 0)
		err = -EAGAIN;
	while (err >= 0 && r->moved < r->limit && (w = first_waiter_locked(b, r, &count))) {
		if (!w->pi || !futex_same_key(&w->pi->key, &r->to))
			return -EINVAL;
		err = pi_lock_or_queue_locked(w->pi, r->addr2, true, count > 1);
		if (err < 0)
			break;
		list_del(&w->link);
		w->woken = true;
		r->moved++;
	}
	return err < 0 ? err : 0;
}

static int move(struct requeue *r)
{
	struct futex_bucket *b = futex_bucket_of(&r->from);
	int err;

	do {
		spin_lock(&b->lock);
		spin_lock(&pi_lock);
		err = move_locked(b, r);
		spin_unlock(&pi_lock);
		spin_unlock(&b->lock);
	} while (err == -EFAULT && get_user_u32(r->addr, &(uint32_t){ 0 }) == 0 &&
		 pi_fault_in(r->addr2) == 0);
	return err;
}

int64_t futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t wake, uint32_t limit,
			     uint32_t expected)
{
	struct requeue r = { .addr = addr, .addr2 = addr2, .expected = expected };
	struct futex_key_ref from, to;
	int err;

	/* Only one can own the futex. */
	if (wake != 1 || (int32_t)limit < 0 || addr == addr2)
		return -EINVAL;
	r.limit = wake + limit;
	err = futex_key_get(addr, is_private, &from);
	if (err < 0)
		return err;
	err = futex_key_get(addr2, is_private, &to);
	if (err == 0 && futex_same_key(&from.key, &to.key))
		err = -EINVAL;
	if (err == 0) {
		r.from = from.key;
		r.to = to.key;
		err = move(&r);
	}
	futex_key_put(&to);
	futex_key_put(&from);
	return r.moved ? (int64_t)r.moved : err;
}

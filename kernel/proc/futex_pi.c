/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes with an owner: the word holds the owner's thread id, and whoever waits lends it its urgency
 * (kernel/loan.h), along chains of owners that wait themselves: priority inheritance.
 *
 * An unlock hands the futex to the most urgent waiter, word and all, in one step.  An owner that ends cannot:
 * its waiters may know the word by other addresses only.  They are left without an owner, and the first that
 * runs writes its own id into the word; so does whoever comes to lock it meanwhile.
 *
 * Only contention brings anybody here, so one lock serves all: who waits for whom is one graph, and a lock
 * that would close a circle in it is refused.  Words are accessed under that lock by accesses that do not
 * resolve faults; what is not there is brought in without the lock, and everything begins anew.
 */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

#define TABLE_BITS 6
#define CHAIN_MAX  1024

struct spinlock pi_lock = SPINLOCK_INIT("futex owners", RANK_FUTEX_PI);
static struct list table[1 << TABLE_BITS]; /* [pi_lock] pi_waiter.link, by key */

void futex_pi_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		list_init(&table[i]);
}

static struct list *queue_of(const struct futex_key *key)
{
	return &table[futex_hash(key, TABLE_BITS)];
}

/* --- waiters ------------------------------------------------------------------------------------------- */

/* The most urgent, of equals the one that waits longest; NULL: none waits. */
static struct pi_waiter *first_waiter_locked(const struct futex_key *key)
{
	struct pi_waiter *w, *first = NULL;

	list_for_each (w, queue_of(key), link) {
		if (futex_same_key(&w->key, key) &&
		    (!first || READ_ONCE(w->thread->task.urgency) < READ_ONCE(first->thread->task.urgency)))
			first = w;
	}
	return first;
}

static void set_owner_locked(struct pi_waiter *w, struct thread *owner)
{
	if (w->owner)
		list_del(&w->of_owner);
	WRITE_ONCE(w->owner, owner);
	if (owner) {
		list_add_tail(&owner->pi_waiters, &w->of_owner);
		loan_give(&w->loan, &owner->task);
	} else {
		loan_return(&w->loan);
	}
}

static void set_owner_of_all_locked(const struct futex_key *key, struct thread *owner)
{
	struct pi_waiter *w;

	list_for_each (w, queue_of(key), link) {
		if (futex_same_key(&w->key, key))
			set_owner_locked(w, owner);
	}
}

static void queue_locked(struct pi_waiter *w, struct thread *owner)
{
	list_add_tail(queue_of(&w->key), &w->link);
	w->queued = true;
	w->thread->pi_wait = w;
	set_owner_locked(w, owner);
}

static void unqueue_locked(struct pi_waiter *w)
{
	set_owner_locked(w, NULL);
	list_del(&w->link);
	w->queued = false;
	w->thread->pi_wait = NULL;
}

/* The word says so already: the futex is that waiter's, and all others wait for its thread. */
static void hand_over_locked(struct pi_waiter *w)
{
	if (w->queued)
		unqueue_locked(w);
	set_owner_of_all_locked(&w->key, w->thread);
	WRITE_ONCE(w->acquired, true);
	wake_up(&w->wq);
}

void pi_waiter_begin(struct pi_waiter *w, const struct futex_key *key, uaddr_t addr)
{
	*w = (struct pi_waiter){ .key = *key, .addr = addr, .thread = current_thread() };
	waitqueue_init(&w->wq);
	loan_begin(&w->loan);
}

void pi_waiter_end(struct pi_waiter *w)
{
	loan_end(&w->loan);
}

/* --- words --------------------------------------------------------------------------------------------- */

int pi_fault_in(uaddr_t addr)
{
	uint32_t value, seen;
	int err = get_user_u32(addr, &value);

	return err < 0 ? err : cmpxchg_user_u32(addr, value, value, &seen);
}

/* -EAGAIN: it has changed. */
static int change_word_locked(uaddr_t addr, uint32_t from, uint32_t to)
{
	uint32_t seen;
	int err = cmpxchg_user_u32_atomic(addr, from, to, &seen);

	return err < 0 ? err : seen == from ? 0 : -EAGAIN;
}

static uint32_t word_of(const struct thread *t, bool contended)
{
	return (uint32_t)t->tid | (contended ? FUTEX_WAITERS : 0);
}

/* --- owners --------------------------------------------------------------------------------------------- */

/* The thread that a word names.  It stays until it takes pi_lock on its way out.  -ESRCH: none, or it has
 * been there already; private words name threads of the same memory. */
static int find_owner_locked(const struct futex_key *key, uint32_t word, struct thread **out)
{
	uint64_t flags = tree_lock();
	struct thread *t = thread_find_locked((pid_t)(word & FUTEX_TID_MASK));
	bool usable = t && !t->pi_closed && (key->space != current_task()->vm || t->task.vm == key->space);

	tree_unlock(flags);
	*out = t;
	return usable ? 0 : -ESRCH;
}

/* Does `owner` wait, however indirectly, for `t`? */
static bool closes_circle_locked(const struct thread *t, const struct thread *owner)
{
	for (unsigned n = 0; owner && n < CHAIN_MAX; n++) {
		if (owner == t)
			return true;
		owner = owner->pi_wait ? owner->pi_wait->owner : NULL;
	}
	return false;
}

/* Nobody owns it: the word holds no id, or those who wait lost their owner. */
static int take_locked(struct pi_waiter *w, uaddr_t addr, uint32_t word, const struct pi_waiter *first,
		       bool contended)
{
	uint32_t died = first ? FUTEX_OWNER_DIED : word & FUTEX_OWNER_DIED;
	int err = change_word_locked(addr, word, word_of(w->thread, first || contended) | died);

	if (err == 0)
		hand_over_locked(w);
	return err;
}

static int wait_for_owner_locked(struct pi_waiter *w, uaddr_t addr, uint32_t word, struct pi_waiter *first)
{
	struct thread *owner = first ? first->owner : NULL;
	int err = first ? 0 : find_owner_locked(&w->key, word, &owner);

	if (err == 0 && (word & FUTEX_TID_MASK) != (uint32_t)owner->tid)
		err = -EINVAL; /* the program has written something else than the kernel */
	if (err == 0 && closes_circle_locked(w->thread, owner))
		err = -EDEADLK;
	if (err == 0 && !(word & FUTEX_WAITERS))
		err = change_word_locked(addr, word, word | FUTEX_WAITERS);
	if (err < 0)
		return err;
	queue_locked(w, owner);
	return 1;
}

static int lock_or_queue_once_locked(struct pi_waiter *w, uaddr_t addr, bool queue, bool contended)
{
	struct pi_waiter *first = first_waiter_locked(&w->key);
	uint32_t word;
	int err = get_user_u32_atomic(addr, &word);

	if (err < 0)
		return err;
	if ((word & FUTEX_TID_MASK) == (uint32_t)w->thread->tid)
		return -EDEADLK;
	if (first && !first->owner)
		return take_locked(w, addr, word, first, contended);
	if (!(word & FUTEX_TID_MASK))
		return first ? -EINVAL : take_locked(w, addr, word, NULL, contended);
	return queue ? wait_for_owner_locked(w, addr, word, first) : -EBUSY;
}

int pi_lock_or_queue_locked(struct pi_waiter *w, uaddr_t addr, bool queue, bool contended)
{
	int err;

	do /* until nobody changes the word meanwhile */
		err = lock_or_queue_once_locked(w, addr, queue, contended);
	while (err == -EAGAIN);
	return err == -EBUSY ? -EAGAIN : err;
}

/* --- sleeping ------------------------------------------------------------------------------------------- */

bool pi_waiter_may_go(const struct pi_waiter *w)
{
	return READ_ONCE(w->acquired) || (READ_ONCE(w->queued) && !READ_ONCE(w->owner));
}

/* It gives up.  Somebody else has to see that there is no owner. */
static void give_up_locked(struct pi_waiter *w)
{
	bool orphan = !w->owner;
	struct pi_waiter *next;

	unqueue_locked(w);
	next = orphan ? first_waiter_locked(&w->key) : NULL;
	if (next)
		wake_up(&next->wq);
}

/* Awake: 0 if the futex is the waiter's, -EAGAIN if it has to sleep on, -EFAULT: see pi_fault_in; `err` if it
 * gives up. */
static int settle_locked(struct pi_waiter *w, int err)
{
	int claim = -EAGAIN;
	uint32_t word;

	if (w->acquired)
		return 0;
	if (!w->owner)
		claim = get_user_u32_atomic(w->addr, &word);
	if (claim == 0)
		claim = change_word_locked(w->addr, word, word_of(w->thread, true) | FUTEX_OWNER_DIED);
	if (claim == 0)
		hand_over_locked(w);
	else if (err < 0 && claim == -EAGAIN)
		give_up_locked(w);
	return claim == -EAGAIN && err < 0 ? err : claim;
}

static int settle(struct pi_waiter *w, int err)
{
	int result;

	for (;;) {
		spin_lock(&pi_lock);
		result = settle_locked(w, err);
		spin_unlock(&pi_lock);
		if (result != -EFAULT || pi_fault_in(w->addr) == 0)
			break;
		/* The word is gone: nobody can have it through this address. */
		spin_lock(&pi_lock);
		if (w->queued)
			give_up_locked(w);
		spin_unlock(&pi_lock);
		break;
	}
	return result;
}

int pi_waiter_sleep(struct pi_waiter *w, const struct deadline *deadline)
{
	int err;

	do {
		err = wait_event_deadline(&w->wq, pi_waiter_may_go(w), deadline);
		err = settle(w, err);
	} while (err == -EAGAIN);
	return err;
}

/* --- the calls ------------------------------------------------------------------------------------------ */

static int lock_or_queue(struct pi_waiter *w, bool queue)
{
	int err;

	do {
		spin_lock(&pi_lock);
		err = pi_lock_or_queue_locked(w, w->addr, queue, false);
		spin_unlock(&pi_lock);
	} while (err == -EFAULT && pi_fault_in(w->addr) == 0);
	return err;
}

int64_t futex_lock_pi(uaddr_t addr, bool is_private, const struct deadline *deadline, bool only_try)
{
	struct futex_key_ref ref;
	struct pi_waiter w;
	int err = futex_key_get(addr, is_private, &ref);

	if (err < 0)
		return err;
	pi_waiter_begin(&w, &ref.key, addr);
	err = lock_or_queue(&w, !only_try);
	if (err == 1)
		err = pi_waiter_sleep(&w, deadline);
	pi_waiter_end(&w);
	futex_key_put(&ref);
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

static int unlock_locked(const struct futex_key *key, uaddr_t addr)
{
	struct thread *self = current_thread();
	struct pi_waiter *first = first_waiter_locked(key);
	uint32_t word;
	int err = get_user_u32_atomic(addr, &word);

	if (err < 0)
		return err;
	if ((word & FUTEX_TID_MASK) != (uint32_t)self->tid)
		return -EPERM;
	if (!first)
		return change_word_locked(addr, word, 0);
	if (first->owner != self)
		return -EINVAL;
	err = change_word_locked(addr, word, word_of(first->thread, true));
	if (err == 0)
		hand_over_locked(first);
	return err;
}

int64_t futex_unlock_pi(uaddr_t addr, bool is_private)
{
	struct futex_key_ref ref;
	int err = futex_key_get(addr, is_private, &ref);

	if (err < 0)
		return err;
	do {
		spin_lock(&pi_lock);
		err = unlock_locked(&ref.key, addr);
		spin_unlock(&pi_lock);
	} while (err == -EAGAIN || (err == -EFAULT && pi_fault_in(addr) == 0));
	futex_key_put(&ref);
	return err;
}

/* --- the end of an owner -------------------------------------------------------------------------------- */

void futex_pi_leave(struct thread *t)
{
	spin_lock(&pi_lock);
	t->pi_closed = true;
	while (!list_empty(&t->pi_waiters)) {
		struct pi_waiter *w = list_first(&t->pi_waiters, struct pi_waiter, of_owner);
		struct pi_waiter *first = first_waiter_locked(&w->key);

		set_owner_of_all_locked(&w->key, NULL);
		wake_up(&first->wq);
	}
	spin_unlock(&pi_lock);
}

void futex_pi_reopen(struct thread *t)
{
	spin_lock(&pi_lock);
	t->pi_closed = false;
	spin_unlock(&pi_lock);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of futexes share: the key of a word, the queues of those who wait for one, and the waiters
 * of futexes with an owner (PI).
 *
 * A key names the word: (address space, address) for private memory, (object, offset) for shared memory, so
 * that two mappings of one page meet.
 */
#pragma once

#include <kernel/deadline.h>
#include <kernel/loan.h>
#include <kernel/vm.h>

#include "proc_priv.h"

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu

#define FUTEX_ANY UINT32_MAX /* of bitsets: whoever waits */

struct futex_key {
	const void *space; /* a vm_space or a vm_object */
	uint64_t offset;
};

static inline bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->space == b->space && a->offset == b->offset;
}

/* Spreads keys over a table of 1 << bits. */
static inline uint32_t futex_hash(const struct futex_key *key, unsigned bits)
{
	uint64_t h = (uint64_t)(uintptr_t)key->space / 64 + key->offset / 4;

	return (uint32_t)(h * 0x9e3779b97f4a7c15ull >> (64 - bits));
}

/* The key of a word of the running process.  For shared memory the object is referenced until
 * futex_key_put().  -EINVAL: not aligned; -EFAULT. */
struct futex_key_ref {
	struct futex_key key;
	struct vm_object *object; /* NULL: private */
};
int futex_key_get(uaddr_t addr, bool is_private, struct futex_key_ref *out) __must_check;
void futex_key_put(struct futex_key_ref *ref);

/* --- without an owner: futex.c ------------------------------------------------------------------------ */

struct futex_bucket {
	struct spinlock lock;
	struct list waiters; /* [lock] oldest first */
};

struct pi_waiter;

struct futex_waiter {
	struct list link;            /* [bucket lock] */
	struct futex_key key;        /* [bucket lock] */
	struct futex_bucket *bucket; /* changed by requeue, with both locks held */
	uint32_t bitset;
	bool woken;           /* [bucket lock] and off the list */
	bool moved;           /* [bucket lock] by requeue, to another word; never back */
	_Atomic bool shaken;  /* its memory may have been revoked; for those that sleep in futex_wait */
	struct waitqueue *wq; /* [i] where it sleeps */
	struct pi_waiter *pi; /* [i] it waits to be moved to a futex with an owner; NULL: it does not */
};

struct futex_bucket *futex_bucket_of(const struct futex_key *key);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
/* Join the queue; the caller looks at the word then. */
void futex_enqueue(struct futex_waiter *w, const struct futex_key *key, uint32_t bitset);
/* Leave the queue; true if a wake-up had taken the waiter off already. */
bool futex_dequeue(struct futex_waiter *w);
/* How many were woken, at most `count`; -EINVAL: one waits to be moved to a futex with an owner. */
int64_t futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, uint32_t count,
			  uint32_t bitset);
int64_t futex_wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset);

/* The deadline of a call; none for no address.  -EFAULT, -EINVAL. */
int futex_read_deadline(uaddr_t addr, bool absolute, bool realtime, struct deadline *out) __must_check;

/* futex_requeue.c */
int64_t futex_requeue(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t wake, uint32_t move,
		      const uint32_t *expected);
/* futex_wake_op.c */
int64_t futex_wake_op(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t count, uint32_t count2,
		      uint32_t encoded);

/* --- with an owner, who is lent the urgency of those who wait: futex_pi.c ------------------------------- */

/* Guards all waiters of futexes with an owner and who the owners are.  Taken after a bucket's lock.  Words
 * are looked at and changed under it, so they agree with the queues. */
extern struct spinlock pi_lock;
void futex_pi_init(void);

struct pi_waiter {
	struct list link;      /* [pi_lock] in the queue of its key, oldest first */
	struct list of_owner;  /* [pi_lock] in owner->pi_waiters; unless there is no owner */
	struct futex_key key;  /* [i] */
	struct thread *thread; /* [i] */
	struct thread *owner;  /* [pi_lock] NULL: it has ended, and who runs first takes over */
	uaddr_t addr;          /* [i] of the word, for the waiter */
	bool queued;           /* [pi_lock] in the queue */
	bool acquired;         /* [pi_lock] the futex is the waiter's; off the queue */
	struct loan loan;
	struct waitqueue wq; /* the waiter alone sleeps here */
};

/* By the waiter: before anybody can know it, and after nobody does. */
void pi_waiter_begin(struct pi_waiter *w, const struct futex_key *key, uaddr_t addr);
void pi_waiter_end(struct pi_waiter *w);
/* Sleep until the futex is the waiter's: 0, -ETIMEDOUT, -EINTR, -EFAULT.  It is queued. */
int pi_waiter_sleep(struct pi_waiter *w, const struct deadline *deadline);
bool pi_waiter_may_go(const struct pi_waiter *w);

/*
 * Try to have the futex for `w`'s thread, which need not be the running one: 0 if it is that thread's now, 1
 * if `w` has been queued behind the owner (with `queue`; else -EAGAIN).  `contended`: others will wait.
 * -EFAULT: the word is not there to be changed at the moment; -EDEADLK, -ESRCH (no such owner), -EINVAL.
 */
int pi_lock_or_queue_locked(struct pi_waiter *w, uaddr_t addr, bool queue, bool contended);
/* Have the word in memory, to be changed.  No lock is held. */
int pi_fault_in(uaddr_t addr) __must_check;

/* `only_try`: without a deadline. */
int64_t futex_lock_pi(uaddr_t addr, bool is_private, const struct deadline *deadline, bool only_try);
int64_t futex_unlock_pi(uaddr_t addr, bool is_private);

/* futex_requeue_pi.c */
int64_t futex_wait_requeue_pi(uaddr_t addr, bool is_private, uint32_t expected,
			      const struct deadline *deadline, uaddr_t addr2);
int64_t futex_cmp_requeue_pi(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t wake, uint32_t limit,
			     uint32_t expected);

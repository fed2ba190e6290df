/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: sleeping on a word of user memory.  Here are the queues, waiting, waking, and the entry of the
 * call.
 *
 * User memory is never read under a bucket's lock.  A waiter joins its queue first and compares the word
 * then: a waker that changed the word before it looked at the queue either finds the waiter or is seen by the
 * comparison. A waiter that finds another value after it was woken passes the wake-up on, for it was meant
 * for somebody who really slept.
 *
 * When memory is revoked, each waiter that may sleep on a word of it is shaken: it looks whether the word is
 * still there, and sleeps on in its place in the queue if so.
 */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

#define BUCKET_BITS 8
#define BUCKETS     (1u << BUCKET_BITS)

enum futex_command {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	FUTEX_WAIT_REQUEUE_PI,
	FUTEX_CMP_REQUEUE_PI,
	FUTEX_LOCK_PI2,
};
#define FUTEX_PRIVATE_FLAG   128
#define FUTEX_CLOCK_REALTIME 256

static struct futex_bucket buckets[BUCKETS];

static void shake(const struct vm_space *vm, uint64_t start, uint64_t end, const struct vm_object *obj)
{
	struct futex_waiter *w;

	/* What was unmapped before is seen by whoever joins a queue after this look at it. */
	atomic_thread_fence(memory_order_seq_cst);
	for (struct futex_bucket *b = buckets; b < buckets + BUCKETS; b++) {
		if (list_empty(&b->waiters))
			continue;
		spin_lock(&b->lock);
		list_for_each (w, &b->waiters, link) {
			if (w->key.space != obj &&
			    !(w->key.space == vm && w->key.offset >= start && w->key.offset < end))
				continue;
			atomic_store(&w->shaken, true);
			wake_up(w->wq);
		}
		spin_unlock(&b->lock);
	}
}

void futex_init(void)
{
	vm_wake_sleepers = shake;
	for (size_t i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "futex", RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
	futex_pi_init();
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	return &buckets[futex_hash(key, BUCKET_BITS)];
}

/* --- waking -------------------------------------------------------------------------------------- */

/* The waiter's memory may go as soon as the lock does: it takes the lock before it returns. */
static void wake_waiter_locked(struct futex_waiter *w)
{
	list_del(&w->link);
	WRITE_ONCE(w->woken, true);
	wake_up(w->wq);
}

int64_t futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, uint32_t count,
			  uint32_t bitset)
{
	struct futex_waiter *w, *tmp;
	int64_t woken = 0;

	if (count == 0)
		return 0;
	list_for_each_safe (w, tmp, &b->waiters, link) {
		if (!futex_same_key(&w->key, key))
			continue;
		if (w->pi)
			return -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		wake_waiter_locked(w);
		if (++woken == count)
			break;
	}
	return woken;
}

int64_t futex_wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket_of(key);
	int64_t woken;

	/* The caller's store to the word comes before this look at the queue. */
	atomic_thread_fence(memory_order_seq_cst);
	if (list_empty(&b->waiters))
		return 0;
	spin_lock(&b->lock);
	woken = futex_wake_locked(b, key, count, bitset);
	spin_unlock(&b->lock);
	return woken;
}

/* Who asks for none, or for less, still wakes one, as on Linux. */
static uint32_t wake_count(uint32_t count)
{
	return (int32_t)count < 1 ? 1 : count;
}

static int64_t futex_wake(uaddr_t addr, bool is_private, uint32_t count, uint32_t bitset)
{
	struct futex_key_ref ref __attribute__((uninitialized));
	int64_t result;

	if (bitset == 0)
		return -EINVAL;
	result = futex_key_get(addr, is_private, &ref);
	if (result < 0)
		return result;
	result = futex_wake_key(&ref.key, wake_count(count), bitset);
	futex_key_put(&ref);
	return result;
}

int64_t futex_wake_any(uaddr_t addr, uint32_t count)
{
	int64_t woken = futex_wake(addr, true, count, FUTEX_ANY);
	struct futex_key_ref ref;

	/* Who waits for a thread's end may have said "private" or not; in private memory both are one key. */
	if (woken > 0 || futex_key_get(addr, false, &ref) < 0)
		return woken;
	if (ref.object)
		woken = futex_wake_key(&ref.key, count, FUTEX_ANY);
	futex_key_put(&ref);
	return woken;
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a == b) {
		spin_lock(&a->lock);
	} else { /* two of one rank: by address */
		spin_lock(a < b ? &a->lock : &b->lock);
		spin_lock(a < b ? &b->lock : &a->lock);
	}
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* --- waiting ------------------------------------------------------------------------------------- */

void futex_enqueue(struct futex_waiter *w, const struct futex_key *key, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket_of(key);

	w->key = *key;
	w->bucket = b;
	w->bitset = bitset;
	spin_lock(&b->lock);
	list_add_tail(&b->waiters, &w->link);
	spin_unlock(&b->lock);
	atomic_thread_fence(memory_order_seq_cst);
}

/* The lock of the bucket that the waiter is in now: a requeue may move it while we wait for the lock. */
static struct futex_bucket *lock_bucket_of(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = READ_ONCE(w->bucket);

		spin_lock(&b->lock);
		if (b == READ_ONCE(w->bucket))
			return b;
		spin_unlock(&b->lock);
	}
}

bool futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b = lock_bucket_of(w);
	bool woken = w->woken;

	if (!woken)
		list_del(&w->link);
	spin_unlock(&b->lock);
	return woken;
}

/* A word that was revoked is not there; one that the waiter was moved to is for the program to look at. */
static int look_again(const struct futex_waiter *w, uaddr_t addr)
{
	uint32_t value;

	return READ_ONCE(w->moved) ? -EAGAIN : get_user_u32(addr, &value);
}

/* Until it is woken (0), or the time is over, or a signal came, or the word is gone. */
static int sleep_on(struct futex_waiter *w, uaddr_t addr, const struct deadline *deadline)
{
	int err;

	do {
		err = wait_event_deadline(w->wq, READ_ONCE(w->woken) || atomic_load(&w->shaken), deadline);
		if (err < 0 || READ_ONCE(w->woken))
			break;
		atomic_store(&w->shaken, false);
		err = look_again(w, addr);
	} while (err == 0);
	return err;
}

static int sleep_while_equal(uaddr_t addr, uint32_t expected, const struct futex_key *key, uint32_t bitset,
			     const struct deadline *deadline)
{
	struct waitqueue wq __attribute__((uninitialized));
	struct futex_waiter w = { .wq = &wq };
	uint32_t value;
	int err;

	waitqueue_init(&wq);
	futex_enqueue(&w, key, bitset);
	err = get_user_u32(addr, &value);
	if (err == 0 && value != expected)
		err = -EAGAIN;
	if (err < 0) {
		if (futex_dequeue(&w))
			(void)futex_wake_key(&w.key, 1, bitset);
		return err;
	}
	err = sleep_on(&w, addr, deadline);
	return futex_dequeue(&w) ? 0 : err;
}

static int64_t futex_wait(uaddr_t addr, bool is_private, uint32_t expected, const struct deadline *deadline,
			  uint32_t bitset)
{
	struct futex_key_ref ref __attribute__((uninitialized));
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = futex_key_get(addr, is_private, &ref);
	if (err < 0)
		return err;
	err = sleep_while_equal(addr, expected, &ref.key, bitset, deadline);
	futex_key_put(&ref);
	return err == -EINTR ? -ERESTARTSYS : err;
}

#define RESTART_PRIVATE 1u
#define RESTART_REAL    2u

/* A time that was given must not start anew when the call is restarted. */
static int64_t restart_wait(struct syscall_restart *r)
{
	const struct deadline deadline = { .ns = r->deadline_ns, .real = r->extra[0] & RESTART_REAL };
	int64_t err = futex_wait(r->user, r->extra[0] & RESTART_PRIVATE, (uint32_t)(r->extra[0] >> 32),
				 &deadline, (uint32_t)r->extra[1]);

	if (err != -ERESTARTSYS)
		return err;
	r->fn = restart_wait; /* and once more */
	return -ERESTART_RESTARTBLOCK;
}

static int64_t wait_restartable(uaddr_t addr, bool is_private, uint32_t expected,
				const struct deadline *deadline, uint32_t bitset)
{
	struct syscall_restart *r = &current_thread()->restart;
	int64_t err = futex_wait(addr, is_private, expected, deadline, bitset);

	if (err != -ERESTARTSYS || deadline->ns == WAIT_FOREVER)
		return err;
	*r = (struct syscall_restart){
		.fn = restart_wait,
		.deadline_ns = deadline->ns,
		.user = addr,
		.extra = { (uint64_t)expected << 32 | (deadline->real ? RESTART_REAL : 0) |
				   (is_private ? RESTART_PRIVATE : 0),
			   bitset },
	};
	return -ERESTART_RESTARTBLOCK;
}

/* --- entry --------------------------------------------------------------------------------------- */

int futex_read_deadline(uaddr_t addr, bool absolute, bool realtime, struct deadline *out)
{
	struct abi_timespec ts;
	uint64_t ns;
	int err;

	*out = (struct deadline){ .ns = WAIT_FOREVER };
	if (!addr)
		return 0;
	err = copy_from_user(&ts, addr, sizeof(ts));
	if (err < 0)
		return err;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	out->ns = absolute ? ns : deadline_after(ns);
	out->real = absolute && realtime;
	return 0;
}

static int64_t call_wait(enum futex_command command, uaddr_t addr, bool is_private, uint32_t val,
			 const struct deadline *deadline, uaddr_t addr2, uint32_t val3)
{
	switch (command) {
	case FUTEX_WAIT:
		return wait_restartable(addr, is_private, val, deadline, FUTEX_ANY);
	case FUTEX_WAIT_BITSET:
		return wait_restartable(addr, is_private, val, deadline, val3);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(addr, is_private, val, deadline, addr2);
	default:
		return futex_lock_pi(addr, is_private, deadline, false);
	}
}

static int64_t call_wake(enum futex_command command, uaddr_t addr, bool is_private, uint32_t val,
			 uint32_t val2, uaddr_t addr2, uint32_t val3)
{
	switch (command) {
	case FUTEX_WAKE:
		return futex_wake(addr, is_private, val, FUTEX_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(addr, is_private, val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(addr, addr2, is_private, val, val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(addr, addr2, is_private, val, val2, &val3);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(addr, addr2, is_private, val, val2, val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(addr, addr2, is_private, wake_count(val), wake_count(val2), val3);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, is_private);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(addr, is_private, NULL, true);
	default:
		return -ENOSYS;
	}
}

/* Bits of commands that wait, and of those that may name the clock of their deadline. */
#define WAITING                                                                                           \
	(1u << FUTEX_WAIT | 1u << FUTEX_WAIT_BITSET | 1u << FUTEX_WAIT_REQUEUE_PI | 1u << FUTEX_LOCK_PI | \
	 1u << FUTEX_LOCK_PI2)
#define WITH_CLOCK (1u << FUTEX_WAIT_BITSET | 1u << FUTEX_WAIT_REQUEUE_PI | 1u << FUTEX_LOCK_PI2)

int64_t futex_call(uaddr_t addr, int op, uint32_t val, uint64_t arg3, uaddr_t addr2, uint32_t val3)
{
	bool is_private = op & FUTEX_PRIVATE_FLAG, realtime = op & FUTEX_CLOCK_REALTIME;
	unsigned command = (unsigned)(op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME));
	struct deadline deadline;
	int err;

	if (command > FUTEX_LOCK_PI2 || (realtime && !(WITH_CLOCK & 1u << command)))
		return -ENOSYS;
	if (!(WAITING & 1u << command))
		return call_wake(command, addr, is_private, val, (uint32_t)arg3, addr2, val3);
	err = futex_read_deadline(arg3, command != FUTEX_WAIT, realtime || command == FUTEX_LOCK_PI,
				  &deadline);
	if (err < 0)
		return err;
	return call_wait(command, addr, is_private, val, &deadline, addr2, val3);
}

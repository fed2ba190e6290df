/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: sleeping on a word of user memory.
 *
 * A key names the word: (address space, address) for private memory, (object, offset) for shared memory,
 * so that two mappings of one page meet.  User memory is never read under a lock.  A waiter joins its queue
 * first and compares the word then: a waker that changed the word before it looked at the queue either
 * finds the waiter or is seen by the comparison.  A waiter that finds another value after it was woken
 * passes the wake-up on, for it was meant for somebody who really slept.
 */
#include <arch/usercopy.h>
#include <kernel/timespec.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define BUCKETS 256u

#define FUTEX_WAIT           0
#define FUTEX_WAKE           1
#define FUTEX_REQUEUE        3
#define FUTEX_CMP_REQUEUE    4
#define FUTEX_WAKE_OP        5
#define FUTEX_WAIT_BITSET    9
#define FUTEX_WAKE_BITSET    10
#define FUTEX_PRIVATE_FLAG   128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_WAITERS        0x80000000u
#define FUTEX_OWNER_DIED     0x40000000u
#define FUTEX_TID_MASK       0x3fffffffu

#define ROBUST_LIST_LIMIT 2048

struct futex_key {
	const void *space; /* a vm_space or a vm_object */
	uint64_t offset;
};

struct futex_bucket {
	struct spinlock lock;
	struct list waiters; /* [lock] oldest first */
};

struct futex_waiter {
	struct list link;            /* [bucket lock] */
	struct futex_key key;        /* [bucket lock] */
	struct futex_bucket *bucket; /* changed by requeue, with both locks held */
	uint32_t bitset;
	bool woken; /* [bucket lock] and off the list */
	struct waitqueue wq;
};

static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "futex", RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
}

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
	uint64_t h = (uint64_t)(uintptr_t)key->space / 64 + key->offset / 4;

	h *= 0x9e3779b97f4a7c15ull;
	return &buckets[h >> 56];
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->space == b->space && a->offset == b->offset;
}

/*
 * The key of a word.  For shared memory the object is referenced; key_put gives that up.
 */
struct key_ref {
	struct futex_key key;
	struct vm_object *object; /* NULL: private */
};

static int key_get(uaddr_t addr, bool is_private, struct key_ref *out)
{
	struct vm_space *vm = current_process()->vm;
	struct vm_area area;

	*out = (struct key_ref){ .key = { vm, addr } };
	if (addr % sizeof(uint32_t))
		return -EINVAL;
	if (is_private)
		return 0;
	if (!vm_next_area(vm, addr, &area))
		return -EFAULT;
	if (area.start <= addr && (area.flags & (VM_SHARED | VM_REVOKED)) == VM_SHARED && area.object) {
		out->key = (struct futex_key){ area.object, area.offset + (addr - area.start) };
		out->object = area.object;
		return 0;
	}
	if (area.object)
		vm_object_put(area.object);
	return area.start <= addr && !(area.flags & VM_REVOKED) ? 0 : -EFAULT;
}

static void key_put(struct key_ref *ref)
{
	if (ref->object)
		vm_object_put(ref->object);
}

/* --- waking -------------------------------------------------------------------------------------- */

/* The waiter's memory may go as soon as the lock does: it takes the lock before it returns. */
static void wake_waiter_locked(struct futex_waiter *w)
{
	list_del(&w->link);
	w->woken = true;
	wake_up(&w->wq);
}

static uint32_t wake_locked(struct futex_bucket *b, const struct futex_key *key, uint32_t count,
			    uint32_t bitset)
{
	struct futex_waiter *w, *tmp;
	uint32_t woken = 0;

	if (count == 0)
		return 0;
	list_for_each_safe (w, tmp, &b->waiters, link) {
		if (!same_key(&w->key, key) || !(w->bitset & bitset))
			continue;
		wake_waiter_locked(w);
		if (++woken == count)
			break;
	}
	return woken;
}

static uint32_t wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
	struct futex_bucket *b = bucket_of(key);
	uint32_t woken;

	/* The caller's store to the word comes before this look at the queue. */
	atomic_thread_fence(memory_order_seq_cst);
	if (list_empty(&b->waiters))
		return 0;
	spin_lock(&b->lock);
	woken = wake_locked(b, key, count, bitset);
	spin_unlock(&b->lock);
	return woken;
}

static int64_t futex_wake(uaddr_t addr, bool is_private, uint32_t count, uint32_t bitset)
{
	struct key_ref ref;
	int64_t result;

	if (bitset == 0)
		return -EINVAL;
	result = key_get(addr, is_private, &ref);
	if (result < 0)
		return result;
	result = wake_key(&ref.key, count, bitset);
	key_put(&ref);
	return result;
}

int64_t futex_wake_any(uaddr_t addr, uint32_t count)
{
	int64_t woken = futex_wake(addr, true, count, UINT32_MAX);
	struct key_ref ref;

	/* Who waits for a thread's end may have said "private" or not; in private memory both are one key. */
	if (woken > 0 || key_get(addr, false, &ref) < 0)
		return woken;
	if (ref.object)
		woken = wake_key(&ref.key, count, UINT32_MAX);
	key_put(&ref);
	return woken;
}

/* --- waiting ------------------------------------------------------------------------------------- */

static void enqueue(struct futex_waiter *w, const struct futex_key *key, uint32_t bitset)
{
	struct futex_bucket *b = bucket_of(key);

	*w = (struct futex_waiter){ .key = *key, .bucket = b, .bitset = bitset };
	waitqueue_init(&w->wq);
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

/* Leave the queue; true if a wake-up had taken the waiter off already. */
static bool dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b = lock_bucket_of(w);
	bool woken = w->woken;

	if (!woken)
		list_del(&w->link);
	spin_unlock(&b->lock);
	return woken;
}

static int sleep_while_equal(uaddr_t addr, uint32_t expected, const struct futex_key *key, uint32_t bitset,
			     uint64_t deadline_ns)
{
	struct futex_waiter w;
	uint32_t value;
	int err;

	enqueue(&w, key, bitset);
	err = get_user_u32(addr, &value);
	if (err == 0 && value != expected)
		err = -EAGAIN;
	if (err < 0) {
		if (dequeue(&w))
			wake_key(&w.key, 1, bitset);
		return err;
	}
	err = wait_event_timeout(&w.wq, READ_ONCE(w.woken), deadline_ns, true);
	return dequeue(&w) ? 0 : err;
}

static int64_t futex_wait(uaddr_t addr, bool is_private, uint32_t expected, uint64_t deadline_ns,
			  uint32_t bitset)
{
	struct key_ref ref;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = key_get(addr, is_private, &ref);
	if (err < 0)
		return err;
	err = sleep_while_equal(addr, expected, &ref.key, bitset, deadline_ns);
	key_put(&ref);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* A relative timeout must not start anew when the call is restarted. */
static int64_t restart_wait(struct syscall_restart *r)
{
	int64_t err = futex_wait(r->user, r->extra[0] & 1, (uint32_t)(r->extra[0] >> 32), r->deadline_ns,
				 (uint32_t)r->extra[1]);

	return err == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : err;
}

static int64_t wait_relative(uaddr_t addr, bool is_private, uint32_t expected, uint64_t deadline_ns,
			     uint32_t bitset)
{
	struct syscall_restart *r = &current_thread()->restart;
	int64_t err = futex_wait(addr, is_private, expected, deadline_ns, bitset);

	if (err != -ERESTARTSYS || deadline_ns == WAIT_FOREVER)
		return err;
	*r = (struct syscall_restart){
		.fn = restart_wait,
		.deadline_ns = deadline_ns,
		.user = addr,
		.extra = { (uint64_t)expected << 32 | is_private, bitset },
	};
	return -ERESTART_RESTARTBLOCK;
}

/* --- requeue ------------------------------------------------------------------------------------- */

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a == b) {
		spin_lock(&a->lock);
	} else { /* two of one rank: by address */
		spin_lock(a < b ? &a->lock : &b->lock);
		spin_lock(a < b ? &b->lock : &a->lock);
	}
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static int64_t requeue_keys(const struct futex_key *from, const struct futex_key *to, uint32_t wake,
			    uint32_t move)
{
	struct futex_bucket *a = bucket_of(from), *b = bucket_of(to);
	struct futex_waiter *w, *tmp;
	uint32_t moved = 0, woken;

	lock_two(a, b);
	woken = wake_locked(a, from, wake, UINT32_MAX);
	list_for_each_safe (w, tmp, &a->waiters, link) {
		if (moved == move)
			break;
		if (!same_key(&w->key, from) || same_key(from, to))
			continue;
		list_del(&w->link);
		w->key = *to;
		WRITE_ONCE(w->bucket, b);
		list_add_tail(&b->waiters, &w->link);
		moved++;
	}
	unlock_two(a, b);
	return (int64_t)woken + moved;
}

static int64_t futex_requeue(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t wake, uint32_t move,
			     const uint32_t *expected)
{
	struct key_ref from, to;
	int64_t result;
	uint32_t value;

	if ((int32_t)wake < 0 || (int32_t)move < 0)
		return -EINVAL;
	result = key_get(addr, is_private, &from);
	if (result < 0)
		return result;
	result = key_get(addr2, is_private, &to);
	if (result < 0)
		goto out_from;
	if (expected) {
		result = get_user_u32(addr, &value);
		if (result == 0 && value != *expected)
			result = -EAGAIN;
	}
	if (result == 0)
		result = requeue_keys(&from.key, &to.key, wake, move);
	key_put(&to);
out_from:
	key_put(&from);
	return result;
}

/* --- wake-op ------------------------------------------------------------------------------------- */

static int apply_op(unsigned op, uint32_t old, uint32_t arg, uint32_t *out)
{
	switch (op) {
	case 0:
		*out = arg;
		return 0;
	case 1:
		*out = old + arg;
		return 0;
	case 2:
		*out = old | arg;
		return 0;
	case 3:
		*out = old & ~arg;
		return 0;
	case 4:
		*out = old ^ arg;
		return 0;
	}
	return -ENOSYS;
}

static int compare(unsigned cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	}
	return -ENOSYS;
}

static int32_t sign_extend_12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/* Change the second word as `encoded` says; was its old value one that calls for a wake-up? */
static int update_second(uaddr_t addr, uint32_t encoded)
{
	unsigned op = encoded >> 28 & 7, cmp = encoded >> 24 & 15;
	uint32_t arg = (uint32_t)sign_extend_12(encoded >> 12 & 0xfff), old = 0, seen = 0, desired;
	int err;

	if (encoded >> 31) {
		if (arg > 31)
			return -EINVAL;
		arg = 1u << arg;
	}
	err = get_user_u32(addr, &old);
	for (; err == 0; old = seen) {
		err = apply_op(op, old, arg, &desired);
		if (err == 0)
			err = cmpxchg_user_u32(addr, old, desired, &seen);
		if (err == 0 && seen == old)
			return compare(cmp, (int32_t)old, sign_extend_12(encoded & 0xfff));
	}
	return err;
}

static int64_t futex_wake_op(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t count, uint32_t count2,
			     uint32_t encoded)
{
	int64_t woken, more;
	int second = addr2 % sizeof(uint32_t) ? -EINVAL : update_second(addr2, encoded);

	if (second < 0)
		return second;
	woken = futex_wake(addr, is_private, count, UINT32_MAX);
	if (woken < 0 || !second)
		return woken;
	more = futex_wake(addr2, is_private, count2, UINT32_MAX);
	return more < 0 ? more : woken + more;
}

/* --- entry --------------------------------------------------------------------------------------- */

static int read_deadline(uaddr_t addr, bool absolute, bool realtime, uint64_t *deadline_ns)
{
	struct abi_timespec ts;
	uint64_t ns;
	int err;

	*deadline_ns = WAIT_FOREVER;
	if (!addr)
		return 0;
	err = copy_from_user(&ts, addr, sizeof(ts));
	if (err < 0)
		return err;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	*deadline_ns = !absolute ? deadline_after(ns) : realtime ? deadline_of_real(ns) : ns;
	return 0;
}

int64_t futex_call(uaddr_t addr, int op, uint32_t val, uint64_t arg3, uaddr_t addr2, uint32_t val3)
{
	bool is_private = op & FUTEX_PRIVATE_FLAG, realtime = op & FUTEX_CLOCK_REALTIME;
	int command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	uint64_t deadline;
	int err;

	if (realtime && command != FUTEX_WAIT_BITSET && command != FUTEX_WAIT)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		err = read_deadline(arg3, command == FUTEX_WAIT_BITSET, realtime, &deadline);
		if (err < 0)
			return err;
		if (command == FUTEX_WAIT)
			return wait_relative(addr, is_private, val, deadline, UINT32_MAX);
		return futex_wait(addr, is_private, val, deadline, val3);
	case FUTEX_WAKE:
		return futex_wake(addr, is_private, val, UINT32_MAX);
	case FUTEX_WAKE_BITSET:
		return futex_wake(addr, is_private, val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(addr, addr2, is_private, val, (uint32_t)arg3, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(addr, addr2, is_private, val, (uint32_t)arg3, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(addr, addr2, is_private, val, (uint32_t)arg3, val3);
	}
	return -ENOSYS;
}

/* --- robust lists -------------------------------------------------------------------------------- */

/* Locks that a thread holds when it ends are marked, and one waiter gets to see it. */
static int release_robust(uaddr_t word, uint32_t tid)
{
	uint32_t value, seen;
	int err;

	if (word % sizeof(uint32_t))
		return -EINVAL;
	err = get_user_u32(word, &value);
	for (; err == 0 && (value & FUTEX_TID_MASK) == tid; value = seen) {
		err = cmpxchg_user_u32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen);
		if (err == 0 && seen == value) {
			if (value & FUTEX_WAITERS)
				futex_wake_any(word, 1);
			break;
		}
	}
	return err;
}

/* The list is the program's: it may be broken or endless. */
void robust_list_exit(struct thread *t)
{
	uint64_t head[3], entry, next; /* first entry, offset of the futex word, entry being changed */
	uint64_t head_at = t->robust_list, pending;

	if (copy_from_user(head, head_at, sizeof(head)) < 0)
		return;
	entry = head[0] & ~1ull;
	pending = head[2] & ~1ull;
	for (unsigned n = 0; entry != head_at && n < ROBUST_LIST_LIMIT; n++) {
		if (get_user_u64(entry, &next) < 0)
			return;
		if (entry != pending && release_robust(entry + head[1], (uint32_t)t->tid) < 0)
			return;
		entry = next & ~1ull;
	}
	if (pending)
		(void)release_robust(pending + head[1], (uint32_t)t->tid);
}

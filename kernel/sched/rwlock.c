/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader-writer locks: one atomic operation when nobody is in the way, two wait queues when somebody is. */
#include <kernel/rwlock.h>

#include <kernel/assert.h>
#include <kernel/lockdep.h>
#include <kernel/sched.h>

#define WRITER     1ull
#define WAITING    2ull         /* one writer that waits */
#define READER     (1ull << 32) /* one reader */
#define ANY_WRITER (READER - 1) /* one that has the lock, or some that wait */

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct rwlock){ .rank = (uint16_t)rank, .name = name };
	waitqueue_init(&l->readers);
	waitqueue_init(&l->writers);
}

/* Become a reader unless one of `in_the_way` is set. */
static inline bool take_read(struct rwlock *l, uint64_t in_the_way)
{
	uint64_t state = atomic_load_explicit(&l->state, memory_order_relaxed);

	do {
		if (unlikely(state & in_the_way))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&l->state, &state, state + READER,
							memory_order_acquire, memory_order_relaxed));
	return true;
}

static __noinline void wait_to_read(struct rwlock *l)
{
	uint64_t in_the_way = ANY_WRITER;
	struct waiter w;

	waiter_init(&w, false);
	for (;;) {
		wait_prepare(&l->readers, &w, false);
		if (take_read(l, in_the_way))
			break;
		wait_sleep(WAIT_FOREVER, false);
		in_the_way = WRITER;
	}
	wait_finish(&l->readers, &w);
}

void read_lock(struct rwlock *l)
{
	lockdep_sleep_acquire(l->rank, l->name);
	if (unlikely(!take_read(l, ANY_WRITER)))
		wait_to_read(l);
}

void read_unlock(struct rwlock *l)
{
	uint64_t old;

	lockdep_sleep_release(l->rank, l->name);
	old = atomic_fetch_sub_explicit(&l->state, READER, memory_order_seq_cst);
	DEBUG_ASSERT(old >= READER);
	/* The last one out: nobody but writers can be waiting for that. */
	if (unlikely(old - READER < READER && (old & ANY_WRITER)))
		wake_up(&l->writers);
}

/* `waiting`: what this writer has added to the state while it waited. */
static inline bool take_write(struct rwlock *l, uint64_t waiting)
{
	uint64_t state = atomic_load_explicit(&l->state, memory_order_relaxed);

	do {
		if (unlikely(state & WRITER || state >= READER))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&l->state, &state, (state - waiting) | WRITER,
							memory_order_acquire, memory_order_relaxed));
	return true;
}

static __noinline void wait_to_write(struct rwlock *l)
{
	struct waiter w;

	atomic_fetch_add_explicit(&l->state, WAITING, memory_order_seq_cst);
	waiter_init(&w, true);
	for (;;) {
		wait_prepare(&l->writers, &w, false);
		if (take_write(l, WAITING))
			break;
		wait_sleep(WAIT_FOREVER, false);
	}
	wait_finish(&l->writers, &w);
}

void write_lock(struct rwlock *l)
{
	lockdep_sleep_acquire(l->rank, l->name);
	if (unlikely(!take_write(l, 0)))
		wait_to_write(l);
}

static inline void wake_readers(struct rwlock *l)
{
	if (unlikely(READ_ONCE(l->readers.waiters.next) != &l->readers.waiters))
		wake_up_all(&l->readers);
}

void write_unlock(struct rwlock *l)
{
	uint64_t old;

	lockdep_sleep_release(l->rank, l->name);
	/* Ordered before the look at the queues: a waiter queues itself first and tries again then. */
	old = atomic_fetch_sub_explicit(&l->state, WRITER, memory_order_seq_cst);
	DEBUG_ASSERT(old & WRITER);
	wake_readers(l);
	if (unlikely(old > WRITER))
		wake_up(&l->writers);
}

void write_to_read(struct rwlock *l)
{
	uint64_t old = atomic_fetch_add_explicit(&l->state, READER - WRITER, memory_order_seq_cst);

	DEBUG_ASSERT(old & WRITER);
	(void)old;
	wake_readers(l);
}

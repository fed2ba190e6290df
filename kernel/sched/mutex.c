/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes: one compare-and-exchange when free, a wait queue when not. */
#include <kernel/mutex.h>

#include <kernel/assert.h>
#include <kernel/lockdep.h>
#include <kernel/lockstat.h>
#include <kernel/sched.h>

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	*m = (struct mutex)MUTEX_INIT(*m, name, rank);
}

static bool take(struct mutex *m)
{
	struct task *none = NULL;

	return atomic_compare_exchange_strong_explicit(&m->owner, &none, current_task(), memory_order_acquire,
						       memory_order_relaxed);
}

/* On its own, so that the free case does not pay for the waiter on the stack. */
static __noinline void wait_for(struct mutex *m)
{
	uint64_t start = arch_cycles();
	struct waiter w;

	ASSERT(m->owner != current_task());
	waiter_init(&w, true);
	for (;;) {
		wait_prepare(&m->wq, &w, false);
		if (take(m))
			break;
		wait_sleep(WAIT_FOREVER, false);
	}
	wait_finish(&m->wq, &w);
	lockstat_waited(m->name, arch_cycles() - start);
}

void mutex_lock(struct mutex *m)
{
	lockdep_mutex_acquire(m);
	if (unlikely(!take(m)))
		wait_for(m);
}

bool mutex_trylock(struct mutex *m)
{
	if (!take(m))
		return false;
	lockdep_mutex_acquire(m);
	return true;
}

void mutex_unlock(struct mutex *m)
{
	DEBUG_ASSERT(mutex_held(m));
	lockdep_mutex_release(m);
	/* Ordered before the look at the queue: a waiter queues itself first and tries again then. */
	atomic_store_explicit(&m->owner, NULL, memory_order_seq_cst);
	if (unlikely(READ_ONCE(m->wq.waiters.next) != &m->wq.waiters))
		wake_up(&m->wq);
}

bool mutex_held(const struct mutex *m)
{
	return atomic_load_explicit(&m->owner, memory_order_relaxed) == current_task();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks on the host.  Mutexes are for one thread only: all they do is notice misuse. */
#include <kernel/assert.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>

#define WEAK __attribute__((weak))

WEAK void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(name, rank);
}

WEAK bool spin_trylock(struct spinlock *lock)
{
	uint32_t nobody = 0;

	return atomic_compare_exchange_strong(&lock->word, &nobody, 1);
}

WEAK void spin_wait_(struct spinlock *lock)
{
	while (!spin_trylock(lock))
		arch_cpu_relax(); /* stops a process of one thread, which would wait for itself */
}

WEAK void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	*m = (struct mutex)MUTEX_INIT(*m, name, rank);
}

WEAK void mutex_lock(struct mutex *m)
{
	ASSERT(m->owner == 0);
	m->owner = (uintptr_t)m;
}

WEAK void mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner != 0);
	m->owner = 0;
}

WEAK bool mutex_held(const struct mutex *m)
{
	return m->owner != 0;
}

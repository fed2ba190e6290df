/* SPDX-License-Identifier: BSD-2-Clause */
/* The rarer half of spinlocks. */
#include <kernel/spinlock.h>

#include <kernel/assert.h>
#include <kernel/lockdep.h>
#include <kernel/lockstat.h>
#include <kernel/preempt.h>

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(name, rank);
}

void spin_wait_(struct spinlock *lock, uint16_t ticket)
{
	uint64_t start = arch_cycles();

	while (atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket)
		arch_cpu_relax();
	lockstat_waited(lock->name, arch_cycles() - start);
}

bool spin_trylock(struct spinlock *lock)
{
	uint16_t serving;

	preempt_disable();
	serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&lock->next, &serving, (uint16_t)(serving + 1),
						     memory_order_acquire, memory_order_relaxed)) {
		preempt_enable();
		return false;
	}
	lockdep_spin_acquired(lock);
	return true;
}

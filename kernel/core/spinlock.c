/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlocks: first come, first served.  The rank check keeps, per CPU, the stack of ranks held;
 * it costs nothing in release builds.
 */
#include <kernel/spinlock.h>

#include <kernel/assert.h>
#include <kernel/lockdep.h>
#include <kernel/preempt.h>

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(name, rank);
}

static void acquire(struct spinlock *lock)
{
	uint16_t ticket;

	lockdep_spin_acquire(lock);
	ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
	while (atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket)
		arch_cpu_relax();
	lockdep_spin_acquired(lock);
}

static void release(struct spinlock *lock)
{
	uint16_t serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);

	lockdep_spin_release(lock);
	atomic_store_explicit(&lock->serving, (uint16_t)(serving + 1), memory_order_release);
}

void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	acquire(lock);
}

bool spin_trylock(struct spinlock *lock)
{
	uint16_t serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);

	preempt_disable();
	if (!atomic_compare_exchange_strong_explicit(&lock->next, &serving, (uint16_t)(serving + 1),
						     memory_order_acquire, memory_order_relaxed)) {
		preempt_enable();
		return false;
	}
	lockdep_spin_acquired(lock);
	return true;
}

void spin_unlock(struct spinlock *lock)
{
	release(lock);
	preempt_enable();
}

uint64_t spin_lock_irqsave(struct spinlock *lock)
{
	uint64_t flags = arch_irq_save();

	preempt_disable();
	acquire(lock);
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *lock, uint64_t flags)
{
	release(lock);
	/* Interrupts first: a switch asked for meanwhile must not happen with them off. */
	preempt_enable_no_resched();
	arch_irq_restore(flags);
	if (unlikely(arch_resched_pending()) && arch_irqs_enabled())
		preempt_schedule();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks.  Holding one disables preemption.  A lock that an interrupt handler takes is always taken
 * with the irqsave form.  Every lock has a rank (kernel/lockrank.h): in debug builds, taking one whose
 * rank is not above all that this CPU already holds panics with both names.
 */
#pragma once

#include <stdatomic.h>

#include <arch/cpu.h>
#include <kernel/compiler.h>
#include <kernel/lockdep.h>
#include <kernel/lockrank.h>
#include <kernel/preempt.h>

struct spinlock {
	_Atomic uint16_t next;    /* ticket to draw */
	_Atomic uint16_t serving; /* ticket that holds the lock */
	uint16_t rank;
	uint16_t cpu; /* debug: holder's id + 1 */
	const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank)              \
	{                                                \
		.rank = (lock_rank), .name = (lock_name) \
	}

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank);
/* Spin until the ticket is served, and count the wait. */
void spin_wait_(struct spinlock *lock, uint16_t ticket);
/* Ticket locks: first come, first served.  Inline because nearly every path in the kernel takes one. */
static inline void spin_acquire_(struct spinlock *lock)
{
	uint16_t ticket;

	lockdep_spin_acquire(lock);
	ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
	if (unlikely(atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket))
		spin_wait_(lock, ticket);
	lockdep_spin_acquired(lock);
}

static inline void spin_release_(struct spinlock *lock)
{
	uint16_t serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);

	lockdep_spin_release(lock);
	atomic_store_explicit(&lock->serving, (uint16_t)(serving + 1), memory_order_release);
}

static inline void spin_lock(struct spinlock *lock)
{
	preempt_disable();
	spin_acquire_(lock);
}

bool spin_trylock(struct spinlock *lock) __must_check;

static inline void spin_unlock(struct spinlock *lock)
{
	spin_release_(lock);
	preempt_enable();
}

/* Returns the interrupt state to hand to spin_unlock_irqrestore. */
static inline __must_check uint64_t spin_lock_irqsave(struct spinlock *lock)
{
	uint64_t flags = arch_irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, uint64_t flags)
{
	spin_release_(lock);
	/* Interrupts first: a switch asked for meanwhile must not happen with them off. */
	preempt_enable_no_resched();
	arch_irq_restore(flags);
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
}

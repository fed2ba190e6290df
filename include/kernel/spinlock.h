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
	union {
		_Atomic uint32_t word; /* 0: free, and nobody waits in line */
		struct {
			_Atomic uint8_t locked;
			_Atomic uint8_t waiters; /* in line */
			uint16_t cpu;            /* debug: holder's id + 1; 0 while free */
		};
	};
	_Atomic uint8_t next;    /* ticket to draw, by who must wait; there are at most 255 others */
	_Atomic uint8_t serving; /* ticket at the head of the line */
	uint16_t rank;
	const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank)              \
	{                                                \
		.rank = (lock_rank), .name = (lock_name) \
	}

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank);
/* The lock is not free: spin until it is this CPU's, and count the wait. */
void spin_wait_(struct spinlock *lock);
/* How those wait for whom a lock is not free.  On real processors in line, first come, first served.  On
 * virtual ones whoever comes by when it is free takes it: the head of a line may not be running, and all
 * behind it would wait for the host to run it.  Once, before other CPUs run. */
void spin_choose_waiting(bool in_line);

/* Inline because nearly every path in the kernel takes one. */
static inline void spin_acquire_(struct spinlock *lock)
{
	uint32_t nobody = 0;

	lockdep_spin_acquire(lock);
	if (unlikely(!atomic_compare_exchange_strong_explicit(&lock->word, &nobody, 1, memory_order_acquire,
							      memory_order_relaxed)))
		spin_wait_(lock);
	lockdep_spin_acquired(lock);
}

/* False: it is not free. */
static inline bool spin_tryacquire_(struct spinlock *lock)
{
	uint32_t nobody = 0;

	if (unlikely(!atomic_compare_exchange_strong_explicit(&lock->word, &nobody, 1, memory_order_acquire,
							      memory_order_relaxed)))
		return false;
	lockdep_spin_acquired(lock);
	return true;
}

static inline void spin_release_(struct spinlock *lock)
{
	lockdep_spin_release(lock);
	atomic_store_explicit(&lock->locked, 0, memory_order_release);
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

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
#include <kernel/lockrank.h>

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
void spin_lock(struct spinlock *lock);
bool spin_trylock(struct spinlock *lock) __must_check;
void spin_unlock(struct spinlock *lock);
/* Returns the interrupt state to hand to spin_unlock_irqrestore. */
uint64_t spin_lock_irqsave(struct spinlock *lock) __must_check;
void spin_unlock_irqrestore(struct spinlock *lock, uint64_t flags);
/* Debug builds: panics unless this CPU holds the lock. */
void assert_held(const struct spinlock *lock);

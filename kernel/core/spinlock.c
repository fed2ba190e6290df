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

/* As spinlock.h says: on virtual processors nobody waits in line. */
static bool in_line __ro_after_init = true;

void spin_choose_waiting(bool wait_in_line)
{
	in_line = wait_in_line;
}

static void take_when_free(struct spinlock *lock)
{
	uint8_t free = 0;

	while (!atomic_compare_exchange_weak_explicit(&lock->locked, &free, 1, memory_order_acquire,
						      memory_order_relaxed)) {
		while (atomic_load_explicit(&lock->locked, memory_order_relaxed))
			arch_cpu_relax();
		free = 0;
	}
}

/* While somebody is in line, nobody takes the lock but the head of it. */
static void wait_in_line(struct spinlock *lock)
{
	uint8_t ticket;

	atomic_fetch_add_explicit(&lock->waiters, 1, memory_order_relaxed);
	ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
	while (atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket)
		arch_cpu_relax();
	take_when_free(lock);
	atomic_store_explicit(&lock->serving, (uint8_t)(ticket + 1), memory_order_release);
	atomic_fetch_sub_explicit(&lock->waiters, 1, memory_order_relaxed);
}

void spin_wait_(struct spinlock *lock)
{
	uint64_t start = arch_cycles();

	if (in_line)
		wait_in_line(lock);
	else
		take_when_free(lock);
	lockstat_waited(lock->name, arch_cycles() - start);
}

bool spin_trylock(struct spinlock *lock)
{
	uint32_t nobody = 0;

	preempt_disable();
	if (!atomic_compare_exchange_strong_explicit(&lock->word, &nobody, 1, memory_order_acquire,
						     memory_order_relaxed)) {
		preempt_enable();
		return false;
	}
	lockdep_spin_acquired(lock);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* One CPU and its spinlocks, for kernel code that runs on the host.  Locks only check their use. */
#include <kernel/assert.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>

#define WEAK __attribute__((weak))

struct cpu host_cpu;
WEAK struct cpu *cpus[MAX_CPUS] = { &host_cpu };
WEAK uint32_t cpu_count = 1;

WEAK void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
	*lock = (struct spinlock)SPINLOCK_INIT(name, (uint16_t)rank);
}

WEAK void spin_lock(struct spinlock *lock)
{
	ASSERT(lock->cpu == 0);
	lock->cpu = 1;
}

WEAK void spin_unlock(struct spinlock *lock)
{
	ASSERT(lock->cpu == 1);
	lock->cpu = 0;
}

WEAK uint64_t spin_lock_irqsave(struct spinlock *lock)
{
	spin_lock(lock);
	return 0;
}

WEAK void spin_unlock_irqrestore(struct spinlock *lock, uint64_t flags)
{
	(void)flags;
	spin_unlock(lock);
}

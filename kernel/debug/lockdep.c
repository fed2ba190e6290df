/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock-order checking.  Each CPU keeps the spinlocks it holds, each task the ranks of its mutexes.  A
 * lock may be taken only if its rank is above every held one's; equal ranks only where two objects of a
 * kind are ordered by the rule that kernel/lockrank.h states (vnodes, futexes, run queues).  From the first
 * rank on that an interrupt handler takes, interrupts are off: the handler would take it inside of any other.
 */
#include <kernel/lockdep.h>

#include <kernel/assert.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/sched.h>

#ifdef SERIX_DEBUG

#define HELD_MAX 16

struct held {
	const struct spinlock *locks[HELD_MAX];
	unsigned count;
};

/* Indexed by CPU id; each entry is touched by its CPU only, with preemption off. */
static struct held held_by_cpu[MAX_CPUS];
static bool checking = true;

static bool may_nest(uint16_t rank)
{
	return rank == RANK_VNODE || rank == RANK_RUNQ || rank == RANK_FUTEX || rank == RANK_PAGE_TABLE ||
	       rank == RANK_CAP_TABLE || rank == RANK_EPOLL_WATCHERS;
}

static void violation(const char *what, const char *held, uint16_t held_rank, const char *name, uint16_t rank)
{
	checking = false;
	panic("lock order: %s: holding %s (rank %u), taking %s (rank %u)", what, held, held_rank, name, rank);
}

void lockdep_spin_acquire(const struct spinlock *lock)
{
	struct held *h;
	uint64_t flags;

	if (!checking)
		return;
	if (lock->rank >= RANK_TTY_INPUT && arch_irqs_enabled())
		violation("interrupts are on", "-", 0, lock->name, lock->rank);
	flags = arch_irq_save();
	h = &held_by_cpu[arch_this_cpu()->id];
	for (unsigned i = 0; i < h->count; i++) {
		const struct spinlock *other = h->locks[i];

		if (other == lock)
			violation("already held", other->name, other->rank, lock->name, lock->rank);
		if (other->rank > lock->rank || (other->rank == lock->rank && !may_nest(lock->rank)))
			violation("inverted", other->name, other->rank, lock->name, lock->rank);
	}
	arch_irq_restore(flags);
}

void lockdep_spin_acquired(struct spinlock *lock)
{
	uint64_t flags = arch_irq_save();
	struct cpu *cpu = arch_this_cpu();
	struct held *h = &held_by_cpu[cpu->id];

	lock->cpu = (uint16_t)(cpu->id + 1);
	if (checking && h->count == HELD_MAX)
		violation("too many held", h->locks[0]->name, h->locks[0]->rank, lock->name, lock->rank);
	if (h->count < HELD_MAX)
		h->locks[h->count++] = lock;
	arch_irq_restore(flags);
}

void lockdep_spin_release(struct spinlock *lock)
{
	uint64_t flags = arch_irq_save();
	struct held *h = &held_by_cpu[arch_this_cpu()->id];

	for (unsigned i = h->count; i-- > 0;) {
		if (h->locks[i] != lock)
			continue;
		for (; i + 1 < h->count; i++)
			h->locks[i] = h->locks[i + 1];
		h->count--;
		lock->cpu = 0;
		arch_irq_restore(flags);
		return;
	}
	arch_irq_restore(flags);
	if (checking)
		violation("releasing a lock not held", "-", 0, lock->name, lock->rank);
}

void assert_held(const struct spinlock *lock)
{
	ASSERT(!checking || lock->cpu == arch_this_cpu()->id + 1);
}

void lockdep_assert_may_sleep(void)
{
	uint64_t flags = arch_irq_save();
	struct held *h = &held_by_cpu[arch_this_cpu()->id];

	if (checking && h->count)
		violation("sleeping", h->locks[h->count - 1]->name, h->locks[h->count - 1]->rank, "-", 0);
	arch_irq_restore(flags);
}

void lockdep_assert_may_fault(void)
{
	struct task *task = current_task();

	lockdep_assert_may_sleep();
	for (unsigned i = 0; checking && task && i < task->held_locks; i++)
		if (task->held_ranks[i] >= RANK_VM_SPACE)
			violation("user memory", "a mutex", task->held_ranks[i], "vm_space", RANK_VM_SPACE);
}

void lockdep_sleep_acquire(uint16_t rank, const char *name)
{
	struct task *task = current_task();

	if (!checking || !task)
		return;
	lockdep_assert_may_sleep();
	for (unsigned i = 0; i < task->held_locks; i++)
		if (task->held_ranks[i] > rank || (task->held_ranks[i] == rank && !may_nest(rank)))
			violation("inverted", "a mutex", task->held_ranks[i], name, rank);
	lockdep_sleep_tried(rank, name);
}

void lockdep_sleep_tried(uint16_t rank, const char *name)
{
	struct task *task = current_task();

	if (!checking || !task)
		return;
	if (task->held_locks == ARRAY_SIZE(task->held_ranks))
		violation("too many held", "mutexes", 0, name, rank);
	task->held_ranks[task->held_locks++] = rank;
}

void lockdep_sleep_release(uint16_t rank, const char *name)
{
	struct task *task = current_task();

	(void)name;
	if (!checking || !task)
		return;
	for (unsigned i = task->held_locks; i-- > 0;) {
		if (task->held_ranks[i] != rank)
			continue;
		for (; i + 1u < task->held_locks; i++)
			task->held_ranks[i] = task->held_ranks[i + 1];
		task->held_locks--;
		return;
	}
}

void lockdep_mutex_acquire(const struct mutex *m)
{
	lockdep_sleep_acquire(m->rank, m->name);
}

void lockdep_mutex_release(const struct mutex *m)
{
	lockdep_sleep_release(m->rank, m->name);
}

#endif

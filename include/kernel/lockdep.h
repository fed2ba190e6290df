/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order check of debug builds (kernel/debug/lockdep.c).  Spinlocks are tracked per CPU,
 * mutexes per task.  In release builds every call is empty.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct spinlock;
struct mutex;

#ifdef SERIX_DEBUG
/* Before spinning: panics when the order is violated or this CPU holds the lock already. */
void lockdep_spin_acquire(const struct spinlock *lock);
void lockdep_spin_acquired(struct spinlock *lock);
void lockdep_spin_release(struct spinlock *lock);
void lockdep_mutex_acquire(const struct mutex *m);
void lockdep_mutex_release(const struct mutex *m);
/* Any other lock that is slept on. */
void lockdep_sleep_acquire(uint16_t rank, const char *name);
/* Taken without waiting, which no order forbids. */
void lockdep_sleep_tried(uint16_t rank, const char *name);
void lockdep_sleep_release(uint16_t rank, const char *name);
/* About to sleep: no spinlock may be held. */
void lockdep_assert_may_sleep(void);
/* About to touch user memory, which may fault: nothing may be held that resolving a fault takes. */
void lockdep_assert_may_fault(void);
/* Panics unless this CPU holds the lock. */
void assert_held(const struct spinlock *lock);
#else
static inline void lockdep_spin_acquire(const struct spinlock *lock)
{
	(void)lock;
}
static inline void lockdep_spin_acquired(struct spinlock *lock)
{
	(void)lock;
}
static inline void lockdep_spin_release(struct spinlock *lock)
{
	(void)lock;
}
static inline void lockdep_mutex_acquire(const struct mutex *m)
{
	(void)m;
}
static inline void lockdep_mutex_release(const struct mutex *m)
{
	(void)m;
}
static inline void lockdep_sleep_acquire(uint16_t rank, const char *name)
{
	(void)rank;
	(void)name;
}
static inline void lockdep_sleep_tried(uint16_t rank, const char *name)
{
	(void)rank;
	(void)name;
}
static inline void lockdep_sleep_release(uint16_t rank, const char *name)
{
	(void)rank;
	(void)name;
}
static inline void lockdep_assert_may_sleep(void) {}
static inline void lockdep_assert_may_fault(void) {}
static inline void assert_held(const struct spinlock *lock)
{
	(void)lock;
}
#endif

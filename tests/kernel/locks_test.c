/* SPDX-License-Identifier: BSD-2-Clause */
/* Spinlocks on every CPU at once, in both ways of waiting; what lockstat counts. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/lockstat.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/time.h>

#define ROUNDS 2000u

static struct spinlock lock = SPINLOCK_INIT("ktest", RANK_IDLE_LATENCY);
static uint64_t count; /* [lock] plain: a lost update shows */

static void add_many(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		spin_lock(&lock);
		WRITE_ONCE(count, READ_ONCE(count) + 1);
		spin_unlock(&lock);
	}
}

static void count_on_all_cpus(void)
{
	uint32_t online = cpumask_count(&cpus_online);

	count = 0;
	smp_call(&cpus_online, add_many, NULL);
	KTEST_EXPECT(count == (uint64_t)online * ROUNDS);
	KTEST_EXPECT(lock.word == 0 && lock.next == lock.serving);
}

static void trylock_takes_only_what_is_free(void)
{
	bool taken;

	spin_lock(&lock);
	KTEST_EXPECT(lock.word != 0);
	spin_unlock(&lock);
	taken = spin_trylock(&lock);
	KTEST_EXPECT(taken);
	if (taken)
		spin_unlock(&lock);
}

static void hold_long(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 100; i++) {
		spin_lock(&lock);
		delay_us(100);
		spin_unlock(&lock);
	}
}

/* CPUs that hold a lock nearly all the time cannot but meet. */
static void waiting_is_counted(void)
{
	struct lock_class c;
	bool seen = false;

	lockstat_reset();
	for (unsigned i = 0; i < 20 && cpumask_count(&cpus_online) > 1 && !seen; i++) {
		smp_call(&cpus_online, hold_long, NULL);
		for (unsigned n = 0; lockstat_get(n, &c); n++)
			seen = seen || (strcmp(c.name, "ktest") == 0 && c.contentions > 0);
	}
	KTEST_EXPECT(seen || cpumask_count(&cpus_online) == 1);
}

static const struct ktest_case cases[] = {
	{ "one CPU at a time holds a lock", count_on_all_cpus },
	{ "trylock takes only what is free", trylock_takes_only_what_is_free },
	{ "waiting is counted by class", waiting_is_counted },
};
KTEST_SUITE("locks", cases);

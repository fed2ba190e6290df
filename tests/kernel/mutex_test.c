/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: priority inheritance ends what would otherwise last for ever.  All tasks of a case share one CPU,
 * so that only urgency decides who runs; a spinner between two others starves the lower one unless that is
 * lent.
 */
#include <kernel/ktest.h>

#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>

static _Atomic int finished;

static bool wait_until(_Atomic int *value, int n)
{
	uint64_t deadline = time_now_ns() + 10 * NSEC_PER_SEC;

	while (atomic_load(value) < n && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	return atomic_load(value) >= n;
}

static void become_fifo(int priority)
{
	struct sched_policy policy = { .policy = SCHED_FIFO, .rt_priority = (uint8_t)priority };
	struct cpumask last = cpumask_of(cpu_count - 1);

	KTEST_EXPECT(sched_set_affinity(current_task(), &last) == 0);
	KTEST_EXPECT(sched_set_policy(current_task(), &policy) == 0);
}

static void start(const char *name, void (*fn)(void *), uintptr_t arg)
{
	KTEST_EXPECT(kthread_create(name, fn, (void *)arg) != NULL);
}

/* Not by sleeping: a task of low priority gets here only while it may run. */
static void burn(uint64_t ns)
{
	uint64_t end = time_now_ns() + ns;

	while (time_now_ns() < end)
		arch_cpu_relax();
}

/* --- a chain of LINKS mutexes: task i holds mutex i and waits for mutex i + 1 -------------------------- */

#define LINKS 3

static struct mutex chain[LINKS] = {
	MUTEX_INIT(chain[0], "link 0", RANK_FILE_POS),
	MUTEX_INIT(chain[1], "link 1", RANK_RENAME),
	MUTEX_INIT(chain[2], "link 2", RANK_VNODE),
};
static _Atomic int holding, spinning;
static _Atomic bool top_got_it;
static _Atomic uint64_t top_waited_ns;
static int links; /* in use */

/* Holds its mutex and goes for the next; the last one has work to do instead. */
static void hold(void *arg)
{
	int i = (int)(uintptr_t)arg;

	become_fifo(1 + (links - i));
	mutex_lock(&chain[i]);
	atomic_fetch_add(&holding, 1);
	if (i + 1 < links) {
		mutex_lock(&chain[i + 1]);
		mutex_unlock(&chain[i + 1]);
	} else {
		while (!atomic_load(&spinning)) /* the middle one has come */
			sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
		burn(5 * NSEC_PER_MSEC);
	}
	mutex_unlock(&chain[i]);
	atomic_fetch_add(&finished, 1);
}

/* Takes the CPU for as long as the top one waits, up to two seconds. */
static void spin_in_the_middle(void *arg)
{
	uint64_t deadline;

	(void)arg;
	become_fifo(50);
	atomic_store(&spinning, 1);
	deadline = time_now_ns() + 2 * NSEC_PER_SEC;
	while (!atomic_load(&top_got_it) && time_now_ns() < deadline)
		arch_cpu_relax();
	atomic_fetch_add(&finished, 1);
}

static void want_from_the_top(void *arg)
{
	uint64_t began;

	(void)arg;
	become_fifo(90);
	began = time_now_ns();
	mutex_lock(&chain[0]);
	atomic_store(&top_waited_ns, time_now_ns() - began);
	atomic_store(&top_got_it, true);
	mutex_unlock(&chain[0]);
	atomic_fetch_add(&finished, 1);
}

static void invert(int n)
{
	links = n;
	atomic_store(&finished, 0);
	atomic_store(&holding, 0);
	atomic_store(&spinning, 0);
	atomic_store(&top_got_it, false);
	for (int i = n; i-- > 0;) {
		start("holder", hold, (uintptr_t)i);
		KTEST_EXPECT(wait_until(&holding, n - i));
	}
	start("top", want_from_the_top, 0);
	sleep_until(time_now_ns() + 5 * NSEC_PER_MSEC, false);
	start("middle", spin_in_the_middle, 0);
	KTEST_EXPECT(wait_until(&finished, n + 2));
	KTEST_EXPECT(atomic_load(&top_waited_ns) < 500 * NSEC_PER_MSEC);
}

static void a_low_holder_is_lent_what_the_waiter_has(void)
{
	invert(1);
}

static void a_chain_of_holders_is_lent_along(void)
{
	invert(LINKS);
}

/* --- what was lent is returned ------------------------------------------------------------------------ */

static struct mutex loan_lock = MUTEX_INIT(loan_lock, "loan", RANK_FILE_POS);
static _Atomic uint64_t urgency_before, urgency_lent, urgency_after;

static void borrow(void *arg)
{
	uint64_t deadline = time_now_ns() + 5 * NSEC_PER_SEC;

	(void)arg;
	become_fifo(3);
	mutex_lock(&loan_lock);
	atomic_store(&urgency_before, READ_ONCE(current_task()->urgency));
	atomic_store(&holding, 1);
	do {
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
		atomic_store(&urgency_lent, READ_ONCE(current_task()->urgency));
	} while (atomic_load(&urgency_lent) == atomic_load(&urgency_before) && time_now_ns() < deadline);
	mutex_unlock(&loan_lock);
	atomic_store(&urgency_after, READ_ONCE(current_task()->urgency));
	atomic_fetch_add(&finished, 1);
}

static void lend(void *arg)
{
	(void)arg;
	become_fifo(70);
	mutex_lock(&loan_lock);
	mutex_unlock(&loan_lock);
	atomic_fetch_add(&finished, 1);
}

static void a_loan_is_returned_with_the_mutex(void)
{
	atomic_store(&finished, 0);
	atomic_store(&holding, 0);
	start("borrower", borrow, 0);
	KTEST_EXPECT(wait_until(&holding, 1));
	start("lender", lend, 0);
	KTEST_EXPECT(wait_until(&finished, 2));
	KTEST_EXPECT(atomic_load(&urgency_lent) < atomic_load(&urgency_before));
	KTEST_EXPECT(atomic_load(&urgency_after) == atomic_load(&urgency_before));
}

/* --- the most urgent waiter is served first ------------------------------------------------------------ */

static struct mutex queue_lock = MUTEX_INIT(queue_lock, "queue", RANK_FILE_POS);
static _Atomic int waiting, served;
static int served_priority[3];

static void queue_up(void *arg)
{
	int priority = (int)(uintptr_t)arg;

	become_fifo(priority);
	atomic_fetch_add(&waiting, 1);
	mutex_lock(&queue_lock);
	served_priority[atomic_fetch_add(&served, 1)] = priority;
	mutex_unlock(&queue_lock);
	atomic_fetch_add(&finished, 1);
}

static void the_most_urgent_waiter_is_first(void)
{
	static const int priorities[3] = { 10, 30, 20 };

	atomic_store(&finished, 0);
	atomic_store(&waiting, 0);
	atomic_store(&served, 0);
	mutex_lock(&queue_lock);
	for (int i = 0; i < 3; i++) {
		start("waiter", queue_up, (uintptr_t)priorities[i]);
		KTEST_EXPECT(wait_until(&waiting, i + 1));
		sleep_until(time_now_ns() + 5 * NSEC_PER_MSEC, false);
	}
	mutex_unlock(&queue_lock);
	KTEST_EXPECT(wait_until(&finished, 3));
	KTEST_EXPECT(served_priority[0] == 30 && served_priority[1] == 20 && served_priority[2] == 10);
}

/* --- on all CPUs, at any urgency: it excludes, and nobody starves --------------------------------------- */

#define WORKERS 8
#define TURNS   300

static struct mutex outer = MUTEX_INIT(outer, "outer", RANK_FILE_POS);
static struct mutex inner = MUTEX_INIT(inner, "inner", RANK_VNODE);
static int outer_count, inner_count;

static void work(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	struct sched_policy policy = { .policy = SCHED_FIFO, .rt_priority = (uint8_t)i };

	if (i % 3 == 0 && i > 0)
		KTEST_EXPECT(sched_set_policy(current_task(), &policy) == 0);
	for (int turn = 0; turn < TURNS; turn++) {
		int seen;

		if (turn % 4 == 0) {
			mutex_lock(&outer);
			seen = READ_ONCE(outer_count);
			WRITE_ONCE(outer_count, seen + 1);
		}
		mutex_lock(&inner);
		seen = READ_ONCE(inner_count);
		if (turn % 8 == (int)i)
			sleep_until(time_now_ns() + 20 * NSEC_PER_USEC, false);
		WRITE_ONCE(inner_count, seen + 1);
		mutex_unlock(&inner);
		if (turn % 4 == 0)
			mutex_unlock(&outer);
	}
	KTEST_EXPECT(READ_ONCE(current_task()->loans) == 0);
	atomic_fetch_add(&finished, 1);
}

static void it_excludes_at_any_urgency(void)
{
	atomic_store(&finished, 0);
	outer_count = inner_count = 0;
	for (uintptr_t i = 0; i < WORKERS; i++)
		start("worker", work, i);
	KTEST_EXPECT(wait_until(&finished, WORKERS));
	KTEST_EXPECT(inner_count == WORKERS * TURNS);
	KTEST_EXPECT(outer_count == WORKERS * ((TURNS + 3) / 4));
	KTEST_EXPECT(atomic_load(&inner.owner) == 0 && atomic_load(&outer.owner) == 0);
	KTEST_EXPECT(!inner.lent && !outer.lent);
}

static const struct ktest_case cases[] = {
	{ "a low holder is lent what the waiter has", a_low_holder_is_lent_what_the_waiter_has },
	{ "a chain of holders is lent along", a_chain_of_holders_is_lent_along },
	{ "a loan is returned with the mutex", a_loan_is_returned_with_the_mutex },
	{ "the most urgent waiter is first", the_most_urgent_waiter_is_first },
	{ "it excludes at any urgency", it_excludes_at_any_urgency },
};
KTEST_SUITE("mutex", cases);

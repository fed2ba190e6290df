/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait queues while sleepers and wakers run at the same time on all CPUs: no wake-up is lost, none comes late
 * to a stack that is gone. */
#include <kernel/ktest.h>

#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

static _Atomic int finished;

static void start(const char *name, void (*fn)(void *), uintptr_t arg)
{
	KTEST_EXPECT(kthread_create(name, fn, (void *)arg) != NULL);
}

static bool all_finished(int n)
{
	uint64_t deadline = time_now_ns() + 30 * NSEC_PER_SEC;

	while (atomic_load(&finished) < n && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	return atomic_load(&finished) == n;
}

/* --- a token goes round: each hop is one wake-up, and a lost one ends the journey --------------------- */

#define SEATS 6
#define HOPS  6000

static struct seat {
	struct waitqueue wq;
	_Atomic bool has_token;
} seats[SEATS];
static _Atomic int hops;

static void pass_on(void *arg)
{
	struct seat *mine = &seats[(uintptr_t)arg], *next = &seats[((uintptr_t)arg + 1) % SEATS];

	for (;;) {
		wait_event(&mine->wq, atomic_load_explicit(&mine->has_token, memory_order_relaxed));
		atomic_store_explicit(&mine->has_token, false, memory_order_relaxed);
		if (atomic_fetch_add(&hops, 1) >= HOPS)
			break;
		/* Weak on purpose: the wait queue has to bring the order. */
		atomic_store_explicit(&next->has_token, true, memory_order_relaxed);
		wake_up(&next->wq);
	}
	atomic_store(&next->has_token, true); /* the others leave one after the other */
	wake_up(&next->wq);
	atomic_fetch_add(&finished, 1);
}

static void no_wake_up_is_lost(void)
{
	atomic_store(&finished, 0);
	atomic_store(&hops, 0);
	for (int i = 0; i < SEATS; i++) {
		waitqueue_init(&seats[i].wq);
		atomic_store(&seats[i].has_token, false);
	}
	for (uintptr_t i = 0; i < SEATS; i++)
		start("seat", pass_on, i);
	atomic_store(&seats[0].has_token, true);
	wake_up(&seats[0].wq);
	KTEST_EXPECT(all_finished(SEATS));
}

/* --- deadlines and wake-ups meet, and the sleepers' stacks go at once --------------------------------- */

#define SLEEPERS 8
#define ROUNDS   40

static struct waitqueue busy_wq = WAITQUEUE_INIT(busy_wq);
static _Atomic bool stop_waking;
static _Atomic uint64_t timeouts, wakes;

static void sleep_briefly(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		bool slept = false;
		uint64_t deadline =
			time_now_ns() + (20 + ((uintptr_t)arg * 7 + (unsigned)i) % 80) * NSEC_PER_USEC;
		/* True at the second look: after any wake-up. */
		int err = wait_event_timeout(&busy_wq, slept || (slept = true, false), deadline, false);

		atomic_fetch_add(err == -ETIMEDOUT ? &timeouts : &wakes, 1);
	}
	atomic_fetch_add(&finished, 1);
}

static void wake_all_the_time(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop_waking)) {
		wake_up_all(&busy_wq);
		sched_yield();
	}
	atomic_fetch_add(&finished, 1);
}

static void deadlines_and_wake_ups_may_meet(void)
{
	atomic_store(&finished, 0);
	atomic_store(&stop_waking, false);
	for (uintptr_t i = 0; i < 2; i++)
		start("waker", wake_all_the_time, i);
	for (uintptr_t generation = 0; generation < 5; generation++) {
		atomic_store(&finished, 0);
		for (uintptr_t i = 0; i < SLEEPERS; i++)
			start("sleeper", sleep_briefly, i);
		KTEST_EXPECT(all_finished(SLEEPERS));
	}
	atomic_store(&finished, 0);
	atomic_store(&stop_waking, true);
	KTEST_EXPECT(all_finished(2));
	KTEST_EXPECT(list_empty(&busy_wq.waiters));
	KTEST_EXPECT(atomic_load(&timeouts) + atomic_load(&wakes) == 5 * SLEEPERS * ROUNDS);
}

/* --- as poll does it: the condition is looked at without a lock after wait_add ------------------------- */

struct watch {
	struct waiter waiter;
	_Atomic bool woken;
};

static struct waitqueue event_wq = WAITQUEUE_INIT(event_wq);
static _Atomic uint32_t events;

static bool note_event(struct waiter *w, uint32_t what)
{
	(void)what;
	atomic_store(&container_of(w, struct watch, waiter)->woken, true);
	task_wake(w->task);
	return false;
}

#define EVENTS 3000

static void watch_events(void *arg)
{
	struct waitqueue own;

	(void)arg;
	waitqueue_init(&own);
	for (uint32_t seen = 0; seen < EVENTS;) {
		struct watch watch = { .woken = false };

		waiter_init(&watch.waiter, false);
		watch.waiter.wake = note_event;
		wait_add(&event_wq, &watch.waiter);
		if (atomic_load_explicit(&events, memory_order_relaxed) == seen)
			wait_event(&own, atomic_load(&watch.woken));
		seen = atomic_load(&events);
		wait_remove(&watch.waiter);
	}
	atomic_fetch_add(&finished, 1);
}

static void make_events(void *arg)
{
	(void)arg;
	while (atomic_load(&events) < EVENTS) {
		atomic_fetch_add_explicit(&events, 1, memory_order_relaxed);
		wake_up_all(&event_wq);
		sched_yield();
	}
	atomic_fetch_add(&finished, 1);
}

static void a_watcher_misses_no_event(void)
{
	atomic_store(&finished, 0);
	atomic_store(&events, 0);
	for (uintptr_t i = 0; i < 3; i++)
		start("watch", watch_events, i);
	start("events", make_events, 0);
	KTEST_EXPECT(all_finished(4));
	KTEST_EXPECT(list_empty(&event_wq.waiters));
}

static const struct ktest_case cases[] = {
	{ "no wake-up is lost", no_wake_up_is_lost },
	{ "deadlines and wake-ups may meet", deadlines_and_wake_ups_may_meet },
	{ "a watcher misses no event", a_watcher_misses_no_event },
};
KTEST_SUITE("wait", cases);

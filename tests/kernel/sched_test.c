/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks, wait queues, mutexes and timers, on the running kernel. */
#include <kernel/ktest.h>

#include <kernel/mutex.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <serix/errno.h>

static _Atomic int finished;

static bool all_finished(int n)
{
	uint64_t deadline = time_now_ns() + 5 * NSEC_PER_SEC;

	while (atomic_load(&finished) < n && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	return atomic_load(&finished) == n;
}

/* Two tasks pass a token back and forth; neither may run out of turn. */
static struct waitqueue token_wq = WAITQUEUE_INIT(token_wq);
static _Atomic int token;
static _Atomic int out_of_turn;

static void ping_pong(void *arg)
{
	int mine = (int)(uintptr_t)arg;

	for (int i = 0; i < 1000; i++) {
		wait_event(&token_wq, atomic_load(&token) % 2 == mine);
		if (atomic_load(&token) != i * 2 + mine)
			atomic_fetch_add(&out_of_turn, 1);
		atomic_fetch_add(&token, 1);
		wake_up_all(&token_wq);
	}
	atomic_fetch_add(&finished, 1);
}

static void ping_pong_takes_strict_turns(void)
{
	atomic_store(&finished, 0);
	atomic_store(&token, 0);
	KTEST_EXPECT(kthread_create("ping", ping_pong, (void *)0) != NULL);
	KTEST_EXPECT(kthread_create("pong", ping_pong, (void *)1) != NULL);
	KTEST_EXPECT(all_finished(2));
	KTEST_EXPECT(atomic_load(&out_of_turn) == 0);
	KTEST_EXPECT(atomic_load(&token) == 2000);
}

/* Tasks that never give up the CPU share it nevertheless. */
static _Atomic bool stop_spinning;
static _Atomic uint64_t turns[3];

static void spin(void *arg)
{
	while (!atomic_load(&stop_spinning))
		atomic_fetch_add(&turns[(uintptr_t)arg], 1);
	atomic_fetch_add(&finished, 1);
}

static void spinning_tasks_are_preempted(void)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct cpumask one = cpumask_of(0);

	atomic_store(&finished, 0);
	for (uintptr_t i = 0; i < 3; i++) {
		struct task *task = kthread_create("spin", spin, (void *)i);

		KTEST_EXPECT(task && sched_set_affinity(task, &one) == 0);
	}
	sleep_until(time_now_ns() + 600 * NSEC_PER_MSEC, false);
	atomic_store(&stop_spinning, true);
	KTEST_EXPECT(all_finished(3));
	for (int i = 0; i < 3; i++) {
		least = MIN(least, atomic_load(&turns[i]));
		most = MAX(most, atomic_load(&turns[i]));
	}
	KTEST_EXPECT(least > 0);
	KTEST_EXPECT(most < least * 2);
}

static struct mutex counter_lock = MUTEX_INIT(counter_lock, "test", RANK_FILE_POS);
static int counter;

static void count_under_mutex(void *arg)
{
	(void)arg;
	for (int i = 0; i < 500; i++) {
		int seen;

		mutex_lock(&counter_lock);
		seen = READ_ONCE(counter);
		if (i % 16 == 0)
			sched_yield();
		WRITE_ONCE(counter, seen + 1);
		mutex_unlock(&counter_lock);
	}
	atomic_fetch_add(&finished, 1);
}

static void a_mutex_excludes(void)
{
	atomic_store(&finished, 0);
	counter = 0;
	for (int i = 0; i < 4; i++)
		KTEST_EXPECT(kthread_create("count", count_under_mutex, NULL) != NULL);
	KTEST_EXPECT(all_finished(4));
	KTEST_EXPECT(counter == 4 * 500);
	KTEST_EXPECT(mutex_trylock(&counter_lock));
	KTEST_EXPECT(!mutex_trylock(&counter_lock));
	mutex_unlock(&counter_lock);
}

static void sleeping_lasts_as_long_as_asked(void)
{
	uint64_t start = time_now_ns(), took;

	KTEST_EXPECT(sleep_until(start + 20 * NSEC_PER_MSEC, false) == 0);
	took = time_now_ns() - start;
	KTEST_EXPECT(took >= 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(took < 500 * NSEC_PER_MSEC);
}

static struct waitqueue never = WAITQUEUE_INIT(never);

static void a_wait_ends_at_its_deadline(void)
{
	uint64_t start = time_now_ns();

	KTEST_EXPECT(wait_event_timeout(&never, false, start + 10 * NSEC_PER_MSEC, false) == -ETIMEDOUT);
	KTEST_EXPECT(time_now_ns() >= start + 10 * NSEC_PER_MSEC);
	KTEST_EXPECT(list_empty(&never.waiters));
}

static int order[3], fired;

struct test_timer {
	struct timer timer;
	int number;
};

static void note_order(struct timer *t)
{
	order[fired++] = container_of(t, struct test_timer, timer)->number;
}

static void timers_fire_in_order_unless_cancelled(void)
{
	static struct test_timer t[4];
	uint64_t now = time_now_ns();
	static const int delay_ms[4] = { 30, 10, 20, 15 };

	for (int i = 0; i < 4; i++) {
		timer_init(&t[i].timer, note_order);
		t[i].number = i;
		timer_arm(&t[i].timer, now + (uint64_t)delay_ms[i] * NSEC_PER_MSEC);
	}
	KTEST_EXPECT(timer_cancel(&t[3].timer));
	KTEST_EXPECT(!timer_cancel(&t[3].timer));
	sleep_until(now + 50 * NSEC_PER_MSEC, false);
	KTEST_EXPECT(fired == 3 && order[0] == 1 && order[1] == 2 && order[2] == 0);
}

static void nothing(void *arg)
{
	(void)arg;
	atomic_fetch_add(&finished, 1);
}

static void ten_thousand_threads_leave_nothing_behind(void)
{
	struct sched_stats before, after;

	atomic_store(&finished, 0);
	sched_get_stats(&before);
	for (int i = 0; i < 10000; i++) {
		KTEST_EXPECT(kthread_create("brief", nothing, NULL) != NULL);
		sched_yield();
	}
	KTEST_EXPECT(all_finished(10000));
	/* Who has finished may still be leaving, on another CPU. */
	for (int i = 0; i < 100; i++) {
		sched_get_stats(&after);
		if (after.tasks <= before.tasks)
			break;
		sleep_until(time_now_ns() + 10 * NSEC_PER_MSEC, false);
	}
	/* Who was leaving when it began is gone, too. */
	KTEST_EXPECT(after.tasks <= before.tasks);
}

static void count_fired(struct timer *t)
{
	(void)t;
	fired++;
}

/* Programs ask for such: in counts of the hardware's timer they would wrap into the past. */
static void timers_centuries_ahead_stay_quiet(void)
{
	static const uint64_t deadlines[] = { UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 3, UINT64_MAX / 4 };
	static struct timer t[ARRAY_SIZE(deadlines)];

	fired = 0;
	for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++) {
		timer_init(&t[i], count_fired);
		timer_arm(&t[i], deadlines[i]);
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
		KTEST_EXPECT(timer_cancel(&t[i]));
	}
	KTEST_EXPECT(fired == 0);
}

static const struct ktest_case cases[] = {
	{ "ping-pong takes strict turns", ping_pong_takes_strict_turns },
	{ "spinning tasks are preempted and share the CPU", spinning_tasks_are_preempted },
	{ "a mutex excludes, also across a switch", a_mutex_excludes },
	{ "sleeping lasts as long as asked", sleeping_lasts_as_long_as_asked },
	{ "a wait ends at its deadline and leaves the queue empty", a_wait_ends_at_its_deadline },
	{ "timers fire in order unless cancelled", timers_fire_in_order_unless_cancelled },
	{ "timers centuries ahead stay quiet", timers_centuries_ahead_stay_quiet },
	{ "10,000 threads leave no task behind", ten_thousand_threads_leave_nothing_behind },
};

KTEST_SUITE("sched", cases);

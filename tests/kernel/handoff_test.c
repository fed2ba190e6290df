/* SPDX-License-Identifier: BSD-2-Clause */
/* Handing the CPU over (kernel/sched/handoff.c): who runs, who pays, and when it is refused. */
#include <kernel/ktest.h>

#include <kernel/smp.h>
#include <kernel/time.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "turns.h"

#define MS  NSEC_PER_MSEC
#define CPU 0

static struct turns turns;
static struct worker spinner, waker;

static bool between(const char *what, uint64_t got, uint64_t low, uint64_t high)
{
	if (got >= low && got <= high)
		return true;
	pr_err("%s: %llu is not between %llu and %llu", what, (unsigned long long)got,
	       (unsigned long long)low, (unsigned long long)high);
	return false;
}

static void begin(bool by_handoff)
{
	struct sched_policy fair = policy_fair(0);

	control_begin(CPU);
	turns_create(&turns, by_handoff, &fair, CPU);
}

static void end(void)
{
	turns_join(&turns);
	KTEST_EXPECT(turns.out_of_turn == 0);
	control_end();
}

static void two_take_strict_turns(void)
{
	begin(true);
	turns_go(&turns);
	control_sleep(50 * MS);
	end();
	KTEST_EXPECT(turns.handed > 100);
	/* By the ordinary way only where something else had to run: this thread, a driver's. */
	KTEST_EXPECT(turns.woken < turns.handed / 4);
}

/* The first's part of what both ran meanwhile, in per cent. */
static uint64_t part_of_first(uint64_t ns)
{
	uint64_t ran[2];

	for (unsigned i = 0; i < 2; i++)
		worker_mark(&turns.workers[i]);
	control_sleep(ns);
	for (unsigned i = 0; i < 2; i++)
		ran[i] = worker_ran_ns(&turns.workers[i]);
	return ran[0] * 100 / (ran[0] + ran[1]);
}

/* What a host takes away of a virtual CPU's time counts as the task's that it takes it from: a few windows,
 * of which one must have been spared. */
static void each_is_charged_for_its_own_time(void)
{
	bool charged = false;

	begin(true);
	turns.burst_ns[0] = 3 * MS;
	turns.burst_ns[1] = 1 * MS;
	turns_go(&turns);
	control_sleep(20 * MS);
	for (unsigned attempt = 0; attempt < 5 && !charged; attempt++)
		charged = between("part of the first", part_of_first(800 * MS), 65, 85);
	end();
	KTEST_EXPECT(charged);
}

/* CPU time of the pair and of a spinner while all three want to run, in per mille for the pair. */
static uint64_t share_of_pair(bool by_handoff, uint64_t burst_ns)
{
	struct sched_policy fair = policy_fair(0);
	uint64_t pair, other;

	begin(by_handoff);
	turns.burst_ns[0] = turns.burst_ns[1] = burst_ns;
	worker_create(&spinner, work_spin, &fair, CPU);
	worker_go(&spinner);
	turns_go(&turns);
	control_sleep(50 * MS);
	worker_mark(&spinner);
	for (unsigned i = 0; i < 2; i++)
		worker_mark(&turns.workers[i]);
	control_sleep(1000 * MS);
	other = worker_ran_ns(&spinner);
	pair = worker_ran_ns(&turns.workers[0]) + worker_ran_ns(&turns.workers[1]);
	worker_join(&spinner);
	end();
	return pair * 1000 / (pair + other);
}

/* Only one of the two ever wants the CPU: together they are due what one is, however they pass it on. */
static void handing_over_gains_nothing_over_a_spinner(void)
{
	uint64_t usual = share_of_pair(false, 0), handing = share_of_pair(true, 0);

	KTEST_EXPECT(turns.handed > 100);
	KTEST_EXPECT(between("short turns, waking", usual, 350, 600));
	KTEST_EXPECT(between("short turns, handing", handing, 350, 600));
	KTEST_EXPECT(between("long turns, handing", share_of_pair(true, MS), 350, 600));
}

/* --- refusals: nothing changes, the partner still sleeps --------------------------------------------- */

static _Atomic int refused, accepted;

static struct worker *partner;

static void try_once(struct worker *w)
{

	(void)w;
	if (!handoff_begin(partner->task, TASK_SLEEPING_INTR)) {
		if (atomic_load(&current_task()->state) == TASK_RUNNABLE)
			atomic_fetch_add(&refused, 1);
		return;
	}
	/* The partner, woken for no reason, goes to sleep again. */
	atomic_fetch_add(&accepted, 1);
	handoff_switch();
}

static struct worker trier;

static bool eventually(const _Atomic int *value)
{
	for (int i = 0; i < 1000 && atomic_load(value) == 0; i++)
		control_sleep(MS);
	return atomic_load(value) != 0;
}

static bool is_refused(const struct sched_policy *policy, const struct sched_policy *of_partner,
		       uint32_t work)
{
	atomic_store(&refused, 0);
	atomic_store(&accepted, 0);
	KTEST_EXPECT(sched_set_policy(partner->task, of_partner) == 0);
	worker_create(&trier, try_once, policy, CPU);
	atomic_fetch_or(&trier.task->work, work);
	worker_go(&trier);
	for (int i = 0; i < 1000 && !atomic_load(&refused) && !atomic_load(&accepted); i++)
		control_sleep(MS);
	atomic_fetch_and(&trier.task->work, ~work);
	if (atomic_load(&accepted))
		task_wake(trier.task);
	worker_join(&trier);
	KTEST_EXPECT(atomic_load(&refused) != atomic_load(&accepted));
	return atomic_load(&refused) != 0;
}

/* Only number 1 goes: it waits for a turn that number 0 never passes. */
static void begin_with_a_sleeper(void)
{
	begin(true);
	partner = &turns.workers[1];
	worker_go(&turns.workers[1]);
	task_wait_until_off(turns.workers[1].task, TASK_SLEEPING_INTR);
}

static void end_with_a_sleeper(void)
{
	worker_go(&turns.workers[0]);
	end();
}

static void other_classes_and_signals_are_refused(void)
{
	struct sched_policy fair = policy_fair(0), batch = policy_batch(SCHED_BATCH, 0);
	struct sched_policy fifo = policy_realtime(SCHED_FIFO, 5);

	begin_with_a_sleeper();
	KTEST_EXPECT(!is_refused(&fair, &fair, 0));
	KTEST_EXPECT(is_refused(&fifo, &fair, 0));
	KTEST_EXPECT(is_refused(&fair, &fifo, 0));
	KTEST_EXPECT(is_refused(&fair, &batch, 0));
	KTEST_EXPECT(is_refused(&fair, &fair, TASK_WORK_SIGNAL));
	end_with_a_sleeper();
}

/* Who waits in the queue keeps its place there. */
static void one_that_is_awake_is_refused(void)
{
	struct sched_policy fair = policy_fair(0);

	control_begin(CPU);
	worker_create(&spinner, work_spin, &fair, CPU);
	worker_go(&spinner);
	partner = &spinner;
	KTEST_EXPECT(is_refused(&fair, &fair, 0));
	worker_join(&spinner);
	control_end();
}

static void one_of_another_cpu_is_refused(void)
{
	struct sched_policy fair = policy_fair(0);
	struct cpumask other = cpumask_of(CPU + 1);

	if (cpu_count == 1)
		return;
	begin_with_a_sleeper();
	KTEST_EXPECT(sched_set_affinity(turns.workers[1].task, &other) == 0);
	/* It still belongs to the CPU that it ran on last, but may not run there. */
	KTEST_EXPECT(is_refused(&fair, &fair, 0));
	task_wake(turns.workers[1].task);
	control_sleep(5 * MS);
	KTEST_EXPECT(turns.workers[1].task->cpu == CPU + 1);
	KTEST_EXPECT(is_refused(&fair, &fair, 0));
	end_with_a_sleeper();
}

/* --- races ------------------------------------------------------------------------------------------- */

static void wake_both(struct worker *w)
{
	while (!atomic_load(&w->stop)) {
		task_wake(turns.workers[0].task);
		task_wake(turns.workers[1].task);
		w->count++;
	}
}

/* A task that is woken while it is handed the CPU, or hands it on, runs once and in its turn. */
static void wakers_on_another_cpu_change_nothing(void)
{
	struct sched_policy fair = policy_fair(0);

	begin(true);
	worker_create(&waker, wake_both, &fair, cpu_count > 1 ? CPU + 1 : CPU);
	turns_go(&turns);
	worker_go(&waker);
	control_sleep(300 * MS);
	worker_join(&waker);
	end();
	KTEST_EXPECT(turns.handed + turns.woken > 100);
}

/* Handed the CPU, it wakes who gave it and ends: its stack goes while the other one goes on. */
static _Atomic int handed_back;
static struct task *_Atomic giver;

static void end_after_waking(void *sleeping)
{
	atomic_store(&current_task()->state, TASK_SLEEPING);
	atomic_store((_Atomic bool *)sleeping, true);
	schedule();
	task_wake(atomic_load(&giver));
}

static void give_to_who_ends(struct worker *w)
{
	for (int i = 0; i < 20 && !atomic_load(&w->stop); i++) {
		_Atomic bool sleeping = false;
		struct task *task = kthread_create("ends", end_after_waking, (void *)&sleeping);

		if (!task)
			return;
		while (!atomic_load(&sleeping) || atomic_load(&task->on_cpu))
			sched_yield();
		if (handoff_begin(task, TASK_SLEEPING))
			handoff_switch();
		else
			task_wake(task);
		atomic_fetch_add(&handed_back, 1);
	}
	w->count = 1;
}

static void one_that_ends_gives_the_cpu_back(void)
{
	struct sched_policy fair = policy_fair(0);

	control_begin(CPU);
	atomic_store(&handed_back, 0);
	worker_create(&trier, give_to_who_ends, &fair, CPU);
	atomic_store(&giver, trier.task);
	worker_go(&trier);
	KTEST_EXPECT(eventually((const _Atomic int *)&handed_back));
	for (int i = 0; i < 1000 && !atomic_load(&trier.count); i++)
		control_sleep(MS);
	worker_join(&trier);
	KTEST_EXPECT(atomic_load(&handed_back) == 20);
	control_end();
}

static const struct ktest_case cases[] = {
	{ "two take strict turns", two_take_strict_turns },
	{ "each is charged for its own time", each_is_charged_for_its_own_time },
	{ "handing over gains nothing over a spinner", handing_over_gains_nothing_over_a_spinner },
	{ "other classes and signals are refused", other_classes_and_signals_are_refused },
	{ "one that is awake is refused", one_that_is_awake_is_refused },
	{ "one of another CPU is refused", one_of_another_cpu_is_refused },
	{ "wakers on another CPU change nothing", wakers_on_another_cpu_change_nothing },
	{ "one that ends gives the CPU back", one_that_ends_gives_the_cpu_back },
};
KTEST_SUITE("handoff", cases);

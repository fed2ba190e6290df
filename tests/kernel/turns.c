/* SPDX-License-Identifier: BSD-2-Clause */
#include "turns.h"

#include <kernel/ktest.h>
#include <kernel/time.h>

static struct turns *turns_of(struct worker *w, unsigned *mine)
{
	/* The one that a worker belongs to, by where it lies in it: `count` says which of the two it is. */
	*mine = (unsigned)atomic_load(&w->count);
	return container_of(w - *mine, struct turns, workers[0]);
}

static bool is_mine(struct turns *t, unsigned mine)
{
	return atomic_load(&t->turn) % 2 == mine || atomic_load(&t->workers[mine].stop);
}

static void sleep_till_mine(struct turns *t, unsigned mine)
{
	for (;;) {
		atomic_store(&current_task()->state, TASK_SLEEPING_INTR);
		if (is_mine(t, mine))
			break;
		schedule();
	}
	atomic_store(&current_task()->state, TASK_RUNNABLE);
}

static void pass(struct turns *t, unsigned mine)
{
	struct task *other = t->workers[!mine].task;

	if (t->by_handoff && handoff_begin(other, TASK_SLEEPING_INTR)) {
		atomic_fetch_add_explicit(&t->turn, 1, memory_order_relaxed);
		t->handed++;
		handoff_switch();
	} else {
		atomic_fetch_add(&t->turn, 1);
		t->woken++;
		task_wake(other);
	}
}

static void use(uint64_t ns)
{
	uint64_t until = time_now_ns() + ns;

	while (ns && time_now_ns() < until)
		arch_cpu_relax();
}

static void measure(struct turns *t, unsigned turn)
{
	if (turn == TURNS_WARM)
		t->cycles = arch_cycles();
	else if (turn == TURNS_WARM + 2 * t->measured)
		t->cycles = arch_cycles() - t->cycles;
}

static void take_turns(struct worker *w)
{
	unsigned mine;
	struct turns *t = turns_of(w, &mine);

	while (!atomic_load(&w->stop)) {
		unsigned turn;

		sleep_till_mine(t, mine);
		turn = atomic_load(&t->turn);
		if (turn % 2 != mine)
			break; /* told to stop */
		measure(t, turn);
		use(t->burst_ns[mine]);
		t->out_of_turn += atomic_load(&t->turn) != turn;
		pass(t, mine);
	}
}

void turns_create(struct turns *t, bool by_handoff, const struct sched_policy *policy, uint32_t cpu)
{
	*t = (struct turns){ .by_handoff = by_handoff };
	for (unsigned i = 0; i < 2; i++) {
		worker_create(&t->workers[i], take_turns, policy, cpu);
		atomic_store(&t->workers[i].count, i);
	}
}

void turns_go(struct turns *t)
{
	for (unsigned i = 0; i < 2; i++)
		worker_go(&t->workers[i]);
}

void turns_join(struct turns *t)
{
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&t->workers[i].stop, true);
	/* One may hand over just after it was woken for this.  And each may still wake the other: none leaves
	 * before both are done. */
	while (!atomic_load(&t->workers[0].done) || !atomic_load(&t->workers[1].done)) {
		for (unsigned i = 0; i < 2; i++)
			task_wake(t->workers[i].task);
		control_sleep(NSEC_PER_MSEC);
	}
	for (unsigned i = 0; i < 2; i++)
		worker_join(&t->workers[i]);
}

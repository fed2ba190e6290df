/* SPDX-License-Identifier: BSD-2-Clause */
/* What it costs to pass the CPU to another kernel thread and get it back. */
#include <kernel/kbench.h>

#include <arch/cpu.h>
#include <kernel/time.h>

#include "turns.h"

static struct turns turns;

static uint64_t round_trips(unsigned n, bool by_handoff)
{
	struct sched_policy fair = policy_fair(0);

	turns_create(&turns, by_handoff, &fair, arch_this_cpu()->id);
	turns.measured = n;
	turns_go(&turns);
	while (atomic_load(&turns.turn) <= TURNS_WARM + 2 * n)
		control_sleep(NSEC_PER_MSEC);
	turns_join(&turns);
	return turns.cycles;
}

static uint64_t waking(unsigned n)
{
	return round_trips(n, false);
}

static uint64_t handing_over(unsigned n)
{
	return round_trips(n, true);
}

static const struct kbench_row rows[] = {
	{ "kernel threads, turns by wake-up", 1000, waking },
	{ "kernel threads, turns by handoff", 1000, handing_over },
};
KBENCH_SUITE("sched", rows);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUs' places and their waiting, on the running kernel: with any --smp, -numa or topology=. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <kernel/idle.h>
#include <kernel/preempt.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/time.h>
#include <kernel/topology.h>

static bool is_subset(const struct cpumask *small, const struct cpumask *large)
{
	struct cpumask both = cpumask_and(small, large);

	return cpumask_count(&both) == cpumask_count(small);
}

/* Each level contains the CPU itself and the narrower levels. */
static void topology_levels_nest(void)
{
	cpumask_for_each(cpu, &cpus_online)
	{
		for (unsigned level = 0; level < LEVEL_COUNT; level++) {
			const struct cpumask *mask = topology_peers(cpu, level);

			KTEST_EXPECT(cpumask_test(mask, cpu));
			KTEST_EXPECT(is_subset(mask, &cpus_online));
			if (level > 0)
				KTEST_EXPECT(is_subset(topology_peers(cpu, level - 1), mask));
		}
	}
}

/* Who is my peer has the same peers: a level cuts the machine into parts. */
static void topology_levels_are_partitions(void)
{
	cpumask_for_each(cpu, &cpus_online)
	{
		for (unsigned level = 0; level < LEVEL_COUNT; level++) {
			const struct cpumask *mask = topology_peers(cpu, level);

			cpumask_for_each(peer, mask)
				KTEST_EXPECT(is_subset(topology_peers(peer, level), mask));
		}
	}
}

static void topology_places_are_in_range(void)
{
	bool full = false;

	cpumask_for_each(cpu, &cpus_online)
	{
		const struct cpu_topology *t = topology_of(cpu);

		KTEST_EXPECT(t->node < topology_node_count());
		KTEST_EXPECT(t->capacity > 0 && t->capacity <= CAPACITY_FULL);
		full |= t->capacity == CAPACITY_FULL;
	}
	KTEST_EXPECT(full);
}

/* Walking from border to border visits nodes that there are, and ends. */
static void topology_borders_rise(void)
{
	paddr_t pa = 0;
	unsigned parts = 0;

	while (pa != PADDR_NONE && parts < 100) {
		paddr_t border = topology_node_border(pa);

		KTEST_EXPECT(topology_node_of(pa) < topology_node_count());
		KTEST_EXPECT(border > pa);
		if (border != PADDR_NONE)
			KTEST_EXPECT(topology_node_of(border) != topology_node_of(pa));
		pa = border;
		parts++;
	}
	KTEST_EXPECT(parts < 100);
	for (unsigned node = 0; node < topology_node_count(); node++)
		KTEST_EXPECT(topology_distance(node, node) == 10);
}

static uint64_t idle_of_all(void)
{
	uint64_t total = 0;

	cpumask_for_each(cpu, &cpus_online) total += idle_total_ns(cpu);
	return total;
}

/* While this task sleeps nobody else has work: most of the time is waited, and is counted as that. */
static void idle_time_is_counted(void)
{
	uint64_t before, began = time_now_ns(), length = 200 * NSEC_PER_MSEC;

	sleep_until(began + 20 * NSEC_PER_MSEC, false); /* whatever wait is in progress ends */
	before = idle_of_all();
	sleep_until(time_now_ns() + length, false);
	KTEST_EXPECT(idle_of_all() - before > length / 2);
}

/* --- a state that is disabled is not entered -------------------------------------------------------- */

static void disable_all(bool disabled)
{
	cpumask_for_each(cpu, &cpus_online)
	{
		for (unsigned state = 1; state < idle_state_count(); state++)
			idle_disable(cpu, state, disabled);
	}
}

static uint64_t deep_entries(void)
{
	uint64_t total = 0;
	struct idle_stats stats;

	cpumask_for_each(cpu, &cpus_online)
	{
		for (unsigned state = 1; state < idle_state_count(); state++) {
			idle_get_stats(cpu, state, &stats);
			total += stats.usage;
		}
	}
	return total;
}

static void nothing(void *unused)
{
	(void)unused;
}

static void idle_states_can_be_disabled(void)
{
	uint64_t before;

	disable_all(true);
	smp_call(&cpus_online, nothing, NULL); /* everybody leaves the state it is in */
	sleep_until(time_now_ns() + 10 * NSEC_PER_MSEC, false);
	before = deep_entries();
	sleep_until(time_now_ns() + 50 * NSEC_PER_MSEC, false);
	KTEST_EXPECT(deep_entries() == before);
	disable_all(false);
}

static const struct ktest_case cases[] = {
	{ "topology levels nest", topology_levels_nest },
	{ "topology levels are partitions", topology_levels_are_partitions },
	{ "topology places are in range", topology_places_are_in_range },
	{ "topology borders rise", topology_borders_rise },
	{ "idle time is counted", idle_time_is_counted },
	{ "idle states can be disabled", idle_states_can_be_disabled },
};
KTEST_SUITE("topology", cases);

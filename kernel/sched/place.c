/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a task runs when it wakes up, starts, or has to leave its CPU.  The rules:
 *
 *  1. FAIR and BATCH: this CPU, if its task is one that sleeps soon after it wakes another up and so is the
 *     woken one: they take turns, and the turn passes quicker here than another CPU can be told of it.  Else
 *     the CPU it ran on last, if that idles; else the nearest idle one, rather one whose whole core idles;
 *     else where it was, unless something more urgent runs there.
 *  2. A new task: an idle CPU as above, else the least loaded one.
 *  3. ISO and REALTIME: the CPU that runs the least urgent thing.
 *  4. On hybrid machines BATCH tasks and those of nice 10 and above go to efficient cores, all others to
 *     performance cores, as long as one is free.
 *
 * All this is guessing from what the queues publish, without their locks: a wrong guess costs a little time
 * and is mended by balance.c.
 */
#include "sched_priv.h"

#include <arch/cpu.h>

#define NICE_BACKGROUND 10
/* What an urgent running task weighs, for the tasks that cannot run meanwhile. */
#define URGENT_LOAD (4 * WEIGHT_NICE_0)

/* What runs for less than this and then sleeps takes turns with others.  To wake up an idle CPU and have it
 * fetch the woken task's data from here takes a good part of it. */
#define TURN_NS (50 * NSEC_PER_USEC)

struct cpumask cpus_idle;

enum topology_level place_distance(uint32_t a, uint32_t b)
{
	const struct cpu_topology *ta = topology_of(a), *tb = topology_of(b);

	if (ta->core == tb->core)
		return LEVEL_CORE;
	if (ta->llc == tb->llc)
		return LEVEL_CACHE;
	return ta->node == tb->node ? LEVEL_NODE : LEVEL_SYSTEM;
}

uint64_t place_load(const struct runq *rq)
{
	uint64_t load = READ_ONCE(rq->fair.load) + READ_ONCE(rq->batch.load) + READ_ONCE(rq->running_weight);

	if (READ_ONCE(rq->urgency) < URGENCY_FAIR)
		load += URGENT_LOAD;
	return load * CAPACITY_FULL / topology_of(rq->cpu)->capacity;
}

static bool is_background(const struct task *task)
{
	return task->urgency == URGENCY_BATCH ||
	       (task->urgency == URGENCY_FAIR && task->policy.nice >= NICE_BACKGROUND);
}

static bool suits(const struct task *task, uint32_t cpu)
{
	return !topology_hybrid() || (topology_of(cpu)->type == CORE_EFFICIENT) == is_background(task);
}

static bool core_idles(uint32_t cpu)
{
	const struct cpumask *core = topology_peers(cpu, LEVEL_CORE);

	cpumask_for_each(other, core)
	{
		if (!cpumask_test(&cpus_idle, other))
			return false;
	}
	return true;
}

/* The best idle CPU; MAX_CPUS: all are busy. */
static uint32_t find_idle(const struct task *task, uint32_t last)
{
	struct cpumask idle = cpumask_and(&cpus_idle, &task->affinity);
	unsigned best_cost = ~0u;
	uint32_t best = MAX_CPUS;

	cpumask_for_each(cpu, &idle)
	{
		unsigned cost = (unsigned)place_distance(last, cpu);

		if (!suits(task, cpu))
			cost += 4 * LEVEL_COUNT;
		if (!core_idles(cpu))
			cost += 2 * LEVEL_COUNT;
		/* The two may swap places in the mask between two looks: not a reason to move. */
		if (cost < best_cost || (cost == best_cost && cpu == last)) {
			best_cost = cost;
			best = cpu;
		}
	}
	return best;
}

static uint32_t find_least_loaded(const struct task *task, uint32_t last)
{
	struct cpumask allowed = cpumask_and(&cpus_online, &task->affinity);
	uint64_t least = UINT64_MAX;
	uint32_t best = last;

	cpumask_for_each(cpu, &allowed)
	{
		uint64_t load = place_load(runq_of_cpu(cpu));

		if (load < least || (load == least && cpu == last)) {
			least = load;
			best = cpu;
		}
	}
	return best;
}

/*
 * Does the running task wake this one up to go to sleep itself, as the two ends of a pipe do?  To be guessed
 * from how long both ran when they ran last, and from nobody else waiting here.  When the guess is wrong, the
 * next will not be: the waker's run was a long one.  In an interrupt nobody hands over to anybody.
 */
static bool takes_turns(const struct task *task, const struct runq *here)
{
	const struct task *waker = current_task();

	return READ_ONCE(task->burst_ns) < TURN_NS && waker->burst_ns < TURN_NS &&
	       waker->urgency == task->urgency && READ_ONCE(here->ready_count) == 0 &&
	       arch_this_cpu()->irq_depth == 0 && task->started && may_run_on(task, here->cpu) &&
	       suits(task, here->cpu);
}

static uint32_t place_fair(const struct task *task, uint32_t last)
{
	uint32_t idle;

	if (takes_turns(task, this_runq()))
		return this_runq()->cpu;
	if (cpumask_test(&cpus_idle, last) && may_run_on(task, last) && suits(task, last))
		return last;
	idle = find_idle(task, last);
	if (idle != MAX_CPUS)
		return idle;
	if (task->started && may_run_on(task, last) && READ_ONCE(runq_of_cpu(last)->urgency) >= URGENCY_FAIR)
		return last;
	return find_least_loaded(task, last);
}

static uint32_t place_urgent(const struct task *task, uint32_t last)
{
	struct cpumask allowed = cpumask_and(&cpus_online, &task->affinity);
	uint64_t least = 0;
	uint32_t best = last;

	cpumask_for_each(cpu, &allowed)
	{
		uint64_t urgency = READ_ONCE(runq_of_cpu(cpu)->urgency);

		if (urgency < least)
			continue;
		if (urgency > least || place_distance(last, cpu) < place_distance(last, best)) {
			least = urgency;
			best = cpu;
		}
	}
	return best;
}

uint32_t place_task(const struct task *task)
{
	uint32_t last = READ_ONCE(task->cpu);

	if (cpu_count == 1)
		return last;
	return task->urgency < URGENCY_FAIR ? place_urgent(task, last) : place_fair(task, last);
}

/* Nearly always it stays where it was: then one lock, as likely as not the right one. */
static struct runq *lock_for(struct task *task, uint32_t target)
{
	struct runq *rq = runq_of_cpu(target);

	if (likely(READ_ONCE(task->cpu) == target)) {
		spin_lock(&rq->lock);
		if (likely(task->cpu == target))
			return rq;
		spin_unlock(&rq->lock);
	}
	return runq_lock_task_and(task, target);
}

struct runq *place_and_lock(struct task *task, struct runq **to)
{
	for (;;) {
		uint32_t target = place_task(task);
		struct runq *rq = lock_for(task, target);

		*to = runq_of_cpu(target);
		/* Its mask may have changed meanwhile. */
		if (likely(may_run_on(task, target)))
			return rq;
		runq_unlock_pair(rq, *to);
	}
}

uint32_t place_find_less_urgent(const struct task *task)
{
	uint32_t cpu = place_urgent(task, task->cpu);

	return READ_ONCE(runq_of_cpu(cpu)->urgency) > task->urgency ? cpu : MAX_CPUS;
}

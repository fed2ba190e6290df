/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Evening out the load between CPUs.  Tasks are always pulled, by the CPU that will run them:
 *
 *  1. Urgent tasks: before a CPU goes on with something less urgent than an ISO or REALTIME task that waits
 *     elsewhere, it fetches that.  Who adds such a task and finds it waiting tells the CPU that should
 *     have it.
 *  2. Idle stealing: before a CPU idles, it takes the task that is owed most from the nearest CPU where one
 *     waits.
 *  3. Periodically, at most every 16 ms, a CPU takes tasks from the busiest one until the loads (sums of
 *     weights, by capacity) would be even.  Where they cannot be, as with three equal tasks on two CPUs, they
 *     change places every half second, so that each gets its share in the long run.
 *  4. A busy CPU that sees another idle while tasks wait wakes it up, for rule 2: idle CPUs have no tick.
 *  5. A task that is held to be in the cache is moved only between CPUs that share one: one since whose last
 *     run its CPU has missed that cache fewer times than it has lines, where misses are counted; elsewhere
 *     one that ran within the last half millisecond.
 */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <arch/pmu.h>
#include <kernel/topology.h>

#define BALANCE_NS        (16 * NSEC_PER_MSEC)
#define ROTATE_NS         (500 * NSEC_PER_MSEC)
#define MIGRATION_COST_NS (500 * NSEC_PER_USEC)
#define SCAN_MAX          32 /* tasks looked at with two locks held */

struct cpumask cpus_urgent;

static uint32_t cache_lines(uint32_t cpu)
{
	unsigned count = topology_cache_count(cpu);
	const struct cpu_cache *last;

	if (count == 0)
		return 0;
	last = topology_cache(cpu, count - 1);
	return (uint32_t)(cache_size(last) / last->line);
}

/* Would moving it cost more than it gains?  Misses are those up to the CPU's last switch. */
static bool task_cache_warm(const struct runq *from, const struct task *task, uint64_t now)
{
	if (arch_pmu_present)
		return from->cache_misses - task->ran_misses < cache_lines(from->cpu);
	return now - task->last_ran_ns < MIGRATION_COST_NS;
}

static bool may_move(const struct runq *from, const struct runq *to, const struct task *task, uint64_t now)
{
	if (!may_run_on(task, to->cpu))
		return false;
	return place_distance(from->cpu, to->cpu) <= LEVEL_CACHE || !task_cache_warm(from, task, now);
}

/* --- urgent tasks ------------------------------------------------------------------------------------ */

static struct task *find_urgent_locked(const struct runq *from, uint32_t cpu)
{
	struct rb_node *node;

	for (node = rb_first(&from->iso.ready); node; node = rb_next(node)) {
		struct task *task = rb_entry(node, struct task, iso.node);

		if (may_run_on(task, cpu))
			return task;
	}
	for (unsigned i = RT_PRIORITY_TOP; i > 0; i--) {
		struct task *task;

		if (!(from->rt.ready[i / 64] >> i % 64 & 1))
			continue;
		list_for_each (task, &from->rt.lists[i], rt.link)
			if (may_run_on(task, cpu))
				return task;
	}
	return NULL;
}

/* The CPU where the most urgent task waits, if that is more urgent than `limit`. */
static struct runq *find_urgent_queue(const struct runq *rq, uint64_t limit)
{
	struct runq *best = NULL;

	if (cpumask_empty(&cpus_urgent))
		return NULL;
	cpumask_for_each(cpu, &cpus_urgent)
	{
		struct runq *other = runq_of_cpu(cpu);
		uint64_t urgency = READ_ONCE(other->waiting_urgency);

		if (other != rq && urgency < limit) {
			limit = urgency;
			best = other;
		}
	}
	return best;
}

/* --- idle stealing ----------------------------------------------------------------------------------- */

/* Tasks that wait there, not counting one that an idle CPU is about to run. */
static uint32_t surplus(const struct runq *rq)
{
	uint32_t waiting = READ_ONCE(rq->ready_count);

	return waiting && READ_ONCE(rq->urgency) == URGENCY_IDLE ? waiting - 1 : waiting;
}

static struct runq *find_busy_queue(const struct runq *rq)
{
	enum topology_level nearest = LEVEL_COUNT;
	uint32_t most = 0;
	struct runq *best = NULL;

	cpumask_for_each(cpu, &cpus_online)
	{
		struct runq *other = runq_of_cpu(cpu);
		uint32_t waiting = surplus(other);
		enum topology_level distance;

		if (!waiting || other == rq)
			continue;
		distance = place_distance(rq->cpu, cpu);
		if (distance < nearest || (distance == nearest && waiting > most)) {
			nearest = distance;
			most = waiting;
			best = other;
		}
	}
	return best;
}

static struct task *find_owed_locked(const struct fair_queue *q, const struct runq *from,
				     const struct runq *to, uint64_t now)
{
	struct sched_fair *e = q->first;

	for (unsigned i = 0; e && i < SCAN_MAX; i++, e = fair_queue_next(q, e)) {
		struct task *task = container_of(e, struct task, fair);

		if (may_move(from, to, task, now))
			return task;
	}
	return NULL;
}

static void steal_locked(struct runq *from, struct runq *to, uint64_t now)
{
	struct task *task = find_urgent_locked(from, to->cpu);

	if (!task && surplus(from))
		task = find_owed_locked(&from->fair, from, to, now);
	if (!task && surplus(from))
		task = find_owed_locked(&from->batch, from, to, now);
	if (!task)
		return;
	runq_move_locked(from, to, task, now);
	to->stats.steals++;
}

/* What this CPU would run by itself. */
static uint64_t urgency_here(const struct runq *rq, const struct task *stays)
{
	uint64_t here = MIN(stays ? stays->urgency : URGENCY_IDLE, rq->waiting_urgency);

	return rq->ready_count ? MIN(here, URGENCY_BATCH) : here;
}

bool balance_pull(struct runq *rq, const struct task *stays, uint64_t now)
{
	uint64_t here = urgency_here(rq, stays);
	struct runq *from = find_urgent_queue(rq, here);

	if (!from && here == URGENCY_IDLE)
		from = find_busy_queue(rq);
	if (!from)
		return false;
	spin_unlock(&rq->lock);
	runq_lock_pair(rq, from);
	if (from->waiting_urgency < here || rq->ready_count == 0)
		steal_locked(from, rq, now);
	spin_unlock(&from->lock);
	return true;
}

/* --- periodically ------------------------------------------------------------------------------------ */

static struct runq *find_busiest_queue(const struct runq *rq, uint64_t *load)
{
	struct runq *best = NULL;

	cpumask_for_each(cpu, &cpus_online)
	{
		struct runq *other = runq_of_cpu(cpu);
		uint64_t theirs = place_load(other);

		if (other == rq || !surplus(other) || theirs <= *load)
			continue;
		*load = theirs;
		best = other;
	}
	return best;
}

/* Take from the end of the queue, where those wait who would wait longest. */
static void even_out_locked(struct fair_queue *q, struct runq *from, struct runq *to, uint64_t now,
			    bool rotate)
{
	uint64_t capacity = topology_of(to->cpu)->capacity;
	struct sched_fair *e = fair_queue_last(q);

	for (unsigned i = 0; e && i < SCAN_MAX; i++) {
		struct task *task = container_of(e, struct task, fair);
		uint64_t weight = (uint64_t)task->fair.weight * CAPACITY_FULL / capacity;
		uint64_t mine = place_load(to), theirs = place_load(from);

		e = fair_queue_prev(q, e);
		if (theirs <= mine || (rotate ? 1 : 2) * weight > theirs - mine)
			continue;
		if (!may_move(from, to, task, now))
			continue;
		runq_move_locked(from, to, task, now);
		check_preempt_locked(to, task, now);
		to->stats.balances++;
		to->next_rotate_ns = from->next_rotate_ns = now + ROTATE_NS;
		rotate = false;
	}
}

static void wake_idle_cpu(const struct runq *rq)
{
	uint32_t cpu = cpumask_next(&cpus_idle, 0);

	if (cpu != MAX_CPUS && surplus(rq))
		smp_reschedule(cpu);
}

void balance_periodic(struct runq *rq, uint64_t now)
{
	uint64_t load;
	struct runq *from;

	if (cpu_count == 1 || now < rq->next_balance_ns)
		return;
	rq->next_balance_ns = now + BALANCE_NS;
	wake_idle_cpu(rq);
	load = place_load(rq);
	from = find_busiest_queue(rq, &load);
	if (!from)
		return;
	runq_lock_pair(rq, from);
	even_out_locked(&from->fair, from, rq, now, now >= rq->next_rotate_ns);
	even_out_locked(&from->batch, from, rq, now, now >= rq->next_rotate_ns);
	runq_unlock_pair(rq, from);
}

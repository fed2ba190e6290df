/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/schedstat and /proc/PID/{sched,schedstat}: what the scheduler counts.  Formats are Linux's. */
#include "proc_priv.h"

#include <kernel/format.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/topology.h>
#include <serix/abi_sched.h>

#define SCHEDSTAT_VERSION 15
#define HZ                100 /* Linux counts time stamps here in ticks */
#define DOMAIN_FIELDS     36

/* --- the machine ---------------------------------------------------------------------------------- */

/* Words of 32 bits, the highest first, as many as the machine has CPUs for. */
static void mask_text(struct proc_text *t, const struct cpumask *mask)
{
	for (uint32_t word = (cpu_count + 31) / 32; word-- > 0;)
		text_printf(t, "%08x%s", (uint32_t)(mask->bits[word / 2] >> word % 2 * 32), word ? "," : "");
}

/*
 * The levels at which this CPU has neighbours that the narrower ones lack.  Of the 36 counters of a domain
 * two are kept, for the CPU as a whole, and shown at its widest one: tasks pulled in by balancing, and when
 * idle.
 */
static void domain_lines(struct proc_text *t, uint32_t cpu, const struct sched_cpu_stats *s)
{
	uint32_t narrower = 1, all = cpumask_count(topology_peers(cpu, LEVEL_SYSTEM)), number = 0;

	for (unsigned level = 0; level < LEVEL_COUNT; level++) {
		const struct cpumask *peers = topology_peers(cpu, (enum topology_level)level);
		uint32_t count = cpumask_count(peers);
		uint64_t fields[DOMAIN_FIELDS] = { 0 };

		if (count == narrower)
			continue;
		if (count == all && narrower < all) {
			fields[12] = s->balances; /* lb_gained, not idle */
			fields[20] = s->steals;   /* lb_gained, newly idle */
		}
		narrower = count;
		text_printf(t, "domain%u ", number++);
		mask_text(t, peers);
		for (unsigned i = 0; i < DOMAIN_FIELDS; i++)
			text_printf(t, " %lu", fields[i]);
		text_printf(t, "\n");
	}
}

int proc_show_system_schedstat(struct proc_text *t, const struct proc_node *node)
{
	struct sched_cpu_stats s;

	(void)node;
	text_printf(t, "version %d\ntimestamp %lu\n", SCHEDSTAT_VERSION,
		    (uint64_t)(time_now_ns() / (NSEC_PER_SEC / HZ)));
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		sched_get_cpu_stats(cpu, &s);
		text_printf(t, "cpu%u %lu 0 %lu %lu %lu %lu %lu %lu %lu\n", cpu, s.yields, s.schedules,
			    s.idles, s.wakeups, s.wakeups_local, s.user_ns + s.system_ns, s.wait_ns, s.runs);
		domain_lines(t, cpu, &s);
	}
	return 0;
}

/* --- a task ---------------------------------------------------------------------------------------- */

struct task_look {
	char name[TASK_NAME_LEN];
	pid_t tid;
	uint32_t threads;
	struct sched_policy policy;
	struct sched_task_stats stats;
};

/* Of the thread below task/, else of the first one. */
static int look(const struct proc_node *node, struct task_look *l)
{
	struct process *p = node->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *t = proc_thread_locked(p, node->tid);

	if (t) {
		memcpy(l->name, t->task.name, sizeof(l->name));
		l->tid = t->tid;
		l->threads = p->thread_count;
		sched_get_policy(&t->task, &l->policy);
		sched_get_task_stats(&t->task, &l->stats);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return t ? 0 : -ESRCH;
}

int proc_show_schedstat(struct proc_text *t, const struct proc_node *node)
{
	struct task_look l;
	int err = look(node, &l);

	if (err == 0)
		text_printf(t, "%lu %lu %lu\n", l.stats.run_ns, l.stats.wait_ns, l.stats.runs);
	return err;
}

#define NAME_COLUMN 45

static void number_row(struct proc_text *t, const char *name, int64_t value)
{
	text_printf(t, "%-*s:%21ld\n", NAME_COLUMN, name, value);
}

/* Nanoseconds as milliseconds with six digits. */
static void time_row(struct proc_text *t, const char *name, int64_t ns)
{
	uint64_t size = ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
	char text[32];

	scnprintf(text, sizeof(text), "%s%lu.%06lu", ns < 0 ? "-" : "", (uint64_t)(size / NSEC_PER_MSEC),
		  (uint64_t)(size % NSEC_PER_MSEC));
	text_printf(t, "%-*s:%21s\n", NAME_COLUMN, name, text);
}

int proc_show_sched(struct proc_text *t, const struct proc_node *node)
{
	const struct sched_task_stats *s;
	struct task_look l;
	int err = look(node, &l);

	if (err < 0)
		return err;
	s = &l.stats;
	text_printf(t, "%s (%d, #threads: %u)\n", l.name, l.tid, l.threads);
	text_printf(t, "-------------------------------------------------------------------\n");
	time_row(t, "se.exec_start", (int64_t)s->last_ran_ns);
	time_row(t, "se.vruntime", (int64_t)s->vruntime_ns);
	time_row(t, "se.sum_exec_runtime", (int64_t)s->run_ns);
	time_row(t, "se.lag", s->lag_ns);
	time_row(t, "se.statistics.wait_sum", (int64_t)s->wait_ns);
	number_row(t, "se.nr_migrations", (int64_t)s->migrations);
	number_row(t, "nr_switches", (int64_t)(s->switches_voluntary + s->switches_forced));
	number_row(t, "nr_voluntary_switches", (int64_t)s->switches_voluntary);
	number_row(t, "nr_involuntary_switches", (int64_t)s->switches_forced);
	number_row(t, "se.load.weight", s->weight);
	number_row(t, "policy", l.policy.policy);
	number_row(t, "prio",
		   l.policy.policy == SCHED_DEADLINE ? -1
		   : l.policy.rt_priority            ? RT_PRIORITY_MAX - l.policy.rt_priority
						     : 120 + l.policy.nice);
	if (l.policy.policy == SCHED_DEADLINE) {
		time_row(t, "dl.runtime", s->iso_budget_ns);
		time_row(t, "dl.deadline", (int64_t)s->iso_deadline_ns);
		number_row(t, "dl.misses", (int64_t)s->iso_misses);
	}
	text_printf(t, "%-*s:%21s\n", NAME_COLUMN, "class", s->class_name);
	number_row(t, "cpu", s->cpu);
	return 0;
}

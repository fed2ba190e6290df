/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/{stat,uptime,loadavg,interrupts}: what the processors did since they started. */
#include "proc_priv.h"

#include <kernel/irq.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)

int proc_show_system_uptime(struct proc_text *t, const struct proc_node *node)
{
	uint64_t now = time_now_ns() / (NSEC_PER_SEC / 100);
	struct sched_stats s;
	uint64_t idle;

	(void)node;
	sched_get_stats(&s);
	idle = s.idle_ns / (NSEC_PER_SEC / 100);
	text_printf(t, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
	return 0;
}

static void load_value(struct proc_text *t, uint32_t load)
{
	load += (1u << 11) / 200; /* rounded to two digits */
	text_printf(t, "%u.%02u ", load >> 11, (load & 2047) * 100 >> 11);
}

int proc_show_system_loadavg(struct proc_text *t, const struct proc_node *node)
{
	struct sched_stats s;

	(void)node;
	sched_get_stats(&s);
	for (int i = 0; i < 3; i++)
		load_value(t, s.load[i]);
	text_printf(t, "%lu/%u %d\n", s.runnable, process_count(), process_last_pid());
	return 0;
}

/* Lines of devices, with how often each interrupted; those share one processor so far. */
int proc_show_system_interrupts(struct proc_text *t, const struct proc_node *node)
{
	struct irq_stats irq;

	(void)node;
	text_printf(t, "           CPU0\n");
	for (unsigned i = 0; irq_get_stats(i, &irq); i++)
		text_printf(t, "%3u: %10lu   IO-APIC   %s\n", irq.gsi, irq.count, irq.name);
	return 0;
}

static uint64_t interrupts(void)
{
	struct irq_stats irq;
	uint64_t sum = 0;

	for (unsigned i = 0; irq_get_stats(i, &irq); i++)
		sum += irq.count;
	return sum;
}

int proc_show_system_stat(struct proc_text *t, const struct proc_node *node)
{
	uint64_t user, system, idle;
	struct sched_stats s;

	(void)node;
	sched_get_stats(&s);
	user = s.user_ns / NS_PER_TICK;
	system = s.system_ns / NS_PER_TICK;
	idle = s.idle_ns / NS_PER_TICK;
	text_printf(t, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", user, system, idle);
	/* The scheduler accounts for all processors together: with one, that is its row. */
	if (cpu_count == 1)
		text_printf(t, "cpu0 %lu 0 %lu %lu 0 0 0 0 0 0\n", user, system, idle);
	text_printf(t, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %lu\nprocs_blocked 0\n",
		    interrupts(), s.switches, (time_real_ns() - time_now_ns()) / (uint64_t)NSEC_PER_SEC,
		    process_last_pid(), s.runnable);
	return 0;
}

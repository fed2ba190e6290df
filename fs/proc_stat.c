/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/{stat,uptime,loadavg,interrupts}: what the processors did since they started. */
#include "proc_priv.h"

#include <arch/trap.h>
#include <kernel/irq.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>

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

/* --- interrupts --- */

static void count_columns(struct proc_text *t, uint64_t count, uint32_t cpu)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		text_printf(t, "%10lu ", i == cpu ? count : 0);
}

static void kind_row(struct proc_text *t, const char *name, enum interrupt_kind kind, const char *what)
{
	text_printf(t, "%s: ", name);
	for (uint32_t i = 0; i < cpu_count; i++)
		text_printf(t, "%10lu ", READ_ONCE(cpus[i]->interrupts[kind]));
	text_printf(t, "  %s\n", what);
}

int proc_show_system_interrupts(struct proc_text *t, const struct proc_node *node)
{
	struct irq_stats irq;

	(void)node;
	text_printf(t, "     ");
	for (uint32_t i = 0; i < cpu_count; i++)
		text_printf(t, "      CPU%-2u", i);
	text_printf(t, "\n");
	for (unsigned i = 0; irq_get_stats(i, &irq); i++) {
		text_printf(t, "%3u: ", irq.gsi);
		count_columns(t, irq.count, irq.cpu);
		text_printf(t, "  IO-APIC   %s\n", irq.name);
	}
	kind_row(t, "LOC", INTERRUPT_TIMER, "Local timer interrupts");
	kind_row(t, "RES", INTERRUPT_RESCHEDULE, "Rescheduling interrupts");
	kind_row(t, "CAL", INTERRUPT_CALL, "Function call interrupts");
	return 0;
}

/* The sum of all, then one number for each line of the interrupt controllers. */
static void interrupt_line(struct proc_text *t)
{
	uint64_t total = 0, by_gsi[IRQ_SLOTS] = { 0 };
	unsigned lines = 0;
	struct irq_stats irq;

	for (uint32_t i = 0; i < cpu_count; i++)
		for (unsigned kind = 0; kind < INTERRUPT_KINDS; kind++)
			total += READ_ONCE(cpus[i]->interrupts[kind]);
	for (unsigned i = 0; irq_get_stats(i, &irq); i++) {
		if (irq.gsi >= ARRAY_SIZE(by_gsi))
			continue;
		by_gsi[irq.gsi] = irq.count;
		lines = MAX(lines, irq.gsi + 1);
	}
	text_printf(t, "intr %lu", total);
	for (unsigned i = 0; i < lines; i++)
		text_printf(t, " %lu", by_gsi[i]);
	text_printf(t, "\n");
}

/* --- stat --- */

static void cpu_line(struct proc_text *t, const struct sched_cpu_stats *s)
{
	text_printf(t, " %lu %lu %lu %lu 0 0 0 0 0 0\n", NS_TO_TICKS(s->user_ns - s->nice_ns),
		    NS_TO_TICKS(s->nice_ns), NS_TO_TICKS(s->system_ns), NS_TO_TICKS(s->idle_ns));
}

/* There are no soft interrupts, and nothing that waits for a disk. */
int proc_show_system_stat(struct proc_text *t, const struct proc_node *node)
{
	struct sched_cpu_stats one, sum = { 0 };

	(void)node;
	for (uint32_t i = 0; i < cpu_count; i++) {
		sched_get_cpu_stats(i, &one);
		sum.user_ns += one.user_ns;
		sum.nice_ns += one.nice_ns;
		sum.system_ns += one.system_ns;
		sum.idle_ns += one.idle_ns;
		sum.switches += one.switches;
		sum.runnable += one.runnable;
	}
	text_printf(t, "cpu ");
	cpu_line(t, &sum);
	for (uint32_t i = 0; i < cpu_count; i++) {
		sched_get_cpu_stats(i, &one);
		text_printf(t, "cpu%u", i);
		cpu_line(t, &one);
	}
	interrupt_line(t);
	text_printf(t, "ctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %lu\nprocs_blocked 0\n",
		    sum.switches, (time_real_ns() - time_now_ns()) / (uint64_t)NSEC_PER_SEC,
		    process_made_count(), sum.runnable);
	text_printf(t, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting, and counting it.  A CPU waits with preemption off: whatever wakes it, the idle loop looks first,
 * so the time counted is the time waited.
 *
 * A CPU's figures are written by itself alone (interrupts off) and read by anybody; `disabled` is written by
 * anybody, bit by bit.
 */
#include <kernel/idle.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/idle.h>
#include <kernel/compiler.h>
#include <kernel/freq.h>
#include <kernel/printk.h>
#include <kernel/time.h>

#include "idle_governor.h"

#define POLL_NS (10 * NSEC_PER_USEC)

struct cpu_idle {
	struct idle_history history;
	uint64_t usage[MAX_IDLE_STATES];
	uint64_t time_ns[MAX_IDLE_STATES];
	_Atomic uint32_t disabled; /* [a] bit for each state */
} __aligned(64);

static struct cpu_idle cpu_idle[MAX_CPUS];
static struct idle_state states[MAX_IDLE_STATES] __ro_after_init;
static unsigned state_count __ro_after_init;

void idle_init(void)
{
	state_count = arch_idle_init(states);
	pr_info("idle: %s, down to %s", arch_idle_driver(), states[state_count - 1].name);
}

static uint64_t until_timer_us(uint64_t now_ns)
{
	uint64_t deadline_ns = timer_next_ns();

	return deadline_ns > now_ns ? (deadline_ns - now_ns) / NSEC_PER_USEC : 0;
}

static unsigned choose(const struct cpu_idle *idle, uint64_t now_ns)
{
	return idle_choose(states, state_count, atomic_load_explicit(&idle->disabled, memory_order_relaxed),
			   until_timer_us(now_ns), idle_history_typical(&idle->history),
			   idle_latency_limit_us());
}

/* Spin with interrupts on, so that they get through; not for ever, so that the idle loop has its turn. */
static void poll(struct cpu *cpu, uint64_t began_ns)
{
	uint64_t end_ns = began_ns + POLL_NS;

	arch_irq_enable();
	while (!atomic_load_explicit(&cpu->resched, memory_order_relaxed) && time_now_ns() < end_ns)
		arch_cpu_relax();
	arch_irq_disable();
}

void idle_wait(void)
{
	struct cpu *cpu = arch_this_cpu();
	struct cpu_idle *idle = &cpu_idle[cpu->id];
	uint64_t began_ns = time_now_ns(), waited_ns;
	unsigned state = choose(idle, began_ns);

	freq_tick();
	arch_preempt_count_add(1);
	if (state == IDLE_POLL)
		poll(cpu, began_ns);
	else
		arch_idle_enter(state);
	waited_ns = time_now_ns() - began_ns;
	idle->usage[state]++;
	idle->time_ns[state] += waited_ns;
	idle_history_add(&idle->history, waited_ns / NSEC_PER_USEC);
	arch_preempt_count_add(-1);
	arch_irq_enable();
}

bool idle_polls(uint32_t cpu)
{
	return atomic_load(&cpus[cpu]->resched_watched) != 0;
}

unsigned idle_state_count(void)
{
	return state_count;
}

const struct idle_state *idle_state(unsigned state)
{
	return &states[state];
}

void idle_get_stats(uint32_t cpu, unsigned state, struct idle_stats *out)
{
	const struct cpu_idle *idle = &cpu_idle[cpu];

	out->usage = READ_ONCE(idle->usage[state]);
	out->time_ns = READ_ONCE(idle->time_ns[state]);
	out->disabled = atomic_load_explicit(&idle->disabled, memory_order_relaxed) >> state & 1;
}

uint64_t idle_total_ns(uint32_t cpu)
{
	uint64_t total = 0;

	for (unsigned state = 0; state < state_count; state++)
		total += READ_ONCE(cpu_idle[cpu].time_ns[state]);
	return total;
}

void idle_disable(uint32_t cpu, unsigned state, bool disabled)
{
	if (disabled)
		atomic_fetch_or(&cpu_idle[cpu].disabled, 1u << state);
	else
		atomic_fetch_and(&cpu_idle[cpu].disabled, ~(1u << state));
}

const char *idle_driver(void)
{
	return arch_idle_driver();
}

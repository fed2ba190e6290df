/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting by MWAIT (Intel SDM vol. 2, MONITOR and MWAIT; leaf 5 of CPUID) or by HLT.
 *
 * MWAIT watches this CPU's `resched` word, so a reschedule is a store instead of an interrupt.  That holds
 * while cpu->resched_watched is set; preemption is off then, so whatever an interrupt does in between, no
 * other task runs before the flag is taken back and the idle loop has looked at the word.
 *
 * Under a hypervisor HLT is the default: MWAIT either traps anyway or, in QEMU's TCG with several CPUs,
 * does not wait at all.
 *
 * What a state costs is known per model only (in ACPI's _CST, which is AML, or in tables such as Linux has);
 * the figures here err on the long side for all of them.
 */
#include <arch/idle.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/format.h>
#include <kernel/string.h>

#include "cpu.h"
#include "x86.h"

#define LEAF_MWAIT       0x05
#define LEAF_POWER       0x06
#define MWAIT_EXTENSIONS (1u << 0) /* leaf 5 ECX: the states are listed in EDX */
#define POWER_ARAT       (1u << 2) /* leaf 6 EAX: the APIC timer runs in deep states */
#define BASIC_MONITOR    (1u << 3) /* leaf 1 ECX */
#define STATE_CLASSES    8u        /* C0 to C7 as MWAIT counts them */
#define HINT_C1E         0x01u

static bool use_mwait __ro_after_init;
static struct idle_state known[MAX_IDLE_STATES] __ro_after_init;

/* For the class Cn of MWAIT, n from 1: latency and residency in microseconds. */
static const struct {
	uint16_t latency_us, residency_us;
} class_costs[STATE_CLASSES] = { { 0, 0 },     { 2, 2 },      { 80, 200 },   { 150, 600 },
				 { 250, 900 }, { 400, 1600 }, { 700, 3500 }, { 1000, 5000 } };

static void add_state(unsigned *count, const char *name, uint32_t hint, uint32_t latency_us,
		      uint32_t residency_us)
{
	struct idle_state *s = &known[*count];

	if (*count == MAX_IDLE_STATES)
		return;
	++*count;
	*s = (struct idle_state){ .latency_us = latency_us, .residency_us = residency_us, .hint = hint };
	strlcpy(s->name, name, sizeof(s->name));
}

static void add_mwait_state(unsigned *count, const char *name, uint32_t hint, uint32_t latency_us,
			    uint32_t residency_us)
{
	unsigned index = *count;

	add_state(count, name, hint, latency_us, residency_us);
	if (index < *count)
		scnprintf(known[index].description, sizeof(known[index].description), "MWAIT 0x%02x", hint);
}

/* Deep states stop the APIC's timer and the cycle counter on processors that do not say otherwise. */
static bool deep_states_keep_time(void)
{
	return cpu_features.max_leaf >= LEAF_POWER && (cpuid(LEAF_POWER, 0).eax & POWER_ARAT) &&
	       cpu_features.tsc_invariant;
}

/* EDX has four bits for each class: how many states of it there are. */
static void add_mwait_states(unsigned *count)
{
	struct cpuid leaf = cpuid(LEAF_MWAIT, 0);
	uint32_t counts = leaf.ecx & MWAIT_EXTENSIONS ? leaf.edx : 0;
	char name[8];

	add_mwait_state(count, "C1", 0, class_costs[1].latency_us, class_costs[1].residency_us);
	if ((counts >> 4 & 0xf) > 1)
		add_mwait_state(count, "C1E", HINT_C1E, 10, 20);
	if (!deep_states_keep_time())
		return;
	for (uint32_t class = 2; class < STATE_CLASSES; class ++) {
		if ((counts >> class * 4 & 0xf) == 0)
			continue;
		scnprintf(name, sizeof(name), "C%u", class);
		add_mwait_state(count, name, (class - 1) << 4, class_costs[class].latency_us,
				class_costs[class].residency_us);
	}
}

static bool mwait_usable(void)
{
	return cpu_features.max_leaf >= LEAF_MWAIT && (cpuid(1, 0).ecx & BASIC_MONITOR);
}

unsigned arch_idle_init(struct idle_state *states)
{
	unsigned count = 0;
	char wish[8] = "";

	(void)cmdline_get("idle", wish, sizeof(wish));
	use_mwait = mwait_usable() && strcmp(wish, "halt") != 0 &&
		    (!cpu_features.hypervisor || strcmp(wish, "mwait") == 0);
	add_state(&count, "POLL", 0, 0, 0);
	strlcpy(known[0].description, "spin", sizeof(known[0].description));
	if (strcmp(wish, "poll") == 0) {
		use_mwait = false;
	} else if (use_mwait) {
		add_mwait_states(&count);
	} else {
		add_state(&count, "C1", 0, class_costs[1].latency_us, class_costs[1].residency_us);
		strlcpy(known[1].description, "HLT", sizeof(known[1].description));
	}
	memcpy(states, known, count * sizeof(*states));
	return count;
}

const char *arch_idle_driver(void)
{
	return use_mwait ? "mwait" : "halt";
}

/* STI takes effect after the next instruction: no interrupt can slip in before MWAIT or HLT. */

static void wait_by_mwait(struct cpu *cpu, uint32_t hint)
{
	/* The store comes before the look at `resched`, as in smp_reschedule() the other way round. */
	atomic_store(&cpu->resched_watched, 1);
	__asm__ volatile("monitor" : : "a"(&cpu->resched), "c"(0), "d"(0) : "memory");
	if (!atomic_load(&cpu->resched))
		__asm__ volatile("sti; mwait; cli" : : "a"(hint), "c"(0) : "memory");
	atomic_store(&cpu->resched_watched, 0);
}

void arch_idle_enter(unsigned state)
{
	struct cpu *cpu = arch_this_cpu();

	if (use_mwait) {
		wait_by_mwait(cpu, known[state].hint);
		return;
	}
	if (!atomic_load_explicit(&cpu->resched, memory_order_relaxed))
		__asm__ volatile("sti; hlt; cli" : : : "memory");
}

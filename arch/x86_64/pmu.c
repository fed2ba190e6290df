/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first general counter counts last-level cache misses, in user mode and in the kernel, and never
 * interrupts (Intel SDM vol. 3, 20.2.1: architectural events).  Hypervisors announce counters that they do
 * not let be programmed: what faults is not there.
 */
#include <arch/pmu.h>

#include <arch/cpu.h>

#include "cpu.h"
#include "pmu.h"

#define LEAF_PMU         0x0a
#define MSR_PMC0         0xc1
#define MSR_PERFEVTSEL0  0x186
#define MSR_PERF_GLOBAL  0x38f
#define EVENT_LLC_MISSES 0x412eu /* event 2Eh, unit mask 41h */
#define EVENT_USER       (1u << 16)
#define EVENT_KERNEL     (1u << 17)
#define EVENT_ENABLE     (1u << 22)
#define COUNTER0         0u

bool arch_pmu_present __ro_after_init;

static bool start_counting(const struct cpuid *leaf)
{
	uint64_t enabled = 0;

	if (!msr_try_write(MSR_PERFEVTSEL0, EVENT_LLC_MISSES | EVENT_USER | EVENT_KERNEL | EVENT_ENABLE) ||
	    !msr_try_write(MSR_PMC0, 0))
		return false;
	if ((leaf->eax & 0xff) < PMU_GLOBAL_ENABLE)
		return true;
	return msr_try_read(MSR_PERF_GLOBAL, &enabled) &&
	       msr_try_write(MSR_PERF_GLOBAL, enabled | 1u << COUNTER0);
}

void arch_pmu_init_cpu(void)
{
	struct cpuid leaf;
	bool counting;

	if (cpu_features.max_leaf < LEAF_PMU)
		return;
	leaf = cpuid(LEAF_PMU, 0);
	counting = pmu_counts_cache_misses(&leaf) && start_counting(&leaf);
	/* The others are of the same kind; one that is not shows no misses. */
	if (arch_this_cpu()->id == 0)
		arch_pmu_present = counting;
}

uint32_t arch_pmu_cache_misses(void)
{
	uint32_t low, high;

	__asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(COUNTER0));
	return low;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware-controlled performance states (Intel SDM vol. 3, 15.4).  Once on they stay on until reset, and
 * the old way of asking for a speed is gone; so nothing is turned on before the rest was found.
 */
#include <arch/freq.h>

#include "cpu.h"
#include "x86.h"

#define LEAF_POWER      0x06
#define POWER_HWP       (1u << 7)  /* leaf 6 EAX */
#define POWER_EPP       (1u << 10) /* leaf 6 EAX: the preference is looked at */
#define POWER_APERF     (1u << 0)  /* leaf 6 ECX */
#define MSR_MPERF       0xe7
#define MSR_APERF       0xe8
#define MSR_PM_ENABLE   0x770
#define MSR_HWP_CAPS    0x771
#define MSR_HWP_REQUEST 0x774
#define KHZ_PER_STEP    100000u /* the bus clock's; a hybrid's P cores count finer steps */

static uint32_t power_leaf_eax(void)
{
	return cpu_features.max_leaf >= LEAF_POWER ? cpuid(LEAF_POWER, 0).eax : 0;
}

bool arch_freq_init_cpu(struct freq_caps *out)
{
	uint64_t caps, request;

	if (!(power_leaf_eax() & POWER_HWP) || !msr_try_write(MSR_PM_ENABLE, 1) ||
	    !msr_try_read(MSR_HWP_CAPS, &caps) || !msr_try_read(MSR_HWP_REQUEST, &request))
		return false;
	out->highest = (uint8_t)caps;
	out->lowest = (uint8_t)(caps >> 24);
	out->khz_per_step = KHZ_PER_STEP;
	return out->highest != 0 && out->lowest <= out->highest;
}

void arch_freq_request(const struct freq_request *r)
{
	uint64_t value = r->lowest | (uint64_t)r->highest << 8 | (uint64_t)r->desired << 16;

	if (power_leaf_eax() & POWER_EPP)
		value |= (uint64_t)r->preference << 24;
	(void)msr_try_write(MSR_HWP_REQUEST, value); /* refused: it stays as it was */
}

bool arch_freq_counters(uint64_t *actual, uint64_t *reference)
{
	if (cpu_features.max_leaf < LEAF_POWER || !(cpuid(LEAF_POWER, 0).ecx & POWER_APERF))
		return false;
	return msr_try_read(MSR_APERF, actual) && msr_try_read(MSR_MPERF, reference);
}

const char *arch_freq_driver(void)
{
	return "hwp";
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "freq_policy.h"

#include <kernel/compiler.h>
#include <serix/errno.h>

#define PREFER_SPEED 0u

static uint32_t khz_of(const struct freq_caps *caps, uint32_t step)
{
	return step * caps->khz_per_step;
}

int freq_check_policy(const struct freq_caps *caps, struct freq_policy *policy)
{
	uint32_t low = khz_of(caps, caps->lowest), high = khz_of(caps, caps->highest);

	if (policy->governor >= FREQ_GOVERNORS || policy->min_khz > policy->max_khz)
		return -EINVAL;
	policy->min_khz = MIN(MAX(policy->min_khz, low), high);
	policy->max_khz = MIN(MAX(policy->max_khz, low), high);
	return 0;
}

/* The step at or above a frequency, so that a limit's own step is allowed. */
static uint8_t step_of(const struct freq_caps *caps, uint32_t khz)
{
	uint32_t step = (khz + caps->khz_per_step - 1) / caps->khz_per_step;

	return (uint8_t)MIN(MAX(step, (uint32_t)caps->lowest), (uint32_t)caps->highest);
}

void freq_decide(const struct freq_caps *caps, const struct freq_policy *policy, uint32_t utilisation,
		 struct freq_request *out)
{
	uint32_t wanted;

	out->lowest = step_of(caps, policy->min_khz);
	out->highest = step_of(caps, policy->max_khz);
	out->desired = 0;
	out->preference = policy->preference;
	switch (policy->governor) {
	case FREQ_PERFORMANCE:
		out->lowest = out->highest;
		out->preference = PREFER_SPEED;
		break;
	case FREQ_SCHEDUTIL:
		/* A quarter to spare: a CPU that is full at some speed can be seen to want more. */
		wanted = (MIN(utilisation, (uint32_t)UTILISATION_FULL) * 5 / 4 * caps->highest +
			  UTILISATION_FULL - 1) /
			 UTILISATION_FULL;
		out->desired = (uint8_t)MIN(MAX(wanted, (uint32_t)out->lowest), (uint32_t)out->highest);
		break;
	case FREQ_POWERSAVE:
	case FREQ_GOVERNORS:
		break;
	}
}

uint32_t freq_utilisation(uint64_t idle_ns, uint64_t elapsed_ns)
{
	if (elapsed_ns == 0 || idle_ns >= elapsed_ns)
		return 0;
	return (uint32_t)MIN((elapsed_ns - idle_ns) / MAX(elapsed_ns / UTILISATION_FULL, 1ul),
			     (uint64_t)UTILISATION_FULL);
}

uint32_t freq_measured_khz(uint32_t reference_khz, uint64_t actual, uint64_t reference)
{
	/* No product overflows then, and what is cut off does not count. */
	while ((actual | reference) >> 32) {
		actual >>= 1;
		reference >>= 1;
	}
	return reference ? (uint32_t)MIN(actual * reference_khz / reference, (uint64_t)UINT32_MAX) : 0;
}

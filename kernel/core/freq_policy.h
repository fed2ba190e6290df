/* SPDX-License-Identifier: BSD-2-Clause */
/* From limits, governor and utilisation to a request.  Pure. */
#pragma once

#include <arch/freq.h>

/* Cut the limits to what the CPU can do.  -EINVAL: they cross, or the preference's governor is none. */
int freq_check_policy(const struct freq_caps *caps, struct freq_policy *policy);
/* `utilisation` of UTILISATION_FULL, at the CPU's full speed. */
void freq_decide(const struct freq_caps *caps, const struct freq_policy *policy, uint32_t utilisation,
		 struct freq_request *out);
/* The busy part of a stretch of time, of UTILISATION_FULL. */
uint32_t freq_utilisation(uint64_t idle_ns, uint64_t elapsed_ns);
/* From the advances of a counter at the speed of the moment and of one at a known speed; 0: unknown. */
uint32_t freq_measured_khz(uint32_t reference_khz, uint64_t actual, uint64_t reference);

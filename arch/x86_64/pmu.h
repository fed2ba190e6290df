/* SPDX-License-Identifier: BSD-2-Clause */
/* Architectural performance monitoring as CPUID tells of it.  Pure. */
#pragma once

#include <kernel/types.h>

#include "x86.h"

#define PMU_MIN_WIDTH     32 /* bits that differences are taken in */
#define PMU_LLC_MISSES    4  /* its bit in EBX: set, the event is missing */
#define PMU_GLOBAL_ENABLE 2  /* from this version on there is a switch for all counters */

/* Of leaf 0Ah (Intel SDM vol. 3, 20.2): a counter that is wide enough, and the event. */
static inline bool pmu_counts_cache_misses(const struct cpuid *leaf)
{
	uint32_t version = leaf->eax & 0xff, counters = leaf->eax >> 8 & 0xff, width = leaf->eax >> 16 & 0xff,
		 events = leaf->eax >> 24;

	return version >= 1 && counters >= 1 && width >= PMU_MIN_WIDTH && events > PMU_LLC_MISSES &&
	       !(leaf->ebx >> PMU_LLC_MISSES & 1);
}

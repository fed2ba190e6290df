/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: a counter of what misses the last-level cache. */
#pragma once

#include <kernel/types.h>

/* There is one on every CPU.  [i] after the boot CPU's arch_pmu_init_cpu(). */
extern bool arch_pmu_present;

/* On each CPU as it starts. */
void arch_pmu_init_cpu(void);
/* The running CPU's count.  Only differences mean something, in their low 32 bits. */
uint32_t arch_pmu_cache_misses(void);

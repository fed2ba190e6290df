/* SPDX-License-Identifier: BSD-2-Clause */
/* The one CPU that kernel code sees on the host. */
#include <kernel/percpu.h>

#define WEAK __attribute__((weak))

struct cpu host_cpu;
uint64_t host_cycles;
WEAK struct cpu *cpus[MAX_CPUS] = { &host_cpu };
WEAK uint32_t cpu_count = 1;

void preempt_schedule(void);

WEAK void preempt_schedule(void) {}

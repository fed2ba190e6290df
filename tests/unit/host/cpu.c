/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUs that kernel code sees on the host: one, or one for each thread that asks to be one. */
#include "threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WEAK __attribute__((weak))

struct cpu host_cpu;
_Thread_local struct cpu *host_this_cpu = &host_cpu;
_Thread_local struct task *host_current_task;
_Atomic bool host_has_threads;
uint64_t host_cycles;
struct cpu *cpus[MAX_CPUS] = { &host_cpu };
uint32_t cpu_count = 1;

void host_cpu_start(void)
{
	uint32_t id = __atomic_fetch_add(&cpu_count, 1, __ATOMIC_SEQ_CST);

	atomic_store(&host_has_threads, true);
	host_this_cpu = calloc(1, sizeof(struct cpu));
	if (id >= MAX_CPUS || !host_this_cpu)
		abort();
	host_this_cpu->id = id;
	cpus[id] = host_this_cpu;
}

void host_yield(void)
{
	sched_yield();
}

void preempt_schedule(void);

WEAK void preempt_schedule(void) {}

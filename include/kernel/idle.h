/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU does when it has nothing to do: it waits in one of the machine's idle states.  Deeper ones save
 * more and take longer to leave; a governor picks by how long the wait will probably be.
 *
 *	idle=poll     never stop: the shortest way back, at full power
 *	idle=halt     the machine's plain halt only
 *	idle=mwait    the machine's idle states even where they are a bad choice (under a hypervisor)
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

#define MAX_IDLE_STATES 10
#define IDLE_POLL       0 /* the first state is always to spin */

struct idle_state {
	char name[8];
	char description[32];
	uint32_t latency_us;   /* from the interrupt to the first instruction, at worst */
	uint32_t residency_us; /* shorter waits cost more than they save */
	uint32_t hint;         /* the machine's own */
};

struct idle_stats {
	uint64_t usage; /* how often it was entered */
	uint64_t time_ns;
	bool disabled;
};

void idle_init(void);
/* Interrupts off and nothing to run: wait for an interrupt or a reschedule.  Returns with interrupts on. */
void idle_wait(void);
/* Is a write to cpu->resched enough to make it look?  Else it must be interrupted. */
bool idle_polls(uint32_t cpu);

unsigned idle_state_count(void);
const struct idle_state *idle_state(unsigned state);
void idle_get_stats(uint32_t cpu, unsigned state, struct idle_stats *out);
uint64_t idle_total_ns(uint32_t cpu); /* in all states; a wait in progress not counted */
void idle_disable(uint32_t cpu, unsigned state, bool disabled);
const char *idle_driver(void);

/* Somebody who cannot bear that CPUs take long to wake up (kernel/core/idle_latency.c).  While a request
 * stands no state is entered that may take longer to leave than the least of all asks for.  Add it, set it,
 * as often as need be, remove it; set may sleep. */
#define IDLE_LATENCY_ANY UINT32_MAX
struct idle_latency_request {
	struct list link;
	uint32_t limit_us;
};
void idle_latency_add(struct idle_latency_request *request);
void idle_latency_set(struct idle_latency_request *request, uint32_t us);
void idle_latency_remove(struct idle_latency_request *request);
uint32_t idle_latency_limit_us(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load averages: every 5 seconds the number of runnable tasks is folded into three exponentially decaying
 * means with periods of 1, 5 and 15 minutes, in fixed point with 11 fraction bits.
 */
#include "sched_priv.h"

#include <kernel/percpu.h>

#define PERIOD_NS (5 * NSEC_PER_SEC)
#define FIXED_1   2048u

/* FIXED_1 * exp(-5 s / period) */
static const uint32_t decay[3] = { 1884, 2014, 2037 };

static struct timer sample_timer;
static _Atomic uint32_t loads[3];

static void sample(struct timer *timer)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < cpu_count; i++) {
		struct runq *rq = cpus[i]->runq;

		running += READ_ONCE(rq->ready_count) + (READ_ONCE(rq->current) != rq->idle);
	}
	for (int i = 0; i < 3; i++) {
		uint64_t active = (uint64_t)running * FIXED_1;
		uint64_t load = (uint64_t)loads[i] * decay[i] + active * (FIXED_1 - decay[i]);

		if (active >= loads[i]) /* rounded up, or it would never arrive */
			load += FIXED_1 - 1;
		loads[i] = (uint32_t)(load / FIXED_1);
	}
	timer_arm(timer, time_now_ns() + PERIOD_NS);
}

void loadavg_init(void)
{
	timer_init(&sample_timer, sample);
	timer_arm(&sample_timer, time_now_ns() + PERIOD_NS);
}

void loadavg_read(uint32_t out[3])
{
	for (int i = 0; i < 3; i++)
		out[i] = loads[i];
}

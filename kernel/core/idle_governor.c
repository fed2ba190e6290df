/* SPDX-License-Identifier: BSD-2-Clause */
#include "idle_governor.h"

#include <kernel/compiler.h>

#define WAIT_MAX   (1u << 26)         /* a minute is as good as for ever, and its square can be summed up */
#define ENOUGH     (IDLE_HISTORY - 2) /* waits that must agree: two may be outliers */
#define ALIKE_US   20                 /* a standard deviation below this is agreement anyway */
#define ALIKE_PART 6                  /* as is one below this part of the average */

void idle_history_add(struct idle_history *history, uint64_t waited_us)
{
	history->waited_us[history->next] = (uint32_t)MIN(waited_us, (uint64_t)WAIT_MAX);
	history->next = (history->next + 1) % IDLE_HISTORY;
	history->count = MIN(history->count + 1, (unsigned)IDLE_HISTORY);
}

/* Average and variance of the waits up to `limit`; returns how many there are. */
static unsigned summarize(const struct idle_history *history, uint32_t limit, uint64_t *average,
			  uint64_t *variance, uint32_t *longest)
{
	uint64_t sum = 0, squares = 0;
	unsigned n = 0;

	*longest = 0;
	for (unsigned i = 0; i < IDLE_HISTORY; i++) {
		if (history->waited_us[i] > limit)
			continue;
		sum += history->waited_us[i];
		*longest = MAX(*longest, history->waited_us[i]);
		n++;
	}
	*average = n ? sum / n : 0;
	for (unsigned i = 0; i < IDLE_HISTORY; i++) {
		int64_t off = (int64_t)history->waited_us[i] - (int64_t)*average;

		if (history->waited_us[i] <= limit)
			squares += (uint64_t)(off * off);
	}
	*variance = n ? squares / n : 0;
	return n;
}

uint32_t idle_history_typical(const struct idle_history *history)
{
	uint64_t average, variance;
	uint32_t limit = UINT32_MAX, longest;

	if (history->count < IDLE_HISTORY)
		return UINT32_MAX;
	while (summarize(history, limit, &average, &variance, &longest) >= ENOUGH) {
		if (variance <= ALIKE_US * ALIKE_US ||
		    variance * ALIKE_PART * ALIKE_PART <= average * average)
			return (uint32_t)average;
		if (longest == 0)
			break;
		limit = longest - 1; /* without the longest: it may have been the odd one */
	}
	return UINT32_MAX;
}

unsigned idle_choose(const struct idle_state *states, unsigned count, uint32_t disabled, uint64_t timer_us,
		     uint32_t typical_us, uint32_t latency_limit_us)
{
	uint64_t wait_us = MIN(timer_us, (uint64_t)typical_us);
	unsigned chosen = UINT32_MAX;

	for (unsigned i = 0; i < count; i++) {
		if (disabled >> i & 1)
			continue;
		if (chosen != UINT32_MAX &&
		    (states[i].residency_us > wait_us || states[i].latency_us > latency_limit_us))
			break;
		chosen = i;
	}
	return chosen == UINT32_MAX ? IDLE_POLL : chosen;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which idle state to wait in.  Pure.
 *
 * The wait ends at the next timer at the latest.  Often something else ends it before, and then recent waits
 * are the better guess: when most of the last ones were about as long as each other, the next one will be,
 * too.  The deepest state that pays off within the shorter of the two, and that is left fast enough, wins.
 */
#pragma once

#include <kernel/idle.h>

#define IDLE_HISTORY 8

struct idle_history {
	uint32_t waited_us[IDLE_HISTORY];
	unsigned next; /* the oldest, to be replaced */
	unsigned count;
};

void idle_history_add(struct idle_history *history, uint64_t waited_us);
/* What the last waits have in common; UINT32_MAX: nothing. */
uint32_t idle_history_typical(const struct idle_history *history);

/* `disabled` has a bit for each state that may not be used; state 0 is taken when all others are out. */
unsigned idle_choose(const struct idle_state *states, unsigned count, uint32_t disabled, uint64_t timer_us,
		     uint32_t typical_us, uint32_t latency_limit_us);

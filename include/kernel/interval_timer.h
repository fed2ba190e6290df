/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A timer that counts: the arithmetic of timerfd_create(2), without a clock.
 *
 * After an expiry was counted the timer rests until somebody asks; only then what came due meanwhile is
 * added, by one division.  So the shortest interval costs no more than its reader reads.
 */
#pragma once

#include <kernel/types.h>

struct interval_timer {
	uint64_t due_ns;      /* on its clock; 0: disarmed */
	uint64_t interval_ns; /* 0: once */
	uint64_t ticks;       /* expiries that nobody has heard of yet */
	bool rests;           /* the expiry at due_ns is counted */
};

void interval_timer_set(struct interval_timer *it, uint64_t due_ns, uint64_t interval_ns);
/* Count the expiry if it is time and it is not counted yet: true. */
bool interval_timer_expire(struct interval_timer *it, uint64_t now_ns);
/* Go on after a rest: count what came due, and set the next expiry in phase.  True: it waits for that. */
bool interval_timer_resume(struct interval_timer *it, uint64_t now_ns);
/* Until the next expiry, and at least 1; 0: there is none. */
uint64_t interval_timer_left(const struct interval_timer *it, uint64_t now_ns);

static inline bool interval_timer_waits(const struct interval_timer *it)
{
	return it->due_ns && !it->rests;
}

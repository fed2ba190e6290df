/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a wait ends: at a time of the monotonic clock, or of the real-time clock, however that is set while
 * somebody waits.
 */
#pragma once

#include <kernel/timespec.h>
#include <kernel/wait.h>

struct deadline {
	uint64_t ns; /* WAIT_FOREVER: never */
	bool real;   /* `ns` is of the real-time clock */
};

/* Its monotonic time, as the clocks are now. */
static inline uint64_t deadline_at(const struct deadline *d)
{
	return d->real && d->ns != WAIT_FOREVER ? deadline_of_real(d->ns) : d->ns;
}

/* Between the two the running task is woken whenever the real-time clock is set, if that is what `d` is of:
 * it computes deadline_at() anew then.  `w` is the caller's. */
void deadline_follow(const struct deadline *d, struct waiter *w);
void deadline_leave(const struct deadline *d, struct waiter *w);

/* As wait_event_interruptible(); also -ETIMEDOUT. */
#define wait_event_deadline(wq, cond, d)                                      \
	({                                                                    \
		struct waiter clock_;                                         \
		int result_;                                                  \
		deadline_follow(d, &clock_);                                  \
		result_ = wait_event_timeout(wq, cond, deadline_at(d), true); \
		deadline_leave(d, &clock_);                                   \
		result_;                                                      \
	})

/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as programs pass them, in nanoseconds and back. */
#pragma once

#include <kernel/time.h>
#include <serix/abi.h>

#define TIME_FOREVER UINT64_MAX

/* May a system call accept it? */
static inline bool timespec_valid(const struct abi_timespec *ts)
{
	return ts->sec >= 0 && ts->nsec >= 0 && ts->nsec < (int64_t)NSEC_PER_SEC;
}

static inline bool timeval_valid(const struct abi_timeval *tv)
{
	return tv->sec >= 0 && tv->usec >= 0 && tv->usec < 1000000;
}

/* Of a valid time; what does not fit is for ever. */
static inline uint64_t timespec_to_ns(const struct abi_timespec *ts)
{
	if ((uint64_t)ts->sec >= TIME_FOREVER / NSEC_PER_SEC - 1)
		return TIME_FOREVER;
	return (uint64_t)ts->sec * NSEC_PER_SEC + (uint64_t)ts->nsec;
}

static inline uint64_t timeval_to_ns(const struct abi_timeval *tv)
{
	struct abi_timespec ts = { tv->sec, tv->usec * 1000 };

	return timespec_to_ns(&ts);
}

static inline struct abi_timespec ns_to_timespec(uint64_t ns)
{
	return (struct abi_timespec){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
}

static inline struct abi_timeval ns_to_timeval(uint64_t ns)
{
	return (struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

/* `ns` from now on the monotonic clock, saturating. */
static inline uint64_t deadline_after(uint64_t ns)
{
	uint64_t now = time_now_ns();

	return ns >= TIME_FOREVER - now ? TIME_FOREVER : now + ns;
}

/* The monotonic time at which the real-time clock, as it is set now, shows `real_ns`. */
static inline uint64_t deadline_of_real(uint64_t real_ns)
{
	uint64_t real = time_real_ns();

	return real_ns <= real ? time_now_ns() : deadline_after(real_ns - real);
}

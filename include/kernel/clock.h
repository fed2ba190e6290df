/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks by the numbers that programs use: clock_gettime(2).  Linux's.
 *
 * A negative number is a CPU-time clock, as clock_getcpuclockid(3) makes it: the complement of a pid (0: the
 * caller) shifted by three, one bit for the clock of a thread alone, and which of its clocks.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

enum clock_id {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	CLOCK_REALTIME_ALARM,
	CLOCK_BOOTTIME_ALARM,
	CLOCK_TAI = 11,
};

#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_WHICH  3
enum { CPU_CLOCK_PROF, CPU_CLOCK_VIRT, CPU_CLOCK_SCHED };

/* The pid of a CPU-time clock's process or thread. */
static inline pid_t cpu_clock_owner(int id)
{
	return (pid_t)(~(uint32_t)id >> 3);
}

/* What it shows.  -EINVAL: there is no such clock, or whose it is has ended. */
int clock_read(int id, uint64_t *ns) __must_check;
/* Can one sleep by it?  0, -EOPNOTSUPP, -EINVAL. */
int clock_check_sleep(int id) __must_check;
/* Sleep until it shows ns, however it is set meanwhile; CPU time is looked at once in a millisecond at most.
 * -EINTR, and -EINVAL as clock_read(). */
int clock_sleep_until(int id, uint64_t ns) __must_check;
/* The real-time clock was set: whoever sleeps by it looks again. */
void sleepers_clock_was_set(void);

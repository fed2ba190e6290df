/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and timers.  Monotonic time counts nanoseconds since the kernel started, from the calibrated
 * cycle counter.  Real time is monotonic time plus an offset that the RTC gives and clock_settime moves.
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/rbtree.h>
#include <kernel/types.h>

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

/* `frequency` of the cycle counter in Hz, from calibration; time starts at 0 now. */
void time_init(uint64_t frequency);
uint64_t time_now_ns(void); /* monotonic; 0 before time_init */
/* The same, inline, for switches of tasks. */
extern struct clock {
	uint64_t base; /* cycles */
	uint64_t mult; /* ns per cycle, 32 fraction bits; 0: the clock is not known yet */
} time_clock;
static inline uint64_t clock_now_ns(void)
{
	return (uint64_t)(((unsigned __int128)(arch_cycles_ordered() - time_clock.base) * time_clock.mult) >>
			  32);
}
uint64_t time_real_ns(void); /* since 1970-01-01 UTC */
void time_set_real_ns(uint64_t now);
/* The time zone that settimeofday(2) keeps for those who ask; the kernel goes by UTC. */
struct time_zone {
	int32_t minutes_west, dst;
};
struct time_zone time_zone(void);
void time_set_zone(struct time_zone zone);
uint64_t time_cycles_per_sec(void);
/* Once, before real time is set: keep what is needed to tell the time in `to`, where programs read it. */
struct vdso_data;
void time_publish(struct vdso_data *to);

/* Busy-wait, for device protocols only. */
void delay_us(uint64_t us);

struct timer {
	struct rb_node node;             /* [timer lock of its CPU] */
	uint64_t deadline_ns;            /* monotonic */
	void (*fn)(struct timer *timer); /* runs in interrupt context; may re-arm */
	uint32_t cpu;                    /* whose queue it is on, or was on last */
	bool armed;
};

void timer_init(struct timer *timer, void (*fn)(struct timer *));
/* Re-arms if armed; never waits for fn.  Calls for one timer are serialised by the caller. */
void timer_arm(struct timer *timer, uint64_t deadline_ns);
/* After it returns fn is not running (unless called from fn) and will not run.  True if it was armed.  Waits
 * for fn on another CPU: not to be called under a lock that fn takes. */
bool timer_cancel(struct timer *timer);
/* When this CPU's timer interrupts next, at the latest; UINT64_MAX: it will not.  Interrupts off. */
uint64_t timer_next_ns(void);
/* From the timer interrupt: run what is due and program the next one. */
void timer_interrupt(void);

struct civil_time {
	int year, month, day, hour, minute, second; /* month 1-12 */
};
uint64_t civil_to_unix(const struct civil_time *t);

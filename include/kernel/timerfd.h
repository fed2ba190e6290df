/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers with a descriptor: timerfd_create(2).  Objects of type TIMER, which are files. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct file;

/* As a program words it: the time until, or at, which it expires first (0: disarmed), and the interval from
 * then on. */
struct timerfd_value {
	uint64_t value_ns, interval_ns;
};

/* -EINVAL: no such clock or flag; -EPERM: an alarm clock, which only the superuser has; -ENOMEM. */
int timerfd_create(int clock, uint32_t flags, struct file **out) __must_check;
/* Set it, and tell what was left.  -ECANCELED: it is set, and the clock was, too, since the last time that
 * somebody was told.  The file is a timer. */
int timerfd_set(struct file *file, uint32_t flags, const struct timerfd_value *set,
		struct timerfd_value *old);
void timerfd_get(struct file *file, struct timerfd_value *out);
/* The real-time clock was set. */
void timerfd_clock_was_set(void);

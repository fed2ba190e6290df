/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contention by class of lock: locks of one name are one class.  Counted only where somebody waits, so a free
 * lock costs nothing.
 */
#pragma once

#include <kernel/types.h>

struct lock_class {
	const char *name;
	uint64_t contentions;          /* times that somebody had to wait */
	uint64_t wait_us, wait_max_us; /* spinning, or asleep for a mutex */
};

/* A wait of `cycles` for a lock of that name is over.  Any context. */
void lockstat_waited(const char *name, uint64_t cycles);
/* The n-th class that had to be waited for; false behind the last. */
bool lockstat_get(unsigned n, struct lock_class *out);
/* Start counting from zero. */
void lockstat_reset(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping reader-writer lock: many readers or one writer.  Used as a mutex is: never in interrupt
 * handlers, never with a spinlock held, ranked.
 *
 * Neither side starves: a reader that arrives while a writer waits stands back once, and a writer that
 * leaves lets the readers that wait try first.
 */
#pragma once

#include <kernel/wait.h>

struct rwlock {
	/* Bit 0: a writer holds it.  Bits 1 to 31: how many writers wait.  From bit 32 on: readers in it. */
	_Atomic uint64_t state;
	struct waitqueue readers, writers;
	uint16_t rank;
	const char *name;
};

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank);
void read_lock(struct rwlock *l);
void read_unlock(struct rwlock *l);
void write_lock(struct rwlock *l);
void write_unlock(struct rwlock *l);
/* The lock stays taken; readers may join from now on. */
void write_to_read(struct rwlock *l);

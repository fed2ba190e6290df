/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's generator: XChaCha20 with fast key erasure, seeded by the loader, the CPU and the timing of
 * interrupts.  One root, and below it one generator for each CPU, so that drawing takes no lock.
 */
#pragma once

#include <kernel/types.h>

struct random_cpu;

/* Seed from boot entropy and the CPU's own source.  Comes before the first request, which is asserted. */
void random_init(const void *entropy, size_t len);
/* The generator of a CPU that is about to start, for its struct cpu.  NULL: no memory. */
struct random_cpu *random_create_cpu(void);
/* Mix in what may be unknown to somebody.  Counts from the next reseeding on.  Any context. */
void random_add(const void *data, size_t len);
/* An interrupt, and a word about it: remember when it came, for the next reseeding.  Interrupts are off. */
void random_interrupt(uint64_t word);
/* Never fails, never blocks.  Any context. */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's generator: ChaCha20 with fast key erasure, seeded by the loader, the CPU and timing. */
#pragma once

#include <kernel/types.h>

/* Seed from boot entropy and the CPU's own source.  Comes before the first request, which is asserted. */
void random_init(const void *entropy, size_t len);
/* Mix in an event (a time stamp of an interrupt, say).  Any context. */
void random_add(const void *data, size_t len);
/* Never fails, never blocks.  Any context. */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);

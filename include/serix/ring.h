/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared rings: how one producer and one consumer use memory that both have mapped, and a notification to
 * sleep on. The kernel knows nothing of rings; each side needs a capability to the memory, which cannot
 * change its size (sealed), and one to the notification.  <libserix/ring.h> does all this.
 *
 * The memory is a page with the header, then the data, a power of two of bytes.  `head` counts the bytes
 * ever produced, `tail` those consumed; each is written by one side, which keeps its own copy and never
 * reads it back.  What the other side wrote is believed only if 0 <= head - tail <= size.
 *
 * Sleeping: a side sets its `sleeps`, looks at the other's index once more, and waits for its bit.  The
 * other side, after it has written its index, looks at `sleeps` (both with a full barrier in between) and
 * signals the bit.  A signal too many only costs a look.
 */
#pragma once

#include <stdint.h>

#define RING_HEADER   4096u /* bytes before the data */
#define RING_SIZE_MIN 4096u
#define RING_SIZE_MAX (1u << 30)

#define RING_DATA 1u /* bits of the notification: for the consumer, */
#define RING_ROOM 2u /* for the producer */

struct ring_side {
	_Alignas(64) _Atomic uint64_t index;
	_Alignas(64) _Atomic uint32_t sleeps;
};

struct ring_header {
	struct ring_side producer; /* index: head */
	struct ring_side consumer; /* index: tail */
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of a context's ring, without its memory: how many slots there are, and which are taken. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_aio.h>

struct aio_ring {
	uint32_t slots; /* one of them is always free, so that full is not empty */
	uint32_t tail;
	uint32_t busy; /* places that are promised */
};

#define AIO_RING_BYTES_MAX 0x10000000u /* of events, as on Linux */

/* Bytes for a ring of that many requests, or 0: too many.  Twice as many events as asked for, as on Linux,
 * and at least eight for each CPU. */
static inline uint64_t aio_ring_bytes(uint32_t requests, uint32_t processors)
{
	uint64_t events = 2 * MAX((uint64_t)requests, 4 * (uint64_t)processors);

	if (events > AIO_RING_BYTES_MAX / sizeof(struct abi_io_event))
		return 0;
	return sizeof(struct abi_aio_ring) + (events + 2) * sizeof(struct abi_io_event);
}

/* Slots in so many bytes of whole pages. */
static inline uint32_t aio_ring_slots(uint64_t bytes)
{
	return (uint32_t)((bytes - sizeof(struct abi_aio_ring)) / sizeof(struct abi_io_event));
}

/* Where slot `n` lies; never across a page's end. */
static inline uint64_t aio_ring_offset(uint32_t n)
{
	return sizeof(struct abi_aio_ring) + (uint64_t)n * sizeof(struct abi_io_event);
}

/* Events that wait, if the reader is at `head`, which may be any number. */
static inline uint32_t aio_ring_unread(const struct aio_ring *r, uint32_t head)
{
	head %= r->slots;
	return r->tail >= head ? r->tail - head : r->tail + r->slots - head;
}

static inline bool aio_ring_reserve(struct aio_ring *r, uint32_t head)
{
	if (r->busy + aio_ring_unread(r, head) >= r->slots - 1)
		return false;
	r->busy++;
	return true;
}

/* The slot of the next event, which uses up a place. */
static inline uint32_t aio_ring_take(struct aio_ring *r)
{
	uint32_t slot = r->tail;

	r->tail = (r->tail + 1) % r->slots;
	r->busy--;
	return slot;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of a ring, without its memory: how large what is, and where; what is there to take, and what
 * room there is, whatever a program wrote for its own ends. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <kernel/uring.h>
#include <serix/errno.h>

/* What lies at the start of the rings; programs learn where from the calls' offsets. */
struct uring_header {
	uint32_t sq_head, sq_tail, cq_head, cq_tail;
	uint32_t sq_mask, cq_mask, sq_entries, cq_entries;
	uint32_t sq_dropped, sq_flags, cq_flags, cq_overflow;
};

#define URING_CQES_AT 256u

struct uring_layout {
	uint32_t sq_entries, cq_entries; /* powers of two */
	uint64_t array_at;               /* behind the completions */
	uint64_t ring_bytes, sqe_bytes;
};

static inline uint32_t uring_round_up(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* -EINVAL; with IORING_SETUP_CLAMP too many are as many as there may be. */
static inline int uring_entries(uint32_t wanted, uint32_t most, bool clamp, uint32_t *out)
{
	if (wanted == 0 || (wanted > most && !clamp))
		return -EINVAL;
	*out = uring_round_up(MIN(wanted, most));
	return 0;
}

static inline int uring_layout(uint32_t entries, uint32_t cq_entries, uint32_t flags,
			       struct uring_layout *out)
{
	bool clamp = flags & IORING_SETUP_CLAMP;
	int err = uring_entries(entries, URING_ENTRIES_MAX, clamp, &out->sq_entries);

	if (err < 0)
		return err;
	out->cq_entries = 2 * out->sq_entries;
	if (flags & IORING_SETUP_CQSIZE) {
		err = uring_entries(cq_entries, 2 * URING_ENTRIES_MAX, clamp, &out->cq_entries);
		if (err < 0 || out->cq_entries < out->sq_entries)
			return -EINVAL;
	}
	out->array_at = URING_CQES_AT + (uint64_t)out->cq_entries * sizeof(struct abi_cqe);
	out->ring_bytes = out->array_at + (uint64_t)out->sq_entries * sizeof(uint32_t);
	out->sqe_bytes = (uint64_t)out->sq_entries * sizeof(struct abi_sqe);
	return 0;
}

static inline uint64_t uring_cqe_at(const struct uring_layout *l, uint32_t tail)
{
	return URING_CQES_AT + (uint64_t)(tail & (l->cq_entries - 1)) * sizeof(struct abi_cqe);
}

static inline uint64_t uring_index_at(const struct uring_layout *l, uint32_t head)
{
	return l->array_at + (uint64_t)(head & (l->sq_entries - 1)) * sizeof(uint32_t);
}

/* Requests to take; a tail that cannot be is one of a full queue. */
static inline uint32_t uring_waiting(const struct uring_layout *l, uint32_t head, uint32_t tail)
{
	return MIN(tail - head, l->sq_entries);
}

/* Completions that the program has not taken; a head that cannot be leaves no room. */
static inline uint32_t uring_unread(const struct uring_layout *l, uint32_t head, uint32_t tail)
{
	return MIN(tail - head, l->cq_entries);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared rings (<serix/ring.h>): bytes from one producer to one consumer, without the kernel while neither
 * waits.
 *
 *	maker		ring_create(), hand `memory` and `bell` to the other side, ring_attach()
 *	other side	ring_attach() with what it was handed
 *
 * Each struct ring is for one thread of one side.  Nothing that the other side does makes this one read or
 * write outside the ring; what it produces is its own affair.  Results are 0 or more, or a negative errno:
 *	-EAGAIN, -ETIMEDOUT, -EINTR   as for ports
 *	-EPROTO                       the other side's index is impossible: give the ring up
 *	-EBADF                        the other side, or somebody above, revoked the bell
 */
#pragma once

#include <serix/ipc.h>
#include <serix/ring.h>
#include <stddef.h>

struct ring_handles {
	int memory; /* both are the caller's, to be closed with close(2) */
	cap_handle_t bell;
};

struct ring {
	struct ring_header *shared;
	char *data;
	uint64_t size;
	uint64_t mine;  /* this side's index */
	uint64_t other; /* the other side's, as it was checked last */
	cap_handle_t bell;
};

/* `size`: bytes of data, a power of two, RING_SIZE_MIN to RING_SIZE_MAX.  Both handles are closed by exec. */
int ring_create(uint64_t size, struct ring_handles *out);
/* Map it; the handles may be closed afterwards but for the bell.  -EINVAL: no ring, or one whose size may
 * change. */
int ring_attach(int memory, cap_handle_t bell, struct ring *ring);
void ring_detach(struct ring *ring);

/* All of it, when there is room for it.  -EMSGSIZE: there never is. */
int ring_produce(struct ring *ring, const void *data, size_t size, uint64_t timeout_ns);
/* Exactly so much, when it is there. */
int ring_consume(struct ring *ring, void *data, size_t size, uint64_t timeout_ns);
/* At least a byte and at most `size`: how many. */
long ring_read(struct ring *ring, void *data, size_t size, uint64_t timeout_ns);

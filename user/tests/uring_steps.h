/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps with one ring that must succeed, for cases that run by passes() of child.h. */
#pragma once

#include <stdlib.h>

#include "child.h"
#include "uring_calls.h"

static struct ring ring;

static inline void make_with(unsigned entries, unsigned flags, unsigned cq_entries)
{
	need(ring_setup(&ring, entries, flags, cq_entries) == 0);
}

static inline void make(void)
{
	make_with(8, 0, 0);
}

/* One that is empty and has no name. */
static inline int file(void)
{
	int fd = memfd_create("uring", 0);

	need(fd >= 0);
	return fd;
}

static inline void put(struct abi_sqe sqe)
{
	ring_put(&ring, &sqe);
}

static inline void put_as(struct abi_sqe sqe, uint64_t user_data, unsigned flags)
{
	sqe.user_data = user_data;
	sqe.flags = (uint8_t)flags;
	ring_put(&ring, &sqe);
}

static inline struct abi_sqe nop(void)
{
	return sqe_of(IORING_OP_NOP, -1, NULL, 0, 0);
}

/* Wait for a completion: what it says. */
static inline struct abi_cqe next(void)
{
	struct abi_cqe c = { 0 };

	while (!ring_get(&ring, &c))
		need(ring_submit(&ring, 1) >= 0);
	return c;
}

static inline bool nothing(void)
{
	struct abi_cqe c;

	need(ring_enter(&ring, 0, 0, IORING_ENTER_GETEVENTS) == 0);
	return !ring_get(&ring, &c);
}

/* The next completion is that one. */
static inline bool is(uint64_t user_data, int res)
{
	struct abi_cqe c = next();

	if (c.user_data == user_data && c.res == res)
		return true;
	printf("# request %d: %d\n", (int)c.user_data, c.res);
	return false;
}

/* One request and what comes of it. */
static inline int run(struct abi_sqe sqe)
{
	struct abi_cqe c;

	put(sqe);
	need(ring_submit(&ring, 1) == 1);
	c = next();
	need(c.user_data == 42 && c.flags == 0);
	return c.res;
}

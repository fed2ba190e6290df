/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reference counts that saturate: a counter that would overflow stays at REFCOUNT_MAX for ever, so the
 * object leaks instead of being freed under somebody's feet.  Taking a reference on zero is a kernel
 * bug and asserts.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/assert.h>

#define REFCOUNT_MAX 0x80000000u

struct refcount {
	_Atomic uint32_t n;
};

#define REFCOUNT_INIT(v) \
	{                \
		v        \
	}

static inline void refcount_set(struct refcount *r, uint32_t v)
{
	atomic_store_explicit(&r->n, v, memory_order_relaxed);
}

static inline uint32_t refcount_read(const struct refcount *r)
{
	return atomic_load_explicit(&r->n, memory_order_relaxed);
}

static inline void refcount_get(struct refcount *r)
{
	uint32_t old = atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);

	ASSERT(old != 0);
	if (unlikely(old >= REFCOUNT_MAX))
		refcount_set(r, REFCOUNT_MAX);
}

/* For look-ups without a lock: takes a reference unless the count has already dropped to zero. */
static inline bool refcount_get_unless_zero(struct refcount *r)
{
	uint32_t old = refcount_read(r);

	do {
		if (old == 0)
			return false;
		if (old >= REFCOUNT_MAX)
			return true;
	} while (!atomic_compare_exchange_weak_explicit(&r->n, &old, old + 1, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

/* True when the caller dropped the last reference and must free the object. */
static inline bool refcount_put(struct refcount *r)
{
	uint32_t old;

	if (unlikely(refcount_read(r) >= REFCOUNT_MAX))
		return false;
	old = atomic_fetch_sub_explicit(&r->n, 1, memory_order_acq_rel);
	ASSERT(old != 0);
	return old == 1;
}

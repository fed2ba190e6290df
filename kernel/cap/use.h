/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up and its end that are on the way of nearly every call, inline for the fastest of them. */
#pragma once

#include "cap_priv.h"

/*
 * As cap_use(), with preemption off, for what is likely: a slot of the first leaf, a capability that does not
 * expire, a lock that is free.  NULL: something is not so, and cap_use() knows what.
 */
static __always_inline struct capability *cap_use_likely(struct cap_table *table, cap_handle_t handle,
							 enum object_type type, uint32_t rights)
{
	uint32_t index = cap_handle_slot(handle), generation = (uint32_t)(handle >> 32);
	const struct cap_slot *slot = &table->slots.first.slots[index % CAP_LEAF_SLOTS];
	struct capability *cap;

	if (unlikely(index >= CAP_LEAF_SLOTS || !spin_tryacquire_(&table->lock)))
		return NULL;
	cap = slot->cap;
	if (unlikely(!cap || (generation != 0 && generation != slot->reused + 1) ||
		     atomic_load_explicit(&cap->expires, memory_order_relaxed) != 0))
		goto out_unlock;
	if (unlikely((type != OBJECT_NONE && cap->type != type) ||
		     (atomic_load_explicit(&cap->rights, memory_order_relaxed) & rights) != rights ||
		     !cap_begin(cap)))
		goto out_unlock;
	spin_release_(&table->lock);
	return cap;
out_unlock:
	spin_release_(&table->lock);
	return NULL;
}

/* As cap_done(). */
static __always_inline void cap_done_inline(struct capability *cap)
{
	uint32_t before = atomic_fetch_sub_explicit(&cap->refs, 1, memory_order_acq_rel);

	/* Watched ones are negative. */
	if (unlikely((int32_t)before <= 1))
		cap_done_slowly(cap, before);
}

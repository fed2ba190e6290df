/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look at many slots in one hold of a table's lock, inline for poll: it asks many and keeps none.  What it
 * finds stays until it lets go of the lock, so nothing needs to be counted; cap_begin() makes it stay longer.
 */
#pragma once

#include "cap_priv.h"

struct cap_look {
	struct cap_table *table;
	struct cap_leaf *leaf; /* neighbours mostly lie in one */
	uint32_t first;        /* the number of its first slot */
};

static __always_inline void cap_look_begin(struct cap_look *look, struct cap_table *table)
{
	*look = (struct cap_look){ .table = table, .leaf = &table->slots.first };
	spin_lock(&table->lock);
}

static __always_inline void cap_look_end(const struct cap_look *look)
{
	spin_unlock(&look->table->lock);
}

/* Let go of the lock in the middle of a look, and take it again: leaves stay where they are. */
static inline void cap_look_pause(struct cap_table *table)
{
	spin_unlock(&table->lock);
}

static inline void cap_look_resume(struct cap_table *table)
{
	spin_lock(&table->lock);
}

/* What is in a slot, of any number, and not expired; NULL. */
static __always_inline struct capability *cap_look_at(struct cap_look *look, uint32_t index)
{
	struct capability *cap;

	if (unlikely(index - look->first >= CAP_LEAF_SLOTS)) {
		struct cap_leaf *leaf = cap_leaf_around(&look->table->slots, index);

		if (!leaf)
			return NULL;
		look->leaf = leaf;
		look->first = ALIGN_DOWN(index, CAP_LEAF_SLOTS);
	}
	cap = look->leaf->slots[(index - look->first) % CAP_LEAF_SLOTS].cap;
	return likely(cap) && !cap_is_expired(cap) ? cap : NULL;
}

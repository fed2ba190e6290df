/* SPDX-License-Identifier: BSD-2-Clause */
/* Identifiers are reused in turns: with a handful of them, the search for the least recently used one would
 * cost more than it saves. */
#include "asid.h"

void asid_set_init(struct asid_set *set, unsigned count)
{
	*set = (struct asid_set){ .count = count < 1 ? 1 : count < ASID_SLOTS ? count : ASID_SLOTS };
}

static unsigned after(const struct asid_set *set, unsigned i)
{
	return i + 1 < set->count ? i + 1 : 0;
}

static bool reuse(struct asid_set *set, unsigned i, uint64_t gen)
{
	bool stale = set->slots[i].gen != gen;

	set->slots[i].gen = gen;
	set->current = i;
	return stale;
}

bool asid_set_find(struct asid_set *set, uint64_t space, uint64_t gen)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (set->slots[i].space == space)
			return reuse(set, i, gen);
	}
	/* The space that runs now is likely to come back. */
	if (set->victim == set->current)
		set->victim = after(set, set->victim);
	set->current = set->victim;
	set->victim = after(set, set->victim);
	set->slots[set->current] = (struct asid_slot){ .space = space, .gen = gen };
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: which spaces' translations a CPU still holds.  Pure; each CPU has a set of its own.
 *
 * Where the machine tags translations with an address-space identifier, a space that is loaded again may find
 * its translations of last time.  A CPU uses a few identifiers in turns, one for each of the last spaces that
 * it ran, and remembers for each up to which of the space's flushes (vm_space.tlb_gen) it took part.
 */
#pragma once

#include <kernel/types.h>

#define ASID_SLOTS 6 /* identifiers 1 to 6; 0 is the kernel's own page table */

struct asid_slot {
	uint64_t space; /* vm_space.tlb_id, never used twice; 0: free */
	uint64_t gen;   /* flushes of the space up to this one have reached the slot's translations */
};

struct asid_set {
	struct asid_slot slots[ASID_SLOTS];
	unsigned count;   /* slots in use, 1 to ASID_SLOTS */
	unsigned current; /* slot of the space loaded last */
	unsigned victim;  /* the next to be given to another space */
};

/* The identifiers of this machine are `count` (0: it has none). */
void asid_set_init(struct asid_set *set, unsigned count);
/* Load a space that was flushed `gen` times by now: its slot becomes the current one.  True: what the slot
 * holds must be dropped first. */
bool asid_set_find(struct asid_set *set, uint64_t space, uint64_t gen);
static inline bool asid_set_is_tagged(const struct asid_set *set)
{
	return set->count > 1;
}
/* Without tags the one slot says what is loaded, and loading drops all. */
static inline bool asid_set_load_untagged(struct asid_set *set, uint64_t space, uint64_t gen)
{
	set->slots[0].space = space;
	set->slots[0].gen = gen;
	return true;
}
static inline bool asid_set_load(struct asid_set *set, uint64_t space, uint64_t gen)
{
	return asid_set_is_tagged(set) ? asid_set_find(set, space, gen)
				       : asid_set_load_untagged(set, space, gen);
}
/* The identifier that the machine is given for it; 0: it has none. */
static inline unsigned asid_set_tag(const struct asid_set *set)
{
	return set->count > 1 ? set->current + 1 : 0;
}

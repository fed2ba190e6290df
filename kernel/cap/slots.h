/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slots of a capability table: a radix tree, 64 slots a leaf, 64 leaves a node, 256 nodes at the top.
 * What is there never moves, so growing costs the same however large the table is: at most three allocations.
 * Bitmaps on each level say where something is free and where anything is, so that the lowest free slot and
 * the next used one are found in a few steps.
 *
 * The first leaf is part of the table: few programs have more descriptors.
 *
 * Every function wants the table's lock held, cap_slots_grow() and cap_slots_free() excepted.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

#define CAP_LEAF_SLOTS  64u
#define CAP_NODE_LEAVES 64u
#define CAP_TOP_NODES   256u
#define CAP_SLOTS_MAX   (CAP_TOP_NODES * CAP_NODE_LEAVES * CAP_LEAF_SLOTS) /* a million */

struct capability;
struct spinlock;

struct cap_slot {
	struct capability *cap; /* NULL: free */
	uint32_t reused;        /* how often a handle to it became stale: the generation is one more */
	uint16_t flags;         /* CAP_CLOEXEC */
	bool handed_out;        /* somebody has a handle with the generation */
	bool retired;           /* out of generations: never used again */
};

struct cap_leaf {
	uint64_t used;    /* a bit for each slot: taken, or retired */
	uint64_t touched; /* a bit for each slot that is not as new */
	struct cap_slot slots[CAP_LEAF_SLOTS];
};

struct cap_node {
	uint64_t full, occupied; /* a bit for each leaf */
	struct cap_leaf *leaves[CAP_NODE_LEAVES];
};

struct cap_top {
	uint64_t full[CAP_TOP_NODES / 64], occupied[CAP_TOP_NODES / 64]; /* a bit for each node */
	struct cap_node *nodes[CAP_TOP_NODES];
};

struct cap_slots {
	struct cap_top *top; /* NULL: there is only the first leaf */
	/* one above the highest slot that there is memory for; a hint without the lock */
	uint32_t size;
	struct cap_leaf first;
};

/* A slot beyond the first leaf; NULL: no memory for it yet. */
struct cap_slot *cap_slot_far(struct cap_slots *slots, uint32_t index);
/* The leaf that slot `index` lies in, which may be any number; NULL: no memory for it yet, or no such
 * slot. */
struct cap_leaf *cap_leaf_around(struct cap_slots *slots, uint32_t index);

/* The slot with that number; NULL: no memory for it yet, or no such number.  The masks keep an index from a
 * program inside the arrays also where the processor only guesses that it is valid. */
static inline struct cap_slot *cap_slot_at(struct cap_slots *slots, uint32_t index)
{
	if (likely(index < CAP_LEAF_SLOTS))
		return &slots->first.slots[index % CAP_LEAF_SLOTS];
	return cap_slot_far(slots, index);
}

/* A slot that what is in it now, or was in it last, is the last to use. */
bool cap_slot_is_worn_out(const struct cap_slot *slot);

/* Put `cap` into a free slot that is there; take it out of one.  A handle to it is stale from then on. */
void cap_slot_fill(struct cap_slots *slots, uint32_t index, struct capability *cap, uint32_t flags);
void cap_slot_clear(struct cap_slots *slots, uint32_t index);
/* What was handed out for `from` is as stale, or not, for the slot `index`, which is as new and is to
 * take the same. */
void cap_slot_inherit(struct cap_slots *slots, uint32_t index, const struct cap_slot *from);

/* The lowest free slot >= min, perhaps without memory; CAP_SLOTS_MAX: none. */
uint32_t cap_slots_next_free(const struct cap_slots *slots, uint32_t min);
/* The first slot >= start that is taken or retired; CAP_SLOTS_MAX: none. */
uint32_t cap_slots_next_used(const struct cap_slots *slots, uint32_t start);
/* The first slot >= start that there is memory for; CAP_SLOTS_MAX: none. */
uint32_t cap_slots_next_known(struct cap_slots *slots, uint32_t start);
/* Whether anything is or was in the 64 slots around `index` that a copy of them has to know: capabilities,
 * and generations whose handles are stale.  There is memory for them. */
bool cap_slots_matter(struct cap_slots *slots, uint32_t index);
/* A bit for each slot from `index` to the end of its leaf, which is there: it is not as new. */
uint64_t cap_slots_touched(struct cap_slots *slots, uint32_t index);

/* Get memory for slot `index`; takes `lock` for a moment.  -ENOMEM. */
int cap_slots_grow(struct cap_slots *slots, struct spinlock *lock, uint32_t index) __must_check;
/* Free the memory. */
void cap_slots_free(struct cap_slots *slots);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The radix tree of slots: see slots.h.
 *
 * Invariants: a slot's bit in leaf.used is set exactly when it holds a capability or is retired; a leaf's bit
 * in node.full exactly when all its 64 are set, in node.occupied when any is; a node's bits in top.full and
 * top.occupied say the same of its leaves.  Once there is a top, its first leaf is the one inside the table.
 *
 * A stale handle never names a new capability: a slot whose generation was handed out takes the next one when
 * it is emptied, and one that has no next (after two thousand million handles) is not used again.  Slots that
 * are only used as POSIX descriptors never get there.
 */
#include "slots.h"

#include <kernel/assert.h>
#include <kernel/bitmap.h>
#include <kernel/compiler.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <serix/errno.h>

#define ALL UINT64_MAX
/* A handle's upper half has 31 bits, of which 0 says something else. */
#define REUSED_MAX (INT32_MAX - 1)

static uint32_t node_of(uint32_t index)
{
	return index / (CAP_LEAF_SLOTS * CAP_NODE_LEAVES) % CAP_TOP_NODES;
}

static uint32_t leaf_of(uint32_t index)
{
	return index / CAP_LEAF_SLOTS % CAP_NODE_LEAVES;
}

static uint32_t index_of(uint32_t node, uint32_t leaf, uint32_t slot)
{
	return (node * CAP_NODE_LEAVES + leaf) * CAP_LEAF_SLOTS + slot;
}

static uint32_t lowest_bit(uint64_t bits)
{
	return (uint32_t)__builtin_ctzll(bits);
}

/* The bits from `first` on; none from 64 on. */
static uint64_t bits_from(uint32_t first)
{
	return first < 64 ? ALL << first : 0;
}

static struct cap_node *node_at(const struct cap_slots *slots, uint32_t index)
{
	return slots->top ? slots->top->nodes[node_of(index)] : NULL;
}

static inline struct cap_leaf *leaf_at(struct cap_slots *slots, uint32_t index)
{
	struct cap_node *node;

	if (likely(index < CAP_LEAF_SLOTS))
		return &slots->first;
	node = node_at(slots, index);
	return node ? node->leaves[leaf_of(index)] : NULL;
}

struct cap_leaf *cap_leaf_around(struct cap_slots *slots, uint32_t index)
{
	return index < CAP_SLOTS_MAX ? leaf_at(slots, index) : NULL;
}

struct cap_slot *cap_slot_far(struct cap_slots *slots, uint32_t index)
{
	struct cap_leaf *leaf = cap_leaf_around(slots, index);

	return leaf ? &leaf->slots[index % CAP_LEAF_SLOTS] : NULL;
}

static void set_bit_to(uint64_t *map, uint32_t bit, bool on)
{
	if (on)
		bitmap_set(map, bit);
	else
		bitmap_clear(map, bit);
}

/* What a changed leaf means to the levels above. */
static __noinline void tell_node(struct cap_slots *slots, uint32_t index, const struct cap_leaf *leaf)
{
	struct cap_node *node = node_at(slots, index);

	set_bit_to(&node->full, leaf_of(index), leaf->used == ALL);
	set_bit_to(&node->occupied, leaf_of(index), leaf->used != 0);
	set_bit_to(slots->top->full, node_of(index), node->full == ALL);
	set_bit_to(slots->top->occupied, node_of(index), node->occupied != 0);
}

static inline void propagate(struct cap_slots *slots, uint32_t index, const struct cap_leaf *leaf)
{
	if (unlikely(slots->top != NULL))
		tell_node(slots, index, leaf);
}

void cap_slot_fill(struct cap_slots *slots, uint32_t index, struct capability *cap, uint32_t flags)
{
	struct cap_leaf *leaf = leaf_at(slots, index);
	struct cap_slot *slot = &leaf->slots[index % CAP_LEAF_SLOTS];

	slot->cap = cap;
	slot->flags = (uint16_t)flags;
	leaf->used |= 1ull << index % CAP_LEAF_SLOTS;
	leaf->touched |= 1ull << index % CAP_LEAF_SLOTS;
	propagate(slots, index, leaf);
}

bool cap_slot_is_worn_out(const struct cap_slot *slot)
{
	return slot->retired || (slot->handed_out && slot->reused == REUSED_MAX);
}

void cap_slot_clear(struct cap_slots *slots, uint32_t index)
{
	struct cap_leaf *leaf = leaf_at(slots, index);
	struct cap_slot *slot = &leaf->slots[index % CAP_LEAF_SLOTS];

	slot->cap = NULL;
	slot->flags = 0;
	if (slot->handed_out) {
		slot->handed_out = false;
		slot->retired = slot->reused == REUSED_MAX; /* as cap_slot_is_worn_out() foresaw */
		slot->reused += !slot->retired;
	}
	if (slot->retired)
		return;
	leaf->used &= ~(1ull << index % CAP_LEAF_SLOTS);
	propagate(slots, index, leaf);
}

void cap_slot_inherit(struct cap_slots *slots, uint32_t index, const struct cap_slot *from)
{
	struct cap_leaf *leaf = leaf_at(slots, index);
	struct cap_slot *slot = &leaf->slots[index % CAP_LEAF_SLOTS];

	if (likely(!from->reused && !from->handed_out && !from->retired))
		return;
	leaf->touched |= 1ull << index % CAP_LEAF_SLOTS;
	slot->reused = from->reused;
	slot->handed_out = from->handed_out;
	slot->retired = from->retired;
	if (unlikely(slot->retired)) {
		leaf->used |= 1ull << index % CAP_LEAF_SLOTS;
		propagate(slots, index, leaf);
	}
}

/* The first slot >= from in a leaf's range of 64 that is free; that has memory or none. */
static uint32_t free_in_node(const struct cap_node *node, uint32_t number, uint32_t first_leaf)
{
	uint64_t open = ~node->full & bits_from(first_leaf);
	const struct cap_leaf *leaf;
	uint32_t i;

	if (!open)
		return CAP_SLOTS_MAX;
	i = lowest_bit(open);
	leaf = node->leaves[i];
	return index_of(number, i, leaf ? lowest_bit(~leaf->used) : 0);
}

uint32_t cap_slots_next_free(const struct cap_slots *slots, uint32_t min)
{
	const struct cap_top *top = slots->top;
	uint64_t open = ~slots->first.used;
	uint32_t found, number;

	if (min < CAP_LEAF_SLOTS) {
		open &= bits_from(min);
		if (likely(open))
			return lowest_bit(open);
		min = CAP_LEAF_SLOTS;
	}
	if (min >= CAP_SLOTS_MAX || !top)
		return MIN(min, CAP_SLOTS_MAX);
	number = node_of(min);
	if (!top->nodes[number])
		return min;
	if (!top->nodes[number]->leaves[leaf_of(min)])
		return min;
	open = ~top->nodes[number]->leaves[leaf_of(min)]->used & bits_from(min % CAP_LEAF_SLOTS);
	if (open)
		return index_of(number, leaf_of(min), lowest_bit(open));
	found = free_in_node(top->nodes[number], number, leaf_of(min) + 1);
	if (found != CAP_SLOTS_MAX)
		return found;
	number = (uint32_t)bitmap_next_clear(top->full, CAP_TOP_NODES, number + 1);
	if (number >= CAP_TOP_NODES)
		return CAP_SLOTS_MAX;
	return top->nodes[number] ? free_in_node(top->nodes[number], number, 0) : index_of(number, 0, 0);
}

/* The first used slot in a node, from leaf `first_leaf` on. */
static uint32_t used_in_node(const struct cap_node *node, uint32_t number, uint32_t first_leaf)
{
	uint64_t occupied = node->occupied & bits_from(first_leaf);
	uint32_t i;

	if (!occupied)
		return CAP_SLOTS_MAX;
	i = lowest_bit(occupied);
	return index_of(number, i, lowest_bit(node->leaves[i]->used));
}

uint32_t cap_slots_next_used(const struct cap_slots *slots, uint32_t start)
{
	const struct cap_top *top = slots->top;
	const struct cap_node *node;
	uint32_t found, number;
	uint64_t used;

	if (start < CAP_LEAF_SLOTS) {
		used = slots->first.used & bits_from(start);
		if (used)
			return lowest_bit(used);
		start = CAP_LEAF_SLOTS;
	}
	if (start >= CAP_SLOTS_MAX || !top)
		return CAP_SLOTS_MAX;
	number = node_of(start);
	node = top->nodes[number];
	if (node) {
		const struct cap_leaf *leaf = node->leaves[leaf_of(start)];

		used = leaf ? leaf->used & bits_from(start % CAP_LEAF_SLOTS) : 0;
		if (used)
			return index_of(number, leaf_of(start), lowest_bit(used));
		found = used_in_node(node, number, leaf_of(start) + 1);
		if (found != CAP_SLOTS_MAX)
			return found;
	}
	number = (uint32_t)bitmap_next_set(top->occupied, CAP_TOP_NODES, number + 1);
	return number < CAP_TOP_NODES ? used_in_node(top->nodes[number], number, 0) : CAP_SLOTS_MAX;
}

/* The first slot of the first leaf >= first_leaf that a node has. */
static uint32_t leaf_in_node(const struct cap_node *node, uint32_t number, uint32_t first_leaf)
{
	for (uint32_t i = first_leaf; i < CAP_NODE_LEAVES; i++)
		if (node->leaves[i])
			return index_of(number, i, 0);
	return CAP_SLOTS_MAX;
}

uint32_t cap_slots_next_known(struct cap_slots *slots, uint32_t start)
{
	uint32_t found = CAP_SLOTS_MAX;

	if (start < CAP_LEAF_SLOTS || cap_slot_far(slots, start))
		return start;
	if (!slots->top || start >= CAP_SLOTS_MAX)
		return CAP_SLOTS_MAX;
	if (slots->top->nodes[node_of(start)])
		found = leaf_in_node(slots->top->nodes[node_of(start)], node_of(start), leaf_of(start) + 1);
	for (uint32_t n = node_of(start) + 1; found == CAP_SLOTS_MAX && n < CAP_TOP_NODES; n++)
		if (slots->top->nodes[n])
			found = leaf_in_node(slots->top->nodes[n], n, 0);
	return found;
}

uint64_t cap_slots_touched(struct cap_slots *slots, uint32_t index)
{
	return leaf_at(slots, index)->touched >> index % CAP_LEAF_SLOTS;
}

bool cap_slots_matter(struct cap_slots *slots, uint32_t index)
{
	const struct cap_leaf *leaf = leaf_at(slots, index);
	bool matters = leaf->used != 0;

	for (uint32_t i = 0; !matters && i < CAP_LEAF_SLOTS; i++)
		matters = leaf->slots[i].reused != 0;
	return matters;
}

/* What one growth may need. */
struct growth {
	struct cap_top *top;
	struct cap_node *first_node, *node;
	struct cap_leaf *leaf;
};

static void free_growth(struct growth *g)
{
	kfree(g->top);
	kfree(g->first_node);
	kfree(g->node);
	kfree(g->leaf);
}

/* What is there stays there, so a look without the lock can only find too little. */
static int alloc_growth(const struct cap_slots *slots, uint32_t index, struct growth *g)
{
	const struct cap_top *top = READ_ONCE(slots->top);
	bool need_node = node_of(index) != 0;

	*g = (struct growth){ 0 };
	if (!top) {
		g->top = kzalloc(sizeof(*g->top));
		g->first_node = kzalloc(sizeof(*g->first_node));
		if (!g->top || !g->first_node)
			return -ENOMEM;
	} else if (need_node) {
		need_node = !READ_ONCE(top->nodes[node_of(index)]);
	}
	if (need_node) {
		g->node = kzalloc(sizeof(*g->node));
		if (!g->node)
			return -ENOMEM;
	}
	g->leaf = kzalloc(sizeof(*g->leaf));
	return g->leaf ? 0 : -ENOMEM;
}

static void add_top_locked(struct cap_slots *slots, struct growth *g)
{
	g->first_node->leaves[0] = &slots->first;
	g->top->nodes[0] = g->first_node;
	WRITE_ONCE(slots->top, g->top);
	propagate(slots, 0, &slots->first);
	g->top = NULL;
	g->first_node = NULL;
}

static void add_leaf_locked(struct cap_slots *slots, uint32_t index, struct growth *g)
{
	struct cap_node **node = &slots->top->nodes[node_of(index)];

	if (!*node) {
		WRITE_ONCE(*node, g->node);
		g->node = NULL;
	}
	ASSERT(*node);
	if (!(*node)->leaves[leaf_of(index)]) {
		(*node)->leaves[leaf_of(index)] = g->leaf;
		g->leaf = NULL;
	}
	WRITE_ONCE(slots->size, MAX(slots->size, (index | (CAP_LEAF_SLOTS - 1)) + 1));
}

int cap_slots_grow(struct cap_slots *slots, struct spinlock *lock, uint32_t index)
{
	struct growth g;
	int err = alloc_growth(slots, index, &g);

	if (err == 0) {
		spin_lock(lock);
		if (!slots->top)
			add_top_locked(slots, &g);
		add_leaf_locked(slots, index, &g);
		spin_unlock(lock);
	}
	free_growth(&g);
	return err;
}

static void free_node(struct cap_slots *slots, struct cap_node *node)
{
	for (uint32_t i = 0; i < CAP_NODE_LEAVES; i++)
		if (node->leaves[i] != &slots->first)
			kfree(node->leaves[i]);
	kfree(node);
}

void cap_slots_free(struct cap_slots *slots)
{
	if (!slots->top)
		return;
	for (uint32_t i = 0; i < CAP_TOP_NODES; i++)
		if (slots->top->nodes[i])
			free_node(slots, slots->top->nodes[i]);
	kfree(slots->top);
}

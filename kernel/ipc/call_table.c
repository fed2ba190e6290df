/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariant: the free slots form a list from `free` by next_free, ended by `size`; all others hold a call.
 * A slot's cookie goes on by one generation each time it is given out, so that of a call that has left
 * differs from all later ones of its slot, for 2^40 calls.
 */
#include "call_table.h"

#include <kernel/assert.h>
#include <kernel/compiler.h>

#define SLOTS_MAX ((1u << CALL_SLOT_BITS) - 1)

static void make_free(struct call_table *t, uint32_t from)
{
	for (uint32_t i = from; i < t->size; i++)
		t->slots[i] = (struct call_slot){ .cookie = i + 1, .next_free = i + 1 };
}

void call_table_init(struct call_table *t)
{
	t->slots = t->first;
	t->size = CALLS_EMBEDDED;
	t->free = 0;
	make_free(t, 0);
}

uint64_t call_table_add(struct call_table *t, void *call)
{
	return call_table_is_full(t) ? 0 : call_table_take(t, call);
}

void *call_table_find(const struct call_table *t, uint64_t cookie)
{
	const struct call_slot *slot = call_table_slot(t, cookie);

	return slot ? slot->call : NULL;
}

void call_table_remove(struct call_table *t, uint64_t cookie)
{
	struct call_slot *slot = call_table_slot(t, cookie);

	ASSERT(slot);
	call_table_free(t, slot, cookie);
}

void *call_table_next(const struct call_table *t, uint32_t *at)
{
	while (*at < t->size) {
		void *call = t->slots[(*at)++].call;

		if (call)
			return call;
	}
	return NULL;
}

uint32_t call_table_next_size(const struct call_table *t)
{
	return t->size < SLOTS_MAX / 2 ? t->size * 2 : 0;
}

struct call_slot *call_table_grow(struct call_table *t, struct call_slot *slots, uint32_t size)
{
	struct call_slot *old = t->slots;
	uint32_t had = t->size;

	if (size <= had)
		return slots;
	for (uint32_t i = 0; i < had; i++)
		slots[i] = old[i];
	t->slots = slots;
	t->size = size;
	/* What ended the list of free slots is the first new one. */
	make_free(t, had);
	return old == t->first ? NULL : old;
}

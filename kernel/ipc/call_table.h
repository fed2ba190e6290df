/* SPDX-License-Identifier: BSD-2-Clause */
/* Which calls of a port wait for an answer, by cookie: constant time, and a cookie from before names
 * nothing. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/ipc.h>

#define CALL_SLOT_MASK  ((1ull << CALL_SLOT_BITS) - 1)
#define CALL_GENERATION (1ull << CALL_SLOT_BITS)

void call_table_init(struct call_table *t);
/* Give `call` a cookie, never 0.  0: the table is full. */
uint64_t call_table_add(struct call_table *t, void *call);
static inline bool call_table_is_full(const struct call_table *t)
{
	return t->free == t->size;
}
/* The same of a table that is not full. */
static inline uint64_t call_table_take(struct call_table *t, void *call)
{
	struct call_slot *slot = &t->slots[t->free];

	t->free = slot->next_free;
	slot->call = call;
	slot->cookie += CALL_GENERATION;
	return slot->cookie;
}
/* Whose call it names; NULL: the cookie is nobody's. */
static inline struct call_slot *call_table_slot(const struct call_table *t, uint64_t cookie)
{
	uint64_t index = (cookie & CALL_SLOT_MASK) - 1; /* 0 becomes too large */
	struct call_slot *slot;

	if (unlikely(index >= t->size))
		return NULL;
	slot = &t->slots[index_nospec32((uint32_t)index, t->size)];
	return slot->call && slot->cookie == cookie ? slot : NULL;
}
/* The call of `slot`, which has the cookie, leaves. */
static inline void call_table_free(struct call_table *t, struct call_slot *slot, uint64_t cookie)
{
	slot->call = NULL;
	slot->next_free = t->free;
	t->free = (uint32_t)(cookie & CALL_SLOT_MASK) - 1;
}
/* NULL: no such. */
void *call_table_find(const struct call_table *t, uint64_t cookie);
/* The call that has the cookie leaves. */
void call_table_remove(struct call_table *t, uint64_t cookie);
/* The first call in slot `*at` or later, with *at behind it; NULL: none. */
void *call_table_next(const struct call_table *t, uint32_t *at);

/* How many slots a full table should get next; 0: it is as large as it may be. */
uint32_t call_table_next_size(const struct call_table *t);
/* Move to `slots`, `size` of them, and return what was allocated before, for the caller to free.  A table
 * that is that large already keeps what it has and returns `slots`. */
struct call_slot *call_table_grow(struct call_table *t, struct call_slot *slots, uint32_t size);

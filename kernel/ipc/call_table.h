/* SPDX-License-Identifier: BSD-2-Clause */
/* Which calls of a port wait for an answer, by cookie: constant time, and a cookie from before names
 * nothing. */
#pragma once

#include <kernel/ipc.h>

void call_table_init(struct call_table *t);
/* Give `call` a cookie, never 0.  0: the table is full. */
uint64_t call_table_add(struct call_table *t, void *call);
static inline bool call_table_is_full(const struct call_table *t)
{
	return t->free == t->size;
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* The bounded queue of a port: first in, first out, in a ring of slots that were there from the start. */
#pragma once

#include <kernel/types.h>

struct message_queue {
	void **slots;
	uint32_t size; /* of the ring: how many fit */
	uint32_t first;
	uint32_t count;
};

/* `slots` has room for `size` messages, at least one. */
void message_queue_init(struct message_queue *q, void **slots, uint32_t size);
/* There is room: the caller has looked. */
void message_queue_push(struct message_queue *q, void *message);
/* The oldest; NULL: none. */
void *message_queue_first(const struct message_queue *q);
void *message_queue_pop(struct message_queue *q);
/* Take out one from anywhere; the others keep their order.  False: it is not there. */
bool message_queue_remove(struct message_queue *q, const void *message);

static inline bool message_queue_full(const struct message_queue *q)
{
	return q->count == q->size;
}

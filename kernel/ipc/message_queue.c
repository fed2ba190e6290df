/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariant: first < size, count <= size, and the messages lie in slots first, first + 1, ... first + count
 * - 1, counted around the ring.  The caller holds the port's lock.
 */
#include <kernel/message_queue.h>

#include <kernel/assert.h>

/* The slot of the n-th message, n <= count. */
static uint32_t slot_of(const struct message_queue *q, uint32_t n)
{
	uint32_t to_end = q->size - q->first;

	return n < to_end ? q->first + n : n - to_end;
}

void message_queue_init(struct message_queue *q, void **slots, uint32_t size)
{
	*q = (struct message_queue){ .slots = slots, .size = size };
}

void message_queue_push(struct message_queue *q, void *message)
{
	ASSERT(q->count < q->size);
	q->slots[slot_of(q, q->count)] = message;
	q->count++;
}

void *message_queue_first(const struct message_queue *q)
{
	return q->count ? q->slots[q->first] : NULL;
}

void *message_queue_pop(struct message_queue *q)
{
	void *message;

	if (q->count == 0)
		return NULL;
	message = q->slots[q->first];
	q->first = slot_of(q, 1);
	q->count--;
	return message;
}

/* The n-th goes; those behind it move up. */
static void close_gap(struct message_queue *q, uint32_t n)
{
	for (; n + 1 < q->count; n++)
		q->slots[slot_of(q, n)] = q->slots[slot_of(q, n + 1)];
	q->count--;
}

bool message_queue_remove(struct message_queue *q, const void *message)
{
	for (uint32_t n = 0; n < q->count; n++) {
		if (q->slots[slot_of(q, n)] == message) {
			close_gap(q, n);
			return true;
		}
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off: it would break the lines that tools read */
/*
 * kernel/ipc/message_queue.c itself, by deductive proof: for every size and content of the queue.
 *
 * `nth(q, n)` is the slot of the n-th message.  A push puts its message behind all others and changes none of
 * them; a pop takes the first and leaves the others in their order: so nothing is lost or doubled, and they
 * leave as they came.  message_queue_remove is outside: tests/unit has it.
 *
 * check message_queue_push message_queue_pop message_queue_first slot_of: the queue stays in bounds and order
 * break BUG_PUSH_WHEN_FULL: it is not known that there is room
 * break BUG_WRONG_ORDER: the second is taken to be first
 */
#include <kernel/message_queue.h>

/*@ logic integer nth(struct message_queue *q, integer n) =
      n < q->size - q->first ? q->first + n : n - (q->size - q->first);

    predicate valid_queue(struct message_queue *q) =
      \valid(q) && 0 < q->size <= 0x7fffffff && q->first < q->size && q->count <= q->size &&
      \valid(q->slots + (0 .. q->size - 1)) && \separated(q, q->slots + (0 .. q->size - 1));
*/

/*@ requires valid_queue((struct message_queue *)q) && n <= q->size;
    assigns \nothing;
    ensures n < q->size ==> \result < q->size;
    ensures \result == nth((struct message_queue *)q, n); */
static uint32_t slot_of(const struct message_queue *q, uint32_t n);

/*@ requires valid_queue((struct message_queue *)q);
    assigns \nothing;
    ensures \result == (q->count ? q->slots[q->first] : NULL); */
void *message_queue_first(const struct message_queue *q);

/*@ requires valid_queue(q);
#ifndef BUG_PUSH_WHEN_FULL
    requires q->count < q->size;
#endif
    assigns q->count, q->slots[0 .. q->size - 1];
    ensures valid_queue(q);
    ensures q->count == \old(q->count) + 1 && q->first == \old(q->first);
    ensures behind: q->slots[nth(q, q->count - 1)] == message;
    ensures others: \forall integer n; 0 <= n < \old(q->count) ==>
      q->slots[nth(q, n)] == \old(q->slots[nth(q, n)]); */
void message_queue_push(struct message_queue *q, void *message);

#ifdef BUG_WRONG_ORDER
#define TAKEN 1
#else
#define TAKEN 0
#endif
/*@ requires valid_queue(q);
    assigns q->count, q->first;
    ensures valid_queue(q);
    ensures none: \old(q->count) == 0 ==>
      \result == NULL && q->count == 0 && q->first == \old(q->first);
    ensures taken: \old(q->count) > 0 ==>
      \result == \old(q->slots[nth(q, TAKEN)]) && q->count == \old(q->count) - 1;
    ensures others: \old(q->count) > 0 ==>
      \forall integer n; 0 <= n < q->count ==> nth(q, n) == \old(nth(q, n + 1)); */
void *message_queue_pop(struct message_queue *q);

#include "kernel/ipc/message_queue.c"

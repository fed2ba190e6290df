/* SPDX-License-Identifier: BSD-2-Clause */
/* futex_waitv(2): sleeping on several words at once. */
#include <arch/usercopy.h>
#include <kernel/clock.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "futex_priv.h"

#define WAITV_MAX          128u
#define FUTEX_32           2u
#define FUTEX_PRIVATE_FLAG 128u

struct abi_futex_waitv {
	uint64_t value, addr;
	uint32_t flags, reserved;
};
_Static_assert(sizeof(struct abi_futex_waitv) == 24, "struct futex_waitv");

struct word {
	struct abi_futex_waitv asked;
	struct futex_key_ref ref;
	struct futex_waiter waiter;
};

struct waitv {
	struct waitqueue wq;
	unsigned count;
	struct word words[];
};

static int read_word(struct word *word, uaddr_t from)
{
	int err = copy_from_user(&word->asked, from, sizeof(word->asked));

	if (err < 0)
		return err;
	if ((word->asked.flags & ~(FUTEX_32 | FUTEX_PRIVATE_FLAG)) || !(word->asked.flags & FUTEX_32) ||
	    word->asked.reserved)
		return -EINVAL;
	return 0;
}

static int get_keys(struct waitv *v, unsigned *got)
{
	int err = 0;

	for (*got = 0; *got < v->count; ++*got) {
		struct word *word = &v->words[*got];

		err = futex_key_get(word->asked.addr, word->asked.flags & FUTEX_PRIVATE_FLAG, &word->ref);
		if (err < 0)
			break;
	}
	return err;
}

static int join(struct waitv *v, unsigned *joined)
{
	int err = 0;

	for (*joined = 0; err == 0 && *joined < v->count; ++*joined) {
		struct word *word = &v->words[*joined];
		uint32_t value;

		word->waiter.wq = &v->wq;
		futex_enqueue(&word->waiter, &word->ref.key, FUTEX_ANY);
		err = get_user_u32(word->asked.addr, &value);
		if (err == 0 && value != (uint32_t)word->asked.value)
			err = -EAGAIN;
	}
	return err;
}

static bool any_woken(const struct waitv *v)
{
	for (unsigned i = 0; i < v->count; i++) {
		if (READ_ONCE(v->words[i].waiter.woken))
			return true;
	}
	return false;
}

/* Leave all queues.  The index of one by which the wait ended; -1: none. */
static int leave(struct waitv *v, unsigned joined)
{
	int index = -1;

	for (unsigned i = 0; i < joined; i++) {
		if (futex_dequeue(&v->words[i].waiter))
			index = (int)i;
	}
	return index;
}

static int wait_for_any(struct waitv *v, const struct deadline *deadline)
{
	unsigned joined;
	int err = join(v, &joined), index;

	if (err == 0)
		err = wait_event_deadline(&v->wq, any_woken(v), deadline);
	index = leave(v, joined);
	if (index >= 0)
		return index;
	return err == -EINTR ? -ERESTARTSYS : err;
}

static int64_t wait_for_words(struct waitv *v, uaddr_t words, const struct deadline *deadline)
{
	unsigned got;
	int64_t result = 0;

	for (unsigned i = 0; result == 0 && i < v->count; i++)
		result = read_word(&v->words[i], words + i * sizeof(struct abi_futex_waitv));
	if (result < 0)
		return result;
	result = get_keys(v, &got);
	if (result == 0)
		result = wait_for_any(v, deadline);
	while (got > 0)
		futex_key_put(&v->words[--got].ref);
	return result;
}

int64_t futex_waitv_call(uaddr_t words, unsigned count, unsigned flags, uaddr_t timeout, int clock)
{
	struct deadline deadline;
	struct waitv *v;
	int64_t result;

	if (flags || !words || count == 0 || count > WAITV_MAX)
		return -EINVAL;
	if (timeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	result = futex_read_deadline(timeout, true, clock == CLOCK_REALTIME, &deadline);
	if (result < 0)
		return result;
	v = kzalloc(sizeof(*v) + count * sizeof(v->words[0]));
	if (!v)
		return -ENOMEM;
	waitqueue_init(&v->wq);
	v->count = count;
	result = wait_for_words(v, words, &deadline);
	kfree(v);
	return result;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE: some who wait for one word are woken, others wait for another from now
 * on. */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

static int64_t requeue_keys(const struct futex_key *from, const struct futex_key *to, uint32_t wake,
			    uint32_t move)
{
	struct futex_bucket *a = futex_bucket_of(from), *b = futex_bucket_of(to);
	struct futex_waiter *w, *tmp;
	uint32_t moved = 0;
	int64_t woken;

	futex_lock_two(a, b);
	woken = futex_wake_locked(a, from, wake, FUTEX_ANY);
	list_for_each_safe (w, tmp, &a->waiters, link) {
		if (woken < 0 || moved == move)
			break;
		if (!futex_same_key(&w->key, from) || futex_same_key(from, to))
			continue;
		if (w->pi) {
			woken = -EINVAL;
			break;
		}
		list_del(&w->link);
		w->key = *to;
		WRITE_ONCE(w->moved, true);
		WRITE_ONCE(w->bucket, b);
		list_add_tail(&b->waiters, &w->link);
		moved++;
	}
	futex_unlock_two(a, b);
	return woken < 0 ? woken : woken + moved;
}

int64_t futex_requeue(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t wake, uint32_t move,
		      const uint32_t *expected)
{
	struct futex_key_ref from, to;
	int64_t result;
	uint32_t value;

	if ((int32_t)wake < 0 || (int32_t)move < 0)
		return -EINVAL;
	result = futex_key_get(addr, is_private, &from);
	if (result < 0)
		return result;
	result = futex_key_get(addr2, is_private, &to);
	if (result < 0)
		goto out_from;
	if (expected) {
		result = get_user_u32(addr, &value);
		if (result == 0 && value != *expected)
			result = -EAGAIN;
	}
	if (result == 0)
		result = requeue_keys(&from.key, &to.key, wake, move);
	futex_key_put(&to);
out_from:
	futex_key_put(&from);
	return result;
}

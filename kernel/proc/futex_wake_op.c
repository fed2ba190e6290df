/* SPDX-License-Identifier: BSD-2-Clause */
/* FUTEX_WAKE_OP: change a word, and wake by what it was. */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "futex_priv.h"

static int apply_op(unsigned op, uint32_t old, uint32_t arg, uint32_t *out)
{
	switch (op) {
	case 0:
		*out = arg;
		return 0;
	case 1:
		*out = old + arg;
		return 0;
	case 2:
		*out = old | arg;
		return 0;
	case 3:
		*out = old & ~arg;
		return 0;
	case 4:
		*out = old ^ arg;
		return 0;
	}
	return -ENOSYS;
}

static int compare(unsigned cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	}
	return -ENOSYS;
}

static int32_t sign_extend_12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/* Change the second word as `encoded` says; was its old value one that calls for a wake-up? */
static int update_second(uaddr_t addr, uint32_t encoded)
{
	unsigned op = encoded >> 28 & 7, cmp = encoded >> 24 & 15;
	uint32_t arg = (uint32_t)sign_extend_12(encoded >> 12 & 0xfff), old = 0, seen = 0, desired;
	int err;

	if (encoded >> 31) /* a shift; beyond the word, as Linux cuts it */
		arg = 1u << (arg & 31);
	err = get_user_u32(addr, &old);
	for (; err == 0; old = seen) {
		err = apply_op(op, old, arg, &desired);
		if (err == 0)
			err = cmpxchg_user_u32(addr, old, desired, &seen);
		if (err == 0 && seen == old)
			return compare(cmp, (int32_t)old, sign_extend_12(encoded & 0xfff));
	}
	return err;
}

static int64_t wake_both(const struct futex_key *key, const struct futex_key *key2, uint32_t count,
			 uint32_t count2, bool second)
{
	int64_t woken = futex_wake_key(key, count, FUTEX_ANY), more;

	if (woken < 0 || !second)
		return woken;
	more = futex_wake_key(key2, count2, FUTEX_ANY);
	return more < 0 ? more : woken + more;
}

int64_t futex_wake_op(uaddr_t addr, uaddr_t addr2, bool is_private, uint32_t count, uint32_t count2,
		      uint32_t encoded)
{
	struct futex_key_ref ref, ref2;
	int64_t result = futex_key_get(addr, is_private, &ref);

	if (result < 0)
		return result;
	result = futex_key_get(addr2, is_private, &ref2);
	if (result == 0) {
		result = update_second(addr2, encoded);
		if (result >= 0)
			result = wake_both(&ref.key, &ref2.key, count, count2, result);
		futex_key_put(&ref2);
	}
	futex_key_put(&ref);
	return result;
}

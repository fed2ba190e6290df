/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What capabilities are called: by who holds one, a 128-bit id from the kernel's generator, which is as good
 * as the capability where it was exported; by all others, a tag, which is worth nothing.
 *
 * Both halves of an id are drawn on their own, each by whoever comes first, the upper one first: who finds
 * the lower one set finds an id that will not change.
 */
#include "cap_priv.h"

#include <kernel/random.h>
#include <kernel/siphash.h>

static uint64_t tag_key[2] __ro_after_init;

void cap_id_init(void)
{
	random_bytes(tag_key, sizeof(tag_key));
}

/* 0 means: not drawn yet. */
static uint64_t draw(void)
{
	uint64_t word = random_u64();

	return word ? word : 1;
}

/* Returns what is there afterwards. */
static uint64_t set_once(_Atomic uint64_t *half)
{
	uint64_t found = 0, mine = draw();

	return atomic_compare_exchange_strong(half, &found, mine) ? mine : found;
}

struct cap_id cap_id(struct capability *cap)
{
	struct cap_id id = { .lo = atomic_load_explicit(&cap->id[0], memory_order_acquire) };

	if (likely(id.lo)) {
		id.hi = atomic_load_explicit(&cap->id[1], memory_order_relaxed);
		return id;
	}
	id.hi = set_once(&cap->id[1]);
	id.lo = set_once(&cap->id[0]);
	return id;
}

uint64_t cap_tag(struct capability *cap)
{
	struct cap_id id = cap_id(cap);
	uint64_t tag = siphash_128(tag_key, id.lo, id.hi);

	return tag ? tag : 1;
}

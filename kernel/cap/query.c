/* SPDX-License-Identifier: BSD-2-Clause */
/* What a capability is, for who holds it. */
#include "cap_priv.h"

#include <kernel/time.h>
#include <serix/errno.h>

static uint64_t ns_left(uint64_t expires)
{
	uint64_t now = arch_cycles(), rate = time_cycles_per_sec(), left = expires > now ? expires - now : 0;

	if (!expires || left / rate >= UINT64_MAX / NSEC_PER_SEC)
		return CAP_FOREVER;
	return left / rate * NSEC_PER_SEC + left % rate * NSEC_PER_SEC / rate;
}

/* The caller uses it. */
static void describe(struct capability *cap, struct cap_info *out)
{
	struct cap_tree *tree = atomic_load(&cap->tree);

	out->type = cap->type;
	out->rights = atomic_load(&cap->rights);
	out->object = cap->object->id;
	out->tag = cap_tag(cap);
	out->badge = cap->badge;
	out->expires_cycles = atomic_load(&cap->expires);
	out->expires_ns = ns_left(out->expires_cycles);
	out->depth = cap->depth;
	if (!tree)
		return;
	spin_lock(&tree->lock);
	out->parent_tag = cap->parent ? cap_tag(cap->parent) : 0;
	out->children = cap->child_count;
	spin_unlock(&tree->lock);
}

int cap_query(struct cap_table *table, cap_handle_t handle, struct cap_info *out)
{
	struct capability *cap;
	int err;

	*out = (struct cap_info){ 0 };
	err = cap_use_slot(table, handle, &cap, &out->handle, &out->flags);
	if (err < 0)
		return err;
	describe(cap, out);
	cap_done(cap);
	return 0;
}

int cap_query_next(struct cap_table *table, cap_handle_t after, struct cap_info *out)
{
	int slot = after < 0 ? -1 : (int)cap_handle_slot(after), err;

	do {
		slot = cap_next(table, slot + 1, NULL);
		err = slot < 0 ? slot : cap_query(table, slot, out);
	} while (err == -EBADF); /* closed since it was found */
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Deriving: the one place where a capability comes from another, and rights only shrink. */
#include "cap_priv.h"

#include <serix/errno.h>

/* The earlier of two times; 0 is never. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a | b;
	return MIN(a, b);
}

static int derive(const struct capability *from, const struct cap_terms *terms, struct capability **out)
{
	struct capability *child;

	if (terms->badged && !(atomic_load(&from->rights) & CAP_RIGHT_BADGE))
		return -EPERM;
	if (from->depth >= CAP_DEPTH_MAX)
		return -EMLINK;
	child = cap_copy(from, terms->rights);
	if (!child)
		return -ENOMEM;
	child->depth++;
	if (terms->badged)
		child->badge = terms->badge;
	atomic_init(&child->expires, earlier(atomic_load(&from->expires), terms->expires));
	*out = child;
	return 0;
}

cap_handle_t cap_derive(struct cap_table *table, cap_handle_t handle, const struct cap_terms *terms,
			struct cap_table *into)
{
	struct capability *from, *child;
	cap_handle_t result;
	int err = cap_use(table, handle, OBJECT_NONE, 0, &from);

	if (err < 0)
		return err;
	err = derive(from, terms, &child);
	cap_done(from);
	if (err < 0)
		return err;
	result = cap_place(into, child, 0, terms->flags);
	if (result < 0)
		cap_done(child);
	return result < 0 ? result : cap_handle_of(into, (int)result);
}

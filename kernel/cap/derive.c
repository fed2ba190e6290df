/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deriving: where a capability comes from another.  Rights only shrink (cap_new_child), expiry only shortens
 * (cap_earlier), and nothing hangs below what is being revoked (cap_adopt).
 */
#include "cap_priv.h"

#include <serix/errno.h>

/* A child that counts as derived, in no place yet. */
static int new_derived(const struct capability *from, const struct cap_terms *terms, struct capability **out)
{
	struct capability *child;

	if (terms->badged && !(atomic_load(&from->rights) & CAP_RIGHT_BADGE))
		return -EPERM;
	if (from->depth >= CAP_DEPTH_MAX)
		return -EMLINK;
	child = cap_new_child(from, terms);
	if (!child)
		return -ENOMEM;
	child->depth++;
	*out = child;
	return 0;
}

cap_handle_t cap_derive_from(struct capability *from, const struct cap_terms *terms, struct cap_table *into)
{
	struct capability *child;
	cap_handle_t result = new_derived(from, terms, &child);

	if (result < 0)
		return result;
	result = cap_place(into, from, child, false, 0, terms->flags, true);
	if (result < 0)
		cap_done(child);
	return result;
}

cap_handle_t cap_derive(struct cap_table *table, cap_handle_t handle, const struct cap_terms *terms,
			struct cap_table *into)
{
	struct capability *from;
	cap_handle_t result = cap_use(table, handle, OBJECT_NONE, 0, &from);

	if (result < 0)
		return result;
	result = cap_derive_from(from, terms, into);
	cap_done(from);
	return result;
}

int cap_install_via(struct cap_table *table, struct capability *via, struct kobject *object, uint32_t rights,
		    uint32_t flags, uint32_t min)
{
	uint32_t granted = rights & atomic_load(&via->rights);
	struct capability *cap = cap_new(object, granted, atomic_load(&via->expires));
	cap_handle_t slot;

	if (!cap)
		return -ENOMEM;
	/* It is another object: no derivation of the same one, and no deeper. */
	cap->depth = via->depth;
	slot = cap_place(table, via, cap, true, min, flags, false);
	if (slot < 0) {
		kobject_get(object); /* stays the caller's */
		cap_done(cap);
	}
	return (int)slot;
}

/* --- copies: dup ---------------------------------------------------------------------------------------- */

static const struct cap_terms unchanged = { .rights = UINT32_MAX };

int cap_dup(struct cap_table *table, int slot, uint32_t min, uint32_t flags)
{
	struct capability *from, *copy;
	cap_handle_t result = cap_use(table, slot, OBJECT_NONE, 0, &from);

	if (result < 0)
		return (int)result;
	copy = cap_new_child(from, &unchanged);
	result = copy ? cap_place(table, from, copy, true, min, flags, false) : -ENOMEM;
	cap_done(from);
	if (result < 0 && copy)
		cap_done(copy);
	return (int)result;
}

int cap_dup_to(struct cap_table *table, int slot, int to, uint32_t flags)
{
	struct capability *from, *copy, *old = NULL;
	int err;

	if (to < 0)
		return -EBADF;
	err = cap_use(table, slot, OBJECT_NONE, 0, &from);
	if (err < 0)
		return err;
	copy = cap_new_child(from, &unchanged);
	err = copy ? cap_replace(table, from, copy, (uint32_t)to, flags, &old) : -ENOMEM;
	cap_done(from);
	if (err < 0 && copy)
		cap_done(copy);
	if (old)
		cap_let_go(table, old);
	return err < 0 ? err : to;
}

/* --- held by the kernel --------------------------------------------------------------------------------- */

static int hold(struct capability *from, struct capability *child, enum cap_kin kin,
		const struct cap_holder_ops *ops, void *holder, struct capability **out)
{
	int err;

	child->holder_ops = ops;
	child->holder = holder;
	err = cap_adopt(from, child, kin, NULL, CAP_NO_SLOT);
	if (err < 0) {
		cap_done(child);
		return err;
	}
	if (atomic_load(&child->expiry))
		cap_expiry_start(child);
	*out = child;
	return 0;
}

int cap_derive_held(struct capability *from, const struct cap_terms *terms, const struct cap_holder_ops *ops,
		    void *holder, struct capability **out)
{
	struct capability *child;
	int err = new_derived(from, terms, &child);

	return err < 0 ? err : hold(from, child, CAP_KIN_CHILD, ops, holder, out);
}

int cap_hold(struct capability *from, const struct cap_holder_ops *ops, void *holder, struct capability **out)
{
	struct capability *child = cap_new_child(from, &unchanged);

	return child ? hold(from, child, CAP_KIN_LEAF, ops, holder, out) : -ENOMEM;
}

int cap_hold_via(struct capability *via, struct kobject *object, const struct cap_holder_ops *ops,
		 void *holder, struct capability **out)
{
	struct capability *cap = cap_new(object, atomic_load(&via->rights), atomic_load(&via->expires));

	if (!cap)
		return -ENOMEM;
	kobject_get(object);
	cap->depth = via->depth;
	return hold(via, cap, CAP_KIN_LEAF, ops, holder, out);
}

cap_handle_t cap_settle(struct capability *cap, struct cap_table *table, uint32_t flags)
{
	cap_handle_t handle;

	/* It stays there for the note, whatever other threads do to the slot. */
	if (!cap_begin(cap))
		return -EBADF;
	handle = cap_place(table, NULL, cap, false, 0, flags, true);
	if (handle >= 0)
		cap_audit(CAP_EVENT_GRANT, cap, "settled");
	cap_done(cap);
	return handle;
}

int cap_limit(struct cap_table *table, cap_handle_t handle, uint32_t rights)
{
	struct capability *cap;
	uint32_t before;
	int err = cap_use(table, handle, OBJECT_NONE, 0, &cap);

	if (err < 0)
		return err;
	before = atomic_fetch_and(&cap->rights, rights);
	if ((before & ~rights) && cap->object->ops->dropped)
		cap->object->ops->dropped(cap->object, before & ~rights);
	cap_done(cap);
	return 0;
}

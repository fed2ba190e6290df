/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities in messages.  Each is derived from the sender's when the message is made, and held by the
 * parcel, so that a revocation on the sender's side also reaches what is still under way: the receiver then
 * gets -1 in its place. The handles that a receiver gets are closed by exec.
 */
#include "port_priv.h"

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <serix/errno.h>

/* Nothing is made with it before it is settled, which finds out. */
static void revoked_under_way(struct capability *cap, void *holder)
{
	(void)cap;
	(void)holder;
}

static const struct cap_holder_ops holder_ops = { .revoked = revoked_under_way };

/* The n-th capability to send, and how it is to differ. */
static int get_terms(const struct message *m, uint32_t n, struct cap_terms *terms)
{
	struct cap_derive how;

	*terms = (struct cap_terms){ .rights = UINT32_MAX };
	if (!m->terms)
		return 0;
	if (copy_from_user(&how, (uaddr_t)(m->terms + n), sizeof(how)) < 0)
		return -EFAULT;
	return cap_terms_of(&how, terms);
}

static int take_one(struct parcel *parcel, const struct message *m, uint32_t n, struct cap_table *table)
{
	struct capability *from;
	struct cap_terms terms;
	cap_handle_t handle;
	int err = get_terms(m, n, &terms);

	if (err < 0)
		return err;
	if (copy_from_user(&handle, (uaddr_t)(m->caps + n), sizeof(handle)) < 0)
		return -EFAULT;
	err = cap_use(table, handle, OBJECT_NONE, CAP_RIGHT_GRANT, &from);
	if (err < 0)
		return err;
	err = cap_derive_held(from, &terms, &holder_ops, parcel, &parcel->caps[n]);
	cap_done(from);
	if (err < 0)
		return err;
	parcel->cap_count++;
	if (parcel->caps[n]->type == OBJECT_PORT &&
	    (atomic_load_explicit(&parcel->caps[n]->rights, memory_order_relaxed) & PORT_RIGHT_RECEIVE))
		parcel->hand_only = true;
	return 0;
}

int parcel_take_caps(struct parcel *parcel, const struct message *m, struct cap_table *table)
{
	int err = 0;

	if (m->cap_count == 0)
		return 0;
	parcel->caps = kmalloc(m->cap_count * sizeof(struct capability *));
	if (!parcel->caps)
		return -ENOMEM;
	for (uint32_t n = 0; n < m->cap_count && err == 0; n++)
		err = take_one(parcel, m, n, table);
	return err;
}

/* Into the table: its handle, or -1 with the capability dropped. */
static cap_handle_t settle(struct capability *cap, struct cap_table *table, uint32_t *flags)
{
	cap_handle_t handle = cap_settle(cap, table, CAP_CLOEXEC);

	if (handle >= 0)
		return handle;
	if (handle != -EBADF)
		*flags |= MESSAGE_TRUNCATED_CAPS;
	cap_drop(cap);
	return -1;
}

int parcel_give_caps(struct parcel *parcel, struct message *m, struct cap_table *table)
{
	uint32_t count = MIN((uint32_t)parcel->cap_count, m->cap_capacity);
	cap_handle_t handles[MESSAGE_CAPS];

	m->cap_count = count;
	if (parcel->cap_count > count)
		m->flags |= MESSAGE_TRUNCATED_CAPS;
	for (uint32_t n = 0; n < count; n++) {
		handles[n] = settle(parcel->caps[n], table, &m->flags);
		parcel->caps[n] = NULL;
	}
	if (count == 0 || copy_to_user((uaddr_t)m->caps, handles, count * sizeof(handles[0])) == 0)
		return 0;
	for (uint32_t n = 0; n < count; n++)
		if (handles[n] >= 0)
			cap_close(table, handles[n]);
	return -EFAULT;
}

void parcel_drop_caps(struct parcel *parcel)
{
	for (uint32_t n = 0; n < parcel->cap_count; n++)
		if (parcel->caps[n])
			cap_drop(parcel->caps[n]);
	kfree(parcel->caps);
	parcel->caps = NULL;
	parcel->cap_count = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages under way: made of what a program sends, delivered to another, or dropped. */
#include <kernel/ipc.h>

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "account.h"
#include "port_priv.h"

static struct slab_cache *parcel_cache;

/* What it costs: its contents twice over would be unfair, a capability is about this large. */
#define CHARGE_CAP 256u

static uint32_t charge_of(const struct message *m)
{
	uint32_t bytes = sizeof(struct parcel) + m->cap_count * CHARGE_CAP;

	if (m->size > MESSAGE_SMALL) /* every page that it touches may be held */
		bytes += (uint32_t)ALIGN_UP(((uaddr_t)m->data & ~PAGE_MASK) + m->size, PAGE_SIZE);
	return bytes;
}

static void parcel_free(struct parcel *parcel)
{
	ipc_uncharge(parcel->account, parcel->charge);
	slab_free(parcel_cache, parcel);
}

int parcel_create(const struct message *m, const struct ipc_identity *who, struct capability *via,
		  struct cap_table *caps, struct parcel **out)
{
	uint32_t charge;
	struct parcel *parcel;
	int err;

	if (m->size > MESSAGE_MAX || m->cap_count > MESSAGE_CAPS)
		return -EMSGSIZE;
	parcel = slab_alloc(parcel_cache);
	if (!parcel)
		return -ENOMEM;
	charge = charge_of(m);
	*parcel = (struct parcel){
		.account = ipc_charge((uint32_t)who->uid, charge),
		.charge = charge,
		.tag = m->tag,
		.pid = who->pid,
		.uid = who->uid,
		.gid = who->gid,
	};
	if (!parcel->account) {
		slab_free(parcel_cache, parcel);
		return -ENOMEM;
	}
	if (via) {
		parcel->badge = via->badge;
		parcel->rights = atomic_load_explicit(&via->rights, memory_order_relaxed);
	}
	err = parcel_take_caps(parcel, m, caps);
	if (err == 0)
		err = payload_take(&parcel->payload, (uaddr_t)m->data, m->size, m->flags);
	if (err < 0) {
		parcel_drop(parcel);
		return err;
	}
	*out = parcel;
	return 0;
}

int parcel_deliver(struct parcel *parcel, struct message *m, struct cap_table *caps)
{
	uaddr_t to = (uaddr_t)(m->receive ? m->receive : m->data);
	uint32_t size = parcel->payload.size;
	int err = payload_give(&parcel->payload, to, m->flags);

	m->flags = 0;
	if (err == 0)
		err = parcel_give_caps(parcel, m, caps);
	if (err == 0) {
		m->tag = parcel->tag;
		m->reply = parcel->cookie;
		m->badge = parcel->badge;
		m->size = size;
		m->rights = parcel->rights;
		m->pid = parcel->pid;
		m->uid = parcel->uid;
		m->gid = parcel->gid;
	}
	parcel_drop(parcel);
	return err;
}

void parcel_drop(struct parcel *parcel)
{
	parcel_drop_caps(parcel);
	payload_drop(&parcel->payload);
	parcel_free(parcel);
}

void parcel_take_back(struct parcel *parcel, const struct message *m)
{
	/* Where it came from there is room; if that is gone, so are the contents. */
	if ((m->flags & MESSAGE_MOVE) && payload_give(&parcel->payload, (uaddr_t)m->data, 0) < 0)
		payload_drop(&parcel->payload);
	parcel_drop(parcel);
}

void parcel_init(void)
{
	parcel_cache = slab_create("parcel", sizeof(struct parcel), 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: made, ended, watched; and how a parcel gets into one and out again.
 *
 * Order.  While a receiver waits the queue is empty and no sender is blocked.  While the queue has room no
 * sender is blocked, unless the first blocked one's parcel must be handed over (hand_only).  So the oldest
 * parcel is the first in the queue, else the first sender's, and each step below restores that.
 */
#include "port_priv.h"

#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/notification.h>
#include <kernel/registry.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <serix/abi.h>
#include <serix/errno.h>

#include "account.h"
#include "call_table.h"

static struct slab_cache *port_cache;

/* --- waking: who waits cannot go before it has had the lock ---------------------------------------- */

static void wake_receiver_locked(struct receiver *r, enum wait_state state)
{
	list_del(&r->link);
	r->state = state;
	task_wake(r->task);
}

/* The port has its parcel; whoever calls goes on waiting, for the answer. */
static void release_sender_locked(struct sender *s)
{
	bool calls = s->parcel->call;

	list_del(&s->link);
	s->parcel = NULL;
	s->state = WAIT_DONE;
	if (!calls)
		task_wake(s->task);
}

int port_wait_locked(struct port *port, const uint32_t *state, uint32_t last, uint64_t deadline_ns)
{
	int err = 0;

	while (*state <= last && err == 0) {
		atomic_store(&current_task()->state, TASK_SLEEPING_INTR);
		spin_unlock(&port->lock);
		err = wait_sleep(deadline_ns, true);
		spin_lock(&port->lock);
	}
	return *state > last ? 0 : err;
}

/* --- in -------------------------------------------------------------------------------------------- */

bool parcel_fits_receiver(const struct parcel *parcel, const struct receiver *r)
{
	if (r->registers)
		return parcel->payload.size <= MESSAGE_SMALL && !parcel->cap_count;
	return parcel->payload.size <= r->capacity;
}

/* Hand it to the oldest receiver that can take it. */
static bool hand_locked(struct port *port, struct parcel *parcel)
{
	struct receiver *r;

	list_for_each (r, &port->receivers, link) {
		if (!parcel_fits_receiver(parcel, r))
			continue;
		r->got = parcel;
		call_received_locked(parcel, r->task, r->table);
		wake_receiver_locked(r, WAIT_DONE);
		return true;
	}
	return false;
}

/* A parcel waits: receivers that still wait are all too small for it, and are to say so. */
static void turn_away_receivers_locked(struct port *port)
{
	while (!list_empty(&port->receivers))
		wake_receiver_locked(list_first(&port->receivers, struct receiver, link), WAIT_RETRY);
}

int port_admit_locked(struct port *port, struct parcel *parcel, struct sender *sender)
{
	if (list_empty(&port->senders)) {
		if (hand_locked(port, parcel))
			return 0;
		if (!parcel->hand_only && !message_queue_full(&port->queue)) {
			message_queue_push(&port->queue, parcel);
			turn_away_receivers_locked(port);
			return 0;
		}
	}
	if (!sender)
		return -EAGAIN;
	sender->parcel = parcel;
	sender->state = WAIT_QUEUED;
	list_add_tail(&port->senders, &sender->link);
	turn_away_receivers_locked(port);
	return 0;
}

/* --- out ------------------------------------------------------------------------------------------- */

static struct sender *first_sender(const struct port *port)
{
	return list_empty(&port->senders) ? NULL : list_first(&port->senders, struct sender, link);
}

/* There is room in the queue, or another sender is the first. */
static void advance_senders_locked(struct port *port)
{
	struct sender *s;

	while (!port->dead && (s = first_sender(port)) && !s->parcel->hand_only &&
	       !message_queue_full(&port->queue)) {
		message_queue_push(&port->queue, s->parcel);
		release_sender_locked(s);
	}
}

struct parcel *port_oldest_locked(const struct port *port)
{
	struct parcel *parcel = message_queue_first(&port->queue);
	struct sender *s;

	if (parcel)
		return parcel;
	s = first_sender(port);
	return s ? s->parcel : NULL;
}

struct parcel *port_take_locked(struct port *port, struct cap_table *table)
{
	struct parcel *parcel = message_queue_pop(&port->queue);

	if (!parcel) {
		struct sender *s = first_sender(port);

		parcel = s->parcel;
		release_sender_locked(s);
	}
	call_received_locked(parcel, current_task(), table);
	advance_senders_locked(port);
	return parcel;
}

void port_withdraw_locked(struct port *port, struct parcel *parcel, struct sender *sender)
{
	if (sender->state == WAIT_QUEUED)
		list_del(&sender->link);
	else
		message_queue_remove(&port->queue, parcel); /* not there when the port has ended */
	advance_senders_locked(port);
	wake_up_all(&port->watchers);
}

/* --- the end --------------------------------------------------------------------------------------- */

/* One step; false: nothing is left.  The lock is dropped in between, so that no CPU is held up however
 * many wait. */
static bool end_step(struct port *port, uint32_t *at, struct parcel **parcel)
{
	bool more = true;
	struct sender *s;

	*parcel = NULL;
	spin_lock(&port->lock);
	s = first_sender(port);
	if (!list_empty(&port->receivers)) {
		wake_receiver_locked(list_first(&port->receivers, struct receiver, link), WAIT_BROKEN);
	} else if (s) {
		list_del(&s->link);
		s->state = WAIT_BROKEN;
		task_wake(s->task); /* a call is woken twice */
	} else if ((*parcel = message_queue_pop(&port->queue))) {
		if ((*parcel)->call)
			*parcel = NULL; /* still its caller's */
	} else {
		more = call_break_next_locked(port, at);
	}
	spin_unlock(&port->lock);
	return more;
}

void port_end(struct port *port)
{
	struct parcel *parcel;
	uint32_t at = 0;
	bool was_dead;

	spin_lock(&port->lock);
	was_dead = port->dead;
	WRITE_ONCE(port->dead, true);
	spin_unlock(&port->lock);
	if (was_dead)
		return;
	while (end_step(port, &at, &parcel))
		if (parcel)
			parcel_drop(parcel);
	wake_up_all(&port->watchers);
	registry_forget(port);
}

/* --- as an object ---------------------------------------------------------------------------------- */

static uint32_t charge_of(const struct port *port)
{
	return (uint32_t)(sizeof(*port) + port->queue.size * sizeof(void *));
}

static void release(struct kobject *object)
{
	struct port *port = port_of(object);

	/* Nobody uses it, so nobody waits; what is left are messages. */
	port_end(port);
	loan_return(&port->answered);
	if (port->calls.slots != port->calls.first)
		kfree(port->calls.slots);
	ipc_uncharge(port->account, charge_of(port));
	kfree(port->queue.slots);
	slab_free(port_cache, port);
}

static void granted(struct kobject *object, uint32_t rights)
{
	if (rights & PORT_RIGHT_RECEIVE)
		atomic_fetch_add_explicit(&port_of(object)->receive_rights, 1, memory_order_relaxed);
}

static void dropped(struct kobject *object, uint32_t rights)
{
	struct port *port = port_of(object);

	if ((rights & PORT_RIGHT_RECEIVE) &&
	    atomic_fetch_sub_explicit(&port->receive_rights, 1, memory_order_acq_rel) == 1)
		port_end(port);
}

/* Other processes may go on receiving, but nobody answers what this one had received. */
static int closed(struct kobject *object, const struct cap_table *table)
{
	if (cap_table_is_dead(table))
		calls_break_of(port_of(object), table);
	return 0;
}

static uint32_t poll(struct kobject *object, struct poll_table *table)
{
	struct port *port = port_of(object);
	uint32_t events = 0;

	if (table)
		table->add(table, &port->watchers);
	spin_lock(&port->lock);
	if (port->dead)
		events = POLLHUP | POLLERR;
	else if (port_oldest_locked(port))
		events = POLLIN | POLLRDNORM;
	if (!port->dead && !message_queue_full(&port->queue) && list_empty(&port->senders))
		events |= POLLOUT | POLLWRNORM;
	spin_unlock(&port->lock);
	return events;
}

static void describe(struct kobject *object, char *buf, size_t size)
{
	snprintf(buf, size, "port:[%lu]", object->id);
}

static const struct kobject_ops port_ops = {
	.release = release,
	.closed = closed,
	.granted = granted,
	.dropped = dropped,
	.poll = poll,
	.describe = describe,
};

int port_create(uint32_t queue_limit, uint32_t uid, struct port **out)
{
	struct port *port = slab_alloc_zeroed(port_cache);
	void **slots = kmalloc(queue_limit * sizeof(*slots));

	if (!port || !slots)
		goto out_free;
	message_queue_init(&port->queue, slots, queue_limit);
	port->account = ipc_charge(uid, charge_of(port));
	if (!port->account)
		goto out_free;
	kobject_init(&port->object, OBJECT_PORT, &port_ops);
	spin_init(&port->lock, "port", RANK_PORT);
	list_init(&port->receivers);
	list_init(&port->senders);
	call_table_init(&port->calls);
	waitqueue_init(&port->watchers);
	*out = port;
	return 0;
out_free:
	kfree(slots);
	if (port)
		slab_free(port_cache, port);
	return -ENOMEM;
}

void port_init(void)
{
	port_cache = slab_create("port", sizeof(struct port), 0);
}

void ipc_init(void)
{
	ipc_account_init();
	port_init();
	parcel_init();
	notification_init();
}

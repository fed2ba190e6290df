/* SPDX-License-Identifier: BSD-2-Clause */
/* One way: sending and receiving. */
#include "port_priv.h"

#include <kernel/sched.h>
#include <serix/errno.h>

/* The port has lost this sender: those behind it may go on. */
static int send_blocked_locked(struct port *port, struct sender *self, uint64_t deadline_ns)
{
	struct parcel *parcel = self->parcel;
	int err = port_wait_locked(port, &self->state, WAIT_QUEUED, deadline_ns);

	if (self->state == WAIT_DONE)
		return 0;
	if (self->state == WAIT_BROKEN)
		return -EPIPE;
	port_withdraw_locked(port, parcel, self);
	return err;
}

int port_send(struct port *port, struct parcel *parcel, uint64_t deadline_ns)
{
	struct sender self = { .task = current_task(), .state = WAIT_DONE };
	int err = -EPIPE;

	spin_lock(&port->lock);
	if (!port->dead)
		err = port_admit_locked(port, parcel, deadline_ns ? &self : NULL);
	if (err == 0 && self.state == WAIT_QUEUED)
		err = send_blocked_locked(port, &self, deadline_ns);
	spin_unlock(&port->lock);
	if (err == 0)
		wake_up_all(&port->watchers);
	return err;
}

/* In line already.  0: it was handed a parcel.  -EAGAIN: it is to look again. */
static int await_parcel_locked(struct port *port, struct receiver *self, uint64_t deadline_ns)
{
	int err = port_wait_locked(port, &self->state, WAIT_QUEUED, deadline_ns);

	switch ((enum wait_state)self->state) {
	case WAIT_QUEUED:
		list_del(&self->link);
		return err;
	case WAIT_DONE:
		return 0;
	case WAIT_BROKEN:
		return -EPIPE;
	case WAIT_RETRY:
		break;
	}
	return -EAGAIN;
}

static int wait_for_parcel_locked(struct port *port, struct receiver *self, uint64_t deadline_ns)
{
	self->task = current_task();
	self->state = WAIT_QUEUED;
	list_add_tail(&port->receivers, &self->link);
	return await_parcel_locked(port, self, deadline_ns);
}

static int receive_locked(struct port *port, struct receiver *self, uint64_t deadline_ns, uint64_t *size)
{
	struct parcel *oldest;
	int err;

	do {
		if (port->dead)
			return -EPIPE;
		oldest = port_oldest_locked(port);
		if (oldest && !parcel_fits_receiver(oldest, self)) {
			*size = oldest->payload.size;
			return -EMSGSIZE;
		}
		if (oldest) {
			self->got = port_take_locked(port, self->table);
			return 0;
		}
		if (deadline_ns == 0)
			return -EAGAIN;
		err = wait_for_parcel_locked(port, self, deadline_ns);
	} while (err == -EAGAIN);
	return err;
}

int port_receive(struct port *port, struct receiver *self, uint64_t deadline_ns, uint64_t *size)
{
	int err;

	spin_lock(&port->lock);
	err = receive_locked(port, self, deadline_ns, size);
	spin_unlock(&port->lock);
	if (err == 0)
		wake_up_all(&port->watchers); /* there is room */
	return err;
}

int port_receive_on(struct port *port, struct receiver *self, uint64_t deadline_ns, uint64_t *size)
{
	int err;

	spin_lock(&port->lock);
	err = await_parcel_locked(port, self, deadline_ns);
	if (err == -EAGAIN)
		err = receive_locked(port, self, deadline_ns, size);
	spin_unlock(&port->lock);
	if (err == 0)
		wake_up_all(&port->watchers);
	return err;
}

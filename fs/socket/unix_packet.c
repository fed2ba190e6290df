/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of local sockets: made and charged, carried and ended. */
#include "unix_priv.h"

#include <kernel/process.h>
#include <serix/errno.h>

/* --- room ---------------------------------------------------------------------------------------------- */

static bool may_send(const struct unix_socket *s)
{
	const struct socket *base = &s->socket;

	return atomic_load_explicit(&s->sent, memory_order_relaxed) <
		       atomic_load_explicit(&base->send_room, memory_order_relaxed) ||
	       (socket_shut(base) & SOCKET_SHUT_SEND) || atomic_load(&base->error);
}

static __noinline int sleep_for_room(struct unix_socket *s)
{
	uint64_t deadline = socket_deadline(atomic_load(&s->socket.send_timeout_ns));
	int err = wait_event_timeout(&s->socket.writable, may_send(s), deadline, true);

	return socket_waited(err, deadline);
}

int unix_wait_for_room(struct unix_socket *s, bool nonblock)
{
	struct socket *base = &s->socket;
	int err;

	for (;;) {
		err = socket_take_error(base);
		if (unlikely(err < 0))
			return err;
		if (unlikely(socket_shut(base) & SOCKET_SHUT_SEND))
			return -EPIPE;
		if (likely(may_send(s)))
			return 0;
		atomic_store(&base->wants_room, true);
		if (nonblock)
			return -EAGAIN;
		err = sleep_for_room(s);
		if (err < 0)
			return err;
	}
}

/* Writers that sleep are woken when a quarter is left to be received, not for each packet; poll says so,
 * too. */
static void uncharge(struct unix_socket *from, uint32_t charge)
{
	uint64_t before = atomic_fetch_sub(&from->sent, charge);
	uint64_t room = atomic_load_explicit(&from->socket.send_room, memory_order_relaxed);

	if (unlikely(before * 4 > room) && (before - charge) * 4 <= room) {
		wake_up_all(&from->socket.writable);
		if (atomic_exchange(&from->socket.wants_room, false))
			async_tell(&from->socket.async, POLL_OUT);
	}
}

/* --- making and ending --------------------------------------------------------------------------------- */

static int take_control(struct packet *p, struct socket_message *m)
{
	struct socket_control *control = m->control;
	int err;

	if (control->has_cred) {
		p->has_cred = true;
		p->pid = control->cred.pid;
		p->uid = control->cred.uid;
		p->gid = control->cred.gid;
	}
	if (control->cap_count == 0)
		return 0;
	err = unix_flight_charge(control);
	if (err < 0)
		return err;
	p->control = control;
	m->control = NULL;
	return 0;
}

int unix_make_packet(struct unix_socket *s, struct socket_message *m, uint32_t size, struct packet **out)
{
	struct packet *p = packet_alloc(size);
	int err = 0;

	if (unlikely(!p))
		return -ENOMEM;
	if (size > 0 && iobuf_read(m->io, p->data, size) != (ssize_t)size)
		err = -EFAULT;
	if (unlikely(m->control != NULL) && err == 0)
		err = take_control(p, m);
	if (unlikely(err < 0)) {
		packet_free(p);
		return err;
	}
	p->from = s;
	if (unix_is_datagram(s))
		socket_get(&s->socket);
	atomic_fetch_add_explicit(&s->sent, p->charge, memory_order_relaxed);
	*out = p;
	return 0;
}

void unix_end_packet(struct packet *p)
{
	struct unix_socket *from = p->from;

	if (unlikely(p->control != NULL))
		unix_flight_doom(unix_flight_end(p));
	uncharge(from, p->charge);
	if (unix_is_datagram(from))
		socket_put(&from->socket);
	packet_free(p);
}

static __noinline void add_cred(struct packet *p)
{
	struct credentials const *cred = current_cred();

	p->has_cred = true;
	p->pid = current_process()->pid;
	p->uid = cred->uid;
	p->gid = cred->gid;
}

void unix_add_cred(struct packet *p, const struct unix_socket *from, const struct unix_socket *to)
{
	if (p->has_cred || !in_user_thread())
		return;
	/* Whoever accepts an embryo may yet ask for it. */
	if (socket_has(&from->socket, SOCKET_PASSCRED) || socket_has(&to->socket, SOCKET_PASSCRED) ||
	    READ_ONCE(to->socket.ino) == 0)
		add_cred(p);
}

void unix_append_locked(struct unix_socket *to, struct packet *p)
{
	packet_append(&to->queue, p);
}

/* Nobody receives any more, and nobody appends: the socket is dead. */
void unix_drop_queue(struct unix_socket *s, bool *had_data)
{
	struct packet_queue left;
	struct packet *p;

	spin_lock(&s->socket.lock);
	packet_take_all(&s->queue, &left);
	spin_unlock(&s->socket.lock);
	*had_data = packet_count(&left) > 0;
	while ((p = packet_take(&left)) != NULL)
		unix_end_packet(p);
}

/* --- received ------------------------------------------------------------------------------------------ */

void unix_give_along(struct unix_socket *s, struct socket_message *m, const struct socket_cred *cred,
		     struct socket_control *control, bool peek)
{
	static const struct socket_cred nobody = SOCKET_CRED_NONE;

	if (socket_has(&s->socket, SOCKET_PASSCRED))
		socket_put_control(m, SOL_SOCKET, SCM_CREDENTIALS, cred ? cred : &nobody, sizeof(*cred));
	if (unlikely(control != NULL))
		socket_put_rights(m, control, peek);
}

ssize_t unix_broken_pipe(const struct socket_message *m)
{
	if (in_user_thread() && !(m->flags & MSG_NOSIGNAL))
		signal_self(SIGPIPE);
	return -EPIPE;
}

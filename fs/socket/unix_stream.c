/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams.  A write becomes packets in the peer's queue; a read takes bytes from as many as it likes, but
 * stops behind one that brought descriptors, and in front of one from another sender when senders are told.
 */
#include "unix_priv.h"

#include <serix/errno.h>

/* --- sending ------------------------------------------------------------------------------------------- */

/* Two packets should have room, so that one is received while the next is made. */
static uint32_t packet_size(const struct unix_socket *s, uint64_t left)
{
	uint32_t half = atomic_load_explicit(&s->socket.send_room, memory_order_relaxed) / 2 - 64;

	return (uint32_t)MIN(left, (uint64_t)MIN(half, PACKET_MAX));
}

static int push(struct unix_socket *to, struct packet *p)
{
	bool carries = p->control != NULL;
	int err = 0;

	if (unlikely(carries))
		unix_flight_lock();
	spin_lock(&to->socket.lock);
	if (unlikely(to->dead || (socket_shut(&to->socket) & SOCKET_SHUT_RECEIVE)))
		err = -EPIPE;
	else
		unix_append_locked(to, p);
	spin_unlock(&to->socket.lock);
	if (unlikely(carries)) {
		if (err == 0)
			unix_flight_begin_locked(to, p);
		unix_flight_unlock();
	}
	return err;
}

static int send_packet(struct unix_socket *s, struct unix_socket *to, struct socket_message *m)
{
	struct packet *p;
	int err = unix_make_packet(s, m, packet_size(s, m->io->left), &p);

	if (unlikely(err < 0))
		return err;
	unix_add_cred(p, s, to);
	err = push(to, p);
	if (unlikely(err < 0))
		unix_end_packet(p);
	return err;
}

static ssize_t stream_send(struct socket *base, struct socket_message *m)
{
	struct unix_socket *s = unix_of(base), *to = unix_peer(s);
	uint64_t total = m->io->left, done = 0;
	int err = 0;

	if (unlikely(m->name != NULL))
		return unix_state(s) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (unlikely(!to))
		return -ENOTCONN;
	if (unlikely(socket_shut(base) & SOCKET_SHUT_SEND))
		return unix_broken_pipe(m);
	while (done < total && err == 0) {
		err = unix_wait_for_room(s, true);
		if (unlikely(err == -EAGAIN) && !m->nonblock) {
			wake_up_all(&to->socket.readable);
			async_tell(&to->socket.async, POLL_IN);
			err = unix_wait_for_room(s, false);
		}
		if (err == 0)
			err = send_packet(s, to, m);
		if (err == 0)
			done = total - m->io->left;
	}
	if (done > 0) {
		wake_up_all(&to->socket.readable);
		async_tell(&to->socket.async, POLL_IN);
		return (ssize_t)done;
	}
	return err == -EPIPE ? unix_broken_pipe(m) : err;
}

/* --- receiving ----------------------------------------------------------------------------------------- */

struct reading {
	uint64_t done, target;
	bool peek;
	bool told; /* who sent the first packet */
	bool over; /* nothing that follows belongs to it */
	struct socket_cred cred;
	struct socket_control *control; /* when peeking: still the packet's */
};

/* Data of two senders do not come together when it is told who sent them. */
static bool belongs(const struct unix_socket *s, const struct packet *p, struct reading *r)
{
	static const struct socket_cred nobody = SOCKET_CRED_NONE;
	struct socket_cred cred = nobody;

	if (likely(!socket_has(&s->socket, SOCKET_PASSCRED)))
		return true;
	if (p->has_cred)
		cred = (struct socket_cred){ p->pid, p->uid, p->gid };
	if (!r->told)
		r->cred = cred;
	r->told = true;
	return r->cred.pid == cred.pid && r->cred.uid == cred.uid && r->cred.gid == cred.gid;
}

static void unlink_first(struct unix_socket *s)
{
	struct packet *p;

	spin_lock(&s->socket.lock);
	p = packet_take(&s->queue);
	spin_unlock(&s->socket.lock);
	unix_end_packet(p);
}

/* Bytes of one packet.  -EFAULT. */
static int take_from(struct unix_socket *s, struct packet *p, struct socket_message *m, struct reading *r)
{
	ssize_t n = iobuf_write(m->io, p->data + p->done, packet_left(p));

	if (unlikely(n < 0))
		return (int)n;
	r->done += (uint64_t)n;
	if (unlikely(p->control != NULL)) {
		r->control = r->peek ? p->control : unix_flight_end(p);
		r->over = true;
	}
	if (r->peek)
		return 0;
	p->done += (uint32_t)n;
	if (packet_left(p) == 0)
		unlink_first(s);
	return 0;
}

/* What there is, as far as it belongs together. */
static int drain(struct unix_socket *s, struct socket_message *m, struct reading *r)
{
	struct packet *p = packet_first(&s->queue), *next;
	int err = 0;

	while (p && m->io->left > 0 && !r->over && err == 0) {
		if (!belongs(s, p, r)) {
			r->over = true;
			break;
		}
		next = r->peek ? packet_next(p) : NULL;
		err = take_from(s, p, m, r);
		p = r->peek ? next : packet_first(&s->queue);
	}
	return err;
}

/* Nothing is there: is it because nothing will come?  1: it may come. */
static int why_empty(struct unix_socket *s)
{
	struct socket *base = &s->socket;
	int err;

	spin_lock(&base->lock);
	if (packet_first(&s->queue))
		err = 1;
	else if (atomic_load(&base->error))
		err = socket_take_error(base);
	else
		err = socket_shut(base) & SOCKET_SHUT_RECEIVE ? 0 : 1;
	spin_unlock(&base->lock);
	return err;
}

static bool may_receive(const struct unix_socket *s)
{
	return packet_first(&s->queue) || (socket_shut(&s->socket) & SOCKET_SHUT_RECEIVE) ||
	       atomic_load(&s->socket.error);
}

static bool must_go_on(const struct reading *r, int err)
{
	return err == 0 && !r->over && r->done < r->target;
}

/* Called with `reading` held, and returns with it. */
static int receive_locked(struct unix_socket *s, struct socket_message *m, struct reading *r)
{
	uint64_t deadline = 0;
	int err = drain(s, m, r);

	while (unlikely(must_go_on(r, err))) {
		/* A peek cannot see more by waiting for it than what it sees anew. */
		err = why_empty(s);
		if (err <= 0)
			return err;
		if (r->peek && r->done > 0)
			return 0;
		/* Asked for no bytes: that there are some is all. */
		if (m->io->left == 0 && packet_first(&s->queue))
			return 0;
		if (m->nonblock)
			return -EAGAIN;
		if (deadline == 0)
			deadline = socket_deadline(atomic_load(&s->socket.receive_timeout_ns));
		mutex_unlock(&s->reading);
		err = wait_event_timeout(&s->socket.readable, may_receive(s), deadline, true);
		mutex_lock(&s->reading);
		err = socket_waited(err, deadline);
		if (err < 0)
			return err;
		err = drain(s, m, r);
	}
	return err;
}

static uint64_t target_of(const struct socket *base, const struct socket_message *m)
{
	uint64_t low = atomic_load_explicit(&base->receive_low, memory_order_relaxed);
	uint64_t target = m->flags & MSG_WAITALL ? m->io->left : MIN(low, m->io->left);

	return MAX(target, 1ul);
}

static ssize_t stream_receive(struct socket *base, struct socket_message *m)
{
	struct unix_socket *s = unix_of(base);
	struct reading r = { .target = target_of(base, m), .peek = m->flags & MSG_PEEK };
	int err;

	if (unlikely(unix_state(s) != UNIX_CONNECTED))
		return -EINVAL;
	mutex_lock(&s->reading);
	err = receive_locked(s, m, &r);
	if (m->name && unix_peer(s))
		unix_sender_name(unix_peer(s), m->name);
	if (unlikely(r.peek && r.control))
		unix_give_along(s, m, r.told ? &r.cred : NULL, r.control, true);
	mutex_unlock(&s->reading);
	if (unlikely(r.told || r.control) && !(r.peek && r.control))
		unix_give_along(s, m, r.told ? &r.cred : NULL, r.control, false);
	return r.done > 0 ? (ssize_t)r.done : err;
}

const struct socket_ops unix_stream_ops = {
	UNIX_COMMON_OPS,     .listen = unix_listen,     .accept = unix_accept,       .connect = unix_connect,
	.send = stream_send, .receive = stream_receive, .poll = unix_connected_poll,
};

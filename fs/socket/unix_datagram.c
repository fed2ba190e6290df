/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams and seqpackets: what is sent in one piece is received in one piece.
 *
 * A datagram socket takes from anybody unless it has a peer, and then from that alone.  Of those who are not
 * its own peer it takes only so many datagrams at a time (UNIX_DATAGRAMS_MAX), lest one receiver use up
 * everybody's room.  Who sends waits in `room` of the receiver; who polls is put on its list `starved` and
 * told at its own `writable`: the receiver may be gone long before the poll is over.
 */
#include "unix_priv.h"

#include <kernel/assert.h>

#include <serix/errno.h>

static struct spinlock starved_lock = SPINLOCK_INIT("starved sockets", RANK_SOCKET_STARVED);

/* --- room in another's queue --------------------------------------------------------------------------- */

static bool is_full_for(const struct unix_socket *to, const struct unix_socket *from)
{
	return to != from && unix_peer(to) != from && packet_count(&to->queue) > READ_ONCE(to->backlog_limit);
}

/* There is room, or nobody left to have any.  Who dies takes the lock in any case: one that found it alive
 * may be listing itself just now. */
void unix_tell_starved(struct unix_socket *s)
{
	wake_up_all(&s->room);
	atomic_thread_fence(memory_order_seq_cst); /* as in starve(): one of the two sees the other */
	if (!READ_ONCE(s->dead) && READ_ONCE(s->starved.next) == &s->starved)
		return;
	spin_lock(&starved_lock);
	while (!list_empty(&s->starved)) {
		struct unix_socket *other = list_first(&s->starved, struct unix_socket, starving);

		list_del(&other->starving);
		wake_up_all(&other->socket.writable);
	}
	spin_unlock(&starved_lock);
}

/* Let `s` be told when `to` has room.  Whoever closes `to` tells all that are listed, so one that is dead
 * takes no more. */
static void starve(struct unix_socket *s, struct unix_socket *to)
{
	spin_lock(&starved_lock);
	if (list_empty(&s->starving) && !READ_ONCE(to->dead))
		list_add_tail(&to->starved, &s->starving);
	spin_unlock(&starved_lock);
	atomic_thread_fence(memory_order_seq_cst);
}

void unix_stop_starving(struct unix_socket *s)
{
	spin_lock(&starved_lock);
	list_del(&s->starving);
	spin_unlock(&starved_lock);
}

/* --- whom to send to ----------------------------------------------------------------------------------- */

/* What a datagram socket was connected to is closed.  What it had sent goes with it.  A seqpacket socket
 * keeps its peer: the packets that it received are charged to it. */
static void forget_peer(struct unix_socket *s, struct unix_socket *peer)
{
	bool was_peer = false, had_data;

	spin_lock(&s->socket.lock);
	if (unix_peer(s) == peer) {
		atomic_store_explicit(&s->peer, NULL, memory_order_release);
		atomic_store(&s->state, UNIX_IDLE);
		was_peer = true;
	}
	spin_unlock(&s->socket.lock);
	if (!was_peer)
		return;
	unix_stop_starving(s);
	mutex_lock(&s->reading);
	unix_drop_queue(s, &had_data);
	mutex_unlock(&s->reading);
	socket_put(&peer->socket);
}

/* With a reference. */
static int receiver_of(struct unix_socket *s, const struct socket_message *m, struct unix_socket **out)
{
	if (m->name)
		return unix_find(m->name, s->socket.type, out);
	*out = unix_peer_get(s);
	return *out ? 0 : -ENOTCONN;
}

/* --- sending ------------------------------------------------------------------------------------------- */

static int append(struct unix_socket *s, struct unix_socket *to, struct packet *p)
{
	struct unix_socket *peer;
	int err = 0;

	spin_lock(&to->socket.lock);
	peer = unix_peer(to);
	if (unlikely(to->dead))
		err = -ECONNREFUSED;
	else if (unlikely(peer && peer != s))
		err = -EPERM;
	else if (unlikely(socket_shut(&to->socket) & SOCKET_SHUT_RECEIVE))
		err = -EPIPE;
	else if (unlikely(is_full_for(to, s)))
		err = -EAGAIN;
	else
		unix_append_locked(to, p);
	spin_unlock(&to->socket.lock);
	return err;
}

static int push(struct unix_socket *s, struct unix_socket *to, struct packet *p)
{
	int err;

	if (likely(!p->control))
		return append(s, to, p);
	unix_flight_lock();
	err = append(s, to, p);
	if (err == 0)
		unix_flight_begin_locked(to, p);
	unix_flight_unlock();
	return err;
}

static int wait_for_queue(struct unix_socket *s, struct unix_socket *to)
{
	uint64_t deadline = socket_deadline(atomic_load(&s->socket.send_timeout_ns));
	int err = wait_event_timeout(&to->room, !is_full_for(to, s) || READ_ONCE(to->dead), deadline, true);

	return socket_waited(err, deadline);
}

/* The packet goes to `to`, or stays the caller's. */
static int deliver(struct unix_socket *s, struct unix_socket *to, struct packet *p, bool nonblock)
{
	int err;

	unix_add_cred(p, s, to);
	for (;;) {
		err = push(s, to, p);
		if (likely(err == 0)) {
			wake_up_all(&to->socket.readable);
			async_tell(&to->socket.async, POLL_IN);
			return 0;
		}
		if (err != -EAGAIN || nonblock)
			return err;
		err = wait_for_queue(s, to);
		if (err < 0)
			return err;
	}
}

static int deliver_to_receiver(struct unix_socket *s, struct socket_message *m, struct packet *p)
{
	struct unix_socket *to;
	int err;

	do {
		err = receiver_of(s, m, &to);
		if (unlikely(err < 0))
			return err;
		err = deliver(s, to, p, m->nonblock);
		if (unlikely(err == -ECONNREFUSED) && unix_is_datagram(s) && !m->name)
			forget_peer(s, to);
		socket_put(&to->socket);
		/* One that closed while it was found leaves its name to the next. */
	} while (unlikely(err == -ECONNREFUSED) && m->name);
	return err;
}

static int check_message(struct unix_socket *s, const struct socket_message *m)
{
	uint32_t room = atomic_load_explicit(&s->socket.send_room, memory_order_relaxed);
	int err = 0;

	if (unlikely(m->name != NULL))
		err = unix_check_address(m->name);
	else if (unlikely(!unix_peer(s)))
		err = -ENOTCONN;
	if (err == 0 && unlikely(socket_has(&s->socket, SOCKET_PASSCRED)))
		err = unix_autobind(s);
	if (err == 0 && unlikely(m->io->left > room - 32))
		err = -EMSGSIZE;
	return err;
}

static ssize_t datagram_send(struct socket *base, struct socket_message *m)
{
	struct unix_socket *s = unix_of(base);
	uint64_t size = m->io->left;
	struct packet *p = NULL;
	int err = check_message(s, m);

	if (err == 0)
		err = unix_wait_for_room(s, m->nonblock);
	if (err == 0)
		err = unix_make_packet(s, m, (uint32_t)size, &p);
	if (unlikely(err < 0))
		return err;
	ASSERT(p);
	err = deliver_to_receiver(s, m, p);
	if (likely(err == 0))
		return (ssize_t)size;
	unix_end_packet(p);
	return err;
}

static ssize_t seqpacket_send(struct socket *base, struct socket_message *m)
{
	int err = socket_take_error(base);

	if (err < 0)
		return err;
	if (unix_state(unix_of(base)) != UNIX_CONNECTED)
		return -ENOTCONN;
	m->name = NULL;
	err = (int)datagram_send(base, m);
	return err == -ECONNREFUSED ? -EPIPE : err;
}

/* --- receiving ----------------------------------------------------------------------------------------- */

/* Nothing is there: will anything come?  1: it may; 0: never. */
static int why_empty(struct unix_socket *s)
{
	int err = socket_take_error(&s->socket);

	if (err < 0)
		return err;
	return socket_shut(&s->socket) & SOCKET_SHUT_RECEIVE ? 0 : 1;
}

/* The first one, with `reading` held.  1: there is one; 0: there will be none. */
static int wait_for_packet(struct unix_socket *s, bool nonblock)
{
	struct socket *base = &s->socket;
	uint64_t deadline = 0;
	int err;

	while (unlikely(!packet_first(&s->queue))) {
		err = why_empty(s);
		/* What came before the end, and after the look, is not lost. */
		if (packet_first(&s->queue))
			return 1;
		if (err <= 0)
			return err;
		if (nonblock)
			return -EAGAIN;
		if (deadline == 0)
			deadline = socket_deadline(atomic_load(&base->receive_timeout_ns));
		mutex_unlock(&s->reading);
		err = wait_event_timeout(&base->readable,
					 packet_first(&s->queue) || atomic_load(&base->error) ||
						 (socket_shut(base) & SOCKET_SHUT_RECEIVE),
					 deadline, true);
		mutex_lock(&s->reading);
		err = socket_waited(err, deadline);
		if (err < 0)
			return err;
	}
	return 1;
}

static void take_out(struct unix_socket *s)
{
	bool was_full;

	spin_lock(&s->socket.lock);
	was_full = packet_count(&s->queue) > s->backlog_limit;
	packet_take(&s->queue);
	spin_unlock(&s->socket.lock);
	if (unlikely(was_full))
		unix_tell_starved(s);
}

/* Data and all that came along; the result of the call. */
static ssize_t give(struct unix_socket *s, struct packet *p, struct socket_message *m, bool peek)
{
	struct socket_control *control = p->control;
	struct socket_cred cred = { p->pid, p->uid, p->gid };
	ssize_t n = iobuf_write(m->io, p->data, p->size);

	if (n < 0 || ((uint64_t)n < p->size && m->io->left > 0))
		return -EFAULT;
	if (m->name)
		unix_sender_name(p->from, m->name);
	if (unlikely(control != NULL) && !peek)
		control = unix_flight_end(p);
	unix_give_along(s, m, p->has_cred ? &cred : NULL, control, peek);
	if ((uint64_t)n < p->size)
		m->result |= MSG_TRUNC;
	return m->flags & MSG_TRUNC ? (ssize_t)p->size : n;
}

static ssize_t datagram_receive(struct socket *base, struct socket_message *m)
{
	struct unix_socket *s = unix_of(base);
	bool peek = m->flags & MSG_PEEK;
	struct packet *p;
	ssize_t n;

	mutex_lock(&s->reading);
	n = wait_for_packet(s, m->nonblock);
	if (unlikely(n <= 0)) {
		mutex_unlock(&s->reading);
		return n;
	}
	p = packet_first(&s->queue);
	if (peek) {
		n = give(s, p, m, true);
		mutex_unlock(&s->reading);
		return n;
	}
	take_out(s);
	mutex_unlock(&s->reading);
	n = give(s, p, m, false);
	unix_end_packet(p);
	return n;
}

static ssize_t seqpacket_receive(struct socket *base, struct socket_message *m)
{
	return unix_state(unix_of(base)) == UNIX_CONNECTED ? datagram_receive(base, m) : -ENOTCONN;
}

/* --- connecting, polling ------------------------------------------------------------------------------- */

static bool accepts_from(const struct unix_socket *to, const struct unix_socket *from)
{
	const struct unix_socket *peer = unix_peer(to);

	return !peer || peer == from;
}

/* `to`, referenced, or NULL, is where datagrams go from now on. */
static void set_peer(struct unix_socket *s, struct unix_socket *to)
{
	struct unix_socket *old;
	bool had_data;

	spin_lock(&s->socket.lock);
	old = unix_peer(s);
	atomic_store_explicit(&s->peer, to, memory_order_release);
	atomic_store(&s->state, to ? UNIX_CONNECTED : UNIX_IDLE);
	spin_unlock(&s->socket.lock);
	if (!old)
		return;
	unix_stop_starving(s);
	if (old != to) {
		/* What others sent so far is not from the new peer. */
		mutex_lock(&s->reading);
		unix_drop_queue(s, &had_data);
		mutex_unlock(&s->reading);
		if (had_data && unix_peer(old) == s) {
			atomic_store(&old->socket.error, ECONNRESET);
			wake_up_all(&old->socket.readable);
			wake_up_all(&old->socket.writable);
		}
	}
	wake_up_all(&s->socket.writable);
	socket_put(&old->socket);
}

static int datagram_connect(struct socket *base, const struct socket_address *address, bool nonblock)
{
	struct unix_socket *s = unix_of(base), *to = NULL;
	int err;

	(void)nonblock;
	if (address->length >= sizeof(address->family) && address->family == AF_UNSPEC) {
		set_peer(s, NULL);
		return 0;
	}
	err = unix_check_address(address);
	if (err == 0 && socket_has(base, SOCKET_PASSCRED))
		err = unix_autobind(s);
	if (err == 0)
		err = unix_find(address, base->type, &to);
	if (err < 0)
		return err;
	if (!accepts_from(to, s)) {
		socket_put(&to->socket);
		return -EPERM;
	}
	set_peer(s, to);
	return 0;
}

static uint32_t datagram_poll(const struct socket *base)
{
	struct unix_socket *s = unix_of(base), *peer;
	uint32_t events = unix_connected_poll(base);

	if (!(events & POLLOUT) || !unix_peer(s))
		return events;
	peer = unix_peer_get(s);
	if (peer && is_full_for(peer, s)) {
		starve(s, peer);
		if (is_full_for(peer, s))
			events &= ~(uint32_t)(POLLOUT | POLLWRNORM | POLLWRBAND);
	}
	if (peer)
		socket_put(&peer->socket);
	return events;
}

const struct socket_ops unix_datagram_ops = {
	UNIX_COMMON_OPS,       .connect = datagram_connect,
	.send = datagram_send, .receive = datagram_receive,
	.poll = datagram_poll,
};

const struct socket_ops unix_seqpacket_ops = {
	UNIX_COMMON_OPS,
	.listen = unix_listen,
	.accept = unix_accept,
	.connect = unix_connect,
	.send = seqpacket_send,
	.receive = seqpacket_receive,
	.poll = unix_connected_poll,
};

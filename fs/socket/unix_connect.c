/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections.  connect makes the socket at the other end, an embryo, and leaves it in the listener's
 * backlog; accept only takes it out.  So the connecting end may send at once.
 */
#include "unix_priv.h"

#include <serix/errno.h>

static void set_state_locked(struct unix_socket *s, enum unix_state state)
{
	atomic_store_explicit(&s->state, state, memory_order_release);
}

/* Both are the caller's alone. */
void unix_join(struct unix_socket *a, struct unix_socket *b)
{
	socket_get(&a->socket);
	socket_get(&b->socket);
	atomic_store(&a->peer, b);
	atomic_store(&b->peer, a);
	set_state_locked(a, UNIX_CONNECTED);
	set_state_locked(b, UNIX_CONNECTED);
}

/* --- listening ----------------------------------------------------------------------------------------- */

int unix_listen(struct socket *base, uint32_t backlog)
{
	struct unix_socket *s = unix_of(base);
	enum unix_state state;
	int err = 0;

	if (!atomic_load(&s->address))
		return -EINVAL;
	spin_lock(&base->lock);
	state = unix_state(s);
	if (state == UNIX_IDLE || state == UNIX_LISTENING) {
		s->backlog_limit = backlog;
		socket_current_cred(&s->owner);
		set_state_locked(s, UNIX_LISTENING);
	} else {
		err = -EINVAL;
	}
	spin_unlock(&base->lock);
	if (err == 0)
		wake_up_all(&s->room);
	return err;
}

static struct unix_socket *next_embryo(struct unix_socket *s)
{
	struct unix_socket *embryo = NULL;

	spin_lock(&s->socket.lock);
	if (!list_empty(&s->backlog)) {
		embryo = list_first(&s->backlog, struct unix_socket, waiting);
		list_del(&embryo->waiting);
		WRITE_ONCE(s->backlog_count, s->backlog_count - 1);
	}
	spin_unlock(&s->socket.lock);
	return embryo;
}

int unix_accept(struct socket *base, bool nonblock, struct socket **out)
{
	struct unix_socket *s = unix_of(base), *embryo;
	uint64_t deadline = 0;
	int err;

	if (unix_state(s) != UNIX_LISTENING)
		return -EINVAL;
	while ((embryo = next_embryo(s)) == NULL) {
		if (socket_shut(base) & SOCKET_SHUT_RECEIVE)
			return -EINVAL;
		if (nonblock)
			return -EAGAIN;
		if (deadline == 0)
			deadline = socket_deadline(atomic_load(&base->receive_timeout_ns));
		err = wait_event_timeout(&base->readable,
					 READ_ONCE(s->backlog_count) > 0 ||
						 (socket_shut(base) & SOCKET_SHUT_RECEIVE),
					 deadline, true);
		err = socket_waited(err, deadline);
		if (err < 0)
			return err;
	}
	wake_up_all(&s->room);
	*out = &embryo->socket;
	return 0;
}

/* The listener is closed; nobody accepts what waits. */
void unix_drop_backlog(struct unix_socket *s)
{
	struct unix_socket *embryo;

	spin_lock(&s->socket.lock);
	s->dead = true;
	spin_unlock(&s->socket.lock);
	while ((embryo = next_embryo(s)) != NULL) {
		unix_end(embryo, true);
		socket_put(&embryo->socket);
	}
}

/* --- connecting ---------------------------------------------------------------------------------------- */

/* One connect at a time, and none of what has a peer. */
static int begin(struct unix_socket *s)
{
	int err = 0;

	spin_lock(&s->socket.lock);
	switch (unix_state(s)) {
	case UNIX_IDLE:
		set_state_locked(s, UNIX_CONNECTING);
		break;
	case UNIX_CONNECTING:
		err = -EALREADY;
		break;
	case UNIX_CONNECTED:
		err = -EISCONN;
		break;
	case UNIX_LISTENING:
		err = -EINVAL;
		break;
	}
	spin_unlock(&s->socket.lock);
	return err;
}

static void give_up(struct unix_socket *s)
{
	spin_lock(&s->socket.lock);
	set_state_locked(s, UNIX_IDLE);
	spin_unlock(&s->socket.lock);
}

static bool is_full(const struct unix_socket *to)
{
	return READ_ONCE(to->backlog_count) > READ_ONCE(to->backlog_limit);
}

static bool takes_connections(const struct unix_socket *to)
{
	return unix_state(to) == UNIX_LISTENING && !(socket_shut(&to->socket) & SOCKET_SHUT_RECEIVE);
}

/* The embryo goes into the backlog.  -EAGAIN: it is full. */
static int deliver(struct unix_socket *to, struct unix_socket *embryo)
{
	struct unix_address *address;
	int err = 0;

	spin_lock(&to->socket.lock);
	if (to->dead || !takes_connections(to)) {
		err = -ECONNREFUSED;
	} else if (is_full(to)) {
		err = -EAGAIN;
	} else {
		address = atomic_load(&to->address);
		refcount_get(&address->refs);
		atomic_store(&embryo->address, address);
		embryo->owner = to->owner;
		list_add_tail(&to->backlog, &embryo->waiting);
		WRITE_ONCE(to->backlog_count, to->backlog_count + 1);
	}
	spin_unlock(&to->socket.lock);
	return err;
}

/* The peers know each other before anybody finds the embryo. */
static int make_embryo(struct unix_socket *s, struct unix_socket **out)
{
	struct unix_socket *embryo;
	int err = unix_socket_create(s->socket.type, &embryo);

	if (err < 0)
		return err;
	socket_get(&s->socket);
	atomic_store(&embryo->peer, s);
	set_state_locked(embryo, UNIX_CONNECTED);
	socket_current_cred(&embryo->peer_cred);
	*out = embryo;
	return 0;
}

static void drop_embryo(struct unix_socket *embryo)
{
	struct unix_socket *s = unix_peer(embryo);

	atomic_store(&embryo->peer, NULL);
	socket_put(&s->socket);
	socket_put(&embryo->socket);
}

/* The reference that the embryo was made with is its peer's from now on. */
static void connected(struct unix_socket *s, struct unix_socket *embryo)
{
	spin_lock(&s->socket.lock);
	s->owner = embryo->peer_cred;
	s->peer_cred = embryo->owner;
	atomic_store_explicit(&s->peer, embryo, memory_order_release);
	set_state_locked(s, UNIX_CONNECTED);
	spin_unlock(&s->socket.lock);
}

/* One try.  1: the backlog was full, and has room now. */
static int try_to_connect(struct unix_socket *s, struct unix_socket *embryo,
			  const struct socket_address *address, bool nonblock, uint64_t deadline)
{
	struct unix_socket *to;
	int err = unix_find(address, s->socket.type, &to);

	if (err < 0)
		return err;
	socket_get(&embryo->socket); /* the backlog's */
	err = deliver(to, embryo);
	if (err == 0) {
		connected(s, embryo);
		wake_up_all(&to->socket.readable);
		async_tell(&to->socket.async, POLL_IN);
		wake_up_all(&s->socket.writable);
	} else {
		socket_put(&embryo->socket);
	}
	if (err == -EAGAIN && !nonblock) {
		err = wait_event_timeout(&to->room, !is_full(to) || !takes_connections(to), deadline, true);
		err = err == 0 ? 1 : socket_waited(err, deadline);
	}
	socket_put(&to->socket);
	return err;
}

int unix_connect(struct socket *base, const struct socket_address *address, bool nonblock)
{
	uint64_t deadline = socket_deadline(atomic_load(&base->send_timeout_ns));
	struct unix_socket *s = unix_of(base), *embryo;
	int err = unix_check_address(address);

	if (err == 0 && socket_has(base, SOCKET_PASSCRED))
		err = unix_autobind(s);
	if (err == 0)
		err = begin(s);
	if (err < 0)
		return err;
	err = make_embryo(s, &embryo);
	if (err < 0) {
		give_up(s);
		return err;
	}
	do
		err = try_to_connect(s, embryo, address, nonblock, deadline);
	while (err == 1);
	if (err == 0)
		return 0;
	drop_embryo(embryo);
	give_up(s);
	return err;
}

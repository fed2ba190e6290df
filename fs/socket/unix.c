/* SPDX-License-Identifier: BSD-2-Clause */
/* Local sockets: made, looked at, shut, closed. */
#include "unix_priv.h"

#include <arch/usercopy.h>
#include <kernel/panic.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

static struct slab_cache *unix_cache;
static struct spinlock all_lock = SPINLOCK_INIT("unix sockets", RANK_SOCKET_LIST);
static struct list all_sockets = LIST_INIT(all_sockets); /* [all_lock] */

/* --- made ---------------------------------------------------------------------------------------------- */

static const struct socket_ops *ops_of(uint16_t type)
{
	switch (type) {
	case SOCK_STREAM:
		return &unix_stream_ops;
	case SOCK_SEQPACKET:
		return &unix_seqpacket_ops;
	default:
		return &unix_datagram_ops;
	}
}

int unix_socket_create(uint16_t type, struct unix_socket **out)
{
	struct unix_socket *s = slab_alloc_zeroed(unix_cache);

	if (!s)
		return -ENOMEM;
	socket_init(&s->socket, ops_of(type), type, 0);
	packet_queue_init(&s->queue);
	mutex_init(&s->reading, "socket reading", RANK_SOCKET_READ);
	mutex_init(&s->binding, "socket binding", RANK_SOCKET_BIND);
	waitqueue_init(&s->room);
	list_init(&s->entry.link);
	list_init(&s->backlog);
	list_init(&s->waiting);
	list_init(&s->starved);
	list_init(&s->starving);
	list_init(&s->node.link);
	list_init(&s->inside);
	s->owner = s->peer_cred = (struct socket_cred)SOCKET_CRED_UNKNOWN;
	s->backlog_limit = UNIX_DATAGRAMS_MAX;
	spin_lock(&all_lock);
	list_add_tail(&all_sockets, &s->all);
	spin_unlock(&all_lock);
	*out = s;
	return 0;
}

/* Linux takes SOCK_RAW for datagrams, too. */
static int check_type(uint16_t *type, int protocol)
{
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (*type == SOCK_RAW)
		*type = SOCK_DGRAM;
	return *type == SOCK_STREAM || *type == SOCK_DGRAM || *type == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static int create(uint16_t type, int protocol, struct socket **out)
{
	struct unix_socket *s;
	int err = check_type(&type, protocol);

	if (err == 0)
		err = unix_socket_create(type, &s);
	if (err == 0)
		*out = &s->socket;
	return err;
}

static int create_pair(uint16_t type, int protocol, struct socket *out[2])
{
	struct unix_socket *a, *b;
	int err = check_type(&type, protocol);

	if (err == 0)
		err = unix_socket_create(type, &a);
	if (err < 0)
		return err;
	err = unix_socket_create(type, &b);
	if (err < 0) {
		socket_put(&a->socket);
		return err;
	}
	unix_join(a, b);
	socket_current_cred(&a->owner);
	b->owner = a->peer_cred = b->peer_cred = a->owner;
	out[0] = &a->socket;
	out[1] = &b->socket;
	return 0;
}

const struct socket_family unix_family = { .number = AF_UNIX, .create = create, .create_pair = create_pair };

void unix_init(void)
{
	unix_cache = slab_create("unix_socket", sizeof(struct unix_socket), 0);
	packet_init();
	unix_names_start();
	unix_flight_init();
}

/* --- looked at ----------------------------------------------------------------------------------------- */

struct unix_socket *unix_peer_get(struct unix_socket *s)
{
	struct unix_socket *peer;

	spin_lock(&s->socket.lock);
	peer = unix_peer(s);
	if (peer)
		socket_get(&peer->socket);
	spin_unlock(&s->socket.lock);
	return peer;
}

int unix_name(struct socket *base, bool peer, struct socket_address *out)
{
	struct unix_socket *s = unix_of(base), *other;

	if (!peer) {
		unix_name_of(s, out);
		return 0;
	}
	other = unix_peer_get(s);
	if (!other)
		return -ENOTCONN;
	unix_name_of(other, out);
	socket_put(&other->socket);
	return 0;
}

static bool writable(const struct unix_socket *s)
{
	uint64_t sent = atomic_load_explicit(&s->sent, memory_order_relaxed);

	return unix_state(s) != UNIX_LISTENING &&
	       sent * 4 <= atomic_load_explicit(&s->socket.send_room, memory_order_relaxed);
}

uint32_t unix_connected_poll(const struct socket *base)
{
	const struct unix_socket *s = unix_of(base);
	uint32_t shut = socket_shut(base), events = 0;
	enum unix_state state = unix_state(s);

	if (atomic_load(&base->error))
		events |= POLLERR;
	if (shut == SOCKET_SHUT_BOTH)
		events |= POLLHUP;
	if (shut & SOCKET_SHUT_RECEIVE)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (packet_first(&s->queue) || (state == UNIX_LISTENING && READ_ONCE(s->backlog_count) > 0))
		events |= POLLIN | POLLRDNORM;
	if (!unix_is_datagram(s) && (state == UNIX_IDLE || state == UNIX_CONNECTING))
		events |= POLLHUP;
	if (writable(s))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

static uint64_t bytes_waiting(struct unix_socket *s)
{
	const struct packet *first;
	uint64_t bytes;

	mutex_lock(&s->reading);
	first = packet_first(&s->queue);
	bytes = unix_is_datagram(s) ? (first ? first->size : 0) : packet_bytes(&s->queue);
	mutex_unlock(&s->reading);
	return bytes;
}

int64_t unix_ioctl(struct socket *base, uint32_t cmd, uint64_t arg)
{
	struct unix_socket *s = unix_of(base);

	switch (cmd) {
	case SIOCINQ:
		if (unix_state(s) == UNIX_LISTENING)
			return -EINVAL;
		return put_user_u32(arg, (uint32_t)bytes_waiting(s));
	case SIOCOUTQ:
		return put_user_u32(arg, atomic_load(&s->sent));
	default:
		return -ENOTTY;
	}
}

int unix_get_option(struct socket *base, int level, int option, void *value, uint32_t *length)
{
	struct unix_socket *s = unix_of(base);
	struct socket_cred cred;
	int32_t listening;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (option) {
	case SO_PEERCRED:
		spin_lock(&base->lock);
		cred = s->peer_cred;
		spin_unlock(&base->lock);
		*length = MIN(*length, (uint32_t)sizeof(cred));
		memcpy(value, &cred, *length);
		return 0;
	case SO_ACCEPTCONN:
		listening = unix_state(s) == UNIX_LISTENING;
		*length = MIN(*length, (uint32_t)sizeof(listening));
		memcpy(value, &listening, *length);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

void unix_for_each(void (*fn)(struct unix_socket *s, void *arg), void *arg)
{
	struct unix_socket *s;

	spin_lock(&all_lock);
	list_for_each (s, &all_sockets, all)
		fn(s, arg);
	spin_unlock(&all_lock);
}

/* --- shut and closed ----------------------------------------------------------------------------------- */

void unix_shut(struct unix_socket *s, uint32_t how, int error)
{
	spin_lock(&s->socket.lock);
	atomic_fetch_or(&s->socket.shut, how);
	if (error)
		atomic_store(&s->socket.error, error);
	spin_unlock(&s->socket.lock);
	wake_up_all(&s->socket.readable);
	wake_up_all(&s->socket.writable);
	wake_up_all(&s->room);
}

/* What one end no longer sends the other does not receive. */
int unix_shutdown(struct socket *base, uint32_t how)
{
	struct unix_socket *s = unix_of(base), *peer;
	uint32_t other = (how & SOCKET_SHUT_RECEIVE ? SOCKET_SHUT_SEND : 0) |
			 (how & SOCKET_SHUT_SEND ? SOCKET_SHUT_RECEIVE : 0);

	unix_shut(s, how, 0);
	if (unix_is_datagram(s))
		return 0;
	peer = unix_peer_get(s);
	if (peer) {
		unix_shut(peer, other, 0);
		if (other & SOCKET_SHUT_RECEIVE)
			async_tell(&peer->socket.async, other == SOCKET_SHUT_BOTH ? POLL_HUP : POLL_IN);
		socket_put(&peer->socket);
	}
	return 0;
}

static struct unix_socket *leave_peer(struct unix_socket *s)
{
	struct unix_socket *peer;

	spin_lock(&s->socket.lock);
	peer = unix_peer(s);
	atomic_store_explicit(&s->peer, NULL, memory_order_release);
	spin_unlock(&s->socket.lock);
	return peer;
}

void unix_end(struct unix_socket *s, bool embryo)
{
	struct unix_socket *peer;
	bool had_data;

	spin_lock(&s->socket.lock);
	s->dead = true;
	spin_unlock(&s->socket.lock);
	unix_shut(s, SOCKET_SHUT_BOTH, 0);
	unix_drop_queue(s, &had_data);
	unix_tell_starved(s);
	peer = leave_peer(s);
	if (!peer)
		return;
	if (!unix_is_datagram(s)) {
		unix_shut(peer, SOCKET_SHUT_BOTH, had_data || embryo ? ECONNRESET : 0);
		async_tell(&peer->socket.async, POLL_HUP);
	}
	socket_put(&peer->socket);
}

void unix_close(struct socket *base)
{
	struct unix_socket *s = unix_of(base);

	unix_unbind(s);
	unix_drop_backlog(s);
	unix_stop_starving(s);
	unix_end(s, false);
}

void unix_free(struct socket *base)
{
	struct unix_socket *s = unix_of(base);

	spin_lock(&all_lock);
	list_del(&s->all);
	spin_unlock(&all_lock);
	unix_address_put(atomic_load(&s->address));
	slab_free(unix_cache, s);
}

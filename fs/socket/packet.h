/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data under way between two sockets: packets, and the queue of a receiver.  Pure: whoever uses it brings the
 * lock.
 *
 * Packets are appended at the end, under the receiver's lock, and taken from the front by one receiver at a
 * time, who holds its `reading` mutex: so that one may look at the packets from the front without the lock,
 * but takes it to take one out.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/types.h>

struct packet {
	struct packet *_Atomic next;
	uint32_t size;   /* bytes of data */
	uint32_t done;   /* [reading] that many were received already, of a stream */
	uint32_t charge; /* bytes of memory, for SO_SNDBUF */
	bool has_cred;
	int32_t pid; /* who sent it, if has_cred */
	uint32_t uid, gid;
	struct socket_control *control; /* descriptors that come along; NULL: none */
	void *from;                     /* whom it is charged to */
	char data[];
};

struct packet_queue {
	struct packet *_Atomic first;
	struct packet *last;    /* meaningless while there is no first */
	_Atomic uint32_t count; /* written under the lock */
};

/* The largest packet of a stream, and the bytes of data in it; with what a debug build puts around it a slab
 * has room.  A datagram is one packet, whatever its size. */
#define PACKET_LARGE (31 * 1024u)
#define PACKET_MAX   (PACKET_LARGE - (uint32_t)offsetof(struct packet, data))

static inline void packet_queue_init(struct packet_queue *q)
{
	atomic_init(&q->first, NULL);
	q->last = NULL;
	atomic_init(&q->count, 0);
}

static inline struct packet *packet_first(const struct packet_queue *q)
{
	return atomic_load_explicit(&q->first, memory_order_acquire);
}

static inline struct packet *packet_next(const struct packet *p)
{
	return atomic_load_explicit(&p->next, memory_order_acquire);
}

static inline uint32_t packet_count(const struct packet_queue *q)
{
	return atomic_load_explicit(&q->count, memory_order_relaxed);
}

static inline uint32_t packet_left(const struct packet *p)
{
	return p->size - p->done;
}

/* Whoever looks at it from now on sees all of the packet. */
static inline void packet_append(struct packet_queue *q, struct packet *p)
{
	struct packet *first = atomic_load_explicit(&q->first, memory_order_relaxed);

	atomic_init(&p->next, NULL);
	atomic_store_explicit(first ? &q->last->next : &q->first, p, memory_order_release);
	q->last = p;
	atomic_store_explicit(&q->count, packet_count(q) + 1, memory_order_relaxed);
}

/* The first one is the caller's from now on. */
static inline struct packet *packet_take(struct packet_queue *q)
{
	struct packet *p = atomic_load_explicit(&q->first, memory_order_relaxed);

	if (!p)
		return NULL;
	atomic_store_explicit(&q->first, atomic_load_explicit(&p->next, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&q->count, packet_count(q) - 1, memory_order_relaxed);
	return p;
}

/* Everything moves to `to`, which is empty. */
static inline void packet_take_all(struct packet_queue *q, struct packet_queue *to)
{
	atomic_init(&to->first, atomic_load_explicit(&q->first, memory_order_relaxed));
	to->last = q->last;
	atomic_init(&to->count, packet_count(q));
	packet_queue_init(q);
}

/* Bytes that wait.  The caller is the one receiver. */
static inline uint64_t packet_bytes(const struct packet_queue *q)
{
	uint64_t bytes = 0;

	for (const struct packet *p = packet_first(q); p; p = packet_next(p))
		bytes += packet_left(p);
	return bytes;
}

void packet_init(void);
/* One with room for `size` bytes and nothing in it.  NULL: no memory. */
struct packet *packet_alloc(uint32_t size) __must_check;
/* Its control is the caller's to deal with before. */
void packet_free(struct packet *packet);

/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <libserix/ring.h>

#include <errno.h>
#include <fcntl.h>
#include <libserix/ipc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct ring_header) <= RING_HEADER, "the header fits its page");

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static bool is_size(uint64_t size)
{
	return size >= RING_SIZE_MIN && size <= RING_SIZE_MAX && (size & (size - 1)) == 0;
}

int ring_create(uint64_t size, struct ring_handles *out)
{
	int memory, err = 0;
	cap_handle_t bell;

	if (!is_size(size))
		return -EINVAL;
	memory = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return -errno;
	if (ftruncate(memory, (off_t)(RING_HEADER + size)) < 0 || fcntl(memory, F_ADD_SEALS, SEALS) < 0)
		err = -errno;
	bell = err < 0 ? err : notification_create(CAP_DERIVE_CLOEXEC);
	if (bell < 0) {
		close(memory);
		return (int)bell;
	}
	*out = (struct ring_handles){ memory, bell };
	return 0;
}

int ring_attach(int memory, cap_handle_t bell, struct ring *ring)
{
	int seals = fcntl(memory, F_GET_SEALS);
	struct stat st;
	void *at;

	/* Memory that somebody else can cut is memory to die in. */
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(memory, &st) < 0 ||
	    !is_size((uint64_t)st.st_size - RING_HEADER))
		return -EINVAL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ring = (struct ring){
		.shared = at,
		.data = (char *)at + RING_HEADER,
		.size = (uint64_t)st.st_size - RING_HEADER,
		.bell = bell,
	};
	return 0;
}

void ring_detach(struct ring *ring)
{
	munmap(ring->shared, RING_HEADER + ring->size);
	ring->shared = NULL;
}

/* --- waiting --------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What this side can use, bytes to consume or room to fill, after a look at the other side's index. */
static long usable(struct ring *r, const struct ring_side *other, bool consumer)
{
	uint64_t used;

	r->other = atomic_load_explicit(&other->index, memory_order_acquire);
	used = consumer ? r->other - r->mine : r->mine - r->other;
	if (used > r->size)
		return -EPROTO;
	return (long)(consumer ? used : r->size - used);
}

/* Sleep once, unless what is wanted has come. */
static int sleep_once(struct ring *r, bool consumer, size_t want, uint64_t timeout_ns)
{
	struct ring_side *own = consumer ? &r->shared->consumer : &r->shared->producer;
	const struct ring_side *other = consumer ? &r->shared->producer : &r->shared->consumer;
	uint64_t bits;
	long have;
	int err = 0;

	atomic_store(&own->sleeps, 1);
	atomic_thread_fence(memory_order_seq_cst);
	have = usable(r, other, consumer);
	if (have < 0)
		err = (int)have;
	else if ((size_t)have < want)
		err = notification_wait(r->bell, consumer ? RING_DATA : RING_ROOM, &bits, timeout_ns);
	atomic_store_explicit(&own->sleeps, 0, memory_order_relaxed);
	return err;
}

/* Until at least `want` bytes are usable: how many are. */
static long wait_for(struct ring *r, bool consumer, size_t want, uint64_t timeout_ns)
{
	const struct ring_side *other = consumer ? &r->shared->producer : &r->shared->consumer;
	uint64_t began = timeout_ns && timeout_ns != PULSE_FOREVER ? now_ns() : 0, passed = 0;

	for (;;) {
		long have = usable(r, other, consumer);
		int err;

		if (have < 0 || (size_t)have >= want)
			return have;
		if (timeout_ns == 0)
			return -EAGAIN;
		if (began)
			passed = now_ns() - began;
		if (passed >= timeout_ns)
			return -ETIMEDOUT;
		err = sleep_once(r, consumer, want, began ? timeout_ns - passed : PULSE_FOREVER);
		if (err < 0)
			return err;
	}
}

/* The other side sees the new index, and is woken if it sleeps. */
static int advance(struct ring *r, bool consumer, size_t size)
{
	struct ring_side *own = consumer ? &r->shared->consumer : &r->shared->producer;
	const struct ring_side *other = consumer ? &r->shared->producer : &r->shared->consumer;

	r->mine += size;
	atomic_store_explicit(&own->index, r->mine, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&other->sleeps, memory_order_relaxed))
		return 0;
	return notification_signal(r->bell, consumer ? RING_ROOM : RING_DATA);
}

/* --- data ------------------------------------------------------------------------------------------ */

int ring_produce(struct ring *ring, const void *data, size_t size, uint64_t timeout_ns)
{
	uint64_t at = ring->mine & (ring->size - 1), first = ring->size - at;
	long room;

	if (size > ring->size)
		return -EMSGSIZE;
	room = wait_for(ring, false, size, timeout_ns);
	if (room < 0)
		return (int)room;
	if (first > size)
		first = size;
	memcpy(ring->data + at, data, first);
	memcpy(ring->data, (const char *)data + first, size - first);
	return advance(ring, false, size);
}

static int take(struct ring *ring, void *data, size_t size)
{
	uint64_t at = ring->mine & (ring->size - 1), first = ring->size - at;

	if (first > size)
		first = size;
	memcpy(data, ring->data + at, first);
	memcpy((char *)data + first, ring->data, size - first);
	return advance(ring, true, size);
}

int ring_consume(struct ring *ring, void *data, size_t size, uint64_t timeout_ns)
{
	long have;

	if (size > ring->size)
		return -EMSGSIZE;
	have = wait_for(ring, true, size, timeout_ns);
	return have < 0 ? (int)have : take(ring, data, size);
}

long ring_read(struct ring *ring, void *data, size_t size, uint64_t timeout_ns)
{
	long have = wait_for(ring, true, size ? 1 : 0, timeout_ns);
	int err;

	if (have < 0)
		return have;
	if ((size_t)have > size)
		have = (long)size;
	err = take(ring, data, (size_t)have);
	return err < 0 ? err : have;
}

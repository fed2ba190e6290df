/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared rings: bytes arrive as they were, whoever is faster; a hostile peer only harms itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/ring.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "ipc.h"

#define BYTES (4ul << 20)
#define SIZE  8192u

static struct ring_handles handles;

static struct ring attached(void)
{
	struct ring r;

	need(ring_attach(handles.memory, handles.bell, &r) == 0);
	return r;
}

static struct ring fresh(void)
{
	need(ring_create(SIZE, &handles) == 0);
	return attached();
}

static void refusals(void)
{
	struct ring r;
	int plain = memfd_create("plain", 0), sealable = memfd_create("sealable", MFD_ALLOW_SEALING);

	need(ring_create(SIZE - 1, &handles) == -EINVAL && ring_create(0, &handles) == -EINVAL);
	need(ring_create(2ul * RING_SIZE_MAX, &handles) == -EINVAL);
	need(ftruncate(plain, RING_HEADER + SIZE) == 0 && ftruncate(sealable, RING_HEADER + SIZE) == 0);
	need(ring_attach(plain, 0, &r) == -EINVAL && ring_attach(sealable, 0, &r) == -EINVAL);
	need(ring_attach(99, 0, &r) == -EINVAL);
	need(ftruncate(sealable, RING_HEADER + 5000) == 0);
	need(fcntl(sealable, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	need(ring_attach(sealable, 0, &r) == -EINVAL);
	r = fresh();
	need(ftruncate(handles.memory, 4096) == -1);
	need(ring_produce(&r, buffer, SIZE + 1, 0) == -EMSGSIZE);
	ring_detach(&r);
}

static void full_and_empty(void)
{
	struct ring in = fresh(), out = attached();
	char got[SIZE];

	need(ring_consume(&out, got, 1, 0) == -EAGAIN && ring_read(&out, got, 1, 5 * MS) == -ETIMEDOUT);
	fill(buffer, SIZE, 1);
	need(ring_produce(&in, buffer, SIZE, 0) == 0);
	need(ring_produce(&in, buffer, 1, 0) == -EAGAIN &&
	     ring_produce(&in, buffer, 1, 5 * MS) == -ETIMEDOUT);
	need(ring_consume(&out, got, 100, 0) == 0 && memcmp(got, buffer, 100) == 0);
	need(ring_produce(&in, buffer, 100, 0) == 0);
	need(ring_read(&out, got, SIZE, 0) == SIZE);
	need(memcmp(got, buffer + 100, SIZE - 100) == 0 && memcmp(got + SIZE - 100, buffer, 100) == 0);
	need(ring_read(&out, got, SIZE, 0) == -EAGAIN && ring_read(&out, got, 0, 0) == 0);
}

static unsigned char byte_at(uint64_t n)
{
	return (unsigned char)(n * 167 + (n >> 9));
}

/* Pieces of all sizes, with a producer that is sometimes slower, sometimes faster. */
static void between_processes(void)
{
	struct ring r = fresh();
	uint64_t at = 0;
	pid_t child = fork();

	if (child == 0) {
		unsigned char piece[3000];

		while (at < BYTES) {
			size_t n = 1 + (at * 31) % sizeof(piece);

			if (n > BYTES - at)
				n = BYTES - at;
			for (size_t i = 0; i < n; i++)
				piece[i] = byte_at(at + i);
			need(ring_produce(&r, piece, n, PULSE_FOREVER) == 0);
			at += n;
			if (at % 64 == 0)
				pause_ms(1);
		}
		_exit(0);
	}
	while (at < BYTES) {
		unsigned char got[2000];
		long n = ring_read(&r, got, 1 + at % sizeof(got), PULSE_FOREVER);

		need(n > 0);
		for (long i = 0; i < n; i++)
			need(got[i] == byte_at(at + (uint64_t)i));
		at += (uint64_t)n;
	}
	need(leaves_with(child, 0) && ring_read(&r, buffer, 1, 0) == -EAGAIN);
}

static void fixed_records(void)
{
	struct ring r = fresh();
	pid_t child = fork();
	uint64_t record[3];

	if (child == 0) {
		for (uint64_t i = 0; i < 50000; i++) {
			record[0] = i;
			record[1] = ~i;
			record[2] = i * i;
			need(ring_produce(&r, record, sizeof(record), PULSE_FOREVER) == 0);
		}
		_exit(0);
	}
	for (uint64_t i = 0; i < 50000; i++) {
		need(ring_consume(&r, record, sizeof(record), PULSE_FOREVER) == 0);
		need(record[0] == i && record[1] == ~i && record[2] == i * i);
	}
	need(leaves_with(child, 0));
}

/* The peer writes what it wants into the shared memory. */
static void a_hostile_peer(void)
{
	struct ring out = fresh(), in = attached();
	static const uint64_t nonsense[] = { SIZE + 1, UINT64_MAX, 1ull << 63, UINT64_MAX - SIZE };

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		atomic_store(&out.shared->producer.index, nonsense[i]);
		need(ring_read(&out, buffer, SIZE, PULSE_FOREVER) == -EPROTO);
		need(ring_consume(&out, buffer, 1, 0) == -EPROTO);
		atomic_store(&in.shared->consumer.index, nonsense[i]);
		need(nonsense[i] > UINT64_MAX - SIZE ||
		     ring_produce(&in, buffer, 1, PULSE_FOREVER) == -EPROTO);
	}
	/* Its own index is not read back. */
	atomic_store(&in.shared->producer.index, 77);
	atomic_store(&in.shared->consumer.index, 0);
	need(ring_produce(&in, "abc", 3, 0) == 0 && atomic_load(&in.shared->producer.index) == 3);
	need(ring_consume(&out, buffer, 3, 0) == 0 && memcmp(buffer, "abc", 3) == 0);
}

/* A side that sleeps is woken by the end of the bell. */
static void the_bell_is_revoked(void)
{
	struct ring r = fresh();
	pid_t child = fork();

	if (child == 0)
		_exit(ring_read(&r, buffer, 1, PULSE_FOREVER) != -EBADF);
	pause_ms(20);
	need(cap_revoke(handles.bell, 0) == 0);
	need(leaves_with(child, 0));
}

int main(void)
{
	tap(passes(refusals), "sizes that are none, memory that may change its size");
	tap(passes(full_and_empty), "full, empty, around the end");
	tap(passes(between_processes), "four million bytes between processes");
	tap(passes(fixed_records), "records of a fixed size");
	tap(passes(a_hostile_peer), "a hostile peer");
	tap(passes(the_bell_is_revoked), "the bell is revoked");
	return tap_end();
}

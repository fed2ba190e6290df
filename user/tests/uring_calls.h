/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring_setup(2) and its relatives without a library, on Linux as on Serix. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <serix/abi_uring.h>

/* A ring as a program has it. */
struct ring {
	int fd;
	struct abi_uring_params p;
	char *rings;
	size_t rings_size;
	struct abi_sqe *sqes;
	uint32_t tail; /* of requests, as far as they are written */
};

static inline uint32_t *ring_word(const struct ring *r, uint32_t offset)
{
	return (uint32_t *)(r->rings + offset);
}

/* 0 or a negative errno. */
static inline int ring_setup(struct ring *r, unsigned entries, unsigned flags, unsigned cq_entries)
{
	memset(r, 0, sizeof(*r));
	r->p.flags = flags;
	r->p.cq_entries = cq_entries;
	r->fd = (int)syscall(SYS_io_uring_setup, entries, &r->p);
	if (r->fd < 0)
		return -errno;
	r->rings_size = r->p.sq_off.array + r->p.sq_entries * 4;
	if (r->rings_size < r->p.cq_off.cqes + r->p.cq_entries * 16)
		r->rings_size = r->p.cq_off.cqes + r->p.cq_entries * 16;
	r->rings = mmap(NULL, r->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(struct abi_sqe), PROT_READ | PROT_WRITE, MAP_SHARED,
		       r->fd, IORING_OFF_SQES);
	return r->rings == MAP_FAILED || (void *)r->sqes == MAP_FAILED ? -errno : 0;
}

static inline void ring_end(struct ring *r)
{
	munmap(r->rings, r->rings_size);
	munmap(r->sqes, r->p.sq_entries * sizeof(struct abi_sqe));
	close(r->fd);
}

/* Write a request; nobody is told yet. */
static inline void ring_put(struct ring *r, const struct abi_sqe *sqe)
{
	uint32_t index = r->tail & (r->p.sq_entries - 1);

	r->sqes[index] = *sqe;
	ring_word(r, r->p.sq_off.array)[index] = index;
	r->tail++;
	__atomic_store_n(ring_word(r, r->p.sq_off.tail), r->tail, __ATOMIC_RELEASE);
}

static inline long ring_enter(const struct ring *r, unsigned count, unsigned min, unsigned flags)
{
	long n = syscall(SYS_io_uring_enter, r->fd, count, min, flags, NULL, 0l);

	return n < 0 ? -errno : n;
}

/* Submit what was written since the kernel took requests last, and wait for `min` completions. */
static inline long ring_submit(const struct ring *r, unsigned min)
{
	uint32_t head = __atomic_load_n(ring_word(r, r->p.sq_off.head), __ATOMIC_ACQUIRE);

	return ring_enter(r, r->tail - head, min, min ? IORING_ENTER_GETEVENTS : 0);
}

/* The oldest completion, if there is one. */
static inline bool ring_get(const struct ring *r, struct abi_cqe *cqe)
{
	uint32_t head = *ring_word(r, r->p.cq_off.head);

	if (head == __atomic_load_n(ring_word(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE))
		return false;
	*cqe = ((struct abi_cqe *)(r->rings + r->p.cq_off.cqes))[head & (r->p.cq_entries - 1)];
	__atomic_store_n(ring_word(r, r->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return true;
}

static inline long ring_register(const struct ring *r, unsigned what, const void *arg, unsigned count)
{
	long n = syscall(SYS_io_uring_register, r->fd, what, arg, count);

	return n < 0 ? -errno : n;
}

static inline struct abi_sqe sqe_of(unsigned opcode, int fd, const void *addr, unsigned len, uint64_t off)
{
	return (struct abi_sqe){ .opcode = (uint8_t)opcode,
				 .fd = fd,
				 .addr = (uintptr_t)addr,
				 .len = len,
				 .off = off,
				 .user_data = 42 };
}

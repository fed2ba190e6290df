/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that concern the ring alone: polls, timeouts, and the end of other requests. */
#include "uring_priv.h"

#include <arch/usercopy.h>
#include <kernel/timespec.h>

#include "../vfs_priv.h"

/* --- polls ---------------------------------------------------------------------------------------------- */

int64_t uring_poll_add(struct uring_request *r)
{
	const struct capability *cap = uring_request_cap(r);
	uint32_t ready;

	if (r->sqe.len || r->sqe.addr || r->sqe.off || r->sqe.buf_index)
		return -EINVAL;
	r->events = r->sqe.op_flags | POLLERR | POLLHUP;
	if (r->sqe.op_flags & poll_events_denied(cap))
		return -EPERM;
	ready = object_poll(cap->object, NULL) & r->events;
	return ready ? (int64_t)ready : URING_AGAIN;
}

/* --- finding others ------------------------------------------------------------------------------------- */

struct wanted {
	uint64_t user_data;
	int32_t opcode;               /* -1: any */
	const struct kobject *object; /* instead of user_data; NULL: none */
	bool any;
};

static bool is_wanted(const struct uring_request *r, const struct wanted *w)
{
	if (w->opcode >= 0 && r->sqe.opcode != w->opcode)
		return false;
	if (w->any)
		return true;
	if (w->object)
		return READ_ONCE(r->object) == w->object;
	return r->sqe.user_data == w->user_data;
}

static struct uring_request *find_locked(struct uring *ring, const struct uring_request *but,
					 const struct wanted *w)
{
	struct uring_request *r;

	list_for_each (r, &ring->requests, in_ring) {
		if (r != but && is_wanted(r, w))
			return r;
	}
	return NULL;
}

/* 0, -ENOENT, or -EALREADY: it is being worked on, or about to be. */
static int cancel(struct uring_request *self, const struct wanted *w)
{
	struct uring *ring = self->ring;
	struct uring_request *r;
	int err = -ENOENT;

	spin_lock(&ring->lock);
	r = find_locked(ring, self, w);
	if (r)
		err = uring_cancel(r) ? 0 : -EALREADY;
	spin_unlock(&ring->lock);
	return err;
}

static int64_t cancel_all(struct uring_request *self, const struct wanted *w)
{
	struct uring *ring = self->ring;
	struct uring_request *r;
	int64_t n = 0;

	spin_lock(&ring->lock);
	list_for_each (r, &ring->requests, in_ring) {
		if (r != self && is_wanted(r, w))
			n += uring_cancel(r);
	}
	spin_unlock(&ring->lock);
	return n;
}

int64_t uring_poll_remove(struct uring_request *r)
{
	const struct wanted w = { .user_data = r->sqe.addr, .opcode = IORING_OP_POLL_ADD };

	if (r->sqe.len || r->sqe.off || r->sqe.op_flags || r->sqe.buf_index || r->sqe.other_fd)
		return -EINVAL;
	return cancel(r, &w);
}

int64_t uring_async_cancel(struct uring_request *r)
{
	uint32_t flags = r->sqe.op_flags;
	struct wanted w = { .user_data = r->sqe.addr, .opcode = -1, .any = flags & IORING_ASYNC_CANCEL_ANY };
	struct file_use use = { NULL, NULL };
	int64_t n;

	if (r->sqe.off || r->sqe.other_fd)
		return -EINVAL;
	if (flags & ~(IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY))
		return -EINVAL;
	if (flags & IORING_ASYNC_CANCEL_FD) {
		if (w.any)
			return -EINVAL;
		n = file_use(r->sqe.fd, 0, &use);
		if (n < 0)
			return n;
		w.object = &use.file->object;
	}
	n = flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY) ? cancel_all(r, &w) : cancel(r, &w);
	if (use.file)
		file_done(&use);
	return n;
}

/* --- timeouts ------------------------------------------------------------------------------------------- */

#define CLOCKS (IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME)

static int read_time(uaddr_t user, uint32_t flags, uint64_t *deadline)
{
	struct abi_timespec ts;
	uint64_t ns;

	if ((flags & CLOCKS) == CLOCKS)
		return -EINVAL;
	if (copy_from_user(&ts, user, sizeof(ts)) < 0)
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0)
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	if (!(flags & IORING_TIMEOUT_ABS))
		*deadline = deadline_after(ns);
	else
		*deadline = flags & IORING_TIMEOUT_REALTIME ? deadline_of_real(ns) : ns;
	return 0;
}

void uring_disarm(struct uring_request *r)
{
	if (r->timed)
		timer_cancel(&r->timer);
	r->timed = false;
}

/* It ends after so many completions that come from now on. */
static void count_completions(struct uring_request *r, uint32_t count)
{
	struct uring *ring = r->ring;

	spin_lock(&ring->lock);
	r->count = ring->completions + count;
	list_add_tail(&ring->counting, &r->in_counting);
	spin_unlock(&ring->lock);
}

static int start_timeout(struct uring_request *r, uint32_t known)
{
	int err;

	if (r->sqe.len != 1 || r->sqe.buf_index || r->sqe.other_fd || (r->sqe.op_flags & ~known))
		return -EINVAL;
	err = read_time(r->sqe.addr, r->sqe.op_flags, &r->deadline_ns);
	if (err < 0)
		return err;
	uring_arm(r);
	return 0;
}

int64_t uring_timeout(struct uring_request *r)
{
	int err = start_timeout(r, IORING_TIMEOUT_ABS | CLOCKS | IORING_TIMEOUT_ETIME_SUCCESS);

	if (err < 0)
		return err;
	if (r->sqe.off)
		count_completions(r, (uint32_t)r->sqe.off);
	return URING_PENDING;
}

int64_t uring_link_timeout(struct uring_request *r)
{
	int err = r->target ? start_timeout(r, IORING_TIMEOUT_ABS | CLOCKS) : -ECANCELED;

	return err < 0 ? err : URING_PENDING;
}

static int update(struct uring_request *self, const struct wanted *w, uint64_t deadline)
{
	struct uring *ring = self->ring;
	struct uring_request *r;
	int err = -ENOENT;

	spin_lock(&ring->lock);
	r = find_locked(ring, self, w);
	/* Only its own thread may touch the timer: another hears that there is nothing of the kind. */
	if (r && r->thread == self->thread && r->timed) {
		r->deadline_ns = deadline;
		timer_arm(&r->timer, deadline);
		err = 0;
	}
	spin_unlock(&ring->lock);
	return err;
}

int64_t uring_timeout_remove(struct uring_request *r)
{
	const struct wanted w = { .user_data = r->sqe.addr, .opcode = IORING_OP_TIMEOUT };
	uint32_t flags = r->sqe.op_flags;
	uint64_t deadline;
	int err;

	if (r->sqe.buf_index || r->sqe.len || r->sqe.other_fd)
		return -EINVAL;
	if (!(flags & IORING_TIMEOUT_UPDATE))
		return flags ? -EINVAL : cancel(r, &w);
	if (flags & ~(IORING_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS | CLOCKS))
		return -EINVAL;
	err = read_time(r->sqe.off, flags, &deadline);
	return err < 0 ? err : update(r, &w, deadline);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a ring is told once for all its requests: buffers, files, an eventfd; and what it is asked. */
#include "uring_priv.h"

#include <arch/usercopy.h>
#include <kernel/eventfd.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#define BUFFER_MAX (1ull << 30)

/* What a ring holds is not told of a revocation: each use asks. */
static void revoked(struct capability *cap, void *holder)
{
	(void)cap;
	(void)holder;
}

static const struct cap_holder_ops held_ops = { .revoked = revoked };

/* --- buffers -------------------------------------------------------------------------------------------- */

static int check_buffer(const struct abi_iovec *v)
{
	if (v->base == 0 || v->len == 0 || v->len > BUFFER_MAX)
		return -EFAULT;
	if (v->base > USER_END || v->len > USER_END - v->base)
		return -EFAULT;
	return vm_check_mapped(current_task()->vm, ALIGN_DOWN(v->base, PAGE_SIZE),
			       ALIGN_UP(v->base + v->len, PAGE_SIZE) - ALIGN_DOWN(v->base, PAGE_SIZE)) < 0
		       ? -EFAULT
		       : 0;
}

static int read_buffers(struct uring_buffer *buffers, uaddr_t arg, uint32_t count)
{
	struct abi_iovec v;
	int err = 0;

	for (uint32_t i = 0; i < count && err == 0; i++) {
		err = copy_from_user(&v, arg + i * sizeof(v), sizeof(v));
		if (err == 0 && (v.base || v.len))
			err = check_buffer(&v);
		if (err == 0)
			buffers[i] = (struct uring_buffer){ v.base, v.len };
	}
	return err;
}

static int register_buffers(struct uring *ring, uaddr_t arg, uint32_t count)
{
	struct uring_buffer *buffers;
	int err;

	if (ring->buffers)
		return -EBUSY;
	if (count == 0 || count > URING_BUFFERS_MAX)
		return -EINVAL;
	buffers = kcalloc(count, sizeof(*buffers));
	if (!buffers)
		return -ENOMEM;
	err = read_buffers(buffers, arg, count);
	if (err < 0) {
		kfree(buffers);
		return err;
	}
	ring->buffers = buffers;
	ring->buffer_count = count;
	ring->buffers_of = current_task()->vm;
	return 0;
}

static void drop_buffers(struct uring *ring)
{
	kfree(ring->buffers);
	ring->buffers = NULL;
	ring->buffer_count = 0;
}

static int unregister_buffers(struct uring *ring)
{
	if (!ring->buffers)
		return -ENXIO;
	drop_buffers(ring);
	return 0;
}

int uring_request_check_buffer(const struct uring_request *r)
{
	struct uring *ring = r->ring;
	const struct uring_buffer *b;
	uint64_t addr = r->sqe.addr;
	int err = -EFAULT;

	mutex_lock(&ring->submitting);
	if (r->sqe.buf_index < ring->buffer_count && ring->buffers_of == current_task()->vm) {
		b = &ring->buffers[r->sqe.buf_index];
		if (addr >= b->base && r->sqe.len <= b->len && addr - b->base <= b->len - r->sqe.len)
			err = 0;
	}
	mutex_unlock(&ring->submitting);
	return err;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* What a descriptor names, held; -1 is nothing. */
static int hold_file(int32_t fd, struct capability **out)
{
	struct file_use use;
	int err;

	*out = NULL;
	if (fd == -1)
		return 0;
	err = file_use(fd, 0, &use);
	if (err < 0)
		return err;
	/* A ring that held itself would never end. */
	err = file_is_uring(use.file) || (atomic_load(&use.file->flags) & O_PATH)
		      ? -EBADF
		      : cap_hold(use.cap, &held_ops, NULL, out);
	file_done(&use);
	return err;
}

static void free_files(struct capability **files, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (files[i])
			cap_drop(files[i]);
	kfree(files);
}

static int register_files(struct uring *ring, uaddr_t arg, uint32_t count)
{
	struct capability **files;
	int32_t fd;
	int err = 0;

	if (ring->files)
		return -EBUSY;
	if (count == 0)
		return -EINVAL;
	if (count > URING_FILES_MAX || count > current_rlimit(RLIMIT_NOFILE))
		return -EMFILE;
	files = kcalloc(count, sizeof(struct capability *));
	if (!files)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && err == 0; i++) {
		err = get_user_u32(arg + i * sizeof(fd), (uint32_t *)&fd);
		if (err == 0)
			err = hold_file(fd, &files[i]);
	}
	if (err < 0) {
		free_files(files, count);
		return err;
	}
	spin_lock(&ring->lock);
	ring->files = files;
	ring->file_count = count;
	spin_unlock(&ring->lock);
	return 0;
}

static void drop_files(struct uring *ring)
{
	struct capability **files;
	uint32_t count;

	spin_lock(&ring->lock);
	files = ring->files;
	count = ring->file_count;
	ring->files = NULL;
	ring->file_count = 0;
	spin_unlock(&ring->lock);
	if (files)
		free_files(files, count);
}

static int unregister_files(struct uring *ring)
{
	if (!ring->files)
		return -ENXIO;
	drop_files(ring);
	return 0;
}

static int replace_file(struct uring *ring, uint32_t index, int32_t fd)
{
	struct capability *cap, *old;
	int err = hold_file(fd, &cap);

	if (err < 0)
		return err;
	spin_lock(&ring->lock);
	old = ring->files[index];
	ring->files[index] = cap;
	spin_unlock(&ring->lock);
	if (old)
		cap_drop(old);
	return 0;
}

#define FILE_SKIP -2 /* leave what is there */

static int update_files(struct uring *ring, uaddr_t arg, uint32_t count)
{
	struct abi_uring_files_update up;
	uint32_t done = 0;
	int32_t fd;
	int err = copy_from_user(&up, arg, sizeof(up));

	if (err < 0)
		return err;
	if (!ring->files)
		return -ENXIO;
	if (up.reserved || count == 0 || count > ring->file_count || up.offset > ring->file_count - count)
		return -EINVAL;
	for (; done < count; done++) {
		err = get_user_u32(up.fds + done * sizeof(fd), (uint32_t *)&fd);
		if (err == 0 && fd != FILE_SKIP)
			err = replace_file(ring, up.offset + done, fd);
		if (err < 0)
			break;
	}
	return done > 0 ? (int)done : err;
}

/* --- the rest ------------------------------------------------------------------------------------------- */

static struct capability *swap_event(struct uring *ring, struct capability *cap)
{
	struct capability *old;

	spin_lock(&ring->lock);
	old = ring->event;
	ring->event = cap;
	spin_unlock(&ring->lock);
	return old;
}

static int register_event(struct uring *ring, uaddr_t arg, uint32_t count)
{
	struct capability *cap;
	struct file_use use;
	int32_t fd;
	int err;

	if (count != 1)
		return -EINVAL;
	if (ring->event)
		return -EBUSY;
	err = get_user_u32(arg, (uint32_t *)&fd);
	if (err < 0)
		return err;
	err = file_use(fd, CAP_WRITE, &use);
	if (err < 0)
		return err;
	err = file_is_eventfd(use.file) ? cap_hold(use.cap, &held_ops, NULL, &cap) : -EINVAL;
	file_done(&use);
	if (err == 0)
		swap_event(ring, cap);
	return err;
}

static int unregister_event(struct uring *ring)
{
	struct capability *old = swap_event(ring, NULL);

	if (!old)
		return -ENXIO;
	cap_drop(old);
	return 0;
}

static int probe(uaddr_t arg, uint32_t count)
{
	struct abi_uring_probe head = { .last_op = IORING_OP_LAST - 1 }, given;
	int err;

	count = MIN(count, (uint32_t)IORING_OP_LAST);
	err = copy_from_user(&given, arg, sizeof(given));
	if (err == 0 && (given.last_op || given.ops_len || given.reserved || given.reserved2[0] ||
			 given.reserved2[1] || given.reserved2[2]))
		err = -EINVAL;
	head.ops_len = (uint8_t)count;
	if (err == 0)
		err = copy_to_user(arg, &head, sizeof(head));
	for (uint32_t i = 0; i < count && err == 0; i++) {
		struct abi_uring_probe_op op = { .op = (uint8_t)i };

		op.flags = uring_ops[i].issue ? IO_URING_OP_SUPPORTED : 0;
		err = copy_to_user(arg + sizeof(head) + i * sizeof(op), &op, sizeof(op));
	}
	return err;
}

static int enable(struct uring *ring)
{
	if (atomic_load(&ring->enabled))
		return -EBADFD;
	atomic_store(&ring->enabled, true);
	return 0;
}

static int64_t dispatch(struct uring *ring, uint32_t what, uaddr_t arg, uint32_t count)
{
	bool nothing = arg == 0 && count == 0;

	switch (what) {
	case IORING_REGISTER_BUFFERS:
		return arg ? register_buffers(ring, arg, count) : -EFAULT;
	case IORING_UNREGISTER_BUFFERS:
		return nothing ? unregister_buffers(ring) : -EINVAL;
	case IORING_REGISTER_FILES:
		return arg ? register_files(ring, arg, count) : -EFAULT;
	case IORING_UNREGISTER_FILES:
		return nothing ? unregister_files(ring) : -EINVAL;
	case IORING_REGISTER_FILES_UPDATE:
		return update_files(ring, arg, count);
	case IORING_REGISTER_EVENTFD:
		return register_event(ring, arg, count);
	case IORING_UNREGISTER_EVENTFD:
		return nothing ? unregister_event(ring) : -EINVAL;
	case IORING_REGISTER_PROBE:
		return arg && count <= 256 ? probe(arg, count) : -EINVAL;
	case IORING_REGISTER_ENABLE_RINGS:
		return nothing ? enable(ring) : -EINVAL;
	default:
		return -EINVAL;
	}
}

int64_t uring_register(struct file *file, uint32_t what, uaddr_t arg, uint32_t count)
{
	struct uring *ring = uring_of(file);
	int64_t n;

	mutex_lock(&ring->submitting);
	n = dispatch(ring, what, arg, count);
	mutex_unlock(&ring->submitting);
	return n;
}

void uring_drop_registered(struct uring *ring)
{
	struct capability *event = swap_event(ring, NULL);

	if (event)
		cap_drop(event);
	mutex_lock(&ring->submitting);
	drop_files(ring);
	drop_buffers(ring);
	mutex_unlock(&ring->submitting);
}

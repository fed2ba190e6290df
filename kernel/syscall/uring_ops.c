/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What requests of rings do: system calls, with their arguments out of a request.  So each is checked,
 * confined and limited as its call is.  FD_OF_REQUEST names the file that the ring has found for the request;
 * what would wait there says so, and is tried again.
 */
#include <kernel/syscall.h>

#include <kernel/process.h>
#include <kernel/uring.h>
#include <serix/abi_fs.h>
#include <serix/abi_socket.h>
#include <serix/errno.h>

#include "transfer.h"
#include "user_vec.h"

#define CALL(name, ...) sys_##name(&(const struct syscall_args){ .a = { __VA_ARGS__ } })
#define THE_FILE        ((uint64_t)FD_OF_REQUEST)

static int64_t again_if(int64_t n, bool may_wait)
{
	return n == -EAGAIN && may_wait ? URING_AGAIN : n;
}

static int64_t op_nop(struct uring_request *r)
{
	(void)r;
	return 0;
}

/* --- transfers ------------------------------------------------------------------------------------------ */

static int64_t run(const struct abi_sqe *s, bool write, struct iobuf *io)
{
	off_t pos = (off_t)s->off;
	struct transfer t = { .write = write, .pos = pos == -1 ? NULL : &pos, .flags = s->op_flags };
	struct file_use use;
	int64_t n = transfer_use(FD_OF_REQUEST, &t, &use);

	if (n < 0)
		return n;
	if (t.pos && pos < 0) {
		n = -EINVAL;
	} else {
		t.flags |= RWF_NOWAIT;
		n = again_if(transfer_run(&use, &t, io), !(s->op_flags & RWF_NOWAIT));
	}
	file_done(&use);
	return n;
}

static int64_t one_buffer(const struct abi_sqe *s, bool write)
{
	struct abi_iovec iov;
	struct iobuf io;
	int err = user_buffer_check(s->addr, s->len);

	if (err == 0 && (s->op_flags & ~RWF_ALL))
		err = -EOPNOTSUPP;
	if (err < 0)
		return err;
	iobuf_init_user(&io, &iov, s->addr, MIN(s->len, (uint32_t)RW_COUNT_MAX));
	return run(s, write, &io);
}

static int64_t vector(const struct abi_sqe *s, bool write)
{
	struct user_vec vec;
	struct iobuf io;
	int64_t n = s->op_flags & ~RWF_ALL ? -EOPNOTSUPP : user_vec_get(&vec, s->addr, s->len);

	if (n < 0)
		return n;
	iobuf_init_vec(&io, vec.iov, s->len, vec.total);
	n = run(s, write, &io);
	user_vec_put(&vec);
	return n;
}

static int64_t op_read(struct uring_request *r)
{
	return one_buffer(uring_request_sqe(r), false);
}

static int64_t op_write(struct uring_request *r)
{
	return one_buffer(uring_request_sqe(r), true);
}

static int64_t op_readv(struct uring_request *r)
{
	return vector(uring_request_sqe(r), false);
}

static int64_t op_writev(struct uring_request *r)
{
	return vector(uring_request_sqe(r), true);
}

static int64_t op_read_fixed(struct uring_request *r)
{
	int err = uring_request_check_buffer(r);

	return err < 0 ? err : op_read(r);
}

static int64_t op_write_fixed(struct uring_request *r)
{
	int err = uring_request_check_buffer(r);

	return err < 0 ? err : op_write(r);
}

/* --- files by descriptor -------------------------------------------------------------------------------- */

static int64_t op_fsync(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->addr || s->buf_index || s->other_fd || (s->op_flags & ~IORING_FSYNC_DATASYNC))
		return -EINVAL;
	return s->op_flags ? CALL(fdatasync, THE_FILE) : CALL(fsync, THE_FILE);
}

static int64_t op_sync_file_range(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->addr || s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(sync_file_range, THE_FILE, s->off, s->len, s->op_flags);
}

static int64_t op_fallocate(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->op_flags || s->other_fd)
		return -EINVAL;
	return CALL(fallocate, THE_FILE, s->len, s->off, s->addr);
}

static int64_t op_fadvise(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->addr || s->other_fd)
		return -EINVAL;
	return CALL(fadvise64, THE_FILE, s->off, s->len, s->op_flags);
}

static int64_t op_madvise(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->off || s->other_fd)
		return -EINVAL;
	return CALL(madvise, s->addr, s->len, s->op_flags);
}

/* Rings are not closed by requests: Linux's rule, and the file may be the request's own. */
static bool names_ring(int32_t fd)
{
	struct file_use use;
	bool ring;

	if (file_use(fd, 0, &use) < 0)
		return false;
	ring = file_is_uring(use.file);
	file_done(&use);
	return ring;
}

static int64_t op_close(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->addr || s->len || s->op_flags || s->buf_index || s->other_fd)
		return -EINVAL;
	if (names_ring(s->fd))
		return -EBADF;
	return CALL(close, (uint64_t)s->fd);
}

static int64_t op_epoll_ctl(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(epoll_ctl, THE_FILE, s->len, s->off, s->addr);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static int64_t op_openat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(openat, (uint64_t)s->fd, s->addr, s->op_flags, s->len);
}

static int64_t op_openat2(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(openat2, (uint64_t)s->fd, s->addr, s->off, s->len);
}

static int64_t op_statx(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(statx, (uint64_t)s->fd, s->addr, s->op_flags, s->len, s->off);
}

static int64_t op_renameat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(renameat2, (uint64_t)s->fd, s->addr, s->len, s->off, s->op_flags);
}

static int64_t op_unlinkat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->len || s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(unlinkat, (uint64_t)s->fd, s->addr, s->op_flags);
}

static int64_t op_mkdirat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->op_flags || s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(mkdirat, (uint64_t)s->fd, s->addr, s->len);
}

static int64_t op_symlinkat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->len || s->op_flags || s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(symlinkat, s->addr, (uint64_t)s->fd, s->off);
}

static int64_t op_linkat(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(linkat, (uint64_t)s->fd, s->addr, s->len, s->off, s->op_flags);
}

/* --- sockets -------------------------------------------------------------------------------------------- */

static bool socket_may_wait(const struct abi_sqe *s)
{
	return !(s->op_flags & MSG_DONTWAIT);
}

static uint64_t never_waiting(const struct abi_sqe *s)
{
	return s->op_flags | MSG_DONTWAIT;
}

static int64_t op_send(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->other_fd)
		return -EINVAL;
	return again_if(CALL(sendto, THE_FILE, s->addr, s->len, never_waiting(s) | MSG_NOSIGNAL),
			socket_may_wait(s));
}

static int64_t op_recv(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->other_fd)
		return -EINVAL;
	return again_if(CALL(recvfrom, THE_FILE, s->addr, s->len, never_waiting(s)), socket_may_wait(s));
}

static int64_t op_sendmsg(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->other_fd)
		return -EINVAL;
	return again_if(CALL(sendmsg, THE_FILE, s->addr, never_waiting(s) | MSG_NOSIGNAL),
			socket_may_wait(s));
}

static int64_t op_recvmsg(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->other_fd)
		return -EINVAL;
	return again_if(CALL(recvmsg, THE_FILE, s->addr, never_waiting(s)), socket_may_wait(s));
}

static int64_t op_accept(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->len || s->buf_index || s->other_fd)
		return -EINVAL;
	return again_if(CALL(accept4, THE_FILE, s->addr, s->off, s->op_flags), true);
}

/* Local sockets connect at once, or the other side's queue is full, which the program hears. */
static int64_t op_connect(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->len || s->buf_index || s->op_flags || s->other_fd)
		return -EINVAL;
	return CALL(connect, THE_FILE, s->addr, s->off);
}

static int64_t op_shutdown(struct uring_request *r)
{
	const struct abi_sqe *s = uring_request_sqe(r);

	if (s->off || s->addr || s->op_flags || s->buf_index || s->other_fd)
		return -EINVAL;
	return CALL(shutdown, THE_FILE, s->len);
}

/* --- the table ------------------------------------------------------------------------------------------ */

#define IN  (POLLIN | POLLRDNORM)
#define OUT (POLLOUT | POLLWRNORM)

const struct uring_op uring_ops[IORING_OP_LAST] = {
	[IORING_OP_NOP] = { op_nop, .any_file = true },
	[IORING_OP_READV] = { op_readv, .needs_file = true, .plain_ioprio = true, .events = IN },
	[IORING_OP_WRITEV] = { op_writev, .needs_file = true, .plain_ioprio = true, .events = OUT },
	[IORING_OP_FSYNC] = { op_fsync, .needs_file = true },
	[IORING_OP_READ_FIXED] = { op_read_fixed, .needs_file = true, .plain_ioprio = true,
				   .all_or_broken = true, .events = IN },
	[IORING_OP_WRITE_FIXED] = { op_write_fixed, .needs_file = true, .plain_ioprio = true,
				    .all_or_broken = true, .events = OUT },
	[IORING_OP_POLL_ADD] = { uring_poll_add, .needs_file = true },
	[IORING_OP_POLL_REMOVE] = { uring_poll_remove, .any_file = true },
	[IORING_OP_SYNC_FILE_RANGE] = { op_sync_file_range, .needs_file = true },
	[IORING_OP_SENDMSG] = { op_sendmsg, .needs_file = true, .events = OUT },
	[IORING_OP_RECVMSG] = { op_recvmsg, .needs_file = true, .events = IN },
	[IORING_OP_TIMEOUT] = { uring_timeout, .any_file = true },
	[IORING_OP_TIMEOUT_REMOVE] = { uring_timeout_remove, .any_file = true },
	[IORING_OP_ACCEPT] = { op_accept, .needs_file = true, .events = IN },
	[IORING_OP_ASYNC_CANCEL] = { uring_async_cancel, .any_file = true },
	[IORING_OP_LINK_TIMEOUT] = { uring_link_timeout, .any_file = true },
	[IORING_OP_CONNECT] = { op_connect, .needs_file = true },
	[IORING_OP_FALLOCATE] = { op_fallocate, .needs_file = true },
	[IORING_OP_OPENAT] = { op_openat },
	[IORING_OP_CLOSE] = { op_close },
	[IORING_OP_STATX] = { op_statx },
	[IORING_OP_READ] = { op_read, .needs_file = true, .plain_ioprio = true, .all_or_broken = true,
			     .events = IN },
	[IORING_OP_WRITE] = { op_write, .needs_file = true, .plain_ioprio = true, .all_or_broken = true,
			      .events = OUT },
	[IORING_OP_FADVISE] = { op_fadvise, .needs_file = true },
	[IORING_OP_MADVISE] = { op_madvise, .any_file = true },
	[IORING_OP_SEND] = { op_send, .needs_file = true, .events = OUT },
	[IORING_OP_RECV] = { op_recv, .needs_file = true, .events = IN },
	[IORING_OP_OPENAT2] = { op_openat2 },
	[IORING_OP_EPOLL_CTL] = { op_epoll_ctl, .needs_file = true },
	[IORING_OP_SHUTDOWN] = { op_shutdown, .needs_file = true },
	[IORING_OP_RENAMEAT] = { op_renameat },
	[IORING_OP_UNLINKAT] = { op_unlinkat },
	[IORING_OP_MKDIRAT] = { op_mkdirat },
	[IORING_OP_SYMLINKAT] = { op_symlinkat },
	[IORING_OP_LINKAT] = { op_linkat },
};

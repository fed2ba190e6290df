/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between open files.  The bytes go through a buffer of the kernel, a chunk at a time: what is
 * saved is the way through the program's memory.  A pipe lends what it holds while the other side takes it
 * (pipe_borrow), so that a short or failed write leaves the rest where it was.
 */
#include <kernel/splice.h>

#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#include "vfs_priv.h"

#define CHUNK (16 * 1024ul)

/* --- one side ---------------------------------------------------------------------------------------- */

static ssize_t read_at(struct file *file, void *buf, size_t len, off_t *pos)
{
	struct abi_iovec iov;
	struct iobuf io;
	ssize_t n = notify_permission(file, NOTIFY_MAY_ACCESS);

	if (n < 0)
		return n;
	iobuf_init_kernel(&io, &iov, buf, len);
	n = file->ops->read(file, &io, pos);
	if (n > 0)
		notify_file(file, IN_ACCESS);
	return n;
}

/* Where reading starts; a position of the file's own is read once and set at the end (finish_in). */
static off_t start_in(const struct transfer_end *in)
{
	return in->pos ? *in->pos : READ_ONCE(in->file->pos);
}

static void finish_in(const struct transfer_end *in, off_t pos)
{
	if (in->pos) {
		*in->pos = pos;
	} else if (in->file->ops->seek) {
		mutex_lock(&in->file->pos_lock);
		in->file->pos = pos;
		mutex_unlock(&in->file->pos_lock);
	}
}

static ssize_t write_out(const struct transfer_end *out, void *buf, size_t len, bool nowait)
{
	struct file *file = out->file;
	struct abi_iovec iov;
	struct iobuf io;
	off_t none = 0;
	ssize_t n;

	iobuf_init_kernel(&io, &iov, buf, len);
	io.nowait = nowait;
	if (out->pos) {
		n = file->ops->write(file, &io, out->pos);
	} else if (!file_has_position(file)) {
		n = file->ops->write(file, &io, &none);
	} else {
		mutex_lock(&file->pos_lock);
		n = file->ops->write(file, &io, &file->pos);
		mutex_unlock(&file->pos_lock);
	}
	if (n > 0)
		notify_file(file, IN_MODIFY);
	return n;
}

/* --- from a pipe ---------------------------------------------------------------------------------------- */

static int64_t drain_pipe(struct file *in, const struct transfer_end *out, char *chunk, size_t len,
			  bool nowait)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < len) {
		ssize_t got = pipe_borrow(in, chunk, MIN(len - done, CHUNK), nowait || done > 0);

		if (got <= 0) {
			n = got;
			break;
		}
		n = write_out(out, chunk, (size_t)got, nowait);
		pipe_return(in, n > 0 ? (size_t)n : 0);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (n < got)
			break;
	}
	return done > 0 ? (int64_t)done : n;
}

/* --- into a pipe ---------------------------------------------------------------------------------------- */

/* The room was there a moment ago.  If somebody else has taken it, what came from a source that cannot be
 * read again waits for more. */
static ssize_t push(const struct transfer_end *in, struct file *pipe, char *chunk, size_t len)
{
	struct transfer_end out = { pipe, NULL };
	ssize_t n = write_out(&out, chunk, len, true);

	if ((n == -EAGAIN || (n >= 0 && (size_t)n < len)) && !in->file->ops->seek) {
		size_t done = n > 0 ? (size_t)n : 0;
		ssize_t more = write_out(&out, chunk + done, len - done, false);

		return more > 0 ? (ssize_t)done + more : n;
	}
	return n;
}

static int64_t fill_pipe(const struct transfer_end *in, struct file *out, char *chunk, size_t len,
			 bool nowait)
{
	off_t pos = start_in(in);
	size_t done = 0;
	ssize_t n = 0;

	while (done < len) {
		ssize_t room = pipe_wait_room(out, nowait || done > 0), got;
		size_t want;
		off_t before = pos;

		n = room;
		if (room <= 0)
			break;
		want = MIN(MIN(len - done, CHUNK), (size_t)room);
		got = n = read_at(in->file, chunk, want, &pos);
		if (got <= 0)
			break;
		n = push(in, out, chunk, (size_t)got);
		pos = n > 0 ? before + n : before;
		if (n <= 0)
			break;
		done += (size_t)n;
		if (n < got || (size_t)got < want)
			break;
	}
	finish_in(in, pos);
	return done > 0 ? (int64_t)done : n;
}

/* --- splice and tee ------------------------------------------------------------------------------------- */

static int check_splice(const struct transfer_end *in, const struct transfer_end *out, bool from_pipe,
			bool to_pipe)
{
	if (!from_pipe && !to_pipe)
		return -EINVAL;
	if ((from_pipe && in->pos) || (to_pipe && out->pos))
		return -ESPIPE;
	if (from_pipe && to_pipe)
		return in->file->vnode == out->file->vnode ? -EINVAL : 0;
	if ((in->pos && !in->file->ops->seek) || (out->pos && !out->file->ops->seek))
		return -EINVAL;
	if (!from_pipe)
		return in->file->ops->read ? 0 : -EINVAL;
	if (!out->file->ops->write || (atomic_load(&out->file->flags) & O_APPEND))
		return -EINVAL;
	return 0;
}

int64_t file_splice(const struct transfer_end *in, const struct transfer_end *out, size_t len, bool nowait)
{
	bool from_pipe = file_is_pipe(in->file), to_pipe = file_is_pipe(out->file);
	int64_t n = check_splice(in, out, from_pipe, to_pipe);
	char *chunk;

	if (n < 0 || len == 0)
		return n;
	chunk = kmalloc(CHUNK);
	if (!chunk)
		return -ENOMEM;
	if (from_pipe)
		n = drain_pipe(in->file, out, chunk, len, nowait);
	else
		n = fill_pipe(in, out->file, chunk, len, nowait);
	kfree(chunk);
	return n;
}

int64_t file_tee(struct file *in, struct file *out, size_t len, bool nowait)
{
	struct transfer_end to = { out, NULL };
	char *chunk;
	ssize_t n;

	if (!file_is_pipe(in) || !file_is_pipe(out) || in->vnode == out->vnode)
		return -EINVAL;
	if (len == 0)
		return 0;
	len = MIN(len, CHUNK);
	chunk = kmalloc(CHUNK);
	if (!chunk)
		return -ENOMEM;
	n = pipe_wait_room(out, nowait);
	if (n > 0)
		n = pipe_borrow(in, chunk, MIN(len, (size_t)n), nowait);
	if (n > 0) {
		n = write_out(&to, chunk, (size_t)n, true);
		pipe_return(in, 0);
	}
	kfree(chunk);
	return n;
}

/* --- from a file that can be read again ----------------------------------------------------------------- */

/* What the target did not take stays unread in the source. */
static int64_t copy_files(struct file *in, off_t *in_pos, const struct transfer_end *out, size_t len)
{
	char *chunk = kmalloc(CHUNK);
	size_t done = 0;
	int64_t n = 0;

	if (!chunk)
		return -ENOMEM;
	while (done < len) {
		ssize_t got = n = file_read_kernel(in, chunk, MIN(len - done, CHUNK), *in_pos);

		if (got > 0)
			n = write_out(out, chunk, (size_t)got, false);
		if (n <= 0)
			break;
		*in_pos += n;
		done += (size_t)n;
		if (n < got || signal_pending())
			break;
	}
	kfree(chunk);
	return done > 0 ? (int64_t)done : n;
}

int64_t file_send(const struct transfer_end *in, struct file *out, size_t len)
{
	struct transfer_end to = { out, NULL };
	off_t pos;
	int64_t n;

	if (file_is_pipe(out))
		return in->pos && !in->file->ops->seek ? -ESPIPE : file_splice(in, &to, len, false);
	if (!in->file->vnode || !S_ISREG(in->file->vnode->mode) || !in->file->ops->read || !out->ops->write)
		return -EINVAL;
	if (atomic_load(&out->flags) & O_APPEND)
		return -EINVAL;
	pos = start_in(in);
	n = copy_files(in->file, &pos, &to, len);
	finish_in(in, pos);
	return n;
}

/* --- copy_file_range ------------------------------------------------------------------------------------ */

static int check_kind(const struct file *file)
{
	if (file->object.type == OBJECT_DIRECTORY)
		return -EISDIR;
	return file->vnode && S_ISREG(file->vnode->mode) && file->ops->seek ? 0 : -EINVAL;
}

static int check_range(const struct transfer_end *in, const struct transfer_end *out, off_t from, off_t to,
		       size_t len)
{
	off_t end;

	if (in->file->vnode->sb != out->file->vnode->sb)
		return -EXDEV;
	if (from < 0 || to < 0)
		return -EINVAL;
	if (add_overflows(from, (off_t)len, &end) || add_overflows(to, (off_t)len, &end))
		return -EOVERFLOW;
	if (in->file->vnode == out->file->vnode && from < to + (off_t)len && to < from + (off_t)len)
		return -EINVAL;
	return 0;
}

int64_t file_copy_range(const struct transfer_end *in, const struct transfer_end *out, size_t len)
{
	off_t from, to;
	int64_t n = check_kind(in->file);

	if (n == 0)
		n = check_kind(out->file);
	if (n == 0 && (atomic_load(&out->file->flags) & O_APPEND))
		n = -EBADF;
	if (n < 0)
		return n;
	from = start_in(in);
	to = start_in(out);
	n = check_range(in, out, from, to, len);
	if (n == 0 && len > 0)
		n = copy_files(in->file, &from, &(struct transfer_end){ out->file, &to }, len);
	if (n > 0) {
		finish_in(in, from);
		finish_in(out, to);
	}
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on descriptors: transfer, open and close. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/file.h>
#include <kernel/notify.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/termios.h>

#include "transfer.h"
#include "user_path.h"
#include "user_vec.h"

static struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

/* --- transfers --------------------------------------------------------------------------------------------
 */

static __always_inline ssize_t do_read(struct file *file, struct iobuf *io)
{
	off_t none = 0;
	ssize_t n;

	if (unlikely(!file->ops->read))
		return file->object.type == OBJECT_DIRECTORY ? -EISDIR : -EINVAL;
	if (!file_has_position(file))
		return file->ops->read(file, io, &none);
	mutex_lock(&file->pos_lock);
	n = file->ops->read(file, io, &file->pos);
	mutex_unlock(&file->pos_lock);
	return n;
}

static __always_inline ssize_t do_write(struct file *file, struct iobuf *io)
{
	off_t none = 0;
	ssize_t n;

	if (unlikely(!file->ops->write))
		return -EINVAL;
	if (!file_has_position(file))
		return file->ops->write(file, io, &none);
	mutex_lock(&file->pos_lock);
	n = file->ops->write(file, io, &file->pos);
	mutex_unlock(&file->pos_lock);
	return n;
}

/* A transfer at a position of its own. */
static int64_t transfer_at(struct file *file, struct iobuf *io, off_t pos, bool write)
{
	if (pos < 0)
		return -EINVAL;
	if (!file->ops->seek)
		return -ESPIPE;
	if (write)
		return file->ops->write ? file->ops->write(file, io, &pos) : -EINVAL;
	if (!file->ops->read)
		return file->object.type == OBJECT_DIRECTORY ? -EISDIR : -EINVAL;
	return file->ops->read(file, io, &pos);
}

/* pos NULL: at the file's own position. */
static __always_inline int64_t transfer(struct file *file, struct iobuf *io, bool write, const off_t *pos)
{
	int64_t n = write ? 0 : notify_permission(file, NOTIFY_MAY_ACCESS);

	if (unlikely(n < 0))
		return n;
	n = pos ? transfer_at(file, io, *pos, write) : write ? do_write(file, io) : do_read(file, io);
	if (write)
		count_write(n);
	else
		count_read(n);
	if (n > 0)
		notify_file(file, write ? IN_MODIFY : IN_ACCESS);
	return n;
}

/* With APPEND alone the end can be written, where there is one or no position at all. */
static __noinline int use_to_append(int fd, struct file_use *use, bool *append)
{
	const struct file *file;
	int err = file_use(fd, CAP_APPEND, use);

	if (err < 0)
		return -EBADF;
	file = use->file;
	if (file_has_position(file) && !(file->vnode && file->vnode->pages)) {
		file_done(use);
		return -EBADF;
	}
	*append = true;
	return 0;
}

/* Reads and writes at the file's position need READ or WRITE; elsewhere SEEK, too. */
static __always_inline int use_to_transfer(int fd, bool write, bool elsewhere, struct file_use *use,
					   bool *append)
{
	int err = file_use(fd, (write ? CAP_WRITE : CAP_READ) | (elsewhere ? CAP_SEEK : 0), use);

	*append = false;
	if (unlikely(err == -EBADF) && write && !elsewhere)
		return use_to_append(fd, use, append);
	return err;
}

/* One buffer.  Inline, so that read and write each are straight code. */
static __always_inline int64_t one_buffer(const struct syscall_args *args, bool write, const off_t *pos)
{
	uaddr_t buf = ARG(1, uaddr_t);
	size_t len = ARG(2, size_t);
	struct abi_iovec iov __attribute__((uninitialized));
	struct iobuf io __attribute__((uninitialized));
	struct file_use use;
	bool append;
	int64_t n;
	int err = use_to_transfer(ARG(0, int), write, pos, &use, &append);

	if (err < 0)
		return err;
	n = user_buffer_check(buf, len);
	if (likely(n == 0)) {
		iobuf_init_user(&io, &iov, buf, MIN(len, (size_t)RW_COUNT_MAX));
		io.append = append;
		n = transfer(use.file, &io, write, pos);
	}
	file_done(&use);
	return n;
}

SYSCALL(read)
{
	return one_buffer(args, false, NULL);
}

SYSCALL(write)
{
	return one_buffer(args, true, NULL);
}

SYSCALL(pread64)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : one_buffer(args, false, &pos);
}

SYSCALL(pwrite64)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : one_buffer(args, true, &pos);
}

/* Several buffers; `flags` RWF_*. */
static int64_t vectored(const struct syscall_args *args, bool write, const off_t *pos, uint32_t flags)
{
	struct user_vec vec;
	struct iobuf io;
	struct file_use use;
	bool append;
	int64_t n;
	int err = use_to_transfer(ARG(0, int), write, pos, &use, &append);

	if (err < 0)
		return err;
	n = user_vec_get(&vec, ARG(1, uaddr_t), ARG(2, uint64_t));
	if (n == 0) {
		iobuf_init_vec(&io, vec.iov, (uint32_t)ARG(2, uint64_t), vec.total);
		io.append = append || (write && (flags & RWF_APPEND));
		io.nowait = flags & RWF_NOWAIT;
		n = transfer(use.file, &io, write, pos);
		user_vec_put(&vec);
	}
	file_done(&use);
	return n;
}

SYSCALL(readv)
{
	return vectored(args, false, NULL, 0);
}

SYSCALL(writev)
{
	return vectored(args, true, NULL, 0);
}

SYSCALL(preadv)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : vectored(args, false, &pos, 0);
}

SYSCALL(pwritev)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : vectored(args, true, &pos, 0);
}

/* Position -1 is the file's own. */
static int64_t vectored2(const struct syscall_args *args, bool write)
{
	off_t pos = ARG(3, off_t);
	uint32_t flags = ARG(5, uint32_t);

	if (flags & ~RWF_ALL)
		return -EOPNOTSUPP;
	if (pos == -1)
		return vectored(args, write, NULL, flags);
	return pos < 0 ? -EINVAL : vectored(args, write, &pos, flags);
}

/* takes: RWF_* in vectored2, else EOPNOTSUPP */
SYSCALL(preadv2)
{
	return vectored2(args, false);
}

/* takes: RWF_* in vectored2, else EOPNOTSUPP */
SYSCALL(pwritev2)
{
	return vectored2(args, true);
}

int transfer_use(int fd, struct transfer *t, struct file_use *use)
{
	return use_to_transfer(fd, t->write, false, use, &t->append);
}

int64_t transfer_run(const struct file_use *use, const struct transfer *t, struct iobuf *io)
{
	const off_t *pos = use->file->ops->seek ? t->pos : NULL;

	if (pos && file_has_position(use->file) && !(atomic_load(&use->cap->rights) & CAP_SEEK))
		return -EPERM;
	io->append = t->append || (t->write && (t->flags & RWF_APPEND));
	io->nowait = t->flags & RWF_NOWAIT;
	return transfer(use->file, io, t->write, pos);
}

/* takes: SEEK_* in seek_in ramfs_seek, else EINVAL */
SYSCALL(lseek)
{
	struct file_use use;
	int64_t result;
	int err = file_use(ARG(0, int), CAP_SEEK, &use);

	if (err < 0)
		return err;
	result = -ESPIPE;
	if (use.file->ops->seek) {
		mutex_lock(&use.file->pos_lock);
		result = use.file->ops->seek(use.file, ARG(1, off_t), ARG(2, int));
		mutex_unlock(&use.file->pos_lock);
	}
	file_done(&use);
	return result;
}

/* --- open and close --- */

static int64_t open_at(int dirfd, uaddr_t name, uint32_t flags, mode_t mode, uint32_t resolve)
{
	USER_PATH(path);
	struct capability *via;
	struct file *file;
	int fd, err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = vfs_open_via(dirfd, path.text, flags | O_LARGEFILE, mode & 07777, resolve, &file, &via);
	user_path_put(&path);
	if (err < 0)
		return err;
	fd = file_install_via(file, flags & O_CLOEXEC, via);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* takes: O_* in OPEN_FLAGS, else ignored */
SYSCALL(open)
{
	return open_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uint32_t), ARG(2, mode_t), 0);
}

/* takes: O_* in OPEN_FLAGS, else ignored */
SYSCALL(openat)
{
	return open_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), ARG(3, mode_t), 0);
}

SYSCALL(creat)
{
	return open_at(AT_FDCWD, ARG(0, uaddr_t), O_CREAT | O_WRONLY | O_TRUNC, ARG(1, mode_t), 0);
}

/* Unlike open(2), openat2(2) refuses what it does not know and what means nothing. */
#define OPEN_FLAGS                                                                                      \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | \
	 O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)
#define OPEN_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define OPEN_NAMELESS   (O_TMPFILE & ~O_DIRECTORY)
#define RESOLVE_FLAGS                                                                                        \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
	 RESOLVE_CACHED)

static int check_how(const struct abi_open_how *how)
{
	uint64_t both = RESOLVE_BENEATH | RESOLVE_IN_ROOT, modes;

	if ((how->flags & ~(uint64_t)OPEN_FLAGS) || (how->resolve & ~(uint64_t)RESOLVE_FLAGS) ||
	    (how->resolve & both) == both)
		return -EINVAL;
	modes = how->flags & (O_CREAT | OPEN_NAMELESS) ? 07777 : 0;
	if (how->mode & ~modes)
		return -EINVAL;
	if ((how->flags & OPEN_NAMELESS) && (how->flags & O_TMPFILE) != O_TMPFILE)
		return -EINVAL;
	if ((how->flags & O_PATH) && (how->flags & ~(uint64_t)OPEN_PATH_FLAGS))
		return -EINVAL;
	/* What is cached alone does not tell whether the file may change. */
	if ((how->resolve & RESOLVE_CACHED) && (how->flags & (O_TRUNC | O_CREAT | OPEN_NAMELESS)))
		return -EAGAIN;
	return 0;
}

/* takes: O_* RESOLVE_* in check_how, else EINVAL */
SYSCALL(openat2)
{
	struct abi_open_how how;
	int err = user_struct_get(&how, sizeof(how), sizeof(how), ARG(2, uaddr_t), args->a[3]);

	if (err == 0)
		err = check_how(&how);
	if (err < 0)
		return err;
	return open_at(ARG(0, int), ARG(1, uaddr_t), (uint32_t)how.flags, (mode_t)how.mode,
		       (uint32_t)how.resolve);
}

SYSCALL(close)
{
	return cap_close(current_caps(), ARG(0, int));
}

/* takes: CLOSE_RANGE_*, else EINVAL */
SYSCALL(close_range)
{
	uint32_t first = ARG(0, uint32_t), last = ARG(1, uint32_t), flags = ARG(2, uint32_t);
	struct cap_table *caps = current_caps();
	int fd, err;

	if (first > last || (flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)))
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = process_own_descriptors();
		if (err < 0)
			return err;
		caps = current_caps();
	}
	if (first > INT32_MAX)
		return 0;
	for (fd = cap_next(caps, (int)first, NULL); fd >= 0 && (uint32_t)fd <= last;
	     fd = cap_next(caps, fd + 1, NULL)) {
		/* A descriptor that another thread closes meanwhile is what was wanted. */
		err = flags & CLOSE_RANGE_CLOEXEC ? cap_set_flags(caps, fd, CAP_CLOEXEC)
						  : cap_close(caps, fd);
		(void)err;
	}
	return 0;
}

static int64_t make_pipe(uaddr_t user_fds, uint32_t flags)
{
	struct file *ends[2];
	int32_t fds[2];
	int err;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(flags, ends);
	if (err < 0)
		return err;
	fds[0] = file_install(ends[0], flags & O_CLOEXEC);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = file_install(ends[1], flags & O_CLOEXEC);
	if (fds[1] < 0) {
		cap_close(current_caps(), fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	err = copy_to_user(user_fds, fds, sizeof(fds));
	if (err < 0) {
		cap_close(current_caps(), fds[0]);
		cap_close(current_caps(), fds[1]);
	}
	return err;
}

SYSCALL(pipe)
{
	return make_pipe(ARG(0, uaddr_t), 0);
}

/* takes: O_* in make_pipe, not O_NOTIFICATION_PIPE (EINVAL), else EINVAL */
SYSCALL(pipe2)
{
	return make_pipe(ARG(0, uaddr_t), ARG(1, uint32_t));
}

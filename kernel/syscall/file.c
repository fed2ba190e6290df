/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on descriptors: transfer, open and close, duplicate, control. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/file.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/unsupported.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/termios.h>

#include "user_path.h"
#include "user_vec.h"

static struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

/* --- transfers --------------------------------------------------------------------------------------------
 */

/* Devices that can seek, and files of no type (an eventfd), take no notice of where they are, so reads and writes
 * of them need no order. */
static bool has_position(const struct file *file)
{
	mode_t type = file->vnode ? file->vnode->mode & S_IFMT : S_IFREG;

	return file->ops->seek && type != S_IFCHR && type != 0;
}

static ssize_t do_read(struct file *file, struct iobuf *io)
{
	off_t none = 0;
	ssize_t n;

	if (unlikely(!file->ops->read))
		return file->object.type == OBJECT_DIRECTORY ? -EISDIR : -EINVAL;
	if (!has_position(file))
		return file->ops->read(file, io, &none);
	mutex_lock(&file->pos_lock);
	n = file->ops->read(file, io, &file->pos);
	mutex_unlock(&file->pos_lock);
	return n;
}

static ssize_t do_write(struct file *file, struct iobuf *io)
{
	off_t none = 0;
	ssize_t n;

	if (unlikely(!file->ops->write))
		return -EINVAL;
	if (!has_position(file))
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
	if (pos)
		return transfer_at(file, io, *pos, write);
	return write ? do_write(file, io) : do_read(file, io);
}

/* With APPEND alone the end can be written, where there is one or no position at all. */
static __noinline int use_to_append(int fd, struct file_use *use, bool *append)
{
	const struct file *file;
	int err = file_use(fd, CAP_APPEND, use);

	if (err < 0)
		return -EBADF;
	file = use->file;
	if (has_position(file) && !(file->vnode && file->vnode->pages)) {
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

/* Several buffers. */
static int64_t vectored(const struct syscall_args *args, bool write, const off_t *pos)
{
	uint32_t count = (uint32_t)ARG(2, uint64_t);
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
		iobuf_init_vec(&io, vec.iov, count, vec.total);
		io.append = append;
		n = transfer(use.file, &io, write, pos);
		user_vec_put(&vec);
	}
	file_done(&use);
	return n;
}

SYSCALL(readv)
{
	return vectored(args, false, NULL);
}

SYSCALL(writev)
{
	return vectored(args, true, NULL);
}

SYSCALL(preadv)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : vectored(args, false, &pos);
}

SYSCALL(pwritev)
{
	off_t pos = ARG(3, off_t);

	return pos < 0 ? -EINVAL : vectored(args, true, &pos);
}

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

#define COPY_CHUNK (16 * 1024ul)

/* One round; what the target did not take stays unread in the source. */
static int64_t copy_chunk(struct file *in, off_t *in_pos, struct file *out, void *chunk, size_t len)
{
	struct abi_iovec iov;
	struct iobuf io;
	ssize_t got, put;

	got = file_read_kernel(in, chunk, len, *in_pos);
	if (got <= 0)
		return got;
	iobuf_init_kernel(&io, &iov, chunk, (size_t)got);
	put = do_write(out, &io);
	if (put > 0)
		*in_pos += put;
	return put;
}

static int64_t copy_files(struct file *in, off_t *in_pos, struct file *out, size_t len)
{
	void *chunk = kmalloc(COPY_CHUNK);
	size_t done = 0;
	int64_t n = 0;

	if (!chunk)
		return -ENOMEM;
	while (done < len) {
		size_t want = MIN(len - done, COPY_CHUNK);

		n = copy_chunk(in, in_pos, out, chunk, want);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (signal_pending())
			break;
	}
	kfree(chunk);
	return done > 0 ? (int64_t)done : n;
}

static int64_t send_file(struct file *in, struct file *out, uaddr_t user_pos, size_t len)
{
	uint64_t raw;
	off_t pos;
	int64_t n;

	if (!in->vnode || !S_ISREG(in->vnode->mode) || !in->ops->read || !out->ops->write)
		return -EINVAL;
	if (atomic_load(&out->flags) & O_APPEND)
		return -EINVAL;
	len = MIN(len, (size_t)RW_COUNT_MAX);
	if (user_pos) {
		if (get_user_u64(user_pos, &raw) < 0)
			return -EFAULT;
		pos = (off_t)raw;
		if (pos < 0)
			return -EINVAL;
		n = copy_files(in, &pos, out, len);
		return put_user_u64(user_pos, (uint64_t)pos) < 0 ? -EFAULT : n;
	}
	pos = READ_ONCE(in->pos);
	n = copy_files(in, &pos, out, len);
	mutex_lock(&in->pos_lock);
	in->pos = pos;
	mutex_unlock(&in->pos_lock);
	return n;
}

SYSCALL(sendfile)
{
	struct file_use in, out;
	int64_t n = -EINVAL;
	int err = file_use(ARG(1, int), args->a[2] ? CAP_READ | CAP_SEEK : CAP_READ, &in);

	if (err < 0)
		return err;
	err = file_use(ARG(0, int), CAP_WRITE, &out);
	if (err < 0) {
		file_done(&in);
		return err;
	}
	if ((int64_t)ARG(3, size_t) >= 0)
		n = send_file(in.file, out.file, ARG(2, uaddr_t), ARG(3, size_t));
	file_done(&out);
	file_done(&in);
	return n;
}

/* --- open and close --- */

static int64_t open_at(int dirfd, uaddr_t name, uint32_t flags, mode_t mode)
{
	USER_PATH(path);
	struct capability *via;
	struct file *file;
	int fd, err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = vfs_open_via(dirfd, path.text, flags | O_LARGEFILE, mode & 07777, &file, &via);
	user_path_put(&path);
	if (err < 0)
		return err;
	fd = file_install_via(file, flags & O_CLOEXEC, via);
	if (fd < 0)
		file_put(file);
	return fd;
}

SYSCALL(open)
{
	return open_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uint32_t), ARG(2, mode_t));
}

SYSCALL(openat)
{
	return open_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), ARG(3, mode_t));
}

SYSCALL(creat)
{
	return open_at(AT_FDCWD, ARG(0, uaddr_t), O_CREAT | O_WRONLY | O_TRUNC, ARG(1, mode_t));
}

SYSCALL(close)
{
	return cap_close(current_caps(), ARG(0, int));
}

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
		err = flags & CLOSE_RANGE_CLOEXEC ? cap_set_flags(caps, fd, CAP_CLOEXEC) : cap_close(caps, fd);
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

SYSCALL(pipe2)
{
	return make_pipe(ARG(0, uaddr_t), ARG(1, uint32_t));
}

/* --- duplicate and control --- */

SYSCALL(dup)
{
	return cap_dup(current_caps(), ARG(0, int), 0, 0);
}

SYSCALL(dup2)
{
	int from = ARG(0, int), to = ARG(1, int);
	uint32_t flags;

	if (from == to)
		return cap_get_flags(current_caps(), from, &flags) < 0 ? -EBADF : to;
	return cap_dup_to(current_caps(), from, to, 0);
}

SYSCALL(dup3)
{
	int from = ARG(0, int), to = ARG(1, int);
	uint32_t flags = ARG(2, uint32_t);

	if (from == to || (flags & ~(uint32_t)O_CLOEXEC))
		return -EINVAL;
	return cap_dup_to(current_caps(), from, to, flags & O_CLOEXEC ? CAP_CLOEXEC : 0);
}

static int64_t dup_above(int fd, uint64_t min, uint32_t flags)
{
	if ((uint32_t)min >= current_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	return cap_dup(current_caps(), fd, (uint32_t)min, flags);
}

#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static int64_t set_status_flags(struct file *file, uint32_t wanted)
{
	uint32_t flags = atomic_load(&file->flags);

	if ((wanted & O_NOATIME) && !(flags & O_NOATIME) && file->vnode && !cred_is_root() &&
	    current_cred()->fsuid != file->vnode->uid)
		return -EPERM;
	while (!atomic_compare_exchange_weak(&file->flags, &flags,
					     (flags & ~(uint32_t)SETTABLE_FLAGS) | (wanted & SETTABLE_FLAGS)))
		;
	return 0;
}

static int64_t record_lock(struct file *file, int fd, int cmd, uaddr_t user)
{
	struct abi_flock lock;
	int err;

	if (copy_from_user(&lock, user, sizeof(lock)) < 0)
		return -EFAULT;
	err = file_lock_record(file, fd, cmd, &lock);
	if (err == 0 && cmd == F_GETLK)
		err = copy_to_user(user, &lock, sizeof(lock));
	return err;
}

/* Commands that need the open file itself, and the rights that they take: IOCTL for what changes the open
 * file for all who share it. */
static uint32_t rights_to_control(int cmd)
{
	switch (cmd) {
	case F_SETFL:
	case F_SETPIPE_SZ:
		return CAP_IOCTL;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return CAP_LOCK;
	case F_ADD_SEALS:
		return CAP_SEAL;
	case F_GET_SEALS:
	case F_GETPIPE_SZ:
		return CAP_STAT;
	default:
		return 0;
	}
}

static int64_t file_control(struct file *file, int fd, int cmd, uint64_t arg)
{
	if (cmd == F_GETFL)
		return atomic_load(&file->flags);
	if (atomic_load(&file->flags) & O_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_status_flags(file, (uint32_t)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return record_lock(file, fd, cmd, arg);
	case F_ADD_SEALS:
		return file_add_seals(file, (uint32_t)arg);
	case F_GET_SEALS:
		return file_get_seals(file);
	case F_GETPIPE_SZ:
		return pipe_capacity(file);
	case F_SETPIPE_SZ:
		return pipe_set_capacity(file, (uint32_t)arg);
	default:
		unsupported_note(UNSUPPORTED_FCNTL, (uint32_t)cmd, NULL);
		return -EINVAL;
	}
}

/* What is no file has no status flags but O_NONBLOCK, and that only where calls on it look at it. */
static int64_t object_control(int fd, int cmd, uint64_t arg)
{
	struct capability *cap;
	int64_t result = -EBADF;
	int err = cap_use(current_caps(), fd, OBJECT_NONE, 0, &cap);

	if (err < 0)
		return err;
	if (cap->type == OBJECT_PROCESS || cap->type == OBJECT_THREAD)
		result = pidfd_control(cap, cmd, arg);
	else if (!object_is_file(cap->object))
		result = cmd == F_GETFL ? O_RDWR : -EINVAL;
	cap_done(cap);
	return result;
}

SYSCALL(fcntl)
{
	int fd = ARG(0, int), cmd = ARG(1, int);
	uint64_t arg = ARG(2, uint64_t);
	struct file_use use;
	uint32_t flags;
	int64_t result;
	int err;

	switch (cmd) {
	case F_DUPFD:
		return dup_above(fd, arg, 0);
	case F_DUPFD_CLOEXEC:
		return dup_above(fd, arg, CAP_CLOEXEC);
	case F_GETFD:
		err = cap_get_flags(current_caps(), fd, &flags);
		return err < 0 ? err : flags & CAP_CLOEXEC ? FD_CLOEXEC : 0;
	case F_SETFD:
		return cap_set_flags(current_caps(), fd, arg & FD_CLOEXEC ? CAP_CLOEXEC : 0);
	default:
		break;
	}
	err = file_use(fd, rights_to_control(cmd), &use);
	if (err < 0)
		return err == -EBADF ? object_control(fd, cmd, arg) : err;
	result = file_control(use.file, fd, cmd, arg);
	file_done(&use);
	return result;
}

SYSCALL(flock)
{
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_LOCK, &use);

	if (err < 0)
		return err;
	err = file_lock_whole(use.file, ARG(1, unsigned));
	file_done(&use);
	return err;
}

/* Commands that type, paste or redirect for others, whoever owns the terminal. */
static bool injects(uint32_t cmd)
{
	switch (cmd) {
	case TIOCSTI:
	case TIOCLINUX:
	case TIOCCONS:
	case TIOCSETD:
		return true;
	default:
		return false;
	}
}

/* Commands that every descriptor knows. */
static int64_t common_ioctl(int fd, struct file *file, uint32_t cmd, uint64_t arg)
{
	uint32_t value;

	switch (cmd) {
	case FIOCLEX:
		return cap_set_flags(current_caps(), fd, CAP_CLOEXEC);
	case FIONCLEX:
		return cap_set_flags(current_caps(), fd, 0);
	case FIONBIO:
		if (get_user_u32(arg, &value) < 0)
			return -EFAULT;
		if (value)
			atomic_fetch_or(&file->flags, O_NONBLOCK);
		else
			atomic_fetch_and(&file->flags, ~(uint32_t)O_NONBLOCK);
		return 0;
	case FIONREAD:
		if (file->vnode && S_ISREG(file->vnode->mode))
			return put_user_u32(arg, (uint32_t)(file->vnode->size - (uint64_t)file->pos));
		break;
	default:
		break;
	}
	return file->ops->ioctl ? file->ops->ioctl(file, cmd, arg) : -ENOTTY;
}

SYSCALL(ioctl)
{
	struct file_use use;
	int64_t result;
	int err = file_use(ARG(0, int), CAP_IOCTL, &use);

	if (err < 0)
		return err;
	if (unlikely(current_confine() != NULL) && injects(ARG(1, uint32_t)))
		result = -EPERM;
	else
		result = common_ioctl(ARG(0, int), use.file, ARG(1, uint32_t), ARG(2, uint64_t));
	/* Whether a file is a terminal is asked of every file. */
	if (result == -ENOTTY && (ARG(1, uint32_t) >> 8 & 0xff) != 'T')
		unsupported_note(UNSUPPORTED_IOCTL, ARG(1, uint32_t), NULL);
	file_done(&use);
	return result;
}

/* --- size and storage --- */

SYSCALL(ftruncate)
{
	struct file_use use;
	int err;

	if (ARG(1, off_t) < 0)
		return -EINVAL;
	err = file_use(ARG(0, int), 0, &use);
	if (err < 0)
		return err;
	if (atomic_load(&use.file->flags) & O_PATH)
		err = -EBADF;
	else if ((use.file->access & CAP_WRITE) && !(atomic_load(&use.cap->rights) & CAP_TRUNCATE))
		err = -EPERM;
	else
		err = vfs_truncate_file(use.file, ARG(1, off_t));
	file_done(&use);
	return err;
}

static int allocate(struct file *file, uint32_t mode, off_t offset, off_t len)
{
	struct vnode *v = file->vnode;
	int err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (offset + len < 0)
		return -EFBIG;
	if (S_ISFIFO(v->mode))
		return -ESPIPE;
	if (!S_ISREG(v->mode))
		return S_ISDIR(v->mode) ? -EISDIR : -ENODEV;
	if (mode != 0 || !v->ops->allocate)
		return -EOPNOTSUPP;
	mutex_lock(&v->lock);
	err = v->ops->allocate(v, (uint64_t)offset, (uint64_t)len);
	mutex_unlock(&v->lock);
	return err;
}

SYSCALL(fallocate)
{
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_WRITE | CAP_TRUNCATE, &use);

	if (err < 0)
		return err;
	err = use.file->vnode ? allocate(use.file, ARG(1, uint32_t), ARG(2, off_t), ARG(3, off_t)) : -ENODEV;
	file_done(&use);
	return err;
}

/* Who can neither read nor write the file has nothing to do with its being safe. */
static int use_to_sync(int fd, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (!(atomic_load(&use->file->flags) & O_PATH) &&
	    (atomic_load(&use->cap->rights) & (CAP_READ | CAP_WRITE)))
		return 0;
	file_done(use);
	return -EBADF;
}

/* Everything lives in memory: what was written is as safe as it gets. */
static int64_t sync_fd(int fd)
{
	struct file_use use;
	int err = use_to_sync(fd, &use);

	if (err < 0)
		return err;
	if (use.file->vnode && !S_ISREG(use.file->vnode->mode) && !S_ISDIR(use.file->vnode->mode))
		err = -EINVAL;
	file_done(&use);
	return err;
}

SYSCALL(fsync)
{
	return sync_fd(ARG(0, int));
}

SYSCALL(fdatasync)
{
	return sync_fd(ARG(0, int));
}

SYSCALL(sync)
{
	(void)args;
	return 0;
}

SYSCALL(syncfs)
{
	struct file_use use;
	int err = use_to_sync(ARG(0, int), &use);

	if (err == 0)
		file_done(&use);
	return err;
}

/* --- directories --- */

/* Entries are put together in a buffer of the kernel and go out a page at a time. */
struct user_sink {
	struct dir_sink sink;
	uaddr_t buf;
	size_t size, used; /* of the user's buffer: all, filled by whole pages */
	char *page;
	size_t filled; /* of page */
	bool old;      /* getdents: type behind the name, no type field */
	int error;     /* -EFAULT, or -EINVAL: not even one entry fits */
};

#define NAME_OFFSET_64  offsetof(struct abi_dirent64, name)
#define NAME_OFFSET_OLD 18

static bool flush_entries(struct user_sink *u)
{
	if (u->filled && copy_to_user(u->buf + u->used, u->page, u->filled) < 0) {
		u->error = -EFAULT;
		return false;
	}
	u->used += u->filled;
	u->filled = 0;
	return true;
}

static bool add_entry(struct dir_sink *sink, const char *name, size_t len, uint64_t ino, uint8_t type,
		      off_t next)
{
	struct user_sink *u = container_of(sink, struct user_sink, sink);
	size_t name_offset = u->old ? NAME_OFFSET_OLD : NAME_OFFSET_64;
	size_t reclen = ALIGN_UP(name_offset + len + (u->old ? 2 : 1), 8);
	struct abi_dirent64 *d;
	char *raw;

	if (reclen > u->size - u->used - u->filled) {
		if (u->used + u->filled == 0)
			u->error = -EINVAL;
		return false;
	}
	if (reclen > PAGE_SIZE - u->filled && !flush_entries(u))
		return false;
	raw = u->page + u->filled;
	*(uint64_t *)(raw + reclen - 8) = 0; /* the padding, and the name's NUL */
	d = (struct abi_dirent64 *)raw;
	d->ino = ino;
	d->off = next;
	d->reclen = (uint16_t)reclen;
	if (u->old)
		raw[reclen - 1] = (char)type;
	else
		d->type = type;
	memcpy(raw + name_offset, name, len);
	u->filled += reclen;
	return true;
}

static int64_t read_dir(struct file *file, struct user_sink *u)
{
	int err;

	if (file->vnode->nlink == 0)
		return -ENOENT;
	mutex_lock(&file->pos_lock);
	err = file->ops->readdir(file, &file->pos, &u->sink);
	mutex_unlock(&file->pos_lock);
	if (err < 0)
		return err;
	if (u->error == -EFAULT || !flush_entries(u))
		return -EFAULT;
	return u->used > 0 ? (int64_t)u->used : u->error;
}

static int use_to_list(int fd, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (atomic_load(&use->file->flags) & O_PATH)
		err = -EBADF;
	else if (!use->file->ops->readdir)
		err = -ENOTDIR;
	else if (!(atomic_load(&use->cap->rights) & CAP_LIST))
		err = -EPERM;
	if (err < 0)
		file_done(use);
	return err;
}

static int64_t get_entries(const struct syscall_args *args, bool old)
{
	struct user_sink u = {
		.sink = { add_entry }, .buf = ARG(1, uaddr_t), .size = ARG(2, uint32_t), .old = old
	};
	struct file_use use;
	int64_t n = -ENOMEM;
	int err = use_to_list(ARG(0, int), &use);

	if (err < 0)
		return err;
	u.page = kmalloc(PAGE_SIZE);
	if (u.page)
		n = read_dir(use.file, &u);
	kfree(u.page);
	file_done(&use);
	return n;
}

SYSCALL(getdents)
{
	return get_entries(args, true);
}

SYSCALL(getdents64)
{
	return get_entries(args, false);
}

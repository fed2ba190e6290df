/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files: kernel objects that the capability table names. */
#include "vfs_priv.h"

#include <kernel/async.h>
#include <kernel/cap.h>
#include <kernel/inotify.h>
#include <kernel/lease.h>
#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#include "../kernel/cap/use.h"

static struct slab_cache *file_cache;

void file_init(void)
{
	file_cache = slab_create("file", sizeof(struct file), 0);
}

static void release(struct kobject *obj)
{
	struct file *file = file_of(obj);
	struct vnode *v = file->vnode;

	notify_file(file, file->access & CAP_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	file_locks_released(file);
	lease_released(file);
	if (unlikely(atomic_load_explicit(&file->async, memory_order_relaxed) != NULL))
		async_release(file);
	if (file->ops->release)
		file->ops->release(file);
	if (file->writer)
		atomic_fetch_sub_explicit(&v->write_count, 1, memory_order_release);
	else if (file->reader)
		atomic_fetch_sub_explicit(&v->read_count, 1, memory_order_release);
	if (file->dentry) {
		dentry_put(file->dentry);
		mount_put(file->mount);
	} else if (v) {
		vnode_put(v);
	}
	slab_free(file_cache, file);
}

static int closed(struct kobject *obj, const struct cap_table *table)
{
	struct file *file = file_of(obj);

	file_locks_closed(file, table);
	if (notify_wanted() && obj->type == OBJECT_DIRECTORY)
		dnotify_closed(file, table);
	if (file->ops->closed)
		file->ops->closed(file, table);
	return 0;
}

static const struct kobject_ops file_object_ops = { .release = release, .closed = closed };

static uint32_t access_of(uint32_t flags)
{
	if (flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return CAP_READ;
	case O_WRONLY:
		return CAP_WRITE;
	case O_RDWR:
		return CAP_READ | CAP_WRITE;
	default:
		return 0; /* Linux's "3": neither, for ioctl only */
	}
}

struct file *file_create(const struct file_ops *ops, uint32_t flags, void *private)
{
	struct file *file = slab_alloc(file_cache);

	if (!file)
		return NULL;
	kobject_init(&file->object, OBJECT_FILE, &file_object_ops);
	file->ops = ops;
	file->vnode = NULL;
	file->dentry = NULL;
	file->mount = NULL;
	atomic_init(&file->flags, flags);
	file->access = access_of(flags);
	file->rights_max = file->via = ~0u;
	file->reader = file->silent = file->writer = false;
	mutex_init(&file->pos_lock, "file position", RANK_FILE_POS);
	file->pos = 0;
	file->private = private;
	atomic_init(&file->async, NULL);
	return file;
}

void file_put(struct file *file)
{
	kobject_put(&file->object);
}

/* A descriptor opened with O_PATH counts as none for what it cannot do. */
static __noinline int why_refused(int fd)
{
	struct file_use use;
	int err = file_use(fd, 0, &use);

	if (err < 0)
		return err;
	err = atomic_load(&use.file->flags) & O_PATH ? -EBADF : -EPERM;
	file_done(&use);
	return err;
}

/* A directory's rights are about what is found through it, too; the directory itself is never written, and
 * one opened with O_PATH is not read either. */
static bool is_for_others_only(const struct file *dir, uint32_t rights)
{
	uint32_t never = CAP_WRITE | CAP_APPEND | CAP_TRUNCATE;

	if (atomic_load(&dir->flags) & O_PATH)
		never |= CAP_READ | CAP_SEEK | CAP_CHMOD | CAP_LOCK | CAP_IOCTL | CAP_MAP | CAP_SEAL;
	return rights & never;
}

/* A capability in use that may be none to a file, or to one that does not take these rights. */
static __noinline int use_checked(struct capability *cap, uint32_t rights, struct file_use *use)
{
	struct kobject *obj = cap->object;

	if (arch_resched_pending())
		preempt_schedule();
	if (!object_is_file(obj) ||
	    (obj->type == OBJECT_DIRECTORY && is_for_others_only(file_of(obj), rights))) {
		cap_done(cap);
		return -EBADF;
	}
	*use = (struct file_use){ file_of(obj), cap };
	return 0;
}

static int use_of_request(uint32_t rights, struct capability **out)
{
	*out = current_thread()->request_cap;
	return *out ? cap_use_again(*out, rights) : -EBADF;
}

static __noinline int use_slowly(int fd, uint32_t rights, struct file_use *use)
{
	struct capability *cap;
	int err = fd == FD_OF_REQUEST ? use_of_request(rights, &cap)
				      : cap_use(current_process()->caps, fd, OBJECT_NONE, rights, &cap);

	if (err < 0)
		return err == -EPERM ? why_refused(fd) : err;
	return use_checked(cap, rights, use);
}

/* As cap_use(), what is unlikely leaves by a tail call. */
int file_use(int fd, uint32_t rights, struct file_use *use)
{
	struct capability *cap;

	if (unlikely(!in_user_thread()))
		return -EBADF;
	preempt_disable();
	cap = cap_use_likely(current_process()->caps, fd, OBJECT_NONE, rights);
	preempt_enable_no_resched();
	if (unlikely(!cap))
		return use_slowly(fd, rights, use);
	if (unlikely(!object_is_file(cap->object) || cap->object->type == OBJECT_DIRECTORY ||
		     arch_resched_pending()))
		return use_checked(cap, rights, use);
	*use = (struct file_use){ file_of(cap->object), cap };
	return 0;
}

bool file_is_open_as(const struct file *file, int fd)
{
	struct capability *cap;
	bool same;

	if (cap_use(current_process()->caps, fd, OBJECT_NONE, 0, &cap) < 0)
		return false;
	same = cap->object == &file->object;
	cap_done(cap);
	return same;
}

void file_done(const struct file_use *use)
{
	cap_done(use->cap);
}

static uint32_t memory_rights(const struct file *file)
{
	uint32_t rights = CAP_READ | CAP_WRITE | CAP_SEEK | CAP_STAT | CAP_TRUNCATE | CAP_MAP | CAP_SEAL |
			  CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT;

	if (file->vnode->memory == MEMOBJ_EXECUTABLE)
		rights |= CAP_EXEC;
	return file->vnode->memory == MEMOBJ_DMA ? rights | CAP_PHYSICAL : rights;
}

static uint32_t rights_of(const struct file *file)
{
	uint32_t rights = CAP_STAT | CAP_EXEC | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT;

	if (file->object.type == OBJECT_MEMORY)
		return memory_rights(file);
	if (file->object.type == OBJECT_TIMER || file->object.type == OBJECT_SOCKET)
		return cap_type_rights(file->object.type) & ~CAP_RIGHT_BADGE;
	if (file->object.type == OBJECT_RING) /* in a message it could come to hold itself */
		return cap_type_rights(OBJECT_RING) & ~(CAP_RIGHT_BADGE | CAP_RIGHT_GRANT);
	if (file->object.type == OBJECT_DIRECTORY) /* all that may be done with what is found through it */
		return cap_type_rights(OBJECT_DIRECTORY) & ~CAP_RIGHT_BADGE;
	if (atomic_load(&file->flags) & O_PATH)
		return rights;
	rights |= CAP_SEEK | CAP_CHMOD | CAP_LOCK | CAP_IOCTL | CAP_MAP | CAP_SEAL;
	if (file->access & CAP_READ)
		rights |= CAP_READ;
	if (file->access & CAP_WRITE)
		rights |= CAP_WRITE | CAP_APPEND | CAP_TRUNCATE;
	return rights;
}

uint32_t file_rights(const struct file *file)
{
	return rights_of(file) & cap_type_rights(file->object.type) & file->rights_max;
}

uint32_t file_rights_lost(const struct file *file, uint32_t granted)
{
	return (file_rights(file) & ~granted) | ~file->via;
}

int file_install(struct file *file, bool cloexec)
{
	return cap_install(current_process()->caps, &file->object, file_rights(file),
			   cloexec ? CAP_CLOEXEC : 0, 0);
}

int file_install_via(struct file *file, bool cloexec, struct capability *via)
{
	int fd;

	if (!via)
		return file_install(file, cloexec);
	fd = cap_install_via(current_process()->caps, via, &file->object, file_rights(file),
			     cloexec ? CAP_CLOEXEC : 0, 0);
	cap_done(via);
	return fd;
}

ssize_t file_read_kernel(struct file *file, void *buf, size_t len, off_t pos)
{
	struct abi_iovec iov;
	struct iobuf io;
	size_t done = 0;

	if (!file->ops->read)
		return -EINVAL;
	while (done < len) {
		ssize_t n;

		iobuf_init_kernel(&io, &iov, (char *)buf + done, len - done);
		n = file->ops->read(file, &io, &pos);
		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t file_write_kernel(struct file *file, const void *buf, size_t len, off_t pos)
{
	struct abi_iovec iov;
	struct iobuf io;
	size_t done = 0;

	if (!file->ops->write)
		return -EINVAL;
	while (done < len) {
		ssize_t n;

		/* A write only reads from the buffer: dropping const is safe. */
		iobuf_init_kernel(&io, &iov, (char *)(uintptr_t)buf + done, len - done);
		n = file->ops->write(file, &io, &pos);
		if (n <= 0)
			return done > 0 ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int file_limit_write(struct iobuf *io, off_t pos)
{
	uint64_t limit = INT64_MAX;

	if (in_user_thread())
		limit = MIN(limit, current_process()->rlimits[RLIMIT_FSIZE].cur);
	if (io->left == 0)
		return 0;
	if ((uint64_t)pos >= limit) {
		if (limit != INT64_MAX)
			signal_self(SIGXFSZ);
		return -EFBIG;
	}
	io->left = MIN(io->left, limit - (uint64_t)pos);
	return 0;
}

/* --- seeking ----------------------------------------------------------------------------------------------
 */

off_t seek_in(struct file *file, off_t offset, int whence, uint64_t size)
{
	off_t base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = file->pos;
		break;
	case SEEK_END:
		base = (off_t)size;
		break;
	default:
		return -EINVAL;
	}
	if (add_overflows(base, offset, &base))
		return -EOVERFLOW;
	if (base < 0)
		return -EINVAL;
	file->pos = base;
	return base;
}

off_t seek_endless(struct file *file, off_t offset, int whence)
{
	return whence == SEEK_END ? -EINVAL : seek_in(file, offset, whence, 0);
}

off_t vnode_seek(struct file *file, off_t offset, int whence)
{
	return seek_in(file, offset, whence, READ_ONCE(file->vnode->size));
}

bool dir_emit_dots(struct file *file, off_t *pos, struct dir_sink *sink)
{
	uint64_t self = file->vnode->ino, parent = self;

	if (*pos == 0) {
		if (!sink->add(sink, ".", 1, self, DT_DIR, 1))
			return false;
		*pos = 1;
	}
	if (*pos == 1) {
		spin_lock(&dcache_lock);
		if (file->dentry && file->dentry != file->mount->root)
			parent = file->dentry->parent->vnode->ino;
		spin_unlock(&dcache_lock);
		if (!sink->add(sink, "..", 2, parent, DT_DIR, 2))
			return false;
		*pos = 2;
	}
	return true;
}

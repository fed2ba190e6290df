/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/notify.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

/* Entries are put together in a buffer of the kernel and go out a page at a time. */
struct user_sink {
	struct dir_sink sink;
	uaddr_t buf;
	size_t size, used; /* of the user's buffer: all, filled by whole pages */
	char *page;
	size_t filled;             /* of page */
	size_t room;               /* for entries: until the page or the user's buffer is full */
	size_t name_offset, fixed; /* of an entry: where its name begins, and its size without that */
	bool old;                  /* getdents: type behind the name, no type field */
	int error;                 /* -EFAULT, or -EINVAL: not even one entry fits */
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

/* False: the user's buffer is full. */
static __noinline bool make_room(struct user_sink *u, size_t reclen)
{
	size_t left = u->size - u->used - u->filled;

	if (reclen > left) {
		if (u->used + u->filled == 0)
			u->error = -EINVAL;
		return false;
	}
	if (!flush_entries(u))
		return false;
	u->room = MIN(left, PAGE_SIZE);
	return true;
}

static bool add_entry(struct dir_sink *sink, const char *name, size_t len, uint64_t ino, uint8_t type,
		      off_t next)
{
	struct user_sink *u = container_of(sink, struct user_sink, sink);
	size_t reclen = ALIGN_UP(u->fixed + len, 8);
	struct abi_dirent64 *d;
	char *raw;

	if (unlikely(reclen > u->room) && !make_room(u, reclen))
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
	memcpy(raw + u->name_offset, name, len);
	u->filled += reclen;
	u->room -= reclen;
	return true;
}

static int64_t read_dir(struct file *file, struct user_sink *u)
{
	int err = notify_permission(file, NOTIFY_MAY_ACCESS);

	if (err < 0)
		return err;
	if (file->vnode->nlink == 0)
		return -ENOENT;
	mutex_lock(&file->pos_lock);
	err = file->ops->readdir(file, &file->pos, &u->sink);
	mutex_unlock(&file->pos_lock);
	notify_file(file, IN_ACCESS);
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
		.sink = { add_entry },
		.buf = ARG(1, uaddr_t),
		.size = ARG(2, uint32_t),
		.old = old,
		.name_offset = old ? NAME_OFFSET_OLD : NAME_OFFSET_64,
	};
	struct file_use use;
	int64_t n = -ENOMEM;
	int err = use_to_list(ARG(0, int), &use);

	if (err < 0)
		return err;
	u.fixed = u.name_offset + (old ? 2 : 1); /* the name's NUL, and the type behind it */
	u.room = MIN(u.size, PAGE_SIZE);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching files, mounts and file systems. */
#include <kernel/syscall.h>

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/fanotify.h>
#include <kernel/file.h>
#include <kernel/vfs.h>
#include <serix/abi_fanotify.h>
#include <serix/errno.h>

#include "user_path.h"

/* takes: FAN_* in USER_FLAGS ADMIN_FLAGS check_flags, else EINVAL; O_* in EVENT_F_FLAGS check_flags,
 * else EINVAL
 * lacks: FAN_ENABLE_AUDIT, which is EINVAL */
SYSCALL(fanotify_init)
{
	uint32_t flags = ARG(0, uint32_t);
	struct file *file;
	int fd, err = fanotify_create(flags, ARG(1, uint32_t), &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & FAN_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* What the descriptor itself is open on; what may be read may be watched. */
static int path_of(int fd, uint32_t flags, struct path *out)
{
	struct file_use use;
	int err = file_use(fd, 0, &use);

	if (err < 0)
		return err;
	if ((flags & FAN_MARK_ONLYDIR) && use.file->object.type != OBJECT_DIRECTORY)
		err = -ENOTDIR;
	else if (!use.file->dentry)
		err = -EINVAL;
	else if (file_rights_lost(use.file, atomic_load(&use.cap->rights)))
		err = -EPERM;
	if (err == 0) {
		*out = (struct path){ use.file->mount, use.file->dentry };
		path_get(out);
	}
	file_done(&use);
	return err;
}

static int walk(int dirfd, uaddr_t text, uint32_t flags, struct path *out)
{
	unsigned how = (flags & FAN_MARK_DONT_FOLLOW ? WALK_NOFOLLOW : 0) |
		       (flags & FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0);
	USER_PATH(name);
	int err = user_path_get(&name, text);

	if (err < 0)
		return err;
	err = vfs_walk(dirfd, name.text, how, CAP_READ, out);
	user_path_put(&name);
	return err;
}

static int find(int dirfd, uaddr_t text, uint32_t flags, struct path *out)
{
	int err = text ? walk(dirfd, text, flags, out) : path_of(dirfd, flags, out);

	if (err < 0)
		return err;
	err = vfs_access(path_vnode(out), 4);
	if (err < 0)
		path_put(out);
	return err;
}

/* Of all of a mount nobody hears who is kept to some places of it. */
static bool denied(uint32_t flags)
{
	return (flags & (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM)) &&
	       (confine_capability_mode() || confine_denies(CONFINE_NO_PATHS));
}

static int change(struct file *file, const struct syscall_args *args)
{
	uint32_t flags = ARG(1, uint32_t);
	uint64_t mask = ARG(2, uint64_t);
	struct path path;
	int err = fanotify_mark_check(file, flags, &mask);

	if (err < 0)
		return err;
	if (denied(flags))
		return -EPERM;
	if (flags & FAN_MARK_FLUSH) {
		fanotify_flush(file, flags & (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM));
		return 0;
	}
	err = find(ARG(3, int), ARG(4, uaddr_t), flags, &path);
	if (err < 0)
		return err;
	err = fanotify_mark(file, flags, (uint32_t)mask, &path);
	path_put(&path);
	return err;
}

/* takes: FAN_MARK_* in MARK_FLAGS fanotify_mark_check_call, else EINVAL; FAN_* in FAN_EVENTS FAN_PERM_EVENTS
 * FAN_EVENT_FLAGS fanotify_mark_check_call, else EINVAL */
SYSCALL(fanotify_mark)
{
	struct file_use use;
	int err = fanotify_mark_check_call(ARG(1, uint32_t), ARG(2, uint64_t));

	if (err < 0)
		return err;
	err = file_use(ARG(0, int), CAP_READ, &use);
	if (err < 0)
		return err;
	err = change(use.file, args);
	file_done(&use);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching files. */
#include <kernel/syscall.h>

#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/inotify.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "user_path.h"

static int64_t create(uint32_t flags)
{
	struct file *file;
	int fd, err = inotify_create(flags, &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & IN_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

SYSCALL(inotify_init)
{
	(void)args;
	return create(0);
}

/* takes: IN_* in inotify_create, else EINVAL */
SYSCALL(inotify_init1)
{
	return create(ARG(0, uint32_t));
}

static int use_inotify(int fd, struct file_use *use)
{
	int err = file_use(fd, CAP_READ, use);

	if (err == 0 && !file_is_inotify(use->file)) {
		file_done(use);
		err = -EINVAL;
	}
	return err;
}

/* What may be read may be watched. */
static int watch_path(struct file *inotify, const char *name, uint32_t mask)
{
	unsigned flags =
		(mask & IN_DONT_FOLLOW ? WALK_NOFOLLOW : 0) | (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
	struct path path;
	int result = vfs_walk(AT_FDCWD, name, flags, CAP_READ, &path);

	if (result < 0)
		return result;
	result = vfs_access(path_vnode(&path), 4);
	if (result == 0)
		result = inotify_watch(inotify, &path, mask);
	path_put(&path);
	return result;
}

#define MASK_KNOWN                                                                               \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
	 IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

/* takes: IN_* in MASK_KNOWN, else EINVAL without any of these, ignored with one */
SYSCALL(inotify_add_watch)
{
	uint32_t mask = ARG(2, uint32_t);
	struct file_use use;
	USER_PATH(name);
	int result;

	if (!(mask & MASK_KNOWN))
		return -EINVAL;
	result = use_inotify(ARG(0, int), &use);
	if (result < 0)
		return result;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		result = -EINVAL;
	else
		result = user_path_get(&name, ARG(1, uaddr_t));
	if (result == 0) {
		result = watch_path(use.file, name.text, mask);
		user_path_put(&name);
	}
	file_done(&use);
	return result;
}

SYSCALL(inotify_rm_watch)
{
	struct file_use use;
	int err = use_inotify(ARG(0, int), &use);

	if (err < 0)
		return err;
	err = inotify_unwatch(use.file, ARG(1, int));
	file_done(&use);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes of files, by name and by descriptor. */
#include <kernel/xattr.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "user_path.h"

/* What a call is about, until target_put. */
struct target {
	struct path path;    /* members NULL: it has no place */
	struct vnode *vnode; /* NULL: it is no file of a file system */
	struct file_use use; /* if `in_use` */
	bool in_use;
};

/* `walk`: WALK_NOFOLLOW or nothing. */
static int find_path(struct target *t, uaddr_t addr, unsigned walk, uint32_t rights)
{
	USER_PATH(name);
	int err = user_path_get(&name, addr);

	if (err < 0)
		return err;
	err = vfs_walk(AT_FDCWD, name.text, walk, rights, &t->path);
	user_path_put(&name);
	if (err < 0)
		return err;
	t->vnode = path_vnode(&t->path);
	t->in_use = false;
	return 0;
}

static int find_fd(struct target *t, int fd, uint32_t rights)
{
	int err = file_use(fd, rights, &t->use);

	if (err < 0)
		return err;
	if (atomic_load(&t->use.file->flags) & O_PATH) {
		file_done(&t->use);
		return -EBADF;
	}
	t->path = (struct path){ t->use.file->mount, t->use.file->dentry };
	t->vnode = t->use.file->vnode;
	t->in_use = true;
	return 0;
}

static void target_put(const struct target *t)
{
	if (t->in_use)
		file_done(&t->use);
	else
		path_put(&t->path);
}

struct name {
	char text[XATTR_NAME_MAX + 1];
};

static int get_name(struct name *name, uaddr_t from)
{
	ssize_t len = strncpy_from_user(name->text, from, sizeof(name->text));

	if (len == -EFAULT)
		return -EFAULT;
	return len <= 0 ? -ERANGE : 0;
}

/* What the file answered goes to the user.  A result longer than any buffer is another error. */
static int64_t give(ssize_t n, uaddr_t to, const void *from, size_t size, size_t max)
{
	if (n == -ERANGE && size >= max)
		return -E2BIG;
	if (n > 0 && size > 0 && copy_to_user(to, from, (size_t)n) < 0)
		return -EFAULT;
	return n;
}

/* --- getxattr ------------------------------------------------------------------------------------------- */

static int64_t get(const struct target *t, const struct syscall_args *args)
{
	size_t size = MIN(ARG(3, size_t), XATTR_SIZE_MAX);
	void *value = NULL;
	struct name name;
	int64_t n = get_name(&name, ARG(1, uaddr_t));

	if (n < 0)
		return n;
	if (size > 0) {
		value = kmalloc(size);
		if (!value)
			return -ENOMEM;
	}
	n = vfs_getxattr(t->vnode, name.text, value, size);
	n = give(n, ARG(2, uaddr_t), value, size, XATTR_SIZE_MAX);
	kfree(value);
	return n;
}

static int64_t finish_get(int err, const struct target *t, const struct syscall_args *args)
{
	int64_t n;

	if (err < 0)
		return err;
	n = get(t, args);
	target_put(t);
	return n;
}

SYSCALL(getxattr)
{
	struct target t;

	return finish_get(find_path(&t, ARG(0, uaddr_t), 0, CAP_STAT), &t, args);
}

SYSCALL(lgetxattr)
{
	struct target t;

	return finish_get(find_path(&t, ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_STAT), &t, args);
}

SYSCALL(fgetxattr)
{
	struct target t;

	return finish_get(find_fd(&t, ARG(0, int), CAP_STAT), &t, args);
}

/* --- setxattr ------------------------------------------------------------------------------------------- */

static int64_t set(const struct target *t, const struct syscall_args *args)
{
	size_t size = ARG(3, size_t);
	uint32_t flags = ARG(4, uint32_t);
	void *value = NULL;
	struct name name;
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = get_name(&name, ARG(1, uaddr_t));
	if (err < 0)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (size > 0) {
		value = kmalloc(size);
		if (!value)
			return -ENOMEM;
		err = copy_from_user(value, ARG(2, uaddr_t), size);
	}
	if (err == 0)
		err = vfs_setxattr(&t->path, t->vnode, name.text, value, size, flags);
	kfree(value);
	return err;
}

static int64_t finish_set(int err, const struct target *t, const struct syscall_args *args)
{
	int64_t result;

	if (err < 0)
		return err;
	result = set(t, args);
	target_put(t);
	return result;
}

/* takes: XATTR_* in set, else EINVAL */
SYSCALL(setxattr)
{
	struct target t;

	return finish_set(find_path(&t, ARG(0, uaddr_t), 0, CAP_CHMOD), &t, args);
}

/* takes: XATTR_* in set, else EINVAL */
SYSCALL(lsetxattr)
{
	struct target t;

	return finish_set(find_path(&t, ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_CHMOD), &t, args);
}

/* takes: XATTR_* in set, else EINVAL */
SYSCALL(fsetxattr)
{
	struct target t;

	return finish_set(find_fd(&t, ARG(0, int), CAP_CHMOD), &t, args);
}

/* --- removexattr ---------------------------------------------------------------------------------------- */

static int64_t finish_remove(int err, const struct target *t, uaddr_t from)
{
	struct name name;

	if (err < 0)
		return err;
	err = get_name(&name, from);
	if (err == 0)
		err = vfs_removexattr(&t->path, t->vnode, name.text);
	target_put(t);
	return err;
}

SYSCALL(removexattr)
{
	struct target t;

	return finish_remove(find_path(&t, ARG(0, uaddr_t), 0, CAP_CHMOD), &t, ARG(1, uaddr_t));
}

SYSCALL(lremovexattr)
{
	struct target t;

	return finish_remove(find_path(&t, ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_CHMOD), &t, ARG(1, uaddr_t));
}

SYSCALL(fremovexattr)
{
	struct target t;

	return finish_remove(find_fd(&t, ARG(0, int), CAP_CHMOD), &t, ARG(1, uaddr_t));
}

/* --- listxattr ------------------------------------------------------------------------------------------ */

static int64_t list(const struct target *t, const struct syscall_args *args)
{
	size_t size = MIN(ARG(2, size_t), XATTR_LIST_MAX);
	char *names = NULL;
	int64_t n;

	if (size > 0) {
		names = kmalloc(size);
		if (!names)
			return -ENOMEM;
	}
	n = give(vfs_listxattr(t->vnode, names, size), ARG(1, uaddr_t), names, size, XATTR_LIST_MAX);
	kfree(names);
	return n;
}

static int64_t finish_list(int err, const struct target *t, const struct syscall_args *args)
{
	int64_t n;

	if (err < 0)
		return err;
	n = list(t, args);
	target_put(t);
	return n;
}

SYSCALL(listxattr)
{
	struct target t;

	return finish_list(find_path(&t, ARG(0, uaddr_t), 0, CAP_STAT), &t, args);
}

SYSCALL(llistxattr)
{
	struct target t;

	return finish_list(find_path(&t, ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_STAT), &t, args);
}

SYSCALL(flistxattr)
{
	struct target t;

	return finish_list(find_fd(&t, ARG(0, int), CAP_STAT), &t, args);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on the mount table. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "user_path.h"

/* A page of strings that may be missing; *out is NULL then. */
static int optional_text(uaddr_t addr, char **out)
{
	ssize_t n;

	*out = NULL;
	if (!addr)
		return 0;
	*out = kmalloc(PATH_MAX);
	if (!*out)
		return -ENOMEM;
	n = strncpy_from_user(*out, addr, PATH_MAX);
	if (n >= 0)
		return 0;
	kfree(*out);
	*out = NULL;
	return n == -ENAMETOOLONG ? -EINVAL : (int)n;
}

/*
 * takes: MS_* in vfs_mount, but MS_MGC_VAL MS_MGC_MSK MS_SHARED MS_UNBINDABLE, not MS_SYNCHRONOUS
 * MS_MANDLOCK MS_DIRSYNC MS_NOSYMFOLLOW MS_I_VERSION MS_LAZYTIME (EINVAL), else EINVAL
 * lacks: mounts that share what is mounted on them, and unbindable ones (MS_SHARED, MS_UNBINDABLE: EINVAL); a
 * remount to MS_RDONLY does not wait for open files
 */
SYSCALL(mount)
{
	char *source = NULL, *target = NULL, *type = NULL, *data = NULL;
	int err = optional_text(ARG(0, uaddr_t), &source);

	if (err == 0)
		err = ARG(1, uaddr_t) ? optional_text(ARG(1, uaddr_t), &target) : -EFAULT;
	if (err == 0)
		err = optional_text(ARG(2, uaddr_t), &type);
	if (err == 0)
		err = optional_text(ARG(4, uaddr_t), &data);
	if (err == 0)
		err = vfs_mount(source, target, type, ARG(3, unsigned), data);
	kfree(source);
	kfree(target);
	kfree(type);
	kfree(data);
	return err;
}

/* takes: MNT_* UMOUNT_* in vfs_umount, else EINVAL */
SYSCALL(umount2)
{
	USER_PATH(path);
	int err = user_path_get(&path, ARG(0, uaddr_t));

	if (err < 0)
		return err;
	err = vfs_umount(path.text, ARG(1, unsigned));
	user_path_put(&path);
	return err;
}

SYSCALL(pivot_root)
{
	USER_PATH(new_root);
	USER_PATH(put_old);
	int err = user_path_get(&new_root, ARG(0, uaddr_t));

	if (err < 0)
		return err;
	err = user_path_get(&put_old, ARG(1, uaddr_t));
	if (err == 0) {
		err = vfs_pivot_root(new_root.text, put_old.text);
		user_path_put(&put_old);
	}
	user_path_put(&new_root);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes.  No file system here has any: lists are empty, everything else is EOPNOTSUPP, as on
 * Linux for such a file system.  Programs look them up for every file that they show or copy.
 */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "user_path.h"

#define XATTR_NAME_MAX 255

/* There is such a file (`walk`: WALK_NOFOLLOW or nothing), or -errno. */
static int check_path(uaddr_t addr, unsigned walk, uint32_t rights)
{
	struct path path;
	USER_PATH(name);
	int err = user_path_get(&name, addr);

	if (err < 0)
		return err;
	err = vfs_walk(AT_FDCWD, name.text, walk, rights, &path);
	user_path_put(&name);
	if (err == 0)
		path_put(&path);
	return err;
}

static int check_fd(int fd, uint32_t rights)
{
	struct file_use use;
	int err = file_use(fd, rights, &use);

	if (err < 0)
		return err;
	err = atomic_load(&use.file->flags) & O_PATH ? -EBADF : 0;
	file_done(&use);
	return err;
}

/* The outcome for an attribute by name, once the file is known to be there. */
static int64_t named(int err, uaddr_t name)
{
	char text[XATTR_NAME_MAX + 1];
	ssize_t len;

	if (err < 0)
		return err;
	len = strncpy_from_user(text, name, sizeof(text));
	if (len == -EFAULT)
		return len;
	return len <= 0 ? -ERANGE : -EOPNOTSUPP;
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(getxattr)
{
	return named(check_path(ARG(0, uaddr_t), 0, CAP_STAT), ARG(1, uaddr_t));
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(lgetxattr)
{
	return named(check_path(ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_STAT), ARG(1, uaddr_t));
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(fgetxattr)
{
	return named(check_fd(ARG(0, int), CAP_STAT), ARG(1, uaddr_t));
}

#define XATTR_CREATE  1u
#define XATTR_REPLACE 2u

static bool set_flags_valid(uint64_t flags)
{
	return !((uint32_t)flags & ~(XATTR_CREATE | XATTR_REPLACE));
}

/*
 * takes: XATTR_* in set_flags_valid, else EINVAL
 * lacks: attributes: no file has any (EOPNOTSUPP)
 */
SYSCALL(setxattr)
{
	if (!set_flags_valid(args->a[4]))
		return -EINVAL;
	return named(check_path(ARG(0, uaddr_t), 0, CAP_CHMOD), ARG(1, uaddr_t));
}

/*
 * takes: XATTR_* in set_flags_valid, else EINVAL
 * lacks: attributes: no file has any (EOPNOTSUPP)
 */
SYSCALL(lsetxattr)
{
	if (!set_flags_valid(args->a[4]))
		return -EINVAL;
	return named(check_path(ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_CHMOD), ARG(1, uaddr_t));
}

/*
 * takes: XATTR_* in set_flags_valid, else EINVAL
 * lacks: attributes: no file has any (EOPNOTSUPP)
 */
SYSCALL(fsetxattr)
{
	if (!set_flags_valid(args->a[4]))
		return -EINVAL;
	return named(check_fd(ARG(0, int), CAP_CHMOD), ARG(1, uaddr_t));
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(removexattr)
{
	return named(check_path(ARG(0, uaddr_t), 0, CAP_CHMOD), ARG(1, uaddr_t));
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(lremovexattr)
{
	return named(check_path(ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_CHMOD), ARG(1, uaddr_t));
}

/* lacks: attributes: no file has any (EOPNOTSUPP) */
SYSCALL(fremovexattr)
{
	return named(check_fd(ARG(0, int), CAP_CHMOD), ARG(1, uaddr_t));
}

/* lacks: attributes: all lists are empty */
SYSCALL(listxattr)
{
	return check_path(ARG(0, uaddr_t), 0, CAP_STAT);
}

/* lacks: attributes: all lists are empty */
SYSCALL(llistxattr)
{
	return check_path(ARG(0, uaddr_t), WALK_NOFOLLOW, CAP_STAT);
}

/* lacks: attributes: all lists are empty */
SYSCALL(flistxattr)
{
	return check_fd(ARG(0, int), CAP_STAT);
}

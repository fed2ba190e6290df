/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on names: look, make, remove, change. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/device.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "user_path.h"

/* --- finding what a call means --- */

/* Walk a name from user space. */
static int walk_user(int dirfd, uaddr_t name, unsigned flags, uint32_t rights, struct path *out)
{
	USER_PATH(path);
	int err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = vfs_walk(dirfd, path.text, flags, rights, out);
	user_path_put(&path);
	return err;
}

/* The place behind a descriptor; -`nowhere` for an object without one (an anonymous pipe). */
static int path_of_fd(int fd, uint32_t rights, int nowhere, struct path *out)
{
	struct file_use use;
	int err = file_use(fd, rights, &use);

	if (err < 0)
		return err;
	if (use.file->dentry) {
		out->mount = use.file->mount;
		out->dentry = use.file->dentry;
		path_get(out);
	} else {
		err = -nowhere;
	}
	file_done(&use);
	return err;
}

static unsigned walk_flags(uint32_t at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
	       (at_flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* --- stat --- */

/* `more` may be NULL. */
static int stat_fd(int fd, struct abi_stat *st, struct stat_more *more)
{
	struct file_use use;
	int err = file_use(fd, CAP_STAT, &use);

	if (err < 0)
		return err;
	err = use.file->vnode ? vfs_stat_vnode(use.file->vnode, st) : -EBADF;
	if (more && use.file->dentry)
		vfs_stat_more(&(struct path){ use.file->mount, use.file->dentry }, more);
	file_done(&use);
	return err;
}

static int stat_at(int dirfd, uaddr_t name, uint32_t at_flags, struct abi_stat *st, struct stat_more *more)
{
	USER_PATH(path);
	struct path where;
	int err = user_path_get(&path, name);

	if (err < 0)
		return err;
	if (!*path.text && (at_flags & AT_EMPTY_PATH) && dirfd != AT_FDCWD) {
		err = stat_fd(dirfd, st, more);
	} else {
		err = vfs_walk(dirfd, path.text, walk_flags(at_flags), CAP_STAT, &where);
		if (err == 0) {
			err = vfs_stat(&where, st);
			if (more)
				vfs_stat_more(&where, more);
			path_put(&where);
		}
	}
	user_path_put(&path);
	return err;
}

/* Filled in completely, or not looked at. */
#define STAT(name) struct abi_stat name __attribute__((uninitialized))

static int64_t give_stat(int err, uaddr_t to, const struct abi_stat *st)
{
	return err < 0 ? err : copy_to_user(to, st, sizeof(*st));
}

SYSCALL(stat)
{
	STAT(st);

	return give_stat(stat_at(AT_FDCWD, ARG(0, uaddr_t), 0, &st, NULL), ARG(1, uaddr_t), &st);
}

SYSCALL(lstat)
{
	STAT(st);

	return give_stat(stat_at(AT_FDCWD, ARG(0, uaddr_t), AT_SYMLINK_NOFOLLOW, &st, NULL), ARG(1, uaddr_t),
			 &st);
}

SYSCALL(fstat)
{
	STAT(st);

	return give_stat(stat_fd(ARG(0, int), &st, NULL), ARG(1, uaddr_t), &st);
}

/* takes: AT_*, else EINVAL */
SYSCALL(newfstatat)
{
	uint32_t flags = ARG(3, uint32_t);
	struct abi_stat st;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return give_stat(stat_at(ARG(0, int), ARG(1, uaddr_t), flags, &st, NULL), ARG(2, uaddr_t), &st);
}

static struct abi_statx_timestamp statx_time(struct abi_timespec ts)
{
	return (struct abi_statx_timestamp){ .sec = ts.sec, .nsec = (uint32_t)ts.nsec };
}

static void stat_to_statx(const struct abi_stat *st, struct abi_statx *x)
{
	*x = (struct abi_statx){
		.mask = STATX_BASIC_STATS,
		.blksize = (uint32_t)st->blksize,
		.nlink = (uint32_t)st->nlink,
		.uid = st->uid,
		.gid = st->gid,
		.mode = (uint16_t)st->mode,
		.ino = st->ino,
		.size = (uint64_t)st->size,
		.blocks = (uint64_t)st->blocks,
		.atime = statx_time(st->atime),
		.ctime = statx_time(st->ctime),
		.mtime = statx_time(st->mtime),
		.rdev_major = dev_major(st->rdev),
		.rdev_minor = dev_minor(st->rdev),
		.dev_major = dev_major(st->dev),
		.dev_minor = dev_minor(st->dev),
	};
}

static void more_to_statx(const struct stat_more *more, uint32_t wanted, struct abi_statx *x)
{
	if (more->mount) {
		x->mask |= STATX_MNT_ID;
		x->mnt_id = more->mount;
		x->attributes_mask = STATX_ATTR_MOUNT_ROOT;
		x->attributes = more->mount_root ? STATX_ATTR_MOUNT_ROOT : 0;
	}
	if (more->btime_ns && (wanted & STATX_BTIME)) {
		x->mask |= STATX_BTIME;
		x->btime = (struct abi_statx_timestamp){ .sec = (int64_t)(more->btime_ns / NSEC_PER_SEC),
							 .nsec = (uint32_t)(more->btime_ns % NSEC_PER_SEC) };
	}
}

/*
 * takes: AT_*, else EINVAL; STATX_* in stat_to_statx more_to_statx
 * lacks: attributes but STATX_ATTR_MOUNT_ROOT
 */
SYSCALL(statx)
{
	uint32_t flags = ARG(2, uint32_t), mask = ARG(3, uint32_t);
	struct abi_statx x;
	struct abi_stat st = { 0 };
	struct stat_more more = { 0 };
	int err;

	if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = stat_at(ARG(0, int), ARG(1, uaddr_t), flags, &st, &more);
	if (err < 0)
		return err;
	stat_to_statx(&st, &x);
	more_to_statx(&more, mask, &x);
	return copy_to_user(ARG(4, uaddr_t), &x, sizeof(x));
}

static int64_t statfs_and_put(const struct path *path, uaddr_t to)
{
	struct abi_statfs st;
	int err = vfs_statfs(path, &st);

	path_put(path);
	return err < 0 ? err : copy_to_user(to, &st, sizeof(st));
}

SYSCALL(statfs)
{
	struct path path;
	int err = walk_user(AT_FDCWD, ARG(0, uaddr_t), 0, CAP_STAT, &path);

	if (err < 0)
		return err;
	/* Directories on the way to what a confinement allows may be walked through, no more. */
	if (unlikely(current_confine() != NULL) && !confine_rights_at(current_confine(), &path)) {
		path_put(&path);
		return -EACCES;
	}
	return statfs_and_put(&path, ARG(1, uaddr_t));
}

SYSCALL(fstatfs)
{
	struct path path;
	int err = path_of_fd(ARG(0, int), CAP_STAT, ENOSYS, &path);

	return err < 0 ? err : statfs_and_put(&path, ARG(1, uaddr_t));
}

/* --- access --- */

static int64_t access_at(int dirfd, uaddr_t name, uint32_t mode, uint32_t flags)
{
	unsigned walk = walk_flags(flags) | (flags & AT_EACCESS ? 0 : WALK_REAL_IDS);
	struct path path;
	int err;

	if ((mode & ~7u) || (flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	err = walk_user(dirfd, name, walk, CAP_STAT, &path);
	if (err < 0)
		return err;
	err = vfs_may_access(&path, mode, !(flags & AT_EACCESS));
	path_put(&path);
	return err;
}

SYSCALL(access)
{
	return access_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uint32_t), 0);
}

SYSCALL(faccessat)
{
	return access_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), 0);
}

/* takes: AT_* in access_at, else EINVAL */
SYSCALL(faccessat2)
{
	return access_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint32_t), ARG(3, uint32_t));
}

/* --- where the process stands --- */

static int64_t change_dir(struct path *path, bool root)
{
	struct fs_context *fs = current_process()->fs;
	int err;

	if (unlikely(current_confine() != NULL) && !(confine_rights_at(current_confine(), path) & CAP_LOOKUP))
		err = -EACCES;
	else if (!S_ISDIR(path_vnode(path)->mode))
		err = -ENOTDIR;
	else
		err = vfs_access(path_vnode(path), 1);
	if (err == 0 && root && !cred_has_privilege(PRIV_SYS_CHROOT))
		err = -EPERM;
	if (err == 0 && root)
		fs_context_set_root(fs, path);
	else if (err == 0)
		fs_context_set_cwd(fs, path);
	path_put(path);
	return err;
}

SYSCALL(chdir)
{
	struct path path;
	int err = walk_user(AT_FDCWD, ARG(0, uaddr_t), WALK_DIRECTORY, CAP_LOOKUP, &path);

	return err < 0 ? err : change_dir(&path, false);
}

/* A current directory has no rights of its own: what was taken from a descriptor would come back with it. */
static int may_stand_on(const struct file_use *use)
{
	if (use->file->object.type != OBJECT_DIRECTORY)
		return -ENOTDIR;
	return file_rights_lost(use->file, atomic_load(&use->cap->rights)) ? -EPERM : 0;
}

SYSCALL(fchdir)
{
	struct file_use use;
	struct path path;
	int err = file_use(ARG(0, int), 0, &use);

	if (err < 0)
		return err;
	err = may_stand_on(&use);
	if (err == 0) {
		path = (struct path){ use.file->mount, use.file->dentry };
		path_get(&path);
	}
	file_done(&use);
	return err < 0 ? err : change_dir(&path, false);
}

SYSCALL(chroot)
{
	struct path path;
	int err = walk_user(AT_FDCWD, ARG(0, uaddr_t), WALK_DIRECTORY, CAP_LOOKUP, &path);

	return err < 0 ? err : change_dir(&path, true);
}

SYSCALL(getcwd)
{
	size_t size = ARG(1, size_t);
	struct path cwd, root;
	char *text = kmalloc(PATH_MAX);
	ssize_t len;

	if (!text)
		return -ENOMEM;
	fs_current_cwd(&cwd);
	fs_current_root(&root);
	len = vfs_path_removed(&cwd) ? -ENOENT : vfs_path_text(&cwd, &root, text, PATH_MAX);
	path_put(&root);
	path_put(&cwd);
	if (len >= 0 && (size_t)len + 1 > size)
		len = -ERANGE;
	if (len >= 0)
		len = copy_to_user(ARG(0, uaddr_t), text, (size_t)len + 1) < 0 ? -EFAULT : len + 1;
	kfree(text);
	return len;
}

SYSCALL(umask)
{
	return atomic_exchange(&current_process()->fs->umask, ARG(0, mode_t) & 0777);
}

/* --- making and removing --- */

static int64_t mkdir_at(int dirfd, uaddr_t name, mode_t mode)
{
	USER_PATH(path);
	int err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = vfs_mkdir(dirfd, path.text, mode);
	user_path_put(&path);
	return err;
}

SYSCALL(mkdir)
{
	return mkdir_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, mode_t));
}

SYSCALL(mkdirat)
{
	return mkdir_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, mode_t));
}

static int64_t mknod_at(int dirfd, uaddr_t name, mode_t mode, uint32_t dev)
{
	USER_PATH(path);
	int err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = vfs_mknod(dirfd, path.text, mode, dev);
	user_path_put(&path);
	return err;
}

SYSCALL(mknod)
{
	return mknod_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, mode_t), ARG(2, uint32_t));
}

SYSCALL(mknodat)
{
	return mknod_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, mode_t), ARG(3, uint32_t));
}

/* Calls with two names. */
struct two_paths {
	struct user_path first, second;
};

static int two_paths_get(struct two_paths *paths, uaddr_t first, uaddr_t second)
{
	int err = user_path_get(&paths->first, first);

	if (err < 0)
		return err;
	err = user_path_get(&paths->second, second);
	if (err < 0)
		user_path_put(&paths->first);
	return err;
}

static void two_paths_put(struct two_paths *paths)
{
	user_path_put(&paths->first);
	user_path_put(&paths->second);
}

#define TWO_PATHS(name) struct two_paths name __attribute__((uninitialized))

static int64_t symlink_at(uaddr_t target, int dirfd, uaddr_t name)
{
	TWO_PATHS(paths);
	int err = two_paths_get(&paths, target, name);

	if (err < 0)
		return err;
	err = vfs_symlink(paths.first.text, dirfd, paths.second.text);
	two_paths_put(&paths);
	return err;
}

SYSCALL(symlink)
{
	return symlink_at(ARG(0, uaddr_t), AT_FDCWD, ARG(1, uaddr_t));
}

SYSCALL(symlinkat)
{
	return symlink_at(ARG(0, uaddr_t), ARG(1, int), ARG(2, uaddr_t));
}

static int64_t link_at(int from_fd, uaddr_t from, int to_fd, uaddr_t to, uint32_t flags)
{
	TWO_PATHS(paths);
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = two_paths_get(&paths, from, to);
	if (err < 0)
		return err;
	if (!*paths.first.text && !((flags & AT_EMPTY_PATH) && cred_has_privilege(PRIV_DAC_READ_SEARCH)))
		err = -ENOENT;
	else
		err = vfs_link(from_fd, paths.first.text, to_fd, paths.second.text,
			       flags & AT_SYMLINK_FOLLOW);
	two_paths_put(&paths);
	return err;
}

SYSCALL(link)
{
	return link_at(AT_FDCWD, ARG(0, uaddr_t), AT_FDCWD, ARG(1, uaddr_t), 0);
}

/* takes: AT_* in link_at, else EINVAL */
SYSCALL(linkat)
{
	return link_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, int), ARG(3, uaddr_t), ARG(4, uint32_t));
}

static int64_t unlink_at(int dirfd, uaddr_t name, bool directory)
{
	USER_PATH(path);
	int err = user_path_get(&path, name);

	if (err < 0)
		return err;
	err = directory ? vfs_rmdir(dirfd, path.text) : vfs_unlink(dirfd, path.text);
	user_path_put(&path);
	return err;
}

SYSCALL(unlink)
{
	return unlink_at(AT_FDCWD, ARG(0, uaddr_t), false);
}

SYSCALL(rmdir)
{
	return unlink_at(AT_FDCWD, ARG(0, uaddr_t), true);
}

/* takes: AT_*, else EINVAL */
SYSCALL(unlinkat)
{
	uint32_t flags = ARG(2, uint32_t);

	if (flags & ~(uint32_t)AT_REMOVEDIR)
		return -EINVAL;
	return unlink_at(ARG(0, int), ARG(1, uaddr_t), flags & AT_REMOVEDIR);
}

static int64_t rename_at(int from_fd, uaddr_t from, int to_fd, uaddr_t to, unsigned flags)
{
	TWO_PATHS(paths);
	int err = two_paths_get(&paths, from, to);

	if (err < 0)
		return err;
	err = vfs_rename(from_fd, paths.first.text, to_fd, paths.second.text, flags);
	two_paths_put(&paths);
	return err;
}

SYSCALL(rename)
{
	return rename_at(AT_FDCWD, ARG(0, uaddr_t), AT_FDCWD, ARG(1, uaddr_t), 0);
}

SYSCALL(renameat)
{
	return rename_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, int), ARG(3, uaddr_t), 0);
}

/* takes: RENAME_* in vfs_rename, else EINVAL */
SYSCALL(renameat2)
{
	return rename_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, int), ARG(3, uaddr_t), ARG(4, unsigned));
}

static bool is_empty(uaddr_t name)
{
	char first;

	return copy_from_user(&first, name, 1) == 0 && first == '\0';
}

static int64_t readlink_at(int dirfd, uaddr_t name, uaddr_t buf, int32_t size)
{
	struct path path;
	char *text;
	int64_t n;

	if (size <= 0)
		return -EINVAL;
	n = walk_user(dirfd, name, WALK_NOFOLLOW | WALK_EMPTY, CAP_STAT, &path);
	if (n < 0)
		return n;
	text = kmalloc(PATH_MAX);
	n = text ? vfs_readlink(&path, text, PATH_MAX) : -ENOMEM;
	path_put(&path);
	if (n == -EINVAL && is_empty(name))
		n = -ENOENT; /* what the descriptor names is no link: there is nothing by the empty name */
	if (n > 0) {
		n = MIN(n, size);
		if (copy_to_user(buf, text, (size_t)n) < 0)
			n = -EFAULT;
	}
	kfree(text);
	return n;
}

SYSCALL(readlink)
{
	return readlink_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uaddr_t), ARG(2, int32_t));
}

SYSCALL(readlinkat)
{
	return readlink_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, int32_t));
}

/* --- changing attributes --- */

static int64_t setattr_and_put(int err, const struct path *path, const struct vnode_attr *attr)
{
	if (err < 0)
		return err;
	err = vfs_setattr(path, attr);
	path_put(path);
	return err;
}

static struct vnode_attr mode_attr(mode_t mode)
{
	return (struct vnode_attr){ .valid = ATTR_MODE, .mode = mode & 07777 };
}

/* -1 leaves an id as it is. */
static struct vnode_attr owner_attr(uid_t uid, gid_t gid)
{
	return (struct vnode_attr){
		.valid = ATTR_OWNER | (uid != (uid_t)-1 ? ATTR_UID : 0) | (gid != (gid_t)-1 ? ATTR_GID : 0),
		.uid = uid,
		.gid = gid,
	};
}

SYSCALL(chmod)
{
	struct vnode_attr attr = mode_attr(ARG(1, mode_t));
	struct path path;

	return setattr_and_put(walk_user(AT_FDCWD, ARG(0, uaddr_t), 0, CAP_CHMOD, &path), &path, &attr);
}

SYSCALL(fchmod)
{
	struct vnode_attr attr = mode_attr(ARG(1, mode_t));
	struct path path;

	return setattr_and_put(path_of_fd(ARG(0, int), CAP_CHMOD, EPERM, &path), &path, &attr);
}

SYSCALL(fchmodat)
{
	struct vnode_attr attr = mode_attr(ARG(2, mode_t));
	struct path path;

	return setattr_and_put(walk_user(ARG(0, int), ARG(1, uaddr_t), 0, CAP_CHMOD, &path), &path, &attr);
}

static int64_t chown_at(int dirfd, uaddr_t name, uid_t uid, gid_t gid, uint32_t flags)
{
	struct vnode_attr attr = owner_attr(uid, gid);
	struct path path;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return setattr_and_put(walk_user(dirfd, name, walk_flags(flags), CAP_CHMOD, &path), &path, &attr);
}

SYSCALL(chown)
{
	return chown_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uid_t), ARG(2, gid_t), 0);
}

SYSCALL(lchown)
{
	return chown_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uid_t), ARG(2, gid_t), AT_SYMLINK_NOFOLLOW);
}

/* takes: AT_* in chown_at, else EINVAL */
SYSCALL(fchownat)
{
	return chown_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uid_t), ARG(3, gid_t), ARG(4, uint32_t));
}

SYSCALL(fchown)
{
	struct vnode_attr attr = owner_attr(ARG(1, uid_t), ARG(2, gid_t));
	struct path path;

	return setattr_and_put(path_of_fd(ARG(0, int), CAP_CHMOD, EPERM, &path), &path, &attr);
}

SYSCALL(truncate)
{
	struct path path;
	int err;

	if (ARG(1, off_t) < 0)
		return -EINVAL;
	err = walk_user(AT_FDCWD, ARG(0, uaddr_t), 0, CAP_TRUNCATE | CAP_WRITE, &path);
	if (err < 0)
		return err;
	err = vfs_truncate(&path, ARG(1, off_t));
	path_put(&path);
	return err;
}

/* name 0: the descriptor itself. */
static int64_t set_times_at(int dirfd, uaddr_t name, const struct abi_timespec *times, uint32_t flags)
{
	struct path path;
	int err;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (name)
		err = walk_user(dirfd, name, walk_flags(flags), CAP_CHMOD, &path);
	else if (flags)
		err = -EINVAL;
	else
		err = dirfd == AT_FDCWD ? -EFAULT : path_of_fd(dirfd, CAP_CHMOD, EPERM, &path);
	if (err < 0)
		return err;
	err = vfs_set_times(&path, times);
	path_put(&path);
	return err;
}

/* takes: AT_* in set_times_at, but AT_FDCWD, else EINVAL */
SYSCALL(utimensat)
{
	struct abi_timespec times[2];
	uaddr_t user = ARG(2, uaddr_t);

	if (user && copy_from_user(times, user, sizeof(times)) < 0)
		return -EFAULT;
	return set_times_at(ARG(0, int), ARG(1, uaddr_t), user ? times : NULL, ARG(3, uint32_t));
}

/* The older calls count in microseconds. */
static int64_t set_timevals_at(int dirfd, uaddr_t name, uaddr_t user)
{
	struct abi_timeval tv[2];
	struct abi_timespec times[2];

	if (!user)
		return set_times_at(dirfd, name, NULL, 0);
	if (copy_from_user(tv, user, sizeof(tv)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].usec < 0 || tv[i].usec >= 1000000)
			return -EINVAL;
		times[i] = (struct abi_timespec){ tv[i].sec, tv[i].usec * 1000 };
	}
	return set_times_at(dirfd, name, times, 0);
}

SYSCALL(utimes)
{
	return set_timevals_at(AT_FDCWD, ARG(0, uaddr_t), ARG(1, uaddr_t));
}

SYSCALL(futimesat)
{
	return set_timevals_at(ARG(0, int), ARG(1, uaddr_t), ARG(2, uaddr_t));
}

SYSCALL(utime)
{
	uaddr_t user = ARG(1, uaddr_t);
	struct abi_timespec times[2] = { 0 };
	int64_t seconds[2];

	if (!user)
		return set_times_at(AT_FDCWD, ARG(0, uaddr_t), NULL, 0);
	if (copy_from_user(seconds, user, sizeof(seconds)) < 0)
		return -EFAULT;
	times[0].sec = seconds[0];
	times[1].sec = seconds[1];
	return set_times_at(AT_FDCWD, ARG(0, uaddr_t), times, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* open(2): find or create, check, make the file object. */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/landlock.h>
#include <kernel/notify.h>
#include <kernel/confine.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/lease.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/unsupported.h>

/* Kept in file.flags; the others only matter to open itself. */
#define STATUS_FLAGS                                                                                    \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | \
	 O_NOFOLLOW | O_NOATIME | O_SYNC | O_PATH)

static unsigned wanted_access(uint32_t flags)
{
	static const unsigned by_mode[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
					     MAY_READ | MAY_WRITE };
	unsigned mask = by_mode[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

static int check_type(const struct path *path, uint32_t flags, unsigned mask)
{
	const struct vnode *v = path->dentry->vnode;
	uint32_t mount_flags = atomic_load(&path->mount->flags);

	if ((flags & O_DIRECTORY) && !S_ISDIR(v->mode))
		return -ENOTDIR;
	switch (v->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if ((mask & MAY_WRITE) || (flags & O_CREAT))
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if ((mount_flags & MS_NODEV) || confine_denies_device(v->rdev))
			return -EACCES;
		break;
	default:
		break;
	}
	if ((mask & MAY_WRITE) && (mount_flags & MS_RDONLY) && (S_ISREG(v->mode) || S_ISDIR(v->mode)))
		return -EROFS;
	return 0;
}

static int may_open(const struct path *path, uint32_t flags)
{
	struct vnode *v = path->dentry->vnode;
	unsigned mask = wanted_access(flags);
	int err = check_type(path, flags, mask);

	if (err < 0)
		return err;
	err = vnode_permission(v, fs_cred(), mask);
	if (err < 0)
		return err;
	if ((flags & O_NOATIME) && !vnode_owner(v))
		return -EPERM;
	return 0;
}

/* What it takes to read and write by the open file; O_TRUNC takes nothing. */
static uint32_t landlock_access(const struct vnode *v, uint32_t flags)
{
	uint32_t reading = S_ISDIR(v->mode) ? LANDLOCK_ACCESS_FS_READ_DIR : LANDLOCK_ACCESS_FS_READ_FILE;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return reading;
	case O_WRONLY:
		return LANDLOCK_ACCESS_FS_WRITE_FILE;
	case O_RDWR:
		return reading | LANDLOCK_ACCESS_FS_WRITE_FILE;
	}
	return 0;
}

/* The operations behind the vnode, and file.private. */
static int choose_ops(struct vnode *v, const struct file_ops **ops, void **private)
{
	struct char_device *device;

	*private = NULL;
	switch (v->mode & S_IFMT) {
	case S_IFCHR:
		if (v->file_ops) { /* the node knows better than the number */
			*ops = v->file_ops;
			*private = v->private;
			return 0;
		}
		device = char_device_find(v->rdev);
		if (!device)
			return -ENXIO;
		*ops = device->ops;
		*private = device->private;
		return 0;
	case S_IFIFO:
		*ops = &fifo_ops;
		return 0;
	case S_IFBLK:
		return -ENXIO;
	default:
		*ops = v->file_ops;
		return v->file_ops ? 0 : -ENXIO;
	}
}

/* Count as a writer, unless the file is a running program. */
static int become_writer(struct vnode *v)
{
	int32_t n = atomic_load(&v->write_count);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&v->write_count, &n, n + 1));
	return 0;
}

/* How an open file counts in its vnode. */
struct opener {
	bool reader, writer;
};

static void uncount(struct vnode *v, const struct opener *o)
{
	if (o->writer)
		atomic_fetch_sub(&v->write_count, 1);
	else if (o->reader)
		atomic_fetch_sub(&v->read_count, 1);
}

/* Counted first, so that nobody gets a lease that rules it out; then those that do are broken. */
static int count(struct vnode *v, uint32_t flags, struct opener *o)
{
	unsigned mode = flags & O_ACCMODE;
	int err = 0;

	if (!S_ISREG(v->mode))
		return 0;
	if (mode == O_WRONLY || mode == O_RDWR) {
		err = become_writer(v);
		if (err < 0)
			return err;
		o->writer = true;
	} else if (mode == O_RDONLY) {
		atomic_fetch_add(&v->read_count, 1);
		o->reader = true;
	}
	err = lease_break(v, o->writer || (flags & O_TRUNC), flags & O_NONBLOCK);
	if (err < 0)
		uncount(v, o);
	return err;
}

static const struct file_ops path_only_ops;

/* Takes over the references of `path` on success. */
static struct file *make_file(const struct path *path, uint32_t flags, const struct file_ops *ops,
			      void *private)
{
	struct file *file = file_create(ops, flags & (STATUS_FLAGS | O_NOCTTY), private);

	if (!file)
		return NULL;
	file->mount = path->mount;
	file->dentry = path->dentry;
	file->vnode = path->dentry->vnode; /* which the dentry holds */
	if (S_ISDIR(file->vnode->mode))
		file->object.type = OBJECT_DIRECTORY;
	return file;
}

/* Who watches is asked before the file is looked at, and hears of nothing if it comes to nothing. */
static int begin(struct file *file, const struct path *path, uint32_t flags, bool created)
{
	int err = flags & O_PATH ? 0 : notify_permission(file, NOTIFY_MAY_OPEN);

	if (err == 0 && file->ops->open)
		err = file->ops->open(file);
	if (err < 0)
		file->ops = &path_only_ops; /* nothing to release */
	file->flags &= ~(uint32_t)O_NOCTTY; /* which the driver's open has heeded */
	if (err == 0 && (flags & O_TRUNC) && !(flags & O_PATH) && !created && S_ISREG(file->vnode->mode))
		err = vfs_truncate(path, 0);
	return err;
}

/* How to open: `allowed`, the mode is not asked; `silent`, as file.silent. */
struct opening {
	bool allowed, silent;
};

/* After make_file everything is undone by file_put, the counts included. */
static int open_path(const struct path *path, uint32_t flags, struct opening how, struct file **out)
{
	struct vnode *v = path->dentry->vnode;
	const struct file_ops *ops = &path_only_ops;
	void *private = NULL;
	struct opener opener = { 0 };
	struct file *file;
	int err = 0;

	if (!(flags & O_PATH)) {
		err = how.allowed ? 0 : may_open(path, flags);
		if (err == 0)
			err = landlock_permits(path, landlock_access(v, flags));
		if (err == 0)
			err = choose_ops(v, &ops, &private);
		if (err == 0)
			err = count(v, flags, &opener);
		if (err < 0) {
			path_put(path);
			return err;
		}
	}
	file = make_file(path, flags, ops, private);
	if (!file) {
		uncount(v, &opener);
		path_put(path);
		return -ENOMEM;
	}
	file->reader = opener.reader;
	file->writer = opener.writer;
	file->silent = how.silent;
	err = begin(file, path, flags, how.allowed);
	if (err < 0) {
		file->silent = true;
		file_put(file);
		return err;
	}
	notify_file(file, IN_OPEN);
	*out = file;
	return 0;
}

int file_open_path(const struct path *path, uint32_t flags, bool created, struct file **out)
{
	return open_path(path, flags, (struct opening){ .allowed = created }, out);
}

int file_open_silent(const struct path *path, uint32_t flags, struct file **out)
{
	return open_path(path, flags, (struct opening){ .allowed = true, .silent = true }, out);
}

/* --- creating --- */

mode_t fs_apply_umask(mode_t mode)
{
	const struct fs_context *fs = fs_current();

	if (confine_denies(CONFINE_NO_ADMIN))
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	return fs ? mode & ~atomic_load_explicit(&fs->umask, memory_order_relaxed) : mode;
}

/* Make the regular file `name`, with the directory's lock held. */
static int create_locked(const struct walk *w, struct dentry *name, mode_t mode)
{
	const struct path *parent = &w->at;
	struct vnode *dir = parent->dentry->vnode, *v;
	int err = walk_judge(w, parent, CAP_CREATE);

	if (err == 0)
		err = dir_may_write(parent, LANDLOCK_ACCESS_FS_MAKE_REG);
	if (err < 0)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	err = dir->ops->create(dir, name->name, name->len, S_IFREG | (fs_apply_umask(mode) & 07777), 0, &v);
	if (err < 0)
		return err;
	dentry_instantiate(name, v);
	return 0;
}

/* The last component's dentry, made into a file if it was none, which `expected` says: then the directory's
 * lock is taken at once. */
static int lookup_or_create(const struct walk *w, const struct last_name *last, mode_t mode, bool expected,
			    struct dentry **out, bool *created)
{
	const struct path *parent = &w->at;
	struct vnode *dir = parent->dentry->vnode;
	struct dentry *d;
	int err;

	*created = false;
	if (last->len > NAME_MAX)
		return -ENAMETOOLONG;
	d = expected ? NULL : dentry_find(parent->dentry, last->text, last->len);
	if (d && d->vnode) {
		*out = d;
		return 0;
	}
	if (d)
		dentry_put(d);
	mutex_lock(&dir->lock);
	err = dentry_lookup(parent->dentry, last->text, last->len, true, &d);
	if (err == 0 && !d->vnode) {
		err = create_locked(w, d, mode);
		*created = err == 0;
		if (err < 0)
			dentry_put(d);
	}
	mutex_unlock(&dir->lock);
	if (err == 0)
		*out = d;
	return err;
}

/* One round of open with O_CREAT.  1: a symlink was followed, go on with the rest of the text. */
static int create_step(struct walk *w, uint32_t flags, mode_t mode, bool *created)
{
	struct last_name last;
	struct dentry *d = NULL;
	int err = walk_parent(w, &last);

	if (err < 0)
		return err;
	if (last.type != LAST_NORMAL || last.slash)
		return -EISDIR;
	err = lookup_or_create(w, &last, mode, flags & O_EXCL, &d, created);
	if (err < 0)
		return err;
	ASSERT(d && d->vnode);
	if (!*created && (flags & O_EXCL)) {
		dentry_put(d);
		return -EEXIST;
	}
	if (S_ISLNK(d->vnode->mode) && !(flags & O_NOFOLLOW)) {
		bool object = d->vnode->ops->follow != NULL;

		err = walk_follow(w, d, false);
		return err == 0 && !object ? 1 : err;
	}
	dentry_put(w->at.dentry);
	w->at.dentry = d;
	return walk_cross_down(w);
}

static bool is_tmpfile(uint32_t flags)
{
	return (flags & O_TMPFILE) == O_TMPFILE && !(flags & O_PATH);
}

/* The walk has led to a directory: go on to a new file in it that has no name. */
static int make_tmpfile(struct walk *w, uint32_t flags, mode_t mode)
{
	struct vnode *dir = w->at.dentry->vnode, *v;
	struct dentry *d;
	char name[24];
	size_t len;
	int err = walk_judge(w, &w->at, CAP_CREATE);

	if (err == 0 && !S_ISDIR(dir->mode))
		err = -ENOTDIR;
	if (err == 0 && mount_readonly(w->at.mount))
		err = -EROFS;
	if (err == 0)
		err = vnode_permission(dir, fs_cred(), MAY_WRITE | MAY_EXEC);
	if (err == 0 && !dir->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (err < 0)
		return err;
	mutex_lock(&dir->lock);
	err = dir->ops->tmpfile(dir, fs_apply_umask(mode) & 07777, !(flags & O_EXCL), &v);
	mutex_unlock(&dir->lock);
	if (err < 0)
		return err;
	len = (size_t)scnprintf(name, sizeof(name), "#%lu", v->ino);
	d = dentry_create(dir->sb, w->at.dentry, name, len, v);
	if (!d) {
		vnode_put(v);
		return -ENOMEM;
	}
	d->removed = true; /* paths say so */
	dentry_put(w->at.dentry);
	w->at.dentry = d;
	return 0;
}

static int open_walk(struct walk *w, uint32_t flags, mode_t mode, bool *created)
{
	bool slash;
	int err;

	*created = false;
	if (is_tmpfile(flags)) {
		err = walk_all(w, !(flags & O_NOFOLLOW), &slash);
		if (err == 0)
			err = make_tmpfile(w, flags, mode);
		*created = err == 0;
		return err;
	}
	if (flags & O_CREAT) {
		do
			err = create_step(w, flags, mode, created);
		while (err == 1);
		return err;
	}
	err = walk_all(w, !(flags & O_NOFOLLOW), &slash);
	if (err == 0 && slash && !S_ISDIR(w->at.dentry->vnode->mode))
		err = -ENOTDIR;
	return err;
}

/* What the place must allow for an open like that. */
static uint32_t wanted_rights(const struct path *path, uint32_t flags)
{
	unsigned mask = wanted_access(flags);
	uint32_t rights = 0;

	if (flags & O_PATH)
		return 0;
	if (mask & MAY_READ)
		rights |= S_ISDIR(path->dentry->vnode->mode) ? CAP_LIST : CAP_READ;
	if (mask & MAY_WRITE)
		rights |= CAP_WRITE;
	return flags & O_TRUNC ? rights | CAP_TRUNCATE : rights;
}

int vfs_open(int dirfd, const char *name, uint32_t flags, mode_t mode, struct file **out)
{
	struct capability *via;
	int err = vfs_open_via(dirfd, name, flags, mode, 0, out, &via);

	if (err == 0 && via)
		cap_done(via);
	return err;
}

/* With RESOLVE_IN_ROOT "/" is where the walk begins. */
static const char *relative_name(const char *name)
{
	while (*name == '/')
		name++;
	return *name ? name : ".";
}

int vfs_open_via(int dirfd, const char *name, uint32_t flags, mode_t mode, uint32_t resolve,
		 struct file **out, struct capability **via)
{
	struct walk w __attribute__((uninitialized));
	uint32_t rights;
	bool created;
	int err;

	if (flags & O_PATH)
		flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	else if ((flags & O_TMPFILE) == O_TMPFILE && ((flags & O_ACCMODE) == O_RDONLY || (flags & O_CREAT)))
		return -EINVAL;
	else if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (!*name)
		return -ENOENT;
	if (*name == '/' && (resolve & RESOLVE_BENEATH))
		return -EXDEV;
	if (*name == '/' && (resolve & RESOLVE_IN_ROOT))
		name = relative_name(name);
	err = walk_start(&w, dirfd, name, fs_cred());
	if (err < 0)
		return err;
	if (unlikely(resolve))
		walk_resolve(&w, resolve);
	err = open_walk(&w, flags, mode, &created);
	if (err == 0 && (flags & O_PATH) && (flags & O_DIRECTORY) && !S_ISDIR(w.at.dentry->vnode->mode))
		err = -ENOTDIR;
	err = walk_finish(&w, err, wanted_rights(&w.at, flags));
	if (err < 0) {
		walk_end(&w);
		if (err == -ENOENT)
			unsupported_note_path(name);
		return err;
	}
	rights = walk_rights(&w, &w.at);
	*via = w.dir;
	w.dir = NULL;
	walk_release(&w);
	err = file_open_path(&w.at, flags, created, out);
	if (err < 0 && *via)
		cap_done(*via);
	if (err == 0) {
		/* Confinement says nothing about the rights that all types have. */
		(*out)->rights_max = rights | (CAP_RIGHTS_GENERAL & w.via);
		(*out)->via = w.via;
	}
	return err;
}

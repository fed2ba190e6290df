/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, removing and renaming names.  Each call walks to the parent, takes the directory's lock, looks
 * the name up under it, checks, and lets the file system commit; the dentries follow.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/landlock.h>
#include <kernel/notify.h>
#include <kernel/process.h>

static struct mutex rename_mutex = MUTEX_INIT(rename_mutex, "rename", RANK_RENAME);

int dir_may_write(const struct path *parent, uint32_t access)
{
	const struct vnode *dir = parent->dentry->vnode;
	int err;

	if (mount_readonly(parent->mount))
		return -EROFS;
	if (dir->nlink == 0)
		return -ENOENT;
	/* Names in nobody's tree, as those of message queues are, are not what rules are about. */
	err = parent->mount->internal ? 0 : landlock_permits(parent, access);
	return err < 0 ? err : vnode_permission(dir, fs_cred(), MAY_WRITE | MAY_EXEC);
}

/* The sticky rule: in such a directory only owners remove or rename. */
static int may_remove(const struct path *parent, const struct vnode *victim, uint32_t access)
{
	const struct vnode *dir = parent->dentry->vnode;
	const struct credentials *cred = fs_cred();
	int err = dir_may_write(parent, access);

	if (err < 0)
		return err;
	if ((dir->mode & S_ISVTX) && cred->fsuid != victim->uid && cred->fsuid != dir->uid &&
	    !priv_has(&cred->priv, PRIV_FOWNER))
		return -EPERM;
	return 0;
}

/* --- making ------------------------------------------------------------------------------------------------
 */

/* What limits say, if they refuse; else the error that there is anyway. */
static int refusal(int judged, int err)
{
	return judged < 0 ? judged : err;
}

/* Limits go before every other error; a name that is there and may be looked at shows itself. */
static int judge_create(const struct walk *w, struct dentry *d, int err)
{
	struct path there = { w->at.mount, d };
	int judged;

	if (likely(!w->judged))
		return err;
	if (!d->vnode)
		return refusal(walk_judge(w, &w->at, CAP_CREATE), err);
	path_get(&there);
	mount_cross_down(&there);
	judged = walk_judge(w, &there, CAP_STAT);
	path_put(&there);
	return refusal(judged, err);
}

/* Walk to the parent of a name that must not exist yet, lock it and look the name up.  `access`: as of
 * dir_may_write. */
static int start_create(struct walk *w, bool directory, uint32_t access, struct dentry **out)
{
	struct last_name last;
	struct dentry *d;
	int err = walk_parent(w, &last);

	if (err == 0 && last.type != LAST_NORMAL)
		return refusal(walk_judge(w, &w->at, CAP_STAT), -EEXIST);
	if (err == 0 && last.len > NAME_MAX)
		err = -ENAMETOOLONG;
	if (err < 0)
		return refusal(walk_finish(w, err, 0), err);
	mutex_lock(&w->at.dentry->vnode->lock);
	err = dentry_lookup(w->at.dentry, last.text, last.len, true, &d);
	if (err < 0) {
		mutex_unlock(&w->at.dentry->vnode->lock);
		return err;
	}
	if (d->vnode)
		err = -EEXIST;
	else if (last.slash && !directory)
		err = -ENOENT;
	else
		err = dir_may_write(&w->at, access);
	err = judge_create(w, d, err);
	if (err < 0) {
		mutex_unlock(&w->at.dentry->vnode->lock);
		dentry_put(d);
		return err;
	}
	*out = d;
	return 0;
}

static void end_create(struct walk *w, struct dentry *d)
{
	mutex_unlock(&w->at.dentry->vnode->lock);
	dentry_put(d);
}

/* A whiteout is none: anybody may hide a name of a directory that is theirs to write. */
static bool is_device(mode_t mode, dev_t rdev)
{
	return S_ISBLK(mode) || (S_ISCHR(mode) && rdev != 0);
}

/* `out`: where it is, referenced; may be NULL. */
static int make_node_at(struct walk *w, mode_t mode, dev_t rdev, struct path *out)
{
	struct dentry *d;
	struct vnode *dir, *v;
	int err = start_create(w, S_ISDIR(mode), landlock_to_make(mode), &d);

	if (err < 0)
		return err;
	dir = w->at.dentry->vnode;
	if (is_device(mode, rdev) && !cred_has_privilege(PRIV_MKNOD))
		err = -EPERM;
	else
		err = dir->ops->create ? dir->ops->create(dir, d->name, d->len, mode, rdev, &v) : -EPERM;
	if (err == 0)
		dentry_instantiate(d, v);
	if (err == 0 && out) {
		*out = (struct path){ w->at.mount, d };
		path_get(out);
	}
	end_create(w, d);
	return err;
}

int make_node(struct walk *w, mode_t mode, dev_t rdev)
{
	return make_node_at(w, mode, rdev, NULL);
}

int make_symlink(struct walk *w, const char *target)
{
	struct dentry *d;
	struct vnode *dir, *v;
	int err = start_create(w, false, LANDLOCK_ACCESS_FS_MAKE_SYM, &d);

	if (err < 0)
		return err;
	dir = w->at.dentry->vnode;
	err = dir->ops->symlink ? dir->ops->symlink(dir, d->name, d->len, target, &v) : -EPERM;
	if (err == 0)
		dentry_instantiate(d, v);
	end_create(w, d);
	return err;
}

int vfs_mknod(int dirfd, const char *name, mode_t mode, dev_t rdev)
{
	struct walk w;
	int err;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	switch (mode & S_IFMT) {
	case S_IFCHR:
	case S_IFBLK:
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		rdev = 0;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	if (!*name)
		return -ENOENT;
	err = walk_start(&w, dirfd, name, fs_cred());
	if (err < 0)
		return err;
	err = make_node(&w, (mode & S_IFMT) | (fs_apply_umask(mode) & 07777), rdev);
	walk_end(&w);
	return err;
}

int vfs_make_socket(const char *name, mode_t mode, struct path *out)
{
	struct walk w;
	int err;

	if (!*name)
		return -ENOENT;
	err = walk_start(&w, AT_FDCWD, name, fs_cred());
	if (err < 0)
		return err;
	err = make_node_at(&w, S_IFSOCK | fs_apply_umask(mode), 0, out);
	walk_end(&w);
	return err;
}

int vfs_mkdir(int dirfd, const char *name, mode_t mode)
{
	struct walk w;
	int err;

	if (!*name)
		return -ENOENT;
	err = walk_start(&w, dirfd, name, fs_cred());
	if (err < 0)
		return err;
	err = make_node(&w, S_IFDIR | (fs_apply_umask(mode) & (0777 | S_ISVTX)), 0);
	walk_end(&w);
	return err;
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	struct walk w;
	int err;

	if (!*target || !*name)
		return -ENOENT;
	err = walk_start(&w, dirfd, name, fs_cred());
	if (err < 0)
		return err;
	err = make_symlink(&w, target);
	walk_end(&w);
	return err;
}

/* What is at `from` would be below `to` as well, or instead: nobody may gain rights to it that way. */
static bool gains_rights(const struct walk *from_walk, const struct path *from, const struct walk *to_walk)
{
	return to_walk->judged && (walk_rights(to_walk, &to_walk->at) & ~walk_rights(from_walk, from));
}

static int may_link(const struct walk *w, const struct walk *from, const struct path *target,
		    struct dentry *name)
{
	const struct landlock_move move = { .source = target->dentry, .to = w->at, .target = name };
	const struct vnode *v = target->dentry->vnode;
	int err;

	if (gains_rights(from, target, w))
		return -EACCES;
	if (w->at.mount != target->mount || w->at.dentry->sb != target->dentry->sb)
		return -EXDEV;
	err = landlock_permits_move(&move);
	if (err < 0)
		return err;
	if (S_ISDIR(v->mode) || !w->at.dentry->vnode->ops->link)
		return -EPERM;
	return v->nlink == 0 && !v->linkable ? -ENOENT : 0;
}

static int link_to(struct walk *w, const struct walk *from, const struct path *target)
{
	struct vnode *dir, *v = target->dentry->vnode;
	struct dentry *d;
	int err = start_create(w, false, 0, &d);

	if (err < 0)
		return err;
	dir = w->at.dentry->vnode;
	err = may_link(w, from, target, d);
	if (err == 0)
		err = dir->ops->link(dir, d->name, d->len, v);
	if (err == 0) {
		vnode_get(v);
		notify_vnode(v, IN_ATTRIB); /* one more link */
		dentry_instantiate(d, v);
	}
	end_create(w, d);
	return err;
}

int vfs_link(int from_fd, const char *from, int to_fd, const char *to, bool follow)
{
	struct walk source, w;
	bool slash;
	int err = walk_start(&source, from_fd, from, fs_cred());

	if (err < 0)
		return err;
	err = walk_all(&source, follow, &slash);
	if (err == 0 && slash && !S_ISDIR(source.at.dentry->vnode->mode))
		err = -ENOTDIR;
	err = walk_finish(&source, err, CAP_STAT);
	if (err == 0)
		err = *to ? walk_start(&w, to_fd, to, fs_cred()) : -ENOENT;
	if (err == 0) {
		err = link_to(&w, &source, &source.at);
		walk_end(&w);
	}
	walk_end(&source);
	return err;
}

/* --- removing --- */

/* What is left when rights and kind are right: `remove` is the file system's unlink or rmdir. */
static int remove_name_locked(struct vnode *dir, struct dentry *d,
			      int (*remove)(struct vnode *dir, const char *name, size_t len,
					    struct vnode *victim))
{
	int err;

	if (d->mounted)
		return -EBUSY;
	if (!remove)
		return -EPERM;
	mutex_lock(&d->vnode->lock);
	err = remove(dir, d->name, d->len, d->vnode);
	mutex_unlock(&d->vnode->lock);
	return err;
}

static int unlink_locked(const struct path *parent, struct dentry *d, bool slash)
{
	struct vnode *dir = parent->dentry->vnode, *victim = d->vnode;
	int err;

	if (!victim)
		return -ENOENT;
	if (slash)
		return S_ISDIR(victim->mode) ? -EISDIR : -ENOTDIR;
	err = may_remove(parent, victim, LANDLOCK_ACCESS_FS_REMOVE_FILE);
	if (err < 0)
		return err;
	if (S_ISDIR(victim->mode))
		return -EISDIR;
	return remove_name_locked(dir, d, dir->ops->unlink);
}

static int rmdir_locked(const struct path *parent, struct dentry *d)
{
	struct vnode *dir = parent->dentry->vnode, *victim = d->vnode;
	int err;

	if (!victim)
		return -ENOENT;
	err = may_remove(parent, victim, LANDLOCK_ACCESS_FS_REMOVE_DIR);
	if (err < 0)
		return err;
	if (!S_ISDIR(victim->mode))
		return -ENOTDIR;
	return remove_name_locked(dir, d, dir->ops->rmdir);
}

static int remove_last(struct walk *w, const struct last_name *last, bool directory)
{
	struct vnode *dir = w->at.dentry->vnode;
	struct dentry *d;
	int err;

	if (last->len > NAME_MAX)
		return -ENAMETOOLONG;
	mutex_lock(&dir->lock);
	err = dentry_lookup(w->at.dentry, last->text, last->len, true, &d);
	if (err < 0) {
		mutex_unlock(&dir->lock);
		return err;
	}
	err = directory ? rmdir_locked(&w->at, d) : unlink_locked(&w->at, d, last->slash);
	if (err == 0) {
		if (!directory)
			notify_vnode(d->vnode, IN_ATTRIB); /* one link less */
		notify_name(d, IN_DELETE);
		dentry_remove(d);
	}
	mutex_unlock(&dir->lock);
	dentry_put(d); /* perhaps with it the file: outside the lock */
	return err;
}

static int remove_name(int dirfd, const char *name, bool directory)
{
	static const int rmdir_errors[] = {
		[LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY
	};
	struct last_name last;
	struct walk w;
	int err;

	if (!*name)
		return -ENOENT;
	err = walk_start(&w, dirfd, name, fs_cred());
	if (err < 0)
		return err;
	err = walk_parent(&w, &last);
	if (err == 0 && last.type != LAST_NORMAL)
		err = directory ? rmdir_errors[last.type] : -EISDIR;
	err = walk_finish(&w, err, CAP_REMOVE);
	if (err == 0)
		err = remove_last(&w, &last, directory);
	walk_end(&w);
	return err;
}

int remove_file_in(const struct path *dir, const char *name)
{
	struct last_name last;
	struct walk w;
	int err;

	walk_start_at(&w, dir, name, fs_cred());
	err = walk_parent(&w, &last);
	if (err == 0)
		err = remove_last(&w, &last, false);
	walk_end(&w);
	return err;
}

int vfs_unlink(int dirfd, const char *name)
{
	return remove_name(dirfd, name, false);
}

int vfs_rmdir(int dirfd, const char *name)
{
	return remove_name(dirfd, name, true);
}

/* --- renaming --- */

struct rename {
	struct walk from, to;
	struct last_name from_last, to_last;
	struct dentry *source, *target; /* referenced */
	unsigned flags;
};

/* Both directories: parent before child, else by address. */
static void lock_two_dirs(struct dentry *a, struct dentry *b)
{
	struct vnode *first = a->vnode, *second = b->vnode;

	if (first == second) {
		mutex_lock(&first->lock);
		return;
	}
	if (dentry_is_below(a, b) || (!dentry_is_below(b, a) && second < first)) {
		first = b->vnode;
		second = a->vnode;
	}
	mutex_lock(&first->lock);
	mutex_lock(&second->lock);
}

static void unlock_two_dirs(struct vnode *a, struct vnode *b)
{
	mutex_unlock(&a->lock);
	if (a != b)
		mutex_unlock(&b->lock);
}

/* May `moved` take the place of `replaced` (NULL: a free name)? */
static int check_replace(const struct vnode *moved, const struct dentry *target, const struct vnode *replaced)
{
	if (!replaced)
		return 0;
	if (S_ISDIR(moved->mode) && !S_ISDIR(replaced->mode))
		return -ENOTDIR;
	if (!S_ISDIR(moved->mode) && S_ISDIR(replaced->mode))
		return -EISDIR;
	return target->mounted ? -EBUSY : 0;
}

static int check_rename(struct rename *r)
{
	struct vnode *moved = r->source->vnode, *replaced = r->target->vnode;
	bool exchange = r->flags & RENAME_EXCHANGE;
	const struct landlock_move move = { r->source, r->to.at, r->target, true, exchange };
	int err;

	if (!moved || (exchange && !replaced))
		return -ENOENT;
	if ((r->flags & RENAME_NOREPLACE) && replaced)
		return -EEXIST;
	if (r->from_last.slash && !S_ISDIR(moved->mode))
		return -ENOTDIR;
	if (r->to_last.slash && !S_ISDIR(exchange ? replaced->mode : moved->mode))
		return -ENOTDIR;
	if (dentry_is_below(r->to.at.dentry, r->source))
		return -EINVAL;
	if (replaced && dentry_is_below(r->from.at.dentry, r->target))
		return exchange ? -EINVAL : -ENOTEMPTY;
	err = landlock_permits_move(&move);
	if (err < 0 || moved == replaced)
		return err;
	err = may_remove(&r->from.at, moved, 0);
	if (err == 0)
		err = replaced ? may_remove(&r->to.at, replaced, 0) : dir_may_write(&r->to.at, 0);
	/* A directory that changes its parent has its ".." rewritten. */
	if (err == 0 && S_ISDIR(moved->mode) && r->from.at.dentry != r->to.at.dentry)
		err = vnode_permission(moved, fs_cred(), MAY_WRITE);
	if (err == 0 && !exchange)
		err = check_replace(moved, r->target, replaced);
	if (err == 0 && r->source->mounted)
		err = -EBUSY;
	return err;
}

/* The file system's part, whichever kind of rename it is. */
static int run_rename(const struct rename *r, struct vnode *from, struct vnode *to, struct vnode *moved,
		      struct vnode *replaced)
{
	bool exchange = r->flags & RENAME_EXCHANGE, whiteout = r->flags & RENAME_WHITEOUT;
	int (*op)(struct vnode *, const char *, size_t, struct vnode *, const char *, size_t, struct vnode *,
		  struct vnode *) = exchange   ? from->ops->exchange
				    : whiteout ? from->ops->rename_whiteout
					       : from->ops->rename;
	int err;

	if (!op)
		return from->ops->rename ? -EINVAL : -EPERM;
	if (replaced && !exchange)
		mutex_lock(&replaced->lock);
	err = op(from, r->source->name, r->source->len, to, r->target->name, r->target->len, moved, replaced);
	if (replaced && !exchange)
		mutex_unlock(&replaced->lock);
	return err;
}

static int commit_rename(struct rename *r)
{
	struct vnode *from = r->from.at.dentry->vnode, *to = r->to.at.dentry->vnode;
	struct vnode *moved = r->source->vnode, *replaced = r->target->vnode;
	bool exchange = r->flags & RENAME_EXCHANGE;
	int err;

	if (moved == replaced)
		return 0; /* two names of one file: POSIX wants nothing to happen */
	err = run_rename(r, from, to, moved, replaced);
	if (err < 0)
		return err;
	notify_move(r->source, r->target);
	if (exchange)
		notify_move(r->target, r->source);
	else if (replaced)
		notify_vnode(replaced, IN_ATTRIB);
	dentry_move(r->source, r->target, exchange);
	return 0;
}

/* No directory changes its place meanwhile. */
static int judge_rename(const struct rename *r)
{
	struct path source = { r->from.at.mount, r->source }, target = { r->to.at.mount, r->target };
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool creates = r->flags & (RENAME_EXCHANGE | RENAME_WHITEOUT);
	int err = walk_judge(&r->from, &r->from.at, creates ? CAP_REMOVE | CAP_CREATE : CAP_REMOVE);

	if (err == 0)
		err = walk_judge(&r->to, &r->to.at,
				 exchange || r->target->vnode ? CAP_REMOVE | CAP_CREATE : CAP_CREATE);
	if (err == 0 && (gains_rights(&r->from, &source, &r->to) ||
			 (exchange && gains_rights(&r->to, &target, &r->from))))
		err = -EACCES;
	return err;
}

static int rename_locked(struct rename *r)
{
	int err = dentry_lookup(r->from.at.dentry, r->from_last.text, r->from_last.len, true, &r->source);

	if (err < 0)
		return err;
	err = dentry_lookup(r->to.at.dentry, r->to_last.text, r->to_last.len, true, &r->target);
	if (err < 0) {
		dentry_put(r->source);
		return err;
	}
	err = judge_rename(r);
	if (err == 0)
		err = check_rename(r);
	if (err == 0)
		err = commit_rename(r);
	return err;
}

static int rename_walked(struct rename *r)
{
	struct dentry *from = r->from.at.dentry, *to = r->to.at.dentry;
	int err;

	if (r->from.at.mount != r->to.at.mount)
		return -EXDEV;
	if (r->from_last.type != LAST_NORMAL || r->to_last.type != LAST_NORMAL)
		return r->to_last.type != LAST_NORMAL && (r->flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
	if (r->from_last.len > NAME_MAX || r->to_last.len > NAME_MAX)
		return -ENAMETOOLONG;
	r->source = r->target = NULL;
	mutex_lock(&rename_mutex);
	lock_two_dirs(from, to);
	err = rename_locked(r);
	unlock_two_dirs(from->vnode, to->vnode);
	mutex_unlock(&rename_mutex);
	if (r->target) {
		dentry_put(r->source);
		dentry_put(r->target);
	}
	return err;
}

int vfs_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	struct rename r = { .flags = flags };
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	if (!*from || !*to)
		return -ENOENT;
	err = walk_start(&r.from, from_fd, from, fs_cred());
	if (err < 0)
		return err;
	err = walk_start(&r.to, to_fd, to, fs_cred());
	if (err < 0) {
		walk_end(&r.from);
		return err;
	}
	err = walk_finish(&r.from, walk_parent(&r.from, &r.from_last), CAP_REMOVE);
	if (err == 0)
		err = walk_finish(&r.to, walk_parent(&r.to, &r.to_last), CAP_CREATE);
	if (err == 0)
		err = rename_walked(&r);
	walk_end(&r.to);
	walk_end(&r.from);
	return err;
}

/* --- reading links --- */

int vfs_readlink(const struct path *path, char *buf, size_t size)
{
	struct vnode *v = path->dentry->vnode;
	ssize_t len;

	if (!S_ISLNK(v->mode) || !v->ops->readlink)
		return -EINVAL;
	len = v->ops->readlink(v, buf, size);
	return (int)len;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount(2), umount2(2), pivot_root(2).  There is one name space and no propagation: every mount is private,
 * and a request to share one is refused.
 */
#include "mount_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/landlock.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#define MS_IGNORED     (MS_SILENT | MS_RELATIME | MS_STRICTATIME | MS_REC)
#define MS_PROPAGATION (MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE)
#define COPIES_MAX     4096 /* mounts that a recursive bind copies at most */

static bool is_mount_root(const struct path *path)
{
	return path->dentry == path->mount->root;
}

/* --- a new file system ---------------------------------------------------------------------------------- */

static int mount_new(const char *source, const struct path *where, const char *type_name, unsigned flags,
		     const char *data)
{
	struct fs_type *type = fs_type_find(type_name);
	struct superblock *sb;
	struct mount *m;
	int err;

	if (!type || !type->mount)
		return -ENODEV;
	err = type->mount(type, source, data, &sb);
	if (err < 0)
		return err;
	m = mount_superblock(sb, source && *source ? source : "none", flags & MOUNT_FLAGS);
	if (!m) {
		if (atomic_load(&sb->mounts) == 0) {
			dentry_put(sb->root_dentry);
			sb->root_dentry = NULL;
			if (type->unmount)
				type->unmount(sb);
		}
		return -ENOMEM;
	}
	err = mount_attach(m, where);
	if (err < 0)
		mount_put(m);
	return err;
}

/* --- binding -------------------------------------------------------------------------------------------- */

/* What was there below the source when a recursive bind began, and its copies. */
struct copies {
	struct copied {
		struct mount *of, *copy; /* both referenced; copy NULL: not one of them */
	} * entries;
	size_t count;
};

/* The source comes first, then all mounts below it in mounting order: parents before their children. */
static int collect(struct copies *c, struct mount *source)
{
	struct mount *m;

	c->entries = kcalloc(COPIES_MAX, sizeof(*c->entries));
	if (!c->entries)
		return -ENOMEM;
	mount_get(source);
	c->entries[0].of = source;
	c->count = 1;
	spin_lock(&mount_lock);
	list_for_each (m, &mounts, link) {
		if (c->count == COPIES_MAX)
			break;
		if (!mount_is_below_locked(m, source))
			continue;
		mount_get(m);
		c->entries[c->count++].of = m;
	}
	spin_unlock(&mount_lock);
	return 0;
}

static void drop_copies(struct copies *c)
{
	for (size_t i = 0; i < c->count; i++) {
		mount_put(c->entries[i].of);
		mount_put(c->entries[i].copy);
	}
	kfree(c->entries);
}

/* Where the original is mounted, referenced; false: it no longer is. */
static bool place_of(struct mount *m, struct path *out)
{
	bool mounted;

	spin_lock(&mount_lock);
	*out = (struct path){ m->parent, m->mountpoint };
	mounted = m->parent != NULL;
	if (mounted)
		path_get(out);
	spin_unlock(&mount_lock);
	return mounted;
}

static struct mount *copy_mount(const struct mount *m, struct dentry *root)
{
	return mount_create(root->sb, root, m->source, atomic_load(&m->flags));
}

/* Copy the i-th, if its parent was copied and it lies below what is bound. */
static int copy_child(struct copies *c, size_t i, struct dentry *bound)
{
	struct copied *child = &c->entries[i];
	struct mount *parent = NULL;
	struct path place;
	int err = 0;

	if (!place_of(child->of, &place))
		return 0;
	for (size_t j = 0; j < i && !parent; j++)
		if (c->entries[j].of == place.mount)
			parent = c->entries[j].copy;
	if (parent && (place.mount != c->entries[0].of || dentry_is_below(place.dentry, bound))) {
		struct path there = { parent, place.dentry };

		child->copy = copy_mount(child->of, child->of->root);
		err = child->copy ? mount_attach(child->copy, &there) : -ENOMEM;
		if (err == 0)
			mount_get(child->copy); /* the tree has taken over the one that there was */
	}
	path_put(&place);
	return err;
}

static int bind_below(const struct path *from, struct copies *c, struct mount *top)
{
	int err = 0;

	mount_get(top);
	c->entries[0].copy = top;
	for (size_t i = 1; i < c->count && err == 0; i++)
		err = copy_child(c, i, from->dentry);
	return err;
}

static int bind_path(const struct path *from, const struct path *where, bool recursive)
{
	struct copies copies = { 0 };
	struct mount *m;
	int err;

	if (S_ISDIR(from->dentry->vnode->mode) != S_ISDIR(where->dentry->vnode->mode))
		return -ENOTDIR;
	if (recursive) {
		err = collect(&copies, from->mount);
		if (err < 0)
			return err;
	}
	m = copy_mount(from->mount, from->dentry);
	err = m ? mount_attach(m, where) : -ENOMEM;
	if (err == 0 && recursive)
		err = bind_below(from, &copies, m);
	else if (err < 0)
		mount_put(m);
	if (recursive)
		drop_copies(&copies);
	return err;
}

static int mount_bind(const char *source, const struct path *where, bool recursive)
{
	struct path from;
	int err;

	if (!source)
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, source, 0, CAP_LOOKUP, &from);
	if (err < 0)
		return err;
	err = bind_path(&from, where, recursive);
	path_put(&from);
	return err;
}

/* --- moving, remounting --------------------------------------------------------------------------------- */

static int move_path(const struct path *from, const struct path *where)
{
	struct path old;
	int err = -EINVAL;

	if (S_ISDIR(from->dentry->vnode->mode) != S_ISDIR(where->dentry->vnode->mode))
		return -EINVAL;
	spin_lock(&mount_lock);
	if (is_mount_root(from) && from->mount->parent) {
		bool into_itself =
			where->mount == from->mount || mount_is_below_locked(where->mount, from->mount);

		err = into_itself ? -ELOOP : 0;
	}
	if (err == 0)
		old = mount_detach_locked(from->mount);
	spin_unlock(&mount_lock);
	if (err < 0)
		return err;
	err = mount_attach(from->mount, where);
	if (err < 0 && mount_attach(from->mount, &old) < 0)
		mount_put(from->mount); /* neither place is there any more */
	mount_leave(&old);
	return err;
}

static int mount_move(const char *source, const struct path *where)
{
	struct path from;
	int err;

	if (!source)
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, source, 0, CAP_LOOKUP, &from);
	if (err < 0)
		return err;
	err = move_path(&from, where);
	path_put(&from);
	return err;
}

/* The flags are the mount's; the options, without MS_BIND, the file system's. */
static int remount(const struct path *where, unsigned flags, const char *data)
{
	struct superblock *sb = where->mount->sb;
	int err = 0;

	if (!is_mount_root(where))
		return -EINVAL;
	if (!(flags & MS_BIND) && sb->type->remount)
		err = sb->type->remount(sb, data);
	if (err == 0)
		atomic_store(&where->mount->flags, flags & MOUNT_FLAGS);
	return err;
}

/* Private they are already; a slave without a master is the same. */
static int change_propagation(const struct path *where, unsigned flags)
{
	unsigned kind = flags & MS_PROPAGATION;

	if (flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT))
		return -EINVAL;
	return is_mount_root(where) && (kind == MS_PRIVATE || kind == MS_SLAVE) ? 0 : -EINVAL;
}

static int mount_at(const char *source, const struct path *where, const char *type, unsigned flags,
		    const char *data)
{
	if (flags & MS_REMOUNT)
		return remount(where, flags, data);
	if (flags & MS_BIND)
		return mount_bind(source, where, flags & MS_REC);
	if (flags & MS_PROPAGATION)
		return change_propagation(where, flags);
	if (flags & MS_MOVE)
		return mount_move(source, where);
	if (!type)
		return -EINVAL;
	if (!S_ISDIR(where->dentry->vnode->mode))
		return -ENOTDIR;
	return mount_new(source, where, type, flags, data);
}

int vfs_mount(const char *source, const char *target, const char *type, unsigned flags, const char *data)
{
	struct path where;
	int err;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(MOUNT_FLAGS | MS_IGNORED | MS_PROPAGATION | MS_REMOUNT | MS_BIND | MS_MOVE))
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, target, 0, CAP_CREATE, &where);
	if (err < 0)
		return err;
	err = landlock_permits_mounting();
	if (err == 0)
		err = mount_at(source, &where, type, flags, data);
	path_put(&where);
	return err;
}

/* --- unmounting ----------------------------------------------------------------------------------------- */

/* The last-mounted one below `top`, or NULL. */
static struct mount *youngest_below_locked(const struct mount *top)
{
	for (struct list *l = mounts.prev; l != &mounts; l = l->prev) {
		struct mount *m = list_entry(l, struct mount, link);

		if (mount_is_below_locked(m, top))
			return m;
	}
	return NULL;
}

/* The caller's own path holds one reference beside the tree's. */
static int umount_one(struct mount *m, bool lazy)
{
	struct path where;

	spin_lock(&mount_lock);
	if (!m->parent) {
		spin_unlock(&mount_lock);
		return m == root_mount ? -EBUSY : -EINVAL;
	}
	if (youngest_below_locked(m) || (!lazy && refcount_read(&m->refs) > 2)) {
		spin_unlock(&mount_lock);
		return -EBUSY;
	}
	where = mount_detach_locked(m);
	spin_unlock(&mount_lock);
	mount_leave(&where);
	mount_put(m);
	return 0;
}

/* A lazy umount takes the whole subtree. */
static int umount_below(const struct mount *top)
{
	for (;;) {
		struct mount *m;
		int err;

		spin_lock(&mount_lock);
		m = youngest_below_locked(top);
		if (m)
			mount_get(m);
		spin_unlock(&mount_lock);
		if (!m)
			return 0;
		err = umount_one(m, true);
		mount_put(m);
		if (err < 0 && err != -EINVAL) /* somebody else has unmounted it meanwhile */
			return err;
	}
}

/* MNT_EXPIRE: the second time goes on, if nobody has been there since the first. */
static int expire(struct mount *m, unsigned flags)
{
	struct path root;
	bool own;

	fs_current_root(&root);
	own = root.mount == m;
	path_put(&root);
	if (own || (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (refcount_read(&m->refs) > 2)
		return -EBUSY;
	return atomic_exchange(&m->expiring, true) ? 0 : -EAGAIN;
}

int vfs_umount(const char *target, unsigned flags)
{
	struct path path;
	struct mount *m;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	err = vfs_walk(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, CAP_REMOVE, &path);
	if (err < 0)
		return err;
	mount_cross_down(&path); /* what is mounted on the caller's root or directory */
	m = path.mount;
	err = is_mount_root(&path) ? landlock_permits_mounting() : -EINVAL;
	dentry_put(path.dentry);
	if (err == 0 && (flags & MNT_EXPIRE))
		err = expire(m, flags);
	if (err == 0 && (flags & MNT_DETACH))
		err = umount_below(m);
	if (err == 0)
		err = umount_one(m, flags & MNT_DETACH);
	mount_put_unused(m);
	return err;
}

/* --- pivot_root ----------------------------------------------------------------------------------------- */

static int check_pivot(const struct path *root, const struct path *new_root, const struct path *put_old)
{
	if (new_root->mount == root->mount || put_old->mount == root->mount)
		return -EBUSY;
	if (!is_mount_root(root) || !is_mount_root(new_root) || vfs_path_removed(put_old))
		return -EINVAL;
	return path_is_below(put_old, new_root) && path_is_below(new_root, root) ? 0 : -EINVAL;
}

static int pivot_paths(const struct path *new_root, const struct path *put_old)
{
	struct path root;
	int err;

	fs_current_root(&root);
	err = check_pivot(&root, new_root, put_old);
	if (err == 0) {
		mount_pivot(&root, new_root, put_old);
		fs_contexts_replace(&root, new_root);
	}
	path_put(&root);
	return err;
}

int vfs_pivot_root(const char *new_root, const char *put_old)
{
	struct path new, old;
	int err;

	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	err = vfs_walk(AT_FDCWD, new_root, WALK_DIRECTORY, CAP_LOOKUP, &new);
	if (err < 0)
		return err;
	err = vfs_walk(AT_FDCWD, put_old, WALK_DIRECTORY, CAP_CREATE, &old);
	if (err == 0) {
		err = landlock_permits_mounting();
		if (err == 0)
			err = pivot_paths(&new, &old);
		path_put(&old);
	}
	path_put(&new);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table.  Mounts form a tree through parent and mountpoint; one list holds them in mounting
 * order.  The tree's own reference keeps a mount alive; files, directories in use and child mounts hold
 * further ones, and while there are any, umount says EBUSY.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)
#define MS_IGNORED  (MS_SILENT | MS_RELATIME | MS_STRICTATIME | MS_REC)
#define MS_TOPOLOGY (MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE)

struct spinlock mount_lock = SPINLOCK_INIT("mounts", RANK_MOUNT);
static struct list mounts = LIST_INIT(mounts);     /* [mount_lock] */
static struct list fs_types = LIST_INIT(fs_types); /* [mount_lock] */
static struct mount *root_mount;                   /* [mount_lock] the bottom of the tree */
static _Atomic uint32_t next_mount_id = 1;
static struct slab_cache *mount_cache;

/* --- file system types ------------------------------------------------------------------------------------
 */

static struct fs_type *find_type_locked(const char *name)
{
	struct fs_type *type;

	list_for_each (type, &fs_types, link)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

int fs_type_register(struct fs_type *type)
{
	int err = -EBUSY;

	spin_lock(&mount_lock);
	if (!find_type_locked(type->name)) {
		list_add_tail(&fs_types, &type->link);
		err = 0;
	}
	spin_unlock(&mount_lock);
	return err;
}

static struct fs_type *find_type(const char *name)
{
	struct fs_type *type;

	spin_lock(&mount_lock);
	type = find_type_locked(name);
	spin_unlock(&mount_lock);
	return type;
}

int vfs_filesystems_text(char *buf, size_t size)
{
	struct fs_type *type;
	int n = 0;

	spin_lock(&mount_lock);
	list_for_each (type, &fs_types, link)
		n += scnprintf(buf + n, size - (size_t)n, "%s\t%s\n", type->nodev ? "nodev" : "", type->name);
	spin_unlock(&mount_lock);
	return n;
}

/* --- life --- */

void superblock_get(struct superblock *sb)
{
	atomic_fetch_add(&sb->mounts, 1);
}

void superblock_put(struct superblock *sb)
{
	if (atomic_fetch_sub(&sb->mounts, 1) != 1)
		return;
	dcache_drop(sb);
	dentry_put(sb->root_dentry);
	sb->root_dentry = NULL;
	if (sb->type->unmount)
		sb->type->unmount(sb);
}

/* Takes over nothing: the references on sb and root are its own.  NULL: no memory. */
static struct mount *mount_create(struct superblock *sb, struct dentry *root, const char *source,
				  uint32_t flags)
{
	struct mount *m = slab_alloc_zeroed(mount_cache);

	if (!m)
		return NULL;
	m->source = kstrdup(source);
	if (!m->source) {
		slab_free(mount_cache, m);
		return NULL;
	}
	refcount_set(&m->refs, 1);
	m->sb = sb;
	atomic_fetch_add(&sb->mounts, 1);
	dentry_get(root);
	m->root = root;
	atomic_init(&m->flags, flags);
	m->id = atomic_fetch_add(&next_mount_id, 1);
	list_init(&m->link);
	return m;
}

/* Mount the root of a file system; the first time that gives it its root entry. */
static struct mount *mount_superblock(struct superblock *sb, const char *source, uint32_t flags)
{
	if (!sb->root_dentry) {
		vnode_get(sb->root);
		sb->root_dentry = dentry_create(sb, NULL, "/", 1, sb->root);
		if (!sb->root_dentry) {
			vnode_put(sb->root);
			return NULL;
		}
	}
	return mount_create(sb, sb->root_dentry, source, flags);
}

struct mount *mount_create_internal(struct superblock *sb)
{
	return mount_superblock(sb, "none", 0);
}

void mount_get(struct mount *m)
{
	refcount_get(&m->refs);
}

void mount_put(struct mount *m)
{
	if (!m || !refcount_put(&m->refs))
		return;
	dentry_put(m->root);
	superblock_put(m->sb);
	kfree(m->source);
	slab_free(mount_cache, m);
}

bool mount_readonly(const struct mount *m)
{
	return m && (atomic_load_explicit(&m->flags, memory_order_relaxed) & MS_RDONLY);
}

void path_get(const struct path *path)
{
	mount_get(path->mount);
	dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}

/* --- crossing --- */

struct mount *mount_find_locked(const struct mount *mount, const struct dentry *dentry)
{
	struct mount *m;

	/* The latest mount on a place hides the earlier ones. */
	for (struct list *l = mounts.prev; l != &mounts; l = l->prev) {
		m = list_entry(l, struct mount, link);
		if (m->mountpoint == dentry && m->parent == mount)
			return m;
	}
	return NULL;
}

void mount_cross_down(struct path *path)
{
	while (path->dentry->mounted) {
		struct mount *m;

		spin_lock(&mount_lock);
		m = mount_find_locked(path->mount, path->dentry);
		if (m) {
			mount_get(m);
			dentry_get(m->root);
		}
		spin_unlock(&mount_lock);
		if (!m)
			return;
		path_put(path);
		path->mount = m;
		path->dentry = m->root;
	}
}

bool mount_cross_up(struct path *path)
{
	struct path up;

	spin_lock(&mount_lock);
	up.mount = path->mount->parent;
	up.dentry = path->mount->mountpoint;
	if (up.mount)
		path_get(&up);
	spin_unlock(&mount_lock);
	if (!up.mount)
		return false;
	path_put(path);
	*path = up;
	return true;
}

void system_root(struct path *out)
{
	spin_lock(&mount_lock);
	out->mount = root_mount;
	out->dentry = root_mount->root;
	path_get(out);
	spin_unlock(&mount_lock);
	mount_cross_down(out);
}

/* --- mounting --- */

static int attach(struct mount *m, const struct path *where)
{
	int err = 0;

	spin_lock(&dcache_lock);
	if (where->dentry->removed)
		err = -ENOENT;
	else
		where->dentry->mounted++;
	spin_unlock(&dcache_lock);
	if (err < 0)
		return err;
	path_get(where);
	spin_lock(&mount_lock);
	m->parent = where->mount;
	m->mountpoint = where->dentry;
	list_add_tail(&mounts, &m->link);
	spin_unlock(&mount_lock);
	return 0;
}

/* Out of the tree; the caller then drops the tree's reference and the place's. */
static struct path detach_locked(struct mount *m)
{
	struct path where = { m->parent, m->mountpoint };

	list_del(&m->link);
	m->parent = NULL;
	m->mountpoint = NULL;
	return where;
}

static void leave_place(const struct path *where)
{
	spin_lock(&dcache_lock);
	where->dentry->mounted--;
	spin_unlock(&dcache_lock);
	path_put(where);
}

static int mount_new(const char *source, const struct path *where, const char *type_name, unsigned flags,
		     const char *data)
{
	struct fs_type *type = find_type(type_name);
	struct superblock *sb;
	struct mount *m;
	int err;

	if (!type)
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
	err = attach(m, where);
	if (err < 0)
		mount_put(m);
	return err;
}

static int mount_bind(const char *source, const struct path *where, unsigned flags)
{
	struct path from;
	struct mount *m;
	int err;

	if (!source)
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, source, 0, CAP_LOOKUP, &from);
	if (err < 0)
		return err;
	err = S_ISDIR(from.dentry->vnode->mode) == S_ISDIR(where->dentry->vnode->mode) ? 0 : -ENOTDIR;
	m = err == 0 ? mount_create(from.dentry->sb, from.dentry, from.mount->source,
				    atomic_load(&from.mount->flags))
		     : NULL;
	if (err == 0 && !m)
		err = -ENOMEM;
	if (err == 0) {
		err = attach(m, where);
		if (err < 0)
			mount_put(m);
	}
	(void)flags;
	path_put(&from);
	return err;
}

static int mount_move(const char *source, const struct path *where)
{
	struct path from, old;
	int err;

	if (!source)
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, source, 0, CAP_LOOKUP, &from);
	if (err < 0)
		return err;
	old = (struct path){ NULL, NULL };
	spin_lock(&mount_lock);
	err = -EINVAL;
	if (from.dentry == from.mount->root && from.mount->parent) {
		err = 0;
		for (const struct mount *m = where->mount; m; m = m->parent)
			if (m == from.mount)
				err = -ELOOP;
		if (err == 0)
			old = detach_locked(from.mount);
	}
	spin_unlock(&mount_lock);
	if (err == 0) {
		err = attach(from.mount, where);
		if (err < 0)
			mount_put(from.mount);
		leave_place(&old);
	}
	path_put(&from);
	return err;
}

static int remount(const struct path *where, unsigned flags, const char *data)
{
	struct superblock *sb = where->mount->sb;
	int err = 0;

	if (where->dentry != where->mount->root)
		return -EINVAL;
	if (!(flags & MS_BIND) && sb->type->remount)
		err = sb->type->remount(sb, data);
	if (err < 0)
		return err;
	atomic_store(&where->mount->flags, flags & MOUNT_FLAGS);
	return 0;
}

static int mount_at(const char *source, const struct path *where, const char *type, unsigned flags,
		    const char *data)
{
	if (flags & MS_REMOUNT)
		return remount(where, flags, data);
	if (flags & MS_TOPOLOGY) /* there is one name space: every mount is private already */
		return flags & (MS_SHARED | MS_SLAVE) ? -EINVAL : 0;
	if (flags & MS_MOVE)
		return mount_move(source, where);
	if (!(flags & MS_BIND) && !type)
		return -EINVAL;
	if (flags & MS_BIND)
		return mount_bind(source, where, flags);
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
	if (!cred_is_root())
		return -EPERM;
	if (flags & ~(MOUNT_FLAGS | MS_IGNORED | MS_TOPOLOGY | MS_REMOUNT | MS_BIND | MS_MOVE))
		return -EINVAL;
	err = vfs_walk(AT_FDCWD, target, 0, CAP_CREATE, &where);
	if (err < 0)
		return err;
	err = mount_at(source, &where, type, flags, data);
	path_put(&where);
	return err;
}

/* --- unmounting --- */

static bool has_child_locked(const struct mount *mount)
{
	struct mount *m;

	list_for_each (m, &mounts, link)
		if (m->parent == mount)
			return true;
	return false;
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
	if (has_child_locked(m) || (!lazy && refcount_read(&m->refs) > 2)) {
		spin_unlock(&mount_lock);
		return -EBUSY;
	}
	where = detach_locked(m);
	spin_unlock(&mount_lock);
	leave_place(&where);
	mount_put(m);
	return 0;
}

/* The last-mounted child below `m`, referenced, or NULL: a lazy umount takes the whole subtree. */
static struct mount *youngest_below(const struct mount *top)
{
	struct mount *found = NULL;

	spin_lock(&mount_lock);
	for (struct list *l = mounts.prev; l != &mounts && !found; l = l->prev) {
		struct mount *m = list_entry(l, struct mount, link);

		for (const struct mount *up = m->parent; up && !found; up = up->parent)
			if (up == top)
				found = m;
	}
	if (found)
		mount_get(found);
	spin_unlock(&mount_lock);
	return found;
}

int vfs_umount(const char *target, unsigned flags)
{
	struct path path;
	struct mount *m, *child;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (flags & MNT_EXPIRE)
		return -EINVAL;
	if (!cred_is_root())
		return -EPERM;
	err = vfs_walk(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, CAP_REMOVE, &path);
	if (err < 0)
		return err;
	m = path.mount;
	err = path.dentry == m->root ? 0 : -EINVAL;
	dentry_put(path.dentry);
	while (err == 0 && (flags & MNT_DETACH) && (child = youngest_below(m)) != NULL) {
		err = umount_one(child, true);
		mount_put(child);
	}
	if (err == 0)
		err = umount_one(m, flags & MNT_DETACH);
	mount_put(m);
	return err;
}

/* --- texts --- */

static void options_text(struct mount *m, char *buf, size_t size)
{
	uint32_t flags = atomic_load(&m->flags);
	char more[64];

	strlcpy(buf, flags & MS_RDONLY ? "ro" : "rw", size);
	if (flags & MS_NOSUID)
		strlcat(buf, ",nosuid", size);
	if (flags & MS_NODEV)
		strlcat(buf, ",nodev", size);
	if (flags & MS_NOEXEC)
		strlcat(buf, ",noexec", size);
	strlcat(buf, flags & MS_NOATIME ? ",noatime" : ",relatime", size);
	if (m->sb->type->options) {
		strlcat(buf, m->sb->type->options(m->sb, more, sizeof(more)), size);
	}
}

/* Blanks and backslashes in a path are written in octal, as fstab(5) readers expect. */
static void escape(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; *in && n + 5 < size; in++) {
		if (*in == ' ' || *in == '\t' || *in == '\n' || *in == '\\')
			n += (size_t)scnprintf(out + n, size - n, "\\%03o", (unsigned)(uint8_t)*in);
		else
			out[n++] = *in;
	}
	out[n] = '\0';
}

/* The n-th mount in order, referenced, or NULL. */
static struct mount *nth_mount(size_t n)
{
	struct mount *m, *found = NULL;

	spin_lock(&mount_lock);
	list_for_each (m, &mounts, link) {
		if (n-- == 0) {
			found = m;
			mount_get(m);
			break;
		}
	}
	spin_unlock(&mount_lock);
	return found;
}

/* The id of what it is mounted on; the bottom of the tree and what was just unmounted: its own. */
static uint32_t parent_id(const struct mount *m)
{
	uint32_t id;

	spin_lock(&mount_lock);
	id = m->parent ? m->parent->id : m->id;
	spin_unlock(&mount_lock);
	return id;
}

/* One line of either file; `place` has its blanks escaped. */
static int mounts_line(const struct mount *m, const char *place, const char *options, char *buf, size_t size)
{
	return scnprintf(buf, size, "%s %s %s %s 0 0\n", m->source, place, m->sb->type->name, options);
}

static int mountinfo_line(const struct mount *m, const char *place, const char *options, char *buf,
			  size_t size)
{
	return scnprintf(buf, size, "%u %u 0:%u / %s %s - %s %s %.2s\n", m->id, parent_id(m),
			 (unsigned)(m->sb->dev & 0xff), place, options, m->sb->type->name, m->source,
			 options);
}

/* The mounts that the caller's root lets it see, a line each. */
static int mount_lines(int (*line)(const struct mount *m, const char *place, const char *options, char *buf,
				   size_t size),
		       char *buf, size_t size)
{
	char *place = kmalloc(2 * PATH_MAX);
	struct mount *m;
	int n = 0;

	buf[0] = '\0';
	if (!place)
		return 0;
	for (size_t i = 0; (m = nth_mount(i)) != NULL; i++) {
		struct path top = { m, m->root }, root;
		char *escaped = place + PATH_MAX, options[160];

		fs_current_root(&root);
		if (vfs_path_text(&top, &root, place, PATH_MAX) >= 0) {
			escape(escaped, PATH_MAX, place);
			options_text(m, options, sizeof(options));
			n += line(m, escaped, options, buf + n, size - (size_t)n);
		}
		path_put(&root);
		mount_put(m);
	}
	kfree(place);
	return n;
}

int vfs_mounts_text(char *buf, size_t size)
{
	return mount_lines(mounts_line, buf, size);
}

int vfs_mountinfo_text(char *buf, size_t size)
{
	return mount_lines(mountinfo_line, buf, size);
}

void mount_init(void)
{
	struct fs_type *type = find_type("rootfs");
	struct superblock *sb;

	mount_cache = slab_create("mount", sizeof(struct mount), 0);
	if (!type || type->mount(type, "rootfs", "", &sb) < 0)
		panic("no memory for the root file system");
	root_mount = mount_superblock(sb, "rootfs", 0);
	if (!root_mount)
		panic("no memory for the root file system");
	list_add_tail(&mounts, &root_mount->link);
}

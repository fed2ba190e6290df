/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table.  Mounts form a tree through parent and mountpoint; one list holds them in mounting
 * order.  The tree's own reference keeps a mount alive; files, directories in use and child mounts hold
 * further ones, and while there are any, umount says EBUSY.
 */
#include "mount_priv.h"

#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>

struct spinlock mount_lock = SPINLOCK_INIT("mounts", RANK_MOUNT);
struct list mounts = LIST_INIT(mounts);
static struct list fs_types = LIST_INIT(fs_types); /* [mount_lock] */
struct mount *root_mount;
static _Atomic uint32_t next_mount_id = 1;
static struct slab_cache *mount_cache;

/* --- file system types ---------------------------------------------------------------------------------- */

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

struct fs_type *fs_type_find(const char *name)
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
	notify_list_gone(&sb->watches);
	dcache_drop(sb);
	dentry_put(sb->root_dentry);
	sb->root_dentry = NULL;
	if (sb->type->unmount)
		sb->type->unmount(sb);
}

struct mount *mount_create(struct superblock *sb, struct dentry *root, const char *source, uint32_t flags)
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

struct mount *mount_superblock(struct superblock *sb, const char *source, uint32_t flags)
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
	struct mount *m = mount_superblock(sb, "none", 0);

	if (m)
		m->internal = true;
	return m;
}

void mount_get(struct mount *m)
{
	refcount_get(&m->refs);
}

void mount_put(struct mount *m)
{
	if (m && unlikely(atomic_load_explicit(&m->expiring, memory_order_relaxed)))
		atomic_store(&m->expiring, false);
	mount_put_unused(m);
}

void mount_put_unused(struct mount *m)
{
	if (!m || !refcount_put(&m->refs))
		return;
	notify_list_gone(&m->watches);
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

/* --- the tree ------------------------------------------------------------------------------------------- */

static void link_locked(struct mount *m, const struct path *where)
{
	m->parent = where->mount;
	m->mountpoint = where->dentry;
	list_add_tail(&mounts, &m->link);
}

int mount_attach(struct mount *m, const struct path *where)
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
	link_locked(m, where);
	spin_unlock(&mount_lock);
	return 0;
}

struct path mount_detach_locked(struct mount *m)
{
	struct path where = { m->parent, m->mountpoint };

	list_del(&m->link);
	m->parent = NULL;
	m->mountpoint = NULL;
	return where;
}

/* After dcache_lock was held nobody who walks has met what was mounted there without a reference. */
void mount_leave(const struct path *place)
{
	spin_lock(&dcache_lock);
	place->dentry->mounted--;
	spin_unlock(&dcache_lock);
	path_put(place);
}

bool mount_is_below_locked(const struct mount *m, const struct mount *top)
{
	for (m = m->parent; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

/* References on places: that of the old root passes to the new one; put_old gets its own; that of the new
 * root is left. */
void mount_pivot(const struct path *old_root, const struct path *new_root, const struct path *put_old)
{
	struct mount *old = old_root->mount, *new = new_root->mount;
	struct path left, place;

	spin_lock(&dcache_lock);
	put_old->dentry->mounted++;
	spin_unlock(&dcache_lock);
	path_get(put_old);
	spin_lock(&mount_lock);
	left = mount_detach_locked(new);
	place = mount_detach_locked(old);
	if (place.mount) {
		link_locked(new, &place);
	} else {
		list_add_tail(&mounts, &new->link);
		root_mount = new;
	}
	link_locked(old, put_old);
	spin_unlock(&mount_lock);
	if (left.mount)
		mount_leave(&left);
}

void mount_init(void)
{
	struct fs_type *type = fs_type_find("rootfs");
	struct superblock *sb;

	mount_cache = slab_create("mount", sizeof(struct mount), 0);
	if (!type || type->mount(type, "rootfs", "", &sb) < 0)
		panic("no memory for the root file system");
	root_mount = mount_superblock(sb, "rootfs", 0);
	if (!root_mount)
		panic("no memory for the root file system");
	list_add_tail(&mounts, &root_mount->link);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File handles.
 *
 * All that there are stand in one tree, by file system and number, under `handles_lock`.  A handle belongs to
 * its vnode and goes with it; who finds one takes a reference to the vnode unless that is going already.
 *
 * The name that a handle remembers is no reference: the dentry says that it is remembered
 * (dentry.remembered), so that it is forgotten when the dentry goes.  Both under dcache_lock.
 */
#include <kernel/file_handle.h>

#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/rbtree.h>
#include <kernel/slab.h>

#include "vfs_priv.h"

struct vnode_handle {
	struct rb_node node; /* [handles_lock] */
	struct vnode *vnode; /* [i] */
	struct dentry *name; /* [dcache_lock] one of the vnode's; NULL: none is known */
	uint32_t generation; /* [i] */
};

static struct spinlock handles_lock = SPINLOCK_INIT("file handles", RANK_FILE_HANDLES);
static struct rb_tree handles; /* [handles_lock] */

void file_id_pack(const struct file_id *id, uint32_t words[FILE_ID_BYTES / 4])
{
	words[0] = id->generation;
	words[1] = (uint32_t)id->ino;
	words[2] = (uint32_t)(id->ino >> 32);
}

void file_id_unpack(const uint32_t words[FILE_ID_BYTES / 4], struct file_id *id)
{
	id->generation = words[0];
	id->ino = (uint64_t)words[2] << 32 | words[1];
}

/* --- the tree ------------------------------------------------------------------------------------------- */

static int compare(const struct superblock *sb, uint64_t ino, const struct vnode_handle *h)
{
	if (sb != h->vnode->sb)
		return sb < h->vnode->sb ? -1 : 1;
	return ino < h->vnode->ino ? -1 : ino > h->vnode->ino;
}

static void insert_locked(struct vnode_handle *h)
{
	struct rb_node **link = &handles.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare(h->vnode->sb, h->vnode->ino, rb_entry(parent, struct vnode_handle, node)) < 0
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(&handles, &h->node, parent, link);
}

static struct vnode_handle *find_locked(const struct superblock *sb, const struct file_id *id)
{
	struct rb_node *node = handles.root;

	while (node) {
		struct vnode_handle *h = rb_entry(node, struct vnode_handle, node);
		int order = compare(sb, id->ino, h);

		if (order == 0)
			return h->generation == id->generation ? h : NULL;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

/* The vnode's, made if it has none yet.  NULL: no memory. */
static struct vnode_handle *handle_of(struct vnode *v)
{
	struct vnode_handle *h = atomic_load_explicit(&v->handle, memory_order_acquire), *fresh;

	if (h)
		return h;
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->vnode = v;
	fresh->generation = (uint32_t)random_u64();
	spin_lock(&handles_lock);
	h = atomic_load_explicit(&v->handle, memory_order_relaxed);
	if (!h) {
		insert_locked(fresh);
		atomic_store_explicit(&v->handle, fresh, memory_order_release);
	}
	spin_unlock(&handles_lock);
	if (!h)
		return fresh;
	kfree(fresh);
	return h;
}

void vnode_handle_free(struct vnode *v)
{
	struct vnode_handle *h = atomic_load_explicit(&v->handle, memory_order_relaxed);

	spin_lock(&handles_lock);
	rb_erase(&handles, &h->node);
	spin_unlock(&handles_lock);
	kfree(h);
}

static struct vnode *find_vnode(const struct superblock *sb, const struct file_id *id)
{
	struct vnode_handle *h;
	struct vnode *v = NULL;

	spin_lock(&handles_lock);
	h = find_locked(sb, id);
	if (h && refcount_get_unless_zero(&h->vnode->refs))
		v = h->vnode;
	spin_unlock(&handles_lock);
	return v;
}

/* --- names ---------------------------------------------------------------------------------------------- */

void dentry_forget_locked(struct dentry *d)
{
	assert_held(&dcache_lock);
	atomic_load(&d->vnode->handle)->name = NULL;
	d->remembered = false;
}

/* A name that is still there is better than one that is not. */
static void remember(struct vnode_handle *h, struct dentry *d)
{
	spin_lock(&dcache_lock);
	if (h->name && h->name != d && h->name->removed && !d->removed)
		dentry_forget_locked(h->name);
	if (!h->name) {
		h->name = d;
		d->remembered = true;
	}
	spin_unlock(&dcache_lock);
}

/* With a reference, or NULL. */
static struct dentry *remembered(struct vnode *v)
{
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = atomic_load(&v->handle)->name;
	if (d)
		dentry_get(d);
	spin_unlock(&dcache_lock);
	return d;
}

/* A dentry for the vnode, whose reference is taken over.  All names of a file that is no directory may have
 * gone but the file not: then it has a place of its own. */
static int name_of(struct vnode *v, struct dentry **out)
{
	*out = remembered(v);
	if (*out) {
		vnode_put(v);
		return 0;
	}
	if (!S_ISDIR(v->mode))
		*out = dentry_create(v->sb, NULL, "/", 1, v);
	if (*out)
		return 0;
	vnode_put(v);
	return S_ISDIR(v->mode) ? -ESTALE : -ENOMEM;
}

/* --- from files to handles and back --------------------------------------------------------------------- */

int vnode_identify(struct vnode *v, struct file_id *out)
{
	const struct vnode_handle *h;

	if (!v->sb->type->has_handles)
		return -EOPNOTSUPP;
	h = handle_of(v);
	if (!h)
		return -ENOMEM;
	*out = (struct file_id){ v->ino, h->generation };
	return 0;
}

int dentry_identify(struct dentry *d, struct file_id *out)
{
	int err = vnode_identify(d->vnode, out);

	if (err == 0 && !READ_ONCE(d->remembered))
		remember(atomic_load(&d->vnode->handle), d);
	return err;
}

int file_id_find(struct mount *mount, const struct file_id *id, struct path *out)
{
	struct vnode *v = find_vnode(mount->sb, id);
	int err = v ? name_of(v, &out->dentry) : -ESTALE;

	if (err < 0)
		return err;
	mount_get(mount);
	out->mount = mount;
	return 0;
}

/* --- the calls ------------------------------------------------------------------------------------------ */

int vfs_identify(const struct path *path, struct file_id *out, uint32_t *mount_id)
{
	*mount_id = path->mount->id;
	return dentry_identify(path->dentry, out);
}

/* A handle leads to any file whatever its place: nothing for who is kept to some places. */
bool vfs_may_open_by_id(void)
{
	return cred_has_privilege(PRIV_DAC_READ_SEARCH) && !confine_capability_mode() &&
	       !confine_denies(CONFINE_NO_PATHS);
}

/* The mount, referenced.  A directory's capability that was limited, or was reached through such a one, leads
 * to what is below it with those rights, so it does not lead to all of its mount. */
static int mount_of_fd(int fd, struct mount **out, struct capability **via)
{
	struct file_use use;
	int err = file_use(fd, 0, &use);

	if (err < 0)
		return err;
	if (!use.file->mount)
		err = -ESTALE;
	else if (file_rights_lost(use.file, atomic_load(&use.cap->rights)))
		err = -EPERM;
	if (err < 0) {
		file_done(&use);
		return err;
	}
	mount_get(use.file->mount);
	*out = use.file->mount;
	if (use.file->object.type == OBJECT_DIRECTORY)
		*via = use.cap;
	else
		file_done(&use);
	return 0;
}

static int find_mount(int fd, struct mount **out, struct capability **via)
{
	struct path cwd;

	*via = NULL;
	if (fd != AT_FDCWD)
		return mount_of_fd(fd, out, via);
	fs_current_cwd(&cwd);
	*out = cwd.mount;
	dentry_put(cwd.dentry);
	return 0;
}

static int open_found(const struct path *path, uint32_t flags, struct file **out)
{
	int err = 0;

	if (flags & O_PATH)
		flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	if ((flags & O_PATH) && (flags & O_DIRECTORY) && !S_ISDIR(path->dentry->vnode->mode))
		err = -ENOTDIR;
	else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		err = -EEXIST;
	else if ((flags & O_TMPFILE) == O_TMPFILE)
		err = -EOPNOTSUPP;
	if (err == 0)
		return file_open_path(path, flags, false, out);
	path_put(path);
	return err;
}

int vfs_open_by_id(int mount_fd, const struct file_id *id, uint32_t flags, struct file **out,
		   struct capability **via)
{
	struct mount *mount;
	struct path path;
	int err;

	if (!vfs_may_open_by_id())
		return -EPERM;
	err = find_mount(mount_fd, &mount, via);
	if (err < 0)
		return err;
	err = file_id_find(mount, id, &path);
	mount_put(mount);
	if (err == 0)
		err = open_found(&path, flags, out);
	if (err < 0 && *via)
		cap_done(*via);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in memory: the root file system, ramfs, tmpfs, and below devfs.
 *
 * A directory keeps its entries in two trees, by name and by a number that only grows: the position for
 * readdir, which therefore neither skips nor repeats entries however the directory changes.  An entry
 * holds a reference on its vnode, so what has a name stays.
 */
#include "ramfs_priv.h"
#include "mount_options.h"

#include <arch/paging.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>

#define FIRST_POSITION 2 /* 0 and 1 are "." and ".." */

struct entry {
	struct rb_node by_name, by_position;
	uint64_t position;
	struct vnode *vnode; /* referenced */
	uint16_t len;
	char name[];
};

struct directory {
	struct rb_tree by_name, by_position; /* [vnode.lock] */
	uint64_t next_position;              /* [vnode.lock] */
	struct list link;                    /* [ramfs.lock] */
	struct vnode *vnode;                 /* [i] */
};

static struct slab_cache *entry_cache; /* names up to ENTRY_NAME long */
static const struct vnode_ops ramfs_dir_ops, ramfs_ops, ramfs_link_ops;
static const struct file_ops ramfs_dir_file_ops;

#define ENTRY_NAME 40

/* --- nodes -------------------------------------------------------------------------------------------------
 */

void ramfs_put(struct ramfs *fs)
{
	if (atomic_fetch_sub(&fs->nodes, 1) == 1)
		kfree(fs);
}

static int directory_create(struct vnode *v)
{
	struct ramfs *fs = v->sb->private;
	struct directory *d = kzalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->next_position = FIRST_POSITION;
	d->vnode = v;
	v->private = d;
	v->nlink = 2;
	mutex_lock(&fs->lock);
	list_add_tail(&fs->dirs, &d->link);
	mutex_unlock(&fs->lock);
	return 0;
}

static struct vnode *node_create(struct superblock *sb, const struct vnode *dir, mode_t mode, dev_t rdev)
{
	const struct vnode_ops *ops = S_ISDIR(mode)   ? &ramfs_dir_ops
				      : S_ISLNK(mode) ? &ramfs_link_ops
						      : &ramfs_ops;
	struct ramfs *fs = sb->private;
	struct vnode *v = vnode_create(sb, ops, mode);
	int err = 0;

	if (!v)
		return NULL;
	atomic_fetch_add(&fs->nodes, 1);
	if (atomic_fetch_add(&fs->vnodes, 1) >= fs->limit_nodes && fs->limit_nodes) {
		vnode_put(v); /* counts down again */
		return NULL;
	}
	vnode_init_owner(v, dir, mode);
	v->btime_ns = v->mtime_ns;
	v->rdev = rdev;
	if (S_ISDIR(mode)) {
		v->file_ops = &ramfs_dir_file_ops;
		err = directory_create(v);
	} else if (S_ISREG(mode)) {
		v->file_ops = &ramfs_file_ops;
		err = ramfs_contents_create(v);
	}
	if (err < 0) {
		vnode_put(v);
		return NULL;
	}
	return v;
}

struct vnode *ramfs_nameless_file(struct superblock *sb, mode_t mode)
{
	struct vnode *v = node_create(sb, NULL, S_IFREG | mode, 0);

	if (v)
		v->nlink = 0;
	return v;
}

static void ramfs_evict(struct vnode *v)
{
	struct ramfs *fs = v->sb->private;

	if (S_ISDIR(v->mode) && v->private) {
		struct directory *d = v->private;

		mutex_lock(&fs->lock);
		list_del(&d->link);
		mutex_unlock(&fs->lock);
	}
	if (v->pages)
		ramfs_contents_deleted(v);
	ramfs_xattrs_free(v);
	kfree(v->private); /* a directory, or a symlink's target */
	atomic_fetch_sub(&fs->vnodes, 1);
	ramfs_put(fs);
}

/* --- directories --- */

static int compare_names(const char *a, size_t a_len, const struct entry *e)
{
	if (a_len != e->len)
		return a_len < e->len ? -1 : 1;
	return memcmp(a, e->name, a_len);
}

static struct entry *find_entry(const struct vnode *dir, const char *name, size_t len)
{
	struct rb_node *node = ((struct directory *)dir->private)->by_name.root;

	while (node) {
		struct entry *e = rb_entry(node, struct entry, by_name);
		int order = compare_names(name, len, e);

		if (order == 0)
			return e;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static struct entry *entry_alloc(const char *name, size_t len)
{
	struct entry *e = len <= ENTRY_NAME ? slab_alloc(entry_cache) : kmalloc(sizeof(*e) + len);

	if (!e)
		return NULL;
	e->len = (uint16_t)len;
	memcpy(e->name, name, len);
	return e;
}

static void entry_free(struct entry *e)
{
	if (e->len <= ENTRY_NAME)
		slab_free(entry_cache, e);
	else
		kfree(e);
}

static void insert_by_name(struct directory *d, struct entry *e)
{
	struct rb_node **link = &d->by_name.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare_names(e->name, e->len, rb_entry(parent, struct entry, by_name)) < 0
			       ? &parent->left
			       : &parent->right;
	}
	rb_insert(&d->by_name, &e->by_name, parent, link);
}

/* Positions grow, so the new entry is the last one. */
static void insert_by_position(struct directory *d, struct entry *e)
{
	struct rb_node *last = rb_last(&d->by_position);

	e->position = d->next_position++;
	rb_insert(&d->by_position, &e->by_position, last, last ? &last->right : &d->by_position.root);
}

/* Takes over the reference on v. */
static void insert_entry(struct vnode *dir, struct entry *e, struct vnode *v)
{
	struct directory *d = dir->private;

	e->vnode = v;
	insert_by_name(d, e);
	insert_by_position(d, e);
	dir->size += e->len + 1;
	vnode_touch_locked(dir);
	if (S_ISDIR(v->mode))
		dir->nlink++;
}

/* The reference on the vnode passes to the caller. */
static struct vnode *remove_entry(struct vnode *dir, struct entry *e)
{
	struct directory *d = dir->private;
	struct vnode *v = e->vnode;

	rb_erase(&d->by_name, &e->by_name);
	rb_erase(&d->by_position, &e->by_position);
	dir->size -= e->len + 1u;
	vnode_touch_locked(dir);
	if (S_ISDIR(v->mode))
		dir->nlink--;
	entry_free(e);
	return v;
}

static int ramfs_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **out)
{
	struct entry *e = find_entry(dir, name, len);

	if (!e)
		return -ENOENT;
	vnode_get(e->vnode);
	*out = e->vnode;
	return 0;
}

static int ramfs_create_node(struct vnode *dir, const char *name, size_t len, mode_t mode, dev_t rdev,
			     struct vnode **out)
{
	struct entry *e;
	struct vnode *v;

	if (!ramfs_memory_left())
		return -ENOSPC;
	e = entry_alloc(name, len);
	if (!e)
		return -ENOSPC;
	v = node_create(dir->sb, dir, mode, rdev);
	if (!v) {
		entry_free(e);
		return -ENOSPC;
	}
	insert_entry(dir, e, v);
	vnode_get(v);
	*out = v;
	return 0;
}

static int ramfs_tmpfile(struct vnode *dir, mode_t mode, bool linkable, struct vnode **out)
{
	struct vnode *v = ramfs_memory_left() ? node_create(dir->sb, dir, S_IFREG | mode, 0) : NULL;

	if (!v)
		return -ENOSPC;
	v->nlink = 0;
	v->linkable = linkable;
	*out = v;
	return 0;
}

static int ramfs_symlink(struct vnode *dir, const char *name, size_t len, const char *target,
			 struct vnode **out)
{
	char *copy = kstrdup(target);
	int err;

	if (!copy)
		return -ENOSPC;
	err = ramfs_create_node(dir, name, len, S_IFLNK | 0777, 0, out);
	if (err < 0) {
		kfree(copy);
		return err;
	}
	(*out)->private = copy;
	(*out)->size = strlen(copy);
	return 0;
}

static int ramfs_link(struct vnode *dir, const char *name, size_t len, struct vnode *target)
{
	struct entry *e = entry_alloc(name, len);

	if (!e)
		return -ENOSPC;
	/* Nobody else changes the number of names without the lock; the target is no directory. */
	mutex_lock(&target->lock);
	if ((target->nlink == 0 && !target->linkable) || target->nlink == UINT32_MAX) {
		int err = target->nlink == 0 ? -ENOENT : -EMLINK;

		mutex_unlock(&target->lock);
		entry_free(e);
		return err;
	}
	target->nlink++;
	target->linkable = false;
	target->ctime_ns = time_real_ns();
	mutex_unlock(&target->lock);
	vnode_get(target);
	insert_entry(dir, e, target);
	return 0;
}

static int ramfs_unlink(struct vnode *dir, const char *name, size_t len, struct vnode *victim)
{
	struct entry *e = find_entry(dir, name, len);

	if (!e || e->vnode != victim)
		return -ENOENT;
	victim->nlink--;
	victim->ctime_ns = time_real_ns();
	vnode_put(remove_entry(dir, e)); /* not the last one: the caller has its own */
	return 0;
}

static int ramfs_rmdir(struct vnode *dir, const char *name, size_t len, struct vnode *victim)
{
	struct entry *e = find_entry(dir, name, len);

	if (!e || e->vnode != victim)
		return -ENOENT;
	if (((struct directory *)victim->private)->by_name.root)
		return -ENOTEMPTY;
	victim->nlink = 0;
	vnode_put(remove_entry(dir, e));
	return 0;
}

static int ramfs_rename(struct vnode *from_dir, const char *from, size_t from_len, struct vnode *to_dir,
			const char *to, size_t to_len, struct vnode *moved, struct vnode *replaced)
{
	struct entry *e;
	int err = 0;

	e = entry_alloc(to, to_len);
	if (!e)
		return -ENOSPC;
	if (replaced && S_ISDIR(replaced->mode))
		err = ramfs_rmdir(to_dir, to, to_len, replaced);
	else if (replaced)
		err = ramfs_unlink(to_dir, to, to_len, replaced);
	if (err < 0) {
		entry_free(e);
		return err;
	}
	remove_entry(from_dir, find_entry(from_dir, from, from_len));
	insert_entry(to_dir, e, moved);
	moved->ctime_ns = time_real_ns();
	return 0;
}

/* The old name is a whiteout then: a device 0/0, which unions take for a name that is hidden.  What that
 * takes is there before anything changes. */
static int ramfs_rename_whiteout(struct vnode *from_dir, const char *from, size_t from_len,
				 struct vnode *to_dir, const char *to, size_t to_len, struct vnode *moved,
				 struct vnode *replaced)
{
	struct entry *e = ramfs_memory_left() ? entry_alloc(from, from_len) : NULL;
	struct vnode *whiteout = e ? node_create(from_dir->sb, from_dir, S_IFCHR, 0) : NULL;
	int err = whiteout ? ramfs_rename(from_dir, from, from_len, to_dir, to, to_len, moved, replaced)
			   : -ENOSPC;

	if (err == 0) {
		insert_entry(from_dir, e, whiteout);
		return 0;
	}
	if (whiteout) {
		whiteout->nlink = 0;
		vnode_put(whiteout);
	}
	if (e)
		entry_free(e);
	return err;
}

static int ramfs_exchange(struct vnode *a_dir, const char *a_name, size_t a_len, struct vnode *b_dir,
			  const char *b_name, size_t b_len, struct vnode *a, struct vnode *b)
{
	struct entry *ea = find_entry(a_dir, a_name, a_len), *eb = find_entry(b_dir, b_name, b_len);
	uint32_t a_is_dir = S_ISDIR(a->mode), b_is_dir = S_ISDIR(b->mode);

	if (!ea || !eb)
		return -ENOENT;
	ea->vnode = b;
	eb->vnode = a;
	a_dir->nlink += b_is_dir - a_is_dir;
	b_dir->nlink += a_is_dir - b_is_dir;
	vnode_touch_locked(a_dir);
	vnode_touch_locked(b_dir);
	a->ctime_ns = b->ctime_ns = time_real_ns();
	return 0;
}

/* The first entry at or after a position. */
static struct entry *entry_at(struct directory *d, uint64_t position)
{
	struct rb_node *node = d->by_position.root;
	struct entry *best = NULL;

	while (node) {
		struct entry *e = rb_entry(node, struct entry, by_position);

		if (e->position >= position) {
			best = e;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static int ramfs_readdir(struct file *file, off_t *pos, struct dir_sink *sink)
{
	struct vnode *dir = file->vnode;
	struct entry *e;

	if (!dir_emit_dots(file, pos, sink))
		return 0;
	mutex_lock(&dir->lock);
	e = entry_at(dir->private, (uint64_t)*pos);
	while (e) {
		struct rb_node *next = rb_next(&e->by_position);

		if (!sink->add(sink, e->name, e->len, e->vnode->ino, mode_to_type(e->vnode->mode),
			       (off_t)e->position + 1))
			break;
		*pos = (off_t)e->position + 1;
		e = next ? rb_entry(next, struct entry, by_position) : NULL;
	}
	mutex_unlock(&dir->lock);
	vnode_accessed(file);
	return 0;
}

/* --- attributes and links --- */

static int ramfs_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	if ((attr->valid & ATTR_MODE) && (v->seals & F_SEAL_EXEC) && ((v->mode ^ attr->mode) & 0111))
		return -EPERM;
	if (attr->valid & ATTR_SIZE) {
		int err = ramfs_resize_locked(v, attr->size);

		if (err < 0)
			return err;
		vnode_drop_setid_locked(v);
	}
	vnode_apply_attr_locked(v, attr);
	return 0;
}

static ssize_t ramfs_readlink(struct vnode *v, char *buf, size_t size)
{
	size_t len = strlcpy(buf, v->private ? v->private : "", size);

	return (ssize_t)MIN(len, size - 1);
}

static const struct vnode_ops ramfs_dir_ops = {
	.lookup = ramfs_lookup,
	.create = ramfs_create_node,
	.symlink = ramfs_symlink,
	.link = ramfs_link,
	.unlink = ramfs_unlink,
	.rmdir = ramfs_rmdir,
	.rename = ramfs_rename,
	.rename_whiteout = ramfs_rename_whiteout,
	.exchange = ramfs_exchange,
	.tmpfile = ramfs_tmpfile,
	.setattr = ramfs_setattr,
	.getxattr = ramfs_getxattr,
	.listxattr = ramfs_listxattr,
	.setxattr = ramfs_setxattr,
	.evict = ramfs_evict,
};

static const struct vnode_ops ramfs_ops = {
	.setattr = ramfs_setattr,
	.allocate = ramfs_allocate,
	.mapped = ramfs_mapped,
	.getxattr = ramfs_getxattr,
	.listxattr = ramfs_listxattr,
	.setxattr = ramfs_setxattr,
	.evict = ramfs_evict,
};

static const struct vnode_ops ramfs_link_ops = {
	.readlink = ramfs_readlink,
	.setattr = ramfs_setattr,
	.getxattr = ramfs_getxattr,
	.listxattr = ramfs_listxattr,
	.setxattr = ramfs_setxattr,
	.evict = ramfs_evict,
};

static const struct file_ops ramfs_dir_file_ops = {
	.readdir = ramfs_readdir,
	.seek = seek_endless,
};

/* --- the file system --- */

int ramfs_create(const struct fs_type *type, uint64_t magic, mode_t mode, struct superblock **out)
{
	struct superblock *sb = superblock_create(type, magic);
	struct ramfs *fs = kzalloc(sizeof(*fs));

	if (!sb || !fs)
		goto out_free;
	mutex_init(&fs->lock, "ramfs", RANK_VNODE);
	list_init(&fs->dirs);
	atomic_init(&fs->nodes, 1);
	sb->private = fs;
	sb->root = node_create(sb, NULL, S_IFDIR | mode, 0);
	if (!sb->root)
		goto out_free;
	*out = sb;
	return 0;
out_free:
	kfree(fs);
	superblock_free(sb);
	return -ENOMEM;
}

static void drop_entries(struct directory *d)
{
	struct rb_node *node;

	while ((node = rb_first(&d->by_name)) != NULL)
		vnode_put(remove_entry(d->vnode, rb_entry(node, struct entry, by_name)));
}

/* Nobody uses the file system any more.  All directories are pinned first, so that emptying one never
 * starts to free another: no recursion, however deep the tree. */
void ramfs_destroy(struct superblock *sb)
{
	struct ramfs *fs = sb->private;
	struct directory *d;

	list_for_each (d, &fs->dirs, link)
		vnode_get(d->vnode);
	list_for_each (d, &fs->dirs, link)
		drop_entries(d);
	vnode_put(sb->root);
	while (!list_empty(&fs->dirs))
		vnode_put(list_first(&fs->dirs, struct directory, link)->vnode);
	ramfs_put(fs);
	superblock_free(sb);
}

int ramfs_statfs(struct superblock *sb, struct abi_statfs *out)
{
	struct ramfs *fs = sb->private;
	uint64_t used = atomic_load(&fs->used_pages), free = pmm_free_memory() / PAGE_SIZE;

	if (fs->limit_pages) {
		out->blocks = fs->limit_pages;
		out->bfree = fs->limit_pages > used ? fs->limit_pages - used : 0;
		out->bfree = MIN(out->bfree, free);
	} else {
		out->blocks = used + free;
		out->bfree = free;
	}
	out->bavail = out->bfree;
	out->files = fs->limit_nodes ? fs->limit_nodes : pmm_total_memory() / PAGE_SIZE / 2;
	out->ffree = out->files - MIN(out->files, atomic_load(&fs->vnodes));
	return 0;
}

/* tmpfs' options; ramfs knows the mode alone. */
struct options {
	uint64_t pages, nodes; /* 0: no limit */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static int parse_limit(const struct mount_option *o, struct options *out)
{
	uint64_t value;
	int err = mount_option_size(o, pmm_total_memory(), &value);

	if (err < 0)
		return err;
	if (mount_option_is(o, "size"))
		out->pages = (value + PAGE_SIZE - 1) / PAGE_SIZE;
	else if (mount_option_is(o, "nr_blocks"))
		out->pages = value;
	else
		out->nodes = value;
	return 0;
}

static int parse_option(const struct mount_option *o, void *arg)
{
	struct options *out = arg;
	uint64_t value;
	int err;

	if (mount_option_is(o, "size") || mount_option_is(o, "nr_blocks") || mount_option_is(o, "nr_inodes"))
		return parse_limit(o, out);
	if (mount_option_is(o, "mode")) {
		err = mount_option_number(o, 8, 07777, &value);
		if (err == 0)
			out->mode = (mode_t)value;
		return err;
	}
	if (!mount_option_is(o, "uid") && !mount_option_is(o, "gid"))
		return -EINVAL;
	err = mount_option_number(o, 10, INT32_MAX, &value);
	if (err == 0 && o->key[0] == 'u')
		out->uid = (uid_t)value;
	else if (err == 0)
		out->gid = (gid_t)value;
	return err;
}

static int parse_options(const char *data, struct options *out)
{
	return mount_options_each(data, parse_option, out);
}

/* Linux's ramfs takes whatever it is given. */
static int ramfs_mount(const struct fs_type *type, const char *source, const char *data,
		       struct superblock **out)
{
	struct options o = { .mode = 0755 };
	int err = parse_options(data, &o);

	(void)source;
	(void)err;
	return ramfs_create(type, RAMFS_MAGIC, o.mode, out);
}

static void set_limits(struct ramfs *fs, const struct options *o)
{
	WRITE_ONCE(fs->limit_pages, o->pages);
	WRITE_ONCE(fs->limit_nodes, o->nodes);
}

static int tmpfs_mount(const struct fs_type *type, const char *source, const char *data,
		       struct superblock **out)
{
	uint64_t half = pmm_total_memory() / PAGE_SIZE / 2;
	struct options o = { .pages = half, .nodes = half, .mode = 01777 };
	int err = parse_options(data, &o);

	(void)source;
	if (err == 0)
		err = ramfs_create(type, TMPFS_MAGIC, o.mode, out);
	if (err < 0)
		return err;
	set_limits((*out)->private, &o);
	(*out)->root->uid = o.uid;
	(*out)->root->gid = o.gid;
	return 0;
}

/* What is not named stays as it is; less than there is already is refused. */
static int tmpfs_remount(struct superblock *sb, const char *data)
{
	struct ramfs *fs = sb->private;
	struct options o = { .pages = fs->limit_pages, .nodes = fs->limit_nodes };
	int err = parse_options(data, &o);

	if (err < 0)
		return err;
	if ((o.pages && o.pages < atomic_load(&fs->used_pages)) ||
	    (o.nodes && o.nodes < atomic_load(&fs->vnodes)))
		return -EINVAL;
	set_limits(fs, &o);
	return 0;
}

static const char *tmpfs_options(struct superblock *sb, char *buf, size_t size)
{
	const struct ramfs *fs = sb->private;
	const struct vnode *root = sb->root;
	size_t n = 0;

	buf[0] = '\0';
	if (fs->limit_pages)
		n += (size_t)scnprintf(buf + n, size - n, ",size=%luk", fs->limit_pages * (PAGE_SIZE / 1024));
	if (fs->limit_nodes)
		n += (size_t)scnprintf(buf + n, size - n, ",nr_inodes=%lu", fs->limit_nodes);
	if ((root->mode & 07777) != 01777)
		n += (size_t)scnprintf(buf + n, size - n, ",mode=%o", root->mode & 07777);
	if (root->uid)
		n += (size_t)scnprintf(buf + n, size - n, ",uid=%u", root->uid);
	if (root->gid)
		scnprintf(buf + n, size - n, ",gid=%u", root->gid);
	return buf;
}

static struct fs_type rootfs_type = { .name = "rootfs",
				      .nodev = true,
				      .has_handles = true,
				      .mount = ramfs_mount,
				      .unmount = ramfs_destroy,
				      .statfs = ramfs_statfs };
static struct fs_type ramfs_type = { .name = "ramfs",
				     .nodev = true,
				     .has_handles = true,
				     .mount = ramfs_mount,
				     .unmount = ramfs_destroy,
				     .statfs = ramfs_statfs };
static struct fs_type tmpfs_type = { .name = "tmpfs",
				     .nodev = true,
				     .has_handles = true,
				     .mount = tmpfs_mount,
				     .unmount = ramfs_destroy,
				     .remount = tmpfs_remount,
				     .statfs = ramfs_statfs,
				     .options = tmpfs_options };

void ramfs_init(void)
{
	entry_cache = slab_create("ramfs_entry", sizeof(struct entry) + ENTRY_NAME, 0);
	ramfs_file_init();
	if (fs_type_register(&rootfs_type) < 0 || fs_type_register(&ramfs_type) < 0 ||
	    fs_type_register(&tmpfs_type) < 0)
		panic("file systems registered twice");
}

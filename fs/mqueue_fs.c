/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mqueue file system: one flat directory of message queues, the same wherever it is mounted.  mq_open and
 * mq_unlink use it whether it is mounted or not.
 */
#include "mqueue_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/panic.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define FIRST_POSITION 2  /* in the directory; 0 and 1 are the dots */
#define ENTRY_SIZE     20 /* what a name adds to the directory's size, as on Linux */

struct entry {
	struct list link;
	uint64_t position;
	struct vnode *vnode; /* referenced */
	size_t len;
	char name[];
};

static const struct vnode_ops root_ops, queue_ops;
static const struct file_ops root_file_ops;
static struct fs_type mqueue_type;

static struct superblock *queues_sb;             /* [i] */
static struct mount *queues_mount;               /* [i] inside the kernel */
static struct list entries = LIST_INIT(entries); /* [the root's lock] by position */
static uint64_t next_position = FIRST_POSITION;  /* [the root's lock] */

/* --- the directory -------------------------------------------------------------------------------------- */

static struct entry *find_entry(const char *name, size_t len)
{
	struct entry *e;

	list_for_each (e, &entries, link)
		if (e->len == len && memcmp(e->name, name, len) == 0)
			return e;
	return NULL;
}

static int root_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **out)
{
	struct entry *e = find_entry(name, len);

	(void)dir;
	if (!e)
		return -ENOENT;
	vnode_get(e->vnode);
	*out = e->vnode;
	return 0;
}

/* The root is locked. */
static int make_queue(struct vnode *dir, const char *name, size_t len, mode_t mode,
		      const struct mqueue_size *size, struct vnode **out)
{
	struct entry *e = kmalloc(sizeof(*e) + len);
	struct vnode *v = e ? vnode_create(dir->sb, &queue_ops, mode) : NULL;
	int err = v ? 0 : -ENOMEM;

	if (err == 0) {
		vnode_init_owner(v, dir, mode);
		err = mqueue_attach(v, size);
	}
	if (err < 0) {
		vnode_put(v);
		kfree(e);
		return err;
	}
	e->len = len;
	memcpy(e->name, name, len);
	e->position = next_position++;
	e->vnode = v;
	list_add_tail(&entries, &e->link);
	dir->size += ENTRY_SIZE;
	vnode_touch_locked(dir);
	vnode_get(v);
	*out = v;
	return 0;
}

static int root_create(struct vnode *dir, const char *name, size_t len, mode_t mode, dev_t rdev,
		       struct vnode **out)
{
	(void)rdev;
	return S_ISREG(mode) ? make_queue(dir, name, len, mode, NULL, out) : -EPERM;
}

static int root_unlink(struct vnode *dir, const char *name, size_t len, struct vnode *victim)
{
	struct entry *e = find_entry(name, len);

	if (!e || e->vnode != victim)
		return -ENOENT;
	list_del(&e->link);
	victim->nlink--;
	dir->size -= ENTRY_SIZE;
	vnode_touch_locked(dir);
	vnode_put(victim); /* not the last one: the caller has its own */
	kfree(e);
	return 0;
}

static int root_readdir(struct file *file, off_t *pos, struct dir_sink *sink)
{
	struct entry *e;

	if (!dir_emit_dots(file, pos, sink))
		return 0;
	mutex_lock(&file->vnode->lock);
	list_for_each (e, &entries, link) {
		if (e->position < (uint64_t)*pos)
			continue;
		if (!sink->add(sink, e->name, e->len, e->vnode->ino, DT_REG, (off_t)e->position + 1))
			break;
		*pos = (off_t)e->position + 1;
	}
	mutex_unlock(&file->vnode->lock);
	return 0;
}

/* A queue's size says nothing, so that of O_TRUNC changes nothing. */
static int node_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	vnode_apply_attr_locked(v, attr);
	return 0;
}

static const struct vnode_ops root_ops = {
	.lookup = root_lookup, .create = root_create, .unlink = root_unlink, .setattr = node_setattr
};
static const struct vnode_ops queue_ops = { .setattr = node_setattr, .evict = mqueue_detach };
static const struct file_ops root_file_ops = { .readdir = root_readdir, .seek = seek_endless };

/* --- mq_open, mq_unlink --------------------------------------------------------------------------------- */

static int may_use_names(void)
{
	if (!confine_capability_mode() && !confine_denies(CONFINE_NO_PATHS))
		return 0;
	cap_audit(CAP_EVENT_DENIAL, NULL, "message queue name");
	return confine_capability_mode() ? -EPERM : -EACCES;
}

/* The name as the system call gets it, without the leading slash. */
static int check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return -EACCES;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int create_locked(struct dentry *d, mode_t mode, const struct mqueue_size *size)
{
	struct vnode *dir = queues_sb->root, *v;
	int err = vnode_permission(dir, fs_cred(), MAY_WRITE | MAY_EXEC);

	if (err == 0)
		err = make_queue(dir, d->name, d->len, S_IFREG | (fs_apply_umask(mode) & 07777), size, &v);
	if (err == 0)
		dentry_instantiate(d, v);
	return err;
}

/* The root is locked.  *created: the queue is new. */
static int find_or_create_locked(struct dentry *d, uint32_t flags, mode_t mode,
				 const struct mqueue_size *size, bool *created)
{
	*created = false;
	if (d->vnode) {
		if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return -EEXIST;
		return (flags & O_ACCMODE) == O_ACCMODE ? -EINVAL : 0;
	}
	if (!(flags & O_CREAT))
		return -ENOENT;
	*created = true;
	return create_locked(d, mode, size);
}

int mqueue_open(const char *name, uint32_t flags, uint16_t mode, const struct mqueue_size *size,
		struct file **out)
{
	struct vnode *root = queues_sb->root;
	struct path path = { queues_mount, NULL };
	bool created = false;
	int err = may_use_names();

	if (err == 0)
		err = check_name(name);
	if (err < 0)
		return err;
	mutex_lock(&root->lock);
	err = dentry_lookup(queues_sb->root_dentry, name, strlen(name), true, &path.dentry);
	if (err == 0) {
		err = find_or_create_locked(path.dentry, flags, mode, size, &created);
		if (err < 0)
			dentry_put(path.dentry);
	}
	mutex_unlock(&root->lock);
	if (err < 0)
		return err;
	mount_get(queues_mount);
	return file_open_path(&path, flags & (O_ACCMODE | O_NONBLOCK), created, out);
}

int mqueue_unlink(const char *name)
{
	struct path root = { queues_mount, queues_sb->root_dentry };
	int err = may_use_names();

	if (err == 0)
		err = check_name(name);
	return err < 0 ? err : remove_file_in(&root, name);
}

/* --- the file system ------------------------------------------------------------------------------------ */

static int mqueue_mount(const struct fs_type *type, const char *source, const char *data,
			struct superblock **out)
{
	(void)type;
	(void)source;
	(void)data;
	*out = queues_sb;
	return 0;
}

static struct fs_type mqueue_type = { .name = "mqueue", .nodev = true, .mount = mqueue_mount };

void mqueue_init(void)
{
	queues_sb = superblock_create(&mqueue_type, MQUEUE_MAGIC);
	if (queues_sb)
		queues_sb->root = vnode_create(queues_sb, &root_ops, S_IFDIR | S_ISVTX | 0777);
	if (!queues_sb || !queues_sb->root)
		panic("no memory for message queues");
	queues_sb->root->nlink = 2;
	queues_sb->root->file_ops = &root_file_ops;
	queues_mount = mount_create_internal(queues_sb);
	if (!queues_mount || fs_type_register(&mqueue_type) < 0)
		panic("no memory for message queues");
}

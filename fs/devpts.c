/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: the names of pseudo-terminals.  Every mount has its own numbers and its own ptmx; /dev/ptmx stands
 * for the one of the devpts that is mounted beside it, on "pts".
 *
 * A pair counts as a mount of its file system, so that this outlives a umount for as long as the pair is
 * open; its name goes when the master is closed, its number is free again when the slave is, too.
 */
#include "vfs_priv.h"

#include <kernel/bitmap.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/pty.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/tty.h>

#include "mount_options.h"

#define PTYS_MAX      4096
#define TTYAUX_MAJOR  5
#define PTMX_MINOR    2
#define SLAVE_MAJOR   136
#define PTMX_POSITION 2 /* in the directory; the slaves follow by number */
#define PTMX_INO      2 /* the root's is 1 */
#define FIRST_INO     3

struct options {
	mode_t mode, ptmx_mode;
	uid_t uid;
	gid_t gid;
	bool uid_set, gid_set; /* else as the opener's */
	uint32_t max;
};

/* [r] the root directory's lock */
struct devpts {
	struct pty_owner owner;         /* first: what pairs know of us */
	struct superblock *sb;          /* [i] */
	struct vnode *ptmx;             /* [i] referenced */
	struct options options;         /* [r] */
	uint64_t used[PTYS_MAX / 64];   /* [r] numbers */
	struct vnode *slaves[PTYS_MAX]; /* [r] referenced; those that have a name */
};

static const struct vnode_ops root_ops, node_ops;
static const struct file_ops ptmx_ops;
static struct fs_type devpts_type;

static struct devpts *devpts_of(const struct superblock *sb)
{
	return sb->private;
}

/* --- options ------------------------------------------------------------------------------------------- */

static int parse_option(const struct mount_option *o, void *arg)
{
	struct options *out = arg;
	uint64_t value = 0;
	int err = 0;

	if (mount_option_is(o, "newinstance"))
		return 0;
	if (mount_option_is(o, "mode") || mount_option_is(o, "ptmxmode"))
		err = mount_option_number(o, 8, 07777, &value);
	else
		err = mount_option_number(o, 10, INT32_MAX, &value);
	if (err < 0)
		return err;
	if (mount_option_is(o, "mode")) {
		out->mode = (mode_t)value;
	} else if (mount_option_is(o, "ptmxmode")) {
		out->ptmx_mode = (mode_t)value;
	} else if (mount_option_is(o, "uid")) {
		out->uid = (uid_t)value;
		out->uid_set = true;
	} else if (mount_option_is(o, "gid")) {
		out->gid = (gid_t)value;
		out->gid_set = true;
	} else if (mount_option_is(o, "max")) {
		out->max = (uint32_t)MIN(value, (uint64_t)PTYS_MAX);
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(const char *data, struct options *out)
{
	*out = (struct options){ .mode = 0600, .max = PTYS_MAX };
	return mount_options_each(data, parse_option, out);
}

static const char *options_text(struct superblock *sb, char *buf, size_t size)
{
	const struct options *o = &devpts_of(sb)->options;
	size_t n = 0;

	if (o->uid_set)
		n += (size_t)scnprintf(buf + n, size - n, ",uid=%u", o->uid);
	if (o->gid_set)
		n += (size_t)scnprintf(buf + n, size - n, ",gid=%u", o->gid);
	n += (size_t)scnprintf(buf + n, size - n, ",mode=%03o,ptmxmode=%03o", o->mode, o->ptmx_mode);
	if (o->max < PTYS_MAX)
		scnprintf(buf + n, size - n, ",max=%u", o->max);
	return buf;
}

static int devpts_remount(struct superblock *sb, const char *data)
{
	struct devpts *fs = devpts_of(sb);
	struct options options;
	int err = parse_options(data, &options);

	if (err < 0)
		return err;
	mutex_lock(&sb->root->lock);
	fs->options = options;
	fs->ptmx->mode = S_IFCHR | options.ptmx_mode;
	mutex_unlock(&sb->root->lock);
	return 0;
}

/* --- pairs --------------------------------------------------------------------------------------------- */

static size_t name_of(uint32_t number, char name[16])
{
	return (size_t)scnprintf(name, 16, "%u", number);
}

static int take_number(struct devpts *fs, uint32_t *out)
{
	struct vnode *root = fs->sb->root;
	uint32_t n = 0;

	mutex_lock(&root->lock);
	while (n < fs->options.max && bitmap_test(fs->used, n))
		n++;
	if (n < fs->options.max)
		bitmap_set(fs->used, n);
	else
		n = PTYS_MAX;
	mutex_unlock(&root->lock);
	*out = n;
	return n < PTYS_MAX ? 0 : -ENOSPC;
}

static void give_number(struct devpts *fs, uint32_t number)
{
	mutex_lock(&fs->sb->root->lock);
	bitmap_clear(fs->used, number);
	mutex_unlock(&fs->sb->root->lock);
}

static struct vnode *slave_create(struct devpts *fs, uint32_t number, struct tty *tty)
{
	struct vnode *v = vnode_create(fs->sb, &node_ops, 0);
	const struct options *o = &fs->options;

	if (!v)
		return NULL;
	vnode_init_owner(v, NULL, S_IFCHR | o->mode);
	if (o->uid_set)
		v->uid = o->uid;
	if (o->gid_set)
		v->gid = o->gid;
	v->ino = FIRST_INO + number;
	v->rdev = tty_dev(tty);
	v->file_ops = &tty_file_ops;
	tty_get(tty);
	v->private = tty;
	return v;
}

/* The slave gets its name; takes over the reference.  The name cache may know that there is none. */
static void publish(struct devpts *fs, uint32_t number, struct vnode *v)
{
	struct vnode *root = fs->sb->root;
	struct dentry *d;
	char name[16];

	mutex_lock(&root->lock);
	fs->slaves[number] = v;
	if (dentry_lookup(fs->sb->root_dentry, name, name_of(number, name), true, &d) == 0) {
		if (!d->vnode) {
			vnode_get(v);
			dentry_instantiate(d, v);
		}
		dentry_put(d);
	}
	mutex_unlock(&root->lock);
}

static void master_closed(struct pty_owner *owner, uint32_t number)
{
	struct devpts *fs = container_of(owner, struct devpts, owner);
	struct vnode *root = fs->sb->root, *v;
	struct dentry *d;
	char name[16];

	mutex_lock(&root->lock);
	v = fs->slaves[number];
	fs->slaves[number] = NULL;
	v->nlink = 0;
	d = dentry_find(fs->sb->root_dentry, name, name_of(number, name));
	if (d) {
		dentry_remove(d);
		dentry_put(d);
	}
	mutex_unlock(&root->lock);
	vnode_put(v);
}

static void pty_gone(struct pty_owner *owner, uint32_t number)
{
	struct devpts *fs = container_of(owner, struct devpts, owner);

	give_number(fs, number);
	superblock_put(fs->sb);
}

/* Make a pair of which `file` is the master. */
static int open_pair(struct devpts *fs, struct file *file)
{
	struct vnode *slave;
	struct tty *tty;
	uint32_t number;
	int err = take_number(fs, &number);

	if (err < 0)
		return err;
	tty = pty_create(&fs->owner, number, makedev(SLAVE_MAJOR, number));
	slave = tty ? slave_create(fs, number, tty) : NULL;
	if (!slave) {
		tty_put(tty);
		give_number(fs, number);
		return -ENOMEM;
	}
	superblock_get(fs->sb);
	publish(fs, number, slave);
	pty_open_master(file, tty);
	return 0;
}

/* --- ptmx ----------------------------------------------------------------------------------------------- */

/* Where the pairs of this ptmx have their names: referenced.  -ENODEV: no devpts is there. */
static int place_of(const struct file *ptmx, struct path *out)
{
	struct path beside = { ptmx->mount, NULL };
	struct walk w;
	bool slash;
	int err;

	if (ptmx->vnode->sb->type == &devpts_type) {
		*out = (struct path){ ptmx->mount, ptmx->vnode->sb->root_dentry };
		path_get(out);
		return 0;
	}
	spin_lock(&dcache_lock);
	beside.dentry = ptmx->dentry->parent;
	path_get(&beside);
	spin_unlock(&dcache_lock);
	walk_start_at(&w, &beside, "pts", &kernel_cred);
	err = walk_all(&w, false, &slash);
	path_put(&beside);
	if (err == 0 &&
	    (w.at.dentry->sb->type != &devpts_type || w.at.dentry != w.at.dentry->sb->root_dentry))
		err = -ENODEV;
	if (err < 0) {
		walk_end(&w);
		return -ENODEV;
	}
	walk_release(&w);
	*out = w.at;
	return 0;
}

static int ptmx_open(struct file *file)
{
	struct path place;
	int err = place_of(file, &place);

	if (err < 0)
		return err;
	err = open_pair(devpts_of(place.dentry->sb), file);
	path_put(&place);
	return err;
}

static int open_peer(struct file *master, uint32_t number, uint32_t flags, struct file **out)
{
	struct path place, slave;
	char name[16];
	int err = place_of(master, &place);

	if (err < 0)
		return -EIO;
	err = dentry_lookup(place.dentry, name, name_of(number, name), false, &slave.dentry);
	if (err < 0 || !slave.dentry->vnode) {
		if (err == 0)
			dentry_put(slave.dentry);
		path_put(&place);
		return -EIO;
	}
	slave.mount = place.mount;
	dentry_put(place.dentry);
	return file_open_path(&slave, flags & (O_ACCMODE | O_NONBLOCK | O_NOCTTY), false, out);
}

static const struct file_ops ptmx_ops = {
	.open = ptmx_open,
	.read = pty_master_read,
	.write = pty_master_write,
	.ioctl = pty_master_ioctl,
	.poll = pty_master_poll,
	.async = pty_master_async,
	.release = pty_master_release,
};

static struct char_device ptmx_device = { .name = "ptmx", .mode = 0666, .ops = &ptmx_ops };

/* --- the directory ------------------------------------------------------------------------------------- */

static int find_node(const struct devpts *fs, const char *name, size_t len, struct vnode **out)
{
	uint32_t number = 0;

	*out = NULL;
	if (len == 4 && memcmp(name, "ptmx", 4) == 0) {
		*out = fs->ptmx;
	} else if (len > 0 && len <= 4 && (name[0] != '0' || len == 1)) {
		for (size_t i = 0; i < len; i++) {
			if (name[i] < '0' || name[i] > '9')
				return -ENOENT;
			number = number * 10 + (uint32_t)(name[i] - '0');
		}
		*out = number < PTYS_MAX ? fs->slaves[number] : NULL;
	}
	return *out ? 0 : -ENOENT;
}

static int root_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **out)
{
	int err = find_node(devpts_of(dir->sb), name, len, out);

	if (err == 0)
		vnode_get(*out);
	return err;
}

static int root_readdir(struct file *file, off_t *pos, struct dir_sink *sink)
{
	struct devpts *fs = devpts_of(file->vnode->sb);

	if (!dir_emit_dots(file, pos, sink))
		return 0;
	mutex_lock(&file->vnode->lock);
	if (*pos == PTMX_POSITION && sink->add(sink, "ptmx", 4, PTMX_INO, DT_CHR, PTMX_POSITION + 1))
		*pos = PTMX_POSITION + 1;
	while (*pos > PTMX_POSITION && *pos - PTMX_POSITION - 1 < PTYS_MAX) {
		uint32_t number = (uint32_t)(*pos - PTMX_POSITION - 1);
		char name[16];

		if (fs->slaves[number] &&
		    !sink->add(sink, name, name_of(number, name), FIRST_INO + number, DT_CHR, *pos + 1))
			break;
		++*pos;
	}
	mutex_unlock(&file->vnode->lock);
	return 0;
}

static int node_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	vnode_apply_attr_locked(v, attr);
	return 0;
}

static void node_evict(struct vnode *v)
{
	tty_put(v->private);
}

static const struct vnode_ops root_ops = { .lookup = root_lookup, .setattr = node_setattr };
static const struct vnode_ops node_ops = { .setattr = node_setattr, .evict = node_evict };
static const struct file_ops root_file_ops = { .readdir = root_readdir, .seek = seek_endless };

/* --- the file system ------------------------------------------------------------------------------------ */

static void devpts_destroy(struct superblock *sb)
{
	struct devpts *fs = devpts_of(sb);

	vnode_put(fs->ptmx);
	vnode_put(sb->root);
	kfree(fs);
	superblock_free(sb);
}

static void fill(struct devpts *fs, struct superblock *sb)
{
	sb->private = fs;
	sb->root->nlink = 2;
	sb->root->file_ops = &root_file_ops;
	fs->sb = sb;
	fs->owner = (struct pty_owner){ master_closed, pty_gone, open_peer };
	fs->ptmx->ino = PTMX_INO;
	fs->ptmx->rdev = makedev(TTYAUX_MAJOR, PTMX_MINOR);
	fs->ptmx->file_ops = &ptmx_ops;
}

static int devpts_mount(const struct fs_type *type, const char *source, const char *data,
			struct superblock **out)
{
	struct superblock *sb = superblock_create(type, DEVPTS_SUPER_MAGIC);
	struct devpts *fs = kzalloc(sizeof(*fs));
	int err = sb && fs ? parse_options(data, &fs->options) : -ENOMEM;

	(void)source;
	if (err < 0)
		goto out_free;
	err = -ENOMEM;
	sb->root = vnode_create(sb, &root_ops, S_IFDIR | 0755);
	if (!sb->root)
		goto out_free;
	fs->ptmx = vnode_create(sb, &node_ops, S_IFCHR | fs->options.ptmx_mode);
	if (!fs->ptmx) {
		vnode_put(sb->root);
		goto out_free;
	}
	fill(fs, sb);
	*out = sb;
	return 0;
out_free:
	kfree(fs);
	superblock_free(sb);
	return err;
}

static struct fs_type devpts_type = {
	.name = "devpts",
	.nodev = true,
	.mount = devpts_mount,
	.unmount = devpts_destroy,
	.remount = devpts_remount,
	.options = options_text,
};

void devpts_init(void)
{
	ptmx_device.dev = makedev(TTYAUX_MAJOR, PTMX_MINOR);
	if (fs_type_register(&devpts_type) < 0 || char_device_register(&ptmx_device) < 0)
		panic("devpts registered twice");
}

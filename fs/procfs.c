/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the tree behind /proc.  Vnodes are made at each look-up and never cached by name, because
 * processes come and go by themselves.  What files say is made by proc_text.c.
 */
#include "proc_priv.h"

#include <arch/usercopy.h>
#include <kernel/confine.h>
#include <kernel/panic.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define STORE_MAX   256
#define FIRST_CHILD 2   /* positions in a directory: "." and ".." are 0 and 1 */
#define FIRST_KEY   256 /* dynamic names */

static struct slab_cache *node_cache;
static const struct vnode_ops proc_dir_ops, proc_file_vnode_ops, proc_link_ops, proc_object_link_ops;
static const struct file_ops proc_file_ops, proc_dir_file_ops;

/* --- nodes --- */

static struct proc_node *node_of(const struct vnode *v)
{
	return v->private;
}

/* Inode numbers are made from the names on the way, so they stay the same without being stored. */
static uint64_t child_ino(uint64_t parent, const char *name, size_t len)
{
	uint32_t hash = 2166136261u ^ (uint32_t)parent ^ (uint32_t)(parent >> 32);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return 0x100000000ull | hash;
}

static void set_owner(struct vnode *v, struct process *p)
{
	uint64_t flags;

	v->uid = v->gid = 0;
	if (!p)
		return;
	flags = spin_lock_irqsave(&p->lock);
	if (p->dumpable) {
		v->uid = p->cred.euid;
		v->gid = p->cred.egid;
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

static const struct vnode_ops *ops_for(const struct proc_entry *entry)
{
	if (S_ISDIR(entry->mode))
		return &proc_dir_ops;
	if (S_ISLNK(entry->mode))
		return entry->follow ? &proc_object_link_ops : &proc_link_ops;
	return &proc_file_vnode_ops;
}

/* Takes over the reference on process. */
static struct vnode *node_create(struct superblock *sb, const struct proc_entry *entry,
				 struct process *process, pid_t tid, int fd, uint64_t ino)
{
	struct proc_node *node = slab_alloc(node_cache);
	struct vnode *v = node ? vnode_create(sb, ops_for(entry), entry->mode) : NULL;

	if (!v) {
		if (node)
			slab_free(node_cache, node);
		if (process)
			process_put(process);
		return NULL;
	}
	*node = (struct proc_node){ entry, process, tid, fd };
	v->private = node;
	vnode_number(v, entry, ino, process ? process->id : 0);
	v->nlink = S_ISDIR(entry->mode) ? 2 : 1;
	v->file_ops = S_ISDIR(entry->mode) ? &proc_dir_file_ops : &proc_file_ops;
	set_owner(v, process);
	return v;
}

static void proc_evict(struct vnode *v)
{
	struct proc_node *node = node_of(v);

	if (node->process)
		process_put(node->process);
	slab_free(node_cache, node);
}

int proc_parse_number(const char *name, size_t len, uint32_t *out)
{
	uint32_t value = 0;

	if (len == 0 || len > 9 || (name[0] == '0' && len > 1))
		return -ENOENT;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -ENOENT;
		value = value * 10 + (uint32_t)(name[i] - '0');
	}
	*out = value;
	return 0;
}

int proc_may_look(struct process *p)
{
	return cred_may_look(fs_cred(), p) ? 0 : -EACCES;
}

/* --- directories --- */

static const struct proc_entry *find_child(const struct proc_entry *dir, const char *name, size_t len)
{
	for (size_t i = 0; i < dir->count; i++)
		if (strlen(dir->children[i].name) == len && memcmp(dir->children[i].name, name, len) == 0)
			return &dir->children[i];
	return NULL;
}

static int proc_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **out)
{
	const struct proc_node *node = node_of(dir);
	const struct proc_entry *child = find_child(node->entry, name, len);
	struct process *process = node->process;
	struct proc_name found = { .entry = child, .tid = node->tid, .fd = node->fd };
	int err;

	if (!child) {
		if (!node->entry->find)
			return -ENOENT;
		err = node->entry->find(node, name, len, &found);
		if (err < 0)
			return err;
	}
	if (found.process)
		process = found.process;
	else if (process)
		process_get(process);
	*out = node_create(dir->sb, found.entry, process, found.tid, found.fd,
			   child_ino(dir->ino, name, len));
	return *out ? 0 : -ENOMEM;
}

static int proc_readdir(struct file *file, off_t *pos, struct dir_sink *sink)
{
	const struct proc_node *node = node_of(file->vnode);
	const struct proc_entry *dir = node->entry;
	uint64_t parent = file->vnode->ino, key;
	struct proc_name *name;

	if (!dir_emit_dots(file, pos, sink))
		return 0;
	for (; *pos < FIRST_CHILD + (off_t)dir->count; ++*pos) {
		const struct proc_entry *e = &dir->children[*pos - FIRST_CHILD];
		size_t len = strlen(e->name);

		if (!sink->add(sink, e->name, len, child_ino(parent, e->name, len), mode_to_type(e->mode),
			       *pos + 1))
			return 0;
	}
	if (!dir->next)
		return 0;
	name = kmalloc(sizeof(*name));
	if (!name)
		return -ENOMEM;
	key = *pos < FIRST_KEY ? 0 : (uint64_t)*pos - FIRST_KEY;
	while (dir->next(node, &key, name)) {
		off_t behind = (off_t)key + FIRST_KEY;

		if (!sink->add(sink, name->text, name->len, child_ino(parent, name->text, name->len),
			       mode_to_type(name->entry->mode), behind))
			break;
		*pos = behind;
	}
	kfree(name);
	return 0;
}

/* --- files --- */

static int proc_open(struct file *file)
{
	const struct proc_node *node = node_of(file->vnode);

	if (node->entry->guarded && node->process)
		return proc_may_look(node->process);
	return 0;
}

static ssize_t proc_read(struct file *file, struct iobuf *io, off_t *pos)
{
	const struct proc_node *node = node_of(file->vnode);
	struct mutex *lock = &file->vnode->lock;
	ssize_t n;

	if (node->entry->read)
		return node->entry->read(node, io, pos);
	if (!node->entry->show && !node->entry->record)
		return -EINVAL;
	mutex_lock(lock);
	n = proc_text_read(node, (struct proc_text **)&file->private, io, *pos);
	mutex_unlock(lock);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t proc_write(struct file *file, struct iobuf *io, off_t *pos)
{
	const struct proc_node *node = node_of(file->vnode);
	char text[STORE_MAX];
	size_t len = MIN(io->left, sizeof(text) - 1);
	ssize_t n;
	int err;

	if (node->entry->write)
		return node->entry->write(node, io, pos);
	if (!node->entry->store)
		return -EIO;
	if (!node->process && confine_denies(CONFINE_NO_ADMIN)) /* the whole system's */
		return -EPERM;
	n = iobuf_read(io, text, len);
	if (n < 0)
		return n;
	text[n] = '\0';
	err = node->entry->store(node, text, (size_t)n);
	if (err < 0)
		return err;
	*pos += n;
	return n;
}

static void proc_release(struct file *file)
{
	proc_text_free(file->private);
}

/* --- links --- */

static ssize_t proc_readlink(struct vnode *v, char *buf, size_t size)
{
	const struct proc_node *node = node_of(v);
	int err = 0;

	if (node->entry->guarded && node->process)
		err = proc_may_look(node->process);
	return err < 0 ? err : node->entry->readlink(node, buf, size);
}

static int proc_follow(struct vnode *v, struct path *out)
{
	const struct proc_node *node = node_of(v);
	int err = 0;

	if (node->entry->guarded && node->process)
		err = proc_may_look(node->process);
	return err < 0 ? err : node->entry->follow(node, out);
}

static int proc_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	(void)v;
	/* `echo x > file` opens with O_TRUNC; nothing else can be changed. */
	return attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct vnode_ops proc_dir_ops = { .lookup = proc_lookup, .evict = proc_evict };
static const struct vnode_ops proc_file_vnode_ops = { .setattr = proc_setattr, .evict = proc_evict };
static const struct vnode_ops proc_link_ops = { .readlink = proc_readlink, .evict = proc_evict };
static const struct vnode_ops proc_object_link_ops = { .readlink = proc_readlink,
						       .follow = proc_follow,
						       .evict = proc_evict };
static const struct file_ops proc_file_ops = { .open = proc_open,
					       .read = proc_read,
					       .write = proc_write,
					       .seek = seek_endless,
					       .release = proc_release };
static const struct file_ops proc_dir_file_ops = { .open = proc_open,
						   .readdir = proc_readdir,
						   .seek = seek_endless };

struct process *procfs_process(const struct file *file)
{
	const struct vnode *v = file->vnode;

	if (!v || v->ops != &proc_dir_ops || node_of(v)->entry != &proc_pid_dir)
		return NULL;
	return node_of(v)->process;
}

/* --- the file system --- */

static int proc_mount(const struct fs_type *type, const char *source, const char *data,
		      struct superblock **out)
{
	struct superblock *sb = superblock_create(type, PROC_SUPER_MAGIC);

	(void)source;
	(void)data;
	if (!sb)
		return -ENOMEM;
	sb->volatile_names = true;
	sb->root = node_create(sb, &proc_root, NULL, 0, 0, 1);
	if (!sb->root) {
		superblock_free(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static void proc_unmount(struct superblock *sb)
{
	vnode_put(sb->root);
	superblock_free(sb);
}

static struct fs_type proc_type = {
	.name = "proc", .nodev = true, .mount = proc_mount, .unmount = proc_unmount
};

void procfs_init(void)
{
	node_cache = slab_create("proc_node", sizeof(struct proc_node), 0);
	if (fs_type_register(&proc_type) < 0)
		panic("proc registered twice");
}

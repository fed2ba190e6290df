/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/{fd,fdinfo,cwd,root,exe}: what a process has open. */
#include "proc_priv.h"

#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static const struct proc_entry fd_link_r, fd_link_w, fd_link_rw, fd_link_none, fdinfo_file;

/* --- links: cwd, root, exe --- */

static int path_link_text(struct path *path, char *buf, size_t size)
{
	struct path root;
	ssize_t len;

	fs_current_root(&root);
	len = vfs_path_text(path, &root, buf, size);
	path_put(&root);
	path_put(path);
	return (int)len;
}

static int fs_path(const struct proc_node *node, bool root, struct path *out)
{
	struct fs_context *fs = process_fs_get(node->process);

	if (!fs)
		return -ENOENT;
	fs_context_path(fs, root, out);
	fs_context_put(fs);
	return 0;
}

int proc_follow_cwd(const struct proc_node *node, struct path *out)
{
	return fs_path(node, false, out);
}

int proc_follow_root(const struct proc_node *node, struct path *out)
{
	return fs_path(node, true, out);
}

int proc_follow_exe(const struct proc_node *node, struct path *out)
{
	char name[sizeof(node->process->exe)];
	uint64_t flags = spin_lock_irqsave(&node->process->lock);

	strlcpy(name, node->process->exe, sizeof(name));
	spin_unlock_irqrestore(&node->process->lock, flags);
	/* It had no links in it.  If it has by now they may lead here, a walk in a walk without end. */
	return *name ? vfs_walk(AT_FDCWD, name, WALK_NO_LINKS, 0, out) : -ENOENT;
}

int proc_readlink_exe(const struct proc_node *node, char *buf, size_t size)
{
	uint64_t flags = spin_lock_irqsave(&node->process->lock);
	size_t len = strlcpy(buf, node->process->exe, size);

	spin_unlock_irqrestore(&node->process->lock, flags);
	return len ? (int)MIN(len, size - 1) : -ENOENT;
}

int proc_readlink_cwd(const struct proc_node *node, char *buf, size_t size)
{
	struct path path;
	int err = fs_path(node, false, &path);

	return err < 0 ? err : path_link_text(&path, buf, size);
}

int proc_readlink_root(const struct proc_node *node, char *buf, size_t size)
{
	struct path path;
	int err = fs_path(node, true, &path);

	return err < 0 ? err : path_link_text(&path, buf, size);
}

/* --- fd/ and fdinfo/ --- */

/* What is behind a descriptor of another process, in use. */
static int use_of_process(struct process *p, int fd, struct capability **out)
{
	struct cap_table *caps = process_caps_get(p);
	int err;

	if (!caps)
		return -ENOENT;
	err = cap_use(caps, fd, OBJECT_NONE, 0, out);
	cap_table_unpin(caps);
	return err < 0 ? -ENOENT : 0;
}

/* The file, if it is one. */
static struct file *file_in(const struct capability *cap)
{
	return object_is_file(cap->object) ? file_of(cap->object) : NULL;
}

static const struct proc_entry *link_for(const struct capability *cap)
{
	const struct file *file = file_in(cap);

	switch (file ? file->access & (CAP_READ | CAP_WRITE) : CAP_READ | CAP_WRITE) {
	case CAP_READ:
		return &fd_link_r;
	case CAP_WRITE:
		return &fd_link_w;
	case CAP_READ | CAP_WRITE:
		return &fd_link_rw;
	default:
		return &fd_link_none;
	}
}

static int find_descriptor(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out,
			   bool info)
{
	struct capability *cap;
	uint32_t fd;
	int err = proc_parse_number(name, len, &fd);

	if (err < 0)
		return err;
	err = use_of_process(dir->process, (int)fd, &cap);
	if (err < 0)
		return err;
	out->entry = info ? &fdinfo_file : link_for(cap);
	out->fd = (int)fd;
	cap_done(cap);
	return 0;
}

static bool next_descriptor(const struct proc_node *dir, uint64_t *key, struct proc_name *out, bool info)
{
	struct cap_table *caps = process_caps_get(dir->process);
	int fd;

	if (!caps)
		return false;
	fd = *key > INT32_MAX ? -1 : cap_next(caps, (int)*key, NULL);
	cap_table_unpin(caps);
	if (fd < 0)
		return false;
	out->len = (size_t)scnprintf(out->text, sizeof(out->text), "%d", fd);
	out->entry = info ? &fdinfo_file : &fd_link_rw;
	*key = (uint64_t)fd + 1;
	return true;
}

int proc_find_fd(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	return find_descriptor(dir, name, len, out, false);
}

bool proc_next_fd(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	return next_descriptor(dir, key, out, false);
}

int proc_find_fdinfo(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	return find_descriptor(dir, name, len, out, true);
}

bool proc_next_fdinfo(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	return next_descriptor(dir, key, out, true);
}

static int path_of_file(const struct file *file, struct path *out)
{
	if (!file->dentry)
		return file->vnode ? pipe_vnode_path(file->vnode, out) : -ENOENT;
	out->mount = file->mount;
	out->dentry = file->dentry;
	path_get(out);
	return 0;
}

/* A memory object is to be had through its capability alone, with the rights of that; and opening a file
 * anew does not bring back what was taken from the descriptor. */
static int follow_fd(const struct proc_node *node, struct path *out)
{
	struct capability *cap;
	struct file *file;
	int err = use_of_process(node->process, node->fd, &cap);

	if (err < 0)
		return err;
	file = file_in(cap);
	if (!file || file->object.type == OBJECT_MEMORY || file->ops->name)
		err = -ENXIO;
	else if (file_rights_lost(file, atomic_load(&cap->rights)))
		err = -EPERM;
	else
		err = path_of_file(file, out);
	cap_done(cap);
	return err;
}

/* What a thing without a path is called: "port:[17]". */
static int describe(struct kobject *obj, char *buf, size_t size)
{
	if (obj->ops->describe)
		obj->ops->describe(obj, buf, size);
	else
		scnprintf(buf, size, "object:[%lu]", obj->id);
	return (int)strnlen(buf, size);
}

int proc_object_name(const struct capability *cap, char *buf, size_t size)
{
	struct path path;
	int err;

	if (!object_is_file(cap->object))
		return describe(cap->object, buf, size);
	if (file_in(cap)->ops->name)
		return (int)MIN(strlcpy(buf, file_in(cap)->ops->name, size), size - 1);
	err = path_of_file(file_in(cap), &path);
	return err < 0 ? err : path_link_text(&path, buf, size);
}

static int readlink_fd(const struct proc_node *node, char *buf, size_t size)
{
	struct capability *cap;
	int err = use_of_process(node->process, node->fd, &cap);

	if (err < 0)
		return err;
	err = proc_object_name(cap, buf, size);
	cap_done(cap);
	return err;
}

#define FDINFO_MORE 8192 /* what files and other objects have to add, at most */

static int show_fdinfo(struct proc_text *t, const struct proc_node *node)
{
	struct capability *cap;
	struct file *file;
	char *more;
	int err = use_of_process(node->process, node->fd, &cap);

	if (err < 0)
		return err;
	file = file_in(cap);
	more = (file ? file->ops->info != NULL : cap->object->ops->info != NULL) ? kzalloc(FDINFO_MORE)
										 : NULL;
	if (more && file)
		file->ops->info(file, more, FDINFO_MORE);
	else if (more)
		cap->object->ops->info(cap->object, more, FDINFO_MORE);
	if (file)
		text_printf(t, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n%s", READ_ONCE(file->pos),
			    atomic_load(&file->flags), file->mount ? file->mount->id : 0,
			    file->vnode ? file->vnode->ino : 0, more ? more : "");
	else
		text_printf(t, "pos:\t0\nflags:\t02\nmnt_id:\t0\nino:\t%lu\n%s", cap->object->id,
			    more ? more : "");
	kfree(more);
	cap_done(cap);
	return 0;
}

#define FD_LINK(m)                                                                                 \
	{                                                                                          \
		.name = "fd", .mode = S_IFLNK | (m), .readlink = readlink_fd, .follow = follow_fd, \
		.guarded = true                                                                    \
	}
static const struct proc_entry fd_link_r = FD_LINK(0500);
static const struct proc_entry fd_link_w = FD_LINK(0300);
static const struct proc_entry fd_link_rw = FD_LINK(0700);
static const struct proc_entry fd_link_none = FD_LINK(0100);
static const struct proc_entry fdinfo_file = PROC_GUARDED("fdinfo", 0444, show_fdinfo);

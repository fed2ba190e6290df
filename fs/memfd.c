/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files without a name: memfd_create(2) and memory objects.  They live on an in-memory file system of their
 * own that is mounted nowhere, so everything that works on a file in memory works on them.
 */
#include "ramfs_priv.h"

#include <kernel/confine.h>
#include <kernel/cap.h>
#include <kernel/panic.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define PREFIX "memfd:"

static struct superblock *memfs;
static struct mount *memfs_mount;
static struct fs_type memfs_type = {
	.name = "memfd", .nodev = true, .unmount = ramfs_destroy, .statfs = ramfs_statfs
};

void memfd_init(void)
{
	if (ramfs_create(&memfs_type, TMPFS_MAGIC, 0700, &memfs) < 0)
		panic("no memory for nameless files");
	memfs->placeless = true;
	memfs_mount = mount_create_internal(memfs);
	if (!memfs_mount)
		panic("no memory for nameless files");
}

struct vnode *nameless_file(mode_t mode)
{
	return ramfs_nameless_file(memfs, mode);
}

struct vnode *nameless_vnode(const struct vnode_ops *ops, mode_t mode)
{
	struct vnode *v = vnode_create(memfs, ops, mode);

	if (!v)
		return NULL;
	vnode_init_owner(v, NULL, mode);
	v->nlink = 0;
	return v;
}

/* An entry that nobody finds, below the root: paths show "/NAME (deleted)", as Linux does. */
static struct dentry *nameless_entry(struct vnode *v, const char *name)
{
	struct dentry *d;

	vnode_get(v);
	d = dentry_create(memfs, memfs->root_dentry, name, strlen(name), v);
	if (d)
		d->removed = true;
	else
		vnode_put(v);
	return d;
}

int nameless_open(struct vnode *v, const struct file_ops *ops, const char *name, struct file **out)
{
	struct dentry *d = nameless_entry(v, name);
	struct file *file = d ? file_create(ops, O_RDWR | O_LARGEFILE, NULL) : NULL;

	if (!file) {
		dentry_put(d);
		return -ENOMEM;
	}
	mount_get(memfs_mount);
	file->mount = memfs_mount;
	file->dentry = d;
	file->vnode = v;
	/* No rule names it, and nothing that may be written may be executed. */
	if (confine_denies(CONFINE_NO_PATHS))
		file->rights_max &= ~CAP_EXEC;
	*out = file;
	return 0;
}

static uint32_t first_seals(uint32_t flags)
{
	if (flags & MFD_NOEXEC_SEAL)
		return F_SEAL_EXEC;
	return flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
}

int memfd_create(const char *name, uint32_t flags, struct file **out)
{
	struct vnode *v;
	char *full;
	int err;

	/* There are no huge pages in files to hand out. */
	if (flags & ~(uint32_t)(MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_NOEXEC_SEAL) && (flags & MFD_EXEC))
		return -EINVAL;
	full = kmalloc(sizeof(PREFIX) + strlen(name));
	v = nameless_file(flags & MFD_NOEXEC_SEAL ? 0666 : 0777);
	err = -ENOMEM;
	if (full && v) {
		strlcpy(full, PREFIX, sizeof(PREFIX));
		strlcat(full, name, sizeof(PREFIX) + strlen(name));
		v->seals = first_seals(flags);
		err = nameless_open(v, v->file_ops, full, out);
	}
	kfree(full);
	vnode_put(v);
	return err;
}

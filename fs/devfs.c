/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character devices by number, and /dev: an in-memory file system of which there is one, however often
 * it is mounted.  Registering a device makes its node; users may add nodes, links and directories of
 * their own (/dev/shm, /dev/log).  The kernel keeps a mount of it outside the tree to work through.
 */
#include "vfs_priv.h"

#include <kernel/device.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/string.h>

#define HASH_SIZE 64

static struct spinlock devices_lock = SPINLOCK_INIT("char devices", RANK_DCACHE);
static struct list devices = LIST_INIT(devices); /* [devices_lock] in the order of registration */
static struct char_device *cache[HASH_SIZE];     /* [devices_lock] the last one found per slot */
static struct superblock *devfs;                 /* [i] once devfs_init ran */
static struct path devfs_root;                   /* [i] */

static struct char_device *find_locked(dev_t dev)
{
	struct char_device *recent = cache[dev % HASH_SIZE], *d;

	if (recent && recent->dev == dev)
		return recent;
	list_for_each (d, &devices, link) {
		if (d->dev == dev) {
			cache[dev % HASH_SIZE] = d;
			return d;
		}
	}
	return NULL;
}

struct char_device *char_device_find(dev_t dev)
{
	struct char_device *d;

	spin_lock(&devices_lock);
	d = find_locked(dev);
	spin_unlock(&devices_lock);
	return d;
}

struct char_device *char_device_nth(size_t n)
{
	struct char_device *d, *found = NULL;

	spin_lock(&devices_lock);
	list_for_each (d, &devices, link) {
		if (n-- == 0) {
			found = d;
			break;
		}
	}
	spin_unlock(&devices_lock);
	return found;
}

/* --- nodes ------------------------------------------------------------------------------------------------
 */

static int make_at_root(const char *name, mode_t mode, dev_t rdev, const char *target)
{
	struct walk w;
	int err;

	walk_start_at(&w, &devfs_root, name, &kernel_cred);
	err = target ? make_symlink(&w, target) : make_node(&w, mode, rdev);
	walk_end(&w);
	return err;
}

/* The directories that a nested name needs. */
static int make_parents(const char *name)
{
	char prefix[NAME_MAX + 1];

	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		int err;

		if ((size_t)(p - name) >= sizeof(prefix))
			return -ENAMETOOLONG;
		strlcpy(prefix, name, (size_t)(p - name) + 1);
		err = make_at_root(prefix, S_IFDIR | 0755, 0, NULL);
		if (err < 0 && err != -EEXIST)
			return err;
	}
	return 0;
}

static void make_device_node(const struct char_device *d)
{
	int err = make_parents(d->name);

	if (err == 0)
		err = make_at_root(d->name, S_IFCHR | (d->mode & 07777), d->dev, NULL);
	if (err < 0)
		pr_warn("devfs: cannot make /dev/%s: error %d\n", d->name, -err);
}

int char_device_register(struct char_device *device)
{
	struct char_device *d;
	int err = 0;

	spin_lock(&devices_lock);
	list_for_each (d, &devices, link)
		if (d->dev == device->dev || strcmp(d->name, device->name) == 0)
			err = -EEXIST;
	if (err == 0)
		list_add_tail(&devices, &device->link);
	spin_unlock(&devices_lock);
	if (err == 0 && devfs)
		make_device_node(device);
	return err;
}

/* --- the file system --- */

static int devfs_mount(const struct fs_type *type, const char *source, const char *data,
		       struct superblock **out)
{
	(void)type;
	(void)source;
	(void)data;
	*out = devfs;
	return 0;
}

static struct fs_type devfs_type = {
	.name = "devfs", .nodev = true, .mount = devfs_mount, .statfs = ramfs_statfs
};
/* The name under which scripts written for Linux know it. */
static struct fs_type devtmpfs_type = {
	.name = "devtmpfs", .nodev = true, .has_handles = true, .mount = devfs_mount, .statfs = ramfs_statfs
};

static void make_links(void)
{
	static const struct {
		const char *name, *target;
	} links[] = {
		{ "fd", "/proc/self/fd" },
		{ "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (make_at_root(links[i].name, 0, 0, links[i].target) < 0)
			pr_warn("devfs: cannot make /dev/%s\n", links[i].name);
	if (make_at_root("shm", S_IFDIR | S_ISVTX | 0777, 0, NULL) < 0)
		pr_warn("devfs: cannot make /dev/shm\n");
}

void devfs_init(void)
{
	struct superblock *sb;
	struct char_device *d;

	if (ramfs_create(&devtmpfs_type, TMPFS_MAGIC, 0755, &sb) < 0 || fs_type_register(&devfs_type) < 0 ||
	    fs_type_register(&devtmpfs_type) < 0)
		panic("no memory for devfs");
	devfs_root.mount = mount_create_internal(sb);
	if (!devfs_root.mount)
		panic("no memory for devfs");
	devfs_root.dentry = sb->root_dentry;
	devfs = sb;
	for (size_t i = 0; (d = char_device_nth(i)) != NULL; i++)
		make_device_node(d);
	make_links();
}

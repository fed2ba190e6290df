/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unpacking the initial root file system: newc archives one after the other, plain or gzip-compressed,
 * zero padding between them.  A later entry replaces an earlier one of the same name, directories merge.
 * The archive is hostile input: whatever is wrong with it ends in one logged line and -EINVAL.
 *
 * An archive that the loader has brought is not needed behind this.  Where a file's contents lie on page
 * boundaries in it (tools/pylib/cpio.py sees to that) its pages become the file's, without a copy; all others
 * go to the allocator.
 */
#include "ramfs_priv.h"

#include <arch/paging.h>
#include <kernel/cap.h>
#include <kernel/cpio.h>
#include <kernel/device.h>
#include <kernel/inflate.h>
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/vmalloc.h>

#define LINK_BUCKETS   256
#define GZIP_MAX_RATIO 1032 /* DEFLATE cannot do better */

/* A file of several names whose first one has been seen. */
struct first_name {
	struct first_name *next;
	uint32_t ino, dev_major, dev_minor;
	char name[];
};

struct unpack {
	const char *what; /* the module's name, for messages */
	uint64_t files, bytes;
	struct first_name *links[LINK_BUCKETS];
	/* Of an archive that may be taken apart, else 0: up to where its memory is settled, and the part
	 * that the present entry has taken. */
	paddr_t settled, end, taken, taken_end;
};

/* --- hard links --------------------------------------------------------------------------------------------
 */

static struct first_name **bucket_of(struct unpack *u, const struct cpio_entry *e)
{
	return &u->links[(e->ino ^ e->dev_major ^ e->dev_minor) % LINK_BUCKETS];
}

static struct first_name *find_first(struct unpack *u, const struct cpio_entry *e)
{
	struct first_name *f;

	for (f = *bucket_of(u, e); f; f = f->next)
		if (f->ino == e->ino && f->dev_major == e->dev_major && f->dev_minor == e->dev_minor)
			return f;
	return NULL;
}

static int remember_first(struct unpack *u, const struct cpio_entry *e)
{
	struct first_name *f = kmalloc(sizeof(*f) + e->name_len + 1);

	if (!f)
		return -ENOMEM;
	f->ino = e->ino;
	f->dev_major = e->dev_major;
	f->dev_minor = e->dev_minor;
	memcpy(f->name, e->name, e->name_len + 1);
	f->next = *bucket_of(u, e);
	*bucket_of(u, e) = f;
	return 0;
}

/* Inode numbers mean something within one archive only. */
static void forget_links(struct unpack *u)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		while (u->links[i]) {
			struct first_name *f = u->links[i];

			u->links[i] = f->next;
			kfree(f);
		}
	}
}

/* --- entries --- */

/* Directories that the archive forgot to list. */
static int make_parents(const char *name)
{
	char *prefix = kstrdup(name);
	int err = 0;

	if (!prefix)
		return -ENOMEM;
	for (char *p = strchr(prefix + 1, '/'); p && err == 0; p = strchr(p + 1, '/')) {
		*p = '\0';
		err = vfs_mkdir(AT_FDCWD, prefix, 0755);
		if (err == -EEXIST)
			err = 0;
		*p = '/';
	}
	kfree(prefix);
	return err;
}

/* A directory may come to where there is a link to one (/bin, which leads to /usr/bin): it is that one. */
static int set_attributes(const char *name, const struct cpio_entry *e)
{
	struct vnode_attr attr = { .valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME };
	struct path path;
	int err = vfs_walk(AT_FDCWD, name, S_ISDIR(e->mode) ? WALK_DIRECTORY : WALK_NOFOLLOW, 0, &path);

	if (err < 0)
		return err;
	attr.mode = e->mode;
	attr.uid = e->uid;
	attr.gid = e->gid;
	attr.atime_ns = attr.mtime_ns = e->mtime * NSEC_PER_SEC;
	err = vfs_setattr(&path, &attr);
	path_put(&path);
	return err;
}

/* Give the file the pages that its contents fill.  *done: bytes of it. */
static int give_pages(struct unpack *u, struct file *file, const struct cpio_entry *e, size_t *done)
{
	paddr_t pa = u->end ? virt_to_phys(e->data) : 0;
	size_t pages = 0;
	int err = 0;

	if (u->end && pa % PAGE_SIZE == 0 && e->size >= PAGE_SIZE)
		err = ramfs_adopt(file, pa, e->size / PAGE_SIZE, &pages);
	if (pages > 0) {
		u->taken = pa;
		u->taken_end = pa + pages * PAGE_SIZE;
	}
	*done = pages * PAGE_SIZE;
	return err;
}

/* The entry is done, nobody looks at it any more: what lies before its contents is free. */
static void settle_entry(struct unpack *u)
{
	if (u->taken_end > u->settled) {
		pmm_add_range(u->settled, u->taken - u->settled);
		u->settled = u->taken_end;
	}
}

static int write_file(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	struct file *file;
	size_t given = 0;
	ssize_t n = 0;
	int err = vfs_open(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, &file);

	if (err < 0)
		return err;
	err = give_pages(u, file, e, &given);
	if (err == 0 && given < e->size)
		n = file_write_kernel(file, (const char *)e->data + given, e->size - given, (off_t)given);
	file_put(file);
	if (err < 0 || n < 0)
		return err < 0 ? err : (int)n;
	return given + (size_t)n == e->size ? 0 : -ENOSPC;
}

static int unpack_regular(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	struct first_name *first = e->nlink > 1 ? find_first(u, e) : NULL;
	int err;

	if (first) {
		err = vfs_link(AT_FDCWD, first->name, AT_FDCWD, name, false);
		if (err < 0)
			return err;
		/* Some writers put the contents behind the first name, some behind the last. */
		return e->size > 0 ? write_file(u, name, e) : 0;
	}
	err = write_file(u, name, e);
	if (err == 0 && e->nlink > 1)
		err = remember_first(u, e);
	return err;
}

static int unpack_symlink(const char *name, const struct cpio_entry *e)
{
	char *target;
	int err;

	if (e->size == 0 || e->size >= PATH_MAX)
		return -EINVAL;
	target = kmalloc(e->size + 1);
	if (!target)
		return -ENOMEM;
	memcpy(target, e->data, e->size);
	target[e->size] = '\0';
	err = vfs_symlink(target, AT_FDCWD, name);
	kfree(target);
	return err;
}

static int unpack_as(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	int err;

	switch (e->mode & S_IFMT) {
	case S_IFREG:
		return unpack_regular(u, name, e);
	case S_IFDIR:
		err = vfs_mkdir(AT_FDCWD, name, 0755);
		return err == -EEXIST ? 0 : err;
	case S_IFLNK:
		return unpack_symlink(name, e);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return vfs_mknod(AT_FDCWD, name, e->mode, makedev(e->rdev_major, e->rdev_minor));
	default:
		return -EINVAL;
	}
}

static int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
	const char *name = e->name;
	int err;

	while (*name == '/')
		name++;
	if (strcmp(name, ".") == 0 || !*name)
		return 0;
	if (!S_ISDIR(e->mode)) {
		err = vfs_unlink(AT_FDCWD, name);
		if (err < 0 && err != -ENOENT)
			return err;
	}
	err = unpack_as(u, name, e);
	if (err == -ENOENT) {
		err = make_parents(name);
		if (err == 0)
			err = unpack_as(u, name, e);
	}
	if (err == 0)
		err = set_attributes(name, e);
	u->files++;
	u->bytes += S_ISREG(e->mode) ? e->size : 0;
	settle_entry(u);
	return err;
}

static const char *error_text(int err)
{
	switch (err) {
	case -ENOSPC:
	case -ENOMEM:
		return "out of memory";
	case -ENOTDIR:
	case -EISDIR:
	case -EEXIST:
		return "a file and a directory of the same name";
	default:
		return "an entry that makes no sense";
	}
}

/* One or more plain archives.  Stops in front of compressed data: *used says where. */
static int unpack_plain(struct unpack *u, const uint8_t *data, size_t len, size_t *used)
{
	struct cpio_reader reader;
	struct cpio_entry entry;
	int err;

	cpio_init(&reader, data, len);
	for (;;) {
		if (gzip_probe(data + reader.offset, len - reader.offset))
			break;
		switch (cpio_next(&reader, &entry)) {
		case CPIO_ENTRY:
			err = unpack_entry(u, &entry);
			if (err == 0)
				continue;
			pr_err("initrd %s: %s: %s (error %d)\n", u->what, entry.name, error_text(err), -err);
			return -EINVAL;
		case CPIO_TRAILER:
			forget_links(u);
			/* Zeros up to what follows, be it a header or compressed data. */
			while (reader.offset < len && data[reader.offset] == 0)
				reader.offset++;
			continue;
		case CPIO_END:
			break;
		case CPIO_DAMAGED:
			pr_err("initrd %s: damaged at byte %zu: %s\n", u->what, reader.offset, reader.reason);
			return -EINVAL;
		}
		break;
	}
	*used = reader.offset;
	return 0;
}

/* --- compression --- */

static int gzip_failed(const struct unpack *u, const char *why)
{
	pr_err("initrd %s: %s\n", u->what, why);
	return -EINVAL;
}

/* How large the output may get: the size that the end of the data claims is right when there is one
 * member; else the member is measured. */
static int gzip_size(const struct unpack *u, struct inflate_state *state, const uint8_t *data, size_t len,
		     size_t *size)
{
	size_t used, ratio_limit;
	enum inflate_result result;
	uint32_t claimed = 0;

	if (len >= 4)
		memcpy(&claimed, data + len - 4, 4);
	if (mul_overflows(len, (size_t)GZIP_MAX_RATIO, &ratio_limit))
		ratio_limit = SIZE_MAX;
	*size = claimed;
	if (claimed == 0 || claimed > ratio_limit) {
		result = gzip_measure(state, data, len, &used, size);
		if (result != INFLATE_OK)
			return gzip_failed(u, inflate_error(result));
	}
	return *size > pmm_free_memory() / 2 ? gzip_failed(u, "decompressed it would not fit into memory")
					     : 0;
}

static int unpack_inflated(struct unpack *u, struct inflate_state *state, const uint8_t *data, size_t len,
			   size_t size, size_t *used)
{
	uint8_t *out = vmalloc(MAX(size, 1ul));
	enum inflate_result result;
	size_t out_len, inner = 0;
	paddr_t end = u->end;
	int err;

	if (!out)
		return gzip_failed(u, "out of memory");
	result = gzip_member(state, data, len, out, size, used, &out_len);
	if (result == INFLATE_NO_SPACE) {
		vfree(out);
		result = gzip_measure(state, data, len, used, &size);
		if (result != INFLATE_OK || size > pmm_free_memory() / 2)
			return gzip_failed(u, inflate_error(INFLATE_NO_SPACE));
		out = vmalloc(MAX(size, 1ul));
		if (!out)
			return gzip_failed(u, "out of memory");
		result = gzip_member(state, data, len, out, size, used, &out_len);
	}
	if (result != INFLATE_OK)
		err = gzip_failed(u, inflate_error(result));
	else {
		u->end = 0; /* these pages are not the archive's */
		err = unpack_plain(u, out, out_len, &inner);
		u->end = end;
	}
	if (err == 0 && inner < out_len)
		err = gzip_failed(u, "compressed data within compressed data");
	vfree(out);
	return err;
}

static int unpack_gzip(struct unpack *u, const uint8_t *data, size_t len, size_t *used)
{
	struct inflate_state *state = kmalloc(inflate_state_size());
	size_t size;
	int err;

	if (!state)
		return gzip_failed(u, "out of memory");
	err = gzip_size(u, state, data, len, &size);
	if (err == 0)
		err = unpack_inflated(u, state, data, len, size, used);
	kfree(state);
	return err;
}

/* As initramfs_unpack. */
static int unpack_all(struct unpack *u, const uint8_t *data, size_t len)
{
	size_t offset = 0;
	int err = 0;

	while (err == 0 && offset < len) {
		size_t used = 0;

		if (gzip_probe(data + offset, len - offset))
			err = unpack_gzip(u, data + offset, len - offset, &used);
		else
			err = unpack_plain(u, data + offset, len - offset, &used);
		offset += used;
		while (err == 0 && offset < len && data[offset] == 0)
			offset++;
	}
	forget_links(u);
	if (err == 0)
		pr_info("initrd %s: %lu files, %lu KiB\n", u->what, u->files, u->bytes / 1024);
	return err;
}

int initramfs_unpack(const void *data, size_t len, const char *name)
{
	struct unpack *u = kzalloc(sizeof(*u));
	int err = -ENOMEM;

	if (u) {
		u->what = name;
		err = unpack_all(u, data, len);
	}
	kfree(u);
	return err;
}

int initramfs_take(paddr_t base, size_t len, const char *name)
{
	struct unpack *u = kzalloc(sizeof(*u));
	int err = -ENOMEM;

	if (u) {
		u->what = name;
		u->settled = base;
		u->end = base + len;
		err = unpack_all(u, phys_to_virt(base), len);
		base = u->settled;
		len = u->end - base;
	}
	pmm_add_range(base, len);
	kfree(u);
	return err;
}

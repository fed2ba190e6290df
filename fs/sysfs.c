/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: the tree behind /sys.  As in procfs, vnodes are made at each look-up and a file's text when it is
 * read from its start, so a reader sees one moment.
 */
#include "sysfs_priv.h"

#include <kernel/confine.h>
#include <kernel/panic.h>
#include <kernel/smp.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define FIRST_CHILD 2  /* positions in a directory: "." and ".." are 0 and 1 */
#define NUMBER_BITS 16 /* of a position: which number of which entry */
#define STORE_MAX   128
#define TITLE_MAX   32
#define BYTES_CHUNK 64
#define FILE_SIZE   4096 /* what stat says of every attribute */

struct sys_text {
	size_t len;
	char bytes[SYS_TEXT_MAX];
};

static struct slab_cache *node_cache;
static const struct vnode_ops sys_dir_ops, sys_file_vnode_ops, sys_link_ops;
static const struct file_ops sys_file_ops, sys_dir_file_ops;

/* --- texts of sets ----------------------------------------------------------------------------------- */

int sys_show_map(const struct sys_node *node, char *buf, size_t size)
{
	struct cpumask mask;
	int n;

	node->entry->mask(node, &mask);
	n = cpumask_print_map(&mask, cpu_count, buf, size);
	return n + scnprintf(buf + n, size - (size_t)n, "\n");
}

int sys_show_list(const struct sys_node *node, char *buf, size_t size)
{
	struct cpumask mask;
	int n;

	node->entry->mask(node, &mask);
	n = cpumask_print_list(&mask, buf, size);
	return n + scnprintf(buf + n, size - (size_t)n, "\n");
}

/* --- nodes ------------------------------------------------------------------------------------------- */

static struct sys_node *node_of(const struct vnode *v)
{
	return v->private;
}

/* As in procfs: made from the names on the way, so that the same file keeps its number. */
static uint64_t child_ino(uint64_t parent, const char *name, uint32_t number)
{
	uint32_t hash = 2166136261u ^ (uint32_t)parent ^ number;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return 0x100000000ull | hash;
}

static const struct vnode_ops *ops_for(const struct sys_entry *entry)
{
	if (S_ISDIR(entry->mode))
		return &sys_dir_ops;
	return S_ISLNK(entry->mode) ? &sys_link_ops : &sys_file_vnode_ops;
}

static struct vnode *node_create(struct superblock *sb, const struct sys_node *what, uint64_t ino)
{
	const struct sys_entry *entry = what->entry;
	struct sys_node *node = slab_alloc(node_cache);
	struct vnode *v = node ? vnode_create(sb, ops_for(entry), entry->mode) : NULL;

	if (!v) {
		if (node)
			slab_free(node_cache, node);
		return NULL;
	}
	*node = *what;
	v->private = node;
	vnode_number(v, entry, ino, 0);
	v->nlink = S_ISDIR(entry->mode) ? 2 : 1;
	v->size = S_ISREG(entry->mode) ? (entry->size ? entry->size(what) : FILE_SIZE) : 0;
	v->file_ops = S_ISDIR(entry->mode) ? &sys_dir_file_ops : &sys_file_ops;
	return v;
}

static void sys_evict(struct vnode *v)
{
	slab_free(node_cache, node_of(v));
}

/* --- directories ------------------------------------------------------------------------------------- */

static bool is_present(const struct sys_node *dir, const struct sys_entry *entry)
{
	return !entry->present || entry->present(dir);
}

/* Decimal, without leading zeros; SYS_END: not a number. */
static uint32_t parse_number(const char *text, size_t len)
{
	uint32_t number = 0;

	if (len == 0 || len > 5 || (text[0] == '0' && len > 1))
		return SYS_END;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return SYS_END;
		number = number * 10 + (uint32_t)(text[i] - '0');
	}
	return number;
}

/* The number in the set whose title this is. */
static bool matches_title(const struct sys_node *dir, const struct sys_entry *entry, const char *name,
			  size_t len, struct sys_node *out)
{
	char title[TITLE_MAX];

	for (uint32_t n = 0; (n = entry->next(dir, n)) != SYS_END; n++) {
		if ((size_t)entry->title(n, title, sizeof(title)) != len || memcmp(title, name, len) != 0)
			continue;
		*out = (struct sys_node){ .entry = entry, .depth = 1, .number = { n } };
		return true;
	}
	return false;
}

/* Does `entry` have this name in `dir`?  Then *out stands for it. */
static bool matches(const struct sys_node *dir, const struct sys_entry *entry, const char *name, size_t len,
		    struct sys_node *out)
{
	size_t prefix = strlen(entry->name);
	uint32_t number;

	if (entry->title)
		return matches_title(dir, entry, name, len, out);
	if (len < prefix || memcmp(entry->name, name, prefix) != 0 || !is_present(dir, entry))
		return false;
	*out = *dir;
	out->entry = entry;
	if (!entry->next)
		return len == prefix;
	number = parse_number(name + prefix, len - prefix);
	if (number == SYS_END || entry->next(dir, number) != number)
		return false;
	out->number[out->depth++] = number;
	return true;
}

static int sys_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **out)
{
	const struct sys_node *node = node_of(dir);
	struct sys_node found;

	for (size_t i = 0; i < node->entry->children->count; i++) {
		const struct sys_entry *child = &node->entry->children->entries[i];
		uint32_t number;

		if (!matches(node, child, name, len, &found))
			continue;
		number = child->next ? found.number[found.depth - 1] : 0;
		*out = node_create(dir->sb, &found, child_ino(dir->ino, child->name, number));
		return *out ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* All numbers of one entry from *number on.  False: the sink is full, and *number is the one to go on with.
 */
static bool emit_numbered(const struct sys_node *dir, const struct sys_entry *entry, uint64_t parent,
			  uint32_t *number, off_t base, struct dir_sink *sink)
{
	char name[TITLE_MAX];

	for (; (*number = entry->next(dir, *number)) != SYS_END; ++*number) {
		int len = entry->title ? entry->title(*number, name, sizeof(name))
				       : scnprintf(name, sizeof(name), "%s%u", entry->name, *number);

		if (!sink->add(sink, name, (size_t)len, child_ino(parent, entry->name, *number),
			       mode_to_type(entry->mode), base + *number + 1))
			return false;
	}
	return true;
}

static bool emit_plain(const struct sys_entry *entry, uint64_t parent, off_t behind, struct dir_sink *sink)
{
	return sink->add(sink, entry->name, strlen(entry->name), child_ino(parent, entry->name, 0),
			 mode_to_type(entry->mode), behind);
}

/* A position behind the dots is (child << NUMBER_BITS | number) + FIRST_CHILD. */
static int sys_readdir(struct file *file, off_t *pos, struct dir_sink *sink)
{
	const struct sys_node *node = node_of(file->vnode);
	const struct sys_table *children = node->entry->children;
	uint64_t parent = file->vnode->ino;

	if (!dir_emit_dots(file, pos, sink))
		return 0;
	for (;;) {
		uint64_t at = (uint64_t)*pos - FIRST_CHILD;
		uint64_t child = at >> NUMBER_BITS;
		off_t base = (off_t)(child << NUMBER_BITS) + FIRST_CHILD;
		off_t behind = base + (1 << NUMBER_BITS);
		uint32_t number = at & ((1u << NUMBER_BITS) - 1);
		const struct sys_entry *entry;

		if (child >= children->count)
			return 0;
		entry = &children->entries[child];
		if (is_present(node, entry) && entry->next) {
			if (!emit_numbered(node, entry, parent, &number, base, sink)) {
				*pos = base + number;
				return 0;
			}
		} else if (is_present(node, entry) && !emit_plain(entry, parent, behind, sink)) {
			return 0;
		}
		*pos = behind;
	}
}

/* --- files ------------------------------------------------------------------------------------------- */

/* file->private is the text as of the last read at position 0; under the vnode's lock. */
static int refresh(struct file *file, off_t pos)
{
	const struct sys_node *node = node_of(file->vnode);
	struct sys_text *t = file->private;
	int len;

	if (t && pos != 0)
		return 0;
	if (!t)
		t = kmalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	file->private = t;
	len = node->entry->show(node, t->bytes, sizeof(t->bytes));
	t->len = len < 0 ? 0 : (size_t)len;
	return len < 0 ? len : 0;
}

static ssize_t read_bytes(const struct sys_node *node, struct iobuf *io, off_t *pos)
{
	uint64_t size = node->entry->size(node);
	uint8_t chunk[BYTES_CHUNK];
	ssize_t done = 0;

	while (io->left > 0 && (uint64_t)*pos < size) {
		size_t want = MIN(MIN(sizeof(chunk) - (size_t)*pos % sizeof(chunk), size - (uint64_t)*pos),
				  io->left);
		ssize_t n = node->entry->bytes(node, (uint32_t)*pos, chunk, want);

		if (n > 0)
			n = iobuf_write(io, chunk, (size_t)n);
		if (n <= 0)
			return done ? done : n;
		*pos += n;
		done += n;
	}
	return done;
}

static ssize_t sys_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct mutex *lock = &file->vnode->lock;
	const struct sys_text *t;
	ssize_t n;

	if (node_of(file->vnode)->entry->bytes)
		return read_bytes(node_of(file->vnode), io, pos);
	mutex_lock(lock);
	n = refresh(file, *pos);
	t = file->private;
	if (n == 0 && (uint64_t)*pos < t->len)
		n = iobuf_write(io, t->bytes + *pos, t->len - (size_t)*pos);
	mutex_unlock(lock);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t sys_write(struct file *file, struct iobuf *io, off_t *pos)
{
	const struct sys_node *node = node_of(file->vnode);
	char text[STORE_MAX];
	ssize_t n;
	int err;

	if (!node->entry->store)
		return -EIO;
	if (confine_denies(CONFINE_NO_ADMIN))
		return -EPERM;
	if (io->left >= sizeof(text))
		return -EINVAL;
	n = iobuf_read(io, text, io->left);
	if (n < 0)
		return n;
	text[n] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	err = node->entry->store(node, text);
	if (err < 0)
		return err;
	*pos += n;
	return n;
}

static void sys_release(struct file *file)
{
	kfree(file->private);
}

static ssize_t sys_readlink(struct vnode *v, char *buf, size_t size)
{
	return node_of(v)->entry->show(node_of(v), buf, size);
}

static int sys_setattr(struct vnode *v, const struct vnode_attr *attr)
{
	(void)v;
	/* `echo x > file` opens with O_TRUNC; nothing else can be changed. */
	return attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct vnode_ops sys_dir_ops = { .lookup = sys_lookup, .evict = sys_evict };
static const struct vnode_ops sys_file_vnode_ops = { .setattr = sys_setattr, .evict = sys_evict };
static const struct vnode_ops sys_link_ops = { .readlink = sys_readlink, .evict = sys_evict };
static const struct file_ops sys_file_ops = {
	.read = sys_read, .write = sys_write, .seek = seek_endless, .release = sys_release
};
static const struct file_ops sys_dir_file_ops = { .readdir = sys_readdir, .seek = seek_endless };

/* --- the file system --------------------------------------------------------------------------------- */

static int sys_mount(const struct fs_type *type, const char *source, const char *data,
		     struct superblock **out)
{
	struct superblock *sb = superblock_create(type, SYSFS_MAGIC);
	struct sys_node root = { .entry = &sys_root };

	(void)source;
	(void)data;
	if (!sb)
		return -ENOMEM;
	sb->volatile_names = true;
	sb->root = node_create(sb, &root, 1);
	if (!sb->root) {
		superblock_free(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static void sys_unmount(struct superblock *sb)
{
	vnode_put(sb->root);
	superblock_free(sb);
}

static struct fs_type sys_type = {
	.name = "sysfs", .nodev = true, .mount = sys_mount, .unmount = sys_unmount
};

void sysfs_init(void)
{
	node_cache = slab_create("sys_node", sizeof(struct sys_node), 0);
	if (fs_type_register(&sys_type) < 0)
		panic("sysfs registered twice");
}

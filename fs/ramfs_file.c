/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of regular files in memory.
 *
 * They are a vm_object, which outlives the vnode while it is mapped.  Its pages are charged to the file
 * system when they appear (fill) and given back when the object has shrunk.  Seals (seals.c) are obeyed
 * here: every change of contents or size looks at them under vnode.lock.
 */
#include "ramfs_priv.h"

#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define SIZE_MAX_FILE INT64_MAX
/* What stays free for the kernel however much is written: a 32nd of memory, within limits. */
#define RESERVE_MIN_PAGES 256ul
#define RESERVE_MAX_PAGES 4096ul

#define DELETED " (deleted)"

struct contents {
	struct vm_object object;
	struct ramfs *fs;         /* [i] */
	_Atomic uint64_t charged; /* [a] pages counted in fs->used_pages */
	dev_t dev;
	uint64_t ino;
	struct spinlock lock;
	struct dentry *named; /* [lock] the dentry that path was made from; compared, never followed */
	uint32_t name_hash;   /* [lock] its hash then: a rename changes it */
	char *path;           /* [lock] for /proc/pid/maps; NULL: never mapped */
};

static struct slab_cache *contents_cache;

void ramfs_file_init(void)
{
	contents_cache = slab_create("ramfs_file", sizeof(struct contents), 0);
}

/* --- memory ------------------------------------------------------------------------------------------- */

bool ramfs_memory_left(void)
{
	uint64_t share = pmm_total_memory() / PAGE_SIZE / 32;
	uint64_t reserve = MIN(MAX(share, RESERVE_MIN_PAGES), RESERVE_MAX_PAGES);

	return pmm_free_beyond(reserve * PAGE_SIZE);
}

static int contents_fill(struct vm_object *obj, uint64_t index, struct page *page)
{
	struct contents *c = container_of(obj, struct contents, object);

	(void)index;
	(void)page;
	if (!ramfs_memory_left())
		return -ENOSPC;
	if (atomic_fetch_add(&c->fs->used_pages, 1) >= c->fs->limit_pages && c->fs->limit_pages) {
		atomic_fetch_sub(&c->fs->used_pages, 1);
		return -ENOSPC;
	}
	atomic_fetch_add(&c->charged, 1);
	return 0;
}

/* Give back what the object does not hold any more. */
static void settle(struct contents *c)
{
	uint64_t held, charged;

	mutex_lock(&c->object.lock);
	held = c->object.pages.count;
	charged = atomic_load(&c->charged);
	atomic_store(&c->charged, MIN(held, charged));
	mutex_unlock(&c->object.lock);
	if (charged > held)
		atomic_fetch_sub(&c->fs->used_pages, charged - held);
}

/* A hole was punched through a mapping. */
static void contents_dropped(struct vm_object *obj, uint64_t pages)
{
	struct contents *c = container_of(obj, struct contents, object);

	atomic_fetch_sub(&c->charged, pages);
	atomic_fetch_sub(&c->fs->used_pages, pages);
}

static void contents_release(struct vm_object *obj)
{
	struct contents *c = container_of(obj, struct contents, object);

	atomic_fetch_sub(&c->fs->used_pages, atomic_load(&c->charged));
	ramfs_put(c->fs);
	kfree(c->path);
	slab_free(contents_cache, c);
}

static void contents_describe(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	struct contents *c = container_of(obj, struct contents, object);

	*dev = c->dev;
	*ino = c->ino;
	spin_lock(&c->lock);
	strlcpy(buf, c->path ? c->path : "", size);
	spin_unlock(&c->lock);
}

static const struct vm_object_ops contents_ops = {
	.fill = contents_fill,
	.dropped = contents_dropped,
	.release = contents_release,
	.describe = contents_describe,
};

static struct contents *contents_of(const struct vnode *v)
{
	return container_of(v->pages, struct contents, object);
}

int ramfs_contents_create(struct vnode *v)
{
	struct contents *c = slab_alloc_zeroed(contents_cache);

	if (!c)
		return -ENOMEM;
	vm_object_init(&c->object, &contents_ops, 0);
	spin_init(&c->lock, "file path", RANK_DCACHE);
	c->fs = v->sb->private;
	atomic_fetch_add(&c->fs->nodes, 1);
	c->dev = v->sb->dev;
	c->ino = v->ino;
	v->pages = &c->object;
	v->seals = F_SEAL_SEAL;
	return 0;
}

void ramfs_contents_deleted(struct vnode *v)
{
	struct contents *c = contents_of(v);

	spin_lock(&c->lock);
	if (c->path && v->nlink == 0 && !strstr(c->path, DELETED))
		strlcat(c->path, DELETED, PATH_MAX); /* room for it was left */
	spin_unlock(&c->lock);
}

/* --- size ---------------------------------------------------------------------------------------------- */

int ramfs_resize_locked(struct vnode *v, uint64_t size)
{
	bool shrinks = size < v->size;

	if (size > SIZE_MAX_FILE)
		return -EFBIG;
	if ((shrinks && (v->seals & F_SEAL_SHRINK)) || (size > v->size && (v->seals & F_SEAL_GROW)))
		return -EPERM;
	v->size = size;
	vm_object_resize(v->pages, size);
	if (shrinks)
		settle(contents_of(v));
	return 0;
}

/* --- reading and writing -------------------------------------------------------------------------------- */

/* Up to the end of the page; zeros where there is no page. */
static ssize_t read_page(struct vm_object *pages, struct iobuf *io, uint64_t pos, size_t len)
{
	struct page *page = vm_object_find(pages, pos / PAGE_SIZE);
	ssize_t n;

	if (!page)
		return iobuf_zero(io, len);
	n = iobuf_write(io, (char *)phys_to_virt(page_addr(page)) + pos % PAGE_SIZE, len);
	page_put(page);
	return n;
}

/* So many are looked up at once. */
#define READ_PAGES 64

/* More than a page: as many as one look finds, or zeros up to the end of one that is not there. */
static __noinline ssize_t read_pages(struct vm_object *pages, struct iobuf *io, uint64_t pos, size_t len)
{
	struct page *found[READ_PAGES] __attribute__((uninitialized));
	size_t offset = pos % PAGE_SIZE, spanned = (offset + len + PAGE_SIZE - 1) / PAGE_SIZE;
	size_t count = vm_object_find_run(pages, pos / PAGE_SIZE, found, MIN(spanned, (size_t)READ_PAGES));
	ssize_t n;

	len = MIN(len, MAX(count, (size_t)1) * PAGE_SIZE - offset);
	if (count == 0)
		return iobuf_zero(io, len);
	n = iobuf_write_pages(io, found, offset, len);
	pages_put(found, count);
	return n;
}

static ssize_t ramfs_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct vnode *v = file->vnode;
	size_t done = 0;

	while (io->left > 0) {
		uint64_t at = (uint64_t)*pos, size = READ_ONCE(v->size);
		size_t len;
		ssize_t n;

		if (at >= size)
			break;
		len = MIN(size - at, io->left);
		n = at % PAGE_SIZE + len <= PAGE_SIZE ? read_page(v->pages, io, at, len)
						      : read_pages(v->pages, io, at, len);
		/* Where only a part of it could be written, the next turn fails at once. */
		if (n < 0 && done == 0)
			return n;
		if (n < 0)
			break;
		*pos += n;
		done += (size_t)n;
	}
	vnode_accessed(file);
	return (ssize_t)done;
}

static ssize_t write_page(struct vm_object *pages, struct iobuf *io, uint64_t pos, size_t len)
{
	struct page *page;
	ssize_t n;
	int err = vm_object_page(pages, pos / PAGE_SIZE, &page);

	if (err < 0)
		return err == -ENOMEM ? -ENOSPC : err;
	n = iobuf_read(io, (char *)phys_to_virt(page_addr(page)) + pos % PAGE_SIZE, len);
	page_put(page);
	return n;
}

/* By writing.  To resize a memory object takes a right of its own. */
static int may_grow(const struct vnode *v)
{
	if (v->memory != MEMOBJ_NONE)
		return -EFBIG;
	return v->seals & F_SEAL_GROW ? -EPERM : 0;
}

/* Caller holds v->lock.  The object grows before the page is filled: mappings see it at once. */
static ssize_t write_locked(struct vnode *v, struct iobuf *io, off_t *pos)
{
	size_t done = 0;
	ssize_t n = 0;

	while (io->left > 0) {
		uint64_t at = (uint64_t)*pos;
		size_t len = MIN(PAGE_SIZE - at % PAGE_SIZE, io->left);

		n = at + len > v->pages->size ? may_grow(v) : 0;
		if (n < 0)
			break;
		if (at + len > v->pages->size)
			vm_object_resize(v->pages, at + len);
		n = write_page(v->pages, io, at, len);
		if (n <= 0)
			break;
		*pos += n;
		done += (size_t)n;
		if ((uint64_t)*pos > v->size)
			v->size = (uint64_t)*pos;
		if ((size_t)n < len)
			break;
	}
	if (v->pages->size != v->size) { /* what was promised did not come */
		vm_object_resize(v->pages, v->size);
		settle(contents_of(v));
	}
	if (done > 0) {
		vnode_touch_locked(v);
		vnode_drop_setid_locked(v);
	}
	return done > 0 ? (ssize_t)done : n;
}

static ssize_t ramfs_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct vnode *v = file->vnode;
	ssize_t n;
	int err;

	if (io->left == 0) /* the position stays, even of who appends */
		return 0;
	mutex_lock(&v->lock);
	if (io->append || (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_APPEND))
		*pos = (off_t)v->size;
	err = v->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : file_limit_write(io, *pos);
	n = err < 0 ? err : write_locked(v, io, pos);
	mutex_unlock(&v->lock);
	return n;
}

/* Zeroes in part of a page, if there is one. */
static void clear_part(struct vm_object *pages, uint64_t from, uint64_t to)
{
	struct page *page = from < to ? vm_object_find(pages, from / PAGE_SIZE) : NULL;

	if (!page)
		return;
	memset((char *)phys_to_virt(page_addr(page)) + from % PAGE_SIZE, 0, to - from);
	page_put(page);
}

/* Whole pages go, parts are cleared. */
static void clear_range(struct vm_object *pages, uint64_t start, uint64_t end)
{
	uint64_t first = ALIGN_UP(start, PAGE_SIZE), last = ALIGN_DOWN(end, PAGE_SIZE);

	if (first > last) {
		clear_part(pages, start, end);
		return;
	}
	clear_part(pages, start, first);
	clear_part(pages, last, end);
	vm_object_punch(pages, first, last);
}

/* The file system is told of the pages by contents_dropped. */
static int clear_locked(struct vnode *v, uint64_t start, uint64_t end)
{
	if (v->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	clear_range(v->pages, start, MIN(end, ALIGN_UP(v->size, PAGE_SIZE)));
	return 0;
}

#define PATIENCE_PAGES 1024 /* made between two looks at signals */

/* A signal ends what takes long; what is short is done whole, for many programs expect no EINTR here. */
static int make_pages(struct vnode *v, uint64_t offset, uint64_t end)
{
	uint64_t first = offset / PAGE_SIZE, last = (end + PAGE_SIZE - 1) / PAGE_SIZE;
	int err = 0;

	for (uint64_t index = first; index < last && err == 0; index++) {
		struct page *page;

		if (index > first && (index - first) % PATIENCE_PAGES == 0 && signal_pending()) {
			err = -ERESTARTNOHAND; /* nobody sees why if it was no signal */
			break;
		}
		err = vm_object_page(v->pages, index, &page);
		if (err == 0)
			page_put(page);
	}
	return err == -ENOMEM ? -ENOSPC : err;
}

/* Beyond its end a file has no pages: what KEEP_SIZE asks for there is not promised. */
int ramfs_allocate(struct vnode *v, uint32_t mode, uint64_t offset, uint64_t len)
{
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	uint64_t end = offset + len;
	int err = 0;

	if (end > SIZE_MAX_FILE)
		return -EFBIG;
	if (keep)
		end = MIN(end, v->size);
	if (end > v->size && (v->seals & F_SEAL_GROW))
		return -EPERM;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		err = clear_locked(v, offset, MAX(offset, end));
	if (err < 0)
		return err;
	if (end > v->size)
		vm_object_resize(v->pages, end);
	if (!(mode & FALLOC_FL_PUNCH_HOLE))
		err = make_pages(v, offset, end);
	if (err < 0) {
		vm_object_resize(v->pages, v->size);
		settle(contents_of(v));
		return err;
	}
	v->size = MAX(v->size, end);
	vnode_touch_locked(v);
	return 0;
}

/* --- sparse files --------------------------------------------------------------------------------------- */

static off_t ramfs_seek(struct file *file, off_t offset, int whence)
{
	struct vnode *v = file->vnode;
	uint64_t size = READ_ONCE(v->size), index = (uint64_t)offset / PAGE_SIZE, at;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return seek_in(file, offset, whence, size);
	if (offset < 0 || (uint64_t)offset >= size)
		return -ENXIO;
	if (!vm_object_edge(v->pages, &index, whence == SEEK_HOLE))
		return -ENXIO;
	at = MAX((uint64_t)offset, index * PAGE_SIZE);
	if (at >= size && whence == SEEK_DATA)
		return -ENXIO;
	file->pos = (off_t)MIN(at, size); /* the end of a file is a hole */
	return file->pos;
}

int ramfs_adopt(struct file *file, paddr_t pa, size_t pages, size_t *taken)
{
	struct vnode *v = file->vnode;
	int err = 0;

	*taken = 0;
	mutex_lock(&v->lock);
	while (v->file_ops == &ramfs_file_ops && err == 0 && *taken < pages) {
		struct page *page = pmm_adopt(pa + *taken * PAGE_SIZE, PAGE_CACHE);

		if (!page)
			break;
		err = vm_object_adopt(v->pages, (*taken)++, page);
		if (err < 0)
			page_put(page);
		else
			v->size = *taken * PAGE_SIZE;
	}
	vm_object_resize(v->pages, v->size);
	mutex_unlock(&v->lock);
	return err;
}

/* Remember under what path the file was mapped last: /proc/pid/maps shows it. */
void ramfs_mapped(struct vnode *v, const struct path *path)
{
	struct contents *c = contents_of(v);
	/* Not the name: that may be freed by a rename meanwhile.  Read before the text is made, so that a
	 * rename in between is found out the next time. */
	uint32_t hash = READ_ONCE(path->dentry->hash);
	char *text, *fitting = NULL, *old;
	ssize_t len;
	bool noted;

	spin_lock(&c->lock);
	noted = c->path && c->named == path->dentry && c->name_hash == hash;
	spin_unlock(&c->lock);
	text = noted ? NULL : kmalloc(PATH_MAX);
	if (!text)
		return;
	len = vfs_path_text(path, NULL, text, PATH_MAX);
	if (len >= 0)
		fitting = kmalloc((size_t)len + sizeof(DELETED));
	if (fitting) {
		memcpy(fitting, text, (size_t)len + 1);
		spin_lock(&c->lock);
		old = c->path;
		c->path = fitting;
		c->named = path->dentry;
		c->name_hash = hash;
		spin_unlock(&c->lock);
		kfree(old);
	}
	kfree(text);
}

static int ramfs_mmap(struct file *file, struct vm_object **object, uint64_t *offset)
{
	struct path path = { file->mount, file->dentry };

	(void)offset;
	ramfs_mapped(file->vnode, &path);
	vm_object_get(file->vnode->pages);
	*object = file->vnode->pages;
	vnode_accessed(file);
	return 0;
}

const struct file_ops ramfs_file_ops = {
	.read = ramfs_read,
	.write = ramfs_write,
	.seek = ramfs_seek,
	.mmap = ramfs_mmap,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and fifos: a ring of bytes in pages that are allocated when they are first written.
 *
 * `tail` is where the next byte is read and `count` how many wait; both change under the vnode's lock,
 * sleepers read them without it.  An anonymous pipe has a vnode on a file system of its own that is not
 * in the tree, so that fstat, /proc/self/fd and reopening work; a fifo's ring hangs off its vnode as
 * long as somebody has it open.
 */
#include "vfs_priv.h"

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/async.h>
#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define DEFAULT_PAGES 16
#define MAX_PAGES     256 /* what a user may ask for: 1 MiB, as Linux's pipe-max-size */
#define EMPTY         0   /* no page: physical page 0 is never handed out */

struct pipe {
	struct waitqueue readers_wq, writers_wq; /* who waits for data / for room */
	struct waitqueue open_wq;                /* fifo opens that wait for the other side */
	uint64_t tail;                           /* [vnode.lock] written; position, modulo the ring's size */
	uint64_t count;                          /* [vnode.lock] written; read anywhere */
	uint32_t page_count;                     /* [vnode.lock] of the ring */
	uint32_t readers, writers;               /* [vnode.lock] open ends */
	uint32_t reader_opens,
		writer_opens; /* [vnode.lock] ever: so that an open sees one that came and went */
	uint32_t users;       /* [vnode.lock] open files; the last one frees the pipe */
	_Atomic bool polled;  /* [a] somebody may wait for edges: each transfer is told, not only the first */
	struct async_source readers_async, writers_async; /* ends with O_ASYNC */
	bool borrowed;  /* [vnode.lock] written; somebody looks at what waits: nobody reads */
	paddr_t *pages; /* [vnode.lock] page_count of them */
	paddr_t first_pages[DEFAULT_PAGES];
};

static struct slab_cache *pipe_cache;
static struct superblock *pipefs;
static struct mount *pipe_mount;

static const struct file_ops pipe_ops;

/* --- the ring --- */

static struct pipe *ring_create(void)
{
	struct pipe *p = slab_alloc_zeroed(pipe_cache);

	if (!p)
		return NULL;
	waitqueue_init(&p->readers_wq);
	waitqueue_init(&p->writers_wq);
	waitqueue_init(&p->open_wq);
	p->page_count = DEFAULT_PAGES;
	p->pages = p->first_pages;
	return p;
}

static void ring_free(struct pipe *p)
{
	for (uint32_t i = 0; i < p->page_count; i++)
		if (p->pages[i] != EMPTY)
			pmm_free(p->pages[i]);
	if (p->pages != p->first_pages)
		kfree(p->pages);
	slab_free(pipe_cache, p);
}

static uint64_t waiting(const struct pipe *p)
{
	return READ_ONCE(p->count);
}

static uint64_t capacity(const struct pipe *p)
{
	return (uint64_t)READ_ONCE(p->page_count) * PAGE_SIZE;
}

/* Bytes that can be written now.  A page of which a part has been read takes its place in the ring until it
 * is empty: the ring's end never reaches into it from behind. */
static uint64_t room(const struct pipe *p)
{
	return capacity(p) - READ_ONCE(p->tail) % PAGE_SIZE - waiting(p);
}

static paddr_t *slot_of(struct pipe *p, uint64_t pos)
{
	return &p->pages[pos / PAGE_SIZE % p->page_count];
}

/* `n` bytes of the page at the front have been read. */
static inline void advance(struct pipe *p, paddr_t *slot, size_t n)
{
	WRITE_ONCE(p->count, p->count - n);
	WRITE_ONCE(p->tail, p->tail + n);
	if (p->count == 0) {
		/* The last page stays for the next message, which begins at its start. */
		WRITE_ONCE(p->tail, ALIGN_DOWN(p->tail - 1, PAGE_SIZE));
	} else if (p->tail % PAGE_SIZE == 0) {
		pmm_free(*slot);
		*slot = EMPTY;
	}
}

static void skip(struct pipe *p, size_t len)
{
	while (len > 0) {
		size_t n = MIN(PAGE_SIZE - p->tail % PAGE_SIZE, len);

		advance(p, slot_of(p, p->tail), n);
		len -= n;
	}
}

/* Move what waits into the buffer, at most what it takes. */
static ssize_t drain(struct pipe *p, struct iobuf *io)
{
	size_t done = 0;

	while (io->left > 0 && p->count > 0) {
		paddr_t *slot = slot_of(p, p->tail);
		size_t in_page = p->tail % PAGE_SIZE;
		size_t len = MIN(PAGE_SIZE - in_page, p->count);
		ssize_t n = iobuf_write(io, (char *)phys_to_virt(*slot) + in_page, len);

		if (n <= 0)
			return done > 0 ? (ssize_t)done : n;
		advance(p, slot, (size_t)n);
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Move from the buffer what finds room. */
static ssize_t fill(struct pipe *p, struct iobuf *io)
{
	uint64_t space = room(p);
	size_t done = 0;

	while (io->left > 0 && done < space) {
		uint64_t end = p->tail + p->count;
		paddr_t *slot = slot_of(p, end);
		size_t in_page = end % PAGE_SIZE;
		size_t len = MIN(MIN(PAGE_SIZE - in_page, space - done), io->left);
		ssize_t n;

		if (*slot == EMPTY) {
			paddr_t pa = pmm_alloc(PAGE_KERNEL, 0);

			if (pa == PADDR_NONE)
				return done > 0 ? (ssize_t)done : -ENOMEM;
			*slot = pa;
		}
		n = iobuf_read(io, (char *)phys_to_virt(*slot) + in_page, len);
		if (n <= 0)
			return done > 0 ? (ssize_t)done : n;
		WRITE_ONCE(p->count, p->count + (size_t)n);
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* --- reading and writing --- */

static bool polled(struct pipe *p)
{
	return atomic_load_explicit(&p->polled, memory_order_relaxed);
}

static struct pipe *pipe_of(const struct file *file)
{
	return file->vnode->pipe;
}

static bool nonblocking(const struct file *file)
{
	return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
}

/* What a reader waits for. */
static bool readable_or_end(const struct pipe *p)
{
	return waiting(p) > 0 ? !READ_ONCE(p->borrowed) : READ_ONCE(p->writers) == 0;
}

/* The sleeps are functions of their own: a transfer that needs none keeps nothing of theirs on its stack. */
static __noinline int wait_to_read(struct pipe *p)
{
	return wait_event_interruptible(&p->readers_wq, readable_or_end(p)) < 0 ? -ERESTARTSYS : 0;
}

static ssize_t pipe_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct pipe *p = pipe_of(file);
	struct mutex *lock = &file->vnode->lock;
	ssize_t n;

	(void)pos;
	if (io->left == 0)
		return 0;
	for (;;) {
		bool was_full, more;

		mutex_lock(lock);
		was_full = room(p) < PIPE_BUF;
		n = likely(!p->borrowed) ? drain(p, io) : 0;
		more = p->writers > 0 || p->count > 0;
		mutex_unlock(lock);
		if (n != 0) {
			if (was_full || polled(p)) {
				wake_up_events(&p->writers_wq, POLLOUT | POLLWRNORM);
				async_tell(&p->writers_async, POLL_OUT);
			}
			return n;
		}
		if (!more)
			return 0;
		if (nonblocking(file) || io->nowait)
			return -EAGAIN;
		if (wait_to_read(p) < 0)
			return -ERESTARTSYS;
	}
}

/* Is there room to go on?  What fits PIPE_BUF goes in one piece or not at all. */
static bool room_for(const struct pipe *p, uint64_t total)
{
	return room(p) >= (total <= PIPE_BUF ? total : 1);
}

static __noinline int wait_to_write(struct pipe *p, uint64_t total)
{
	return wait_event_interruptible(&p->writers_wq, room_for(p, total) || READ_ONCE(p->readers) == 0) < 0
		       ? -ERESTARTSYS
		       : 0;
}

static __noinline ssize_t broken_pipe(void)
{
	if (in_user_thread())
		signal_self(SIGPIPE);
	return -EPIPE;
}

static ssize_t pipe_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct pipe *p = pipe_of(file);
	struct mutex *lock = &file->vnode->lock;
	uint64_t total = io->left;
	size_t done = 0;

	(void)pos;
	if (total == 0)
		return 0;
	for (;;) {
		ssize_t n = 0;
		bool was_empty, readers;

		mutex_lock(lock);
		readers = p->readers > 0;
		was_empty = p->count == 0;
		if (readers && room_for(p, total))
			n = fill(p, io);
		mutex_unlock(lock);
		if (!readers)
			return done > 0 ? (ssize_t)done : broken_pipe();
		if (n > 0) {
			done += (size_t)n;
			if (was_empty || polled(p)) {
				wake_up_events(&p->readers_wq, POLLIN | POLLRDNORM);
				async_tell(&p->readers_async, POLL_IN);
			}
		}
		if (io->left == 0 || n < 0)
			return done > 0 ? (ssize_t)done : n;
		if (nonblocking(file) || io->nowait)
			return done > 0 ? (ssize_t)done : -EAGAIN;
		if (wait_to_write(p, total) < 0)
			return done > 0 ? (ssize_t)done : -ERESTARTSYS;
	}
}

/* --- for splice ----------------------------------------------------------------------------------------- */

/* A copy of what waits, which stays. */
static size_t peek(struct pipe *p, char *buf, size_t len)
{
	uint64_t pos = p->tail;
	size_t done = 0;

	len = MIN(len, p->count);
	while (done < len) {
		size_t in_page = pos % PAGE_SIZE, n = MIN(PAGE_SIZE - in_page, len - done);

		memcpy(buf + done, (const char *)phys_to_virt(*slot_of(p, pos)) + in_page, n);
		pos += n;
		done += n;
	}
	return done;
}

ssize_t pipe_borrow(struct file *file, void *buf, size_t len, bool nowait)
{
	struct pipe *p = pipe_of(file);
	struct mutex *lock = &file->vnode->lock;

	for (;;) {
		size_t n = 0;
		bool more;

		mutex_lock(lock);
		if (!p->borrowed)
			n = peek(p, buf, len);
		if (n > 0)
			p->borrowed = true;
		more = p->writers > 0 || p->count > 0;
		mutex_unlock(lock);
		if (n > 0 || !more)
			return (ssize_t)n;
		if (nonblocking(file) || nowait)
			return -EAGAIN;
		if (wait_to_read(p) < 0)
			return -ERESTARTSYS;
	}
}

void pipe_return(struct file *file, size_t used)
{
	struct pipe *p = pipe_of(file);

	mutex_lock(&file->vnode->lock);
	skip(p, used);
	p->borrowed = false;
	mutex_unlock(&file->vnode->lock);
	wake_up_all(&p->readers_wq);
	if (used > 0) {
		wake_up_all(&p->writers_wq);
		async_tell(&p->writers_async, POLL_OUT);
	}
}

ssize_t pipe_wait_room(struct file *file, bool nowait)
{
	struct pipe *p = pipe_of(file);

	for (;;) {
		uint64_t n = room(p);

		if (READ_ONCE(p->readers) == 0)
			return broken_pipe();
		if (n > 0)
			return (ssize_t)n;
		if (nonblocking(file) || nowait)
			return -EAGAIN;
		if (wait_event_interruptible(&p->writers_wq, room(p) > 0 || READ_ONCE(p->readers) == 0) < 0)
			return -ERESTARTSYS;
	}
}

static uint32_t pipe_events(const struct pipe *p, uint32_t access)
{
	uint32_t events = 0;

	if (access & CAP_READ) {
		if (waiting(p) > 0)
			events |= POLLIN | POLLRDNORM;
		/* A fifo that never had a writer is not hung up. */
		if (READ_ONCE(p->writers) == 0 && READ_ONCE(p->writer_opens) > 0)
			events |= POLLHUP;
	}
	if (access & CAP_WRITE) {
		if (room(p) >= PIPE_BUF)
			events |= POLLOUT | POLLWRNORM;
		if (READ_ONCE(p->readers) == 0)
			events |= POLLERR;
	}
	return events;
}

static __noinline uint32_t pipe_enqueue(struct pipe *p, uint32_t access, struct poll_table *table)
{
	atomic_store_explicit(&p->polled, true, memory_order_relaxed);
	if (access & CAP_READ)
		table->add(table, &p->readers_wq);
	if (access & CAP_WRITE)
		table->add(table, &p->writers_wq);
	return pipe_events(p, access);
}

static uint32_t pipe_poll(struct file *file, struct poll_table *table)
{
	if (unlikely(table))
		return pipe_enqueue(pipe_of(file), file->access, table);
	return pipe_events(pipe_of(file), file->access);
}

static int64_t pipe_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, (uint32_t)waiting(pipe_of(file)));
}

/* Each transfer is told, not only the first. */
static int pipe_async(struct file *file, struct async_wanted *wanted)
{
	struct pipe *p = pipe_of(file);
	size_t n = 0;

	atomic_store_explicit(&p->polled, true, memory_order_relaxed);
	if (file->access & CAP_READ)
		wanted->sources[n++] = &p->readers_async;
	if (file->access & CAP_WRITE)
		wanted->sources[n++] = &p->writers_async;
	return 0;
}

/* An end was closed: the other side may be alone now. */
static void tell_of_end(struct pipe *p)
{
	wake_up_all(&p->readers_wq);
	wake_up_all(&p->writers_wq);
	if ((p->readers == 0) != (p->writers == 0)) {
		async_tell(&p->readers_async, POLL_IN);
		async_tell(&p->writers_async, POLL_OUT);
	}
}

static void pipe_release(struct file *file)
{
	struct vnode *v = file->vnode;
	struct pipe *p = v->pipe;
	bool last;

	mutex_lock(&v->lock);
	if (file->access & CAP_READ)
		p->readers--;
	if (file->access & CAP_WRITE)
		p->writers--;
	last = --p->users == 0;
	if (last) {
		v->pipe = NULL;
	} else {
		/* With the lock held: without it, another CPU may close the last end and free the ring. */
		tell_of_end(p);
	}
	mutex_unlock(&v->lock);
	if (last)
		ring_free(p);
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.poll_is_plain = true,
	.ioctl = pipe_ioctl,
	.async = pipe_async,
	.release = pipe_release,
};

/* --- size --- */

bool file_is_pipe(const struct file *file)
{
	return file->ops == &pipe_ops || file->ops == &fifo_ops;
}

int64_t pipe_capacity(struct file *file)
{
	return file_is_pipe(file) ? (int64_t)capacity(pipe_of(file)) : -EBADF;
}

/* The pages that hold data move to their places in the new ring. */
static int resize_locked(struct pipe *p, uint32_t count)
{
	uint64_t first = p->tail / PAGE_SIZE, last = (p->tail + p->count + PAGE_SIZE - 1) / PAGE_SIZE;
	paddr_t *pages;

	if (last - first > count)
		return -EBUSY;
	pages = kcalloc(count, sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	for (uint64_t i = first; i < last; i++) {
		paddr_t *slot = &p->pages[i % p->page_count];

		pages[i % count] = *slot;
		*slot = EMPTY;
	}
	for (uint32_t i = 0; i < p->page_count; i++)
		if (p->pages[i] != EMPTY)
			pmm_free(p->pages[i]);
	if (p->pages != p->first_pages)
		kfree(p->pages);
	p->pages = pages;
	WRITE_ONCE(p->page_count, count);
	return 0;
}

int64_t pipe_set_capacity(struct file *file, uint64_t bytes)
{
	uint64_t count = 1;
	struct pipe *p;
	int err;

	if (!file_is_pipe(file))
		return -EBADF;
	if (bytes > INT32_MAX)
		return -EINVAL;
	while (count * PAGE_SIZE < bytes)
		count *= 2;
	if (count > MAX_PAGES && !cred_has_privilege(PRIV_SYS_RESOURCE))
		return -EPERM;
	if (count > MAX_PAGES * 16)
		return -ENOMEM;
	p = pipe_of(file);
	mutex_lock(&file->vnode->lock);
	err = resize_locked(p, (uint32_t)count);
	mutex_unlock(&file->vnode->lock);
	if (err < 0)
		return err;
	wake_up_all(&p->writers_wq);
	return (int64_t)(count * PAGE_SIZE);
}

/* --- anonymous pipes --- */

static const struct vnode_ops pipe_vnode_ops;

static struct file *make_end(struct vnode *v, uint32_t flags)
{
	struct file *file = file_create(&pipe_ops, flags, NULL);

	if (!file)
		return NULL;
	vnode_get(v);
	file->vnode = v;
	return file;
}

int pipe_create(uint32_t flags, struct file *ends[2])
{
	struct vnode *v = vnode_create(pipefs, &pipe_vnode_ops, S_IFIFO | 0600);

	if (!v)
		return -ENOMEM;
	vnode_init_owner(v, NULL, v->mode);
	v->file_ops = &fifo_ops;
	v->pipe = ring_create();
	if (!v->pipe)
		goto out_vnode;
	v->pipe->readers = v->pipe->writers = v->pipe->users = 1;
	v->pipe->reader_opens = v->pipe->writer_opens = 1;
	ends[0] = make_end(v, O_RDONLY | (flags & O_NONBLOCK));
	if (!ends[0])
		goto out_pipe;
	v->pipe->users = 2; /* from here on each end's release does its part */
	ends[1] = make_end(v, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (!ends[1]) {
		v->pipe->users = 1;
		file_put(ends[0]);
		goto out_vnode;
	}
	vnode_put(v);
	return 0;
out_pipe:
	ring_free(v->pipe);
	v->pipe = NULL;
out_vnode:
	vnode_put(v);
	return -ENOMEM;
}

int pipe_vnode_path(struct vnode *v, struct path *out)
{
	char name[32];
	struct dentry *d;
	int len = scnprintf(name, sizeof(name), "%s:[%lu]", S_ISSOCK(v->mode) ? "socket" : "pipe", v->ino);

	vnode_get(v);
	d = dentry_create(pipefs, NULL, name, (size_t)len, v);
	if (!d) {
		vnode_put(v);
		return -ENOMEM;
	}
	mount_get(pipe_mount);
	out->mount = pipe_mount;
	out->dentry = d;
	return 0;
}

/* --- fifos --- */

/* Count the new end; the ring is made by the first one. */
static int join(struct file *file)
{
	struct vnode *v = file->vnode;
	struct pipe *p;

	if (!v->pipe)
		v->pipe = ring_create();
	p = v->pipe;
	if (!p)
		return -ENOMEM;
	p->users++;
	if (file->access & CAP_READ) {
		p->readers++;
		p->reader_opens++;
	}
	if (file->access & CAP_WRITE) {
		p->writers++;
		p->writer_opens++;
	}
	return 0;
}

/* The other side, as this end finds it when it joins.  A blocking open waits for a partner only if none is
 * there at that moment: from then on the partner sees this end, and may be gone again before this goes on. */
struct partners {
	bool met;
	const uint32_t *opens; /* who comes later is counted here, were it only for a moment */
	uint32_t before;
};

static struct partners look_for_partners(const struct pipe *p, uint32_t access)
{
	if (access == CAP_READ)
		return (struct partners){ p->writers > 0, &p->writer_opens, p->writer_opens };
	return (struct partners){ p->readers > 0, &p->reader_opens, p->reader_opens };
}

static int fifo_open(struct file *file)
{
	struct vnode *v = file->vnode;
	bool anonymous = v->sb == pipefs; /* reopened through /proc/self/fd: nobody waits for anybody */
	struct partners partners = { .met = false };
	struct pipe *p;
	int err;

	mutex_lock(&v->lock);
	if (!anonymous && file->access == CAP_WRITE && nonblocking(file) &&
	    (!v->pipe || v->pipe->readers == 0))
		err = -ENXIO;
	else
		err = join(file);
	p = v->pipe;
	if (err == 0)
		partners = look_for_partners(p, file->access);
	mutex_unlock(&v->lock);
	if (err < 0)
		return err;
	wake_up_all(&p->open_wq);
	if (anonymous || partners.met || file->access == (CAP_READ | CAP_WRITE) || nonblocking(file))
		return 0;
	err = wait_event_interruptible(&p->open_wq, READ_ONCE(*partners.opens) != partners.before);
	if (err < 0) {
		pipe_release(file);
		return -ERESTARTSYS;
	}
	return 0;
}

const struct file_ops fifo_ops = {
	.open = fifo_open,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.poll_is_plain = true,
	.ioctl = pipe_ioctl,
	.async = pipe_async,
	.release = pipe_release,
};

static struct fs_type pipefs_type = { .name = "pipefs", .nodev = true };

void pipe_init(void)
{
	pipe_cache = slab_create("pipe", sizeof(struct pipe), 0);
	pipefs = superblock_create(&pipefs_type, PIPEFS_MAGIC);
	if (!pipefs)
		panic("no memory for pipes");
	pipefs->placeless = true;
	pipefs->root = vnode_create(pipefs, &pipe_vnode_ops, S_IFDIR);
	pipe_mount = pipefs->root ? mount_create_internal(pipefs) : NULL;
	if (!pipe_mount)
		panic("no memory for pipes");
}

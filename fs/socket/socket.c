/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets and the files in front of them.  Each open socket has a vnode on a file system of its own that is
 * in no tree, as anonymous pipes have, so that fstat, fchmod and /proc/PID/fd work.
 */
#include "socket_priv.h"

#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/time.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "../vfs_priv.h"

#define DEFAULT_ROOM 212992u /* what Linux gives a socket, and programs have come to count on */

static struct superblock *sockfs;
static const struct vnode_ops socket_vnode_ops;
static const struct file_ops socket_file_ops;

/* --- life ---------------------------------------------------------------------------------------------- */

void socket_init(struct socket *s, const struct socket_ops *ops, uint16_t type, uint16_t protocol)
{
	refcount_set(&s->refs, 1);
	s->ops = ops;
	s->type = type;
	s->protocol = protocol;
	spin_init(&s->lock, "socket", RANK_SOCKET);
	waitqueue_init(&s->readable);
	waitqueue_init(&s->writable);
	s->async = (struct async_source){ 0 };
	atomic_init(&s->wants_room, false);
	atomic_init(&s->shut, 0);
	atomic_init(&s->error, 0);
	atomic_init(&s->flags, 0);
	atomic_init(&s->send_room, DEFAULT_ROOM);
	atomic_init(&s->receive_room, DEFAULT_ROOM);
	atomic_init(&s->receive_low, 1);
	atomic_init(&s->priority, 0);
	atomic_init(&s->linger_seconds, 0);
	atomic_init(&s->send_timeout_ns, WAIT_FOREVER);
	atomic_init(&s->receive_timeout_ns, WAIT_FOREVER);
	s->file = NULL;
	s->ino = 0;
	s->id = kobject_new_id();
}

void socket_get(struct socket *s)
{
	refcount_get(&s->refs);
}

void socket_put(struct socket *s)
{
	if (refcount_put(&s->refs))
		s->ops->free(s);
}

int socket_open(struct socket *s, uint32_t flags, struct file **out)
{
	struct vnode *v = vnode_create(sockfs, &socket_vnode_ops, S_IFSOCK | 0777);
	struct file *file = v ? file_create(&socket_file_ops, O_RDWR | (flags & O_NONBLOCK), s) : NULL;

	if (!file) {
		vnode_put(v);
		return -ENOMEM;
	}
	vnode_init_owner(v, NULL, v->mode);
	file->object.type = OBJECT_SOCKET;
	file->vnode = v;
	s->file = file;
	WRITE_ONCE(s->ino, v->ino);
	*out = file;
	return 0;
}

struct socket *socket_of(const struct file *file)
{
	return file->private;
}

static void release(struct file *file)
{
	struct socket *s = socket_of(file);

	s->ops->close(s);
	socket_put(s);
}

void socket_current_cred(struct socket_cred *out)
{
	const struct credentials *cred = current_cred();

	*out = (struct socket_cred){ current_process()->pid, cred->euid, cred->egid };
}

/* --- waiting ------------------------------------------------------------------------------------------- */

int socket_take_error(struct socket *s)
{
	if (likely(atomic_load_explicit(&s->error, memory_order_relaxed) == 0))
		return 0;
	return -atomic_exchange(&s->error, 0);
}

uint64_t socket_deadline(uint64_t timeout_ns)
{
	uint64_t deadline;

	if (timeout_ns == WAIT_FOREVER || add_overflows(time_now_ns(), timeout_ns, &deadline))
		return WAIT_FOREVER;
	return deadline;
}

/* With a time-out a call is not begun anew after a signal, as on Linux, not even without a handler: the
 * program asked for its attention back.  What was no signal, a revocation say, lets it go on. */
int socket_waited(int err, uint64_t deadline_ns)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err != -EINTR)
		return err;
	if (deadline_ns == WAIT_FOREVER)
		return -ERESTARTSYS;
	return task_has_signal() ? -EINTR : -ERESTARTNOHAND;
}

/* --- as a file ----------------------------------------------------------------------------------------- */

ssize_t socket_send(struct file *file, struct socket_message *m)
{
	struct socket *s = socket_of(file);
	ssize_t n;

	m->nonblock = (m->flags & MSG_DONTWAIT) || m->io->nowait ||
		      (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK);
	n = s->ops->send(s, m);
	if (unlikely(m->control != NULL)) {
		socket_control_free(m->control);
		m->control = NULL;
	}
	return n;
}

ssize_t socket_receive(struct file *file, struct socket_message *m)
{
	struct socket *s = socket_of(file);

	m->nonblock = (m->flags & MSG_DONTWAIT) || m->io->nowait ||
		      (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK);
	return s->ops->receive(s, m);
}

static ssize_t socket_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct socket_message m = { .io = io };

	(void)pos;
	return io->left == 0 ? 0 : socket_receive(file, &m);
}

static ssize_t socket_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct socket_message m = { .io = io };

	(void)pos;
	return socket_send(file, &m);
}

static uint32_t socket_poll(struct file *file, struct poll_table *table)
{
	struct socket *s = socket_of(file);

	if (unlikely(table)) {
		table->add(table, &s->readable);
		table->add(table, &s->writable);
	}
	return s->ops->poll(s);
}

static int64_t socket_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	struct socket *s = socket_of(file);

	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int socket_async(struct file *file, struct async_wanted *wanted)
{
	wanted->sources[0] = &socket_of(file)->async;
	return 0;
}

static const struct file_ops socket_file_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.async = socket_async,
	.release = release,
};

/* --- start-up ------------------------------------------------------------------------------------------ */

static struct fs_type sockfs_type = { .name = "sockfs", .nodev = true };

void socket_layer_init(void)
{
	sockfs = superblock_create(&sockfs_type, SOCKFS_MAGIC);
	if (!sockfs)
		panic("no memory for sockets");
	unix_init();
}

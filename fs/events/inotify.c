/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to files, in the order in which it happened.
 *
 * A watch belongs to one inotify file, by number, and to one vnode (watch.h).  It keeps neither: a vnode that
 * goes ends its watches, and so does the file.  `watch_lock` covers all queues.
 *
 * An event like the last one in the queue is not queued again.  When the queue is full, or there is no
 * memory, one event says that some were lost.
 *
 * Files and watches are counted for the user who made the file, whoever has it now.
 */
#include <kernel/inotify.h>

#include <arch/usercopy.h>
#include <kernel/async.h>
#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/rbtree.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "events_priv.h"
#include "watch.h"

#define NAME_ALIGN ((uint32_t)sizeof(struct abi_inotify_event))

_Atomic uint32_t inotify_max_events = 16384;
_Atomic uint32_t inotify_max_files = 128;
_Atomic uint32_t inotify_max_watches = 65536;

struct inotify_user {     /* is there as long as one of its files */
	struct list link; /* [watch_lock] in inotify_users */
	uint32_t uid;     /* [i] */
	uint32_t files;   /* [watch_lock] */
	uint32_t watches; /* [watch_lock] of all those files */
};

static struct list inotify_users = LIST_INIT(inotify_users); /* [watch_lock] */

struct event {
	struct list link;
	struct abi_inotify_event head;
	char name[]; /* head.len bytes, zeros at the end */
};

struct inotify {
	struct inotify_user *user; /* [i] */
	uint32_t limit;            /* [i] of count */
	struct list events;        /* [watch_lock] oldest first */
	uint32_t count;            /* [watch_lock] of those */
	uint64_t bytes;            /* [watch_lock] that they take when read */
	bool overflowed;           /* [watch_lock] some were lost, and the last thing to read says so */
	struct rb_tree by_wd;      /* [watch_lock] */
	int32_t last_wd;           /* [watch_lock] */
	struct waitqueue readers;
	struct async_source async; /* who gets a signal for an event */
};

struct inotify_watch {
	struct watch watch;
	struct rb_node node;   /* [watch_lock] */
	struct inotify *owner; /* [i] */
	int32_t wd;            /* [i] */
};

static struct inotify_watch *inotify_watch_of(struct watch *w)
{
	return container_of(w, struct inotify_watch, watch);
}

static struct inotify *inotify_of(const struct file *file)
{
	return file->private;
}

/* --- users ---------------------------------------------------------------------------------------------- */

static struct inotify_user *find_user_locked(uint32_t uid)
{
	struct inotify_user *user;

	list_for_each (user, &inotify_users, link)
		if (user->uid == uid)
			return user;
	return NULL;
}

/* Counts a file for the calling user.  -EMFILE, -ENOMEM. */
static int join_user(struct inotify *in)
{
	struct inotify_user *user, *fresh = kzalloc(sizeof(*fresh));
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	fresh->uid = current_cred()->euid;
	spin_lock(&watch_lock);
	user = find_user_locked(fresh->uid);
	if ((user ? user->files : 0) >= atomic_load(&inotify_max_files)) {
		err = -EMFILE;
	} else {
		if (!user) {
			user = fresh;
			fresh = NULL;
			list_add_tail(&inotify_users, &user->link);
		}
		user->files++;
		in->user = user;
	}
	spin_unlock(&watch_lock);
	kfree(fresh);
	return err;
}

static void leave_user(const struct inotify *in)
{
	struct inotify_user *user = in->user;
	bool last;

	spin_lock(&watch_lock);
	last = --user->files == 0;
	if (last)
		list_del(&user->link);
	spin_unlock(&watch_lock);
	if (last)
		kfree(user);
}

/* --- queues --------------------------------------------------------------------------------------------- */

static bool is_like_last(const struct inotify *in, const struct abi_inotify_event *head, const char *name,
			 size_t len)
{
	const struct event *last;

	if (list_empty(&in->events) || in->overflowed)
		return false;
	last = list_last(&in->events, struct event, link);
	return last->head.wd == head->wd && last->head.mask == head->mask &&
	       last->head.cookie == head->cookie && last->head.len == head->len &&
	       memcmp(last->name, name, len) == 0;
}

static struct event *make_event(const struct abi_inotify_event *head, const char *name, size_t len)
{
	struct event *e = kzalloc(sizeof(*e) + head->len);

	if (!e)
		return NULL;
	e->head = *head;
	memcpy(e->name, name, len);
	return e;
}

static void queue_locked(struct inotify *in, int32_t wd, uint32_t mask, const char *name, size_t len,
			 uint32_t cookie)
{
	struct abi_inotify_event head = { .wd = wd, .mask = mask, .cookie = cookie };
	struct event *e;

	if (len > 0)
		head.len = (uint32_t)ALIGN_UP(len + 1, NAME_ALIGN);
	if (in->overflowed || is_like_last(in, &head, name, len))
		return;
	e = in->count < in->limit ? make_event(&head, name, len) : NULL;
	if (e) {
		list_add_tail(&in->events, &e->link);
		in->count++;
		in->bytes += sizeof(head) + head.len;
	} else {
		in->overflowed = true;
		in->bytes += sizeof(head);
	}
	wake_up_events(&in->readers, POLLIN | POLLRDNORM);
	async_tell(&in->async, POLL_IN);
}

static bool has_events(const struct inotify *in)
{
	return READ_ONCE(in->events.next) != &in->events || READ_ONCE(in->overflowed);
}

/* --- watches -------------------------------------------------------------------------------------------- */

static struct inotify_watch *find_wd_locked(struct inotify *in, int32_t wd)
{
	struct rb_node *node = in->by_wd.root;

	while (node) {
		struct inotify_watch *w = rb_entry(node, struct inotify_watch, node);

		if (w->wd == wd)
			return w;
		node = wd < w->wd ? node->left : node->right;
	}
	return NULL;
}

static void insert_wd_locked(struct inotify *in, struct inotify_watch *w)
{
	struct rb_node **link = &in->by_wd.root, *parent = NULL;

	do {
		in->last_wd = in->last_wd == INT32_MAX ? 1 : in->last_wd + 1;
	} while (find_wd_locked(in, in->last_wd));
	w->wd = in->last_wd;
	while (*link) {
		parent = *link;
		link = w->wd < rb_entry(parent, struct inotify_watch, node)->wd ? &parent->left
										: &parent->right;
	}
	rb_insert(&in->by_wd, &w->node, parent, link);
}

static void tell(struct watch *watch, struct news *n, enum watch_place place);
static void gone(struct watch *watch, const struct news *n);
static const struct watch_ops inotify_watch_ops = { .tell = tell, .gone = gone };

static struct inotify_watch *find_at_locked(const struct inotify *in, const struct vnode *v)
{
	for (struct watch *w = v->watches.first; w; w = w->next)
		if (w->ops == &inotify_watch_ops && inotify_watch_of(w)->owner == in)
			return inotify_watch_of(w);
	return NULL;
}

/* Takes the watch out, and tells of it. */
static void end_watch_locked(struct inotify_watch *w)
{
	watch_unlink_locked(&w->watch);
	rb_erase(&w->owner->by_wd, &w->node);
	w->owner->user->watches--;
	queue_locked(w->owner, w->wd, IN_IGNORED, NULL, 0, 0);
	kfree(w);
}

static int update_locked(struct inotify_watch *w, uint32_t mask)
{
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	if (mask & IN_MASK_ADD)
		mask |= w->watch.mask;
	watch_set_mask_locked(&w->watch, mask);
	return w->wd;
}

static int insert_locked(struct inotify *in, struct vnode *v, uint32_t mask, struct inotify_watch *fresh)
{
	if (in->user->watches >= atomic_load(&inotify_max_watches))
		return -ENOSPC;
	*fresh = (struct inotify_watch){ .watch = { .ops = &inotify_watch_ops, .mask = mask }, .owner = in };
	insert_wd_locked(in, fresh);
	watch_link_locked(&fresh->watch, &v->watches);
	in->user->watches++;
	return fresh->wd;
}

int inotify_watch(struct file *file, const struct path *path, uint32_t mask)
{
	struct inotify *in = inotify_of(file);
	struct vnode *v = path->dentry->vnode;
	struct inotify_watch *w, *fresh = kmalloc(sizeof(*fresh));
	int wd;

	if (!fresh)
		return -ENOMEM;
	mask &= IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT;
	spin_lock(&watch_lock);
	w = find_at_locked(in, v);
	wd = w ? update_locked(w, mask) : insert_locked(in, v, mask, fresh);
	spin_unlock(&watch_lock);
	if (w || wd < 0)
		kfree(fresh);
	return wd;
}

int inotify_unwatch(struct file *file, int wd)
{
	struct inotify_watch *w;

	spin_lock(&watch_lock);
	w = find_wd_locked(inotify_of(file), wd);
	if (w)
		end_watch_locked(w);
	spin_unlock(&watch_lock);
	return w ? 0 : -EINVAL;
}

/* --- telling -------------------------------------------------------------------------------------------- */

/* What a program hears of; and that it is a directory not of that itself. */
static uint32_t told_of(const struct news *n)
{
	uint32_t event = n->event & (IN_ALL_EVENTS | IN_ISDIR);

	return event & (IN_MOVE_SELF | IN_DELETE_SELF) ? event & ~IN_ISDIR : event;
}

static void tell(struct watch *watch, struct news *n, enum watch_place place)
{
	struct inotify_watch *w = inotify_watch_of(watch);
	bool named = n->of_names || place == WATCH_PARENT;

	if (named && n->unlinked && (watch->mask & IN_EXCL_UNLINK))
		return;
	queue_locked(w->owner, w->wd, told_of(n), n->name, named ? n->len : 0, n->cookie);
	if (watch->mask & IN_ONESHOT)
		end_watch_locked(w);
}

/* Of the end of the file it was told. */
static void gone(struct watch *watch, const struct news *n)
{
	struct inotify_watch *w = inotify_watch_of(watch);

	if (n->event & IN_UNMOUNT)
		queue_locked(w->owner, w->wd, IN_UNMOUNT, NULL, 0, 0);
	end_watch_locked(w);
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* Makes the next event the caller's: 1; 0: there is none; -EINVAL: it is longer than `room`.  *e is NULL for
 * the one that says that some were lost. */
static int take(struct inotify *in, size_t room, struct event **e)
{
	int result = 0;

	*e = NULL;
	spin_lock(&watch_lock);
	if (!list_empty(&in->events)) {
		*e = list_first(&in->events, struct event, link);
		result = sizeof((*e)->head) + (*e)->head.len <= room ? 1 : -EINVAL;
	} else if (in->overflowed) {
		result = sizeof((*e)->head) <= room ? 1 : -EINVAL;
	}
	if (result > 0 && *e) {
		list_del(&(*e)->link);
		in->count--;
		in->bytes -= sizeof((*e)->head) + (*e)->head.len;
	} else if (result > 0) {
		in->overflowed = false;
		in->bytes -= sizeof((*e)->head);
	}
	spin_unlock(&watch_lock);
	return result;
}

static ssize_t give(struct iobuf *io, struct event *e)
{
	static const struct abi_inotify_event lost = { .wd = -1, .mask = IN_Q_OVERFLOW };
	const void *from = e ? &e->head : &lost;
	size_t size = sizeof(lost) + (e ? e->head.len : 0);
	ssize_t n = iobuf_write(io, from, size);

	kfree(e);
	return n == (ssize_t)size ? n : -EFAULT;
}

static ssize_t inotify_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct inotify *in = inotify_of(file);
	ssize_t done = 0, n;
	struct event *e;

	(void)pos;
	for (;;) {
		int got = take(in, io->left, &e);

		if (got > 0) {
			n = give(io, e);
			if (n < 0)
				return done > 0 ? done : n;
			done += n;
			continue;
		}
		if (done > 0 || got < 0)
			return done > 0 ? done : got;
		if (io->nowait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&in->readers, has_events(in)) < 0)
			return -ERESTARTSYS;
	}
}

static uint32_t inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify *in = inotify_of(file);

	if (table)
		table->add(table, &in->readers);
	return has_events(in) ? POLLIN | POLLRDNORM : 0;
}

static int64_t inotify_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, (uint32_t)READ_ONCE(inotify_of(file)->bytes));
}

/* What the program asked for, as far as it still holds. */
#define SHOWN (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)

static void inotify_info(struct file *file, char *buf, size_t size)
{
	struct inotify *in = inotify_of(file);
	size_t used = 0;

	spin_lock(&watch_lock);
	for (struct rb_node *n = rb_first(&in->by_wd); n && used + 1 < size; n = rb_next(n)) {
		const struct inotify_watch *w = rb_entry(n, struct inotify_watch, node);
		const struct vnode *v = container_of(w->watch.list, struct vnode, watches);

		used += (size_t)scnprintf(buf + used, size - used,
					  "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0\n", w->wd,
					  v->ino, (uint64_t)v->sb->dev, w->watch.mask & SHOWN);
	}
	spin_unlock(&watch_lock);
}

static void inotify_release(struct file *file)
{
	struct inotify *in = inotify_of(file);
	struct event *e, *tmp;
	bool more = true;

	while (more) { /* one at a time: there may be many */
		spin_lock(&watch_lock);
		more = in->by_wd.root;
		if (more)
			end_watch_locked(rb_entry(in->by_wd.root, struct inotify_watch, node));
		spin_unlock(&watch_lock);
	}
	list_for_each_safe (e, tmp, &in->events, link) {
		list_del(&e->link);
		kfree(e);
	}
	leave_user(in);
	kfree(in);
}

static int inotify_async(struct file *file, struct async_wanted *wanted)
{
	wanted->sources[0] = &inotify_of(file)->async;
	return 0;
}

static const struct file_ops inotify_ops = {
	.name = "anon_inode:inotify",
	.read = inotify_read,
	.seek = event_seek,
	.poll = inotify_poll,
	.poll_is_plain = true,
	.ioctl = inotify_ioctl,
	.async = inotify_async,
	.info = inotify_info,
	.release = inotify_release,
};

bool file_is_inotify(const struct file *file)
{
	return file->ops == &inotify_ops;
}

int inotify_create(uint32_t flags, struct file **out)
{
	struct inotify *in;
	int err;

	if (flags & ~(uint32_t)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	in = kzalloc(sizeof(*in));
	if (!in)
		return -ENOMEM;
	in->limit = atomic_load(&inotify_max_events);
	list_init(&in->events);
	waitqueue_init(&in->readers);
	err = join_user(in);
	if (err < 0)
		goto out_free;
	*out = event_file(&inotify_ops, O_RDONLY | (flags & IN_NONBLOCK), in);
	if (*out)
		return 0;
	err = -ENOMEM;
	leave_user(in);
out_free:
	kfree(in);
	return err;
}

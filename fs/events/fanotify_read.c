/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events for who reads them: each with a descriptor of its file, opened as the group says, or with the
 * identities of what it happened to.  The descriptor is a capability of the reader's like any that open(2)
 * gives, with the rights that the group's event_f_flags stand for; what is done through it is no news.
 */
#include "fanotify_priv.h"

#include <kernel/cap.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/string.h>

#include "../vfs_priv.h"

/* What one read of an event has made. */
struct delivery {
	struct fan_group *group;
	struct fan_event *event;
	struct abi_fanotify_event head;
	int32_t pidfd;
};

static bool has_events(const struct fan_group *g)
{
	return READ_ONCE(g->events.next) != &g->events || READ_ONCE(g->overflowed);
}

/* An inquiry stays with who asks: the reader gets its own picture of it. */
static void picture_locked(struct fan_group *g, struct fan_event *e, struct fan_event *copy)
{
	*copy = *e;
	path_get(&copy->path);
	e->inquiry->state = INQUIRY_READ;
	list_add_tail(&g->inquiries, &e->link);
}

/* Makes the next event the caller's: 1; 0: there is none; -EINVAL: it is longer than `room`.  *e is NULL for
 * the one that says that some were lost, and `copy`, with *inquiry its number, for an inquiry. */
static int take(struct fan_group *g, size_t room, struct fan_event **e, struct fan_event *copy,
		uint64_t *inquiry)
{
	int result = 0;

	*e = NULL;
	spin_lock(&watch_lock);
	if (!list_empty(&g->events)) {
		*e = list_first(&g->events, struct fan_event, link);
		result = fan_event_size(g, *e) <= room ? 1 : -EINVAL;
	} else if (g->overflowed) {
		result = sizeof(struct abi_fanotify_event) <= room ? 1 : -EINVAL;
	}
	if (result > 0 && *e) {
		list_del(&(*e)->link);
		g->count--;
	} else if (result > 0) {
		g->overflowed = false;
	}
	if (result > 0 && *e && (*e)->inquiry) {
		*inquiry = (*e)->inquiry->id;
		picture_locked(g, *e, copy);
		*e = copy;
	}
	spin_unlock(&watch_lock);
	return result;
}

/* --- descriptors ---------------------------------------------------------------------------------------- */

static int open_event(const struct fan_group *g, const struct fan_event *e)
{
	struct file *file;
	int fd, err;

	path_get(&e->path);
	err = file_open_silent(&e->path, g->event_flags & ~O_CLOEXEC, &file);
	if (err < 0)
		return err;
	fd = file_install(file, g->event_flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/* Of who did it, if it is still that process. */
static int open_process(const struct fan_event *e)
{
	struct process *p = e->pid ? process_find(e->pid) : NULL;
	bool same = p && p->id == e->process;
	int64_t fd;

	if (p)
		process_put(p);
	if (!same)
		return FAN_NOPIDFD;
	fd = pidfd_open(e->pid, 0);
	return fd < 0 ? FAN_EPIDFD : (int)fd;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		cap_close(current_process()->caps, fd);
}

/* --- records -------------------------------------------------------------------------------------------- */

static bool give(struct iobuf *io, const void *from, size_t size)
{
	return iobuf_write(io, from, size) == (ssize_t)size;
}

static bool give_id(struct iobuf *io, const struct fan_event *e, uint8_t type, const struct news_id *id,
		    const char *name, size_t len)
{
	static const char zeros[FANOTIFY_INFO_ALIGN];
	struct {
		struct abi_fanotify_info info;
		int32_t fsid[2];
		struct abi_file_handle handle;
		uint32_t words[FILE_ID_BYTES / 4];
	} record = { .info = { .type = type },
		     .fsid = { (int32_t)e->dev, (int32_t)(e->dev >> 32) },
		     .handle = { FILE_ID_BYTES, FILE_ID_TYPE } };
	size_t named = name ? len + 1 : 0, padding = ALIGN_UP(named, FANOTIFY_INFO_ALIGN) - named;

	file_id_pack(&id->id, record.words);
	record.info.len = (uint16_t)(sizeof(record) + named + padding);
	if (!give(io, &record, sizeof(record)))
		return false;
	return !name || (give(io, name, len) && give(io, zeros, 1) && (!padding || give(io, zeros, padding)));
}

static bool give_directories(struct iobuf *io, const struct fan_event *e)
{
	uint8_t type = e->mask & FAN_RENAME ? FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
		       : e->name            ? FAN_EVENT_INFO_TYPE_DFID_NAME
					    : FAN_EVENT_INFO_TYPE_DFID;

	if (e->dir.known && !give_id(io, e, type, &e->dir, e->name, e->name_len))
		return false;
	return !e->new_dir.known ||
	       give_id(io, e, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, &e->new_dir, e->new_name, e->new_len);
}

static bool give_object(struct iobuf *io, const struct fan_group *g, const struct fan_event *e)
{
	if (!e->object.known)
		return true;
	if (fan_event_is_dot(g, e))
		return give_id(io, e, FAN_EVENT_INFO_TYPE_DFID_NAME, &e->object, ".", 1);
	if (fan_fid_mode(g) != FAN_REPORT_FID && !e->dir.known && !e->new_dir.known &&
	    (e->mask & (FAN_DIRENT_EVENTS | FAN_ONDIR)))
		return give_id(io, e, FAN_EVENT_INFO_TYPE_DFID, &e->object, NULL, 0);
	return give_id(io, e, FAN_EVENT_INFO_TYPE_FID, &e->object, NULL, 0);
}

static bool give_pidfd(struct iobuf *io, const struct delivery *d)
{
	struct {
		struct abi_fanotify_info info;
		int32_t fd;
	} record = { { .type = FAN_EVENT_INFO_TYPE_PIDFD, .len = sizeof(record) }, d->pidfd };

	return !(d->group->flags & FAN_REPORT_PIDFD) || give(io, &record, sizeof(record));
}

static bool give_all(struct iobuf *io, const struct delivery *d)
{
	return give(io, &d->head, sizeof(d->head)) && give_directories(io, d->event) &&
	       give_object(io, d->group, d->event) && give_pidfd(io, d);
}

/* --- one event ------------------------------------------------------------------------------------------ */

static ssize_t give_lost(struct iobuf *io)
{
	static const struct abi_fanotify_event lost = { .event_len = sizeof(lost),
							.vers = FANOTIFY_METADATA_VERSION,
							.metadata_len = sizeof(lost),
							.mask = FAN_Q_OVERFLOW,
							.fd = FAN_NOFD };

	return give(io, &lost, sizeof(lost)) ? (ssize_t)sizeof(lost) : -EFAULT;
}

/* An unprivileged group hears nothing of other processes. */
static int32_t pid_for(const struct fan_group *g, const struct fan_event *e)
{
	return g->unprivileged && e->process != current_process()->id ? 0 : e->pid;
}

/* The descriptor of an inquiry is known before anybody can answer by it. */
static ssize_t deliver(struct fan_group *g, struct fan_event *e, uint64_t inquiry, struct iobuf *io)
{
	struct delivery d = { .group = g, .event = e, .pidfd = FAN_NOPIDFD };

	d.head = (struct abi_fanotify_event){ .event_len = (uint32_t)fan_event_size(g, e),
					      .vers = FANOTIFY_METADATA_VERSION,
					      .metadata_len = sizeof(d.head),
					      .mask = e->mask & ~FAN_EVENT_ON_CHILD,
					      .fd = FAN_NOFD,
					      .pid = pid_for(g, e) };
	if (e->path.mount)
		d.head.fd = open_event(g, e);
	if (e->inquiry)
		fan_inquiry_given(g, inquiry, d.head.fd);
	if (e->path.mount && d.head.fd < 0)
		return d.head.fd;
	if (g->flags & FAN_REPORT_PIDFD)
		d.pidfd = open_process(e);
	if (give_all(io, &d))
		return d.head.event_len;
	if (e->inquiry)
		fan_inquiry_given(g, inquiry, -1);
	close_fd(d.head.fd);
	close_fd(d.pidfd);
	return -EFAULT;
}

/* 0: there is no event. */
static ssize_t read_one(struct fan_group *g, struct iobuf *io)
{
	struct fan_event *e, copy;
	uint64_t inquiry = 0;
	ssize_t n = take(g, io->left, &e, &copy, &inquiry);

	if (n <= 0)
		return n;
	if (!e)
		return give_lost(io);
	n = deliver(g, e, inquiry, io);
	fan_event_free(e);
	return n;
}

ssize_t fan_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct fan_group *g = fan_group_of(file);
	ssize_t done = 0, n;

	(void)pos;
	for (;;) {
		n = read_one(g, io);
		if (n > 0)
			done += n;
		if (n > 0)
			continue;
		if (done > 0 || n < 0)
			return done > 0 ? done : n;
		if (io->nowait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&g->readers, has_events(g)) < 0)
			return -ERESTARTSYS;
	}
}

uint32_t fan_poll(struct file *file, struct poll_table *table)
{
	struct fan_group *g = fan_group_of(file);

	if (table)
		table->add(table, &g->readers);
	return has_events(g) ? POLLIN | POLLRDNORM : 0;
}

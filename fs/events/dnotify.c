/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * F_NOTIFY: signals for what happens in a directory.
 *
 * A registration belongs to one descriptor's table and open file, and is a watch on the directory like
 * inotify's.  It goes with the first event unless it is to stay (DN_MULTISHOT), and when that table closes a
 * descriptor of the file; so it never outlives the file, whose owner it tells.
 */
#include <kernel/async.h>
#include <kernel/cap.h>
#include <kernel/inotify.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "../vfs_priv.h"
#include "watch.h"

struct dnotify {
	struct watch watch;            /* its mask has DN_MULTISHOT, too */
	const struct file *file;       /* [i] whose owner is told */
	const struct cap_table *table; /* [i] compared only */
	int fd;                        /* [watch_lock] for siginfo_t */
};

_Atomic uint32_t dnotify_enabled = 1;

_Static_assert(!(DN_MULTISHOT & WATCHED_EVENTS), "DN_MULTISHOT is a bit of a watch's mask");

static uint32_t mask_of(uint32_t events)
{
	static const struct {
		uint32_t event, mask;
	} table[] = {
		{ DN_ACCESS, IN_ACCESS },
		{ DN_MODIFY, IN_MODIFY },
		{ DN_CREATE, IN_CREATE | IN_MOVED_TO },
		{ DN_DELETE, IN_DELETE | IN_MOVED_FROM },
		{ DN_RENAME, NOTIFY_RENAME },
		{ DN_ATTRIB, IN_ATTRIB },
	};
	uint32_t mask = events & DN_MULTISHOT;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (events & table[i].event)
			mask |= table[i].mask;
	return mask;
}

static void end_locked(struct dnotify *d)
{
	watch_unlink_locked(&d->watch);
	kfree(d);
}

/* A rename is one within the directory. */
static void tell(struct watch *watch, struct news *n, enum watch_place place)
{
	struct dnotify *d = container_of(watch, struct dnotify, watch);

	(void)place;
	if ((n->event & NOTIFY_RENAME) && n->new_dir->vnode != n->dir->vnode)
		return;
	async_tell_owner(d->file, d->fd, POLL_MSG);
	if (!(watch->mask & DN_MULTISHOT))
		end_locked(d);
}

/* The open file has the directory's vnode: it cannot go before the registration does. */
static void gone(struct watch *watch, const struct news *n)
{
	(void)n;
	end_locked(container_of(watch, struct dnotify, watch));
}

static const struct watch_ops dnotify_ops = { .tell = tell, .gone = gone };

static struct dnotify *find_locked(const struct file *file, const struct cap_table *table)
{
	assert_held(&watch_lock);
	for (struct watch *w = file->vnode->watches.first; w; w = w->next) {
		struct dnotify *d = container_of(w, struct dnotify, watch);

		if (w->ops == &dnotify_ops && d->file == file && d->table == table)
			return d;
	}
	return NULL;
}

void dnotify_closed(const struct file *file, const struct cap_table *table)
{
	struct dnotify *d;

	spin_lock(&watch_lock);
	d = find_locked(file, table);
	if (d)
		end_locked(d);
	spin_unlock(&watch_lock);
}

/* What there is already gets the events besides its own. */
static int add(const struct file *file, const struct cap_table *table, int fd, uint32_t mask)
{
	struct dnotify *d, *fresh = kmalloc(sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	*fresh = (struct dnotify){
		.watch = { .ops = &dnotify_ops, .mask = mask }, .file = file, .table = table, .fd = fd
	};
	spin_lock(&watch_lock);
	d = find_locked(file, table);
	if (d) {
		d->fd = fd;
		watch_set_mask_locked(&d->watch, d->watch.mask | mask);
	} else {
		watch_link_locked(&fresh->watch, &file->vnode->watches);
	}
	spin_unlock(&watch_lock);
	if (d)
		kfree(fresh);
	return 0;
}

int dnotify_set(const struct file_use *use, int fd, uint32_t events)
{
	const struct cap_table *table = current_process()->caps;
	struct file *file = use->file;
	int err;

	if (!atomic_load(&dnotify_enabled))
		return -EINVAL;
	if (file->object.type != OBJECT_DIRECTORY)
		return events & ~DN_MULTISHOT ? -ENOTDIR : 0;
	if (!(events & ~DN_MULTISHOT)) {
		dnotify_closed(file, table);
		return 0;
	}
	if (!(atomic_load(&use->cap->rights) & CAP_LIST))
		return -EPERM;
	err = async_claim(file);
	if (err == 0)
		err = add(file, table, fd, mask_of(events));
	/* Another thread may have closed the descriptor before there was anything to end. */
	if (err == 0 && !file_is_open_as(file, fd)) {
		dnotify_closed(file, table);
		err = -EBADF;
	}
	return err;
}

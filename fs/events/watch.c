/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who hears of what happens to files: the watches of each vnode, whatever their kind.  Nobody takes the lock
 * who does nothing to a watched file or its directory: vnode.watched says so without it.
 */
#include "watch.h"

#include "../vfs_priv.h"

struct spinlock watch_lock = SPINLOCK_INIT("inotify", RANK_INOTIFY);
_Atomic uint32_t notify_watches;
static _Atomic uint32_t last_cookie;

/* --- watches -------------------------------------------------------------------------------------------- */

static void sum_masks_locked(struct vnode *v)
{
	uint32_t mask = 0;

	for (const struct watch *w = v->watches; w; w = w->next)
		mask |= w->mask;
	atomic_store_explicit(&v->watched, mask, memory_order_relaxed);
}

void watch_link_locked(struct watch *w, struct vnode *v)
{
	assert_held(&watch_lock);
	w->vnode = v;
	w->next = v->watches;
	v->watches = w;
	sum_masks_locked(v);
	atomic_fetch_add_explicit(&notify_watches, 1, memory_order_relaxed);
}

void watch_unlink_locked(struct watch *w)
{
	struct watch **link = &w->vnode->watches;

	assert_held(&watch_lock);
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	sum_masks_locked(w->vnode);
	atomic_fetch_sub_explicit(&notify_watches, 1, memory_order_relaxed);
}

void watch_set_mask_locked(struct watch *w, uint32_t mask)
{
	assert_held(&watch_lock);
	w->mask = mask;
	sum_masks_locked(w->vnode);
}

/* --- telling -------------------------------------------------------------------------------------------- */

static bool is_watched(struct vnode *v, uint32_t event)
{
	return atomic_load_explicit(&v->watched, memory_order_relaxed) & event;
}

static void tell(struct vnode *v, const struct news *n)
{
	struct watch *w, *next;

	if (!is_watched(v, n->event & WATCHED_EVENTS))
		return;
	spin_lock(&watch_lock);
	for (w = v->watches; w; w = next) {
		next = w->next;
		if (w->mask & n->event & WATCHED_EVENTS)
			w->ops->tell(w, n);
	}
	spin_unlock(&watch_lock);
}

static uint32_t with_type(uint32_t event, const struct vnode *v)
{
	return S_ISDIR(v->mode) ? event | IN_ISDIR : event;
}

void notify_vnode_(struct vnode *v, uint32_t event)
{
	const struct news n = { .event = event & (IN_MOVE_SELF | IN_DELETE_SELF) ? event
										 : with_type(event, v) };

	tell(v, &n);
}

void notify_name_(struct vnode *dir, uint32_t event, const struct vnode *about, const char *name, size_t len,
		  uint32_t cookie)
{
	const struct news n = {
		.event = with_type(event, about), .name = name, .len = len, .cookie = cookie
	};

	tell(dir, &n);
}

/* The directory's part: the name and the place do not change under dcache_lock. */
static void tell_parent(struct dentry *d, uint32_t event)
{
	struct news n = { .event = with_type(event, d->vnode) };

	spin_lock(&dcache_lock);
	if (d->parent != d && d->parent->vnode && is_watched(d->parent->vnode, event)) {
		n.name = d->name;
		n.len = d->len;
		n.unlinked = d->removed;
		tell(d->parent->vnode, &n);
	}
	spin_unlock(&dcache_lock);
}

void notify_dentry_(struct dentry *d, uint32_t event)
{
	if (!d->vnode)
		return;
	tell_parent(d, event);
	notify_vnode_(d->vnode, event);
}

void notify_file_(struct file *file, uint32_t event)
{
	if (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_PATH)
		return;
	if (file->dentry)
		notify_dentry_(file->dentry, event);
	else if (file->vnode)
		notify_vnode_(file->vnode, event);
}

uint32_t notify_cookie(void)
{
	return atomic_fetch_add_explicit(&last_cookie, 1, memory_order_relaxed) + 1;
}

void notify_vnode_gone(struct vnode *v)
{
	uint32_t event = v->nlink == 0 ? IN_DELETE_SELF : IN_UNMOUNT;

	spin_lock(&watch_lock);
	while (v->watches)
		v->watches->ops->gone(v->watches, event);
	spin_unlock(&watch_lock);
}

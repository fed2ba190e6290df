/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who hears of what happens to files: the watches of each object, whatever their kind.  Nobody takes the lock
 * who does nothing to what is watched: the masks of the lists say so without it.
 */
#include "watch.h"

#include <kernel/string.h>

#include "../vfs_priv.h"
#include "fanotify_priv.h"

struct spinlock watch_lock = SPINLOCK_INIT("watches", RANK_WATCHES);
_Atomic uint32_t notify_watches;
static _Atomic uint32_t last_cookie;

/* --- watches -------------------------------------------------------------------------------------------- */

static void sum_masks_locked(struct watch_list *list)
{
	uint32_t mask = 0;

	for (const struct watch *w = list->first; w; w = w->next)
		mask |= w->mask;
	atomic_store_explicit(&list->mask, mask, memory_order_relaxed);
}

void watch_link_locked(struct watch *w, struct watch_list *list)
{
	assert_held(&watch_lock);
	w->list = list;
	w->next = list->first;
	list->first = w;
	sum_masks_locked(list);
	atomic_fetch_add_explicit(&notify_watches, 1, memory_order_relaxed);
}

void watch_unlink_locked(struct watch *w)
{
	struct watch **link = &w->list->first;

	assert_held(&watch_lock);
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	sum_masks_locked(w->list);
	atomic_fetch_sub_explicit(&notify_watches, 1, memory_order_relaxed);
}

void watch_set_mask_locked(struct watch *w, uint32_t mask)
{
	assert_held(&watch_lock);
	w->mask = mask;
	sum_masks_locked(w->list);
}

/* --- telling -------------------------------------------------------------------------------------------- */

/* What the news concerns; NULL: nothing there. */
static struct watch_list *list_at(const struct news *n, enum watch_place place)
{
	switch (place) {
	case WATCH_PARENT:
		return n->dir && !n->of_names ? &n->dir->vnode->watches : NULL;
	case WATCH_SELF:
		return n->of_names ? &n->dir->vnode->watches : &n->vnode->watches;
	case WATCH_NEW_DIR:
		return n->new_dir && n->new_dir->vnode != n->dir->vnode ? &n->new_dir->vnode->watches : NULL;
	case WATCH_MOUNT:
		return n->mount ? &n->mount->watches : NULL;
	case WATCH_SYSTEM:
		return &n->vnode->sb->watches;
	case WATCH_PLACES:
		break;
	}
	return NULL;
}

/* Of all watches together. */
static uint32_t watched(const struct news *n)
{
	uint32_t mask = 0;

	for (int place = 0; place < WATCH_PLACES; place++) {
		struct watch_list *list = list_at(n, place);

		if (list)
			mask |= atomic_load_explicit(&list->mask, memory_order_relaxed);
	}
	return mask;
}

static void identify(struct dentry *d, struct news_id *out)
{
	out->known = d && dentry_identify(d, &out->id) == 0;
}

static void identify_all(struct news *n)
{
	identify(n->dir, &n->dir_id);
	identify(n->new_dir, &n->new_dir_id);
	if (n->about)
		identify(n->about, &n->id);
	else
		n->id.known = vnode_identify(n->vnode, &n->id.id) == 0;
}

static void tell_list_locked(struct watch_list *list, struct news *n, enum watch_place place)
{
	struct watch *next;

	for (struct watch *w = list->first; w; w = next) {
		next = w->next;
		if (w->mask & n->event & WATCHED_EVENTS)
			w->ops->tell(w, n, place);
	}
}

static void conclude_locked(struct news *n)
{
	while (!list_empty(&n->listeners)) {
		struct listener *l = list_first(&n->listeners, struct listener, link);

		list_del(&l->link);
		l->conclude(l, n);
	}
}

void watch_tell_all_locked(struct news *n)
{
	assert_held(&watch_lock);
	list_init(&n->listeners);
	for (int place = 0; place < WATCH_PLACES; place++) {
		struct watch_list *list = list_at(n, place);

		if (list)
			tell_list_locked(list, n, place);
	}
	conclude_locked(n);
}

static void tell(struct news *n)
{
	uint32_t mask = watched(n);

	if (!(mask & n->event & WATCHED_EVENTS))
		return;
	if (mask & WATCH_WANTS_IDS)
		identify_all(n);
	spin_lock(&watch_lock);
	watch_tell_all_locked(n);
	spin_unlock(&watch_lock);
}

static uint32_t with_type(uint32_t event, const struct vnode *v)
{
	return S_ISDIR(v->mode) ? event | IN_ISDIR : event;
}

void notify_vnode_(struct vnode *v, uint32_t event)
{
	tell(&(struct news){ .event = with_type(event, v), .vnode = v });
}

void notify_name_(struct dentry *name, uint32_t event)
{
	tell(&(struct news){ .event = with_type(event, name->vnode),
			     .of_names = true,
			     .vnode = name->vnode,
			     .about = name,
			     .dir = name->parent,
			     .name = name->name,
			     .len = name->len });
}

void notify_move_(struct dentry *source, struct dentry *target)
{
	struct dentry *from = source->parent, *to = target->parent;
	struct news n = {
		.event = with_type(NOTIFY_RENAME, source->vnode),
		.of_names = true,
		.vnode = source->vnode,
		.about = source,
		.dir = from,
		.name = source->name,
		.len = source->len,
		.new_dir = to,
		.new_name = target->name,
		.new_len = target->len,
	};

	tell(&n);
	n.new_dir = NULL;
	n.cookie = atomic_fetch_add_explicit(&last_cookie, 1, memory_order_relaxed) + 1;
	n.event = with_type(IN_MOVED_FROM, source->vnode);
	tell(&n);
	n.event = with_type(IN_MOVED_TO, source->vnode);
	n.dir = to;
	n.name = target->name;
	n.len = target->len;
	tell(&n);
	tell(&(struct news){
		.event = with_type(IN_MOVE_SELF, source->vnode), .vnode = source->vnode, .about = source });
}

/* --- what has a name ------------------------------------------------------------------------------------ */

/* A name as it was at one moment; the directory is referenced. */
struct snapshot {
	struct dentry *dir;
	char name[NAME_MAX + 1];
};

/* Does anybody care where it is? */
static bool place_matters(const struct news *n, const struct dentry *parent)
{
	uint32_t wants = atomic_load_explicit(&n->vnode->watches.mask, memory_order_relaxed) |
			 atomic_load_explicit(&n->vnode->sb->watches.mask, memory_order_relaxed);

	if (n->mount)
		wants |= atomic_load_explicit(&n->mount->watches.mask, memory_order_relaxed);
	if ((wants & WATCH_WANTS_NAMES) && !S_ISDIR(n->vnode->mode))
		return true;
	return atomic_load_explicit(&parent->vnode->watches.mask, memory_order_relaxed) & n->event &
	       WATCHED_EVENTS;
}

static void take_snapshot(struct dentry *d, struct news *n, struct snapshot *s)
{
	s->dir = NULL;
	spin_lock(&dcache_lock);
	if (d->parent != d && d->parent->vnode && place_matters(n, d->parent)) {
		s->dir = d->parent;
		dentry_get(s->dir);
		memcpy(s->name, d->name, d->len);
		n->dir = s->dir;
		n->name = s->name;
		n->len = d->len;
		n->unlinked = d->removed;
	}
	spin_unlock(&dcache_lock);
}

static int ask(struct news *n)
{
	return watched(n) & n->event & NOTIFY_PERMISSIONS ? fanotify_ask(n) : 0;
}

static __noinline int tell_with_name(struct news *n)
{
	struct snapshot s __attribute__((uninitialized));
	int err = 0;

	take_snapshot(n->about, n, &s);
	if (n->event & NOTIFY_PERMISSIONS)
		err = ask(n);
	else
		tell(n);
	n->dir = NULL;
	n->name = NULL;
	dentry_put(s.dir);
	return err;
}

static int tell_of_dentry(struct dentry *d, struct mount *mount, uint32_t event)
{
	struct news n = { .about = d, .vnode = d->vnode, .mount = mount };

	if (!n.vnode)
		return 0;
	n.event = with_type(event, n.vnode);
	return tell_with_name(&n);
}

void notify_dentry_(struct dentry *d, uint32_t event)
{
	(void)tell_of_dentry(d, NULL, event);
}

void notify_path_(const struct path *path, uint32_t event)
{
	(void)tell_of_dentry(path->dentry, path->mount, event);
}

static bool is_silent(const struct file *file)
{
	return file->silent || (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_PATH);
}

void notify_file_(struct file *file, uint32_t event)
{
	if (is_silent(file))
		return;
	if (file->dentry)
		(void)tell_of_dentry(file->dentry, file->mount, event);
	else if (file->vnode)
		notify_vnode_(file->vnode, event);
}

int notify_permission_(struct file *file, uint32_t event)
{
	return file->dentry && !is_silent(file) ? tell_of_dentry(file->dentry, file->mount, event) : 0;
}

int notify_path_permission_(const struct path *path, uint32_t event)
{
	return tell_of_dentry(path->dentry, path->mount, event);
}

/* --- ends ----------------------------------------------------------------------------------------------- */

static void end_all(struct watch_list *list, const struct news *n)
{
	spin_lock(&watch_lock);
	while (list->first)
		list->first->ops->gone(list->first, n);
	spin_unlock(&watch_lock);
}

/* Who watches the file system hears of the end of any file in it. */
void notify_vnode_gone(struct vnode *v)
{
	struct news n = { .event = with_type(v->nlink == 0 ? IN_DELETE_SELF : IN_UNMOUNT, v), .vnode = v };

	if (n.event & IN_DELETE_SELF)
		tell(&n);
	if (v->watches.first)
		end_all(&v->watches, &n);
}

void notify_list_gone(struct watch_list *list)
{
	static const struct news unmounted = { .event = IN_UNMOUNT };

	if (list->first)
		end_all(list, &unmounted);
}

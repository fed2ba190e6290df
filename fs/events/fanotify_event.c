/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From news to events: does the group want it, what is it told, is that told already?
 *
 * An event like one that waits in the queue is merged into it, its bit beside the others; only the newest
 * MERGE_LOOK are looked at.  When the queue is full, or there is no memory, one event says that some were
 * lost.
 */
#include "fanotify_priv.h"

#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "../vfs_priv.h"

#define MERGE_LOOK 128

/* --- the queue ------------------------------------------------------------------------------------------ */

static bool same_id(const struct news_id *a, const struct news_id *b)
{
	return a->known == b->known &&
	       (!a->known || (a->id.ino == b->id.ino && a->id.generation == b->id.generation));
}

static bool same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return !a == !b && a_len == b_len && (!a || memcmp(a, b, a_len) == 0);
}

/* Never renames, which are told in records of their own; nor inquiries. */
static bool may_merge(const struct fan_event *a, const struct fan_event *b)
{
	if (((a->mask ^ b->mask) & FAN_ONDIR) || ((a->mask | b->mask) & FAN_RENAME))
		return false;
	return !a->inquiry && a->pid == b->pid && a->dev == b->dev && a->path.mount == b->path.mount &&
	       a->path.dentry == b->path.dentry && same_id(&a->object, &b->object) &&
	       same_id(&a->dir, &b->dir) && same_name(a->name, a->name_len, b->name, b->name_len);
}

static bool merge_locked(struct fan_group *g, const struct fan_event *e)
{
	unsigned looked = 0;

	for (struct list *l = g->events.prev; l != &g->events && looked++ < MERGE_LOOK; l = l->prev) {
		struct fan_event *old = list_entry(l, struct fan_event, link);

		if (may_merge(old, e)) {
			old->mask |= e->mask;
			return true;
		}
	}
	return false;
}

static void announce(struct fan_group *g)
{
	wake_up_events(&g->readers, POLLIN | POLLRDNORM);
}

bool fan_enqueue_locked(struct fan_group *g, struct fan_event *e)
{
	if (g->count >= g->limit)
		return false;
	list_add_tail(&g->events, &e->link);
	g->count++;
	announce(g);
	return true;
}

static void lose_locked(struct fan_group *g)
{
	if (!g->overflowed)
		announce(g);
	g->overflowed = true;
}

/* Names behind it; what it keeps is referenced.  NULL: no memory. */
static struct fan_event *copy_event(const struct fan_event *e)
{
	struct fan_event *copy = kmalloc(sizeof(*copy) + e->name_len + e->new_len);
	char *names;

	if (!copy)
		return NULL;
	names = (char *)(copy + 1);
	*copy = *e;
	if (e->name)
		copy->name = memcpy(names, e->name, e->name_len);
	if (e->new_name)
		copy->new_name = memcpy(names + e->name_len, e->new_name, e->new_len);
	if (e->path.mount)
		path_get(&e->path);
	return copy;
}

void fan_event_free(struct fan_event *e)
{
	if (e->path.mount)
		path_put(&e->path);
	if (!e->inquiry)
		kfree(e);
}

static void queue_locked(struct fan_group *g, const struct fan_event *e)
{
	struct fan_event *copy;

	if (merge_locked(g, e))
		return;
	copy = g->count < g->limit ? copy_event(e) : NULL;
	if (copy)
		(void)fan_enqueue_locked(g, copy);
	else
		lose_locked(g);
}

/* --- what it says --------------------------------------------------------------------------------------- */

static bool is_dirent(const struct news *n)
{
	return n->of_names;
}

static const struct news_id *directory_id(const struct news *n)
{
	if (!is_dirent(n) && S_ISDIR(n->vnode->mode))
		return &n->id;
	return n->dir ? &n->dir_id : NULL;
}

/* Both ends of a rename to who watches the file system; else those that are watched. */
static void tell_rename(const struct fan_group *g, const struct news *n, struct fan_event *e)
{
	if (!(g->places & (1u << WATCH_SYSTEM | 1u << WATCH_SELF))) {
		e->dir.known = false;
		e->name = NULL;
		e->name_len = 0;
	}
	if (g->places & (1u << WATCH_SYSTEM | 1u << WATCH_NEW_DIR) ||
	    (n->new_dir->vnode == n->dir->vnode && (g->places & 1u << WATCH_SELF))) {
		e->new_dir = n->new_dir_id;
		e->new_name = n->new_name;
		e->new_len = n->new_len;
	}
}

/* With the directory: the file beside it, and its name there, as the group wants. */
static void tell_in_directory(const struct fan_group *g, const struct news *n, const struct news_id *dir,
			      struct fan_event *e)
{
	uint32_t mode = fan_fid_mode(g);
	bool in_parent = is_dirent(n) || !(n->event & IN_ISDIR);
	bool child = is_dirent(n) ? mode & FAN_REPORT_TARGET_FID
				  : (mode & FAN_REPORT_FID) && !(n->event & IN_ISDIR);

	if (!in_parent) { /* the directory is what it happened to */
		e->object = *dir;
		return;
	}
	if ((mode & FAN_REPORT_NAME) && n->name) {
		e->name = n->name;
		e->name_len = n->len;
	}
	if (!e->name && !child) {
		e->object = *dir;
		return;
	}
	e->dir = *dir;
	if (child)
		e->object = n->id;
	if (n->event & NOTIFY_RENAME)
		tell_rename(g, n, e);
}

static void tell_identities(const struct fan_group *g, const struct news *n, struct fan_event *e)
{
	uint32_t mode = fan_fid_mode(g);
	const struct news_id *dir = mode & FAN_REPORT_DIR_FID ? directory_id(n) : NULL;

	e->dev = n->vnode->sb->dev;
	if (dir)
		tell_in_directory(g, n, dir, e);
	else
		e->object = is_dirent(n) && !(mode & FAN_REPORT_TARGET_FID) ? n->dir_id : n->id;
}

static void tell_who(const struct fan_group *g, struct fan_event *e)
{
	if (!in_user_thread())
		return;
	e->pid = g->flags & FAN_REPORT_TID ? current_thread()->tid : current_process()->pid;
	e->process = current_process()->id;
}

static void describe(const struct fan_group *g, const struct news *n, struct fan_event *e)
{
	tell_who(g, e);
	if (fan_fid_mode(g))
		tell_identities(g, n, e);
	else
		e->path = (struct path){ n->mount, n->about };
}

/* --- whether it is wanted ------------------------------------------------------------------------------- */

/* What of the news the group tells; 0: nothing. */
static uint32_t wanted_of(const struct fan_group *g, const struct news *n)
{
	uint32_t event = n->event & ~NOTIFY_RENAME, mode = fan_fid_mode(g), mask;

	if (n->event & NOTIFY_RENAME)
		event |= FAN_RENAME;
	if (!mode && (!n->mount || !n->about || !(S_ISREG(n->vnode->mode) || S_ISDIR(n->vnode->mode))))
		return 0;
	if (mode && !(mode & FAN_REPORT_FID) && !n->dir && !(event & FAN_ONDIR))
		return 0;
	mask = event & g->wanted & ~g->ignored;
	if (!(mask & ~FAN_EVENT_FLAGS))
		return 0;
	return mode ? mask : mask & ~FAN_EVENT_FLAGS;
}

void fan_conclude_locked(struct listener *listener, const struct news *n)
{
	struct fan_group *g = container_of(listener, struct fan_group, listener);
	struct fan_event e = { .mask = wanted_of(g, n) };

	if (!e.mask)
		return;
	if (n->inquirer) {
		if (e.mask & FAN_PERM_EVENTS)
			fan_inquire_locked(n->inquirer, g, e.mask);
		return;
	}
	describe(g, n, &e);
	if (fan_fid_mode(g) && !e.object.known && !e.dir.known && !e.new_dir.known)
		lose_locked(g); /* no memory for its identity */
	else
		queue_locked(g, &e);
}

/* --- how long it is ------------------------------------------------------------------------------------- */

static size_t id_size(size_t name_len)
{
	size_t name = name_len ? name_len + 1 : 0;

	return ALIGN_UP(sizeof(struct abi_fanotify_info) + sizeof(int32_t[2]) +
				sizeof(struct abi_file_handle) + FILE_ID_BYTES + name,
			FANOTIFY_INFO_ALIGN);
}

/* A directory without a name of its own to tell is "." of itself, where names are told. */
bool fan_event_is_dot(const struct fan_group *g, const struct fan_event *e)
{
	return !e->dir.known && !e->new_dir.known && (g->flags & FAN_REPORT_NAME) && (e->mask & FAN_ONDIR);
}

size_t fan_event_size(const struct fan_group *g, const struct fan_event *e)
{
	size_t size = sizeof(struct abi_fanotify_event);

	if (e->dir.known)
		size += id_size(e->name_len);
	if (e->new_dir.known)
		size += id_size(e->new_len);
	if (e->object.known)
		size += id_size(fan_event_is_dot(g, e) ? 1 : 0);
	if (g->flags & FAN_REPORT_PIDFD)
		size += sizeof(struct abi_fanotify_info) + sizeof(int32_t);
	return size;
}

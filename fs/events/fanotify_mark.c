/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks: what a group wants to hear of one object, and what not.
 *
 * A mark is told what it ignores, too, or it could not say so; and of changes, which end an ignore mask that
 * is not to survive them.
 */
#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#include "../vfs_priv.h"
#include "fanotify_priv.h"

#define TYPE_BITS   (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM)
#define CMD_BITS    (FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH)
#define IGNORE_BITS (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE)
#define MARK_FLAGS                                                                      \
	(TYPE_BITS | CMD_BITS | IGNORE_BITS | FAN_MARK_DONT_FOLLOW | FAN_MARK_ONLYDIR | \
	 FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE)
#define KEPT_FLAGS (FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE | FAN_MARK_IGNORE)

static struct fan_mark *mark_of(struct watch *w)
{
	return container_of(w, struct fan_mark, watch);
}

/* --- being told ----------------------------------------------------------------------------------------- */

static uint32_t watch_mask(const struct fan_mark *m)
{
	uint32_t events = m->mask | m->ignore, mask = events & WATCHED_EVENTS;

	if (events & FAN_RENAME)
		mask |= NOTIFY_RENAME;
	if (m->ignore && !(m->flags & FAN_MARK_IGNORED_SURV_MODIFY))
		mask |= IN_MODIFY;
	if (fan_fid_mode(m->group))
		mask |= WATCH_WANTS_IDS;
	return m->mask & FAN_EVENT_ON_CHILD ? mask | WATCH_WANTS_NAMES : mask;
}

/* Do the flags of a mask let it count for directories, or for what is in the marked one? */
static bool applies(uint32_t mask, bool dir, enum watch_place place)
{
	return (!dir || (mask & FAN_ONDIR)) && (place != WATCH_PARENT || (mask & FAN_EVENT_ON_CHILD));
}

/* What is ignored, by old rules or by those of FAN_MARK_IGNORE: directories always, and children if the mark
 * hears of them; or as the ignore mask itself says. */
static uint32_t ignored_by(const struct fan_mark *m, bool dir, enum watch_place place)
{
	uint32_t mask = m->ignore;

	if (!(m->flags & FAN_MARK_IGNORE))
		mask = ((mask | FAN_ONDIR) & ~FAN_EVENT_ON_CHILD) | (m->mask & FAN_EVENT_ON_CHILD);
	if ((dir || place == WATCH_PARENT) && !applies(mask, dir, place))
		return 0;
	return m->ignore & ~FAN_EVENT_FLAGS;
}

static void tell(struct watch *w, struct news *n, enum watch_place place)
{
	struct fan_mark *m = mark_of(w);
	struct fan_group *g = m->group;
	bool dir = n->event & IN_ISDIR;

	if ((n->event & IN_MODIFY) && m->ignore && !(m->flags & FAN_MARK_IGNORED_SURV_MODIFY)) {
		m->ignore = 0;
		watch_set_mask_locked(w, watch_mask(m));
	}
	if (list_empty(&g->listener.link)) {
		g->wanted = g->ignored = g->places = 0;
		list_add_tail(&n->listeners, &g->listener.link);
	}
	g->ignored |= ignored_by(m, dir, place);
	if (applies(m->mask, dir, place)) {
		g->wanted |= m->mask;
		g->places |= 1u << place;
	}
}

void fan_mark_end_locked(struct fan_mark *m)
{
	watch_unlink_locked(&m->watch);
	list_del(&m->link);
	m->group->mark_count--;
	kfree(m);
}

/* What there was to say was told. */
static void gone(struct watch *w, const struct news *n)
{
	(void)n;
	fan_mark_end_locked(mark_of(w));
}

static const struct watch_ops mark_ops = { .tell = tell, .gone = gone };

/* --- asking for it -------------------------------------------------------------------------------------- */

int fanotify_mark_check_call(uint32_t flags, uint64_t mask)
{
	uint32_t command = flags & CMD_BITS;

	if ((mask >> 32) || (flags & ~MARK_FLAGS) || (flags & TYPE_BITS) == TYPE_BITS)
		return -EINVAL;
	if (command == FAN_MARK_FLUSH ? flags & ~(TYPE_BITS | FAN_MARK_FLUSH)
				      : (command != FAN_MARK_ADD && command != FAN_MARK_REMOVE) || !mask)
		return -EINVAL;
	return (mask & ~(FAN_EVENTS | FAN_PERM_EVENTS | FAN_EVENT_FLAGS)) ||
			       (flags & IGNORE_BITS) == IGNORE_BITS
		       ? -EINVAL
		       : 0;
}

static int check_group(const struct fan_group *g, uint32_t flags, uint32_t mask)
{
	uint32_t type = flags & TYPE_BITS;

	if (type != FAN_MARK_INODE && (g->unprivileged || !cred_has_privilege(PRIV_SYS_ADMIN)))
		return -EPERM;
	if ((mask & FAN_PERM_EVENTS) && !(g->flags & FAN_CLASSES))
		return -EINVAL;
	if ((mask & FAN_FS_ERROR) && type != FAN_MARK_FILESYSTEM)
		return -EINVAL;
	if ((flags & FAN_MARK_EVICTABLE) && type != FAN_MARK_INODE)
		return -EINVAL;
	/* No descriptor comes with these, and no mount. */
	if ((mask & ~(FAN_PATH_EVENTS | FAN_PERM_EVENTS | FAN_EVENT_FLAGS)) &&
	    (!fan_fid_mode(g) || type == FAN_MARK_MOUNT))
		return -EINVAL;
	return (mask & FAN_RENAME) && !(g->flags & FAN_REPORT_NAME) ? -EINVAL : 0;
}

int fanotify_mark_check(struct file *file, uint32_t flags, uint64_t *mask)
{
	if (!file_is_fanotify(file))
		return -EINVAL;
	if (flags & FAN_MARK_IGNORED_MASK)
		*mask &= ~(uint64_t)FAN_EVENT_FLAGS;
	return check_group(fan_group_of(file), flags, (uint32_t)*mask);
}

/* A name in /proc may take locks that who is asked would need. */
static int check_place(const struct fan_group *g, const struct path *path, uint32_t flags, uint32_t mask)
{
	bool strict = (g->flags & FAN_REPORT_TARGET_FID) || (mask & FAN_RENAME) || (flags & FAN_MARK_IGNORE);
	bool dir = S_ISDIR(path->dentry->vnode->mode), object = flags & TYPE_BITS;

	if (!(flags & FAN_MARK_ADD))
		return 0;
	if ((mask & FAN_PERM_EVENTS) && path->dentry->sb->magic == PROC_SUPER_MAGIC)
		return -EINVAL;
	if (object && path->dentry->sb->magic == PIPEFS_MAGIC)
		return -EINVAL;
	if (strict && !object && !dir && (mask & (FAN_DIRENT_EVENTS | FAN_EVENT_FLAGS)))
		return -ENOTDIR;
	return 0;
}

static int check_ignore(const struct path *path, uint32_t flags)
{
	bool object = flags & TYPE_BITS;

	if (!(flags & FAN_MARK_ADD) || !(flags & FAN_MARK_IGNORE) || (flags & FAN_MARK_IGNORED_SURV_MODIFY))
		return 0;
	if (object)
		return -EINVAL;
	return S_ISDIR(path->dentry->vnode->mode) ? -EISDIR : 0;
}

static struct watch_list *list_of(const struct path *path, uint32_t type)
{
	if (type == FAN_MARK_MOUNT)
		return &path->mount->watches;
	return type == FAN_MARK_FILESYSTEM ? &path->dentry->sb->watches : &path->dentry->vnode->watches;
}

static struct fan_mark *find_locked(const struct fan_group *g, const struct watch_list *list)
{
	for (struct watch *w = list->first; w; w = w->next)
		if (w->ops == &mark_ops && mark_of(w)->group == g)
			return mark_of(w);
	return NULL;
}

/* Of all groups of the user that count them. */
static uint32_t marks_of_user_locked(uid_t uid)
{
	const struct fan_group *g;
	uint32_t count = 0;

	list_for_each (g, &fan_groups, link)
		if (g->uid == uid && !(g->flags & FAN_UNLIMITED_MARKS))
			count += g->mark_count;
	return count;
}

static int may_change_locked(const struct fan_mark *m, uint32_t flags)
{
	if ((flags & FAN_MARK_EVICTABLE) && !(m->flags & FAN_MARK_EVICTABLE))
		return -EEXIST;
	if ((flags & FAN_MARK_IGNORED_MASK) && (m->flags & FAN_MARK_IGNORE))
		return -EEXIST;
	return (flags & FAN_MARK_IGNORE) && !(flags & FAN_MARK_IGNORED_SURV_MODIFY) &&
			       (m->flags & FAN_MARK_IGNORED_SURV_MODIFY)
		       ? -EEXIST
		       : 0;
}

static void add_locked(struct fan_mark *m, uint32_t flags, uint32_t mask)
{
	if (flags & IGNORE_BITS) {
		m->ignore |= mask;
		m->flags |= flags & (FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_IGNORE);
	} else {
		m->mask |= mask;
	}
	if (!(flags & FAN_MARK_EVICTABLE))
		m->flags &= ~FAN_MARK_EVICTABLE;
	watch_set_mask_locked(&m->watch, watch_mask(m));
}

static int insert_locked(struct fan_group *g, struct watch_list *list, uint32_t flags, struct fan_mark *m)
{
	if (!(g->flags & FAN_UNLIMITED_MARKS) &&
	    marks_of_user_locked(g->uid) >= atomic_load(&fanotify_max_marks))
		return -ENOSPC;
	m->watch.ops = &mark_ops;
	m->group = g;
	m->type = flags & TYPE_BITS;
	m->flags = flags & FAN_MARK_EVICTABLE;
	list_add_tail(&g->marks, &m->link);
	g->mark_count++;
	watch_link_locked(&m->watch, list);
	return 0;
}

static int add(struct fan_group *g, struct watch_list *list, uint32_t flags, uint32_t mask)
{
	struct fan_mark *m, *fresh = kzalloc(sizeof(*fresh));
	int err;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&watch_lock);
	m = find_locked(g, list);
	err = m ? may_change_locked(m, flags) : insert_locked(g, list, flags, fresh);
	if (!m && err == 0) {
		m = fresh;
		fresh = NULL;
	}
	if (err == 0)
		add_locked(m, flags, mask);
	spin_unlock(&watch_lock);
	kfree(fresh);
	return err;
}

/* `kept`: flags of masks that alone are no reason for a mark to stay. */
static int remove(struct fan_group *g, struct watch_list *list, uint32_t flags, uint32_t mask, uint32_t kept)
{
	struct fan_mark *m;

	spin_lock(&watch_lock);
	m = find_locked(g, list);
	if (m && (flags & IGNORE_BITS))
		m->ignore &= ~mask;
	else if (m)
		m->mask &= ~mask;
	if (m && !((m->mask | m->ignore) & ~kept))
		fan_mark_end_locked(m);
	else if (m)
		watch_set_mask_locked(&m->watch, watch_mask(m));
	spin_unlock(&watch_lock);
	return m ? 0 : -ENOENT;
}

/* An ignore mask that changes end is of no use while somebody may write. */
static bool is_useless(const struct path *path, uint32_t flags)
{
	return !(flags & TYPE_BITS) && (flags & IGNORE_BITS) && !(flags & FAN_MARK_IGNORED_SURV_MODIFY) &&
	       atomic_load(&path->dentry->vnode->write_count) > 0;
}

int fanotify_mark(struct file *file, uint32_t flags, uint32_t mask, const struct path *path)
{
	struct fan_group *g = fan_group_of(file);
	uint32_t kept = flags & FAN_MARK_IGNORED_MASK ? FAN_EVENT_FLAGS : 0;
	int err = check_place(g, path, flags, mask);

	if (err == 0 && fan_fid_mode(g) && !path->dentry->sb->type->has_handles)
		err = -ENODEV;
	if (err == 0)
		err = check_ignore(path, flags);
	if (err < 0)
		return err;
	/* Only directories have children.  Names are told all the same, where the group wants them. */
	if ((flags & TYPE_BITS) || !S_ISDIR(path->dentry->vnode->mode)) {
		mask &= ~FAN_EVENT_ON_CHILD;
		kept = FAN_EVENT_ON_CHILD;
		if ((g->flags & FAN_REPORT_DIR_FID) && (flags & FAN_MARK_ADD) && !(flags & IGNORE_BITS))
			mask |= FAN_EVENT_ON_CHILD;
	}
	if (flags & FAN_MARK_REMOVE)
		return remove(g, list_of(path, flags & TYPE_BITS), flags, mask, kept);
	return is_useless(path, flags) ? 0 : add(g, list_of(path, flags & TYPE_BITS), flags, mask);
}

/* --- showing -------------------------------------------------------------------------------------------- */

static int mark_text(const struct fan_mark *m, char *buf, size_t size)
{
	const struct watch_list *list = m->watch.list;
	const struct vnode *v = container_of(list, struct vnode, watches);
	int n;

	if (m->type == FAN_MARK_MOUNT)
		n = scnprintf(buf, size, "fanotify mnt_id:%x", container_of(list, struct mount, watches)->id);
	else if (m->type == FAN_MARK_FILESYSTEM)
		n = scnprintf(buf, size, "fanotify sdev:%lx",
			      (uint64_t)container_of(list, struct superblock, watches)->dev);
	else
		n = scnprintf(buf, size, "fanotify ino:%lx sdev:%lx", v->ino, (uint64_t)v->sb->dev);
	return n + scnprintf(buf + n, size - (size_t)n, " mflags:%x mask:%x ignored_mask:%x\n", m->flags,
			     m->mask, m->ignore);
}

size_t fan_marks_text_locked(const struct fan_group *g, char *buf, size_t size)
{
	const struct fan_mark *m;
	size_t used = 0;

	list_for_each (m, &g->marks, link)
		if (used + 1 < size)
			used += (size_t)mark_text(m, buf + used, size - used);
	return used;
}

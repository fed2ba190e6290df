/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to files.
 *
 * Whoever does something to a file says so by one of the notify functions, after it is done; who hears of it
 * is fs/events/watch.h's matter: inotify(7), F_NOTIFY of fcntl(2), fanotify(7).  It costs a look at one word
 * while nobody watches anything.  Mutexes may be held, no spinlock.
 *
 * notify_permission asks before something is done, and may take as long as who is asked: no lock is held.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_events.h>

struct dentry;
struct file;
struct path;
struct vnode;
struct watch;

/* Who watches one object: a vnode, a mount or a file system.  All zeros: nobody. */
struct watch_list {
	struct watch *first;   /* [watch_lock] */
	_Atomic uint32_t mask; /* [a] of what they want to hear, in all */
};

extern _Atomic uint32_t notify_watches; /* how many there are */

/* Events beside IN_*, in bits that no mask of inotify's has. */
#define NOTIFY_OPEN_EXEC     0x00001000u /* beside IN_OPEN: to run it */
#define NOTIFY_MAY_OPEN      0x00010000u
#define NOTIFY_MAY_ACCESS    0x00020000u
#define NOTIFY_MAY_OPEN_EXEC 0x00040000u
#define NOTIFY_RENAME        0x00100000u /* both halves at once */
#define NOTIFY_PERMISSIONS   (NOTIFY_MAY_OPEN | NOTIFY_MAY_ACCESS | NOTIFY_MAY_OPEN_EXEC)

static inline bool notify_wanted(void)
{
	return unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed) != 0);
}

/* To who watches the file, and to who watches its directory under the name it was opened by. */
void notify_file_(struct file *file, uint32_t event);
static inline void notify_file(struct file *file, uint32_t event)
{
	if (notify_wanted())
		notify_file_(file, event);
}

/* The same of what is at a place. */
void notify_path_(const struct path *path, uint32_t event);
static inline void notify_path(const struct path *path, uint32_t event)
{
	if (notify_wanted())
		notify_path_(path, event);
}

/* By name, whatever mount it was reached through. */
void notify_dentry_(struct dentry *dentry, uint32_t event);
static inline void notify_dentry(struct dentry *dentry, uint32_t event)
{
	if (notify_wanted())
		notify_dentry_(dentry, event);
}

/* To who watches its directory, which is locked: the name was made, or is being removed. */
void notify_name_(struct dentry *name, uint32_t event);
static inline void notify_name(struct dentry *name, uint32_t event)
{
	if (notify_wanted())
		notify_name_(name, event);
}

/* What has the name of `source` now gets that of `target`: both directories hear, and who watches what is
 * moved.  They are locked, and the names have not changed places yet. */
void notify_move_(struct dentry *source, struct dentry *target);
static inline void notify_move(struct dentry *source, struct dentry *target)
{
	if (notify_wanted())
		notify_move_(source, target);
}

/* To who watches the vnode itself. */
void notify_vnode_(struct vnode *vnode, uint32_t event);
static inline void notify_vnode(struct vnode *vnode, uint32_t event)
{
	if (notify_wanted())
		notify_vnode_(vnode, event);
}

/* May it be done?  `event`: of NOTIFY_PERMISSIONS.  -EPERM; -ERESTARTSYS: interrupted. */
int notify_permission_(struct file *file, uint32_t event) __must_check;
static inline int __must_check notify_permission(struct file *file, uint32_t event)
{
	return notify_wanted() ? notify_permission_(file, event) : 0;
}
int notify_path_permission_(const struct path *path, uint32_t event) __must_check;
static inline int __must_check notify_path_permission(const struct path *path, uint32_t event)
{
	return notify_wanted() ? notify_path_permission_(path, event) : 0;
}

/* The vnode's last reference is gone: its watches end. */
void notify_vnode_gone(struct vnode *vnode);
/* The object of these goes, a mount or a file system. */
void notify_list_gone(struct watch_list *list);

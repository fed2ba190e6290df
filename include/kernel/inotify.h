/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to files: inotify(7), and F_NOTIFY of fcntl(2).
 *
 * Whoever does something to a file says so by one of the notify functions, after it is done.  They cost a
 * look at one word while nobody watches anything.  Mutexes may be held, no spinlock.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_events.h>

struct cap_table;
struct dentry;
struct file;
struct file_use;
struct path;
struct vnode;

/* -EINVAL: no such flag; -ENOMEM. */
int inotify_create(uint32_t flags, struct file **out) __must_check;
bool file_is_inotify(const struct file *file);
/* Watch what is at `path`: a number, that of the watch there is already.  -EEXIST (IN_MASK_CREATE), -ENOSPC,
 * -ENOMEM. */
int inotify_watch(struct file *file, const struct path *path, uint32_t mask) __must_check;
/* -EINVAL: no such watch. */
int inotify_unwatch(struct file *file, int wd) __must_check;

/* F_NOTIFY: the directory's owner hears of `events` (DN_*) there.  Ends when the descriptor is closed in the
 * running process; without events but DN_MULTISHOT it ends now.  -ENOTDIR, -EPERM (the descriptor may not
 * list), -EBADF (closed meanwhile), -EINVAL, -ENOMEM. */
int dnotify_set(const struct file_use *use, int fd, uint32_t events) __must_check;
extern _Atomic uint32_t dnotify_enabled; /* /proc/sys/fs/dir-notify-enable; 0: -EINVAL */
/* A descriptor of the directory was closed in the table. */
void dnotify_closed(const struct file *file, const struct cap_table *table);

extern _Atomic uint32_t notify_watches; /* how many there are */
/* An event beside IN_*: a name of the directory changed there. */
#define NOTIFY_RENAMED 0x00010000u

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

/* The same by name. */
void notify_dentry_(struct dentry *dentry, uint32_t event);
static inline void notify_dentry(struct dentry *dentry, uint32_t event)
{
	if (notify_wanted())
		notify_dentry_(dentry, event);
}

/* To who watches the directory: `about` was made, removed or moved there. */
void notify_name_(struct vnode *dir, uint32_t event, const struct vnode *about, const char *name, size_t len,
		  uint32_t cookie);
static inline void notify_name(struct vnode *dir, uint32_t event, const struct vnode *about, const char *name,
			       size_t len, uint32_t cookie)
{
	if (notify_wanted())
		notify_name_(dir, event, about, name, len, cookie);
}

/* To who watches the vnode itself. */
void notify_vnode_(struct vnode *vnode, uint32_t event);
static inline void notify_vnode(struct vnode *vnode, uint32_t event)
{
	if (notify_wanted())
		notify_vnode_(vnode, event);
}

/* Two halves of a rename have the same. */
uint32_t notify_cookie(void);
/* The last reference is gone: its watches end. */
void notify_vnode_gone(struct vnode *vnode);

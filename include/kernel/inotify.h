/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to files: inotify(7).
 *
 * Whoever does something to a file says so by one of the notify functions, after it is done.  They cost a
 * look at one word while nobody watches anything.  Mutexes may be held, no spinlock.
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

/* -EINVAL: no such flag; -ENOMEM. */
int inotify_create(uint32_t flags, struct file **out) __must_check;
bool file_is_inotify(const struct file *file);
/* Watch what is at `path`: a number, that of the watch there is already.  -EEXIST (IN_MASK_CREATE), -ENOSPC,
 * -ENOMEM. */
int inotify_watch(struct file *file, const struct path *path, uint32_t mask) __must_check;
/* -EINVAL: no such watch. */
int inotify_unwatch(struct file *file, int wd) __must_check;

extern _Atomic uint32_t inotify_watches; /* how many there are */

static inline bool notify_wanted(void)
{
	return unlikely(atomic_load_explicit(&inotify_watches, memory_order_relaxed) != 0);
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

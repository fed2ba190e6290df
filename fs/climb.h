/* SPDX-License-Identifier: BSD-2-Clause */
/* From a place upwards, across mounts: for who asks below what it lies. */
#pragma once

#include "vfs_priv.h"

/*
 * Everything here happens with dcache_lock held, so that a rename comes before or after, never in between.
 * No references: mounts that are met stay while it is held (see walk_cached in fs/walk.c).  Nobody holds it
 * for longer than CLIMB_MAX steps, for anybody may make directories in directories as long as there is
 * memory.  No path in one piece leads to what lies deeper: there nothing is allowed.
 */
#define CLIMB_MAX PATH_MAX /* twice the names that a path has room for: mounts are steps, too */

/* From a mount's root to the place that it covers; false: it covers none. */
static inline bool climb_mount_locked(struct path *at)
{
	struct path up;

	spin_lock(&mount_lock);
	up.mount = at->mount->parent;
	up.dentry = at->mount->mountpoint;
	spin_unlock(&mount_lock);
	if (!up.mount)
		return false;
	*at = up;
	return true;
}

/* Within the file system; false: it is the root of that. */
static inline bool climb_directory_locked(struct path *at)
{
	struct dentry *parent = at->dentry->parent;
	bool moved = parent != at->dentry;

	at->dentry = parent;
	return moved;
}

/* Does the mount show it?  Not if it lies outside of the part of the file system that is mounted. */
static inline bool climb_shows_locked(const struct mount *mount, struct dentry *dentry)
{
	struct path at = { NULL, dentry };
	unsigned steps = 0;

	if (likely(mount->root == mount->sb->root_dentry))
		return true;
	while (at.dentry != mount->root)
		if (++steps > CLIMB_MAX || !climb_directory_locked(&at))
			return false;
	return true;
}

/* To the place above, a mount's root being below what it covers; false at the top. */
static inline bool climb_locked(struct path *at)
{
	return at->dentry == at->mount->root ? climb_mount_locked(at) : climb_directory_locked(at);
}

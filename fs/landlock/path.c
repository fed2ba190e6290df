/* SPDX-License-Identifier: BSD-2-Clause */
/* What domains say to the use of a place, and to moves and links between two. */
#include "../climb.h"
#include "landlock_priv.h"

#include <kernel/string.h>

/*
 * From the root of a mount to where the way up goes on: the directory that what the mount covers is in.  What
 * is covered has no say itself, nor have mounts on the same place below this one.  False: the top.
 */
static bool climb_out_locked(struct path *at)
{
	while (at->dentry == at->mount->root)
		if (!climb_mount_locked(at))
			return false;
	return true;
}

/* One place up; false: the real root.  Who comes to the root of a file system that its mount does not show
 * began at a directory that was moved out of what it shows, and goes on from the mount's root. */
static bool climb_visible_locked(struct path *at)
{
	if (!climb_out_locked(at))
		return false;
	if (!climb_directory_locked(at))
		at->dentry = at->mount->root;
	return true;
}

/* From `at` to the top. */
static int check_up_locked(struct landlock_check *c, struct path at)
{
	unsigned steps = 0;

	do {
		const struct landlock_key key = landlock_key_of(at.dentry->vnode);

		if (landlock_check_step(c, &key))
			return 0;
	} while (++steps < CLIMB_MAX && climb_visible_locked(&at));
	return landlock_check_error(c);
}

int landlock_check_path(const struct landlock_domain *domain, const struct path *path, uint32_t access)
{
	struct landlock_check check;
	int err;

	if (path->dentry->sb->placeless || landlock_check_begin(&check, &domain->table, (uint16_t)access))
		return 0;
	spin_lock(&dcache_lock);
	err = check_up_locked(&check, *path);
	spin_unlock(&dcache_lock);
	return err;
}

/* --- moves and links ---------------------------------------------------------------------------------- */

uint32_t landlock_to_make(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return LANDLOCK_ACCESS_FS_MAKE_DIR;
	case S_IFCHR:
		return LANDLOCK_ACCESS_FS_MAKE_CHAR;
	case S_IFBLK:
		return LANDLOCK_ACCESS_FS_MAKE_BLOCK;
	case S_IFIFO:
		return LANDLOCK_ACCESS_FS_MAKE_FIFO;
	case S_IFSOCK:
		return LANDLOCK_ACCESS_FS_MAKE_SOCK;
	case S_IFLNK:
		return LANDLOCK_ACCESS_FS_MAKE_SYM;
	default:
		return LANDLOCK_ACCESS_FS_MAKE_REG;
	}
}

static uint32_t to_remove(const struct dentry *d)
{
	if (!d->vnode)
		return 0;
	return S_ISDIR(d->vnode->mode) ? LANDLOCK_ACCESS_FS_REMOVE_DIR : LANDLOCK_ACCESS_FS_REMOVE_FILE;
}

/* What is granted from `dir` up to the mount's root; true: everything. */
static bool check_parent_locked(struct landlock_check *c, unsigned side, const struct mount *mount,
				struct dentry *dir)
{
	struct path at = { NULL, dir };
	unsigned steps = 0;

	do {
		const struct landlock_key key = landlock_key_of(at.dentry->vnode);

		if (landlock_check_parent(c, side, &key))
			return true;
	} while (at.dentry != mount->root && ++steps < CLIMB_MAX && climb_directory_locked(&at));
	return false;
}

static void check_child(struct landlock_check *c, unsigned side, const struct dentry *child)
{
	const struct landlock_key key = landlock_key_of(child->vnode);

	landlock_check_child(c, side, &key, S_ISDIR(child->vnode->mode));
}

/* As the fields of struct landlock_move have it, and what it takes in both directories. */
static int check_move_locked(struct landlock_check *c, const struct landlock_move *m)
{
	struct path top = { m->to.mount, m->to.mount->root };
	bool from = check_parent_locked(c, 0, top.mount, m->source->parent);
	bool to = check_parent_locked(c, 1, top.mount, m->to.dentry);

	if (from && to)
		return 0;
	check_child(c, 0, m->source);
	if (m->exchange)
		check_child(c, 1, m->target);
	return check_up_locked(c, top);
}

int landlock_check_move(const struct landlock_domain *domain, const struct landlock_move *m)
{
	uint32_t from = m->exchange ? landlock_to_make(m->target->vnode->mode) : 0;
	uint32_t to = landlock_to_make(m->source->vnode->mode);
	struct landlock_check check;
	int err = 0;

	if (m->removes) {
		from |= to_remove(m->source);
		to |= to_remove(m->target);
	}
	spin_lock(&dcache_lock);
	if (m->source->parent != m->to.dentry) {
		landlock_check_begin_move(&check, &domain->table, (uint16_t)from, (uint16_t)to);
		err = check_move_locked(&check, m);
	} else if (!landlock_check_begin(&check, &domain->table, (uint16_t)(from | to))) {
		err = check_up_locked(&check, m->to);
	}
	spin_unlock(&dcache_lock);
	return err;
}

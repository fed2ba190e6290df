/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement of paths: where does a place lie?
 *
 * From the place upwards through the tree, across mounts, to the top, all of it under dcache_lock, so that a
 * rename comes before or after, never in between.  Entries that rules name are marked: the others cost two
 * loads each, and the rules are looked at only where one applies.
 */
#include "climb.h"

#include <kernel/confine.h>

void confine_mark(const struct path *path)
{
	spin_lock(&dcache_lock);
	path->dentry->rules++;
	spin_unlock(&dcache_lock);
}

void confine_unmark(const struct path *path)
{
	spin_lock(&dcache_lock);
	path->dentry->rules--;
	spin_unlock(&dcache_lock);
}

static inline bool same_place(const struct path *a, const struct path *b)
{
	return a->dentry == b->dentry && a->mount == b->mount;
}

static bool is_below_locked(struct path at, const struct path *base)
{
	unsigned steps = 0;

	do {
		if (same_place(&at, base))
			return true;
	} while (++steps < CLIMB_MAX && climb_locked(&at));
	return false;
}

bool path_is_below(const struct path *path, const struct path *base)
{
	bool below;

	spin_lock(&dcache_lock);
	below = is_below_locked(*path, base);
	spin_unlock(&dcache_lock);
	return below;
}

/* What the rules at this very place add, for every one of the chain. */
static void collect_locked(const struct confine *c, const struct path *at, uint32_t rights[CONFINE_DEPTH_MAX])
{
	for (; c; c = c->outer)
		for (uint32_t i = 0; i < c->place_count; i++)
			if (same_place(&c->places[i].path, at))
				rights[c->depth] |= c->places[i].rights;
}

uint32_t confine_rights_at(const struct confine *c, const struct path *path)
{
	uint32_t rights[CONFINE_DEPTH_MAX] = { 0 }, all = ~0u;
	struct path at = *path;
	unsigned steps = 0;

	spin_lock(&dcache_lock);
	do {
		if (at.dentry->rules)
			collect_locked(c, &at, rights);
	} while (++steps < CLIMB_MAX && climb_locked(&at));
	spin_unlock(&dcache_lock);
	for (; c; c = c->outer) {
		uint32_t own = rights[c->depth];

		if (!c->places_only)
			continue;
		all &= own & CONFINE_CHANGING ? own & ~FILE_RIGHT_EXECUTE : own;
	}
	return all;
}

bool confine_leads_to(const struct confine *c, const struct path *path)
{
	bool leads = true;

	for (; c && leads; c = c->outer) {
		leads = !c->places_only;
		for (uint32_t i = 0; i < c->place_count && !leads; i++)
			leads = path_is_below(&c->places[i].path, path);
	}
	return leads;
}

int vfs_place(const struct file *file, struct path *out)
{
	if (!file->dentry || (file->dentry->sb->volatile_names && file->dentry != file->mount->root))
		return -EBADF;
	out->mount = file->mount;
	out->dentry = file->dentry;
	path_get(out);
	return 0;
}

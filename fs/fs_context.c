/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process's root, current directory and umask.  The two places are under dcache_lock, where each walk looks
 * at one of them anyway.
 */
#include "vfs_priv.h"

#include <kernel/process.h>
#include <kernel/slab.h>

#define DEFAULT_UMASK 022

static struct fs_context *create(const struct path *root, const struct path *cwd, mode_t umask)
{
	struct fs_context *fs = kmalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	refcount_set(&fs->refs, 1);
	fs->root = *root;
	fs->cwd = *cwd;
	path_get(root);
	path_get(cwd);
	atomic_init(&fs->umask, umask);
	return fs;
}

struct fs_context *fs_context_create(void)
{
	struct path root;
	struct fs_context *fs;

	system_root(&root);
	fs = create(&root, &root, DEFAULT_UMASK);
	path_put(&root);
	return fs;
}

static void get_path(const struct path *which, struct path *out)
{
	spin_lock(&dcache_lock);
	*out = *which;
	path_get(out);
	spin_unlock(&dcache_lock);
}

void fs_context_path(struct fs_context *fs, bool root, struct path *out)
{
	get_path(root ? &fs->root : &fs->cwd, out);
}

struct fs_context *fs_context_copy(struct fs_context *fs)
{
	struct path root, cwd;
	struct fs_context *copy;

	get_path(&fs->root, &root);
	get_path(&fs->cwd, &cwd);
	copy = create(&root, &cwd, atomic_load(&fs->umask));
	path_put(&root);
	path_put(&cwd);
	return copy;
}

void fs_context_get(struct fs_context *fs)
{
	refcount_get(&fs->refs);
}

void fs_context_put(struct fs_context *fs)
{
	if (!refcount_put(&fs->refs))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	kfree(fs);
}

void fs_current_root(struct path *out)
{
	struct fs_context *fs = fs_current();

	if (fs)
		get_path(&fs->root, out);
	else
		system_root(out);
}

void fs_current_cwd(struct path *out)
{
	struct fs_context *fs = fs_current();

	if (fs)
		get_path(&fs->cwd, out);
	else
		system_root(out);
}

static void set_path(struct path *which, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&dcache_lock);
	old = *which;
	*which = *path;
	spin_unlock(&dcache_lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *fs, const struct path *path)
{
	set_path(&fs->cwd, path);
}

void fs_context_set_root(struct fs_context *fs, const struct path *path)
{
	set_path(&fs->root, path);
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

static void replace_in(struct fs_context *fs, const struct path *old, const struct path *new)
{
	int replaced = 0;

	spin_lock(&dcache_lock);
	for (int i = 0; i < 2; i++) {
		struct path *p = i ? &fs->cwd : &fs->root;

		if (!same_path(p, old))
			continue;
		path_get(new);
		*p = *new;
		replaced++;
	}
	spin_unlock(&dcache_lock);
	while (replaced-- > 0)
		path_put(old); /* not the last one: the caller has its own */
}

void fs_contexts_replace(const struct path *old, const struct path *new)
{
	struct process *p;

	for (pid_t next = 1; (p = process_next(next)) != NULL; process_put(p)) {
		struct fs_context *fs = process_fs_get(p);

		next = p->pid + 1;
		if (!fs)
			continue;
		replace_in(fs, old, new);
		fs_context_put(fs);
	}
}

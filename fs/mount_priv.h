/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount table, for the files that change it (mount.c, mount_call.c) or show it (mount_text.c). */
#pragma once

#include "vfs_priv.h"

#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)

extern struct list mounts;       /* [mount_lock] in mounting order */
extern struct mount *root_mount; /* [mount_lock] the bottom of the tree */

struct fs_type *fs_type_find(const char *name);

/* A mount of part of a file system, not yet in the tree.  Takes over nothing.  NULL: no memory. */
struct mount *mount_create(struct superblock *sb, struct dentry *root, const char *source, uint32_t flags);
/* Of all of it; the first time that gives it its root entry. */
struct mount *mount_superblock(struct superblock *sb, const char *source, uint32_t flags);

/* Put it there; the caller's reference becomes the tree's.  -ENOENT: the place was removed. */
int mount_attach(struct mount *m, const struct path *where) __must_check;
/* Out of the tree.  The caller has the tree's reference now, and gives up the place with mount_leave. */
struct path mount_detach_locked(struct mount *m);
void mount_leave(const struct path *place);
/* Is it mounted on `top`, or on what is mounted there, and so on? */
bool mount_is_below_locked(const struct mount *m, const struct mount *top);
/* The root of the caller becomes `root`, whose place is left, and the old one is mounted on `put_old`; all
 * checked.  The bottom of the tree may change. */
void mount_pivot(const struct path *old_root, const struct path *new_root, const struct path *put_old);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of files that are no paths: name_to_handle_at(2), open_by_handle_at(2), and what fanotify(7) tells.
 *
 * A vnode gets its handle when somebody asks for it first, and keeps it as long as it lives: its number, and
 * a generation that nobody can guess.  So a handle that was given to nobody names nothing, and one whose file
 * is gone never names another.  Only file systems whose files are one vnode for as long as they exist have
 * handles (fs_type.has_handles).
 *
 * A handle remembers one name of its file, without keeping it; the cache of names keeps it instead, so that
 * the file is found in its place again.
 */
#pragma once

#include <stdbool.h>

#include <kernel/compiler.h>
#include <kernel/types.h>

struct capability;
struct dentry;
struct file;
struct mount;
struct path;
struct vnode;

/* Of one file system. */
struct file_id {
	uint64_t ino;
	uint32_t generation;
};

/* As programs see it: the generation, then the number's halves. */
#define FILE_ID_TYPE  1
#define FILE_ID_BYTES 12u
void file_id_pack(const struct file_id *id, uint32_t words[FILE_ID_BYTES / 4]);
void file_id_unpack(const uint32_t words[FILE_ID_BYTES / 4], struct file_id *id);

/* No spinlock is held.  -EOPNOTSUPP, -ENOMEM. */
int dentry_identify(struct dentry *dentry, struct file_id *out) __must_check;
/* The same of a vnode whose name nobody knows. */
int vnode_identify(struct vnode *vnode, struct file_id *out) __must_check;
/* To the file, on that mount; with references.  -ESTALE, -ENOMEM. */
int file_id_find(struct mount *mount, const struct file_id *id, struct path *out) __must_check;
/* The last reference to the vnode is gone: nobody finds it any more. */
void vnode_handle_free(struct vnode *vnode);

/* name_to_handle_at(2): of what is at `path`; *mount_id is its mount's number. */
int vfs_identify(const struct path *path, struct file_id *out, uint32_t *mount_id) __must_check;
/* open_by_handle_at(2): open the file on the mount that `mount_fd` (AT_FDCWD: the current directory) is in.
 * *via: as vfs_open_via.  -EPERM: not privileged, or confined; -EBADF, -ESTALE, and as open(2). */
int vfs_open_by_id(int mount_fd, const struct file_id *id, uint32_t flags, struct file **out,
		   struct capability **via) __must_check;
/* May the running process open files by handle? */
bool vfs_may_open_by_id(void);

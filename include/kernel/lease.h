/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases on files: F_SETLEASE and F_GETLEASE of fcntl(2).  Who opens or truncates a file asks lease_break()
 * first, which is one look where there is no lease.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/file.h>
#include <kernel/types.h>
#include <kernel/vfs.h>

/* /proc/sys/fs: leases-enable, lease-break-time (0: holders have for ever). */
extern _Atomic uint32_t leases_enabled;
extern _Atomic uint32_t lease_break_seconds;

/* The open file gets a lease of `type` (F_RDLCK, F_WRLCK) in place of the one it has, or has none any more
 * (F_UNLCK).  -EAGAIN: others have the file open, or a lease on it; there is none to end.  -EACCES: it is not
 * the file's owner who asks; -EINVAL: no regular file, no such type; -ENOMEM. */
int lease_set(struct file *file, int fd, int type) __must_check;
/* F_RDLCK, F_WRLCK or F_UNLCK, as it will be when those that it is in the way of have been let in. */
int lease_get(const struct file *file);

int lease_break_(struct vnode *vnode, bool write, bool nowait) __must_check;
/* Somebody who counts as a reader or writer of the file is about to begin: wait until no lease rules that
 * out.  -EAGAIN: one does, and `nowait`; -ERESTARTSYS. */
static inline int lease_break(struct vnode *vnode, bool write, bool nowait)
{
	return unlikely(READ_ONCE(vnode->leases) != NULL) ? lease_break_(vnode, write, nowait) : 0;
}

void lease_released_(const struct file *file);
/* The open file is used by nobody any more. */
static inline void lease_released(const struct file *file)
{
	if (unlikely(file->vnode && READ_ONCE(file->vnode->leases) != NULL))
		lease_released_(file);
}

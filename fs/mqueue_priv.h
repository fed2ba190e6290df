/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by mqueue.c (queues and messages) and mqueue_fs.c (their names). */
#pragma once

#include <kernel/mqueue.h>

#include "vfs_priv.h"

/* The queue behind a new vnode, charged to the running process's user: in v->private. -EINVAL, -EMFILE,
 * -ENOSPC, -EOVERFLOW, -ENOMEM. */
int mqueue_attach(struct vnode *v, const struct mqueue_size *size) __must_check;
/* The vnode's last reference is gone. */
void mqueue_detach(struct vnode *v);

extern const struct file_ops mqueue_file_ops;

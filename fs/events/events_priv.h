/* SPDX-License-Identifier: BSD-2-Clause */
/* What files to wait for have in common. */
#pragma once

#include "../vfs_priv.h"

/* An open file on a vnode of no type, as Linux has such files.  NULL: no memory. */
struct file *event_file(const struct file_ops *ops, uint32_t flags, void *private);
/* Positions mean nothing, and lseek goes nowhere: file_ops.seek. */
off_t event_seek(struct file *file, off_t offset, int whence);

/* SPDX-License-Identifier: BSD-2-Clause */
/* Transfers from one open file to another: splice, tee, sendfile, copy_file_range. */
#pragma once

#include <kernel/file.h>

/* One side of a transfer.  pos NULL: at the file's own position, if it has one. */
struct transfer_end {
	struct file *file;
	off_t *pos;
};

/* All return bytes moved or a negative errno; the caller has checked the rights to read and to write.  What
 * one side took and the other did not take is not lost, but for sources without a position that are no pipes
 * (terminals, sockets). */

/* One side is a pipe.  -EINVAL, -ESPIPE. */
int64_t file_splice(const struct transfer_end *in, const struct transfer_end *out, size_t len, bool nowait);
/* Both are: the source keeps what is copied. */
int64_t file_tee(struct file *in, struct file *out, size_t len, bool nowait);
/* sendfile(2). */
int64_t file_send(const struct transfer_end *in, struct file *out, size_t len);
/* copy_file_range(2): regular files of one file system, else -EXDEV. */
int64_t file_copy_range(const struct transfer_end *in, const struct transfer_end *out, size_t len);

/* SPDX-License-Identifier: BSD-2-Clause */
/* What read(2), write(2) and their relatives do, for calls that make transfers by other ways. */
#pragma once

#include <kernel/file.h>
#include <kernel/process.h>

/* A transfer that is asked for. */
struct transfer {
	bool write;
	bool append;      /* the descriptor grants no more: transfer_use() says so */
	const off_t *pos; /* NULL: at the file's own position; no matter for files that have none */
	uint32_t flags;   /* RWF_* */
};

/* Use what the descriptor names, to read or write it. */
int transfer_use(int fd, struct transfer *t, struct file_use *use) __must_check;
/* What the call returns: bytes or negative errno. */
int64_t transfer_run(const struct file_use *use, const struct transfer *t, struct iobuf *io);

/* The running thread has read, or tried to: for /proc/PID/io. */
static inline void count_read(int64_t n)
{
	struct transfer_usage *u = &current_thread()->transfers;

	u->reads++;
	if (n > 0)
		u->bytes_read += (uint64_t)n;
}

static inline void count_write(int64_t n)
{
	struct transfer_usage *u = &current_thread()->transfers;

	u->writes++;
	if (n > 0)
		u->bytes_written += (uint64_t)n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading newc cpio archives ("070701", and "070702" with its checksum ignored).  Pure: works on memory,
 * trusts nothing in it, allocates nothing.  Entries point into the archive.
 */
#pragma once

#include <kernel/compiler.h>

struct cpio_entry {
	const char *name; /* NUL-terminated, inside the archive */
	size_t name_len;  /* without the NUL */
	const void *data;
	size_t size;
	uint32_t ino, mode, uid, gid, nlink, mtime;
	uint32_t dev_major, dev_minor;   /* together with ino: which names are one file */
	uint32_t rdev_major, rdev_minor; /* of a device node */
};

enum cpio_result {
	CPIO_ENTRY,   /* *entry is filled in */
	CPIO_TRAILER, /* the archive ends here; another may follow */
	CPIO_END,     /* nothing but zero bytes was left */
	CPIO_DAMAGED, /* *reason says why */
};

struct cpio_reader {
	const uint8_t *base;
	size_t len;
	size_t offset;      /* of the next header */
	const char *reason; /* of CPIO_DAMAGED: one phrase for people */
};

void cpio_init(struct cpio_reader *reader, const void *archive, size_t len);
enum cpio_result cpio_next(struct cpio_reader *reader, struct cpio_entry *entry) __must_check;

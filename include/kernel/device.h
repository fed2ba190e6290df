/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device numbers and the character devices that devfs shows.  A driver registers operations under a
 * name; devfs makes the node.
 */
#pragma once

#include <kernel/file.h>
#include <kernel/types.h>

static inline dev_t makedev(uint32_t major, uint32_t minor)
{
	return ((uint64_t)(major & 0xfffff000u) << 32) | ((uint64_t)(major & 0xfffu) << 8) |
	       ((uint64_t)(minor & 0xffffff00u) << 12) | (minor & 0xffu);
}

static inline uint32_t dev_major(dev_t dev)
{
	return ((dev >> 32) & 0xfffff000u) | ((dev >> 8) & 0xfffu);
}

static inline uint32_t dev_minor(dev_t dev)
{
	return ((dev >> 12) & 0xffffff00u) | (dev & 0xffu);
}

struct char_device {
	const char *name; /* below /dev */
	dev_t dev;
	mode_t mode; /* permission bits */
	const struct file_ops *ops;
	void *private; /* file.private at open */
	struct list link;
};

/* The structure must live for ever.  -EEXIST. */
int char_device_register(struct char_device *device) __must_check;
/* By number, or NULL. */
struct char_device *char_device_find(dev_t dev);
/* The n-th registered, or NULL: devfs lists them. */
struct char_device *char_device_nth(size_t n);

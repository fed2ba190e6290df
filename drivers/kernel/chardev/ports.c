/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/ports: a descriptor of it stands for the registry of ports' names in the calls that use names.
 * Reading lists them, one a line, in the order in which they came; the position counts names.
 */
#include "chardev_priv.h"

#include <kernel/chardev.h>
#include <kernel/registry.h>
#include <kernel/string.h>
#include <serix/errno.h>
#include <serix/ipc.h>

static ssize_t ports_read(struct file *file, struct iobuf *io, off_t *pos)
{
	char line[PORT_NAME_MAX + 1];
	uint64_t number = (uint64_t)*pos;
	ssize_t total = 0;

	(void)file;
	while (registry_next(&number, line) == 0) {
		size_t len = strlen(line);
		ssize_t n;

		line[len++] = '\n';
		if (len > io->left)
			return total ? total : -EINVAL;
		n = iobuf_write(io, line, len);
		if (n < 0)
			return total ? total : n;
		total += n;
		*pos = (off_t)number;
	}
	return total;
}

static off_t ports_seek(struct file *file, off_t offset, int whence)
{
	if (offset != 0 || whence != SEEK_SET)
		return -EINVAL;
	file->pos = 0;
	return 0;
}

const struct file_ops ports_ops = { .read = ports_read, .seek = ports_seek };

bool file_is_port_registry(const struct file *file)
{
	return file->ops == &ports_ops;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/userfaultfd: whoever may open it may have monitors of page faults, those of the kernel's copies
 * too. */
#include <kernel/file.h>
#include <kernel/userfaultfd.h>
#include <serix/errno.h>

#include "chardev_priv.h"

static int64_t device_ioctl(struct file *device, uint32_t cmd, uint64_t arg)
{
	struct file *file;
	int fd, err;

	(void)device;
	if (cmd != USERFAULTFD_IOC_NEW)
		return -EINVAL;
	err = userfaultfd_create((uint32_t)arg, &file);
	if (err < 0)
		return err;
	fd = file_install(file, (uint32_t)arg & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

const struct file_ops userfaultfd_device_ops = { .ioctl = device_ioctl };

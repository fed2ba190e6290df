/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters with a descriptor. */
#include <kernel/syscall.h>

#include <kernel/eventfd.h>
#include <kernel/file.h>
#include <serix/abi_events.h>

static int64_t create(uint32_t count, uint32_t flags)
{
	struct file *file;
	int fd, err = eventfd_create(count, flags, &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & EFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

SYSCALL(eventfd)
{
	return create(ARG(0, uint32_t), 0);
}

/* takes: EFD_* in eventfd_create, else EINVAL */
SYSCALL(eventfd2)
{
	return create(ARG(0, uint32_t), ARG(1, uint32_t));
}

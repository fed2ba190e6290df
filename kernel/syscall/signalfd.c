/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals to read from a descriptor. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/signalfd.h>
#include <serix/abi_events.h>
#include <serix/errno.h>

static int64_t set(int fd, uint64_t mask)
{
	struct file_use use;
	int err = file_use(fd, 0, &use);

	if (err < 0)
		return err;
	if (!file_is_signalfd(use.file))
		err = -EINVAL;
	else if (!(atomic_load(&use.cap->rights) & CAP_READ))
		err = -EBADF;
	else
		signalfd_set(use.file, mask);
	file_done(&use);
	return err < 0 ? err : fd;
}

static int64_t create(uint64_t mask, uint32_t flags)
{
	struct file *file;
	int fd, err = signalfd_create(mask, flags, &file);

	if (err < 0)
		return err;
	fd = file_install(file, flags & SFD_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

static int64_t signalfd(int fd, uaddr_t user, uint64_t size, uint32_t flags)
{
	uint64_t mask;
	int err;

	if (size != sizeof(mask) || (flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK)))
		return -EINVAL;
	err = get_user_u64(user, &mask);
	if (err < 0)
		return err;
	return fd == -1 ? create(mask, flags) : set(fd, mask);
}

SYSCALL(signalfd)
{
	return signalfd(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint64_t), 0);
}

/* takes: SFD_* in signalfd, else EINVAL */
SYSCALL(signalfd4)
{
	return signalfd(ARG(0, int), ARG(1, uaddr_t), ARG(2, uint64_t), ARG(3, uint32_t));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that make memory with a descriptor: memfd_create(2) and Serix's own memory objects. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/file.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#define MEMFD_NAME_MAX 249 /* what a file name leaves room for behind "memfd:" */

static int64_t install(struct file *file, bool cloexec)
{
	int fd = file_install(file, cloexec);

	if (fd < 0)
		file_put(file);
	return fd;
}

SYSCALL(memfd_create)
{
	uint32_t flags = ARG(1, uint32_t);
	char name[MEMFD_NAME_MAX + 1];
	struct file *file;
	ssize_t len;
	int err;

	/* As Linux orders its refusals: flags, then the name. */
	if (flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	len = strncpy_from_user(name, ARG(0, uaddr_t), sizeof(name));
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	err = memfd_create(name, flags & ~(uint32_t)MFD_CLOEXEC, &file);
	return err < 0 ? err : install(file, flags & MFD_CLOEXEC);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults with a descriptor. */
#include <kernel/syscall.h>

#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/userfaultfd.h>
#include <serix/errno.h>

/*
 * takes: UFFD_* O_* in userfaultfd_create, but O_RDONLY, else EINVAL
 * lacks: the events of fork, mremap, munmap and madvise, watching writes to shared memory (features not
 * offered)
 */
SYSCALL(userfaultfd)
{
	uint32_t flags = ARG(0, uint32_t);
	struct file *file;
	int fd, err;

	if (!(flags & UFFD_USER_MODE_ONLY) && !cred_has_privilege(PRIV_SYS_PTRACE) &&
	    !atomic_load_explicit(&userfault_unprivileged, memory_order_relaxed))
		return -EPERM;
	err = userfaultfd_create(flags, &file);
	if (err < 0)
		return err;
	fd = file_install(file, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

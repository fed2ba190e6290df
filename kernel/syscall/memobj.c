/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that make memory with a descriptor: memfd_create(2) and Serix's own memory objects. */
#include <kernel/syscall.h>

#include <arch/aes.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/memory.h>

#define MEMFD_NAME_MAX 249 /* what a file name leaves room for behind "memfd:" */

static int64_t install(struct file *file, bool cloexec)
{
	int fd = file_install(file, cloexec);

	if (fd < 0)
		file_put(file);
	return fd;
}

/* takes: MFD_*, not MFD_HUGETLB (EINVAL), else EINVAL */
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

/*
 * takes: O_*, else EINVAL
 * lacks: machines without AES instructions (ENOSYS)
 */
SYSCALL(memfd_secret)
{
	uint32_t flags = ARG(0, uint32_t);
	struct file *file;
	int err;

	/* As Linux, where the machine cannot do it. */
	if (!arch_has_aes())
		return -ENOSYS;
	if (flags & ~(uint32_t)O_CLOEXEC)
		return -EINVAL;
	err = secretmem_create(&file);
	return err < 0 ? err : install(file, flags & O_CLOEXEC);
}

/* --- memory objects: the numbers of <serix/memory.h> are the kernel's own ------------------------------- */

_Static_assert(MEM_NORMAL == MEMOBJ_NORMAL && MEM_SECURE == MEMOBJ_SECURE && MEM_DMA == MEMOBJ_DMA &&
		       MEM_EXECUTABLE == MEMOBJ_EXECUTABLE,
	       "types");
_Static_assert(MEM_RIGHT_READ == CAP_READ && MEM_RIGHT_WRITE == CAP_WRITE && MEM_RIGHT_EXECUTE == CAP_EXEC &&
		       MEM_RIGHT_RESIZE == CAP_TRUNCATE && MEM_RIGHT_MAP == CAP_MAP &&
		       MEM_RIGHT_SEAL == CAP_SEAL && MEM_RIGHT_PHYSICAL == CAP_PHYSICAL,
	       "rights");

#define MEM_RIGHTS                                                                                 \
	(MEM_RIGHT_READ | MEM_RIGHT_WRITE | MEM_RIGHT_EXECUTE | MEM_RIGHT_RESIZE | MEM_RIGHT_MAP | \
	 MEM_RIGHT_SEAL | MEM_RIGHT_PHYSICAL)
/* These always pass: harmless, or of use only together with others. */
#define UNNAMED_RIGHTS (CAP_SEEK | CAP_STAT | CAP_RIGHTS_GENERAL)

/* takes: MEM_CLOEXEC* MEM_CONTIGUOUS* MEM_BELOW_4G* in include/serix/memory.h memobj_create, else EINVAL */
SYSCALL(mem_create)
{
	uint32_t type = ARG(0, uint32_t), flags = ARG(2, uint32_t);
	struct file *file;
	int err;

	if (type < MEM_NORMAL || type > MEM_EXECUTABLE)
		return -EINVAL;
	err = memobj_create(type, ARG(1, uint64_t), flags & ~MEM_CLOEXEC, &file);
	return err < 0 ? err : install(file, flags & MEM_CLOEXEC);
}

/* takes: MEM_*, else EINVAL */
SYSCALL(mem_share)
{
	struct cap_table *caps = current_process()->caps;
	uint32_t rights = ARG(1, uint32_t), flags = ARG(2, uint32_t);
	struct cap_terms terms = { .rights = rights | UNNAMED_RIGHTS,
				   .flags = flags & MEM_CLOEXEC ? CAP_CLOEXEC : 0 };
	struct capability *cap;
	cap_handle_t handle;
	int err;

	if ((rights & ~MEM_RIGHTS) || (flags & ~MEM_CLOEXEC))
		return -EINVAL;
	err = cap_use(caps, ARG(0, int), OBJECT_MEMORY, 0, &cap);
	if (err < 0)
		return err;
	cap_done(cap);
	handle = cap_derive(caps, ARG(0, int), &terms, caps);
	return handle < 0 ? handle : cap_handle_slot(handle);
}

SYSCALL(mem_run)
{
	struct mem_run run;
	struct file_use use;
	int err = file_use(ARG(0, int), CAP_PHYSICAL, &use);

	if (err < 0)
		return err;
	err = memobj_run(use.file, ARG(1, uint64_t), &run.address, &run.length);
	file_done(&use);
	return err < 0 ? err : copy_to_user(ARG(2, uaddr_t), &run, sizeof(run));
}

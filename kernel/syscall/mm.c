/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory calls: from Linux's flags to areas (kernel/vm.h). */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/process.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/abi.h>
#include <serix/errno.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
/* MAP_SHARED_VALIDATE refuses what is not listed here, the older types ignore it. */
#define MAP_KNOWN                                                                                      \
	(MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |       \
	 MAP_FIXED_NOREPLACE)

_Static_assert(PROT_READ == VM_READ && PROT_WRITE == VM_WRITE && PROT_EXEC == VM_EXEC, "the same bits");

static struct vm_space *current_vm(void)
{
	return current_task()->vm;
}

/* Would `more` bytes exceed what the process may have mapped? */
static bool over_limit(uint64_t more)
{
	uint64_t limit = current_process()->rlimits[RLIMIT_AS].cur, used = current_vm()->pages_reserved;

	return more > limit || used << PAGE_SHIFT > limit - more;
}

/* What is mapped: an object with a reference (NULL: private anonymous memory) and what may be done to it. */
struct mapping {
	struct vm_object *object;
	uint64_t offset;
	uint32_t flags, max_prot;
	bool held; /* counted as writable until the area is */
};

static int map_anonymous(struct mapping *m, uint64_t len)
{
	m->offset = 0;
	if (!(m->flags & VM_SHARED))
		return 0;
	m->object = vm_object_create_anon(len);
	return m->object ? 0 : -ENOMEM;
}

/* A shared mapping can be written only through a descriptor open for writing. */
static int map_file(struct mapping *m, int fd)
{
	bool shared = m->flags & VM_SHARED;
	uint32_t granted;
	struct file *file;
	int err = file_from_fd_rights(fd, CAP_MAP, &file, &granted);

	if (err < 0)
		return err;
	err = -EACCES;
	granted &= file->access | ~(CAP_READ | CAP_WRITE);
	if (!(granted & CAP_READ))
		goto out;
	if (shared && !(granted & CAP_WRITE))
		m->max_prot &= ~VM_WRITE;
	if (!(granted & CAP_EXEC))
		m->max_prot &= ~VM_EXEC;
	if (m->flags & PROT_ALL & ~m->max_prot)
		goto out;
	err = file->ops->mmap ? file->ops->mmap(file, &m->object, &m->offset) : -ENODEV;
	if (err < 0)
		goto out;
	err = file_limit_mapping(file, m->object, shared, m->flags & PROT_ALL, &m->max_prot);
	if (err < 0)
		vm_object_put(m->object);
	else
		m->held = shared && (m->max_prot & VM_WRITE);
out:
	file_put(file);
	return err;
}

static unsigned how_to_map(uint32_t flags)
{
	return ((flags & MAP_FIXED) ? VM_MAP_FIXED : 0) |
	       ((flags & MAP_FIXED_NOREPLACE) ? VM_MAP_FIXED | VM_MAP_NOREPLACE : 0) |
	       ((flags & (MAP_POPULATE | MAP_LOCKED)) ? VM_MAP_POPULATE : 0) |
	       ((flags & MAP_NORESERVE) ? VM_MAP_NORESERVE : 0) | ((flags & MAP_32BIT) ? VM_MAP_32BIT : 0);
}

SYSCALL(mmap)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t), offset = ARG(5, uint64_t);
	uint32_t prot = ARG(2, uint32_t), flags = ARG(3, uint32_t), type = flags & 3;
	struct mapping m = { .offset = offset, .flags = prot & PROT_ALL, .max_prot = PROT_ALL };
	int err;

	if (len == 0 || !IS_ALIGNED(offset, PAGE_SIZE) || type == 0)
		return -EINVAL;
	if (flags & MAP_HUGETLB)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if ((prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return -EACCES;
	if (len > USER_END || over_limit(len))
		return -ENOMEM;
	if (offset + len < offset)
		return -EOVERFLOW;
	m.flags |= type != MAP_PRIVATE ? VM_SHARED : (flags & MAP_GROWSDOWN) ? VM_STACK : 0;
	err = (flags & MAP_ANONYMOUS) ? map_anonymous(&m, len) : map_file(&m, ARG(4, int));
	if (err < 0)
		return err;
	err = vm_map(current_vm(), &addr, len, m.flags, m.max_prot, how_to_map(flags), m.object, m.offset);
	if (m.held)
		vm_object_drop_writable(m.object);
	if (m.object)
		vm_object_put(m.object);
	return err < 0 ? err : (int64_t)addr;
}

SYSCALL(munmap)
{
	return vm_unmap(current_vm(), ARG(0, uint64_t), ARG(1, uint64_t));
}

SYSCALL(mprotect)
{
	uint32_t prot = ARG(2, uint32_t);

	if (prot & ~(uint32_t)PROT_ALL)
		return -EINVAL;
	return vm_protect(current_vm(), ARG(0, uint64_t), ARG(1, uint64_t), prot);
}

SYSCALL(brk)
{
	struct vm_space *vm = current_vm();
	uint64_t brk = ARG(0, uint64_t), limit = current_process()->rlimits[RLIMIT_DATA].cur;

	if (brk > vm->brk && (brk - vm->brk_start > limit || over_limit(brk - vm->brk)))
		brk = 0;
	return (int64_t)vm_brk(vm, brk);
}

SYSCALL(mremap)
{
	uint64_t old = ARG(0, uint64_t), old_len = ARG(1, uint64_t), len = ARG(2, uint64_t);
	uint32_t flags = ARG(3, uint32_t);
	uint64_t addr = ARG(4, uint64_t);
	int err;

	if ((flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED)) || flags == MREMAP_FIXED)
		return -EINVAL;
	if (len > old_len && over_limit(len - old_len))
		return -ENOMEM;
	err = vm_remap(current_vm(), old, old_len, len, flags & MREMAP_MAYMOVE, flags & MREMAP_FIXED, &addr);
	return err < 0 ? err : (int64_t)addr;
}

/* Pages of a range given by a start and a length that need not be a multiple of the page size. */
static int check_range(uint64_t addr, uint64_t *len)
{
	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (*len > USER_END || addr > USER_END - *len)
		return -ENOMEM;
	*len = ALIGN_UP(*len, PAGE_SIZE);
	return 0;
}

/* Files live in memory, and shared mappings show their very pages: there is nothing to write back. */
SYSCALL(msync)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t);
	uint32_t flags = ARG(2, uint32_t);
	int err = check_range(addr, &len);

	if (err < 0)
		return err;
	if ((flags & ~(uint32_t)(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	return vm_check_mapped(current_vm(), addr, len);
}

SYSCALL(mincore)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t);
	uaddr_t vec = ARG(2, uaddr_t);
	int err = check_range(addr, &len);

	if (err < 0)
		return err;
	for (uint64_t end = addr + len; addr < end; addr += PAGE_SIZE, vec++) {
		int resident = vm_is_resident(current_vm(), addr);
		unsigned char byte = resident > 0;

		if (resident < 0)
			return resident;
		err = copy_to_user(vec, &byte, 1);
		if (err < 0)
			return err;
	}
	return 0;
}

SYSCALL(madvise)
{
	struct vm_space *vm = current_vm();
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t);
	int err = check_range(addr, &len);

	if (err < 0)
		return err;
	switch (ARG(2, int)) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return vm_check_mapped(vm, addr, len);
	case MADV_DONTNEED:
	case MADV_FREE: /* at any time, says the manual: so now */
		return vm_discard(vm, addr, len);
	case MADV_DONTFORK:
		return vm_set_flags(vm, addr, len, VM_DONTFORK, 0);
	case MADV_DOFORK:
		return vm_set_flags(vm, addr, len, 0, VM_DONTFORK);
	case MADV_WIPEONFORK:
		return vm_set_flags(vm, addr, len, VM_WIPEONFORK, 0);
	case MADV_KEEPONFORK:
		return vm_set_flags(vm, addr, len, 0, VM_WIPEONFORK);
	case MADV_HUGEPAGE:
		return vm_set_flags(vm, addr, len, VM_HUGEPAGE, VM_NOHUGEPAGE);
	case MADV_NOHUGEPAGE:
		return vm_set_flags(vm, addr, len, VM_NOHUGEPAGE, VM_HUGEPAGE);
	default:
		return -EINVAL;
	}
}

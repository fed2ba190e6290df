/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory calls: from Linux's flags to areas (kernel/vm.h). */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/cap_mapping.h>
#include <kernel/file.h>
#include <kernel/membarrier.h>
#include <kernel/process.h>
#include <kernel/unsupported.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/abi.h>
#include <serix/errno.h>

#define PROT_ALL        (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_WRITE_EXEC (PROT_WRITE | PROT_EXEC)
#define MAP_TYPE        0xfu
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

/* Would `more` bytes bring `used` pages above a limit of the process? */
static bool exceeds(enum rlimit_id id, uint64_t used, uint64_t more)
{
	uint64_t limit = current_rlimit(id);

	return more > limit || used << PAGE_SHIFT > limit - more;
}

/* May `more` bytes with these flags be mapped? */
static bool over_limit(uint32_t flags, uint64_t more)
{
	const struct vm_space *vm = current_vm();
	bool data = (flags & (VM_SHARED | VM_WRITE | VM_STACK)) == VM_WRITE;

	return exceeds(RLIMIT_AS, READ_ONCE(vm->pages_reserved), more) ||
	       (data && exceeds(RLIMIT_DATA, READ_ONCE(vm->pages_data), more));
}

/* May `more` bytes come to what is locked, if they are to be?  -EPERM: nothing may; -EAGAIN. */
static int check_locked(uint32_t flags, uint64_t more)
{
	const struct vm_space *vm = current_vm();

	if (cred_has_privilege(PRIV_IPC_LOCK) || !((flags | READ_ONCE(vm->default_flags)) & VM_LOCKED))
		return 0;
	if ((flags & VM_LOCKED) && current_rlimit(RLIMIT_MEMLOCK) == 0)
		return -EPERM;
	return exceeds(RLIMIT_MEMLOCK, READ_ONCE(vm->pages_locked), more) ? -EAGAIN : 0;
}

static uint64_t lock_limit(void)
{
	return cred_has_privilege(PRIV_IPC_LOCK) ? UINT64_MAX : current_rlimit(RLIMIT_MEMLOCK);
}

/* What is mapped: an object with a reference (NULL: private anonymous memory) and what may be done to it. */
struct mapping {
	struct vm_object *object;
	uint64_t offset;
	uint32_t flags, max_prot;
	bool held;              /* counted as writable until the area is */
	struct vm_grant *grant; /* of a file's: with a reference */
};

static int map_anonymous(struct mapping *m, uint64_t len)
{
	int err;

	m->offset = 0;
	if (!(m->flags & VM_SHARED))
		return 0;
	if (m->flags & VM_STACK)
		return -EINVAL;
	m->object = vm_object_create_anon(len);
	if (!m->object)
		return -ENOMEM;
	err = (m->flags & VM_NORESERVE) ? 0 : vm_object_charge(m->object);
	if (err < 0)
		vm_object_put(m->object);
	return err;
}

/* Secure memory counts as locked, but comes when it is touched. */
static int lock_if_secure(struct mapping *m, const struct file *file, uint64_t len)
{
	if (!file->vnode || file->vnode->memory != MEMOBJ_SECURE)
		return 0;
	m->flags |= VM_LOCKED | VM_ONFAULT;
	return check_locked(m->flags, ALIGN_UP(len, PAGE_SIZE));
}

/* What was mapped is the space's by now, or not to be. */
static void end_mapping(struct mapping *m)
{
	if (m->held)
		vm_object_drop_writable(m->object);
	if (m->grant)
		vm_grant_put(m->grant);
	if (m->object)
		vm_object_put(m->object);
}

/* A shared mapping can be written only through a descriptor open for writing. */
static int map_file(struct mapping *m, int fd, uint64_t len)
{
	bool shared = m->flags & VM_SHARED;
	struct file_use use;
	struct file *file;
	uint32_t granted;
	int err = file_use(fd, CAP_MAP, &use);

	if (err < 0)
		return err;
	file = use.file;
	err = -EACCES;
	granted = atomic_load(&use.cap->rights) & (file->access | ~(CAP_READ | CAP_WRITE));
	if (!(granted & CAP_READ))
		goto out;
	if (shared && !(granted & CAP_WRITE))
		m->max_prot &= ~VM_WRITE;
	if (!(granted & CAP_EXEC))
		m->max_prot &= ~VM_EXEC;
	if (m->flags & PROT_ALL & ~m->max_prot)
		goto out;
	err = lock_if_secure(m, file, len);
	if (err == 0)
		err = file->ops->mmap ? file->ops->mmap(file, &m->object, &m->offset) : -ENODEV;
	if (err < 0)
		goto out;
	err = file_limit_mapping(file, m->object, shared, m->flags & PROT_ALL, &m->max_prot);
	if (err == 0)
		m->held = shared && (m->max_prot & VM_WRITE);
	if (err == 0 && m->object)
		err = cap_mapping_create(use.cap, m->object, &m->grant);
	if (err < 0)
		end_mapping(m);
out:
	file_done(&use);
	return err;
}

static unsigned how_to_map(uint32_t flags)
{
	return ((flags & MAP_FIXED) ? VM_MAP_FIXED : 0) |
	       ((flags & MAP_FIXED_NOREPLACE) ? VM_MAP_FIXED | VM_MAP_NOREPLACE : 0) |
	       ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ? VM_MAP_POPULATE : 0) |
	       ((flags & MAP_32BIT) ? VM_MAP_32BIT : 0);
}

static uint32_t area_flags(uint32_t prot, uint32_t flags)
{
	return (prot & PROT_ALL) | ((flags & MAP_TYPE) != MAP_PRIVATE ? VM_SHARED : 0) |
	       ((flags & MAP_GROWSDOWN) ? VM_STACK : 0) | ((flags & MAP_LOCKED) ? VM_LOCKED : 0) |
	       ((flags & MAP_NORESERVE) ? VM_NORESERVE : 0);
}

/* May it be written and executed at once, if that is asked for?  Who asks in vain is kept, for an
 * administrator may allow it: docs/memory.md. */
static int check_write_exec(uint32_t prot, const char *call)
{
	if ((prot & PROT_WRITE_EXEC) != PROT_WRITE_EXEC || vm_may_write_exec(current_vm()))
		return 0;
	unsupported_note(UNSUPPORTED_FLAG, PROT_WRITE_EXEC, call);
	return -EACCES;
}

/* What can be told from the arguments alone. */
static int check_map(uint64_t len, uint32_t prot, uint32_t flags, uint64_t offset)
{
	uint32_t type = flags & MAP_TYPE, huge = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	if (!IS_ALIGNED(offset, PAGE_SIZE) || len == 0 || type < MAP_SHARED || type > MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (flags & MAP_HUGETLB) /* sizes that there are, of which none is set aside */
		return (flags & MAP_ANONYMOUS) && (huge == 0 || huge == 21 || huge == 30) ? -ENOMEM : -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if ((flags & MAP_GROWSDOWN) && !(flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	if (offset + len < offset)
		return -EOVERFLOW;
	return check_write_exec(prot, "mmap");
}

/* Of several errors that of the descriptor counts. */
static __noinline bool is_no_file(int fd)
{
	struct file_use use;
	bool place;

	if (file_use(fd, 0, &use) < 0)
		return true;
	place = atomic_load(&use.file->flags) & O_PATH;
	file_done(&use);
	return place;
}

/*
 * takes: MAP_* in MAP_KNOWN area_flags how_to_map check_map, but MAP_TYPE MAP_KNOWN MAP_HUGE_SHIFT
 * MAP_HUGE_MASK MAP_HUGETLB, not MAP_SYNC (EOPNOTSUPP), else EOPNOTSUPP with MAP_SHARED_VALIDATE, ignored
 * without; PROT_* in area_flags, but PROT_ALL, else ignored
 * lacks: huge pages on demand (MAP_HUGETLB: ENOMEM), memory that is written and
 * executed where neither the program's file nor `vm.write_exec` allows it (EACCES)
 */
SYSCALL(mmap)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t), offset = ARG(5, uint64_t);
	uint32_t prot = ARG(2, uint32_t), flags = ARG(3, uint32_t);
	struct mapping m = { .offset = offset, .flags = area_flags(prot, flags), .max_prot = PROT_ALL };
	struct vm_source source;
	int err = check_map(len, prot, flags, offset);

	if (err < 0 && !(flags & MAP_ANONYMOUS) && IS_ALIGNED(offset, PAGE_SIZE) && is_no_file(ARG(4, int)))
		return -EBADF;
	if (err == 0)
		err = check_locked(m.flags, ALIGN_UP(len, PAGE_SIZE));
	if (err == 0 && over_limit(m.flags, ALIGN_UP(len, PAGE_SIZE)))
		err = -ENOMEM;
	if (err == 0)
		err = (flags & MAP_ANONYMOUS) ? map_anonymous(&m, len) : map_file(&m, ARG(4, int), len);
	if (err < 0)
		return err;
	source = (struct vm_source){ m.object, m.offset, m.grant };
	err = vm_map_from(current_vm(), &addr, len, m.flags, m.max_prot, how_to_map(flags), &source);
	end_mapping(&m);
	return err < 0 ? err : (int64_t)addr;
}

SYSCALL(munmap)
{
	return vm_unmap(current_vm(), ARG(0, uint64_t), ARG(1, uint64_t));
}

/*
 * takes: PROT_*, but PROT_ALL PROT_GROWSUP, else EINVAL
 * lacks: memory that is written and executed where neither the program's file nor `vm.write_exec` allows it
 * (EACCES)
 */
SYSCALL(mprotect)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t), start = addr;
	uint32_t prot = ARG(2, uint32_t), grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	int err;

	prot &= ~(uint32_t)(PROT_GROWSDOWN | PROT_GROWSUP | PROT_SEM);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (len > USER_END || addr > USER_END - len)
		return -ENOMEM;
	if ((prot & ~(uint32_t)PROT_ALL) || (grows & PROT_GROWSUP)) /* no area grows upwards */
		return -EINVAL;
	if (grows) {
		err = vm_stack_start(current_vm(), addr, &start);
		if (err < 0)
			return err;
	}
	err = check_write_exec(prot, "mprotect");
	return err < 0 ? err : vm_protect(current_vm(), start, addr + len - start, prot);
}

SYSCALL(brk)
{
	struct vm_space *vm = current_vm();
	uint64_t brk = ARG(0, uint64_t), limit = current_rlimit(RLIMIT_DATA), now = READ_ONCE(vm->brk);
	uint64_t more = brk > now ? brk - now : 0;

	if (more > 0 &&
	    (brk - vm->brk_start > limit || over_limit(VM_WRITE, more) || check_locked(0, more) < 0))
		brk = 0;
	return (int64_t)vm_brk(vm, brk);
}

/* takes: MREMAP_*, else EINVAL */
SYSCALL(mremap)
{
	uint64_t old = ARG(0, uint64_t), old_len = ARG(1, uint64_t), len = ARG(2, uint64_t);
	uint32_t flags = ARG(3, uint32_t), moves = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
	uint64_t addr = ARG(4, uint64_t);
	int err;

	_Static_assert(MREMAP_MAYMOVE == VM_REMAP_MAYMOVE && MREMAP_FIXED == VM_REMAP_FIXED &&
			       MREMAP_DONTUNMAP == VM_REMAP_DONTUNMAP,
		       "the same bits");
	if ((flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) ||
	    (moves && !(flags & MREMAP_MAYMOVE)) || ((flags & MREMAP_DONTUNMAP) && old_len != len))
		return -EINVAL;
	/* What a second place takes comes on top. */
	if (len > old_len || (flags & MREMAP_DONTUNMAP)) {
		if (over_limit(0, (flags & MREMAP_DONTUNMAP) ? len : len - old_len))
			return -ENOMEM;
	}
	err = vm_remap(current_vm(), old, old_len, len, flags, lock_limit(), &addr);
	return err < 0 ? err : (int64_t)addr;
}

/* Whole pages of a range that begins on one; what wraps or leaves the user half has no pages: -ENOMEM. */
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
/* takes: MS_*, else EINVAL */
SYSCALL(msync)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t);
	uint32_t flags = ARG(2, uint32_t);
	int err;

	if ((flags & ~(uint32_t)(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	err = check_range(addr, &len);
	if (err == 0 && (flags & MS_INVALIDATE) && vm_any_locked(current_vm(), addr, len))
		err = -EBUSY;
	return err < 0 ? err : vm_check_mapped(current_vm(), addr, len);
}

SYSCALL(mincore)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t);
	uaddr_t vec = ARG(2, uaddr_t);
	unsigned char bytes[256];
	int err = check_range(addr, &len);

	for (uint64_t end = addr + len; err == 0 && addr < end;) {
		size_t pages = MIN((end - addr) >> PAGE_SHIFT, sizeof(bytes));

		err = vm_residency(current_vm(), addr, bytes, pages);
		if (err == 0)
			err = copy_to_user(vec, bytes, pages);
		addr += pages << PAGE_SHIFT;
		vec += pages;
	}
	return err;
}

/* Flags that advice sets and clears. */
static const struct {
	int advice;
	uint32_t set, clear;
} advice_flags[] = {
	{ MADV_DONTDUMP, VM_DONTDUMP, 0 },
	{ MADV_DODUMP, 0, VM_DONTDUMP },
	{ MADV_DONTFORK, VM_DONTFORK, 0 },
	{ MADV_DOFORK, 0, VM_DONTFORK },
	{ MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE },
	{ MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE },
	{ MADV_WIPEONFORK, VM_WIPEONFORK, 0 },
	{ MADV_KEEPONFORK, 0, VM_WIPEONFORK },
};

static int set_advice_flags(uint64_t addr, uint64_t len, int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(advice_flags); i++) {
		if (advice_flags[i].advice == advice)
			return vm_set_flags(current_vm(), addr, len, advice_flags[i].set,
					    advice_flags[i].clear);
	}
	return -EINVAL; /* among them MADV_MERGEABLE: pages are not merged */
}

static int advise(struct vm_space *vm, uint64_t addr, uint64_t len, int advice)
{
	switch (advice) {
	case MADV_NORMAL: /* there is no reading ahead and no swapping that these could change */
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
		return vm_check_mapped(vm, addr, len);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return vm_any_locked(vm, addr, len) ? -EINVAL : vm_check_mapped(vm, addr, len);
	case MADV_WILLNEED:
		return vm_will_need(vm, addr, len);
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return vm_discard(vm, addr, len, advice == MADV_DONTNEED_LOCKED);
	case MADV_FREE: /* at any time, says the manual: so now */
		return vm_free(vm, addr, len);
	case MADV_REMOVE:
		return vm_remove(vm, addr, len);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return vm_populate(vm, addr, len, advice == MADV_POPULATE_WRITE);
	default:
		return set_advice_flags(addr, len, advice);
	}
}

static bool known_advice(int advice)
{
	bool known = (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
		     (advice >= MADV_FREE && advice <= MADV_REMOVE) ||
		     (advice >= MADV_DONTDUMP && advice <= MADV_DONTNEED_LOCKED);

	for (size_t i = 0; i < ARRAY_SIZE(advice_flags); i++)
		known |= advice_flags[i].advice == advice;
	return known;
}

/*
 * takes: MADV_* in advise advice_flags, not MADV_MERGEABLE MADV_UNMERGEABLE MADV_COLLAPSE MADV_HWPOISON
 * MADV_SOFT_OFFLINE (EINVAL), else EINVAL
 */
SYSCALL(madvise)
{
	uint64_t addr = ARG(0, uint64_t), len = ARG(1, uint64_t), end;
	int advice = ARG(2, int), err;

	if (!known_advice(advice) || add_overflows(len, PAGE_SIZE - 1, &end) ||
	    add_overflows(addr, end, &end))
		return -EINVAL;
	err = check_range(addr, &len);
	return err < 0 ? err : advise(current_vm(), addr, len, advice);
}

/* takes: MEMBARRIER_CMD_* in membarrier, else EINVAL */
SYSCALL(membarrier)
{
	return membarrier(current_vm(), ARG(0, uint32_t), ARG(1, uint32_t), ARG(2, uint32_t));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Locking memory: mlock(2) and its family.  Nothing is ever swapped, so a lock means that pages are there
 * from the start and that no advice and no shortage takes them away. */
#include <kernel/syscall.h>

#include <arch/paging.h>
#include <kernel/process.h>
#include <kernel/vm.h>
#include <serix/abi.h>
#include <serix/errno.h>

/* Bytes that the process may lock; 0: none at all. */
static uint64_t lock_limit(void)
{
	return cred_has_privilege(PRIV_IPC_LOCK) ? UINT64_MAX : current_rlimit(RLIMIT_MEMLOCK);
}

/* Whole pages around [addr, addr + len); Linux lets the length wrap, but not the end.  -EINVAL. */
static int whole_pages(uint64_t *addr, uint64_t *len)
{
	uint64_t end;

	*len = ALIGN_UP(*len + *addr % PAGE_SIZE, PAGE_SIZE);
	*addr = ALIGN_DOWN(*addr, PAGE_SIZE);
	return add_overflows(*addr, *len, &end) ? -EINVAL : 0;
}

static int64_t lock_range(uint64_t addr, uint64_t len, uint32_t flags)
{
	int err = whole_pages(&addr, &len);

	if ((flags & VM_LOCKED) && lock_limit() == 0)
		return -EPERM;
	return err < 0 ? err : vm_lock(current_task()->vm, addr, len, flags, lock_limit());
}

SYSCALL(mlock)
{
	return lock_range(ARG(0, uint64_t), ARG(1, uint64_t), VM_LOCKED);
}

/* takes: MLOCK_*, else EINVAL */
SYSCALL(mlock2)
{
	uint32_t flags = ARG(2, uint32_t);

	if (flags & ~(uint32_t)MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(ARG(0, uint64_t), ARG(1, uint64_t),
			  VM_LOCKED | ((flags & MLOCK_ONFAULT) ? VM_ONFAULT : 0));
}

SYSCALL(munlock)
{
	return lock_range(ARG(0, uint64_t), ARG(1, uint64_t), 0);
}

/* takes: MCL_*, else EINVAL */
SYSCALL(mlockall)
{
	uint32_t flags = ARG(0, uint32_t);

	if (flags == 0 || flags == MCL_ONFAULT ||
	    (flags & ~(uint32_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	if (lock_limit() == 0)
		return -EPERM;
	return vm_lock_all(current_task()->vm, flags & MCL_CURRENT, flags & MCL_FUTURE,
			   VM_LOCKED | ((flags & MCL_ONFAULT) ? VM_ONFAULT : 0), lock_limit());
}

SYSCALL(munlockall)
{
	(void)args;
	return vm_lock_all(current_task()->vm, true, false, 0, 0);
}

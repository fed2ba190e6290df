/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp(2): strict mode, filters, and what there is of them. */
#include "seccomp.h"

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/seccomp.h>
#include <kernel/syscall.h>
#include <serix/errno.h>

static int64_t set_strict(uint32_t flags, uaddr_t arg)
{
	return flags || arg ? -EINVAL : seccomp_set_strict();
}

static int64_t add_filter(uint32_t flags, uaddr_t arg)
{
	struct abi_bpf_program program;

	if (!seccomp_flags_are_valid(flags))
		return -EINVAL;
	if (copy_from_user(&program, arg, sizeof(program)) < 0)
		return -EFAULT;
	return seccomp_add_filter(flags, &program);
}

static int64_t is_available(uint32_t flags, uaddr_t arg)
{
	uint32_t action;

	if (flags)
		return -EINVAL;
	if (copy_from_user(&action, arg, sizeof(action)) < 0)
		return -EFAULT;
	return seccomp_action_is_known(action) ? 0 : -EOPNOTSUPP;
}

static int64_t get_sizes(uint32_t flags, uaddr_t arg)
{
	static const struct abi_seccomp_sizes sizes = {
		.notification = sizeof(struct abi_seccomp_notification),
		.response = sizeof(struct abi_seccomp_response),
		.data = sizeof(struct abi_seccomp_data),
	};

	return flags ? -EINVAL : copy_to_user(arg, &sizes, sizeof(sizes));
}

int64_t seccomp_by_prctl(uint64_t mode, uaddr_t program)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return seccomp_set_strict();
	case SECCOMP_MODE_FILTER:
		return add_filter(0, program);
	}
	return -EINVAL;
}

/*
 * takes: SECCOMP_*, else EINVAL; filters: SECCOMP_FILTER_FLAG_* in kernel/proc/seccomp.c, else
 * EINVAL; SECCOMP_RET_* in kernel/proc/seccomp_actions.c, else the process ends as with
 * SECCOMP_RET_KILL_PROCESS
 * lacks: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, and SECCOMP_IOCTL_NOTIF_ADDFD (EINVAL); the length of a
 * chain is that of its programs, not of what they are translated to; strict mode leaves the time-stamp
 * counter readable
 */
SYSCALL(seccomp)
{
	uint32_t flags = ARG(1, uint32_t);
	uaddr_t arg = ARG(2, uaddr_t);

	switch (ARG(0, uint32_t)) {
	case SECCOMP_SET_MODE_STRICT:
		return set_strict(flags, arg);
	case SECCOMP_SET_MODE_FILTER:
		return add_filter(flags, arg);
	case SECCOMP_GET_ACTION_AVAIL:
		return is_available(flags, arg);
	case SECCOMP_GET_NOTIF_SIZES:
		return get_sizes(flags, arg);
	}
	return -EINVAL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Cerberus' calls: <serix/cap.h> tells what each does; here user structures become the kernel's. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <serix/errno.h>

static struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

static int terms_from_user(uaddr_t user, uint64_t size, struct cap_terms *out)
{
	struct cap_derive how;

	if (size != sizeof(how))
		return -EINVAL;
	if (copy_from_user(&how, user, sizeof(how)) < 0)
		return -EFAULT;
	return cap_terms_of(&how, out);
}

SYSCALL(cap_derive)
{
	struct cap_terms terms;
	int err = terms_from_user(ARG(1, uaddr_t), args->a[2], &terms);

	return err < 0 ? err : cap_derive(current_caps(), ARG(0, cap_handle_t), &terms, current_caps());
}

SYSCALL(cap_grant)
{
	struct cap_terms terms;
	int err = terms_from_user(ARG(2, uaddr_t), args->a[3], &terms);

	return err < 0 ? err : process_grant(ARG(0, cap_handle_t), ARG(1, cap_handle_t), &terms);
}

/* takes: CAP_REVOKE_*, else EINVAL */
SYSCALL(cap_revoke)
{
	unsigned flags = ARG(1, unsigned);

	if (flags & ~CAP_REVOKE_CHILDREN)
		return -EINVAL;
	return cap_revoke(current_caps(), ARG(0, cap_handle_t), !(flags & CAP_REVOKE_CHILDREN));
}

SYSCALL(cap_limit)
{
	return cap_limit(current_caps(), ARG(0, cap_handle_t), ARG(1, uint32_t));
}

SYSCALL(cap_expire)
{
	cap_handle_t handle = ARG(0, cap_handle_t);
	uint64_t expires = cap_cycles_in(args->a[1]);
	struct cap_info info;

	/* Never: there is nothing to do, if there is such a capability. */
	return expires ? cap_expire(current_caps(), handle, expires)
		       : cap_query(current_caps(), handle, &info);
}

/* --- looking ----------------------------------------------------------------------------------------- */

SYSCALL(cap_query)
{
	struct cap_info info;
	int err =
		args->a[2] == sizeof(info) ? cap_query(current_caps(), ARG(0, cap_handle_t), &info) : -EINVAL;

	return err < 0 ? err : copy_to_user(ARG(1, uaddr_t), &info, sizeof(info));
}

static int64_t list(struct cap_table *caps, cap_handle_t after, uaddr_t user, uint64_t count)
{
	struct cap_info info;
	uint64_t n;

	for (n = 0; n < count && n < INT32_MAX && !signal_pending(); n++) {
		int err = cap_query_next(caps, after, &info);

		if (err == -ENOENT)
			break;
		if (err == 0)
			err = copy_to_user(user + n * sizeof(info), &info, sizeof(info));
		if (err < 0)
			return err;
		after = info.handle;
	}
	return n > 0 || !signal_pending() ? (int64_t)n : -ERESTARTSYS;
}

SYSCALL(cap_list)
{
	int pidfd = ARG(0, int);
	struct cap_table *caps = current_caps();
	int64_t n;
	int err = 0;

	if (args->a[4] != sizeof(struct cap_info))
		return -EINVAL;
	if (pidfd == -1)
		cap_table_pin(caps);
	else
		err = process_caps_of(pidfd, &caps);
	if (err < 0)
		return err;
	n = list(caps, ARG(1, cap_handle_t), ARG(2, uaddr_t), args->a[3]);
	cap_table_unpin(caps);
	return n;
}

SYSCALL(cap_export)
{
	struct cap_id id;
	int err;

	if (confine_denies(CONFINE_NO_EXPORT))
		return -EPERM;
	err = cap_export(current_caps(), ARG(0, cap_handle_t), &id);
	if (err < 0)
		return err;
	return copy_to_user(ARG(1, uaddr_t), &(struct cap_token){ { id.lo, id.hi } },
			    sizeof(struct cap_token));
}

SYSCALL(cap_import)
{
	struct cap_token token;
	struct cap_terms terms;
	int err;

	if (confine_denies(CONFINE_NO_EXPORT))
		return -EPERM;
	if (copy_from_user(&token, ARG(0, uaddr_t), sizeof(token)) < 0)
		return -EFAULT;
	err = terms_from_user(ARG(1, uaddr_t), args->a[2], &terms);
	if (err < 0)
		return err;
	return cap_import(current_caps(), &(struct cap_id){ .lo = token.id[0], .hi = token.id[1] }, &terms);
}

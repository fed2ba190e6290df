/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling budgets: <serix/budget.h>. */
#include <kernel/budget.h>

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <serix/errno.h>

#define BUDGET_RIGHTS \
	(BUDGET_RIGHT_BIND | BUDGET_RIGHT_RESIZE | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT | CAP_RIGHT_BADGE)

static int params_from_user(uaddr_t user, uint64_t size, struct budget_params *out)
{
	return size == sizeof(*out) ? copy_from_user(out, user, sizeof(*out)) : -EINVAL;
}

static int use_budget(cap_handle_t handle, uint32_t right, struct capability **out)
{
	return cap_use(current_process()->caps, handle, OBJECT_BUDGET, right, out);
}

/* takes: CAP_DERIVE_*, else EINVAL */
SYSCALL(budget_create)
{
	uint32_t flags = ARG(2, uint32_t);
	struct budget_params params;
	struct kobject *budget;
	int result;

	if (flags & ~CAP_DERIVE_CLOEXEC)
		return -EINVAL;
	result = params_from_user(ARG(0, uaddr_t), args->a[1], &params);
	if (result != 0)
		return result;
	result = budget_create(&params, &budget);
	if (result != 0)
		return result;
	result = cap_install(current_process()->caps, budget, BUDGET_RIGHTS,
			     flags & CAP_DERIVE_CLOEXEC ? CAP_CLOEXEC : 0, 0);
	if (result < 0)
		kobject_put(budget);
	return result;
}

SYSCALL(budget_bind)
{
	struct capability *via;
	int err = use_budget(ARG(0, cap_handle_t), BUDGET_RIGHT_BIND, &via);

	if (err < 0)
		return err;
	err = budget_bind(via, ARG(1, cap_handle_t));
	cap_done(via);
	return err;
}

SYSCALL(budget_unbind)
{
	struct capability *via;
	int err = use_budget(ARG(0, cap_handle_t), BUDGET_RIGHT_BIND, &via);

	if (err < 0)
		return err;
	err = budget_unbind(via->object);
	cap_done(via);
	return err;
}

SYSCALL(budget_resize)
{
	struct budget_params params;
	struct capability *via;
	int err = params_from_user(ARG(1, uaddr_t), args->a[2], &params);

	if (err < 0)
		return err;
	err = use_budget(ARG(0, cap_handle_t), BUDGET_RIGHT_RESIZE, &via);
	if (err < 0)
		return err;
	err = budget_resize(via->object, &params);
	cap_done(via);
	return err;
}

SYSCALL(budget_query)
{
	struct capability *via;
	struct budget_info info;
	int err;

	if (args->a[2] != sizeof(info))
		return -EINVAL;
	err = use_budget(ARG(0, cap_handle_t), 0, &via);
	if (err < 0)
		return err;
	budget_look(via->object, &info);
	cap_done(via);
	return copy_to_user(ARG(1, uaddr_t), &info, sizeof(info));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on notifications, and on the doorbells of rings: <serix/ipc.h>. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/notification.h>
#include <kernel/process.h>
#include <kernel/timespec.h>
#include <serix/errno.h>
#include <serix/ipc.h>

#define NOTIFICATION_RIGHTS                                                                         \
	(NOTIFICATION_RIGHT_SIGNAL | NOTIFICATION_RIGHT_WAIT | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT | \
	 CAP_RIGHT_BADGE)

/* The right to signal and to wait go by the same numbers whatever the doorbell is part of. */
static int use_doorbell(cap_handle_t handle, uint32_t right, struct capability **via, struct doorbell **out)
{
	int err = cap_use(current_process()->caps, handle, OBJECT_NONE, right, via);

	if (err < 0)
		return err;
	*out = doorbell_of((*via)->object);
	if (*out)
		return 0;
	cap_done(*via);
	return -EBADF;
}

/* takes: CAP_DERIVE_*, else EINVAL */
SYSCALL(notification_create)
{
	uint32_t flags = ARG(0, uint32_t);
	struct notification *n;
	int result;

	if (flags & ~CAP_DERIVE_CLOEXEC)
		return -EINVAL;
	result = notification_create(&n);
	if (result < 0)
		return result;
	result = cap_install(current_process()->caps, &n->object, NOTIFICATION_RIGHTS,
			     flags & CAP_DERIVE_CLOEXEC ? CAP_CLOEXEC : 0, 0);
	if (result < 0)
		kobject_put(&n->object);
	return result;
}

SYSCALL(notification_signal)
{
	struct capability *via;
	struct doorbell *d;
	int err = use_doorbell(ARG(0, cap_handle_t), NOTIFICATION_RIGHT_SIGNAL, &via, &d);

	if (err < 0)
		return err;
	doorbell_signal(d, ARG(1, uint64_t));
	cap_done(via);
	return 0;
}

static int64_t wait_until(cap_handle_t handle, uint64_t mask, uaddr_t user, uint64_t deadline_ns)
{
	struct capability *via;
	struct doorbell *d;
	uint64_t bits;
	int err = use_doorbell(handle, NOTIFICATION_RIGHT_WAIT, &via, &d);

	if (err < 0)
		return err;
	err = doorbell_wait(d, mask, deadline_ns, &bits);
	if (err == 0 && put_user_u64(user, bits) < 0) {
		doorbell_signal(d, bits); /* nobody got them */
		err = -EFAULT;
	}
	cap_done(via);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* The second half of what began with -ERESTARTSYS: the deadline stays. */
static int64_t wait_again(struct syscall_restart *r)
{
	struct syscall_restart saved = *r;
	int64_t err = wait_until((cap_handle_t)r->extra[0], r->extra[1], r->user, r->deadline_ns);

	if (err != -ERESTARTSYS)
		return err;
	*r = saved;
	r->fn = wait_again;
	return -ERESTART_RESTARTBLOCK;
}

SYSCALL(notification_wait)
{
	uint64_t mask = ARG(1, uint64_t), timeout = ARG(3, uint64_t), deadline;
	int64_t err;

	if (mask == 0)
		return -EINVAL;
	deadline = timeout ? deadline_after(timeout) : 0;
	err = wait_until(ARG(0, cap_handle_t), mask, ARG(2, uaddr_t), deadline);
	if (err != -ERESTARTSYS || deadline == WAIT_FOREVER)
		return err;
	current_thread()->restart = (struct syscall_restart){
		.fn = wait_again,
		.deadline_ns = deadline,
		.user = ARG(2, uaddr_t),
		.extra = { args->a[0], mask },
	};
	return -ERESTART_RESTARTBLOCK;
}

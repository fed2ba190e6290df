/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that go back to the program (<kernel/user_dispatch.h>). */
#include <kernel/user_dispatch.h>

#include <arch/context.h>
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/core_dump.h>
#include <kernel/syscall_watch.h>
#include <serix/errno.h>

#include "proc_priv.h"

static void watch(bool on)
{
	struct thread *t = current_thread();
	uint64_t flags = spin_lock_irqsave(&t->process->lock);

	(on ? thread_watch_calls_locked : thread_unwatch_calls_locked)(t, CALL_WATCHER_USER_DISPATCH);
	spin_unlock_irqrestore(&t->process->lock, flags);
}

int user_dispatch_set(uint64_t mode, uaddr_t start, uint64_t length, uaddr_t selector)
{
	switch (mode) {
	case PR_SYS_DISPATCH_OFF:
		if (start || length || selector)
			return -EINVAL;
		break;
	case PR_SYS_DISPATCH_ON:
		if (start && start + length <= start)
			return -EINVAL;
		if (selector >= USER_END)
			return -EFAULT;
		break;
	default:
		return -EINVAL;
	}
	current_thread()->dispatch =
		(struct user_dispatch){ .start = start, .length = length, .selector = selector };
	watch(mode == PR_SYS_DISPATCH_ON);
	return 0;
}

void user_dispatch_forget(void)
{
	if (unlikely(current_thread()->call_watchers & CALL_WATCHER_USER_DISPATCH))
		watch(false);
}

static void __noreturn end(const struct abi_siginfo *info)
{
	core_dump(info);
	process_exit(info->signo);
}

/* Does the selector let the call through?  What it must not say ends the program. */
static bool selector_allows(uaddr_t selector)
{
	uint8_t state;

	if (copy_from_user(&state, selector, sizeof(state)) < 0)
		end(&(struct abi_siginfo){ .signo = SIGSEGV, .code = SI_KERNEL });
	if (state > SYSCALL_DISPATCH_FILTER_BLOCK)
		end(&(struct abi_siginfo){ .signo = SIGSYS, .code = SI_KERNEL });
	return state == SYSCALL_DISPATCH_FILTER_ALLOW;
}

static enum call_verdict enter(struct arch_regs *regs)
{
	const struct user_dispatch *d = &current_thread()->dispatch;
	struct abi_siginfo info;

	if (arch_regs_pc(regs) - d->start < d->length || (d->selector && selector_allows(d->selector)))
		return CALL_GOES_ON;
	info = trap_undo_call(regs, SYS_USER_DISPATCH, 0);
	signal_force_info(&info);
	return CALL_SKIPPED;
}

const struct call_watcher user_dispatch_watcher = { .bit = CALL_WATCHER_USER_DISPATCH, .enter = enter };

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The long way of a call whose thread is watched.
 */
#include <kernel/syscall_watch.h>

#include <arch/context.h>
#include <kernel/process.h>
#include <kernel/ptrace.h>
#include <kernel/seccomp.h>
#include <kernel/syscall.h>
#include <kernel/user_dispatch.h>
#include <serix/errno.h>

/* In the order in which they are asked. */
static const struct call_watcher *const watchers[] = {
	&user_dispatch_watcher,
	&ptrace_call_watcher,
	&seccomp_watcher,
	NULL,
};

/* Whoever begins to watch has first written what his watcher then looks at. */
static uint32_t watching(const struct thread *t)
{
	return atomic_load_explicit(&t->call_watchers, memory_order_acquire);
}

static enum call_verdict ask_all(struct thread *t, struct arch_regs *regs)
{
	for (const struct call_watcher *const *w = watchers; *w; w++)
		if ((watching(t) & (*w)->bit) && (*w)->enter(regs) == CALL_SKIPPED)
			return CALL_SKIPPED;
	return CALL_GOES_ON;
}

static void tell_all(struct thread *t, struct arch_regs *regs)
{
	for (const struct call_watcher *const *w = watchers; *w; w++)
		if ((watching(t) & (*w)->bit) && (*w)->leave)
			(*w)->leave(regs);
}

int64_t syscall_dispatch_watched(struct arch_regs *regs)
{
	struct thread *t = current_thread();

	arch_regs_set_result(regs, -ENOSYS);
	if (ask_all(t, regs) == CALL_GOES_ON)
		arch_regs_set_result(regs, syscall_dispatch_unwatched(regs));
	tell_all(t, regs);
	return arch_regs_result(regs);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp: what becomes of the calls that filters, or strict mode, look at. */
#include "seccomp_priv.h"

#include <arch/context.h>
#include <kernel/core_dump.h>
#include <kernel/printk.h>
#include <kernel/seccomp_listener.h>
#include <kernel/string.h>
#include <kernel/syscall_watch.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define ERRNO_MAX 4095u

static void log_call(const struct arch_regs *regs, uint32_t action, int signo, const struct seccomp_filter *f)
{
	struct thread *t = current_thread();

	if (seccomp_action_is_logged(action, f && f->log) && program_log_allowed())
		pr_info("%s[%d]: seccomp: call %ld ip %016lx sig %d action %08x", t->task.name, t->tid,
			(int64_t)arch_regs_syscall_number(regs), arch_regs_pc(regs), signo, action);
}

static void look_at(const struct arch_regs *regs, struct abi_seccomp_data *data)
{
	data->number = (int32_t)arch_regs_syscall_number(regs);
	data->arch = ARCH_AUDIT;
	data->instruction_pointer = arch_regs_pc(regs);
	memcpy(data->args, arch_regs_syscall_args(regs), sizeof(data->args));
}

static void trap(struct arch_regs *regs, uint32_t reason)
{
	struct abi_siginfo info = trap_undo_call(regs, SYS_SECCOMP, reason);

	signal_force_info(&info);
}

static bool is_alone(void)
{
	return READ_ONCE(current_process()->live_threads) == 1;
}

/* The thread ends by SIGSYS, or its process if it has no other, or is to. */
static void __noreturn end(struct arch_regs *regs, uint32_t reason, bool all)
{
	struct abi_siginfo info = trap_undo_call(regs, SYS_SECCOMP, reason);

	if (!all && !is_alone())
		thread_exit_status(SIGSYS);
	core_dump(&info);
	process_exit(SIGSYS);
}

/* The strictest answer of the chain; `*from`: the newest filter that gave it. */
static uint32_t ask(const struct seccomp_filter *f, const struct abi_seccomp_data *data,
		    const struct seccomp_filter **from)
{
	uint32_t strictest = SECCOMP_RET_ALLOW;

	for (*from = NULL; f; f = f->outer) {
		uint32_t result = bpf_run(f->program, (const uint32_t *)(const void *)data);

		if ((int32_t)(result & SECCOMP_RET_ACTION) < (int32_t)(strictest & SECCOMP_RET_ACTION)) {
			strictest = result;
			*from = f;
		}
	}
	return strictest;
}

/* A filter without listener has nobody to ask. */
static enum call_verdict ask_listener(struct arch_regs *regs, const struct abi_seccomp_data *data,
				      const struct seccomp_filter *f)
{
	struct abi_seccomp_response answer;
	int err = f->listener ? seccomp_listener_ask(f->listener, data, &answer) : -ENOSYS;

	if (err == 0 && (answer.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE))
		return CALL_GOES_ON;
	arch_regs_set_result(regs, err < 0 ? err : answer.error ? answer.error : answer.value);
	return CALL_SKIPPED;
}

static enum call_verdict filter(struct arch_regs *regs, bool traced);

/* The thread's tracer looks at the call, and may make another or, by a number below 0, none of it.  Then the
 * filters look again; their answer to trace it means by now that it may be. */
static enum call_verdict trace(struct arch_regs *regs, uint32_t data)
{
	ptrace_event(PTRACE_EVENT_SECCOMP, data);
	if (task_is_dying() || (int32_t)arch_regs_syscall_number(regs) < 0)
		return CALL_SKIPPED;
	return filter(regs, true);
}

static enum call_verdict obey(struct arch_regs *regs, const struct abi_seccomp_data *call, uint32_t answer,
			      const struct seccomp_filter *f, bool traced)
{
	uint32_t action = answer & SECCOMP_RET_ACTION, data = answer & SECCOMP_RET_DATA;

	switch (action) {
	case SECCOMP_RET_ALLOW:
		return CALL_GOES_ON;
	case SECCOMP_RET_LOG:
		log_call(regs, action, 0, f);
		return CALL_GOES_ON;
	case SECCOMP_RET_ERRNO:
		log_call(regs, action, 0, f);
		arch_regs_set_result(regs, -(int64_t)MIN(data, ERRNO_MAX));
		return CALL_SKIPPED;
	case SECCOMP_RET_USER_NOTIF:
		log_call(regs, action, 0, f);
		return ask_listener(regs, call, f);
	case SECCOMP_RET_TRACE:
		if (traced) /* its tracer has seen it, and let it go */
			return CALL_GOES_ON;
		if (ptrace_wants(current_thread(), PTRACE_EVENT_SECCOMP))
			return trace(regs, data);
		log_call(regs, action, 0, f);
		arch_regs_set_result(regs, -ENOSYS);
		return CALL_SKIPPED;
	case SECCOMP_RET_TRAP:
		log_call(regs, action, SIGSYS, f);
		trap(regs, data);
		return CALL_SKIPPED;
	}
	log_call(regs, action, SIGSYS, f);
	end(regs, data, action != SECCOMP_RET_KILL_THREAD);
}

static bool strict_mode_allows(uint64_t nr)
{
	return nr == SYS_read || nr == SYS_write || nr == SYS_exit || nr == SYS_rt_sigreturn;
}

static enum call_verdict filter(struct arch_regs *regs, bool traced)
{
	const struct seccomp_filter *from;
	struct abi_seccomp_data data;
	uint32_t answer;

	look_at(regs, &data);
	answer = ask(seccomp_newest(current_thread()), &data, &from);
	return obey(regs, &data, answer, from, traced);
}

static enum call_verdict enter(struct arch_regs *regs)
{
	const struct seccomp_filter *f = seccomp_newest(current_thread());
	uint64_t nr = arch_regs_syscall_number(regs);

	if (f && likely(nr < SYSCALL_MAX && bitmap_test(f->allowed, index_nospec(nr, SYSCALL_MAX))))
		return CALL_GOES_ON;
	if (f)
		return filter(regs, false);
	if (strict_mode_allows(nr))
		return CALL_GOES_ON;
	log_call(regs, SECCOMP_RET_KILL_THREAD, SIGKILL, NULL);
	if (!is_alone())
		thread_exit_status(SIGKILL);
	process_exit(SIGKILL);
}

const struct call_watcher seccomp_watcher = { .bit = CALL_WATCHER_SECCOMP, .enter = enter };

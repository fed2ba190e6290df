/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tracer asks to be told of beyond signals: options and their events, begin and end of calls. */
#include <arch/context.h>
#include <arch/elf_regs.h>
#include <arch/step.h>
#include <arch/usercopy.h>
#include <kernel/syscall_watch.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

int ptrace_set_options(struct thread *t, uint64_t options)
{
	uint64_t flags;

	if (options & ~(uint64_t)PTRACE_O_ALL)
		return -EINVAL;
	flags = spin_lock_irqsave(&t->process->lock);
	t->ptrace.options = (uint32_t)options;
	spin_unlock_irqrestore(&t->process->lock, flags);
	return 0;
}

/* --- events --------------------------------------------------------------------------------------- */

void ptrace_event(enum ptrace_event event, uint64_t message)
{
	struct thread *t = current_thread();

	if (!ptrace_wants(t, event))
		return;
	ptrace_notify(PTRACE_EVENT_CODE((int)event), CLD_TRAPPED, message);
	/* Let go with SYSCALL, the end of this call is the next stop, and nobody may be watching it. */
	if (READ_ONCE(t->ptrace.mode) != PTRACE_RUNS && event != PTRACE_EVENT_EXIT) {
		t->ptrace.call_end_due = true;
		task_set_work(&t->task, TASK_WORK_SIGNAL);
	}
}

/* Old tracers know exec by a SIGTRAP of its own. */
void ptrace_exec_event(pid_t former_tid)
{
	struct thread *t = current_thread();
	struct abi_siginfo info;

	if (!ptrace_traced(t))
		return;
	signal_info_user(&info, SIGTRAP, SI_USER);
	if (ptrace_wants(t, PTRACE_EVENT_EXEC))
		ptrace_event(PTRACE_EVENT_EXEC, (uint64_t)former_tid);
	else if (!READ_ONCE(t->ptrace.seized))
		(void)signal_thread(t, SIGTRAP, &info);
}

static void set_ending(struct thread *t)
{
	uint64_t flags = spin_lock_irqsave(&t->process->lock);

	t->ptrace.ending = true;
	spin_unlock_irqrestore(&t->process->lock, flags);
}

void ptrace_exit_event(int status)
{
	struct thread *t = current_thread();

	t->ptrace.exit_status = status;
	if (likely(!ptrace_traced(t)))
		return;
	set_ending(t);
	ptrace_event(PTRACE_EVENT_EXIT, (uint64_t)status);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static bool steps(enum ptrace_mode mode)
{
	return mode == PTRACE_STEPS || mode == PTRACE_EMULATES_STEP;
}

static bool emulates(enum ptrace_mode mode)
{
	return mode == PTRACE_EMULATES || mode == PTRACE_EMULATES_STEP;
}

void ptrace_set_mode_locked(struct thread *t, enum ptrace_mode mode)
{
	assert_held(&t->process->lock);
	WRITE_ONCE(t->ptrace.mode, mode);
	if (mode != PTRACE_RUNS)
		thread_watch_calls_locked(t, ptrace_call_watcher.bit);
	else
		thread_unwatch_calls_locked(t, ptrace_call_watcher.bit);
	if (t->ptrace.stopped)
		arch_step(&t->task, steps(mode));
}

static void call_stop(struct thread *t, uint64_t message)
{
	bool good = READ_ONCE(t->ptrace.options) & PTRACE_O_TRACESYSGOOD;
	int signo = ptrace_notify(good ? PTRACE_CALL_CODE : SIGTRAP, CLD_TRAPPED, message);

	if (signo && signo != (good ? PTRACE_CALL_CODE : SIGTRAP))
		(void)signal_thread(t, signo, NULL);
}

static enum call_verdict enter(struct arch_regs *regs)
{
	struct thread *t = current_thread();
	enum ptrace_mode mode = READ_ONCE(t->ptrace.mode);

	if (mode == PTRACE_TO_CALL || emulates(mode))
		call_stop(t, PTRACE_CALL_BEGINS);
	if (emulates(mode) || task_is_dying() || arch_regs_syscall(regs) == -1)
		return CALL_SKIPPED;
	return CALL_GOES_ON;
}

void ptrace_call_ends(struct arch_regs *regs)
{
	struct thread *t = current_thread();
	enum ptrace_mode mode = READ_ONCE(t->ptrace.mode);

	t->ptrace.call_end_due = false;
	if (mode == PTRACE_TO_CALL)
		call_stop(t, PTRACE_CALL_ENDS);
	else if (mode == PTRACE_STEPS)
		signal_force(SIGTRAP, TRAP_BRKPT, arch_regs_pc(regs));
}

const struct call_watcher ptrace_call_watcher = { .bit = CALL_WATCHER_PTRACE,
						  .enter = enter,
						  .leave = ptrace_call_ends };

/* --- GET_SYSCALL_INFO ------------------------------------------------------------------------------- */

#define CALL_INFO_NONE   0
#define CALL_INFO_ENTRY  1
#define CALL_INFO_EXIT   2
#define CALL_INFO_FILTER 3

struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t pc, sp;
	union {
		struct {
			uint64_t nr, args[6];
			uint32_t filter_data; /* FILTER */
		} entry;
		struct {
			int64_t result;
			uint8_t is_error;
		} exit;
	};
};

static uint8_t call_info_of(const struct thread *t)
{
	int code = t->ptrace.info ? t->ptrace.info->code : 0;

	if (code == PTRACE_EVENT_CODE(PTRACE_EVENT_SECCOMP))
		return CALL_INFO_FILTER;
	if (code != PTRACE_CALL_CODE)
		return CALL_INFO_NONE;
	return t->ptrace.message == PTRACE_CALL_BEGINS ? CALL_INFO_ENTRY : CALL_INFO_EXIT;
}

static size_t fill_call_info(struct thread *t, struct call_info *info)
{
	const struct arch_regs *regs = arch_user_regs(&t->task);
	int64_t result = arch_regs_result(regs);

	*info = (struct call_info){ .arch = ARCH_AUDIT, .pc = arch_regs_pc(regs), .sp = arch_regs_sp(regs) };
	info->op = call_info_of(t);
	if (info->op == CALL_INFO_NONE)
		return offsetof(struct call_info, entry);
	if (info->op != CALL_INFO_EXIT) {
		info->entry.nr = (uint64_t)arch_regs_syscall(regs);
		for (unsigned i = 0; i < 6; i++)
			info->entry.args[i] = arch_regs_syscall_args(regs)[i];
		info->entry.filter_data = (uint32_t)t->ptrace.message;
		return info->op == CALL_INFO_ENTRY ? offsetof(struct call_info, entry.filter_data)
						   : offsetof(struct call_info, entry.filter_data) + 4;
	}
	info->exit.result = result;
	info->exit.is_error = result < 0 && result >= -4095;
	return offsetof(struct call_info, exit.is_error) + 1;
}

int64_t ptrace_syscall_info(struct thread *t, uint64_t size, uaddr_t to)
{
	struct call_info info;
	size_t all = fill_call_info(t, &info);

	if (copy_to_user(to, &info, MIN((uint64_t)all, size)) < 0)
		return -EFAULT;
	return (int64_t)all;
}

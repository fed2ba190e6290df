/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call in which a thread sleeps, for /proc/PID/syscall.
 *
 * The registers are those the thread left at the top of its kernel stack when it entered.  They are the
 * thread's own to change: what was read while it went on is thrown away.
 */
#include <arch/context.h>
#include <kernel/process.h>

static void read_registers(struct thread *thread, struct sleeping_call *out)
{
	const struct arch_regs *regs = arch_user_regs(&thread->task);

	out->nr = arch_regs_syscall(regs);
	for (unsigned i = 0; i < 6; i++)
		out->args[i] = READ_ONCE(arch_regs_syscall_args(regs)[i]);
	out->sp = arch_regs_sp(regs);
	out->pc = arch_regs_pc(regs);
}

static bool is_asleep(const struct thread *thread)
{
	return atomic_load(&thread->task.state) != TASK_RUNNABLE && !atomic_load(&thread->task.on_cpu);
}

bool thread_sleeping_call_locked(struct thread *thread, struct sleeping_call *out)
{
	uint64_t switches = READ_ONCE(thread->task.switches_voluntary);

	assert_held(&thread->process->lock);
	if (thread == current_thread()) {
		read_registers(thread, out);
		return true;
	}
	if (!is_asleep(thread))
		return false;
	read_registers(thread, out);
	return is_asleep(thread) && READ_ONCE(thread->task.switches_voluntary) == switches;
}

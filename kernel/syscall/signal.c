/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

/* takes: SA_* in include/serix/abi.h, else ignored */
SYSCALL(rt_sigaction)
{
	struct abi_sigaction set __attribute__((uninitialized)), old __attribute__((uninitialized));
	int64_t err = 0;

	if (args->a[3] != sizeof(set.mask))
		return -EINVAL;
	if (args->a[1])
		err = copy_from_user(&set, ARG(1, uaddr_t), sizeof(set));
	if (err == 0)
		err = signal_action_set(ARG(0, int), args->a[1] ? &set : NULL, args->a[2] ? &old : NULL);
	if (err == 0 && args->a[2])
		err = copy_to_user(ARG(2, uaddr_t), &old, sizeof(old));
	return err;
}

/* takes: SIG_*, else EINVAL */
SYSCALL(rt_sigprocmask)
{
	uint64_t old = current_thread()->blocked, set;

	if (args->a[3] != sizeof(set))
		return -EINVAL;
	if (args->a[1]) {
		int err = get_user_u64(ARG(1, uaddr_t), &set);

		if (err < 0)
			return err;
		switch (ARG(0, int)) {
		case SIG_BLOCK:
			set = old | set;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_mask(set);
	}
	return args->a[2] ? put_user_u64(ARG(2, uaddr_t), old) : 0;
}

SYSCALL(rt_sigreturn)
{
	(void)args;
	return signal_return();
}

SYSCALL(rt_sigpending)
{
	uint64_t set = signal_pending_set() & current_thread()->blocked;

	if (args->a[1] > sizeof(set))
		return -EINVAL;
	return copy_to_user(ARG(0, uaddr_t), &set, args->a[1]);
}

SYSCALL(rt_sigsuspend)
{
	uint64_t mask;
	int err;

	if (args->a[1] != sizeof(mask))
		return -EINVAL;
	err = get_user_u64(ARG(0, uaddr_t), &mask);
	if (err < 0)
		return err;
	signal_mask_enter(mask);
	(void)signal_sleep(TIME_FOREVER);
	signal_mask_leave(true);
	return -ERESTARTNOHAND;
}

SYSCALL(pause)
{
	(void)args;
	(void)signal_sleep(TIME_FOREVER);
	return -ERESTARTNOHAND;
}

SYSCALL(rt_sigtimedwait)
{
	uint64_t set, deadline = TIME_FOREVER;
	struct abi_siginfo info;
	struct abi_timespec ts;
	int64_t signo;
	int err;

	if (args->a[3] != sizeof(set))
		return -EINVAL;
	err = get_user_u64(ARG(0, uaddr_t), &set);
	if (err == 0 && args->a[2]) {
		err = copy_from_user(&ts, ARG(2, uaddr_t), sizeof(ts));
		if (err == 0 && !timespec_valid(&ts))
			err = -EINVAL;
		if (err == 0)
			deadline = ts.sec || ts.nsec ? deadline_after(timespec_to_ns(&ts)) : 0;
	}
	if (err < 0)
		return err;
	signo = signal_timed_wait(set, deadline, &info);
	if (signo > 0 && args->a[1]) {
		err = signal_info_to_user(ARG(1, uaddr_t), &info);
		if (err < 0)
			return err;
	}
	return signo;
}

/* takes: SS_* in signal_altstack, else EINVAL */
SYSCALL(sigaltstack)
{
	struct abi_stack set, old;
	int64_t err = 0;

	if (args->a[0])
		err = copy_from_user(&set, ARG(0, uaddr_t), sizeof(set));
	if (err == 0)
		err = signal_altstack(args->a[0] ? &set : NULL, &old);
	if (err == 0 && args->a[1])
		err = copy_to_user(ARG(1, uaddr_t), &old, sizeof(old));
	return err;
}

SYSCALL(kill)
{
	return signal_kill(ARG(0, pid_t), ARG(1, int));
}

SYSCALL(tkill)
{
	return signal_kill_thread(0, ARG(0, pid_t), ARG(1, int), SI_TKILL);
}

SYSCALL(tgkill)
{
	if (ARG(0, pid_t) <= 0)
		return -EINVAL;
	return signal_kill_thread(ARG(0, pid_t), ARG(1, pid_t), ARG(2, int), SI_TKILL);
}

SYSCALL(rt_sigqueueinfo)
{
	struct abi_siginfo info;
	int err = signal_info_from_user(&info, ARG(1, int), ARG(2, uaddr_t));

	return err < 0 ? err : signal_queue_user(ARG(0, pid_t), 0, ARG(1, int), &info);
}

SYSCALL(rt_tgsigqueueinfo)
{
	struct abi_siginfo info;
	int err = signal_info_from_user(&info, ARG(2, int), ARG(3, uaddr_t));

	if (err < 0)
		return err;
	if (ARG(0, pid_t) <= 0 || ARG(1, pid_t) <= 0)
		return -EINVAL;
	return signal_queue_user(ARG(0, pid_t), ARG(1, pid_t), ARG(2, int), &info);
}

/* Only the way back to user mode asks for it, after it left word of what to go on with. */
SYSCALL(restart_syscall)
{
	struct syscall_restart *restart = &current_thread()->restart;
	int64_t (*fn)(struct syscall_restart *) = restart->fn;

	(void)args;
	restart->fn = NULL;
	return fn ? fn(restart) : -EINTR;
}

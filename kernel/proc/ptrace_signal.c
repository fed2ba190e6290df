/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals under a tracer's eyes: it sees each before it is delivered, and the queues and mask. */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define PEEK_SHARED 1u /* PTRACE_PEEKSIGINFO_SHARED: those of the process */

int ptrace_deliver(struct thread *t, int signo, struct abi_siginfo *info)
{
	int got = ptrace_stop(signo, CLD_TRAPPED, 0, info);

	if (got == 0)
		return 0;
	if (got != info->signo) /* another than it was: of the tracer's making */
		*info = (struct abi_siginfo){ .signo = got,
					      .code = SI_USER,
					      .pid = process_parent_pid(t->process),
					      .uid = t->process->cred.uid };
	if (!(t->blocked & SIGNAL_BIT(got)))
		return got;
	(void)signal_thread(t, got, info);
	return 0;
}

/* --- requests ------------------------------------------------------------------------------------- */

static int64_t get_info(struct thread *t, uaddr_t to)
{
	return t->ptrace.info ? signal_info_to_user(to, t->ptrace.info) : -EINVAL;
}

static int64_t set_info(struct thread *t, uaddr_t from)
{
	struct abi_siginfo info;
	int err = signal_info_from_user(&info, 0, from);

	if (err < 0)
		return err;
	if (!t->ptrace.info)
		return -EINVAL;
	*t->ptrace.info = info;
	return 0;
}

static int64_t get_mask(struct thread *t, uint64_t size, uaddr_t to)
{
	if (size != sizeof(uint64_t))
		return -EINVAL;
	return put_user_u64(to, t->restore_mask ? t->saved_mask : t->blocked);
}

static int64_t set_mask(struct thread *t, uint64_t size, uaddr_t from)
{
	uint64_t mask, flags;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, from, sizeof(mask)) < 0)
		return -EFAULT;
	flags = spin_lock_irqsave(&t->process->lock);
	signal_set_mask_locked(t, mask & ~SIGNALS_UNBLOCKABLE);
	spin_unlock_irqrestore(&t->process->lock, flags);
	return 0;
}

/* The n-th of a queue; false: there are not as many. */
static bool nth_info(struct thread *t, bool shared, uint64_t n, struct abi_siginfo *out)
{
	struct process *p = t->process;
	struct signal_queue *q = shared ? &p->pending : &t->pending;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct signal_info *si;
	bool found = false;

	list_for_each (si, &q->infos, link) {
		found = n-- == 0;
		if (found) {
			*out = si->info;
			break;
		}
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return found;
}

static int64_t peek_infos(struct thread *t, uaddr_t how, uaddr_t to)
{
	struct {
		uint64_t offset;
		uint32_t flags;
		int32_t count;
	} args;
	struct abi_siginfo info;
	int64_t done;

	if (copy_from_user(&args, how, sizeof(args)) < 0)
		return -EFAULT;
	if ((args.flags & ~PEEK_SHARED) || args.count < 0)
		return -EINVAL;
	for (done = 0; done < args.count && !signal_pending(); done++) {
		if (!nth_info(t, args.flags & PEEK_SHARED, args.offset + (uint64_t)done, &info))
			break;
		if (signal_info_to_user(to + (uint64_t)done * ABI_SIGINFO_SIZE, &info) < 0)
			return done ? done : -EFAULT;
	}
	return done;
}

int64_t ptrace_signals(struct thread *t, enum ptrace_request request, uint64_t addr, uaddr_t data)
{
	switch (request) {
	case PTRACE_GETSIGINFO:
		return get_info(t, data);
	case PTRACE_SETSIGINFO:
		return set_info(t, data);
	case PTRACE_GETSIGMASK:
		return get_mask(t, addr, data);
	case PTRACE_SETSIGMASK:
		return set_mask(t, addr, data);
	case PTRACE_PEEKSIGINFO:
		return peek_infos(t, addr, data);
	default:
		return -EIO;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2): which request is whose.  All but a few find the tracee stopped, and keep it frozen meanwhile. */
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

static int kill_locked(struct thread *t)
{
	return signal_thread_locked(t, SIGKILL, NULL);
}

static int64_t rseq_configuration(struct thread *t, uint64_t size, uaddr_t to)
{
	struct {
		uint64_t area;
		uint32_t size, signature, flags, pad;
	} rseq = { .area = t->rseq, .size = t->rseq ? 32 : 0, .signature = t->rseq_signature };

	if (copy_to_user(to, &rseq, MIN(size, (uint64_t)sizeof(rseq))) < 0)
		return -EFAULT;
	return sizeof(rseq);
}

/* Those that leave it stopped. */
static int64_t look(struct thread *t, enum ptrace_request request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return ptrace_memory(t, request, addr, data);
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
	case PTRACE_PEEKSIGINFO:
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return ptrace_signals(t, request, addr, data);
	case PTRACE_SETOPTIONS:
		return ptrace_set_options(t, data);
	case PTRACE_GETEVENTMSG:
		return put_user_u64(data, t->ptrace.message);
	case PTRACE_GET_SYSCALL_INFO:
		return ptrace_syscall_info(t, addr, data);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return rseq_configuration(t, addr, data);
	default:
		return ptrace_registers(t, request, addr, data);
	}
}

static void detach(struct thread *t, int signo)
{
	struct process *p = t->process;
	uint64_t flags = tree_lock();

	spin_lock(&p->lock);
	ptrace_unlink_locked(t, signo);
	spin_unlock(&p->lock);
	tree_unlock(flags);
	process_put(p);
}

/* Those that let it go on; -1: another request. */
static int mode_of(int64_t request)
{
	switch (request) {
	case PTRACE_CONT:
		return PTRACE_RUNS;
	case PTRACE_SYSCALL:
		return PTRACE_TO_CALL;
	case PTRACE_SINGLESTEP:
		return PTRACE_STEPS;
	case PTRACE_SYSEMU:
		return PTRACE_EMULATES;
	case PTRACE_SYSEMU_SINGLESTEP:
		return PTRACE_EMULATES_STEP;
	}
	return -1;
}

static int64_t on_stopped(int64_t request, pid_t tid, uint64_t addr, uint64_t data)
{
	int mode = mode_of(request);
	struct thread *t;
	int64_t result = ptrace_freeze(tid, &t);

	if (result < 0)
		return result;
	if ((mode >= 0 || request == PTRACE_DETACH) && data > NSIG)
		result = -EIO;
	else if (request == PTRACE_DETACH) /* who may not look any more may still let go */
		detach(t, (int)data);
	else if (mode < 0)
		result = ptrace_confine_allows(t->process) ? look(t, (enum ptrace_request)request, addr, data)
							   : -EPERM;
	if (mode >= 0 && result == 0)
		ptrace_thaw_and_resume(t, (int)data, (enum ptrace_mode)mode);
	else if (request != PTRACE_DETACH || result < 0)
		ptrace_thaw(t);
	return result;
}

int64_t ptrace_call(int64_t request, pid_t tid, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_TRACEME:
		return ptrace_traceme();
	case PTRACE_ATTACH:
		return ptrace_attach(tid, false, 0);
	case PTRACE_SEIZE:
		return addr ? -EIO : ptrace_attach(tid, true, data);
	case PTRACE_KILL:
		return ptrace_act(tid, kill_locked);
	case PTRACE_INTERRUPT:
		return ptrace_act(tid, ptrace_interrupt_locked);
	case PTRACE_LISTEN:
		return ptrace_act(tid, ptrace_listen_locked);
	}
	return on_stopped(request, tid, addr, data);
}

int ptrace_set_tracer(uint64_t pid)
{
	struct process *p;

	if (pid == 0 || pid == UINT64_MAX)
		return 0;
	p = pid <= PID_MAX ? process_find((pid_t)pid) : NULL;
	if (!p)
		return -EINVAL;
	process_put(p);
	return 0;
}

pid_t ptrace_tracer_tid_locked(const struct thread *t)
{
	return t->ptrace.tracer ? t->ptrace.tracer->tid : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals that programs send: whom they reach and who may. */
#include <kernel/confine.h>
#include <serix/errno.h>

#include "proc_priv.h"

void signal_info_user(struct abi_siginfo *info, int signo, int code)
{
	*info = (struct abi_siginfo){ .signo = signo, .code = code };
	info->pid = current_process()->pid;
	info->uid = current_process()->cred.uid;
}

void signal_self(int signo)
{
	struct abi_siginfo info __attribute__((uninitialized));

	signal_info_user(&info, signo, SI_USER);
	signal_thread(current_thread(), signo, &info);
}

bool signal_permitted(const struct process *p, int signo)
{
	const struct process *self = current_process();
	const struct credentials *cred = &self->cred;

	if (!confine_may_touch(p))
		return false;
	if (priv_has(&cred->priv, PRIV_KILL) || p == self)
		return true;
	if (cred->euid == p->cred.uid || cred->euid == p->cred.suid || cred->uid == p->cred.uid ||
	    cred->uid == p->cred.suid)
		return true;
	return signo == SIGCONT && self->sid == p->sid;
}

static int send_one_locked(struct process *p, int signo, const struct abi_siginfo *info)
{
	if (!signal_permitted(p, signo))
		return -EPERM;
	return signo ? signal_process(p, signo, info) : 0;
}

/* Success counts once for all; else the last refusal does. */
struct broadcast {
	int signo;
	const struct abi_siginfo *info;
	int err;
	bool sent;
};

static void note_result(struct broadcast *b, int err)
{
	if (err == 0)
		b->sent = true;
	else
		b->err = err;
}

static void visit_all(struct process *p, void *arg)
{
	struct broadcast *b = arg;

	if (p->pid != 1 && p != current_process())
		note_result(b, send_one_locked(p, b->signo, b->info));
}

static void visit_group_locked(pid_t pgid, struct broadcast *b)
{
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;

	if (!entry)
		return;
	list_for_each (p, &entry->group, group_link)
		note_result(b, send_one_locked(p, b->signo, b->info));
}

int64_t signal_kill(pid_t pid, int signo)
{
	struct abi_siginfo info __attribute__((uninitialized));
	struct broadcast b = { .signo = signo, .info = &info, .err = -ESRCH };
	uint64_t flags;

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	signal_info_user(&info, signo, SI_USER);
	flags = tree_lock();
	if (pid > 0) {
		struct process *p = process_find_locked(pid);

		if (!p) {
			struct thread *t = thread_find_locked(pid);

			p = t ? t->process : NULL;
		}
		if (p)
			note_result(&b, send_one_locked(p, signo, &info));
	} else if (pid == -1) {
		process_for_each_locked(visit_all, &b);
	} else {
		visit_group_locked(pid == 0 ? current_process()->pgid : -pid, &b);
	}
	tree_unlock(flags);
	return b.sent ? 0 : b.err;
}

/* A thread that signals itself is there, and may. */
static bool is_self(pid_t tgid, pid_t tid)
{
	return tid == current_thread()->tid && (tgid <= 0 || tgid == current_process()->pid);
}

static int64_t send_thread(pid_t tgid, pid_t tid, int signo, const struct abi_siginfo *info)
{
	struct thread *t;
	uint64_t flags;
	int err = -ESRCH;

	if (is_self(tgid, tid))
		return signo ? signal_thread(current_thread(), signo, info) : 0;
	flags = tree_lock();
	t = thread_find_locked(tid);
	if (t && (tgid <= 0 || t->process->pid == tgid)) {
		err = signal_permitted(t->process, signo) ? 0 : -EPERM;
		if (err == 0 && signo)
			err = signal_thread(t, signo, info);
	}
	tree_unlock(flags);
	return err;
}

int64_t signal_kill_thread(pid_t tgid, pid_t tid, int signo, int code)
{
	struct abi_siginfo info __attribute__((uninitialized));

	if (signo < 0 || signo > NSIG || tid <= 0)
		return -EINVAL;
	signal_info_user(&info, signo, code);
	return send_thread(tgid, tid, signo, &info);
}

/* rt_sigqueueinfo (tid 0) and rt_tgsigqueueinfo: the caller fills in the info, so it may not pretend to
 * be the kernel or kill(2) towards others. */
int64_t signal_queue_user(pid_t tgid, pid_t tid, int signo, const struct abi_siginfo *info)
{
	uint64_t flags;
	struct process *p;
	int err = -ESRCH;

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if ((info->code >= 0 || info->code == SI_TKILL) && tgid != current_process()->pid)
		return -EPERM;
	if (tid)
		return send_thread(tgid, tid, signo, info);
	flags = tree_lock();
	p = process_find_locked(tgid);
	if (p)
		err = send_one_locked(p, signo, info);
	tree_unlock(flags);
	return err;
}

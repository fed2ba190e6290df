/* SPDX-License-Identifier: BSD-2-Clause */
/* Parents and their children: notification, wait, reaping. */
#include <serix/errno.h>

#include "ptrace_priv.h"

void tracer_notify_locked(struct process *tracer, struct abi_siginfo *info)
{
	struct abi_sigaction action = signal_action_get(tracer, SIGCHLD);
	bool stop = info->code == CLD_TRAPPED || info->code == CLD_STOPPED;

	info->signo = SIGCHLD;
	if (action.handler != SIG_IGN && !(stop && (action.flags & SA_NOCLDSTOP)))
		signal_process(tracer, SIGCHLD, info);
	wake_up_all(&tracer->child_wait);
}

void parent_notify_locked(struct process *p, int signo, int code, int status)
{
	struct process *parent = p->parent;
	struct abi_siginfo info = { .signo = signo, .code = code };
	bool job_control = code == CLD_STOPPED || code == CLD_CONTINUED;

	if (!parent)
		return;
	info.pid = p->pid;
	info.uid = p->cred.uid;
	info.value = (uint32_t)status;
	info.utime = (int64_t)(p->usage.user_ns / (NSEC_PER_SEC / 100));
	info.stime = (int64_t)(p->usage.system_ns / (NSEC_PER_SEC / 100));
	if (signo && !(job_control && (signal_action_get(parent, SIGCHLD).flags & SA_NOCLDSTOP)))
		signal_process(parent, signo, &info);
	wake_up_all(&parent->child_wait);
}

void process_reap_locked(struct process *p)
{
	struct process *parent = p->parent;
	struct pid_entry *entry;

	assert_held(&proc_tree_lock);
	if (parent) {
		usage_add(&parent->child_usage, &p->usage);
		usage_add(&parent->child_usage, &p->child_usage);
	}
	list_del(&p->sibling);
	process_set_parent_locked(p, NULL);
	wake_up_all(&p->thread_wait); /* polls: nobody can wait for it any more */
	entry = pid_lookup_locked(p->pid);
	entry->process = NULL;
	/* The entry goes with the last of its uses, which may be this group membership. */
	process_leave_groups_locked(p);
	entry = pid_lookup_locked(p->pid);
	if (entry)
		pid_release_locked(entry);
}

void process_set_subreaper(bool on)
{
	uint64_t flags = tree_lock();

	current_process()->subreaper = on;
	tree_unlock(flags);
}

static bool matches_locked(const struct process *child, const struct wait_target *target, unsigned options)
{
	bool clone_child = child->exit_signal != SIGCHLD;

	switch (target->kind) {
	case WAIT_ANY:
		break;
	case WAIT_PID:
		if (child->pid != target->id)
			return false;
		break;
	case WAIT_GROUP:
		if (child->pgid != target->id)
			return false;
		break;
	case WAIT_PROCESS:
		if (child != target->process)
			return false;
		break;
	}
	return (options & WAIT_ALL) || clone_child == !!(options & WAIT_CLONE);
}

static void report(struct process *child, struct wait_result *out, int code, int status)
{
	out->pid = child->pid;
	out->uid = child->cred.uid;
	out->code = code;
	out->status = status;
	usage_with_children(child, &out->usage);
}

/* Has this child something to tell?  The reaped one goes to *dead. */
static bool collect_locked(struct process *child, unsigned options, struct wait_result *out,
			   struct process **dead)
{
	bool peek = options & WNOWAIT;
	bool told = false;

	if (child->state == PROCESS_ZOMBIE) {
		if (!(options & WEXITED) || child->corpse) /* its tracer comes first */
			return false;
		report(child, out, wait_status_code(child->exit_status), child->exit_status);
		if (!peek) {
			process_reap_locked(child);
			*dead = child;
		}
		return true;
	}
	if (child->state == PROCESS_STOPPED && (options & WUNTRACED) && !child->stop_reported &&
	    !ptrace_by_parent_locked(child)) {
		report(child, out, CLD_STOPPED, child->stop_signal << 8 | 0x7f);
		told = true;
	} else if (child->continued && (options & WCONTINUED)) {
		report(child, out, CLD_CONTINUED, 0xffff);
		told = true;
	}
	if (told && !peek) {
		spin_lock(&child->lock);
		if (out->code == CLD_STOPPED)
			child->stop_reported = true;
		else
			child->continued = false;
		spin_unlock(&child->lock);
	}
	return told;
}

static int64_t try_wait(const struct wait_target *target, unsigned options, struct wait_result *out)
{
	struct process *self = current_process(), *child, *dead = NULL;
	struct list also_dead = LIST_INIT(also_dead);
	int64_t result = -ECHILD;
	uint64_t flags = tree_lock();

	list_for_each (child, &self->children, sibling) {
		if (!matches_locked(child, target, options))
			continue;
		result = 0;
		if (collect_locked(child, options, out, &dead)) {
			result = out->pid;
			break;
		}
	}
	if (result <= 0 && ptrace_wait_locked(target, options, out, &also_dead, &result))
		result = out->pid;
	tree_unlock(flags);
	if (dead)
		process_put(dead);
	zombies_put(&also_dead);
	return result;
}

int64_t process_wait(const struct wait_target *target, unsigned options, struct wait_result *out)
{
	struct process *self = current_process();
	int64_t result = try_wait(target, options, out);
	int err;

	if (result != 0 || (options & WNOHANG))
		return result;
	err = wait_event_interruptible(&self->child_wait, (result = try_wait(target, options, out)) != 0);
	return err < 0 ? -ERESTARTSYS : result;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What wait tells a tracer: stops of its tracees, and the ends of those that have exited. */
#include <serix/errno.h>

#include "ptrace_priv.h"

static bool names(const struct wait_target *target, pid_t tid, pid_t pgid, const struct process *of_first)
{
	switch (target->kind) {
	case WAIT_ANY:
		return true;
	case WAIT_PID:
		return tid == target->id;
	case WAIT_GROUP:
		return pgid == target->id;
	case WAIT_PROCESS:
		return of_first && of_first == target->process;
	}
	return false;
}

static bool collect_stop_locked(struct thread *t, unsigned options, struct wait_result *out)
{
	struct process *p = t->process;
	struct ptrace *tr = &t->ptrace;
	bool told;

	spin_lock(&p->lock);
	told = tr->stopped && !tr->listening && !tr->reported;
	if (told) {
		out->pid = t->tid;
		out->uid = p->cred.uid;
		out->code = CLD_TRAPPED;
		out->status = tr->code << 8 | 0x7f;
		tr->reported = !(options & WNOWAIT);
	}
	spin_unlock(&p->lock);
	if (told)
		usage_with_children(p, &out->usage);
	return told;
}

static bool collect_corpse_locked(struct ptrace_corpse *corpse, unsigned options, struct wait_result *out,
				  struct list *dead)
{
	if (!corpse->dead || !(options & WEXITED))
		return false;
	out->pid = corpse->tid;
	out->uid = corpse->uid;
	out->code = wait_status_code(corpse->status);
	out->status = corpse->status;
	if (corpse->process)
		usage_with_children(corpse->process, &out->usage);
	else
		usage_to_abi(&corpse->usage, &out->usage);
	if (!(options & WNOWAIT))
		ptrace_release_corpse_locked(corpse, dead);
	return true;
}

/* Of one tracer.  *result becomes 0 when there is any that is meant. */
static bool wait_for_tracer_locked(struct thread *tracer, const struct wait_target *target, unsigned options,
				   struct wait_result *out, struct list *dead, int64_t *result)
{
	struct ptrace_corpse *corpse;
	struct thread *t;

	list_for_each (t, &tracer->ptrace.tracees, ptrace.link) {
		struct process *p = t->process;

		if (!names(target, t->tid, p->pgid, t->tid == p->pid ? p : NULL))
			continue;
		*result = 0;
		if (collect_stop_locked(t, options, out))
			return true;
	}
	list_for_each (corpse, &tracer->ptrace.corpses, link) {
		if (!names(target, corpse->tid, corpse->pgid, corpse->process))
			continue;
		*result = 0;
		if (collect_corpse_locked(corpse, options, out, dead))
			return true;
	}
	return false;
}

bool ptrace_wait_locked(const struct wait_target *target, unsigned options, struct wait_result *out,
			struct list *dead, int64_t *result)
{
	struct thread *self = current_thread(), *t;

	if (options & WAIT_THREAD_ONLY)
		return wait_for_tracer_locked(self, target, options, out, dead, result);
	/* The tree lock keeps the list: threads join and leave with both held. */
	list_for_each (t, &self->process->threads, link) {
		if (wait_for_tracer_locked(t, target, options, out, dead, result))
			return true;
	}
	return false;
}

bool ptrace_by_parent_locked(const struct process *p)
{
	const struct thread *first = thread_find_locked(p->pid);

	return first && first->ptrace.tracer && first->ptrace.tracer->process == p->parent;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose authority the running code has. */
#include <kernel/cap_audit.h>
#include <kernel/confine.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "proc_priv.h"

/* The kernel's own work: start-up, kernel threads. */
static const struct credentials root_cred;

const struct credentials *current_cred(void)
{
	return in_user_thread() ? &current_process()->cred : &root_cred;
}

/* For the audit trail.  An interrupt is nobody's doing. */
static void audit_who(struct audit_record *r)
{
	strlcpy(r->comm, current_task()->name, sizeof(r->comm));
	if (!in_user_thread() || arch_this_cpu()->irq_depth > 0)
		return;
	r->pid = current_process()->pid;
	r->uid = READ_ONCE(current_process()->cred.euid);
}

void cred_init(void)
{
	cap_audit_who = audit_who;
}

bool cred_is_root(void)
{
	return current_cred()->euid == 0 && !confine_denies(CONFINE_NO_ADMIN);
}

bool cred_in_group(const struct credentials *cred, gid_t gid)
{
	if (cred->fsgid == gid)
		return true;
	for (uint32_t i = 0; i < cred->group_count; i++) {
		if (cred->groups[i] == gid)
			return true;
	}
	return false;
}

int64_t cred_change(int64_t (*edit)(struct credentials *cred, const uint64_t *arguments),
		    const uint64_t *arguments)
{
	struct process *p = current_process();
	struct credentials cred = p->cred; /* only the process itself changes them */
	int64_t result = edit(&cred, arguments);
	uint64_t flags;

	if (result < 0)
		return result;
	if (confine_denies(CONFINE_NO_ADMIN) && memcmp(&cred, &p->cred, sizeof(cred)) != 0)
		return -EPERM;
	flags = spin_lock_irqsave(&p->lock);
	if (cred.euid != p->cred.euid || cred.egid != p->cred.egid) {
		p->dumpable = false;
		p->pdeath_signal = 0;
	}
	p->cred = cred;
	spin_unlock_irqrestore(&p->lock, flags);
	return result;
}

bool cred_may_look(const struct credentials *me, struct process *p)
{
	uint64_t flags;
	bool same;

	if (!confine_may_touch(p))
		return false;
	if (me->euid == 0 || (in_user_thread() && p == current_process()))
		return true;
	flags = spin_lock_irqsave(&p->lock);
	same = p->dumpable && me->uid == p->cred.uid && me->uid == p->cred.euid && me->uid == p->cred.suid &&
	       me->gid == p->cred.gid && me->gid == p->cred.egid && me->gid == p->cred.sgid;
	spin_unlock_irqrestore(&p->lock, flags);
	return same;
}

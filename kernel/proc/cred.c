/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose authority the running code has.
 *
 * A process reads its own credentials without a lock, and so does who looks at another's: while one of its
 * threads changes them, another may see some of the old beside some of the new, each of which it held or
 * holds.
 */
#include <kernel/cap_audit.h>
#include <kernel/confine.h>
#include <kernel/keys.h>
#include <kernel/landlock.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "proc_priv.h"

const struct credentials kernel_cred = {
	.priv = { .permitted = PRIV_ALL, .effective = PRIV_ALL, .bounding = PRIV_ALL },
};

const struct credentials *current_cred(void)
{
	return in_user_thread() ? &current_process()->cred : &kernel_cred;
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

bool cred_has_privilege(enum privilege privilege)
{
	return priv_has(&current_cred()->priv, privilege) && !confine_denies(CONFINE_NO_ADMIN);
}

void cred_as_real_user(struct credentials *cred)
{
	cred->fsuid = cred->uid;
	cred->fsgid = cred->gid;
	priv_as_real_user(&cred->priv, cred->uid);
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

/* Something else than which privileges it has: a confined process may drop these, and take up what it has. */
static bool same_identity(const struct credentials *a, const struct credentials *b)
{
	return a->uid == b->uid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->gid == b->gid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
	       a->group_count == b->group_count &&
	       memcmp(a->groups, b->groups, a->group_count * sizeof(a->groups[0])) == 0;
}

bool cred_gains(const struct credentials *old, const struct credentials *new)
{
	return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	       old->fsgid != new->fsgid || !priv_within(new->priv.permitted, old->priv.permitted);
}

/* False: another thread has changed them since `changes` was read. */
static bool install(struct process *p, const struct credentials *cred, uint32_t changes)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	bool current = p->cred_changes == changes;

	if (current) {
		if (cred_gains(&p->cred, cred)) {
			p->dumpable = false;
			p->pdeath_signal = 0;
		}
		p->cred = *cred;
		p->cred_changes++;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return current;
}

uint32_t cred_get(struct process *p, struct credentials *out)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	uint32_t changes = p->cred_changes;

	*out = p->cred;
	spin_unlock_irqrestore(&p->lock, flags);
	return changes;
}

int64_t cred_change(int64_t (*edit)(struct credentials *cred, const uint64_t *arguments),
		    const uint64_t *arguments)
{
	struct process *p = current_process();
	struct credentials old, new;
	uint32_t changes;
	int64_t result;

	do {
		changes = cred_get(p, &old);
		new = old;
		result = edit(&new, arguments);
		if (result < 0)
			return result;
		if (confine_denies(CONFINE_NO_ADMIN) && !same_identity(&old, &new))
			return -EPERM;
	} while (!install(p, &new, changes));
	if (old.fsuid != new.fsuid || old.fsgid != new.fsgid)
		keys_owner_changed(new.fsuid, new.fsgid);
	return result;
}

bool cred_may_look(const struct credentials *me, struct process *p)
{
	uint64_t flags;
	bool same;

	if (!confine_may_touch(p) || !landlock_may_touch(p))
		return false;
	if (priv_has(&me->priv, PRIV_SYS_PTRACE) || (in_user_thread() && p == current_process()))
		return true;
	flags = spin_lock_irqsave(&p->lock);
	same = p->dumpable && me->uid == p->cred.uid && me->uid == p->cred.euid && me->uid == p->cred.suid &&
	       me->gid == p->cred.gid && me->gid == p->cred.egid && me->gid == p->cred.sgid &&
	       priv_within(p->cred.priv.permitted, me->priv.permitted);
	spin_unlock_irqrestore(&p->lock, flags);
	return same;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits. */
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define DEFAULT_STACK   (8ull << 20)
#define DEFAULT_FILES   1024u
#define MAX_FILES       4096u /* hard: what a table may grow to without privilege */
#define ABSOLUTE_FILES  (1u << 20)
#define DEFAULT_SIGNALS 4096u
#define DEFAULT_LOCKED  (8ull << 20)

void rlimits_init(struct process *p)
{
	for (size_t i = 0; i < RLIMIT_COUNT; i++)
		p->rlimits[i] = (struct abi_rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	p->rlimits[RLIMIT_STACK].cur = DEFAULT_STACK;
	p->rlimits[RLIMIT_CORE].cur = 0;
	p->rlimits[RLIMIT_NPROC] = (struct abi_rlimit){ PID_MAX / 2, PID_MAX / 2 };
	p->rlimits[RLIMIT_NOFILE] = (struct abi_rlimit){ DEFAULT_FILES, MAX_FILES };
	p->rlimits[RLIMIT_MEMLOCK] = (struct abi_rlimit){ DEFAULT_LOCKED, DEFAULT_LOCKED };
	p->rlimits[RLIMIT_SIGPENDING] = (struct abi_rlimit){ DEFAULT_SIGNALS, DEFAULT_SIGNALS };
	p->rlimits[RLIMIT_NICE] = (struct abi_rlimit){ 0, 0 };
	p->rlimits[RLIMIT_RTPRIO] = (struct abi_rlimit){ 0, 0 };
	p->rlimits[RLIMIT_MSGQUEUE] = (struct abi_rlimit){ 819200, 819200 };
}

static int check_limit(const struct abi_rlimit *set, const struct abi_rlimit *now, unsigned id)
{
	if (set->cur > set->max)
		return -EINVAL;
	if (id == RLIMIT_NOFILE && set->max > ABSOLUTE_FILES)
		return -EPERM;
	if (set->max > now->max && !cred_has_privilege(PRIV_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

/* Where the limit is enforced by somebody else's copy. */
static void apply_limit(struct process *p, unsigned id, uint64_t value)
{
	if (id == RLIMIT_NOFILE) {
		struct cap_table *caps = process_caps_get(p);

		if (!caps)
			return;
		cap_table_set_limit(caps, (uint32_t)MIN(value, (uint64_t)ABSOLUTE_FILES));
		cap_table_unpin(caps);
	} else if (id == RLIMIT_STACK || id == RLIMIT_AS) {
		struct vm_space *vm = process_vm_get(p);

		if (!vm)
			return;
		write_lock(&vm->lock);
		if (id == RLIMIT_AS)
			vm->as_limit = value;
		else
			vm->stack_limit = MIN(value, vm->stack_top - vm->mmap_top);
		write_unlock(&vm->lock);
		vm_space_put(vm);
	} else if (id == RLIMIT_CPU || id == RLIMIT_RTTIME) {
		cpu_timers_update(p);
	}
}

static bool may_limit(const struct process *p)
{
	const struct credentials *me = current_cred(), *other = &p->cred;

	if (!confine_may_touch(p))
		return false;
	if (p == current_process() || priv_has(&me->priv, PRIV_SYS_RESOURCE))
		return true;
	return me->uid == other->uid && me->uid == other->euid && me->uid == other->suid &&
	       me->gid == other->gid && me->gid == other->egid && me->gid == other->sgid;
}

int64_t process_prlimit(pid_t pid, unsigned id, const struct abi_rlimit *set, struct abi_rlimit *old)
{
	struct process *p;
	uint64_t flags;
	int err = 0;

	if (id >= RLIMIT_COUNT)
		return -EINVAL;
	id = (unsigned)index_nospec(id, RLIMIT_COUNT);
	p = process_find(pid ? pid : current_process()->pid);
	if (!p)
		return -ESRCH;
	if (!may_limit(p)) {
		process_put(p);
		return -EPERM;
	}
	flags = spin_lock_irqsave(&p->lock);
	*old = p->rlimits[id];
	if (set) {
		err = check_limit(set, old, id);
		if (err == 0)
			p->rlimits[id] = *set;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (set && err == 0)
		apply_limit(p, id, set->cur);
	process_put(p);
	return err;
}

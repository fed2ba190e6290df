/* SPDX-License-Identifier: BSD-2-Clause */
/* Out of memory: the process that holds most leaves, with a logged reason; the system goes on. */
#include <kernel/printk.h>
#include <kernel/vm.h>

#include "proc_priv.h"

#define GRACE_NS         (10 * NSEC_PER_MSEC)
#define SCORE_ADJ_EXEMPT (-1000)

struct choice {
	struct process *victim;
	uint64_t pages;
	bool leaving; /* somebody is on the way out already: wait for that one */
};

static void consider(struct process *p, void *arg)
{
	struct choice *choice = arg;
	uint64_t pages = 0, flags;

	if (p->pid == 1 || p->state == PROCESS_ZOMBIE || p->oom_score_adj <= SCORE_ADJ_EXEMPT)
		return;
	flags = spin_lock_irqsave(&p->lock);
	if (p->vm)
		pages = vm_footprint(p->vm);
	if (p->exiting || (p->pending.pending & SIGNAL_BIT(SIGKILL)))
		choice->leaving |= pages != 0;
	spin_unlock_irqrestore(&p->lock, flags);
	if (pages > choice->pages) {
		choice->victim = p;
		choice->pages = pages;
	}
}

bool process_oom_kill(void)
{
	struct choice choice = { 0 };
	struct process *self;
	uint64_t flags;

	if (!in_user_thread())
		return false;
	self = current_process();
	flags = tree_lock();
	process_for_each_locked(consider, &choice);
	if (choice.victim && !choice.leaving) {
		pr_err("out of memory: killing %s[%d], which holds %lu KiB", choice.victim->comm,
		       choice.victim->pid, choice.pages * (PAGE_SIZE / 1024));
		signal_process(choice.victim, SIGKILL, NULL);
	}
	tree_unlock(flags);
	if (!choice.victim || self->exiting || signal_pending()) {
		/* A fault that cannot be resolved and finds nobody else to kill ends the program itself. */
		if (!signal_pending())
			signal_process(self, SIGKILL, NULL);
		return false;
	}
	(void)sleep_until(time_now_ns() + GRACE_NS, false);
	return true;
}

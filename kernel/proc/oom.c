/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of memory: when nothing can be reclaimed any more, one process leaves, and the log says why.
 *
 * The score of a process is what ending it gives back (resident pages and page tables), moved by its
 * oom_score_adj: each point is a thousandth of memory.  The highest score goes.  Never chosen: init, the
 * kernel's own threads, and who has -1000.  Everybody who shares the victim's memory goes with it.
 *
 * The victim needs no memory to die: a fault of its own gives up as soon as the signal is there, and what the
 * kernel takes on the way out comes from the reserve that programs' pages cannot touch (zone_reserve).  While
 * somebody is leaving nobody else is chosen, unless that takes too long.
 */
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/reclaim.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "proc_priv.h"

#define GRACE_NS         (10 * NSEC_PER_MSEC)
#define PATIENCE_NS      (2 * NSEC_PER_SEC) /* for one who leaves */
#define SCORE_ADJ_EXEMPT (-1000)
#define ROWS             24 /* of the table of candidates */
#define KIB(pages)       ((pages) * (PAGE_SIZE / 1024))

_Atomic bool oom_kill_allocating_task;

struct row {
	pid_t pid;
	uid_t uid;
	uint64_t pages;
	int32_t adj;
	int64_t score;
	char comm[TASK_NAME_LEN];
};

struct choice {
	struct process *victim;
	struct row best;
	struct row rows[ROWS]; /* the first ones */
	uint32_t count;        /* of all candidates */
	bool leaving;          /* somebody is on the way out already */
};

/* One at a time chooses; the others wait for what that gives. */
static _Atomic bool choosing;
static struct choice choice;           /* by the one who chooses */
static _Atomic uint64_t leaving_since; /* 0: nobody is known to leave */

static bool dying_locked(const struct process *p)
{
	return p->exiting || (p->pending.pending & SIGNAL_BIT(SIGKILL));
}

static int64_t score_of(uint64_t pages, int32_t adj)
{
	return (int64_t)pages + adj * (int64_t)(pmm_total_memory() >> PAGE_SHIFT) / 1000;
}

static uint64_t footprint(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	uint64_t pages = p->vm ? vm_footprint(p->vm) : 0;

	spin_unlock_irqrestore(&p->lock, flags);
	return pages;
}

/* Linux's scale: 0 to 1000, about two thirds for a process that holds all memory. */
int process_oom_score(struct process *p)
{
	int64_t total = (int64_t)(pmm_total_memory() >> PAGE_SHIFT), points;
	int32_t adj = READ_ONCE(p->oom_score_adj);

	if (p->pid == 1 || adj <= SCORE_ADJ_EXEMPT)
		return 0;
	points = 1000 + score_of(footprint(p), adj) * 1000 / total;
	return (int)(MAX(points, 0l) * 2 / 3);
}

static void consider(struct process *p, void *unused)
{
	struct row row = { .pid = p->pid, .adj = READ_ONCE(p->oom_score_adj) };
	uint64_t flags;
	bool dying;

	(void)unused;
	if (p->pid == 1 || p->state == PROCESS_ZOMBIE || row.adj <= SCORE_ADJ_EXEMPT)
		return;
	row.pages = footprint(p);
	if (row.pages == 0)
		return;
	flags = spin_lock_irqsave(&p->lock);
	dying = dying_locked(p);
	row.uid = p->cred.uid;
	memcpy(row.comm, p->comm, sizeof(row.comm));
	spin_unlock_irqrestore(&p->lock, flags);
	choice.leaving |= dying;
	if (dying)
		return;
	row.score = score_of(row.pages, row.adj);
	if (choice.count < ROWS)
		choice.rows[choice.count] = row;
	choice.count++;
	if (!choice.victim || row.score > choice.best.score) {
		choice.victim = p;
		choice.best = row;
	}
}

/* Should the one who leaves already be waited for? */
static bool worth_waiting(void)
{
	uint64_t now = time_now_ns(), since = atomic_load_explicit(&leaving_since, memory_order_relaxed);

	if (!choice.leaving)
		atomic_store_explicit(&leaving_since, 0, memory_order_relaxed);
	else if (since == 0)
		atomic_store_explicit(&leaving_since, now, memory_order_relaxed);
	return choice.leaving && (since == 0 || now - since < PATIENCE_NS);
}

static void kill_sharer(struct process *p, void *vm)
{
	if (p->pid != 1 && READ_ONCE(p->vm) == vm)
		signal_process(p, SIGKILL, NULL);
}

static void choose_allocating(struct process *self)
{
	for (uint32_t i = 0; i < MIN(choice.count, (uint32_t)ROWS); i++) {
		if (choice.rows[i].pid == self->pid) {
			choice.victim = self;
			choice.best = choice.rows[i];
		}
	}
}

/* Returns whether somebody was told to leave just now. */
static bool choose_and_kill(struct process *self)
{
	uint64_t flags;
	bool kill;

	choice = (struct choice){ 0 };
	flags = tree_lock();
	process_for_each_locked(consider, NULL);
	kill = choice.victim && !worth_waiting();
	if (kill && atomic_load_explicit(&oom_kill_allocating_task, memory_order_relaxed))
		choose_allocating(self);
	if (kill && choice.victim->vm)
		process_for_each_locked(kill_sharer, choice.victim->vm);
	tree_unlock(flags);
	if (kill)
		atomic_store_explicit(&leaving_since, time_now_ns(), memory_order_relaxed);
	return kill;
}

static void report(const struct process *self)
{
	const struct row *best = &choice.best;

	pr_err("out of memory: %s[%d] needs a page; %zu KiB of %zu KiB are free, %zu KiB could be reclaimed",
	       self->comm, self->pid, pmm_free_memory() / 1024, pmm_total_memory() / 1024,
	       KIB(reclaimable_pages()));
	pr_info("    pid    uid    holds KiB    adj      score  name");
	for (uint32_t i = 0; i < MIN(choice.count, (uint32_t)ROWS); i++) {
		const struct row *row = &choice.rows[i];

		pr_info("%7d %6u %12lu %6d %10ld  %s", row->pid, row->uid, KIB(row->pages), row->adj,
			(long)row->score, row->comm);
	}
	if (choice.count > ROWS)
		pr_info("        and %u more", choice.count - ROWS);
	pr_err("out of memory: killing %s[%d] (uid %u), which holds %lu KiB: score %ld, the highest, adj %d",
	       best->comm, best->pid, best->uid, KIB(best->pages), (long)best->score, best->adj);
}

static bool dying(struct process *self)
{
	uint64_t flags = spin_lock_irqsave(&self->lock);
	bool result = dying_locked(self) || (current_thread()->pending.pending & SIGNAL_BIT(SIGKILL));

	spin_unlock_irqrestore(&self->lock, flags);
	return result;
}

/* What caches hold may be out of reach for an allocation under a spinlock, but not from here. */
static bool reclaimed(void)
{
	size_t before = pmm_free_memory();

	if (reclaimable_pages() == 0)
		return false;
	reclaim_everything();
	return pmm_free_memory() > before;
}

/* Has somebody left since the allocation failed? */
static bool there_is_room(uint32_t nodes)
{
	struct pmm_place place = { .nodes = nodes ? nodes : PMM_ALL_NODES };
	paddr_t pa = pmm_alloc_at(&place, PAGE_ANON, 0);

	if (pa == PADDR_NONE)
		return false;
	pmm_free(pa);
	return true;
}

/* Nobody else's death would surely help one that takes pages from nodes of its choice only. */
static bool kill_bound(struct process *self, uint32_t nodes)
{
	pr_err("out of memory: killing %s[%d], which is bound to nodes (mask %#x) that have no page left",
	       self->comm, self->pid, nodes);
	signal_process(self, SIGKILL, NULL);
	return false;
}

bool process_oom_kill(void)
{
	uint32_t nodes = current_task()->starved_nodes;
	struct process *self;
	bool candidates = true;

	if (!in_user_thread())
		return false;
	current_task()->starved_nodes = 0;
	self = current_process();
	if (dying(self))
		return false;
	if (reclaimed() || there_is_room(nodes))
		return true;
	if (nodes)
		return kill_bound(self, nodes);
	if (!atomic_exchange_explicit(&choosing, true, memory_order_acquire)) {
		if (choose_and_kill(self))
			report(self);
		candidates = choice.victim || choice.leaving;
		atomic_store_explicit(&choosing, false, memory_order_release);
	}
	if (!candidates) /* nobody else to kill: the program that cannot go on ends itself */
		signal_process(self, SIGKILL, NULL);
	if (dying(self))
		return false;
	(void)sleep_until(time_now_ns() + GRACE_NS, false);
	return true;
}

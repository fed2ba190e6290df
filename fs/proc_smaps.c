/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/{smaps,smaps_rollup,numa_maps}: maps with what is in memory of each area, in Linux's format. */
#include "proc_priv.h"

#include <kernel/slab.h>
#include <kernel/vm.h>

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

/* Sums over areas, in KiB. */
struct sums {
	uint64_t size, rss, pss, shared, own, anonymous, large, locked;
};

static void row(struct proc_text *t, const char *name, uint64_t kib)
{
	text_printf(t, "%-16s%8lu kB\n", name, kib);
}

static void measure(struct vm_space *vm, const struct vm_area *a, struct sums *s)
{
	struct vm_usage u;
	uint64_t pss;

	vm_measure(vm, a->start, a->end, &u);
	pss = u.proportional * KIB_PER_PAGE >> VM_USAGE_SHIFT;
	s->size += (a->end - a->start) / 1024;
	s->rss += u.resident * KIB_PER_PAGE;
	s->pss += pss;
	s->shared += u.shared * KIB_PER_PAGE;
	s->own += (u.resident - u.shared) * KIB_PER_PAGE;
	s->anonymous += u.anonymous * KIB_PER_PAGE;
	s->large += u.large * KIB_PER_PAGE;
	s->locked += (a->flags & VM_LOCKED) ? pss : 0;
}

/* No page is ever clean in the sense of "on disk as well": private ones count as dirty, as on Linux without
 * a disk behind them. */
static void show_sums(struct proc_text *t, const struct sums *s)
{
	row(t, "Rss:", s->rss);
	row(t, "Pss:", s->pss);
	row(t, "Shared_Clean:", s->shared);
	row(t, "Shared_Dirty:", 0);
	row(t, "Private_Clean:", s->own - MIN(s->own, s->anonymous));
	row(t, "Private_Dirty:", MIN(s->own, s->anonymous));
	row(t, "Referenced:", s->rss);
	row(t, "Anonymous:", s->anonymous);
	row(t, "LazyFree:", 0);
	row(t, "AnonHugePages:", s->large);
	row(t, "Swap:", 0);
	row(t, "SwapPss:", 0);
	row(t, "Locked:", s->locked);
}

static void show_flags(struct proc_text *t, const struct vm_area *a)
{
	static const struct {
		uint32_t flag;
		char name[3];
	} names[] = {
		{ VM_READ, "rd" },       { VM_WRITE, "wr" },        { VM_EXEC, "ex" },
		{ VM_SHARED, "sh" },     { VM_STACK, "gd" },        { VM_LOCKED, "lo" },
		{ VM_DONTFORK, "dc" },   { VM_ACCOUNT, "ac" },      { VM_NORESERVE, "nr" },
		{ VM_DONTDUMP, "dd" },   { VM_WIPEONFORK, "wf" },   { VM_HUGEPAGE, "hg" },
		{ VM_NOHUGEPAGE, "nh" }, { VM_TELL_MISSING, "um" }, { VM_TELL_WRITE, "uw" },
		{ VM_TELL_MINOR, "ui" },
	};

	text_printf(t, "VmFlags: ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (a->flags & names[i].flag)
			text_printf(t, "%s ", names[i].name);
	}
	text_printf(t, "\n");
}

static void record_sums(struct proc_text *t, const struct proc_node *node, struct vm_space *vm,
			const struct vm_area *a, char *path)
{
	struct sums s = { 0 };

	(void)node;
	proc_show_area(t, a, path);
	measure(vm, a, &s);
	row(t, "Size:", s.size);
	row(t, "KernelPageSize:", KIB_PER_PAGE);
	row(t, "MMUPageSize:", KIB_PER_PAGE);
	show_sums(t, &s);
	show_flags(t, a);
}

int proc_record_smaps(struct proc_text *t, const struct proc_node *node)
{
	return proc_record_area(t, node, record_sums);
}

int proc_show_smaps_rollup(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);
	uint64_t first = 0, end = 0;
	struct sums s = { 0 };
	struct vm_area a;

	if (!vm)
		return 0;
	for (uint64_t addr = 0; vm_next_area(vm, addr, &a); addr = end = a.end) {
		first = first ? first : a.start;
		measure(vm, &a, &s);
		if (a.object)
			vm_object_put(a.object);
	}
	vm_space_put(vm);
	text_printf(t, "%08lx-%08lx ---p 00000000 00:00 0 %27s[rollup]\n", first, end, "");
	show_sums(t, &s);
	return 0;
}

/* --- numa_maps --------------------------------------------------------------------------------------- */

static struct mempolicy task_policy(const struct proc_node *node)
{
	struct process *p = node->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *t = proc_thread_locked(p, node->tid);
	struct mempolicy policy = t ? t->task.mempolicy : (struct mempolicy){ 0 };

	spin_unlock_irqrestore(&p->lock, flags);
	return policy;
}

/* What the area shows; `path` has PATH_MAX bytes for its own use. */
static void show_backing(struct proc_text *t, const struct vm_area *a, char *path)
{
	uint64_t ino;
	dev_t dev;

	path[0] = '\0';
	if (a->object && a->object->ops->describe)
		a->object->ops->describe(a->object, path, PATH_MAX, &dev, &ino);
	if (path[0])
		text_printf(t, " file=%s", path);
	else if (a->flags & (VM_HEAP | VM_STACK))
		text_printf(t, a->flags & VM_HEAP ? " heap" : " stack");
}

static void show_pages(struct proc_text *t, const struct vm_node_usage *u)
{
	if (u->mapped == 0) {
		text_printf(t, "\n");
		return;
	}
	if (u->anonymous) /* never clean, there is no swap */
		text_printf(t, " anon=%lu dirty=%lu", u->anonymous, u->anonymous);
	if (u->mapped != u->anonymous)
		text_printf(t, " mapped=%lu", u->mapped);
	if (u->most_mapped > 1)
		text_printf(t, " mapmax=%lu", u->most_mapped);
	for (unsigned node = 0; node < topology_node_count(); node++) {
		if (u->pages[node])
			text_printf(t, " N%u=%lu", node, u->pages[node]);
	}
	text_printf(t, " kernelpagesize_kB=%lu\n", KIB_PER_PAGE);
}

static void record_nodes(struct proc_text *t, const struct proc_node *node, struct vm_space *vm,
			 const struct vm_area *a, char *path)
{
	struct mempolicy policy = a->policy.mode ? a->policy : task_policy(node);
	struct vm_node_usage usage;
	char text[64];

	(void)mempolicy_print(&policy, text, sizeof(text));
	text_printf(t, "%08lx %s", a->start, text);
	show_backing(t, a, path);
	vm_measure_nodes(vm, a->start, a->end, &usage);
	show_pages(t, &usage);
}

int proc_record_numa_maps(struct proc_text *t, const struct proc_node *node)
{
	return proc_record_area(t, node, record_nodes);
}

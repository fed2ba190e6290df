/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/{stat,status}: the state of a process in numbers.  Formats are Linux's. */
#include "proc_priv.h"

#include <kernel/cap.h>
#include <kernel/device.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <serix/abi_sched.h>

#define NS_TO_TICKS(ns) ((uint64_t)((ns) / (NSEC_PER_SEC / USER_HZ)))

/* --- one look at a process --- */

/* What stat and status show, taken under one hold of the process's lock. */
struct look {
	pid_t pid, tid, ppid, pgid, sid, tpgid, tracer;
	dev_t tty;
	char comm[TASK_NAME_LEN];
	char state;
	struct credentials cred;
	uint32_t threads, queued, fd_size;
	uint64_t pending, shared_pending, blocked, ignored, caught;
	struct usage usage, child_usage;
	struct usage own; /* of the thread alone: the first one, where a process is asked about */
	uint64_t start_ns;
	uint64_t sigpending_limit;
	struct sched_policy policy;
	struct cpumask affinity;
	uint32_t cpu;
	int exit_signal, exit_status;
	bool no_new_privs;
	uint32_t seccomp_mode, seccomp_filters;
	mode_t umask;
};

static char letter_of(struct task *task)
{
	switch ((enum task_state)atomic_load(&task->state)) {
	case TASK_RUNNABLE:
		return 'R';
	case TASK_SLEEPING:
		return 'D';
	case TASK_SLEEPING_INTR:
		return 'S';
	case TASK_STOPPED:
		return 'T';
	case TASK_DEAD:
		break;
	}
	return 'Z';
}

static void look_at_signals(struct look *l, struct process *p, struct thread *t)
{
	l->shared_pending = p->pending.pending;
	l->queued = p->queued_signals;
	if (t) {
		l->pending = t->pending.pending;
		l->blocked = t->blocked;
	}
	if (!p->actions)
		return;
	for (int i = 0; i < NSIG; i++) {
		uint64_t handler = signal_handler(p->actions, i + 1);

		if (handler == SIG_IGN)
			l->ignored |= 1ull << i;
		else if (handler != SIG_DFL)
			l->caught |= 1ull << i;
	}
}

static char state_of(struct process *p, struct thread *t)
{
	if (p->state == PROCESS_ZOMBIE || !t)
		return p->state == PROCESS_STOPPED ? 'T' : 'Z';
	if (t->ptrace.stopped)
		return 't';
	if (p->state == PROCESS_STOPPED && !t->ptrace.tracer)
		return 'T';
	return letter_of(&t->task);
}

static void look_locked(struct look *l, struct process *p, pid_t tid)
{
	struct thread *t = proc_thread_locked(p, tid);

	l->pid = p->pid;
	l->tid = tid ? tid : p->pid;
	strlcpy(l->comm, tid && t ? t->task.name : p->comm, sizeof(l->comm));
	l->state = state_of(p, t);
	l->tracer = t ? ptrace_tracer_tid_locked(t) : 0;
	l->cred = p->cred;
	l->threads = p->thread_count;
	l->exit_signal = p->exit_signal;
	l->exit_status = p->exit_status;
	l->no_new_privs = p->no_new_privs;
	l->start_ns = p->start_ns;
	l->sigpending_limit = p->rlimits[RLIMIT_SIGPENDING].cur;
	look_at_signals(l, p, t);
	if (t) {
		thread_usage(t, &l->own);
		sched_get_policy(&t->task, &l->policy);
		sched_get_affinity(&t->task, &l->affinity);
		l->cpu = READ_ONCE(t->task.cpu);
		l->seccomp_mode = t->seccomp.mode;
		l->seccomp_filters = seccomp_depth_locked(t);
	}
	if (tid)
		l->usage = l->own;
	else
		process_usage_locked(p, &l->usage);
}

static int look(const struct proc_node *node, struct look *l)
{
	struct process *p = node->process;
	struct fs_context *fs;
	struct cap_table *caps;
	uint64_t flags;
	struct tty *tty;
	bool gone;

	memset(l, 0, sizeof(*l));
	flags = spin_lock_irqsave(&p->lock);
	gone = node->tid && !proc_thread_locked(p, node->tid);
	if (!gone)
		look_locked(l, p, node->tid);
	spin_unlock_irqrestore(&p->lock, flags);
	if (gone)
		return -ESRCH;
	process_child_usage(p, &l->child_usage);
	l->ppid = process_parent_pid(p);
	l->pgid = READ_ONCE(p->pgid);
	l->sid = READ_ONCE(p->sid);
	tty = process_tty_get(p);
	l->tpgid = tty ? tty_foreground(tty) : -1;
	l->tty = tty ? tty_dev(tty) : 0;
	tty_put(tty);
	fs = process_fs_get(p);
	if (fs) {
		l->umask = atomic_load(&fs->umask);
		fs_context_put(fs);
	}
	caps = process_caps_get(p);
	if (caps) {
		l->fd_size = cap_table_size(caps);
		cap_table_unpin(caps);
	}
	return 0;
}

/* --- stat, statm, status --- */

int proc_show_stat(struct proc_text *t, const struct proc_node *node)
{
	struct proc_memory m;
	struct look l;
	bool may, alive;
	int err = look(node, &l);

	if (err < 0)
		return err;
	alive = proc_look_at_memory(node->process, &m);
	may = alive && proc_may_look(node->process) == 0; /* addresses are for the owner only */
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0 ", l.tid, l.comm, l.state, l.ppid, l.pgid, l.sid,
		    (int)l.tty, l.tpgid);
	text_printf(t, "%lu %lu %lu %lu ", l.usage.minor_faults, l.child_usage.minor_faults,
		    l.usage.major_faults, l.child_usage.major_faults);
	text_printf(t, "%lu %lu %lu %lu ", NS_TO_TICKS(l.usage.user_ns), NS_TO_TICKS(l.usage.system_ns),
		    NS_TO_TICKS(l.child_usage.user_ns), NS_TO_TICKS(l.child_usage.system_ns));
	text_printf(t, "%d %d %u 0 %lu ", policy_priority(&l.policy), l.policy.nice, l.threads,
		    NS_TO_TICKS(l.start_ns));
	text_printf(t, "%lu %lu %lu ", m.total * PAGE_SIZE, m.resident, UINT64_MAX);
	text_printf(t, "%lu %lu %lu 0 0 ", may ? m.code_start : 1, may ? m.code_end : 1,
		    may ? m.stack_start : 0);
	text_printf(t, "%lu %lu %lu %lu ", l.pending & INT32_MAX, l.blocked & INT32_MAX,
		    l.ignored & INT32_MAX, l.caught & INT32_MAX);
	text_printf(t, "%d 0 0 %d %u %u %u 0 0 0 ", l.state != 'R', l.exit_signal, l.cpu,
		    l.policy.rt_priority, l.policy.policy);
	text_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", may ? m.data_start : 0, may ? m.data_end : 0,
		    may ? m.brk_start : 0, may ? m.arg_start : 0, may ? m.arg_end : 0, may ? m.env_start : 0,
		    may ? m.env_end : 0, may ? l.exit_status : 0);
	return 0;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	default:
		return "Z (zombie)";
	}
}

/* The last CPU of the run of CPUs that starts with `cpu`. */
static uint32_t run_end(const struct cpumask *mask, uint32_t cpu)
{
	while (cpu + 1 < MAX_CPUS && cpumask_test(mask, cpu + 1))
		cpu++;
	return cpu;
}

/* No set of nodes is kept from anybody. */
static void status_nodes(struct proc_text *t)
{
	struct cpumask nodes = { { mempolicy_allowed_nodes() } };
	char text[64];

	(void)cpumask_print_list(&nodes, text, sizeof(text));
	text_printf(t, "Mems_allowed:\t%08lx\nMems_allowed_list:\t%s\n", nodes.bits[0], text);
}

static void status_cpus(struct proc_text *t, const struct cpumask *affinity)
{
	struct cpumask mask = cpumask_and(affinity, &cpus_online);
	const char *comma = "";

	text_printf(t, "Cpus_allowed:\t");
	for (uint32_t word = (cpu_count + 31) / 32; word-- > 0;)
		text_printf(t, "%0*x%s", cpu_count < 32 ? (int)(cpu_count + 3) / 4 : 8,
			    (uint32_t)(mask.bits[word / 2] >> word % 2 * 32), word ? "," : "\n");
	text_printf(t, "Cpus_allowed_list:\t");
	for (uint32_t cpu = cpumask_next(&mask, 0); cpu < MAX_CPUS;) {
		uint32_t end = run_end(&mask, cpu);

		text_printf(t, end > cpu ? "%s%u-%u" : "%s%u", comma, cpu, end);
		comma = ",";
		cpu = cpumask_next(&mask, end + 1);
	}
	text_printf(t, "\n");
}

int proc_show_status(struct proc_text *t, const struct proc_node *node)
{
	struct look *l = kmalloc(sizeof(*l));
	const struct credentials *c;
	int err = l ? look(node, l) : -ENOMEM;

	if (err < 0) {
		kfree(l);
		return err;
	}
	c = &l->cred;
	text_printf(t, "Name:\t%s\nUmask:\t%04o\nState:\t%s\n", l->comm, l->umask, state_name(l->state));
	text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", l->pid, l->tid, l->ppid,
		    l->tracer);
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	text_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
	text_printf(t, "FDSize:\t%u\nGroups:\t", l->fd_size);
	for (uint32_t i = 0; i < c->group_count; i++)
		text_printf(t, "%u ", c->groups[i]);
	text_printf(t, "\n");
	text_printf(t, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", l->pid, l->tid, l->pgid, l->sid);
	proc_status_memory(t, node->process);
	text_printf(t, "Threads:\t%u\nSigQ:\t%u/%lu\n", l->threads, l->queued, l->sigpending_limit);
	text_printf(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", l->pending, l->shared_pending,
		    l->blocked);
	text_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", l->ignored, l->caught);
	text_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", c->priv.inheritable,
		    c->priv.permitted, c->priv.effective);
	text_printf(t, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->priv.bounding, c->priv.ambient);
	text_printf(t, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", l->no_new_privs,
		    l->seccomp_mode, l->seccomp_filters);
	status_cpus(t, &l->affinity);
	status_nodes(t);
	text_printf(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    l->own.switches_voluntary, l->own.switches_forced);
	kfree(l);
	return 0;
}

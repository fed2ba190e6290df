/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving.  A thread first gives up what lives in user memory, then its hold on the address space.  The
 * last live thread takes down what the process owned.  Whichever thread is last to leave the list makes
 * the process a zombie and tells the parent; all that was owned is gone by then.
 */
#include <arch/usercopy.h>
#include <kernel/aio.h>
#include <kernel/cap.h>
#include <kernel/core_dump.h>
#include <kernel/keys.h>
#include <kernel/panic.h>
#include <kernel/reservation.h>
#include <kernel/slab.h>
#include <kernel/sysvipc.h>
#include <kernel/tty.h>
#include <kernel/uring.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

/* Let the other threads leave at the end of what they do. */
static void tell_others_to_leave_locked(struct process *p)
{
	struct thread *t;

	list_for_each (t, &p->threads, link) {
		if (t == current_thread())
			continue;
		task_set_work(&t->task, TASK_WORK_EXIT);
		thread_wake_stopped_locked(t, true);
	}
}

int process_dethread(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	bool leaving = p->exiting || p->exec_thread;

	if (!leaving && p->thread_count > 1) {
		p->exec_thread = t;
		tell_others_to_leave_locked(p);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (leaving)
		return -EAGAIN;
	wait_event(&p->thread_wait, READ_ONCE(p->thread_count) == 1 || READ_ONCE(p->exiting));

	flags = tree_lock();
	spin_lock(&p->lock);
	p->exec_thread = NULL;
	leaving = p->exiting;
	spin_unlock(&p->lock);
	if (!leaving && t->tid != p->pid) {
		struct pid_entry *own = pid_lookup_locked(t->tid);

		own->thread = NULL;
		pid_release_locked(own);
		ptrace_forget_leader_locked(p);
		t->tid = p->pid;
		pid_lookup_locked(p->pid)->thread = t;
	}
	tree_unlock(flags);
	return leaving ? -EAGAIN : 0;
}

void exit_release_memory(struct thread *t)
{
	struct process *p = t->process;
	bool shared = READ_ONCE(p->live_threads) > 1 || (p->vm && refcount_read(&p->vm->refs) > 1);

	if (t->robust_list) {
		robust_list_exit(t);
		t->robust_list = 0;
	}
	futex_pi_leave(t);
	if (t->clear_child_tid && shared) {
		if (put_user_u32(t->clear_child_tid, 0) == 0)
			futex_wake_any(t->clear_child_tid, 1);
	}
	t->clear_child_tid = 0;
}

void vfork_release(struct process *p)
{
	atomic_store(&p->vfork_done, true);
	wake_up_all(&p->vfork_wait);
}

static void leave_session(struct process *p)
{
	struct tty *tty;
	pid_t group;

	if (READ_ONCE(p->sid) != p->pid)
		return;
	group = READ_ONCE(p->hung_up_group);
	tty = process_tty_get(p);
	if (tty) {
		tty_release_session(tty, p->pid);
		session_set_tty(p->pid, NULL);
		tty_put(tty);
	} else if (group) {
		signal_group(group, SIGHUP, NULL);
		signal_group(group, SIGCONT, NULL);
	}
}

/* By the last live thread, in its own context: all of this may sleep. */
static void process_teardown(struct process *p)
{
	struct vm_space *vm;
	struct cap_table *caps;
	struct fs_context *fs;
	struct vnode *exe;
	uint64_t flags;

	if (p->pid == 1)
		system_stop("init has ended with status 0x%x: there is nothing left to run", p->exit_status);
	flags = spin_lock_irqsave(&p->lock);
	p->real.due_ns = 0; /* an expiry that is under way does not arm it again */
	usage_leave_memory_locked(p);
	vm = p->vm;
	caps = p->caps;
	fs = p->fs;
	exe = p->exe_vnode;
	p->vm = NULL;
	p->caps = NULL;
	p->fs = NULL;
	p->exe_vnode = NULL;
	spin_unlock_irqrestore(&p->lock, flags);
	sem_undo_exit(p);
	aio_exit(p);
	keys_exit_process(p);
	timer_cancel(&p->alarm);
	cpu_timers_stop(p);
	posix_timers_delete_all(p);
	if (vm)
		vm_space_put(vm);
	vfork_release(p);
	if (caps) {
		cap_table_leave(caps, &p->cap_user);
		cap_table_put(caps);
	}
	if (fs)
		fs_context_put(fs);
	if (exe)
		exe_allow_write(exe);
	leave_session(p);
}

/* Does the parent want to hear nothing of its children?  Then they leave no zombie. */
static bool parent_ignores_locked(struct process *p)
{
	struct abi_sigaction action;

	if (p->exit_signal != SIGCHLD)
		return false;
	action = signal_action_get(p->parent, SIGCHLD);
	return action.handler == SIG_IGN || (action.flags & SA_NOCLDWAIT);
}

void zombie_announce_locked(struct process *p, struct list *dead)
{
	bool by_signal = p->exit_status & 0x7f, unwanted = parent_ignores_locked(p);

	parent_notify_locked(p, p->exit_signal, wait_status_code(p->exit_status),
			     by_signal ? p->exit_status & 0x7f : p->exit_status >> 8);
	if (unwanted) {
		process_reap_locked(p);
		list_add_tail(dead, &p->sibling);
	}
}

/* Who gets the children of `p`: the nearest ancestor that asked for orphans and still lives, else init. */
static struct process *find_reaper_locked(const struct process *p)
{
	for (struct process *up = p->parent; up; up = up->parent) {
		if (up->subreaper && READ_ONCE(up->live_threads) > 0)
			return up;
	}
	return init_process;
}

static void reparent_children_locked(struct process *p, struct list *dead)
{
	struct process *child, *tmp, *reaper = find_reaper_locked(p);
	struct abi_siginfo info;

	signal_info_user(&info, 0, SI_USER); /* a parent's death is told by the parent */
	list_for_each_safe (child, tmp, &p->children, sibling) {
		list_del(&child->sibling);
		process_set_parent_locked(child, reaper);
		child->exit_signal = SIGCHLD;
		list_add_tail(&reaper->children, &child->sibling);
		if (child->pdeath_signal)
			signal_process(child, child->pdeath_signal, &info);
		if (child->state != PROCESS_ZOMBIE)
			group_reparented_locked(child, p);
		else if (!child->corpse)
			zombie_announce_locked(child, dead);
	}
}

/* Tree lock held; no thread is left.  What is reaped on the spot goes to `dead`. */
static void become_zombie_locked(struct process *p, struct list *dead)
{
	struct signal_actions *actions;

	spin_lock(&p->lock);
	p->state = PROCESS_ZOMBIE;
	signal_queue_flush_locked(p, &p->pending, ~0ull);
	actions = p->actions;
	p->actions = NULL;
	spin_unlock(&p->lock);
	signal_actions_put(actions);

	tty_put(p->tty);
	p->tty = NULL;
	reparent_children_locked(p, dead);
	group_exit_locked(p);
	if (!ptrace_keeps_zombie_locked(p))
		zombie_announce_locked(p, dead);
}

void zombies_put(struct list *dead)
{
	struct process *p, *tmp;

	list_for_each_safe (p, tmp, dead, sibling) {
		list_del(&p->sibling);
		process_put(p);
	}
}

/* Take the thread out of its process; nobody can find it afterwards. */
static void detach(struct thread *t)
{
	struct process *p = t->process;
	struct pid_entry *entry;
	uint64_t flags = tree_lock();
	struct usage usage;
	struct list dead = LIST_INIT(dead);
	bool stopped, gone = false;
	pid_t tid = t->tid;

	spin_lock(&p->lock);
	posix_timers_thread_left_locked(p, t);
	signal_queue_flush_locked(p, &t->pending, ~0ull);
	thread_usage(t, &usage);
	usage_add(&p->usage, &usage);
	ptrace_leave_locked(t, &usage);
	list_del(&t->link);
	p->thread_count--;
	gone = p->thread_count == 0;
	stopped = process_stop_complete_locked(p);
	spin_unlock(&p->lock);

	entry = pid_lookup_locked(tid);
	entry->thread = NULL;
	pid_release_locked(entry);
	ptrace_announce_locked(tid, &dead);
	ptrace_tracer_leaves_locked(t, &dead);
	reservation_leave(); /* should somebody have bound it to one since it began to exit */
	if (gone)
		become_zombie_locked(p, &dead);
	tree_unlock(flags);

	wake_up_all(&p->thread_wait);
	if (stopped)
		process_report_stopped(p);
	zombies_put(&dead);
}

void thread_exit(int code)
{
	thread_exit_status((code & 0xff) << 8);
}

void thread_exit_status(int wait_status)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct seccomp_filter *filter;
	uint64_t flags;
	bool last;

	core_dump_wait(t);
	ptrace_exit_event(READ_ONCE(p->exiting) ? p->exit_status : wait_status);
	uring_exit(t);
	keys_exit_thread(t);
	reservation_leave();
	t->task.leaving = true;
	exit_release_memory(t);
	if (t->task.vm)
		task_switch_vm(NULL);
	flags = spin_lock_irqsave(&p->lock);
	t->exiting = true;
	last = --p->live_threads == 0;
	signal_leave_locked(t);
	if (!p->exiting && last) /* as Linux since 6.1: the last thread's word counts */
		p->exit_status = wait_status;
	filter = seccomp_leave_locked(t);
	spin_unlock_irqrestore(&p->lock, flags);
	seccomp_filter_put(filter);
	if (last)
		process_teardown(p);
	detach(t);
	task_exit();
}

void process_end_locked(struct process *p, int wait_status)
{
	if (p->exiting)
		return;
	p->exiting = true;
	p->exit_status = wait_status;
	tell_others_to_leave_locked(p);
	wake_up_all(&p->thread_wait);
}

void process_exit(int wait_status)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);

	process_end_locked(p, wait_status);
	spin_unlock_irqrestore(&p->lock, flags);
	thread_exit(0);
}

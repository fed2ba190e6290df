/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, vfork, clone: everything the child needs is made first, then it enters the tree in one step that
 * can only fail because the parent has to see a signal (and then calls again).
 */
#include <arch/context.h>
#include <arch/step.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/keys.h>
#include <kernel/landlock.h>
#include <kernel/pmm.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/sysvipc.h>
#include <kernel/tty.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

#define MEMORY_RESERVE_PART 32

#define CLONE_IO            0x80000000u
#define CLONE_CLEAR_SIGHAND 0x100000000ull

/* Namespaces are refused; what concerns I/O contexts means nothing here. */
#define CLONE_SUPPORTED                                                                                  \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED |    \
	 CLONE_CHILD_SETTID | CLONE_PTRACE | CLONE_UNTRACED | CLONE_IO | CLONE_PIDFD | CLONE_CLEAR_SIGHAND)
/* A thread shares all that is kept per process. */
#define CLONE_OF_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND)

static int check_args(const struct clone_args *args)
{
	uint64_t flags = args->flags;

	if (flags & ~(uint64_t)CLONE_SUPPORTED)
		return -EINVAL;
	if ((flags & CLONE_CLEAR_SIGHAND) && (flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && (flags & CLONE_OF_THREAD) != CLONE_OF_THREAD)
		return -EINVAL;
	if ((flags & CLONE_PARENT) && current_process()->pid == 1)
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if (args->exit_signal < 0 || args->exit_signal > NSIG)
		return -EINVAL;
	return 0;
}

struct uid_count {
	uid_t uid;
	uint64_t threads;
};

static void count_uid(struct process *p, void *arg)
{
	struct uid_count *count = arg;

	if (p->cred.uid == count->uid)
		count->threads += p->thread_count;
}

/* The last pages are for the programs that there are: a new one is refused before somebody must be killed. */
static bool memory_is_short(void)
{
	return !pmm_free_beyond(pmm_total_memory() / MEMORY_RESERVE_PART);
}

/* User 0 has no limit, whatever he has given up. */
static bool beyond_limits(uid_t uid)
{
	return (uid == 0 && !confine_denies(CONFINE_NO_ADMIN)) || cred_has_privilege(PRIV_SYS_RESOURCE) ||
	       cred_has_privilege(PRIV_SYS_ADMIN);
}

static int check_process_limit(void)
{
	struct uid_count count = { .uid = current_cred()->uid };
	uint64_t limit = current_rlimit(RLIMIT_NPROC), flags;

	if (limit == RLIM_INFINITY || beyond_limits(count.uid))
		return 0;
	flags = tree_lock();
	process_for_each_locked(count_uid, &count);
	tree_unlock(flags);
	return count.threads >= limit ? -EAGAIN : 0;
}

static void thread_first_run(void *arg)
{
	struct thread *t = arg;

	/* As clone(2) has it: a bad address is the program's loss. */
	if (t->set_child_tid)
		(void)!put_user_u32(t->set_child_tid, (uint32_t)t->tid);
	arch_enter_user();
}

static int copy_thread(struct process *p, const struct clone_args *args, struct thread **out)
{
	struct thread *self = current_thread();
	struct thread *t = thread_alloc(p, self->task.name, thread_first_run);
	struct arch_regs *regs;
	int err;

	if (!t)
		return -ENOMEM;
	err = sched_inherit(&t->task);
	if (err < 0)
		goto out_thread;
	regs = arch_user_regs(&t->task);
	*regs = *arch_user_regs(&self->task);
	arch_step_not_inherited(&t->task);
	arch_regs_set_result(regs, 0);
	if (args->stack)
		arch_regs_set_sp(regs, args->stack);
	arch_fpu_copy(&t->task, &self->task);
	arch_tls_copy(&t->task, &self->task);
	if (args->flags & CLONE_SETTLS)
		err = arch_set_tls(&t->task, args->tls);
	if (err < 0)
		goto out_thread;
	t->task.vm = p->vm;
	t->blocked = self->blocked;
	t->ioprio = self->ioprio;
	t->persona = self->persona;
	landlock_inherit(t);
	t->timer_slack_ns = t->timer_slack_default_ns = self->timer_slack_ns;
	t->task.mempolicy = self->task.mempolicy;
	/* An alternate stack in shared memory cannot serve two threads; after vfork only one runs. */
	if ((args->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		t->altstack = self->altstack;
	if (!(args->flags & CLONE_VM))
		rseq_inherit(t, self);
	if (args->flags & CLONE_CHILD_SETTID)
		t->set_child_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = args->child_tid;
	err = keys_inherit(t);
	if (err < 0)
		goto out_thread;
	*out = t;
	return 0;
out_thread:
	thread_free(t);
	return err;
}

static int copy_memory(struct process *p, uint64_t flags)
{
	struct process *self = current_process();
	int err;

	if (flags & CLONE_VM) {
		vm_space_get(self->vm);
		p->vm = self->vm;
		return 0;
	}
	err = vm_space_fork(self->vm, &p->vm);
	/* What another thread is about to be confined to may have reached the process, and not its memory. */
	if (err == 0)
		confine_space(process_confine(p), p->vm);
	return err;
}

static int copy_files(struct process *p, uint64_t flags)
{
	struct process *self = current_process();

	struct cap_table *caps = self->caps;

	if (flags & CLONE_FILES) {
		cap_table_get(caps);
	} else {
		int err = cap_table_fork(self->caps, &caps);

		if (err < 0)
			return err;
	}
	process_join_caps(p, caps);
	if (flags & CLONE_FS) {
		fs_context_get(self->fs);
		p->fs = self->fs;
		return 0;
	}
	p->fs = fs_context_copy(self->fs);
	return p->fs ? 0 : -ENOMEM;
}

static int copy_actions(struct process *p, uint64_t flags)
{
	struct process *self = current_process();

	if (flags & CLONE_SIGHAND) {
		refcount_get(&self->actions->refs);
		p->actions = self->actions;
		return 0;
	}
	p->actions = signal_actions_copy(self->actions);
	if (!p->actions)
		return -ENOMEM;
	if (flags & CLONE_CLEAR_SIGHAND)
		signal_actions_reset(p);
	return 0;
}

static void copy_identity(struct process *p)
{
	struct process *self = current_process();
	struct confine *confine = atomic_load(&self->confine);
	uint64_t flags = spin_lock_irqsave(&self->lock);

	if (confine)
		confine_get(confine);
	atomic_store(&p->confine, confine);

	p->cred = self->cred;
	memcpy(p->rlimits, self->rlimits, sizeof(p->rlimits));
	memcpy(p->comm, self->comm, sizeof(p->comm));
	memcpy(p->exe, self->exe, sizeof(p->exe));
	p->no_new_privs = self->no_new_privs;
	p->dumpable = self->dumpable;
	p->oom_score_adj = self->oom_score_adj;
	p->core_filter = self->core_filter;
	spin_unlock_irqrestore(&self->lock, flags);
}

static int copy_process(const struct clone_args *args, struct process **out)
{
	struct process *p = process_alloc();
	struct vnode *exe;
	int err;

	if (!p)
		return -ENOMEM;
	copy_identity(p);
	p->exit_signal = args->exit_signal;
	err = copy_actions(p, args->flags);
	if (err == 0)
		err = copy_files(p, args->flags);
	if (err == 0)
		err = copy_memory(p, args->flags);
	if (err == 0 && (args->flags & CLONE_SYSVSEM))
		err = sem_undo_share(p);
	if (err < 0) {
		process_put(p);
		return err;
	}
	/* Running already, so nobody can be writing it. */
	exe = current_process()->exe_vnode;
	if (exe && exe_deny_write(exe) == 0)
		p->exe_vnode = exe;
	*out = p;
	return 0;
}

static void add_thread_locked(struct process *p, struct thread *t)
{
	list_add_tail(&p->threads, &t->link);
	p->thread_count++;
	p->live_threads++;
}

/* Both publish the new thread, unless a signal has to be seen first: it might have been meant for the
 * child as well, had it been there in time. */
static int publish_thread(struct thread *t, struct pid_entry *entry)
{
	struct process *p = t->process;
	uint64_t flags = tree_lock();
	int err = 0;

	spin_lock(&p->lock);
	if (thread_must_leave_locked(current_thread()) || signal_pending()) {
		err = -ERESTARTNOINTR;
	} else {
		entry->thread = t;
		seccomp_inherit_locked(t);
		add_thread_locked(p, t);
		ptrace_child_locked(t);
	}
	spin_unlock(&p->lock);
	tree_unlock(flags);
	return err;
}

static int publish_process(struct process *p, struct thread *t, struct pid_entry *entry, uint64_t clone_flags)
{
	struct process *self = current_process();
	uint64_t flags = tree_lock();
	struct process *parent = clone_flags & CLONE_PARENT ? self->parent : self;

	if (signal_pending()) {
		tree_unlock(flags);
		return -ERESTARTNOINTR;
	}
	/* What another thread has confined the process to meanwhile must hold for the child, too. */
	if (process_confine(p) != process_confine(self) || confine_has_expired(process_confine(p))) {
		tree_unlock(flags);
		return -EAGAIN;
	}
	p->pid = entry->nr;
	p->parent_tid = current_thread()->tid;
	entry->thread = t;
	entry->process = p;
	spin_lock(&p->lock);
	seccomp_inherit_locked(t);
	add_thread_locked(p, t);
	ptrace_child_locked(t);
	spin_unlock(&p->lock);
	process_join_locked(p, self->pgid, self->sid);
	p->tty = self->tty;
	if (p->tty)
		tty_get(p->tty);
	process_set_parent_locked(p, parent);
	if (clone_flags & CLONE_PARENT)
		p->exit_signal = self->exit_signal;
	list_add_tail(&parent->children, &p->sibling);
	tree_unlock(flags);
	return 0;
}

/* Sleep until the vfork child has a program of its own or is gone.  Only a fatal signal ends it early. */
static void wait_for_vfork(struct process *child)
{
	struct thread *t = current_thread();
	uint64_t mask = t->blocked, flags;

	flags = spin_lock_irqsave(&t->process->lock);
	signal_set_mask_locked(t, ~SIGNAL_BIT(SIGKILL));
	spin_unlock_irqrestore(&t->process->lock, flags);
	while (wait_event_interruptible(&child->vfork_wait, atomic_load(&child->vfork_done)) < 0) {
		uint64_t pending = signal_pending_set_locked(t);

		if ((pending & SIGNAL_BIT(SIGKILL)) || READ_ONCE(t->process->exiting) ||
		    READ_ONCE(t->process->exec_thread))
			break;
		/* To be stopped: that can wait until the way back to user mode. */
		atomic_fetch_and(&t->task.work, ~(TASK_WORK_SIGNAL | TASK_WORK_REVOKED));
	}
	signal_set_mask(mask);
}

static int64_t clone_thread(const struct clone_args *args)
{
	struct pid_entry *entry = pid_alloc();
	struct thread *t;
	int err, event;
	pid_t tid;

	if (!entry)
		return -EAGAIN;
	err = copy_thread(current_process(), args, &t);
	if (err < 0)
		goto out_pid;
	t->tid = tid = entry->nr;
	err = event = ptrace_clone_begin(t, args->flags, args->exit_signal);
	if (err < 0)
		goto out_thread;
	if (args->flags & CLONE_PARENT_SETTID)
		(void)!put_user_u32(args->parent_tid, (uint32_t)tid);
	err = publish_thread(t, entry);
	if (err < 0)
		goto out_thread;
	task_start(&t->task);
	if (event)
		ptrace_event((enum ptrace_event)event, (uint64_t)tid);
	return tid;
out_thread:
	thread_free(t);
out_pid:
	pid_release(entry);
	return err;
}

/* The parent's capability to the child, while that is not to be found yet. */
static int give_pidfd(struct process *child, pid_t pid, uaddr_t where, int *out)
{
	int fd = pidfd_of_child(child, pid);

	if (fd < 0)
		return fd;
	if (put_user_u32(where, (uint32_t)fd) < 0) {
		cap_close(current_process()->caps, fd);
		return -EFAULT;
	}
	*out = fd;
	return 0;
}

static int64_t clone_process(const struct clone_args *args)
{
	struct pid_entry *entry = pid_alloc();
	struct process *p;
	struct thread *t;
	pid_t pid;
	int64_t err;
	int pidfd = -1, event;

	if (!entry)
		return -EAGAIN;
	err = memory_is_short() ? -ENOMEM : copy_process(args, &p);
	if (err < 0)
		goto out_pid;
	err = copy_thread(p, args, &t);
	if (err < 0)
		goto out_process;
	t->tid = pid = entry->nr;
	err = event = ptrace_clone_begin(t, args->flags, args->exit_signal);
	if (err < 0)
		goto out_thread;
	if (args->flags & CLONE_PARENT_SETTID)
		(void)!put_user_u32(args->parent_tid, (uint32_t)pid);
	err = args->flags & CLONE_PIDFD ? give_pidfd(p, pid, args->pidfd, &pidfd) : 0;
	if (err < 0)
		goto out_thread;
	err = publish_process(p, t, entry, args->flags);
	if (err < 0)
		goto out_pidfd;
	if (cpu_time_limited(p))
		cpu_timers_update(p);
	/* From here on the tree owns p, and it may be gone as soon as it runs. */
	if (args->flags & CLONE_VFORK)
		process_get(p);
	task_start(&t->task);
	if (event)
		ptrace_event((enum ptrace_event)event, (uint64_t)pid);
	if (args->flags & CLONE_VFORK) {
		wait_for_vfork(p);
		process_put(p);
		ptrace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)pid);
	}
	return pid;
out_pidfd:
	if (pidfd >= 0)
		cap_close(current_process()->caps, pidfd);
out_thread:
	thread_free(t);
out_process:
	process_put(p);
out_pid:
	pid_release(entry);
	return err;
}

int64_t process_clone(const struct clone_args *args)
{
	int err = check_args(args);

	if (err == 0)
		err = check_process_limit();
	if (err < 0)
		return err;
	return args->flags & CLONE_THREAD ? clone_thread(args) : clone_process(args);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and freeing processes and threads, and safe looks into others.
 *
 * References to a process: one by the tree from clone until it is reaped, one by each thread until its
 * stack is gone, one by each finder.  A thread has no count: it lives until the scheduler releases its
 * task, and others reach it only under proc_tree_lock or process.lock while it is still listed.
 */
#include <arch/context.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/keys.h>
#include <kernel/landlock.h>
#include <kernel/slab.h>
#include <kernel/sysvipc.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/syscall_watch.h>
#include <kernel/userfaultfd.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

static struct slab_cache *process_cache, *thread_cache;

/* --- capabilities ---------------------------------------------------------------------------------- */

void process_join_caps(struct process *p, struct cap_table *caps)
{
	p->caps = caps;
	cap_table_join(caps, &p->cap_user);
}

int process_own_descriptors(void)
{
	struct process *p = current_process();

	/* The table is a process's: a thread cannot leave the others'. */
	return p->thread_count > 1 ? -EOPNOTSUPP : process_unshare_caps(p);
}

int process_unshare_caps(struct process *p)
{
	struct cap_table *copy, *old = p->caps;
	uint64_t flags;
	int err;

	if (!cap_table_is_shared(old))
		return 0;
	err = cap_table_fork(old, &copy);
	if (err < 0)
		return err;
	cap_table_leave(old, &p->cap_user);
	flags = spin_lock_irqsave(&p->lock);
	p->caps = copy;
	spin_unlock_irqrestore(&p->lock, flags);
	cap_table_join(copy, &p->cap_user);
	cap_table_put(old);
	return 0;
}

/* Something was revoked while a call through it was under way, perhaps one of this process. */
static void interrupt_threads(struct cap_user *user)
{
	struct process *p = container_of(user, struct process, cap_user);
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *t;

	list_for_each (t, &p->threads, link)
		task_interrupt(&t->task, TASK_WORK_REVOKED);
	spin_unlock_irqrestore(&p->lock, flags);
}

static uint32_t current_number(void)
{
	return (uint32_t)current_thread()->tid;
}

void process_init(void)
{
	process_cache = slab_create("process", sizeof(struct process), 0);
	thread_cache = slab_create("thread", sizeof(struct thread), 0);
	cap_interrupt_user = interrupt_threads;
	userfault_thread_number = current_number;
	pid_init();
	cred_init();
	signal_init();
	futex_init();
	confine_init();
}

/* --- processes --------------------------------------------------------------------------------- */

struct process *process_alloc(void)
{
	struct process *p = slab_alloc_zeroed(process_cache);

	if (!p)
		return NULL;
	refcount_set(&p->refs, 1);
	p->id = kobject_new_id();
	spin_init(&p->lock, "process", RANK_PROCESS);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->group_link);
	waitqueue_init(&p->thread_wait);
	waitqueue_init(&p->dump_wait);
	waitqueue_init(&p->child_wait);
	waitqueue_init(&p->vfork_wait);
	waitqueue_init(&p->signal_wait);
	signal_queue_init(&p->pending);
	itimer_init(p);
	cpu_timers_init(p);
	list_init(&p->timers.on_cpu);
	p->dumpable = true;
	p->core_filter = CORE_FILTER_DEFAULT;
	p->start_ns = time_now_ns();
	return p;
}

void process_get(struct process *p)
{
	refcount_get(&p->refs);
}

/* What a process owns beyond its zombie state goes at exit; only a process that never ran still has it. */
static void process_free(struct process *p)
{
	signal_queue_flush_locked(p, &p->pending, ~0ull);
	if (p->actions)
		signal_actions_put(p->actions);
	if (p->exe_vnode)
		exe_allow_write(p->exe_vnode);
	if (p->fs)
		fs_context_put(p->fs);
	if (p->caps) {
		cap_table_leave(p->caps, &p->cap_user);
		cap_table_put(p->caps);
	}
	if (p->vm)
		vm_space_put(p->vm);
	sem_undo_exit(p);
	keys_exit_process(p);
	confine_put(atomic_load(&p->confine));
	slab_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (refcount_put(&p->refs))
		process_free(p);
}

int exe_deny_write(struct vnode *vnode)
{
	int32_t count = atomic_load_explicit(&vnode->write_count, memory_order_relaxed);

	do {
		if (count > 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&vnode->write_count, &count, count - 1));
	vnode_get(vnode);
	return 0;
}

void exe_allow_write(struct vnode *vnode)
{
	atomic_fetch_add(&vnode->write_count, 1);
	vnode_put(vnode);
}

/* --- threads ----------------------------------------------------------------------------------- */

void thread_free(struct thread *t)
{
	struct process *p = t->process;

	kfree(t->ptrace.corpse);
	keys_exit_thread(t);
	landlock_drop(t);
	task_fini(&t->task);
	slab_free(thread_cache, t);
	process_put(p);
}

/* Called by the scheduler on another stack after the thread has left for good. */
static void thread_release(struct task *task)
{
	struct thread *t = container_of(task, struct thread, task);
	struct process *p = t->process;

	landlock_drop(t);
	slab_free(thread_cache, t);
	process_put(p);
}

_Static_assert(offsetof(struct thread, task) == 0, "thread_alloc clears what follows its task");

struct thread *thread_alloc(struct process *p, const char *name, void (*entry)(void *))
{
	struct thread *t = slab_alloc(thread_cache);

	if (!t)
		return NULL;
	memset((char *)t + sizeof(t->task), 0,
	       sizeof(*t) - sizeof(t->task)); /* task_init() clears the rest */
	if (task_init(&t->task, name, entry, t, thread_release) < 0)
		goto out_free;
	if (arch_fpu_alloc(&t->task.context) < 0)
		goto out_task;
	t->task.user = true;
	list_init(&t->link);
	list_init(&t->pi_waiters);
	signal_queue_init(&t->pending);
	ptrace_init_thread(t);
	t->altstack.flags = SS_DISABLE;
	t->direct_calls = SYSCALL_MAX;
	t->timer_slack_ns = t->timer_slack_default_ns = TIMER_SLACK_DEFAULT;
	process_get(p);
	t->process = p;
	return t;
out_task:
	task_fini(&t->task);
out_free:
	slab_free(thread_cache, t);
	return NULL;
}

/* --- watched calls ------------------------------------------------------------------------------- */

void thread_watch_calls_locked(struct thread *t, uint32_t bits)
{
	assert_held(&t->process->lock);
	atomic_fetch_or(&t->call_watchers, bits);
	atomic_store_explicit(&t->direct_calls, 0, memory_order_relaxed);
}

void thread_unwatch_calls_locked(struct thread *t, uint32_t bits)
{
	assert_held(&t->process->lock);
	if ((atomic_fetch_and(&t->call_watchers, ~bits) & ~bits) == 0)
		atomic_store_explicit(&t->direct_calls, SYSCALL_MAX, memory_order_relaxed);
}

/* --- looks into other processes ------------------------------------------------------------------ */

struct vm_space *process_vm_get(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct vm_space *vm = p->vm;

	if (vm)
		vm_space_get(vm);
	spin_unlock_irqrestore(&p->lock, flags);
	return vm;
}

struct cap_table *process_caps_get(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct cap_table *caps = p->caps;

	if (caps)
		cap_table_pin(caps);
	spin_unlock_irqrestore(&p->lock, flags);
	return caps;
}

struct fs_context *process_fs_get(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct fs_context *fs = p->fs;

	if (fs)
		fs_context_get(fs);
	spin_unlock_irqrestore(&p->lock, flags);
	return fs;
}

void process_set_parent_locked(struct process *p, struct process *parent)
{
	assert_held(&proc_tree_lock);
	p->parent = parent;
	WRITE_ONCE(p->parent_pid, parent ? parent->pid : 0);
}

pid_t process_parent_pid(struct process *p)
{
	return READ_ONCE(p->parent_pid);
}

pid_t process_nth_tid(struct process *p, uint32_t n)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *t;
	pid_t tid = 0;

	list_for_each (t, &p->threads, link) {
		if (n-- == 0) {
			tid = t->tid;
			break;
		}
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return tid;
}

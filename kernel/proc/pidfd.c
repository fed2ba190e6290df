/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities to processes and threads: pidfds.
 *
 * Each opening makes a handle, an object of its own because its O_NONBLOCK is; the object's number is that of
 * the process or thread, so that all handles to one are known to name the same.  A handle keeps the struct
 * process, which after the process was waited for is in no list any more, and finds a thread again by its tid
 * and number: neither can come to mean another one.
 *
 * What the holder may do is said by the capability's rights alone, not by who it is.  The exception: after a
 * set-id exec (process.privilege has grown) the rights of older capabilities are cut to those that the caller
 * would get now.
 */
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/file.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>
#include <serix/process.h>

#include "proc_priv.h"

struct process_handle {
	struct kobject object;   /* OBJECT_PROCESS or OBJECT_THREAD */
	struct process *process; /* [i] referenced */
	pid_t tid;               /* [i] of the thread; of a process its first thread's */
	uint32_t privilege;      /* [i] process->privilege when it was opened */
	_Atomic uint32_t flags;  /* [a] O_NONBLOCK */
};

static struct process_handle *handle_of(struct kobject *obj)
{
	return container_of(obj, struct process_handle, object);
}

/* --- what it names --------------------------------------------------------------------------------- */

/* The tree has it until it is waited for. */
static bool in_tree_locked(const struct process_handle *h)
{
	return process_find_locked(h->process->pid) == h->process;
}

/* The thread, or the first one of a process; NULL: it has left. */
static struct thread *thread_locked(const struct process_handle *h)
{
	struct pid_entry *entry = pid_lookup_locked(h->tid);

	if (!entry || !entry->thread)
		return NULL;
	if (h->object.type == OBJECT_THREAD)
		return entry->id == h->object.id ? entry->thread : NULL;
	return entry->thread->process == h->process ? entry->thread : NULL;
}

static void release(struct kobject *obj)
{
	struct process_handle *h = handle_of(obj);

	process_put(h->process);
	kfree(h);
}

static void describe(struct kobject *obj, char *buf, size_t size)
{
	(void)obj;
	strlcpy(buf, "anon_inode:[pidfd]", size);
}

/* Readable when it has ended; hung up, too, when nobody can wait for it any more. */
static uint32_t poll_process(struct kobject *obj, struct poll_table *table)
{
	struct process *p = handle_of(obj)->process;

	if (table)
		table->add(table, &p->thread_wait);
	if (READ_ONCE(p->state) != PROCESS_ZOMBIE)
		return 0;
	return POLLIN | POLLRDNORM | (process_parent_pid(p) ? 0 : POLLHUP);
}

static uint32_t poll_thread(struct kobject *obj, struct poll_table *table)
{
	struct process_handle *h = handle_of(obj);
	bool left, last;
	uint64_t flags;

	if (table)
		table->add(table, &h->process->thread_wait);
	flags = tree_lock();
	left = !thread_locked(h);
	last = h->tid == h->process->pid && in_tree_locked(h);
	tree_unlock(flags);
	return left ? POLLIN | POLLRDNORM | (last ? 0 : POLLHUP) : 0;
}

static const struct kobject_ops process_handle_ops = {
	.release = release,
	.poll = poll_process,
	.describe = describe,
};
static const struct kobject_ops thread_handle_ops = {
	.release = release,
	.poll = poll_thread,
	.describe = describe,
};

/* --- rights ---------------------------------------------------------------------------------------- */

/* What the running process's credentials let it do to `p`. */
static uint32_t rights_to(struct process *p)
{
	uint32_t rights = PROCESS_RIGHT_WAIT | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT;

	if (signal_permitted(p, 0))
		rights |= PROCESS_RIGHT_SIGNAL;
	if (process_same_owner(p))
		rights |= PROCESS_RIGHT_SCHEDULE;
	if (cred_may_look(current_cred(), p))
		rights |= PROCESS_RIGHT_INSPECT | PROCESS_RIGHT_GRANT;
	return rights;
}

/* A call through a handle: the capability stays until handle_done(). */
struct handle_use {
	struct capability *cap;
	struct process_handle *handle;
};

static void handle_done(struct handle_use *use)
{
	cap_done(use->cap);
}

static int handle_use(cap_handle_t handle, uint32_t rights, struct handle_use *use)
{
	struct process_handle *h;
	uint32_t granted;
	int err = cap_use(current_process()->caps, handle, OBJECT_NONE, 0, &use->cap);

	if (err < 0)
		return err;
	if (use->cap->type != OBJECT_PROCESS && use->cap->type != OBJECT_THREAD) {
		handle_done(use);
		return -EBADF;
	}
	use->handle = h = handle_of(use->cap->object);
	granted = atomic_load(&use->cap->rights);
	if (h->privilege != READ_ONCE(h->process->privilege))
		granted &= rights_to(h->process);
	if (!(rights & ~granted))
		return 0;
	cap_audit(CAP_EVENT_DENIAL, use->cap, "process");
	handle_done(use);
	return -EPERM;
}

/* --- making ---------------------------------------------------------------------------------------- */

static struct process_handle *handle_create(struct process *p, pid_t tid, uint64_t id, bool thread,
					    uint32_t flags)
{
	struct process_handle *h = kmalloc(sizeof(*h));

	if (!h)
		return NULL;
	kobject_init(&h->object, thread ? OBJECT_THREAD : OBJECT_PROCESS,
		     thread ? &thread_handle_ops : &process_handle_ops);
	h->object.id = id;
	process_get(p);
	h->process = p;
	h->tid = tid;
	h->privilege = READ_ONCE(p->privilege);
	atomic_init(&h->flags, flags);
	return h;
}

static int install(struct process_handle *h, uint32_t rights)
{
	int fd;

	if (!h)
		return -ENOMEM;
	fd = cap_install(current_process()->caps, &h->object, rights, CAP_CLOEXEC, 0);
	if (fd < 0)
		kobject_put(&h->object);
	return fd;
}

int pidfd_of_child(struct process *child, pid_t pid)
{
	return install(handle_create(child, pid, child->id, false, 0),
		       PROCESS_RIGHTS | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT);
}

/* The process that `pid` belongs to, referenced, and the number of what it names. */
static int find(pid_t pid, bool thread, struct process **out, uint64_t *id)
{
	uint64_t flags = tree_lock();
	struct pid_entry *entry = pid_lookup_locked(pid);
	struct process *p = NULL;
	int err = 0;

	if (entry)
		p = thread && entry->thread ? entry->thread->process : entry->process;
	if (p) {
		process_get(p);
		*out = p;
		*id = thread ? entry->id : p->id;
	} else {
		err = entry && entry->thread ? -EINVAL
					     : -ESRCH; /* a thread that is not its process's first */
	}
	tree_unlock(flags);
	return err;
}

int64_t pidfd_open(pid_t pid, unsigned flags)
{
	bool thread = flags & PIDFD_THREAD;
	struct process_handle *h;
	struct process *p;
	uint64_t id;
	int fd, err;

	if ((flags & ~(unsigned)(PIDFD_NONBLOCK | PIDFD_THREAD)) || pid <= 0)
		return -EINVAL;
	if (!confine_may_name(pid))
		return -EPERM;
	err = find(pid, thread, &p, &id);
	if (err < 0)
		return err;
	/* The handle first: should the process gain privilege in between, its rights are looked at again. */
	h = handle_create(p, pid, id, thread, flags & PIDFD_NONBLOCK);
	fd = install(h, rights_to(p));
	process_put(p);
	return fd;
}

int pidfd_control(struct capability *cap, int cmd, uint64_t arg)
{
	struct process_handle *h = handle_of(cap->object);

	if (cmd == F_GETFL)
		return (int)(O_RDWR | atomic_load(&h->flags));
	if (cmd != F_SETFL)
		return -EINVAL;
	atomic_store(&h->flags, (uint32_t)arg & O_NONBLOCK);
	return 0;
}

/* --- signals --------------------------------------------------------------------------------------- */

static int send_locked(const struct process_handle *h, bool to_thread, int signo,
		       const struct abi_siginfo *info)
{
	if (to_thread) {
		struct thread *t = thread_locked(h);

		if (!t)
			return -ESRCH;
		return signo ? signal_thread(t, signo, info) : 0;
	}
	if (!in_tree_locked(h))
		return -ESRCH;
	return signo ? signal_process(h->process, signo, info) : 0;
}

static int check_info(const struct process *p, int signo, const struct abi_siginfo *info)
{
	if (info->signo != signo)
		return -EINVAL;
	/* Nobody pretends to be the kernel or kill(2) towards others. */
	return p != current_process() && (info->code >= 0 || info->code == SI_TKILL) ? -EPERM : 0;
}

static bool signal_known(int signo, unsigned flags)
{
	return !(flags & ~(unsigned)(PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP)) &&
	       !(flags & (flags - 1)) && signo >= 0 && signo <= NSIG;
}

/* `by_name`: the caller's credentials decide, not a capability. */
static int send(const struct process_handle *h, bool by_name, int signo, const struct abi_siginfo *info,
		unsigned flags)
{
	bool to_thread = flags ? flags & PIDFD_SIGNAL_THREAD : h->object.type == OBJECT_THREAD;
	struct abi_siginfo own;
	uint64_t tree_flags;
	int err = info ? check_info(h->process, signo, info) : 0;

	if (err < 0)
		return err;
	if (!info)
		signal_info_user(&own, signo, to_thread ? SI_TKILL : SI_USER);
	tree_flags = tree_lock();
	if (by_name && in_tree_locked(h) && !signal_permitted(h->process, signo))
		err = -EPERM;
	else
		err = send_locked(h, to_thread, signo, info ? info : &own);
	tree_unlock(tree_flags);
	return err;
}

int64_t pidfd_signal(cap_handle_t handle, int signo, const struct abi_siginfo *info, unsigned flags)
{
	struct handle_use use;
	int err;

	if (!signal_known(signo, flags))
		return -EINVAL;
	err = handle_use(handle, PROCESS_RIGHT_SIGNAL, &use);
	if (err < 0)
		return err;
	err = send(use.handle, false, signo, info, flags);
	handle_done(&use);
	return err;
}

int64_t process_signal(struct process *p, int signo, const struct abi_siginfo *info, unsigned flags)
{
	struct process_handle named = { .process = p, .tid = p->pid };

	if (!signal_known(signo, flags))
		return -EINVAL;
	if (!confine_may_name(p->pid))
		return -EPERM;
	return send(&named, true, signo, info, flags);
}

/* --- waiting --------------------------------------------------------------------------------------- */

int64_t pidfd_wait(cap_handle_t handle, unsigned options, struct wait_result *out)
{
	struct handle_use use;
	int64_t result;
	bool nonblock;
	int err = handle_use(handle, PROCESS_RIGHT_WAIT, &use);

	if (err < 0)
		return err;
	nonblock = atomic_load(&use.handle->flags) & O_NONBLOCK;
	if (use.handle->object.type == OBJECT_THREAD && use.handle->tid != use.handle->process->pid)
		result = -ECHILD;
	else
		result = process_wait(
			&(struct wait_target){ .kind = WAIT_PROCESS, .process = use.handle->process },
			nonblock ? options | WNOHANG : options, out);
	handle_done(&use);
	return result == 0 && nonblock && !(options & WNOHANG) ? -EAGAIN : result;
}

/* --- capabilities from process to process -------------------------------------------------------------- */

/* A child of a capability, in another table.  The one that it comes from says whether it may be passed on. */
static cap_handle_t give(struct cap_table *from, cap_handle_t handle, const struct cap_terms *terms,
			 struct cap_table *to)
{
	struct capability *cap;
	cap_handle_t given = cap_use(from, handle, OBJECT_NONE, CAP_RIGHT_GRANT, &cap);

	if (given < 0)
		return given;
	given = cap_derive_from(cap, terms, to);
	if (given >= 0)
		cap_audit(CAP_EVENT_GRANT, cap, "given");
	cap_done(cap);
	return given;
}

int64_t pidfd_getfd(cap_handle_t handle, int fd)
{
	static const struct cap_terms whole = { .rights = UINT32_MAX, .flags = CAP_CLOEXEC };
	struct handle_use use;
	struct cap_table *from;
	int64_t given = -ESRCH;
	int err = handle_use(handle, PROCESS_RIGHT_GRANT, &use);

	if (err < 0)
		return err;
	from = process_caps_get(use.handle->process);
	if (from) {
		given = give(from, fd, &whole, current_process()->caps);
		cap_table_unpin(from);
	}
	handle_done(&use);
	return given < 0 ? given : (int64_t)cap_handle_slot(given);
}

cap_handle_t process_grant(cap_handle_t process, cap_handle_t handle, const struct cap_terms *terms)
{
	struct cap_table *to;
	struct handle_use use;
	cap_handle_t given = -ESRCH;
	int err = handle_use(process, PROCESS_RIGHT_GRANT, &use);

	if (err < 0)
		return err;
	to = process_caps_get(use.handle->process);
	if (to) {
		given = give(current_process()->caps, handle, terms, to);
		cap_table_unpin(to);
	}
	handle_done(&use);
	return given;
}

int process_caps_of(cap_handle_t handle, struct cap_table **out)
{
	struct handle_use use;
	int err = handle_use(handle, PROCESS_RIGHT_INSPECT, &use);

	if (err < 0)
		return err;
	*out = process_caps_get(use.handle->process);
	handle_done(&use);
	return *out ? 0 : -ESRCH;
}

/* --- looking and scheduling ---------------------------------------------------------------------------- */

static void fill_locked(struct process *p, struct thread *t, struct process_info *out)
{
	struct usage usage;

	assert_held(&p->lock);
	if (t)
		thread_usage(t, &usage);
	else
		process_usage_locked(p, &usage);
	*out = (struct process_info){
		.pid = p->pid,
		.tid = t ? t->tid : 0,
		.parent = process_parent_pid(p),
		.group = p->pgid,
		.session = p->sid,
		.uid = p->cred.euid,
		.gid = p->cred.egid,
		.state = (uint32_t)p->state,
		.threads = p->thread_count,
		.user_ns = usage.user_ns,
		.system_ns = usage.system_ns,
		.start_ns = p->start_ns,
	};
	memcpy(out->name, t ? t->task.name : p->comm, sizeof(out->name));
}
_Static_assert(PROCESS_STATE_ALIVE == PROCESS_ALIVE && PROCESS_STATE_STOPPED == PROCESS_STOPPED &&
		       PROCESS_STATE_ENDED == PROCESS_ZOMBIE,
	       "the same numbers");

int process_info_by_handle(cap_handle_t handle, struct process_info *out)
{
	struct handle_use use;
	struct thread *t = NULL;
	uint64_t flags;
	int err = handle_use(handle, PROCESS_RIGHT_INSPECT, &use);

	if (err < 0)
		return err;
	flags = tree_lock();
	if (use.handle->object.type == OBJECT_THREAD)
		err = (t = thread_locked(use.handle)) ? 0 : -ESRCH;
	else
		err = in_tree_locked(use.handle) ? 0 : -ESRCH;
	if (err == 0) {
		spin_lock(&use.handle->process->lock);
		fill_locked(use.handle->process, t, out);
		spin_unlock(&use.handle->process->lock);
	}
	tree_unlock(flags);
	handle_done(&use);
	return err;
}

int policy_get_by_handle(cap_handle_t handle, struct sched_policy *out)
{
	struct handle_use use;
	struct thread *t;
	uint64_t flags;
	int err = handle_use(handle, PROCESS_RIGHT_INSPECT, &use);

	if (err < 0)
		return err;
	flags = tree_lock();
	t = thread_locked(use.handle);
	if (t)
		sched_get_policy(&t->task, out);
	tree_unlock(flags);
	handle_done(&use);
	return t ? 0 : -ESRCH;
}

int thread_act_by_handle(cap_handle_t handle, uint32_t rights, int (*act)(struct thread *t, void *arg),
			 void *arg)
{
	struct handle_use use;
	struct thread *t;
	uint64_t flags;
	int err = handle_use(handle, rights, &use);

	if (err < 0)
		return err;
	flags = tree_lock();
	t = thread_locked(use.handle);
	err = t ? act(t, arg) : -ESRCH;
	tree_unlock(flags);
	handle_done(&use);
	return err;
}

static int set_policy_locked(const struct process_handle *h, const struct policy_request *request)
{
	struct process *p = h->process;
	struct thread *t;
	int err = 0;

	if (h->object.type == OBJECT_THREAD) {
		t = thread_locked(h);
		return t ? thread_policy_set_locked(t, request, true) : -ESRCH;
	}
	if (list_empty(&p->threads))
		return -ESRCH;
	list_for_each (t, &p->threads, link) {
		err = thread_policy_set_locked(t, request, true);
		if (err < 0)
			break;
	}
	return err;
}

int policy_set_by_handle(cap_handle_t handle, const struct policy_request *request)
{
	struct handle_use use;
	uint64_t flags;
	int err = handle_use(handle, PROCESS_RIGHT_SCHEDULE, &use);

	if (err < 0)
		return err;
	flags = tree_lock();
	spin_lock(&use.handle->process->lock);
	err = set_policy_locked(use.handle, request);
	spin_unlock(&use.handle->process->lock);
	tree_unlock(flags);
	handle_done(&use);
	return err;
}

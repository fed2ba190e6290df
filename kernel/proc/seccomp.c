/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp: how threads get filters, keep them, hand them on and lose them.
 */
#include <kernel/seccomp.h>

#include <arch/context.h>
#include <arch/usercopy.h>
#include <kernel/bitmap.h>
#include <kernel/cap.h>
#include <kernel/file.h>
#include <kernel/seccomp_listener.h>
#include <kernel/slab.h>
#include <kernel/syscall_watch.h>
#include <serix/errno.h>

#include "seccomp_priv.h"

#define PATH_LENGTH_MAX 32768 /* instructions of a chain */
#define FILTER_PENALTY  4     /* and what each filter but the newest counts beside its own */
#define FLAGS_KNOWN                                                                             \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

/* --- making --------------------------------------------------------------------------------------------- */

/* What the filter alone allows with whatever arguments, from wherever. */
static void find_allowed(struct seccomp_filter *f)
{
	struct abi_seccomp_data data = { .arch = ARCH_AUDIT };
	uint32_t result;

	for (int32_t nr = 0; nr < SYSCALL_MAX; nr++) {
		data.number = nr;
		if (bpf_run_known(f->program, (const uint32_t *)(const void *)&data,
				  offsetof(struct abi_seccomp_data, instruction_pointer), &result) &&
		    (result & SECCOMP_RET_ACTION) == SECCOMP_RET_ALLOW)
			bitmap_set(f->allowed, (size_t)nr);
	}
}

static int prepare(struct seccomp_filter *f, const struct abi_bpf_program *program)
{
	struct bpf_scratch *scratch = kmalloc(sizeof(*scratch));
	int err = scratch ? 0 : -ENOMEM;

	if (err == 0)
		err = copy_from_user(f->program, program->instructions, f->length * sizeof(f->program[0]));
	if (err == 0)
		err = bpf_prepare(f->program, f->length, sizeof(struct abi_seccomp_data), scratch);
	if (err == 0)
		find_allowed(f);
	kfree(scratch);
	return err;
}

/* Who could yet become somebody else by exec must not choose what that one may call. */
static bool may_add(void)
{
	return READ_ONCE(current_process()->no_new_privs) || cred_has_privilege(PRIV_SYS_ADMIN);
}

static int create(const struct abi_bpf_program *program, struct seccomp_filter **out)
{
	struct seccomp_filter *f;
	int err;

	if (program->length == 0 || program->length > BPF_LENGTH_MAX)
		return -EINVAL;
	if (!may_add())
		return -EACCES;
	f = kzalloc(sizeof(*f) + program->length * sizeof(f->program[0]));
	if (!f)
		return -ENOMEM;
	refcount_set(&f->refs, 1);
	f->length = program->length;
	err = prepare(f, program);
	if (err < 0) {
		kfree(f);
		return err;
	}
	*out = f;
	return 0;
}

void seccomp_filter_put(struct seccomp_filter *f)
{
	while (f && refcount_put(&f->refs)) {
		struct seccomp_filter *outer = f->outer;

		seccomp_listener_end(f->listener);
		kfree(f);
		f = outer;
	}
}

/* --- threads -------------------------------------------------------------------------------------------- */

static void assign_locked(struct thread *t, uint32_t mode, struct seccomp_filter *f)
{
	atomic_store_explicit(&t->seccomp.newest, f, memory_order_release);
	WRITE_ONCE(t->seccomp.mode, mode);
	thread_watch_calls_locked(t, CALL_WATCHER_SECCOMP);
}

/* Is the chain that ends in `f` the same as the one that ends in `of`, or its beginning? */
static bool begins(const struct seccomp_filter *f, const struct seccomp_filter *of)
{
	while (f && of && of != f)
		of = of->outer;
	return !f || of;
}

/* Are there threads whose filters are not part of the running one's?  The first one's id; 0: no. */
static pid_t first_stranger_locked(struct process *p)
{
	struct thread *self = current_thread(), *t;

	list_for_each (t, &p->threads, link) {
		if (t != self && !t->exiting &&
		    (t->seccomp.mode == SECCOMP_MODE_STRICT ||
		     !begins(seccomp_newest(t), seccomp_newest(self))))
			return t->tid;
	}
	return 0;
}

/* What they have is part of what they get, so putting it frees nothing. */
static void spread_locked(struct process *p)
{
	struct thread *self = current_thread(), *t;
	struct seccomp_filter *f = seccomp_newest(self);

	list_for_each (t, &p->threads, link) {
		struct seccomp_filter *old = seccomp_newest(t);

		if (t == self || t->exiting)
			continue;
		refcount_get(&f->refs);
		assign_locked(t, SECCOMP_MODE_FILTER, f);
		seccomp_filter_put(old);
	}
}

static int chain_locked(struct seccomp_filter *f, struct thread *t)
{
	struct seccomp_filter *outer = seccomp_newest(t);
	uint32_t length = f->length;

	for (const struct seccomp_filter *o = outer; o; o = o->outer)
		length += o->length + FILTER_PENALTY;
	if (length > PATH_LENGTH_MAX)
		return -ENOMEM;
	f->depth = 1;
	if (outer) {
		f->depth += outer->depth;
		for (size_t i = 0; i < BITMAP_WORDS(SYSCALL_MAX); i++)
			f->allowed[i] &= outer->allowed[i];
	}
	f->outer = outer; /* the thread's reference, too */
	return 0;
}

static bool has_listener(const struct seccomp_filter *f)
{
	while (f && !f->listener)
		f = f->outer;
	return f;
}

/* Takes the filter over on success. */
static int64_t attach_locked(uint32_t flags, struct seccomp_filter *f)
{
	struct thread *t = current_thread();
	pid_t stranger = 0;
	int err;

	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	if (f->listener && has_listener(seccomp_newest(t)))
		return -EBUSY;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		stranger = first_stranger_locked(t->process);
	if (stranger)
		return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : stranger;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	err = chain_locked(f, t);
	if (err < 0)
		return err;
	assign_locked(t, SECCOMP_MODE_FILTER, f);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		spread_locked(t->process);
	return 0;
}

bool seccomp_flags_are_valid(uint32_t flags)
{
	const uint32_t two_results = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER;

	if ((flags & two_results) == two_results && !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return false;
	return !(flags & ~(uint32_t)FLAGS_KNOWN);
}

/* The same, and puts it otherwise. */
static int64_t attach(uint32_t flags, struct seccomp_filter *f)
{
	struct process *p = current_process();
	int64_t err;
	/* Between processes that are being made and TSYNC there is an order: see seccomp_inherit_locked(). */
	uint64_t irq = tree_lock();

	spin_lock(&p->lock);
	err = attach_locked(flags, f);
	spin_unlock(&p->lock);
	tree_unlock(irq);
	if (err != 0)
		seccomp_filter_put(f);
	/* Before its caller goes on, the others' next calls are watched. */
	atomic_thread_fence(memory_order_seq_cst);
	return err;
}

/* The descriptor of a new listener for the filter. */
static int add_listener(struct seccomp_filter *f)
{
	struct file *file;
	int fd, err = seccomp_listener_create(&f->listener, &file);

	if (err < 0)
		return err;
	fd = file_install(file, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

int64_t seccomp_add_filter(uint32_t flags, const struct abi_bpf_program *program)
{
	struct seccomp_filter *f;
	int64_t err = create(program, &f);
	int fd;

	if (err < 0)
		return err;
	if (!(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return attach(flags, f);
	fd = add_listener(f);
	if (fd < 0) {
		seccomp_filter_put(f);
		return fd;
	}
	err = attach(flags, f);
	if (err == 0)
		return fd;
	cap_close(current_process()->caps, fd);
	return err;
}

int seccomp_set_strict(void)
{
	struct thread *t = current_thread();
	uint64_t flags = spin_lock_irqsave(&t->process->lock);
	int err = t->seccomp.mode == SECCOMP_MODE_FILTER ? -EINVAL : 0;

	if (err == 0)
		assign_locked(t, SECCOMP_MODE_STRICT, NULL);
	spin_unlock_irqrestore(&t->process->lock, flags);
	return err;
}

void seccomp_inherit_locked(struct thread *child)
{
	struct thread *self = current_thread();
	struct seccomp_filter *f = seccomp_newest(self);

	if (likely(self->seccomp.mode == SECCOMP_MODE_DISABLED))
		return;
	if (f)
		refcount_get(&f->refs);
	assign_locked(child, self->seccomp.mode, f);
	/* Its process may have copied this before another thread set it and then spread a filter. */
	if (READ_ONCE(self->process->no_new_privs))
		child->process->no_new_privs = true;
}

struct seccomp_filter *seccomp_leave_locked(struct thread *t)
{
	return atomic_exchange(&t->seccomp.newest, NULL);
}

uint32_t seccomp_depth_locked(const struct thread *t)
{
	const struct seccomp_filter *f = seccomp_newest(t);

	return f ? f->depth : 0;
}

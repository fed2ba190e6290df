/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_ASYNC: open files whose owners get a signal when something happens.
 *
 * A file that ever had an owner, a signal or O_ASYNC has a struct async_file for the rest of its life. News
 * may come from interrupt handlers, and with locks held: so sources and owners are under one spinlock,
 * which ranks in front of those that sending a signal takes.
 *
 * O_ASYNC that was set through a capability ends when that is revoked: async_file.cap is held for that, and
 * async_file is the object that it names, for the file itself must not be kept.
 */
#include <kernel/async.h>

#include <kernel/cap.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <serix/errno.h>

#include "vfs_priv.h"

struct async_entry {
	struct async_entry *next;    /* [async_lock] */
	struct async_source *source; /* [async_lock] NULL: in none */
	struct async_file *owner;    /* [i] */
};

struct async_file {
	struct kobject object;
	struct file *file;         /* [i] */
	struct signal_owner owner; /* [async_lock] */
	int signo;                 /* [async_lock] 0: SIGIO without siginfo_t */
	int fd;                    /* [async_lock] by which O_ASYNC was set */
	struct capability *cap;    /* [async_lock] through which it was set; NULL: never */
	struct async_entry entries[ASYNC_SOURCES];
};

static struct spinlock async_lock = SPINLOCK_INIT("async", RANK_ASYNC);

static void release(struct kobject *obj)
{
	kfree(container_of(obj, struct async_file, object));
}

static const struct kobject_ops async_object_ops = { .release = release };

/* --- a file's part -------------------------------------------------------------------------------------- */

static struct async_file *make(struct file *file)
{
	struct async_file *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	kobject_init(&a->object, OBJECT_NONE, &async_object_ops);
	a->file = file;
	for (size_t i = 0; i < ASYNC_SOURCES; i++)
		a->entries[i].owner = a;
	return a;
}

/* NULL: no memory. */
static struct async_file *async_of(struct file *file)
{
	struct async_file *a = atomic_load_explicit(&file->async, memory_order_acquire), *fresh;

	if (a)
		return a;
	fresh = make(file);
	if (!fresh || atomic_compare_exchange_strong(&file->async, &a, fresh))
		return fresh;
	kobject_put(&fresh->object); /* another thread was first: `a` is its */
	return a;
}

/* --- telling -------------------------------------------------------------------------------------------- */

/* Whose codes mean something else. */
#define HAS_OWN_CODES                                                                         \
	(SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | \
	 SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGSYS))

static int64_t band_of(int code)
{
	switch (code) {
	case POLL_IN:
		return POLLIN | POLLRDNORM;
	case POLL_OUT:
		return POLLOUT | POLLWRNORM | POLLWRBAND;
	case POLL_MSG:
		return POLLIN | POLLRDNORM | POLLMSG;
	default:
		return POLLHUP | POLLERR;
	}
}

static void tell_owner_locked(const struct async_file *a, int fd, int code)
{
	struct abi_siginfo info = { .signo = a->signo, .code = code };

	assert_held(&async_lock);
	if (a->signo == 0) {
		signal_owner_send(&a->owner, SIGIO, NULL);
		return;
	}
	if (SIGNAL_BIT(a->signo) & HAS_OWN_CODES)
		info.code = SI_SIGIO;
	info.band = band_of(code);
	info.poll_fd = fd;
	signal_owner_send(&a->owner, a->signo, &info);
}

void async_tell_(struct async_source *source, int code)
{
	uint64_t flags = spin_lock_irqsave(&async_lock);

	for (const struct async_entry *e = source->first; e; e = e->next)
		tell_owner_locked(e->owner, e->owner->fd, code);
	spin_unlock_irqrestore(&async_lock, flags);
}

/* --- on and off ----------------------------------------------------------------------------------------- */

static void leave_locked(struct async_entry *e)
{
	struct async_entry **link;

	if (!e->source)
		return;
	for (link = &e->source->first; *link != e; link = &(*link)->next)
		;
	WRITE_ONCE(*link, e->next);
	e->source = NULL;
}

static void join_locked(struct async_entry *e, struct async_source *source)
{
	if (e->source || !source)
		return;
	e->source = source;
	e->next = source->first;
	WRITE_ONCE(source->first, e);
}

static void turn_off_locked(struct async_file *a)
{
	for (size_t i = 0; i < ASYNC_SOURCES; i++)
		leave_locked(&a->entries[i]);
	atomic_fetch_and(&a->file->flags, ~(uint32_t)O_ASYNC);
}

static void turn_off(struct async_file *a)
{
	uint64_t flags = spin_lock_irqsave(&async_lock);

	turn_off_locked(a);
	spin_unlock_irqrestore(&async_lock, flags);
}

static void revoked(struct capability *cap, void *holder)
{
	struct async_file *a = holder;
	uint64_t flags = spin_lock_irqsave(&async_lock);

	if (a->cap == cap)
		turn_off_locked(a);
	spin_unlock_irqrestore(&async_lock, flags);
}

static const struct cap_holder_ops async_holder_ops = { .revoked = revoked };

static int turn_on(struct async_file *a, const struct file_use *use, int fd,
		   const struct async_wanted *wanted, const struct signal_owner *owner)
{
	struct capability *cap, *old;
	uint64_t flags;
	int err = cap_hold_via(use->cap, &a->object, &async_holder_ops, a, &cap);

	if (err < 0)
		return err;
	flags = spin_lock_irqsave(&async_lock);
	old = a->cap;
	a->cap = cap;
	a->fd = fd;
	if (a->owner.number == 0)
		a->owner = *owner;
	for (size_t i = 0; i < ASYNC_SOURCES; i++)
		join_locked(&a->entries[i], wanted->sources[i]);
	atomic_fetch_or(&a->file->flags, O_ASYNC);
	/* A revocation that came before found nothing to turn off. */
	if (cap_is_revoked(cap))
		turn_off_locked(a);
	spin_unlock_irqrestore(&async_lock, flags);
	if (old)
		cap_drop(old);
	return 0;
}

static struct abi_file_owner owner_of_number(int32_t number)
{
	if (number < 0)
		return (struct abi_file_owner){ F_OWNER_PGRP, -number };
	return (struct abi_file_owner){ F_OWNER_PID, number };
}

int async_set(const struct file_use *use, int fd, bool on, bool refuse)
{
	struct file *file = use->file;
	struct async_wanted wanted = { 0 };
	struct signal_owner owner = { 0 };
	struct abi_file_owner named;
	struct async_file *a;
	int err;

	if (on == !!(atomic_load(&file->flags) & O_ASYNC))
		return 0;
	if (!file->ops->async)
		return refuse ? -ENOTTY : 0;
	err = file->ops->async(file, &wanted);
	if (err < 0)
		return err;
	a = async_of(file);
	if (!a)
		return -ENOMEM;
	if (!on) {
		turn_off(a);
		return 0;
	}
	named = owner_of_number(wanted.owner);
	if (signal_owner_set(&owner, named.type, named.number) < 0)
		owner.number = 0;
	return turn_on(a, use, fd, &wanted, &owner);
}

void async_hang_up(struct async_source *source, bool (*which)(const struct file *file))
{
	struct async_entry *e, *next;
	uint64_t flags;

	if (likely(READ_ONCE(source->first) == NULL))
		return;
	flags = spin_lock_irqsave(&async_lock);
	for (e = source->first; e; e = next) {
		next = e->next;
		if (which(e->owner->file))
			turn_off_locked(e->owner);
	}
	spin_unlock_irqrestore(&async_lock, flags);
}

void async_release(struct file *file)
{
	struct async_file *a = atomic_load(&file->async);

	turn_off(a);
	if (a->cap)
		cap_drop(a->cap);
	kobject_put(&a->object);
}

/* --- owner and signal ----------------------------------------------------------------------------------- */

int async_set_owner(struct file *file, const struct abi_file_owner *named)
{
	struct async_file *a = async_of(file);
	struct signal_owner owner;
	uint64_t flags;
	int err;

	if (!a)
		return -ENOMEM;
	err = signal_owner_set(&owner, named->type, named->number);
	if (err < 0)
		return err;
	flags = spin_lock_irqsave(&async_lock);
	a->owner = owner;
	spin_unlock_irqrestore(&async_lock, flags);
	return 0;
}

void async_get_owner(struct file *file, struct abi_file_owner *named)
{
	struct async_file *a = atomic_load_explicit(&file->async, memory_order_acquire);
	struct signal_owner owner = { 0 };
	uint64_t flags;

	if (a) {
		flags = spin_lock_irqsave(&async_lock);
		owner = a->owner;
		spin_unlock_irqrestore(&async_lock, flags);
	}
	*named = (struct abi_file_owner){ owner.type, signal_owner_is_there(&owner) ? owner.number : 0 };
}

int async_set_owner_number(struct file *file, int32_t number)
{
	struct abi_file_owner named;

	if (number == INT32_MIN)
		return -EINVAL;
	named = owner_of_number(number);
	return async_set_owner(file, &named);
}

int32_t async_owner_number(struct file *file)
{
	struct abi_file_owner named;

	async_get_owner(file, &named);
	return named.type == F_OWNER_PGRP ? -named.number : named.number;
}

int async_set_signal(struct file *file, uint64_t signo)
{
	struct async_file *a;
	uint64_t flags;

	if (signo > NSIG)
		return -EINVAL;
	a = async_of(file);
	if (!a)
		return -ENOMEM;
	flags = spin_lock_irqsave(&async_lock);
	a->signo = (int)signo;
	spin_unlock_irqrestore(&async_lock, flags);
	return 0;
}

int async_signal(struct file *file)
{
	const struct async_file *a = atomic_load_explicit(&file->async, memory_order_acquire);

	return a ? READ_ONCE(a->signo) : 0;
}

/* --- signals of other kinds ----------------------------------------------------------------------------- */

int async_claim(struct file *file)
{
	struct async_file *a = async_of(file);
	struct signal_owner owner = { 0 };
	uint64_t flags;

	if (!a)
		return -ENOMEM;
	if (signal_owner_set(&owner, F_OWNER_PID, current_process()->pid) < 0)
		owner.number = 0;
	flags = spin_lock_irqsave(&async_lock);
	if (a->owner.number == 0)
		a->owner = owner;
	spin_unlock_irqrestore(&async_lock, flags);
	return 0;
}

void async_tell_owner(const struct file *file, int fd, int code)
{
	const struct async_file *a = atomic_load_explicit(&file->async, memory_order_acquire);
	uint64_t flags;

	if (!a)
		return;
	flags = spin_lock_irqsave(&async_lock);
	tell_owner_locked(a, fd, code);
	spin_unlock_irqrestore(&async_lock, flags);
}

void async_disown(struct file *file)
{
	struct async_file *a = atomic_load_explicit(&file->async, memory_order_acquire);
	uint64_t flags;

	if (!a)
		return;
	flags = spin_lock_irqsave(&async_lock);
	a->owner = (struct signal_owner){ 0 };
	a->signo = 0;
	spin_unlock_irqrestore(&async_lock, flags);
}

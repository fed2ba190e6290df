/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals to read: who reads or polls is told of what is pending for itself.  So nothing is kept here but the
 * mask; the queue to wait in belongs to the process that looks (process.signal_wait).
 *
 * An epoll's waiter may stay in the queue of a process that has ended while others have the file: the file
 * keeps a reference on every process that ever joined its own queue.  Those of processes that are gone, and
 * in whose queue nobody stands, go as new ones come.
 */
#include <kernel/signalfd.h>

#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/abi_events.h>

#include "events_priv.h"

struct reader {
	struct list link;
	struct process *process; /* referenced */
};

struct signalfd {
	_Atomic uint64_t mask; /* [a] */
	struct spinlock lock;  /* RANK_SIGNALFD */
	struct list readers;   /* [lock] */
};

static struct signalfd *signalfd_of(const struct file *file)
{
	return file->private;
}

/* --- in the form of the file ---------------------------------------------------------------------------- */

#define SEGV_LIKE                                                                             \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGFPE) | \
	 SIGNAL_BIT(SIGTRAP))

/* From fs/async.c: a file has news. */
static bool is_about_a_file(const struct abi_siginfo *from)
{
	return from->code == SI_SIGIO ||
	       (from->code >= POLL_IN && from->code <= POLL_HUP &&
		!(SIGNAL_BIT(from->signo) & (SEGV_LIKE | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGSYS))));
}

static void translate(const struct abi_siginfo *from, struct abi_signalfd_siginfo *to)
{
	*to = (struct abi_signalfd_siginfo){
		.signo = (uint32_t)from->signo,
		.error = from->errno_,
		.code = from->code,
	};
	if (is_about_a_file(from)) {
		to->band = (uint32_t)from->band;
		to->fd = from->poll_fd;
		return;
	}
	if (from->code == SI_TIMER) {
		to->timer_id = (uint32_t)from->timer_id;
		to->overrun = (uint32_t)from->overrun;
	} else if (from->code > 0 && from->code != SI_KERNEL && (SIGNAL_BIT(from->signo) & SEGV_LIKE)) {
		to->addr = from->addr;
		return;
	} else {
		to->pid = (uint32_t)from->pid;
		to->uid = from->uid;
	}
	if (from->code > 0 && from->signo == SIGCHLD) {
		to->status = (int32_t)from->value;
		to->utime = (uint64_t)from->utime;
		to->stime = (uint64_t)from->stime;
	} else if (from->code < 0 && from->code != SI_TKILL) {
		to->ptr = from->value;
		to->int_value = (int32_t)from->value;
	}
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* The first one is waited for. */
static int next_signal(struct file *file, bool wait, struct abi_siginfo *info)
{
	struct signalfd *s = signalfd_of(file);
	struct process *p = current_process();

	while (signal_take(atomic_load(&s->mask), info) == 0) {
		if (!wait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&p->signal_wait, signal_pending_set() & atomic_load(&s->mask)) <
		    0)
			return -ERESTARTSYS;
	}
	return 0;
}

static ssize_t signalfd_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct abi_signalfd_siginfo out;
	struct abi_siginfo info;
	ssize_t done = 0, n;
	int err;

	(void)pos;
	if (!in_user_thread() || io->left < sizeof(out))
		return -EINVAL;
	while (io->left >= sizeof(out)) {
		err = next_signal(file, done == 0, &info);
		if (err < 0)
			return done > 0 ? done : err;
		translate(&info, &out);
		n = iobuf_write(io, &out, sizeof(out));
		if (n != sizeof(out))
			return done > 0 ? done : -EFAULT;
		done += n;
	}
	return done;
}

/* --- waiting with others -------------------------------------------------------------------------------- */

static bool nobody_waits(struct waitqueue *wq)
{
	uint64_t flags = spin_lock_irqsave(&wq->lock);
	bool nobody = list_empty(&wq->waiters);

	spin_unlock_irqrestore(&wq->lock, flags);
	return nobody;
}

/* Is `p` among the readers?  Those that will never hear of anything again go to `gone`. */
static bool look_for_locked(struct signalfd *s, const struct process *p, struct list *gone)
{
	struct reader *r, *tmp;
	bool found = false;

	list_for_each_safe (r, tmp, &s->readers, link) {
		if (r->process == p) {
			found = true;
		} else if (READ_ONCE(r->process->state) == PROCESS_ZOMBIE &&
			   nobody_waits(&r->process->signal_wait)) {
			list_del(&r->link);
			list_add_tail(gone, &r->link);
		}
	}
	return found;
}

static void free_readers(struct list *readers)
{
	struct reader *r, *tmp;

	list_for_each_safe (r, tmp, readers, link) {
		list_del(&r->link);
		process_put(r->process);
		kfree(r);
	}
}

/* Keep the running process as long as the file is there.  False: no memory. */
static bool keep_reader(struct signalfd *s)
{
	struct process *p = current_process();
	struct reader *fresh = kmalloc(sizeof(*fresh));
	struct list gone = LIST_INIT(gone);
	bool kept;

	spin_lock(&s->lock);
	kept = look_for_locked(s, p, &gone);
	if (!kept && fresh) {
		process_get(p);
		fresh->process = p;
		list_add_tail(&s->readers, &fresh->link);
		fresh = NULL;
		kept = true;
	}
	spin_unlock(&s->lock);
	kfree(fresh);
	free_readers(&gone);
	return kept;
}

static uint32_t signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *s = signalfd_of(file);

	if (!in_user_thread())
		return 0;
	if (table) {
		if (!keep_reader(s))
			return POLLERR;
		table->add(table, &current_process()->signal_wait);
	}
	return signal_pending_set() & atomic_load(&s->mask) ? POLLIN : 0;
}

static void signalfd_info(struct file *file, char *buf, size_t size)
{
	scnprintf(buf, size, "sigmask:\t%016lx\n", atomic_load(&signalfd_of(file)->mask));
}

static void signalfd_release(struct file *file)
{
	struct signalfd *s = signalfd_of(file);

	free_readers(&s->readers);
	kfree(s);
}

static const struct file_ops signalfd_ops = {
	.name = "anon_inode:[signalfd]",
	.read = signalfd_read,
	.seek = event_seek,
	.poll = signalfd_poll,
	.info = signalfd_info,
	.release = signalfd_release,
};

bool file_is_signalfd(const struct file *file)
{
	return file->ops == &signalfd_ops;
}

void signalfd_set(struct file *file, uint64_t mask)
{
	atomic_store(&signalfd_of(file)->mask, mask & ~SIGNALS_UNBLOCKABLE);
	wake_up_all(&current_process()->signal_wait);
}

int signalfd_create(uint64_t mask, uint32_t flags, struct file **out)
{
	struct signalfd *s;

	if (flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	s = kmalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	atomic_init(&s->mask, mask & ~SIGNALS_UNBLOCKABLE);
	spin_init(&s->lock, "signalfd", RANK_SIGNALFD);
	list_init(&s->readers);
	*out = event_file(&signalfd_ops, O_RDWR | (flags & SFD_NONBLOCK), s);
	if (*out)
		return 0;
	kfree(s);
	return -ENOMEM;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOCB_CMD_POLL: an event when a file is ready.
 *
 * Whatever happens to a poll (its file's queues wake it, it is cancelled, its capability is revoked) is only
 * noted, and the poll handed to one thread of the kernel, which looks at the file and ends the poll if there
 * is a reason.  Before, the submitting thread does the same once.  So one at a time has a poll, and who has
 * it may end it.
 *
 * `queue_lock` covers the states; wake-ups take it with a queue's lock held, perhaps in an interrupt.
 */
#include "aio_priv.h"

#include <kernel/cap.h>
#include <kernel/eventfd.h>
#include <kernel/file.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "../vfs_priv.h"

struct poll;

struct poll_waiter {
	struct waiter waiter;
	struct poll *poll;
	struct poll_waiter *next;
};

enum state { POLL_WAITS, POLL_QUEUED, POLL_HELD };

struct poll {
	struct aio_context *ctx; /* [i] referenced */
	struct capability *target, *resfd;
	uint32_t events; /* [i] */
	struct abi_io_event event;
	struct poll_waiter *waiters; /* [i] once it is made; the first is `waiter` */
	struct poll_waiter waiter;
	struct list link;  /* [ctx.lock] in ctx.polls */
	struct list queue; /* [queue_lock] */
	enum state state;  /* [queue_lock] */
	bool heard;        /* [queue_lock] while it was held: look again */
	bool canceled;     /* [queue_lock] */
};

static struct spinlock queue_lock = SPINLOCK_INIT("aio polls", RANK_AIO_POLLS);
static struct list queue = LIST_INIT(queue);
static struct waitqueue wanted = {
	.lock = SPINLOCK_INIT("aio thread", RANK_AIO_THREAD),
	.waiters = LIST_INIT(wanted.waiters),
};

/* --- hearing of something ------------------------------------------------------------------------------- */

static void enqueue_locked(struct poll *p)
{
	p->state = POLL_QUEUED;
	list_add_tail(&queue, &p->queue);
}

/* It is there, and nobody ends it before this returns. */
static void hear(struct poll *p, bool cancel)
{
	uint64_t flags = spin_lock_irqsave(&queue_lock);
	bool enqueued = p->state == POLL_WAITS;

	p->canceled |= cancel;
	if (enqueued)
		enqueue_locked(p);
	else
		p->heard = true;
	spin_unlock_irqrestore(&queue_lock, flags);
	if (enqueued)
		wake_up(&wanted);
}

static bool poll_wake(struct waiter *w, uint32_t events)
{
	struct poll *p = container_of(w, struct poll_waiter, waiter)->poll;

	if (p->events & events)
		hear(p, false);
	return false;
}

static void revoked(struct capability *cap, void *holder)
{
	(void)cap;
	hear(holder, false);
}

/* Nobody is told any more; that is seen when there is something to tell. */
static void resfd_revoked(struct capability *cap, void *holder)
{
	(void)cap;
	(void)holder;
}

static const struct cap_holder_ops target_ops = { .revoked = revoked };
static const struct cap_holder_ops resfd_ops = { .revoked = resfd_revoked };

/* --- the end -------------------------------------------------------------------------------------------- */

static void remove_waiters(struct poll *p)
{
	struct poll_waiter *w = p->waiters, *next;

	for (; w; w = next) {
		next = w->next;
		wait_remove(&w->waiter);
		if (w != &p->waiter)
			kfree(w);
	}
}

/* By who has it. */
static void let_go_of_target(struct poll *p)
{
	remove_waiters(p);
	if (p->target)
		cap_drop(p->target);
}

/* Afterwards nobody knows it any more. */
static void free_poll(struct poll *p)
{
	spin_lock(&p->ctx->lock);
	list_del(&p->link);
	spin_unlock(&p->ctx->lock);
	if (p->resfd)
		cap_drop(p->resfd);
	aio_put(p->ctx);
	kfree(p);
}

/* Once the event is there the process may be gone, and whatever is waited for with it. */
static void finish(struct poll *p, int64_t result)
{
	let_go_of_target(p);
	p->event.res = result;
	aio_complete(p->ctx, &p->event);
	if (p->resfd && !cap_is_revoked(p->resfd))
		eventfd_signal(file_of(p->resfd->object), 1);
	free_poll(p);
}

/* --- looking -------------------------------------------------------------------------------------------- */

/* Is it over, and with what result? */
static bool is_over(struct poll *p, uint32_t ready, int64_t *result)
{
	*result = ready & p->events;
	if (cap_is_revoked(p->target)) {
		*result = -EBADF;
		return true;
	}
	return *result != 0 || p->canceled;
}

/* Let go of it until something is heard.  False: that has happened already. */
static bool let_wait(struct poll *p)
{
	uint64_t flags = spin_lock_irqsave(&queue_lock);
	bool waits = !p->heard;

	if (waits)
		p->state = POLL_WAITS;
	p->heard = false;
	spin_unlock_irqrestore(&queue_lock, flags);
	return waits;
}

/* By who has it. */
static void look(struct poll *p, uint32_t ready)
{
	int64_t result;

	while (!is_over(p, ready, &result)) {
		if (let_wait(p))
			return;
		ready = object_poll(p->target->object, NULL);
	}
	finish(p, result);
}

static struct poll *next_poll(void)
{
	uint64_t flags = spin_lock_irqsave(&queue_lock);
	struct poll *p = NULL;

	if (!list_empty(&queue)) {
		p = list_first(&queue, struct poll, queue);
		list_del(&p->queue);
		p->state = POLL_HELD;
		p->heard = false;
	}
	spin_unlock_irqrestore(&queue_lock, flags);
	return p;
}

static void poll_thread(void *arg)
{
	struct poll *p;

	(void)arg;
	for (;;) {
		while ((p = next_poll()) != NULL)
			look(p, object_poll(p->target->object, NULL));
		wait_event(&wanted, READ_ONCE(queue.next) != &queue);
	}
}

void aio_start(void)
{
	if (!kthread_create("aio", poll_thread, NULL))
		panic("no memory for the thread of asynchronous I/O");
}

/* --- the beginning -------------------------------------------------------------------------------------- */

struct join_table {
	struct poll_table table;
	struct poll *poll;
	bool failed; /* no memory */
};

static void add_waiter(struct poll_table *table, struct waitqueue *wq)
{
	struct join_table *join = container_of(table, struct join_table, table);
	struct poll *p = join->poll;
	struct poll_waiter *w = p->waiters ? kmalloc(sizeof(*w)) : &p->waiter;

	if (!w) {
		join->failed = true;
		return;
	}
	waiter_init(&w->waiter, false);
	w->waiter.wake = poll_wake;
	w->poll = p;
	w->next = p->waiters;
	p->waiters = w;
	wait_add(wq, &w->waiter);
}

static struct poll *make(struct aio_context *ctx, uint32_t events, const struct abi_io_event *event)
{
	struct poll *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	refcount_get(&ctx->refs);
	p->ctx = ctx;
	p->events = events | POLLERR | POLLHUP;
	p->event = *event;
	p->state = POLL_HELD;
	list_init(&p->queue);
	spin_lock(&ctx->lock);
	list_add_tail(&ctx->polls, &p->link);
	spin_unlock(&ctx->lock);
	return p;
}

int aio_poll(struct aio_context *ctx, struct capability *target, struct capability *resfd, uint32_t events,
	     const struct abi_io_event *event)
{
	struct join_table join = { .table.add = add_waiter };
	struct poll *p;
	uint32_t ready;
	int err;

	if (events & poll_events_denied(target))
		return -EPERM;
	p = make(ctx, events, event);
	if (!p)
		return -ENOMEM;
	err = cap_hold(target, &target_ops, p, &p->target);
	if (err == 0 && resfd)
		err = cap_hold(resfd, &resfd_ops, p, &p->resfd);
	if (err < 0)
		goto out_free;
	join.poll = p;
	ready = object_poll(target->object, &join.table);
	err = join.failed ? -ENOMEM : 0;
	if (err < 0)
		goto out_free;
	look(p, ready);
	return 0;
out_free:
	let_go_of_target(p);
	free_poll(p);
	return err;
}

/* --- cancelling ----------------------------------------------------------------------------------------- */

int aio_cancel(struct aio_context *ctx, uaddr_t obj)
{
	struct poll *p;
	int err = -EINVAL;

	spin_lock(&ctx->lock);
	list_for_each (p, &ctx->polls, link) {
		if (p->event.obj == obj) {
			hear(p, true);
			err = 0;
			break;
		}
	}
	spin_unlock(&ctx->lock);
	return err;
}

void aio_cancel_polls(struct aio_context *ctx)
{
	struct poll *p;

	spin_lock(&ctx->lock);
	list_for_each (p, &ctx->polls, link)
		hear(p, true);
	spin_unlock(&ctx->lock);
}

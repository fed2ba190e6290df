/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues.  The order that makes them race-free: the sleeper joins the queue and marks itself as
 * sleeping before it looks at the condition; the waker changes the condition before it looks at the
 * queue.  Whichever comes second sees the other.
 */
#include <kernel/wait.h>

#include <kernel/assert.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <serix/errno.h>

static bool wake_task(struct waiter *w, uint32_t events)
{
	(void)events;
	return task_wake(w->task);
}

void waitqueue_init(struct waitqueue *wq)
{
	*wq = (struct waitqueue)WAITQUEUE_INIT(*wq);
}

static void wake(struct waitqueue *wq, bool all, uint32_t events)
{
	struct waiter *w, *tmp;
	uint64_t flags;

	/* A sleeper that is not on the list yet has not looked at the condition yet. */
	atomic_thread_fence(memory_order_seq_cst);
	if (READ_ONCE(wq->waiters.next) == &wq->waiters)
		return;
	flags = spin_lock_irqsave(&wq->lock);
	list_for_each_safe (w, tmp, &wq->waiters, link)
		if (w->wake(w, events) && w->exclusive && !all)
			break;
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wake_up(struct waitqueue *wq)
{
	wake(wq, false, WAIT_EVENTS_ALL);
}

void wake_up_all(struct waitqueue *wq)
{
	wake(wq, true, WAIT_EVENTS_ALL);
}

void wake_up_events(struct waitqueue *wq, uint32_t events)
{
	wake(wq, false, events);
}

void waiter_init(struct waiter *w, bool exclusive)
{
	/* Each for itself, on the way of every sleep: the whole would be cleared first. */
	list_init(&w->link);
	w->task = current_task();
	w->wake = wake_task;
	w->exclusive = exclusive;
	w->queue = NULL;
}

/* Exclusive ones stand behind all others: a wake-up that stops at one has reached those.  Nobody walks past
 * many for that: whoever comes to a mixed queue goes to its front. */
static void enqueue_locked(struct waitqueue *wq, struct waiter *w)
{
	if (unlikely(!w->exclusive && !list_empty(&wq->waiters) &&
		     list_last(&wq->waiters, struct waiter, link)->exclusive))
		list_add_head(&wq->waiters, &w->link);
	else
		list_add_tail(&wq->waiters, &w->link);
}

static void join(struct waitqueue *wq, struct waiter *w)
{
	uint64_t flags;

	/* Only its owner takes a waiter in or out, so this needs no lock. */
	if (!list_empty(&w->link))
		return;
	flags = spin_lock_irqsave(&wq->lock);
	w->queue = wq;
	enqueue_locked(wq, w);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void wait_add(struct waitqueue *wq, struct waiter *w)
{
	join(wq, w);
	/* The caller looks at its condition next, perhaps without a lock that would order the two. */
	atomic_thread_fence(memory_order_seq_cst);
}

void wait_remove(struct waiter *w)
{
	uint64_t flags;

	if (!w->queue)
		return;
	flags = spin_lock_irqsave(&w->queue->lock);
	list_del(&w->link);
	spin_unlock_irqrestore(&w->queue->lock, flags);
}

void wait_prepare(struct waitqueue *wq, struct waiter *w, bool interruptible)
{
	join(wq, w);
	/* Sequentially consistent: a full barrier between joining and the look at the condition. */
	atomic_store(&current_task()->state, interruptible ? TASK_SLEEPING_INTR : TASK_SLEEPING);
}

static void unblock(void)
{
	atomic_store_explicit(&current_task()->state, TASK_RUNNABLE, memory_order_relaxed);
}

void wait_finish(struct waitqueue *wq, struct waiter *w)
{
	(void)wq;
	unblock();
	wait_remove(w);
}

struct sleeper {
	struct timer timer;
	struct task *task;
};

static void time_out(struct timer *timer)
{
	task_wake(container_of(timer, struct sleeper, timer)->task);
}

static __noinline int sleep_with_timer(uint64_t deadline_ns)
{
	struct sleeper s = { .task = current_task() };

	if (time_now_ns() >= deadline_ns) {
		unblock();
		return -ETIMEDOUT;
	}
	timer_init(&s.timer, time_out);
	timer_arm(&s.timer, deadline_ns);
	schedule();
	timer_cancel(&s.timer);
	return time_now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

int wait_sleep(uint64_t deadline_ns, bool interruptible)
{
	int err = 0;

	if (interruptible && signal_pending()) {
		unblock();
		return -EINTR;
	}
	if (deadline_ns == WAIT_FOREVER)
		schedule();
	else
		err = sleep_with_timer(deadline_ns);
	if (interruptible && signal_pending())
		err = -EINTR;
	return err;
}

int sleep_until(uint64_t deadline_ns, bool interruptible)
{
	int err;

	do {
		atomic_store(&current_task()->state, interruptible ? TASK_SLEEPING_INTR : TASK_SLEEPING);
		err = wait_sleep(deadline_ns, interruptible);
	} while (err == 0);
	return err == -ETIMEDOUT ? 0 : err;
}

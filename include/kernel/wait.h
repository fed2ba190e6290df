/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues: everything that sleeps, sleeps here.
 *
 *	wait_event(&wq, condition)                 until the condition holds
 *	err = wait_event_interruptible(&wq, cond)  0, or -EINTR when a signal is pending
 *	err = wait_event_timeout(&wq, cond, deadline_ns, interruptible)   also -ETIMEDOUT
 *
 * The condition is evaluated without any lock: it must be safe to read so, or take its own lock.
 * The waker changes the condition first and then wakes.  Waking is safe from interrupt handlers.
 *
 * A waker of files may say what has happened (POLL* bits): who waits for something else is left alone.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

struct task;

struct waitqueue {
	struct spinlock lock; /* RANK_WAITQUEUE */
	struct list waiters;  /* [lock] exclusive ones last, else oldest first unless both kinds are there */
};

#define WAIT_EVENTS_ALL UINT32_MAX /* a waker that does not say */

/* A place in the queue.  Usually on the waiter's stack; poll keeps several.  wake() is called with
 * the queue's lock held and returns true when it used up an exclusive wake-up. */
struct waiter {
	struct list link; /* [queue lock] */
	struct task *task;
	bool (*wake)(struct waiter *w, uint32_t events);
	bool exclusive;
	struct waitqueue *queue;
};

#define WAITQUEUE_INIT(wq)                                                                             \
	{                                                                                              \
		.lock = SPINLOCK_INIT("waitqueue", RANK_WAITQUEUE), .waiters = LIST_INIT((wq).waiters) \
	}

void waitqueue_init(struct waitqueue *wq);
/* Does anybody stand in it?  A hint: who is about to join has not looked at its condition yet. */
static inline bool waitqueue_active(const struct waitqueue *wq)
{
	return READ_ONCE(wq->waiters.next) != &wq->waiters;
}
/* Wake all non-exclusive waiters and one exclusive one / everybody. */
void wake_up(struct waitqueue *wq);
void wake_up_all(struct waitqueue *wq);
/* As wake_up: these events (POLL*) have come. */
void wake_up_events(struct waitqueue *wq, uint32_t events);

#define WAIT_FOREVER UINT64_MAX

/* The pieces of wait_event: enqueue and mark the task as sleeping, sleep, take it out again. */
void waiter_init(struct waiter *w, bool exclusive);
void wait_prepare(struct waitqueue *wq, struct waiter *w, bool interruptible);
/* Sleep unless already woken.  0, -EINTR (interruptible and a signal is pending), -ETIMEDOUT. */
int wait_sleep(uint64_t deadline_ns, bool interruptible);
void wait_finish(struct waitqueue *wq, struct waiter *w);
/* For poll: add a waiter whose wake-up only wakes its task, without changing the task's state. */
void wait_add(struct waitqueue *wq, struct waiter *w);
void wait_remove(struct waiter *w);

/* Poll: register the caller's waiter(s) on the queues that matter, then report what is ready. */
struct poll_table {
	void (*add)(struct poll_table *table, struct waitqueue *wq);
};

#define wait_event_timeout(wq, cond, deadline, intr)             \
	({                                                       \
		struct waiter w_ __attribute__((uninitialized)); \
		int err_ = 0;                                    \
		waiter_init(&w_, false);                         \
		for (;;) {                                       \
			wait_prepare(wq, &w_, intr);             \
			if (cond) {                              \
				err_ = 0;                        \
				break;                           \
			}                                        \
			if (err_)                                \
				break;                           \
			err_ = wait_sleep(deadline, intr);       \
		}                                                \
		wait_finish(wq, &w_);                            \
		err_;                                            \
	})

#define wait_event_interruptible(wq, cond) wait_event_timeout(wq, cond, WAIT_FOREVER, true)
#define wait_event(wq, cond)               ((void)wait_event_timeout(wq, cond, WAIT_FOREVER, false))

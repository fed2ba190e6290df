/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Permission events: a thread that asks whether it may, and who answers (fanotify_priv.h has the states).
 *
 * The groups that want to be asked are found anew each time, the next in order after the last one asked: so
 * nothing is kept of them while the thread waits, and they may come and go.
 */
#include "fanotify_priv.h"

#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#include "../vfs_priv.h"

/* --- who asks ------------------------------------------------------------------------------------------- */

void fan_inquire_locked(struct fan_inquiry *q, struct fan_group *g, uint32_t mask)
{
	if (g->order <= q->last || (q->group && q->group->order < g->order))
		return;
	q->group = g;
	q->event.mask = mask;
}

/* Puts the inquiry into the queue of the next group: true.  One whose queue is full is not asked, as nothing
 * that it had to answer for is lost. */
static bool ask_next_locked(struct fan_inquiry *q, struct news *n)
{
	struct fan_group *g;

	do {
		q->group = NULL;
		watch_tell_all_locked(n);
		g = q->group;
		if (!g)
			return false;
		q->last = g->order;
		q->state = INQUIRY_QUEUED;
		q->fd = -1;
		q->id = ++g->last_inquiry;
		q->event.pid = g->flags & FAN_REPORT_TID ? current_thread()->tid : current_process()->pid;
	} while (!fan_enqueue_locked(g, &q->event));
	return true;
}

#define RETRY_NS (10 * NSEC_PER_MSEC)

static bool has_to_leave(void)
{
	return atomic_load_explicit(&current_task()->work, memory_order_relaxed) &
	       ~(TASK_WORK_SIGNAL | TASK_WORK_RSEQ);
}

/* Only the thread's end, or that of a capability, ends the wait before there is an answer: another signal has
 * to wait. */
static int wait_for_answer(struct fan_inquiry *q)
{
	int err;

	for (;;) {
		err = wait_event_interruptible(&q->answered, READ_ONCE(q->state) == INQUIRY_ANSWERED);
		if (err == 0 || has_to_leave())
			return err;
		err = wait_event_timeout(&q->answered, READ_ONCE(q->state) == INQUIRY_ANSWERED,
					 time_now_ns() + RETRY_NS, false);
		if (err == 0)
			return 0;
	}
}

/* Takes an inquiry without an answer back: nobody knows it any more. */
static void withdraw_locked(struct fan_inquiry *q)
{
	list_del(&q->event.link);
	if (q->state == INQUIRY_QUEUED)
		q->group->count--;
}

static int ask_one(struct fan_inquiry *q)
{
	int err = wait_for_answer(q);

	spin_lock(&watch_lock);
	if (q->state != INQUIRY_ANSWERED)
		withdraw_locked(q);
	else
		err = q->answer == FAN_ALLOW ? 0 : -EPERM;
	spin_unlock(&watch_lock);
	return err == -EINTR ? -ERESTARTSYS : err;
}

int fanotify_ask(struct news *n)
{
	struct fan_inquiry q = { .event = { .path = { n->mount, n->about }, .inquiry = &q } };
	bool asked;
	int err;

	if (!in_user_thread())
		return 0;
	waitqueue_init(&q.answered);
	q.event.process = current_process()->id;
	n->inquirer = &q;
	do {
		spin_lock(&watch_lock);
		asked = ask_next_locked(&q, n);
		spin_unlock(&watch_lock);
		err = asked ? ask_one(&q) : 0;
	} while (asked && err == 0);
	n->inquirer = NULL;
	return err;
}

/* --- who answers ---------------------------------------------------------------------------------------- */

void fan_answer_locked(struct fan_inquiry *q, uint32_t answer)
{
	list_del(&q->event.link);
	q->answer = answer;
	WRITE_ONCE(q->state, INQUIRY_ANSWERED);
	wake_up(&q->answered);
}

void fan_inquiry_given(struct fan_group *g, uint64_t id, int fd)
{
	struct fan_event *e, *next;

	spin_lock(&watch_lock);
	list_for_each_safe (e, next, &g->inquiries, link) {
		if (e->inquiry->id != id)
			continue;
		e->inquiry->fd = fd;
		if (fd < 0)
			fan_answer_locked(e->inquiry, FAN_DENY);
	}
	spin_unlock(&watch_lock);
}

static int answer(struct fan_group *g, const struct abi_fanotify_response *r)
{
	struct fan_event *e, *next;
	int err = -ENOENT;

	if ((r->response != FAN_ALLOW && r->response != FAN_DENY) || r->fd < 0)
		return -EINVAL;
	spin_lock(&watch_lock);
	list_for_each_safe (e, next, &g->inquiries, link) {
		if (e->inquiry->fd != r->fd)
			continue;
		fan_answer_locked(e->inquiry, r->response);
		err = 0;
		break;
	}
	spin_unlock(&watch_lock);
	return err;
}

ssize_t fan_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct abi_fanotify_response r;
	int err;

	(void)pos;
	if (io->left < sizeof(r))
		return -EINVAL;
	if (iobuf_read(io, &r, sizeof(r)) != (ssize_t)sizeof(r))
		return -EFAULT;
	err = answer(fan_group_of(file), &r);
	return err < 0 ? err : (ssize_t)sizeof(r);
}

static void allow_all_locked(struct list *events)
{
	struct fan_event *e, *next;

	list_for_each_safe (e, next, events, link) {
		if (e->inquiry)
			fan_answer_locked(e->inquiry, FAN_ALLOW);
	}
}

void fan_answer_all(struct fan_group *g)
{
	spin_lock(&watch_lock);
	allow_all_locked(&g->events);
	allow_all_locked(&g->inquiries);
	spin_unlock(&watch_lock);
}

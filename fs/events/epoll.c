/* SPDX-License-Identifier: BSD-2-Clause */
/* Epoll: who waits, and what they are told. */
#include <kernel/epoll.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/slab.h>

#include "epoll_priv.h"

/* --- telling -------------------------------------------------------------------------------------------- */

/* A sleeper is not in the queue yet when it looks at the ready list for the first time, so the fences of
 * wake_up are needed in front of these looks, too. */
bool epoll_announce(struct epoll *ep)
{
	bool somebody;

	atomic_thread_fence(memory_order_seq_cst);
	somebody = waitqueue_active(&ep->sleepers);
	if (somebody)
		wake_up(&ep->sleepers);
	if (waitqueue_active(&ep->watchers)) {
		wake_up_events(&ep->watchers, POLLIN | POLLRDNORM);
		somebody = true;
	}
	return somebody;
}

static bool has_news(const struct epoll *ep)
{
	return READ_ONCE(ep->ready.next) != &ep->ready;
}

/* --- taking items off the ready list -------------------------------------------------------------------- */

/* An item that is being asked, and what for.  `item` NULL: it was asked in passing, and `events` are what it
 * is ready for. */
struct asked {
	struct epoll_item *item;
	uint64_t data;
	uint32_t events, version;
};

/* Level-triggered, and its object tells without a lock. */
static bool tells_in_passing(const struct epoll_item *item)
{
	return !(item->events & (EPOLLET | EPOLLONESHOT)) && object_is_file(item->target) &&
	       file_of(item->target)->ops->poll_is_plain;
}

/* Asked under the lock it needs no claim and no references: its end takes the lock before its object goes. */
static bool ask_in_passing_locked(struct epoll_item *item, uint64_t round, struct asked *a)
{
	struct file *file = file_of(item->target);
	uint32_t events = file->ops->poll(file, NULL) & item->events & ~EPOLL_HOW & ~item->denied;

	if (!events)
		return false;
	item->round = round;
	list_add_tail(&item->epoll->ready, &item->link);
	*a = (struct asked){ NULL, item->data, events, 0 };
	return true;
}

/* The caller is to ask it and to give it back.  False: its object is going, and so is the item. */
static bool take_to_ask_locked(struct epoll_item *item, uint64_t round, struct asked *a)
{
	if (!kobject_get_unless_gone(item->target))
		return false;
	kobject_get(&item->object);
	item->round = round;
	item->busy = true;
	item->heard = false;
	item->epoll->claimed++;
	*a = (struct asked){ item, item->data, item->events, item->version };
	return true;
}

/* The next item of a round; false: none is left, or the next was taken since the round began, by this one or
 * by another.  A round's number is drawn with its first item, so there is one if the list has any. */
static bool take(struct epoll *ep, uint64_t *round, struct asked *a)
{
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	struct epoll_item *item;
	bool found = false;

	if (*round == 0)
		*round = ++ep->rounds;
	while (!found && !list_empty(&ep->ready)) {
		item = list_first(&ep->ready, struct epoll_item, link);
		if (item->round >= *round)
			break;
		list_del(&item->link);
		found = likely(tells_in_passing(item)) ? ask_in_passing_locked(item, *round, a)
						       : take_to_ask_locked(item, *round, a);
	}
	spin_unlock_irqrestore(&ep->lock, flags);
	return found;
}

/* `again`: it belongs on the ready list.  `spent`: of a one-shot item.  What was changed meanwhile is looked
 * at anew. */
static void give_back(const struct asked *a, bool again, bool spent)
{
	struct epoll_item *item = a->item;
	struct epoll *ep = item->epoll;
	struct kobject *target = item->target;
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	bool idle;

	if (spent && item->version == a->version)
		item->events &= EPOLL_HOW;
	item->busy = false;
	if ((again || item->heard || item->version != a->version) && (item->events & ~EPOLL_HOW))
		epoll_item_heard_locked(item);
	idle = --ep->claimed == 0;
	spin_unlock_irqrestore(&ep->lock, flags);
	if (unlikely(idle && waitqueue_active(&ep->sleepers)))
		wake_up_all(&ep->sleepers);
	kobject_put(target);
	kobject_put(&item->object);
}

static uint32_t ask(const struct asked *a)
{
	if (!(a->events & ~EPOLL_HOW))
		return 0;
	return object_poll(a->item->target, NULL) & a->events & ~EPOLL_HOW & ~a->item->denied;
}

/* 1: told; 0: nothing to tell; -EFAULT. */
static int tell(const struct asked *a, uaddr_t out)
{
	uint32_t events = a->item ? ask(a) : a->events;
	struct abi_epoll_event event = { events, a->data };
	bool told = events && likely(copy_to_user(out, &event, sizeof(event)) == 0);

	if (a->item)
		give_back(a, events && (!told || !(a->events & (EPOLLET | EPOLLONESHOT))),
			  told && (a->events & EPOLLONESHOT));
	return told ? 1 : events ? -EFAULT : 0;
}

/* One round; how many were told, or -EFAULT if none was. */
static int tell_all(struct epoll *ep, uaddr_t out, int max)
{
	uint64_t round = 0;
	struct asked a;
	int count = 0, told = 0;

	while (count < max && told >= 0 && take(ep, &round, &a)) {
		told = tell(&a, out + (uint32_t)count * sizeof(struct abi_epoll_event));
		if (told > 0)
			count++;
	}
	/* What stays ready is for the next one, too. */
	if (has_news(ep))
		epoll_announce(ep);
	return count > 0 ? count : told;
}

/* --- waiting -------------------------------------------------------------------------------------------- */

static int sleep_for_news(struct epoll *ep, uint64_t deadline_ns)
{
	struct waiter w;
	int err = 0;

	waiter_init(&w, true);
	for (;;) {
		wait_prepare(&ep->sleepers, &w, true);
		if (has_news(ep) || err)
			break;
		err = wait_sleep(deadline_ns, true);
	}
	wait_finish(&ep->sleepers, &w);
	/* A wake-up that was spent on this thread must not be lost. */
	return has_news(ep) ? 0 : err;
}

/* Nothing is on the list, but somebody who asks an item may put it back. */
static void wait_for_others(struct epoll *ep)
{
	wait_event(&ep->sleepers, has_news(ep) || READ_ONCE(ep->claimed) == 0);
}

/* A sleep was interrupted: by a signal, by the end of `cap`, or by a revocation that is none of this call's
 * business.  The word of that goes first: one that comes later is seen in the capability, or interrupts
 * again. */
static bool must_leave(const struct capability *cap)
{
	bool signal = signal_confirm_call();

	return cap_is_revoked(cap) || signal;
}

int epoll_wait_events(struct file *file, const struct capability *cap, uaddr_t out, int max,
		      uint64_t deadline_ns)
{
	struct epoll *ep = epoll_of(file);
	int err, told = 0;

	for (;;) {
		if (has_news(ep))
			told = tell_all(ep, out, max);
		if (told != 0)
			return told;
		if (deadline_ns == 0) {
			if (likely(READ_ONCE(ep->claimed) == 0 && !has_news(ep)))
				return 0;
			wait_for_others(ep);
			if (!has_news(ep))
				return 0;
			continue;
		}
		err = sleep_for_news(ep, deadline_ns);
		if (err == -ETIMEDOUT)
			deadline_ns = 0;
		else if (err < 0 && must_leave(cap))
			return err;
	}
}

/* --- as a file ------------------------------------------------------------------------------------------ */

struct epoll *epoll_of(const struct file *file)
{
	return file->private;
}

/* Is anything on the list really ready?  What is not goes; the first that is goes to the end. */
static bool is_ready(struct epoll *ep)
{
	uint64_t round = 0;
	struct asked a;
	bool ready = false;

	while (!ready && has_news(ep)) {
		if (!take(ep, &round, &a)) {
			round = 0;
			continue;
		}
		if (!a.item)
			return true;
		ready = ask(&a) != 0;
		give_back(&a, ready, false);
	}
	return ready;
}

static uint32_t epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *ep = epoll_of(file);

	if (table)
		table->add(table, &ep->watchers);
	return is_ready(ep) ? POLLIN | POLLRDNORM : 0;
}

static void epoll_info(struct file *file, char *buf, size_t size)
{
	struct epoll *ep = epoll_of(file);
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	size_t used = 0;

	for (struct rb_node *n = rb_first(&ep->items); n && used + 1 < size; n = rb_next(n)) {
		const struct epoll_item *item = rb_entry(n, struct epoll_item, node);
		const struct file *target = object_is_file(item->target) ? file_of(item->target) : NULL;
		const struct vnode *v = target ? target->vnode : NULL;

		used += (size_t)scnprintf(
			buf + used, size - used,
			"tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n", item->fd, item->events,
			item->data, target ? READ_ONCE(target->pos) : 0, v ? v->ino : item->target->id, 0);
	}
	spin_unlock_irqrestore(&ep->lock, flags);
}

static void epoll_release(struct file *file)
{
	struct epoll *ep = epoll_of(file);

	epoll_end_items(ep);
	epoll_put(ep);
}

static const struct file_ops epoll_ops = {
	.name = "anon_inode:[eventpoll]",
	.seek = event_seek,
	.poll = epoll_poll,
	.info = epoll_info,
	.release = epoll_release,
};

bool file_is_epoll(const struct file *file)
{
	return file->ops == &epoll_ops;
}

struct epoll *object_epoll(struct kobject *obj)
{
	if (!object_is_file(obj) || !file_is_epoll(file_of(obj)))
		return NULL;
	return epoll_of(file_of(obj));
}

void epoll_put(struct epoll *ep)
{
	if (refcount_put(&ep->refs))
		kfree(ep);
}

static struct epoll *make(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep));

	if (!ep)
		return NULL;
	refcount_set(&ep->refs, 1);
	spin_init(&ep->lock, "epoll", RANK_EPOLL);
	list_init(&ep->ready);
	list_init(&ep->watches);
	list_init(&ep->watched_by);
	waitqueue_init(&ep->sleepers);
	spin_init(&ep->sleepers.lock, "epoll sleepers", RANK_EPOLL_SLEEPERS);
	waitqueue_init(&ep->watchers);
	spin_init(&ep->watchers.lock, "epoll watchers", RANK_EPOLL_WATCHERS);
	return ep;
}

int epoll_create(uint32_t flags, struct file **out)
{
	struct epoll *ep;

	if (flags & ~(uint32_t)EPOLL_CLOEXEC)
		return -EINVAL;
	ep = make();
	if (!ep)
		return -ENOMEM;
	*out = event_file(&epoll_ops, O_RDWR, ep);
	if (*out)
		return 0;
	epoll_put(ep);
	return -ENOMEM;
}

/* --- epoll_ctl ------------------------------------------------------------------------------------------ */

/* What may go with EPOLLEXCLUSIVE. */
#define EXCLUSIVE_MAY (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* A descriptor opened with O_PATH counts as none. */
static int why_unwatched(const struct kobject *obj)
{
	if (object_is_file(obj) && (atomic_load(&container_of(obj, struct file, object)->flags) & O_PATH))
		return -EBADF;
	return -EPERM;
}

static int check(const struct epoll *ep, int op, struct capability *target,
		 const struct abi_epoll_event *event)
{
	const struct epoll *inner = object_epoll(target->object);

	if (!object_can_poll(target->object))
		return why_unwatched(target->object);
	if (inner == ep)
		return -EINVAL;
	if (op == EPOLL_CTL_DEL)
		return 0;
	if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD)
		return -EINVAL;
	if (event->events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD || inner || (event->events & ~EXCLUSIVE_MAY))
			return -EINVAL;
	}
	/* Hangup and errors are everybody's. */
	return event->events & poll_events_denied(target) ? -EPERM : 0;
}

int epoll_control(struct file *file, int op, int fd, struct capability *target,
		  const struct abi_epoll_event *event)
{
	struct epoll *ep = epoll_of(file);
	struct abi_epoll_event set = { 0 };
	int err;

	if (op != EPOLL_CTL_DEL) {
		/* The machine never sleeps: there is nothing that EPOLLWAKEUP could prevent. */
		set.events = (event->events | POLLERR | POLLHUP) & ~EPOLLWAKEUP;
		set.data = event->data;
	}
	err = check(ep, op, target, &set);
	if (err < 0)
		return err;
	if (op == EPOLL_CTL_ADD)
		return epoll_item_add(ep, fd, target, &set);
	if (op == EPOLL_CTL_MOD)
		return epoll_item_modify(ep, fd, target, &set);
	return epoll_item_remove(ep, fd, target->object);
}

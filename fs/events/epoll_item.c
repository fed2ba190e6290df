/* SPDX-License-Identifier: BSD-2-Clause */
/* One watched descriptor of an epoll: how it comes to be, hears of events, and ends. */
#include <kernel/cap.h>
#include <kernel/slab.h>

#include "epoll_priv.h"

static struct epoll_item *item_of(struct kobject *obj)
{
	return container_of(obj, struct epoll_item, object);
}

static void release(struct kobject *obj)
{
	struct epoll_item *item = item_of(obj);

	epoll_put(item->epoll);
	kfree(item);
}

static const struct kobject_ops item_object_ops = { .release = release };

/* --- the tree: by object, then number ------------------------------------------------------------------- */

static bool is_before(const struct kobject *target, int fd, const struct epoll_item *item)
{
	return target != item->target ? target < item->target : fd < item->fd;
}

static struct epoll_item *find_locked(struct epoll *ep, const struct kobject *target, int fd)
{
	struct rb_node *node = ep->items.root;

	while (node) {
		struct epoll_item *item = rb_entry(node, struct epoll_item, node);

		if (item->target == target && item->fd == fd)
			return item;
		node = is_before(target, fd, item) ? node->left : node->right;
	}
	return NULL;
}

/* False: there is one already. */
static bool insert_locked(struct epoll *ep, struct epoll_item *item)
{
	struct rb_node **link = &ep->items.root, *parent = NULL;

	while (*link) {
		struct epoll_item *other = rb_entry(*link, struct epoll_item, node);

		if (other->target == item->target && other->fd == item->fd)
			return false;
		parent = *link;
		link = is_before(item->target, item->fd, other) ? &parent->left : &parent->right;
	}
	rb_insert(&ep->items, &item->node, parent, link);
	return true;
}

/* --- hearing of events ---------------------------------------------------------------------------------- */

void epoll_item_heard_locked(struct epoll_item *item)
{
	assert_held(&item->epoll->lock);
	if (item->ended)
		return;
	if (item->busy)
		item->heard = true;
	else if (list_empty(&item->link))
		list_add_tail(&item->epoll->ready, &item->link);
}

/* In front of a queue's lock, perhaps in an interrupt. */
static bool item_wake(struct waiter *w, uint32_t events)
{
	struct epoll_item *item = container_of(w, struct epoll_waiter, waiter)->item;
	struct epoll *ep = item->epoll;
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	bool news = item->events & ~EPOLL_HOW & events;

	if (news)
		epoll_item_heard_locked(item);
	spin_unlock_irqrestore(&ep->lock, flags);
	return news && epoll_announce(ep);
}

/* --- the end -------------------------------------------------------------------------------------------- */

/* True: the end is the caller's. */
static bool claim_locked(struct epoll_item *item)
{
	if (item->ended)
		return false;
	if (item->making) {
		item->doomed = true;
		return false;
	}
	item->ended = true;
	list_del(&item->link);
	rb_erase(&item->epoll->items, &item->node);
	return true;
}

static bool claim(struct epoll_item *item)
{
	uint64_t flags = spin_lock_irqsave(&item->epoll->lock);
	bool claimed = claim_locked(item);

	spin_unlock_irqrestore(&item->epoll->lock, flags);
	return claimed;
}

static void remove_waiters(struct epoll_item *item)
{
	struct epoll_waiter *w = item->waiters, *next;

	for (; w; w = next) {
		next = w->next;
		wait_remove(&w->waiter);
		if (w != &item->waiter)
			kfree(w);
	}
}

/* Of what the caller has claimed, or is making: no call of it is under way any more but in who asks it. */
static void end(struct epoll_item *item)
{
	remove_waiters(item);
	if (object_epoll(item->target))
		epoll_unnest(item);
	kobject_unobserve(item->target, &item->observer);
	if (item->cap)
		cap_drop(item->cap);
	kobject_put(&item->object);
}

static bool claim_for_target(struct kobject_observer *o)
{
	return claim(container_of(o, struct epoll_item, observer));
}

static void end_for_target(struct kobject_observer *o)
{
	end(container_of(o, struct epoll_item, observer));
}

static void revoked(struct capability *cap, void *holder)
{
	(void)cap;
	if (claim(holder))
		end(holder);
}

static const struct cap_holder_ops item_holder_ops = { .revoked = revoked };

void epoll_end_items(struct epoll *ep)
{
	for (;;) {
		uint64_t flags = spin_lock_irqsave(&ep->lock);
		struct epoll_item *item =
			ep->items.root ? rb_entry(ep->items.root, struct epoll_item, node) : NULL;

		if (item && !claim_locked(item))
			item = NULL;
		spin_unlock_irqrestore(&ep->lock, flags);
		if (!item)
			return;
		end(item);
	}
}

/* --- the beginning -------------------------------------------------------------------------------------- */

struct item_table {
	struct poll_table table;
	struct epoll_item *item;
	bool failed; /* no memory */
};

static void add_waiter(struct poll_table *table, struct waitqueue *wq)
{
	struct item_table *it = container_of(table, struct item_table, table);
	struct epoll_item *item = it->item;
	struct epoll_waiter *w = item->waiters ? kmalloc(sizeof(*w)) : &item->waiter;

	if (!w) {
		it->failed = true;
		return;
	}
	waiter_init(&w->waiter, item->events & EPOLLEXCLUSIVE);
	w->waiter.wake = item_wake;
	w->item = item;
	w->next = item->waiters;
	item->waiters = w;
	wait_add(wq, &w->waiter);
}

static struct epoll_item *make(struct epoll *ep, int fd, struct capability *target,
			       const struct abi_epoll_event *event)
{
	struct epoll_item *item = kzalloc(sizeof(*item));

	if (!item)
		return NULL;
	kobject_init(&item->object, OBJECT_NONE, &item_object_ops);
	refcount_get(&ep->refs);
	item->epoll = ep;
	item->target = target->object;
	item->observer.claim = claim_for_target;
	item->observer.end = end_for_target;
	item->fd = fd;
	item->denied = poll_events_denied(target);
	item->events = event->events;
	item->data = event->data;
	item->making = item->busy = true;
	list_init(&item->link);
	list_init(&item->in_watches);
	list_init(&item->in_watched_by);
	kobject_observe(item->target, &item->observer);
	return item;
}

static int join_queues(struct epoll_item *item, uint32_t *ready)
{
	struct item_table it = { .table.add = add_waiter, .item = item };

	*ready = object_poll(item->target, &it.table);
	return it.failed ? -ENOMEM : 0;
}

/* Everything is in place: from now on it counts. */
static int finish(struct epoll_item *item, uint32_t ready)
{
	struct epoll *ep = item->epoll;
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	int err = 0;

	if (item->doomed)
		err = -EBADF;
	else if (!insert_locked(ep, item))
		err = -EEXIST;
	if (err == 0) {
		item->making = item->busy = false;
		if (item->heard || (ready & item->events & ~item->denied))
			epoll_item_heard_locked(item);
		ready = !list_empty(&item->link);
	} else {
		item->ended = true;
	}
	spin_unlock_irqrestore(&ep->lock, flags);
	if (err == 0 && ready)
		epoll_announce(ep);
	return err;
}

static bool is_there(struct epoll *ep, const struct kobject *target, int fd)
{
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	bool there = find_locked(ep, target, fd);

	spin_unlock_irqrestore(&ep->lock, flags);
	return there;
}

int epoll_item_add(struct epoll *ep, int fd, struct capability *target, const struct abi_epoll_event *event)
{
	struct epoll *inner = object_epoll(target->object);
	struct epoll_item *item;
	uint32_t ready;
	int err = 0;

	if (is_there(ep, target->object, fd))
		return -EEXIST;
	item = make(ep, fd, target, event);
	if (!item)
		return -ENOMEM;
	if (inner)
		err = epoll_nest(item, inner);
	if (err == 0)
		err = cap_hold_via(target, &item->object, &item_holder_ops, item, &item->cap);
	if (err == 0)
		err = join_queues(item, &ready);
	if (err == 0)
		err = finish(item, ready);
	if (err < 0)
		end(item);
	return err;
}

int epoll_item_modify(struct epoll *ep, int fd, struct capability *target,
		      const struct abi_epoll_event *event)
{
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	struct epoll_item *item = find_locked(ep, target->object, fd);
	int err = item ? 0 : -ENOENT;

	if (item && (item->events & EPOLLEXCLUSIVE))
		err = -EINVAL;
	if (err == 0) {
		item->events = event->events;
		item->data = event->data;
		item->version++;
		/* Whether it is ready, in the new sense, is for whoever takes it off the list. */
		epoll_item_heard_locked(item);
	}
	spin_unlock_irqrestore(&ep->lock, flags);
	if (err == 0 && (object_poll(target->object, NULL) & event->events))
		epoll_announce(ep);
	return err;
}

int epoll_item_remove(struct epoll *ep, int fd, struct kobject *target)
{
	uint64_t flags = spin_lock_irqsave(&ep->lock);
	struct epoll_item *item = find_locked(ep, target, fd);

	if (item && !claim_locked(item))
		item = NULL;
	spin_unlock_irqrestore(&ep->lock, flags);
	if (!item)
		return -ENOENT;
	end(item);
	return 0;
}

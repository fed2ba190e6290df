/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an epoll is made of.
 *
 * Each descriptor that it watches is an item, found by object and number.  Items of which something has been
 * heard are on the ready list: the wait queues of what they watch put them there.  Whoever wants events takes
 * items off that list, one at a time, asks what each is ready for, and puts back those that stay ready.  So
 * nothing is ever scanned.
 *
 * An item does not keep what it watches.  It ends once, by whoever claims that first: epoll_ctl, the end of
 * the epoll or of the watched object (struct kobject_observer), or a revocation of the capability that it was
 * made through, of which it holds a record.  Whoever has claimed it takes its waiters out of their queues.
 *
 * Locks: epoll.lock covers items and lists; wake-ups take it with a queue's lock held, so nothing is woken
 * under it, and nothing polled but what tells without a lock (file_ops.poll_is_plain).  `epoll_nest_lock`
 * covers which epoll watches which.
 */
#pragma once

#include <kernel/epoll.h>
#include <kernel/rbtree.h>

#include "events_priv.h"

struct epoll {
	struct refcount refs;      /* its file, and each item */
	struct spinlock lock;      /* RANK_EPOLL, interrupts off */
	struct list ready;         /* [lock] items that something was heard of, oldest first */
	struct rb_tree items;      /* [lock] */
	uint64_t rounds;           /* [lock] how often items were taken off the ready list in turn */
	uint32_t claimed;          /* [lock] items that somebody is asking now */
	struct waitqueue sleepers; /* threads in epoll_wait; exclusive */
	struct waitqueue watchers; /* who polls the epoll itself; other epolls, too */
	struct list watches;       /* [nest_lock] items of its own that watch epolls */
	struct list watched_by;    /* [nest_lock] items of others that watch it */
	uint64_t visit;            /* [nest_lock] the last look that came by, */
	unsigned visit_result;     /* and what it found */
};

struct epoll_waiter {
	struct waiter waiter;
	struct epoll_item *item;
	struct epoll_waiter *next;
};

struct epoll_item {
	struct kobject object; /* counts those who know it; what the record of its capability names */
	struct kobject_observer observer;
	struct epoll *epoll;          /* [i] referenced */
	struct kobject *target;       /* [i] there until the item has unobserved it */
	struct capability *cap;       /* [i] */
	struct epoll_waiter *waiters; /* [i] once it is made; the first is `waiter` */
	struct epoll_waiter waiter;
	int fd;                 /* [i] */
	uint32_t denied;        /* [i] events that the capability does not let it hear of */
	struct rb_node node;    /* [lock] */
	struct list link;       /* [lock] on the ready list */
	uint64_t data;          /* [lock] */
	uint32_t events;        /* [lock] asked for, and how */
	uint32_t version;       /* [lock] counts changes of those two */
	uint64_t round;         /* [lock] when it was taken off the ready list last */
	bool making;            /* [lock] not in the tree yet; ends nowhere but where it is made */
	bool busy;              /* [lock] somebody asks it: what is heard meanwhile is noted */
	bool heard;             /* [lock] so */
	bool doomed;            /* [lock] to end when it is made */
	bool ended;             /* [lock] somebody has claimed its end */
	struct list in_watches; /* [nest_lock] if it watches an epoll */
	struct list in_watched_by;
};

#define EPOLL_HOW (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

struct epoll *epoll_of(const struct file *file);
/* The epoll behind an object, or NULL. */
struct epoll *object_epoll(struct kobject *obj);
void epoll_put(struct epoll *ep);

/* It may have got events: tell one who waits for them, and all who poll it.  True: somebody waited. */
bool epoll_announce(struct epoll *ep);

/* --- epoll_item.c --- */

int epoll_item_add(struct epoll *ep, int fd, struct capability *target,
		   const struct abi_epoll_event *event) __must_check;
int epoll_item_modify(struct epoll *ep, int fd, struct capability *target,
		      const struct abi_epoll_event *event) __must_check;
int epoll_item_remove(struct epoll *ep, int fd, struct kobject *target) __must_check;
/* All of them; nobody has the epoll's file any more. */
void epoll_end_items(struct epoll *ep);
/* Back to the ready list, or a note that it belongs there; epoll.lock is held. */
void epoll_item_heard_locked(struct epoll_item *item);

/* --- epoll_nest.c --- */

/* `item` is to watch the epoll `inner`.  -ELOOP: that would be a circle, or too deep; -EINVAL: too many ways
 * lead from something through `inner` outwards. */
int epoll_nest(struct epoll_item *item, struct epoll *inner) __must_check;
void epoll_unnest(struct epoll_item *item);

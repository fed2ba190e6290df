/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epolls that watch epolls.  They form no circle, for a wake-up would run in it for ever; no chain longer
 * than NEST_MAX, for wake-ups and polls recurse along it; and from nothing inside do more than PATHS_MAX ways
 * lead outwards, for a wake-up goes all of them.
 *
 * Looks at the graph visit each epoll once: `visit` says whether this look has been there.
 */
#include "epoll_priv.h"

#define NEST_MAX  4u
#define PATHS_MAX 500u

static struct spinlock nest_lock = SPINLOCK_INIT("epoll nest", RANK_EPOLL_NEST);
static uint64_t visits; /* [nest_lock] */

/* How many epolls lie one in the other below this one, itself not counted; more than NEST_MAX where `outer`
 * is among them or it gets too deep. */
static unsigned depth_locked(struct epoll *ep, const struct epoll *outer, unsigned budget)
{
	struct epoll_item *item;
	unsigned deepest = 0;

	if (ep == outer || budget == 0)
		return NEST_MAX + 1;
	if (ep->visit == visits)
		return ep->visit_result;
	list_for_each (item, &ep->watches, in_watches)
		deepest = MAX(deepest, 1 + depth_locked(object_epoll(item->target), outer, budget - 1));
	ep->visit = visits;
	ep->visit_result = deepest;
	return deepest;
}

static unsigned height_locked(struct epoll *ep)
{
	struct epoll_item *item;
	unsigned highest = 0;

	if (ep->visit == visits)
		return ep->visit_result;
	list_for_each (item, &ep->watched_by, in_watched_by)
		highest = MAX(highest, 1 + height_locked(item->epoll));
	ep->visit = visits;
	ep->visit_result = highest;
	return highest;
}

/* Ways from this epoll outwards, to epolls that nobody watches. */
static unsigned paths_locked(struct epoll *ep)
{
	struct epoll_item *item;
	unsigned paths = 0;

	if (list_empty(&ep->watched_by))
		return 1;
	if (ep->visit == visits)
		return ep->visit_result;
	list_for_each (item, &ep->watched_by, in_watched_by)
		paths = MIN(paths + paths_locked(item->epoll), PATHS_MAX + 1);
	ep->visit = visits;
	ep->visit_result = paths;
	return paths;
}

/* Paths from the innermost ones are the most. */
static unsigned most_paths_locked(struct epoll *ep)
{
	unsigned most = paths_locked(ep);
	struct epoll_item *item;

	list_for_each (item, &ep->watches, in_watches)
		most = MAX(most, most_paths_locked(object_epoll(item->target)));
	return most;
}

static void link_locked(struct epoll_item *item, struct epoll *inner)
{
	list_add_tail(&item->epoll->watches, &item->in_watches);
	list_add_tail(&inner->watched_by, &item->in_watched_by);
}

static void unlink_locked(struct epoll_item *item)
{
	list_del(&item->in_watches);
	list_del(&item->in_watched_by);
}

static int nest_locked(struct epoll_item *item, struct epoll *inner)
{
	unsigned depth, height;

	visits++;
	depth = depth_locked(inner, item->epoll, NEST_MAX + 1);
	visits++;
	height = height_locked(item->epoll);
	if (depth + 1 + height > NEST_MAX)
		return -ELOOP;
	link_locked(item, inner);
	visits++;
	if (most_paths_locked(inner) <= PATHS_MAX)
		return 0;
	unlink_locked(item);
	return -EINVAL;
}

int epoll_nest(struct epoll_item *item, struct epoll *inner)
{
	int err;

	spin_lock(&nest_lock);
	err = nest_locked(item, inner);
	spin_unlock(&nest_lock);
	return err;
}

void epoll_unnest(struct epoll_item *item)
{
	spin_lock(&nest_lock);
	unlink_locked(item);
	spin_unlock(&nest_lock);
}

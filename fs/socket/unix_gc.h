/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which sockets under way can nobody reach any more?  Pure: the caller brings the lock and says what lies in
 * which queue.
 *
 * A node is a socket that has been sent and not received.  If it has other holders than the messages that it
 * is in, programs can receive what lies in its queue, and so on; likewise if it lies in the queue of a socket
 * that is no node, for that one is open somewhere.  What is left is held by nothing but each other.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

struct unix_gc_node {
	struct list link; /* among all nodes */
	uint32_t flights; /* messages that it is in, once for each time it is in one */
	/* For the collector. */
	struct list work;
	uint32_t inner; /* of the flights, those in queues of candidates */
	bool candidate, reachable;
};

struct unix_gc;
typedef void (*unix_gc_visit)(struct unix_gc *gc, struct unix_gc_node *inside);

struct unix_gc {
	struct list *nodes;
	struct list work; /* reachable, and their insides not looked at yet */
	/* Nobody but messages holds it. */
	bool (*only_in_flight)(const struct unix_gc_node *node);
	/* Call `visit` for each node that lies in the queue of `node`, as often as it does. */
	void (*each_inside)(struct unix_gc *gc, struct unix_gc_node *node, unix_gc_visit visit);
};

/* Marks nodes: those that are not reachable are garbage.  Their number. */
uint32_t unix_gc_mark(struct unix_gc *gc);

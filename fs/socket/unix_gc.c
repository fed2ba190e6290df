/* SPDX-License-Identifier: BSD-2-Clause */
#include "unix_gc.h"

#define for_each_node(node, gc) list_for_each (node, (gc)->nodes, link)

static void count_inside(struct unix_gc *gc, struct unix_gc_node *inside)
{
	(void)gc;
	inside->inner++;
}

static void reach(struct unix_gc *gc, struct unix_gc_node *node)
{
	if (node->reachable)
		return;
	node->reachable = true;
	list_add_tail(&gc->work, &node->work);
}

/* Each node and each message is looked at twice at most. */
uint32_t unix_gc_mark(struct unix_gc *gc)
{
	struct unix_gc_node *node;
	uint32_t garbage = 0;

	list_init(&gc->work);
	for_each_node(node, gc)
	{
		node->inner = 0;
		node->reachable = false;
		node->candidate = gc->only_in_flight(node);
	}
	for_each_node(node, gc) if (node->candidate) gc->each_inside(gc, node, count_inside);
	for_each_node(node, gc) if (!node->candidate || node->inner < node->flights) reach(gc, node);
	while (!list_empty(&gc->work)) {
		node = list_first(&gc->work, struct unix_gc_node, work);
		list_del(&node->work);
		gc->each_inside(gc, node, reach);
	}
	for_each_node(node, gc) garbage += !node->reachable;
	return garbage;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fair_queue.h"

#include <kernel/compiler.h>

#define NICE_LOWEST (-20)
#define NICE_COUNT  40
/* Products of weight and distance stay far from 64 bits while the base keeps up this closely. */
#define BASE_LAG_MAX (1ull << 32)

static const uint32_t weights[NICE_COUNT] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, /* -20 to -11 */
	9537,  7629,  6104,  4883,  3906,  3125,  2500,  2000,  1600,  1280,  /* -10 to -1 */
	1024,  819,   655,   524,   419,   336,   268,   215,   172,   137,   /* 0 to 9 */
	110,   88,    70,    56,    45,    36,    29,    23,    18,    15,    /* 10 to 19 */
};

uint32_t fair_weight(int nice)
{
	return weights[MAX(0, MIN(NICE_COUNT - 1, nice - NICE_LOWEST))];
}

uint64_t fair_virtual_scaled(uint64_t ns, uint32_t weight)
{
	return ns * WEIGHT_NICE_0 / weight;
}

static struct sched_fair *entity(struct rb_node *node)
{
	return node ? rb_entry(node, struct sched_fair, node) : NULL;
}

static int64_t weighted(const struct fair_queue *q, const struct sched_fair *e)
{
	return (int64_t)(e->vruntime - q->base) * (int64_t)e->weight;
}

static void tree_insert(struct rb_tree *tree, struct sched_fair *e)
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = fair_before(e->vruntime, entity(parent)->vruntime) ? &parent->left : &parent->right;
	}
	rb_insert(tree, &e->node, parent, link);
}

/* Before all others, also before those that have come as far. */
static void tree_insert_first(struct rb_tree *tree, struct sched_fair *e)
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	rb_insert(tree, &e->node, parent, link);
}

void fair_queue_insert(struct fair_queue *q, struct sched_fair *e)
{
	if (!q->first) {
		/* Nobody counts from it: start where the sums are small. */
		q->base = e->vruntime;
		q->first = e;
	} else if (fair_before(e->vruntime, q->first->vruntime)) {
		tree_insert_first(&q->tree, q->first);
		q->first = e;
	} else {
		tree_insert(&q->tree, e);
	}
	q->count++;
	q->load += e->weight;
	q->sum += weighted(q, e);
}

struct sched_fair *fair_queue_next(const struct fair_queue *q, const struct sched_fair *e)
{
	return entity(e == q->first ? rb_first(&q->tree) : rb_next(&e->node));
}

struct sched_fair *fair_queue_last(const struct fair_queue *q)
{
	return q->tree.root ? entity(rb_last(&q->tree)) : q->first;
}

struct sched_fair *fair_queue_prev(const struct fair_queue *q, const struct sched_fair *e)
{
	struct rb_node *node;

	if (e == q->first)
		return NULL;
	node = rb_prev(&e->node);
	return node ? entity(node) : q->first;
}

/* Time only moves on, so the base does too: to the least of what is queued. */
static void advance_base(struct fair_queue *q)
{
	uint64_t behind = q->first->vruntime - q->base;

	if (likely((int64_t)behind < (int64_t)BASE_LAG_MAX))
		return;
	q->sum -= (int64_t)(behind * q->load);
	q->base += behind;
}

static void remove_first(struct fair_queue *q)
{
	q->first = q->tree.root ? entity(rb_first(&q->tree)) : NULL;
	if (q->first)
		rb_erase(&q->tree, &q->first->node);
}

void fair_queue_remove(struct fair_queue *q, struct sched_fair *e)
{
	if (q->first == e)
		remove_first(q);
	else
		rb_erase(&q->tree, &e->node);
	q->count--;
	q->load -= e->weight;
	q->sum -= weighted(q, e);
	if (q->first)
		advance_base(q);
	else
		q->base = e->vruntime;
}

uint64_t fair_queue_time(const struct fair_queue *q, const struct sched_fair *running)
{
	int64_t sum = q->sum, load = (int64_t)q->load;

	if (running) {
		/* Alone, it is the average; and no sum can overflow. */
		if (!load)
			return running->vruntime;
		sum += weighted(q, running);
		load += running->weight;
	}
	return load ? q->base + (uint64_t)(sum / load) : q->base;
}

static void remember_lag(struct sched_fair *e, uint64_t time)
{
	int64_t lag = (int64_t)(time - e->vruntime);
	int64_t limit = (int64_t)fair_virtual(FAIR_LAG_MAX_NS, e->weight);

	e->lag = MAX(-limit, MIN(limit, lag));
}

void fair_leave_among(const struct fair_queue *q, struct sched_fair *e, const struct sched_fair *running)
{
	remember_lag(e, fair_queue_time(q, running));
}

void fair_leave_to_among(const struct fair_queue *q, struct sched_fair *e, const struct sched_fair *next)
{
	int64_t sum = q->sum + weighted(q, e) + weighted(q, next);
	int64_t load = (int64_t)(q->load + e->weight + next->weight);

	remember_lag(e, q->base + (uint64_t)(sum / load));
}

/* Whoever joins with a lag shifts the average towards itself.  With load W of the others and weight w, it has
 * lag l afterwards when it is placed l * (W + w) / W behind the average before.  l * w is bounded: see
 * fair_leave. */
uint64_t fair_place(const struct fair_queue *q, const struct sched_fair *e, const struct sched_fair *running)
{
	int64_t load = (int64_t)q->load + (running ? running->weight : 0);
	int64_t distance = 0;

	if (load && e->lag)
		distance = e->lag + e->lag * (int64_t)e->weight / load;
	return fair_queue_time(q, running) - (uint64_t)distance;
}

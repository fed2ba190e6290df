/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weighted virtual time, without locks or clocks: also compiled and tested on the host.
 *
 * Every entity has a virtual run time: the CPU time that it got, divided by its weight.  The queue's virtual
 * time is the average of its members' (the running one included), weighted: there, everybody has got exactly
 * their share.  The distance of an entity from it is its lag: positive when it is owed CPU time.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/sched_entity.h>

#define WEIGHT_NICE_0 1024u
#define WEIGHT_IDLE   3u /* SCHED_IDLE: a fifth of the least nice value's */
#define FAIR_SLICE_NS 4000000ull
/* Lag is remembered, but not without end: who was far behind does not block the others for long. */
#define FAIR_LAG_MAX_NS (2 * FAIR_SLICE_NS)

/* Who is first stands beside the tree: while only one waits, as of two that take turns, the tree is not
 * touched. */
struct fair_queue {
	struct sched_fair *first; /* the least virtual run time of all */
	struct rb_tree tree;      /* the others, by virtual run time */
	uint32_t count;
	uint64_t load; /* sum of weights */
	uint64_t base; /* virtual time that `sum` counts from */
	int64_t sum;   /* of weight * (vruntime - base): what the average is made of */
};

/* 1024 * 1.25 ^ -nice: a step of one changes the share of two competitors by 10%. */
uint32_t fair_weight(int nice);
uint64_t fair_virtual_scaled(uint64_t ns, uint32_t weight);
/* How far `ns` of CPU time takes an entity in virtual time.  Nearly all have nice 0: no division for them. */
static inline uint64_t fair_virtual(uint64_t ns, uint32_t weight)
{
	return likely(weight == WEIGHT_NICE_0) ? ns : fair_virtual_scaled(ns, weight);
}

void fair_queue_insert(struct fair_queue *q, struct sched_fair *e);
void fair_queue_remove(struct fair_queue *q, struct sched_fair *e);
/* In the order of virtual run time, from the first on and from the last back; NULL: no more. */
struct sched_fair *fair_queue_next(const struct fair_queue *q, const struct sched_fair *e);
struct sched_fair *fair_queue_last(const struct fair_queue *q);
struct sched_fair *fair_queue_prev(const struct fair_queue *q, const struct sched_fair *e);
/* The queue's virtual time; `running` (or NULL) belongs to it but does not wait in it. */
uint64_t fair_queue_time(const struct fair_queue *q, const struct sched_fair *running);

/* Remember the lag of an entity that is about to leave, and place one that is about to join so that it has
 * the lag that it left with.  Neither changes the queue. */
void fair_leave_among(const struct fair_queue *q, struct sched_fair *e, const struct sched_fair *running);
void fair_leave_to_among(const struct fair_queue *q, struct sched_fair *e, const struct sched_fair *next);
static inline void fair_leave(const struct fair_queue *q, struct sched_fair *e,
			      const struct sched_fair *running)
{
	/* Alone, it is the average. */
	if (running == e && !q->first)
		e->lag = 0;
	else
		fair_leave_among(q, e, running);
}

/* The running entity leaves while `next`, which does not wait any more, takes its place. */
static inline void fair_leave_to(const struct fair_queue *q, struct sched_fair *e,
				 const struct sched_fair *next)
{
	/* For each other they run strictly in turns: neither owes the other anything. */
	if (!q->first)
		e->lag = 0;
	else
		fair_leave_to_among(q, e, next);
}

/* The virtual run time that fair_join() gives. */
uint64_t fair_place(const struct fair_queue *q, const struct sched_fair *e, const struct sched_fair *running);
static inline void fair_join(const struct fair_queue *q, struct sched_fair *e,
			     const struct sched_fair *running)
{
	e->vruntime = fair_place(q, e, running);
}

/* `a` is less far than `b` in virtual time, which may wrap. */
static inline bool fair_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/sched/fair_queue.c kernel/lib/rbtree.c */
/* Weighted virtual time: shares follow weights, lag survives, sums stay right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/sched/fair_queue.h"

#define MS 1000000ull

static void a_step_of_nice_is_a_quarter(void **state)
{
	(void)state;
	assert_int_equal(fair_weight(0), WEIGHT_NICE_0);
	for (int nice = -20; nice < 19; nice++) {
		double ratio = (double)fair_weight(nice) / (double)fair_weight(nice + 1);

		assert_true(ratio > 1.19 && ratio < 1.31);
	}
	assert_int_equal(fair_weight(-100), fair_weight(-20));
	assert_int_equal(fair_weight(100), fair_weight(19));
}

/* What the queue should say, the slow way. */
static double average(const struct fair_queue *q, const struct sched_fair *running)
{
	double sum = 0, load = 0;

	for (const struct sched_fair *e = q->first; e; e = fair_queue_next(q, e)) {
		sum += (double)e->weight * (double)(int64_t)(e->vruntime - q->base);
		load += e->weight;
	}
	if (running) {
		sum += (double)running->weight * (double)(int64_t)(running->vruntime - q->base);
		load += running->weight;
	}
	return load > 0 ? sum / load : 0;
}

static void check_order(const struct fair_queue *q)
{
	const struct sched_fair *before = NULL;
	unsigned count = 0;

	for (const struct sched_fair *e = q->first; e; before = e, e = fair_queue_next(q, e), count++) {
		assert_true(!before || !fair_before(e->vruntime, before->vruntime));
		assert_ptr_equal(fair_queue_prev(q, e), before);
	}
	assert_ptr_equal(fair_queue_last(q), before);
	assert_int_equal(q->count, count);
}

static void check(const struct fair_queue *q, const struct sched_fair *running)
{
	double is = (double)(int64_t)(fair_queue_time(q, running) - q->base), due = average(q, running);

	assert_true(is - due < 2 + due / 1e9 && due - is < 2 + due / 1e9);
	check_order(q);
}

/* Who has come as far as others waits behind them, whoever else comes and goes before. */
static void equals_keep_their_order(void **state)
{
	struct sched_fair e[4] = { { .weight = 1024, .vruntime = 7 },
				   { .weight = 1024, .vruntime = 7 },
				   { .weight = 1024, .vruntime = 7 },
				   { .weight = 1024, .vruntime = 3 } };
	struct fair_queue q = { .base = 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		fair_queue_insert(&q, &e[i]);
	for (int i = 0; i < 4; i++) {
		check_order(&q);
		assert_ptr_equal(q.first, &e[(i + 3) % 4]);
		fair_queue_remove(&q, q.first);
	}
	assert_null(q.first);
	assert_null(fair_queue_last(&q));
}

static void sums_stay_right_over_random_joins_and_leaves(void **state)
{
	enum { N = 40 };
	static struct sched_fair e[N];
	struct fair_queue q = { .base = UINT64_MAX - 5 * MS }; /* it wraps on the way */
	bool in[N] = { false };

	(void)state;
	srand(1);
	for (int i = 0; i < N; i++)
		e[i] = (struct sched_fair){ .weight = fair_weight(rand() % 40 - 20) };
	for (int i = 0; i < 100000; i++) {
		int k = rand() % N;

		if (in[k]) {
			fair_leave(&q, &e[k], NULL);
			fair_queue_remove(&q, &e[k]);
			e[k].vruntime += (uint64_t)rand() % (20 * MS);
		} else {
			fair_join(&q, &e[k], NULL);
			fair_queue_insert(&q, &e[k]);
		}
		in[k] = !in[k];
		if (i % 16 == 0)
			check(&q, NULL);
	}
}

/* A CPU, in miniature: always who has the least, for a slice. */
static void run(struct fair_queue *q, uint64_t got[], const struct sched_fair *all, unsigned slices)
{
	for (unsigned i = 0; i < slices; i++) {
		struct sched_fair *e = q->first;

		fair_queue_remove(q, e);
		e->vruntime += fair_virtual(FAIR_SLICE_NS, e->weight);
		got[e - all] += FAIR_SLICE_NS;
		fair_queue_insert(q, e);
	}
}

static void shares_follow_weights(void **state)
{
	struct sched_fair e[5] = { { .weight = 0 } };
	struct fair_queue q = { .base = 0 };
	uint64_t got[5] = { 0 }, load = 0, total = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		e[i].weight = fair_weight(3 * i - 6);
		load += e[i].weight;
		fair_join(&q, &e[i], NULL);
		fair_queue_insert(&q, &e[i]);
	}
	run(&q, got, e, 20000);
	for (int i = 0; i < 5; i++)
		total += got[i];
	for (int i = 0; i < 5; i++) {
		double part = (double)got[i] / (double)total, due = (double)e[i].weight / (double)load;

		assert_true(part > due * 0.99 && part < due * 1.01);
	}
}

static void lag_survives_a_sleep_and_is_bounded(void **state)
{
	struct sched_fair a = { .weight = 1024 }, b = { .weight = 1024 }, c = { .weight = 512 };
	struct fair_queue q = { .base = 0 };
	int64_t before, after;

	(void)state;
	fair_queue_insert(&q, &a);
	b.vruntime = 3 * MS;
	fair_queue_insert(&q, &b);
	c.vruntime = 1 * MS;
	fair_queue_insert(&q, &c);
	fair_leave(&q, &c, NULL);
	before = c.lag;
	fair_queue_remove(&q, &c);
	/* The others run on. */
	fair_queue_remove(&q, &a);
	a.vruntime += 50 * MS;
	fair_queue_insert(&q, &a);
	fair_join(&q, &c, NULL);
	fair_queue_insert(&q, &c);
	after = (int64_t)(fair_queue_time(&q, NULL) - c.vruntime);
	assert_true(after - before < 1000 && before - after < 1000);

	c.vruntime -= 1000 * MS; /* far behind */
	fair_leave(&q, &c, NULL);
	assert_int_equal(c.lag, fair_virtual(FAIR_LAG_MAX_NS, c.weight));
	c.vruntime += 5000 * MS;
	fair_leave(&q, &c, NULL);
	assert_int_equal(c.lag, -(int64_t)fair_virtual(FAIR_LAG_MAX_NS, c.weight));
}

static void the_running_one_counts(void **state)
{
	struct sched_fair a = { .weight = 1024, .vruntime = 10 }, b = { .weight = 1024, .vruntime = 30 };
	struct fair_queue q = { .base = 0 };

	(void)state;
	assert_int_equal(fair_queue_time(&q, &a), 10);
	fair_queue_insert(&q, &b);
	assert_int_equal(fair_queue_time(&q, &a), 20);
	assert_int_equal(fair_queue_time(&q, NULL), 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_of_nice_is_a_quarter),
		cmocka_unit_test(equals_keep_their_order),
		cmocka_unit_test(sums_stay_right_over_random_joins_and_leaves),
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(lag_survives_a_sleep_and_is_bounded),
		cmocka_unit_test(the_running_one_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/socket/unix_gc.c */
/* Which sockets under way are garbage: shapes by hand, and random graphs against the definition. */
#include <fs/socket/unix_gc.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOCKETS 12

/* holds[a][b]: messages in the queue of a that b is in; open[a]: descriptors and calls that hold it
 * beside. */
static struct graph {
	unsigned holds[SOCKETS][SOCKETS], open[SOCKETS];
	struct unix_gc_node nodes[SOCKETS];
} g;

static unsigned index_of(const struct unix_gc_node *node)
{
	return (unsigned)(node - g.nodes);
}

static bool only_in_flight(const struct unix_gc_node *node)
{
	return g.open[index_of(node)] == 0;
}

static void each_inside(struct unix_gc *gc, struct unix_gc_node *node, unix_gc_visit visit)
{
	for (unsigned i = 0; i < SOCKETS; i++)
		for (unsigned n = 0; n < g.holds[index_of(node)][i]; n++)
			visit(gc, &g.nodes[i]);
}

/* Nodes are those that are in a message. */
static uint32_t mark(void)
{
	struct list nodes = LIST_INIT(nodes);
	struct unix_gc gc = { .nodes = &nodes, .only_in_flight = only_in_flight, .each_inside = each_inside };

	for (unsigned i = 0; i < SOCKETS; i++) {
		g.nodes[i] = (struct unix_gc_node){ .reachable = true };
		for (unsigned a = 0; a < SOCKETS; a++)
			g.nodes[i].flights += g.holds[a][i];
		if (g.nodes[i].flights)
			list_add_tail(&nodes, &g.nodes[i].link);
	}
	return unix_gc_mark(&gc);
}

static int start(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	return 0;
}

static void nothing_is_no_garbage(void **state)
{
	(void)state;
	assert_int_equal(mark(), 0);
}

static void in_its_own_queue(void **state)
{
	(void)state;
	g.holds[0][0] = 2;
	assert_int_equal(mark(), 1);
	g.open[0] = 1;
	assert_int_equal(mark(), 0);
}

static void a_cycle_and_what_hangs_off_it(void **state)
{
	(void)state;
	g.holds[0][1] = g.holds[1][2] = g.holds[2][0] = g.holds[2][3] = 1;
	assert_int_equal(mark(), 4);
	g.open[3] = 1; /* what hangs off it saves nothing */
	assert_int_equal(mark(), 3);
	g.open[1] = 1;
	assert_int_equal(mark(), 0);
}

static void queue_of_an_open_one_holds(void **state)
{
	(void)state;
	g.holds[0][1] = g.holds[1][0] = 1;
	g.open[5] = 1; /* not under way itself */
	g.holds[5][1] = 1;
	assert_int_equal(mark(), 0);
}

static void two_flights_one_from_outside(void **state)
{
	(void)state;
	g.holds[0][0] = g.holds[5][0] = g.holds[0][1] = 1;
	g.open[5] = 1;
	assert_int_equal(mark(), 0);
	assert_true(g.nodes[1].reachable);
}

/* By definition: reachable from any that is open, by what lies in queues. */
static uint32_t garbage_by_definition(bool reachable[SOCKETS])
{
	uint32_t garbage = 0;

	for (unsigned i = 0; i < SOCKETS; i++)
		reachable[i] = g.open[i] > 0;
	for (unsigned round = 0; round < SOCKETS; round++)
		for (unsigned a = 0; a < SOCKETS; a++)
			for (unsigned b = 0; b < SOCKETS; b++)
				reachable[b] |= reachable[a] && g.holds[a][b];
	for (unsigned i = 0; i < SOCKETS; i++)
		garbage += g.nodes[i].flights && !reachable[i];
	return garbage;
}

static void random_graphs(void **state)
{
	(void)state;
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		bool reachable[SOCKETS];
		uint32_t found;

		memset(&g, 0, sizeof(g));
		for (int e = rand() % 24; e > 0; e--)
			g.holds[rand() % SOCKETS][rand() % SOCKETS]++;
		for (unsigned i = 0; i < SOCKETS; i++)
			g.open[i] = rand() % 4 == 0;
		/* What is neither open nor in a message is not there, and holds nothing. */
		for (unsigned again = 0; again < SOCKETS; again++) {
			for (unsigned i = 0; i < SOCKETS; i++) {
				unsigned flights = 0;

				for (unsigned a = 0; a < SOCKETS; a++)
					flights += g.holds[a][i];
				if (!flights && !g.open[i])
					memset(g.holds[i], 0, sizeof(g.holds[i]));
			}
		}
		found = mark();
		assert_int_equal(found, garbage_by_definition(reachable));
		for (unsigned i = 0; i < SOCKETS; i++)
			if (g.nodes[i].flights)
				assert_int_equal(g.nodes[i].reachable, reachable[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_no_garbage, start),
		cmocka_unit_test_setup(in_its_own_queue, start),
		cmocka_unit_test_setup(a_cycle_and_what_hangs_off_it, start),
		cmocka_unit_test_setup(queue_of_an_open_one_holds, start),
		cmocka_unit_test_setup(two_flights_one_from_outside, start),
		cmocka_unit_test_setup(random_graphs, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

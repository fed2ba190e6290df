/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/core/node_map.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/core/node_map.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static struct node_map map;

static void nothing_known_is_one_node(void **state)
{
	(void)state;
	map.count = 0;
	assert_int_equal(node_map_find(&map, 5 * GIB), 0);
	assert_int_equal(node_map_border(&map, 0), PADDR_NONE);
}

/* As QEMU writes SRAT for two nodes of 3 GiB: holes at 640 KiB and below 4 GiB, and out of order here. */
static void holes_make_no_borders(void **state)
{
	struct node_range ranges[] = {
		{ 4 * GIB + 0, 7 * GIB, 1 },
		{ 1 * MIB, 3 * GIB, 0 },
		{ 0, 640 << 10, 0 },
	};

	(void)state;
	node_map_build(&map, ranges, ARRAY_SIZE(ranges));
	assert_int_equal(map.count, 2);
	assert_int_equal(node_map_find(&map, 0), 0);
	assert_int_equal(node_map_find(&map, 700 << 10), 0);
	assert_int_equal(node_map_find(&map, 4 * GIB - 1), 0);
	assert_int_equal(node_map_find(&map, 4 * GIB), 1);
	assert_int_equal(node_map_find(&map, 100 * GIB), 1);
	assert_int_equal(node_map_border(&map, MIB), 4 * GIB);
	assert_int_equal(node_map_border(&map, 4 * GIB), PADDR_NONE);
}

static void what_lies_below_the_first_range_belongs_to_it(void **state)
{
	struct node_range ranges[] = { { GIB, 2 * GIB, 3 } };

	(void)state;
	node_map_build(&map, ranges, 1);
	assert_int_equal(node_map_find(&map, 0), 3);
}

/* More borders than there is room for: what comes later goes on with the last node, nothing breaks. */
static void too_many_parts(void **state)
{
	struct node_range ranges[NODE_MAP_PARTS + 10];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct node_range){ i * GIB, (i + 1) * GIB, i % 2 };
	node_map_build(&map, ranges, ARRAY_SIZE(ranges));
	assert_int_equal(map.count, NODE_MAP_PARTS);
	assert_int_equal(node_map_find(&map, 1000 * GIB), (NODE_MAP_PARTS - 1) % 2);
}

static void ram_is_split_by_size(void **state)
{
	static const struct node_range ram[] = { { 1 * MIB, 101 * MIB, 0 }, { 200 * MIB, 400 * MIB, 0 } };
	static const uint64_t sizes[] = { 50 * MIB, 100 * MIB };

	(void)state;
	assert_int_equal(node_map_split(&map, ram, 2, sizes, 2), 3);
	assert_int_equal(node_map_border(&map, 0), 52 * MIB); /* 51, aligned */
	assert_int_equal(node_map_border(&map, 52 * MIB),
			 252 * MIB); /* 49 below the hole, 51 above, aligned */
	assert_int_equal(node_map_find(&map, 399 * MIB), 2);
}

static void sizes_beyond_the_ram_make_no_nodes(void **state)
{
	static const struct node_range ram[] = { { 1 * MIB, 101 * MIB, 0 } };
	static const uint64_t sizes[] = { 60 * MIB, 60 * MIB, 60 * MIB };
	static const uint64_t all[] = { 100 * MIB };

	(void)state;
	assert_int_equal(node_map_split(&map, ram, 1, sizes, 3), 2);
	assert_int_equal(node_map_split(&map, ram, 1, all, 1), 1);
	assert_int_equal(node_map_split(&map, ram, 0, all, 1), 1);
	assert_int_equal(node_map_split(&map, ram, 1, NULL, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_is_one_node),
		cmocka_unit_test(holes_make_no_borders),
		cmocka_unit_test(what_lies_below_the_first_range_belongs_to_it),
		cmocka_unit_test(too_many_parts),
		cmocka_unit_test(ram_is_split_by_size),
		cmocka_unit_test(sizes_beyond_the_ram_make_no_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

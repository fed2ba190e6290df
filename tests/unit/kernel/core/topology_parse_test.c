/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/core/topology_parse.c kernel/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/core/topology_parse.h"

static struct topology_request made;
static struct numa_request numa;

static void hybrid_machine(void **state)
{
	(void)state;
	assert_null(topology_parse("2Px2,4E", &made));
	assert_int_equal(made.count, 8);
	assert_int_equal(made.cpus[1].core, 0);
	assert_int_equal(made.cpus[1].thread, 1);
	assert_int_equal(made.cpus[2].core, 1);
	assert_int_equal(made.cpus[3].type, CORE_PERFORMANCE);
	assert_int_equal(made.cpus[3].capacity, CAPACITY_FULL);
	assert_int_equal(made.cpus[4].type, CORE_EFFICIENT);
	assert_int_equal(made.cpus[4].core, 2);
	assert_int_equal(made.cpus[7].core, 5);
	assert_int_equal(made.cpus[7].llc, 0);
	assert_true(made.cpus[7].capacity < CAPACITY_FULL);
}

/* Cores are unique in the machine, their ids in the package; who shares package and node shares a cache. */
static void packages_and_nodes(void **state)
{
	(void)state;
	assert_null(topology_parse("2P@0/0,2P@1/1,1E@1/1,1E@1/2", &made));
	assert_int_equal(made.count, 6);
	assert_int_equal(made.cpus[2].package, 1);
	assert_int_equal(made.cpus[2].node, 1);
	assert_int_equal(made.cpus[2].core, 2);
	assert_int_equal(made.cpus[2].core_id, 0);
	assert_int_equal(made.cpus[4].core_id, 2);
	assert_int_equal(made.cpus[1].llc, 0);
	assert_int_equal(made.cpus[3].llc, 1);
	assert_int_equal(made.cpus[4].llc, 1);
	assert_int_equal(made.cpus[5].llc, 2);
}

static void all_256_and_no_more(void **state)
{
	(void)state;
	assert_null(topology_parse("128Px2", &made));
	assert_int_equal(made.count, 256);
	assert_non_null(topology_parse("128Px2,1E", &made));
	assert_non_null(topology_parse("256Px8", &made));
}

static void nonsense_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",     "P",     "0P",     "2",    "2p",     "2P,",   ",2P",
		"2Px0", "2Px",   "2Px9",   "2P@",  "2P@256", "2P/16", "2P/",
		"-2P",  "2P 2E", "2P/0@0", "0x2P", "2Px0x2", "257P",  "99999999999999999999P"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_non_null(topology_parse(wrong[i], &made));
}

static void fake_nodes(void **state)
{
	(void)state;
	assert_null(topology_parse_numa("fake=128M,1G,65536,4K", &numa));
	assert_int_equal(numa.fake_count, 4);
	assert_int_equal(numa.fake[0], 128 << 20);
	assert_int_equal(numa.fake[1], 1 << 30);
	assert_int_equal(numa.fake[2], 65536);
	assert_int_equal(numa.fake[3], 4096);
	assert_null(topology_parse_numa("off", &numa));
	assert_true(numa.off);
	assert_int_equal(numa.fake_count, 0);
}

static void wrong_sizes(void **state)
{
	static const char *const wrong[] = { "",
					     "on",
					     "fake",
					     "fake=",
					     "fake=0",
					     "fake=M",
					     "fake=1T",
					     "fake=1M,",
					     "fake=1MM",
					     "fake=1M;2M",
					     "offline",
					     "fake=0x1M",
					     "fake=99999999999G",
					     "fake=1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_non_null(topology_parse_numa(wrong[i], &numa));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hybrid_machine),      cmocka_unit_test(packages_and_nodes),
		cmocka_unit_test(all_256_and_no_more), cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(fake_nodes),          cmocka_unit_test(wrong_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

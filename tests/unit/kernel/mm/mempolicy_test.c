/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/mempolicy.c kernel/lib/cpumask.c kernel/lib/format.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/mempolicy.h>
#include <serix/errno.h>

#define ALL 0xfu /* nodes 0 to 3 have memory */

static struct mempolicy make(uint32_t mode, uint32_t nodes, uint32_t allowed)
{
	struct mempolicy policy;

	assert_int_equal(mempolicy_make(mode, nodes, allowed, &policy), 0);
	return policy;
}

static struct pmm_place place(const struct mempolicy *policy, unsigned local, uint64_t index)
{
	struct pmm_place out;

	mempolicy_place(policy, local, index, &out);
	return out;
}

static void refuses_what_does_not_fit(void **state)
{
	static const struct {
		uint32_t mode, nodes;
	} bad[] = {
		{ MPOL_MODES, 1 },
		{ MPOL_DEFAULT, 1 },
		{ MPOL_LOCAL, 1 },
		{ MPOL_LOCAL | MPOL_F_STATIC_NODES, 0 },
		{ MPOL_PREFERRED | MPOL_F_STATIC_NODES, 0 },
		{ MPOL_BIND, 0 },
		{ MPOL_BIND, 0x10 },
		{ MPOL_INTERLEAVE, 0 },
		{ MPOL_PREFERRED_MANY, 0 },
		{ MPOL_INTERLEAVE | MPOL_F_NUMA_BALANCING, 1 },
		{ MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1 },
	};
	struct mempolicy policy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mempolicy_make(bad[i].mode, bad[i].nodes, ALL, &policy), -EINVAL);
}

static void default_is_all_zero(void **state)
{
	const struct mempolicy zero = { 0 };
	struct mempolicy policy = make(MPOL_DEFAULT | MPOL_F_STATIC_NODES, 0, ALL);

	(void)state;
	assert_true(mempolicy_same(&policy, &zero));
}

static void nodes_without_memory_are_left_out(void **state)
{
	struct mempolicy policy = make(MPOL_BIND, 0x36, 0x16);

	(void)state;
	assert_int_equal(policy.nodes, 0x16);
	assert_int_equal(mempolicy_shown_nodes(&policy), 0x16);
	policy = make(MPOL_BIND | MPOL_F_STATIC_NODES, 0x36, 0x16);
	assert_int_equal(policy.nodes, 0x16);
	assert_int_equal(mempolicy_shown_nodes(&policy), 0x36);
}

static void relative_nodes_count_the_allowed(void **state)
{
	/* Of 1, 2 and 4 the nodes number 0, 2 and 4, which is number 1 again. */
	struct mempolicy policy = make(MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 0x15, 0x16);

	(void)state;
	assert_int_equal(policy.nodes, 0x16);
	policy = make(MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 0x5, 0x16);
	assert_int_equal(policy.nodes, 0x12);
	assert_int_equal(mempolicy_shown_nodes(&policy), 0x5);
}

static void places_follow_the_mode(void **state)
{
	struct mempolicy policy = make(MPOL_PREFERRED, 0xc, ALL);
	struct pmm_place p = place(&policy, 1, 7);

	(void)state;
	assert_int_equal(policy.nodes, 0x4);
	assert_true(p.from == 2 && p.nodes == PMM_ALL_NODES && !p.or_elsewhere && !p.interleaved);
	policy = make(MPOL_PREFERRED, 0, ALL);
	p = place(&policy, 1, 7);
	assert_true(mempolicy_mode(&policy) == MPOL_LOCAL && p.from == 1 && p.nodes == PMM_ALL_NODES);
	policy = make(MPOL_BIND, 0xc, ALL);
	p = place(&policy, 1, 7);
	assert_true(p.from == 1 && p.nodes == 0xc && !p.or_elsewhere);
	policy.home = 3 + 1;
	assert_int_equal(place(&policy, 1, 7).from, 3);
	policy = make(MPOL_PREFERRED_MANY, 0xc, ALL);
	p = place(&policy, 1, 7);
	assert_true(p.from == 1 && p.nodes == 0xc && p.or_elsewhere);
}

static void interleaving_takes_turns(void **state)
{
	static const unsigned turns[] = { 0, 1, 3 };
	struct mempolicy policy = make(MPOL_INTERLEAVE, 0xb, ALL);

	(void)state;
	for (uint64_t index = 0; index < 12; index++) {
		struct pmm_place p = place(&policy, 2, index);

		assert_true(p.interleaved && p.nodes == PMM_ALL_NODES);
		assert_int_equal(p.from, turns[index % 3]);
	}
	assert_int_equal(place(&policy, 2, UINT64_MAX).from, turns[UINT64_MAX % 3]);
}

static void prints_as_numa_maps(void **state)
{
	struct mempolicy policy = make(MPOL_BIND | MPOL_F_STATIC_NODES, 0xb, ALL);
	char text[64];

	(void)state;
	assert_int_equal(mempolicy_print(&policy, text, sizeof(text)), 17);
	assert_string_equal(text, "bind=static:0-1,3");
	policy = make(MPOL_PREFERRED, 0, ALL);
	(void)mempolicy_print(&policy, text, sizeof(text));
	assert_string_equal(text, "local");
	policy = make(MPOL_PREFERRED, 0x8, ALL);
	(void)mempolicy_print(&policy, text, sizeof(text));
	assert_string_equal(text, "prefer:3");
	assert_int_equal(mempolicy_print(&policy, text, 4), 3); /* never beyond the end */
	assert_string_equal(text, "pre");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(default_is_all_zero),
		cmocka_unit_test(nodes_without_memory_are_left_out),
		cmocka_unit_test(relative_nodes_count_the_allowed),
		cmocka_unit_test(places_follow_the_mode),
		cmocka_unit_test(interleaving_takes_turns),
		cmocka_unit_test(prints_as_numa_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

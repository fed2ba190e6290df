/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/keys/permission.c */
/*
 * Permissions of keys: for every set of bits of one kind, over all four classes, and whoever asks, the same
 * as keyrings(7) says, here class by class and bit by bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/keys/permission.h"

/* What keyrings(7) grants, of one bit that the classes in `given` have: possessor 8, owner 4, group 2,
 * others 1.  `group_has` says whether the group has any bit at all. */
static bool by_the_book(unsigned given, bool group_has, bool owner, bool in_group, bool possessed)
{
	bool granted;

	if (owner)
		granted = given & 4;
	else if (in_group && group_has)
		granted = given & 2;
	else
		granted = given & 1;
	return granted || (possessed && (given & 8));
}

static uint32_t mask_of(unsigned given, uint32_t bit)
{
	return (given & 8 ? KEY_POS(bit) : 0) | (given & 4 ? KEY_USR(bit) : 0) |
	       (given & 2 ? KEY_GRP(bit) : 0) | (given & 1 ? KEY_OTH(bit) : 0);
}

static void one_bit_in_all_classes(void **state)
{
	(void)state;
	for (uint32_t bit = KEY_VIEW; bit <= KEY_SETATTR; bit <<= 1)
		for (unsigned n = 0; n < 16 * 16; n++) {
			unsigned given = n & 15, who = n >> 4;
			bool owner = who & 4, in_group = who & 2, possessed = who & 8, other_bit = who & 1;
			uint32_t other = bit == KEY_VIEW ? KEY_READ : KEY_VIEW;
			uint32_t perm = mask_of(given, bit) | (other_bit ? KEY_GRP(other) : 0);

			assert_int_equal(
				key_permits(perm, owner, in_group, possessed, bit),
				by_the_book(given, (given & 2) || other_bit, owner, in_group, possessed));
		}
}

/* What is asked for together must be granted together, though it may come from two classes. */
static void several_bits(void **state)
{
	uint32_t perm = KEY_POS(KEY_READ) | KEY_USR(KEY_WRITE);

	(void)state;
	assert_true(key_permits(perm, true, false, true, KEY_READ | KEY_WRITE));
	assert_false(key_permits(perm, true, false, false, KEY_READ | KEY_WRITE));
	assert_false(key_permits(perm, false, false, true, KEY_READ | KEY_WRITE));
	assert_false(key_permits(perm, true, false, true, KEY_READ | KEY_LINK));
	assert_true(key_permits(0, false, false, false, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bit_in_all_classes),
		cmocka_unit_test(several_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

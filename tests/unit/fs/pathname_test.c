/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/pathname.c */
/* Cutting paths into components and putting symlinks in front of what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fs/pathname.h"

static void expect(const char **cursor, const char *text, enum component_kind kind, bool slash, bool last)
{
	struct component c;

	path_component(cursor, &c);
	assert_int_equal(c.kind, kind);
	assert_int_equal(c.len, strlen(text));
	assert_memory_equal(c.text, text, c.len);
	assert_int_equal(c.slash, slash);
	assert_int_equal(c.last, last);
}

static void components_come_in_order(void **state)
{
	const char *p = "//usr/./lib//../.x/..y/";

	(void)state;
	expect(&p, "usr", COMPONENT_NORMAL, true, false);
	expect(&p, ".", COMPONENT_DOT, true, false);
	expect(&p, "lib", COMPONENT_NORMAL, true, false);
	expect(&p, "..", COMPONENT_DOTDOT, true, false);
	expect(&p, ".x", COMPONENT_NORMAL, true, false);
	expect(&p, "..y", COMPONENT_NORMAL, true, true);
	expect(&p, "", COMPONENT_NONE, false, true);
}

static void a_last_component_knows_its_slash(void **state)
{
	const char *bare = "a", *slashed = "a///", *root = "///", *empty = "";

	(void)state;
	expect(&bare, "a", COMPONENT_NORMAL, false, true);
	expect(&slashed, "a", COMPONENT_NORMAL, true, true);
	expect(&root, "", COMPONENT_NONE, false, true);
	expect(&empty, "", COMPONENT_NONE, false, true);
}

static void a_target_goes_in_front_of_the_rest(void **state)
{
	char text[32];

	(void)state;
	assert_true(path_splice(text, sizeof(text), "/etc", "passwd", false));
	assert_string_equal(text, "/etc/passwd");
	/* The rest may lie in the same buffer. */
	assert_true(path_splice(text, sizeof(text), "/usr/share", text + 5, false));
	assert_string_equal(text, "/usr/share/passwd");
	assert_true(path_splice(text, sizeof(text), "dir", "", false));
	assert_string_equal(text, "dir");
	assert_true(path_splice(text, sizeof(text), "dir", "", true));
	assert_string_equal(text, "dir/");
}

static void what_does_not_fit_is_refused(void **state)
{
	char text[8] = "keep";

	(void)state;
	assert_true(path_splice(text, sizeof(text), "1234567", "", false));
	assert_false(path_splice(text, sizeof(text), "12345678", "", false));
	assert_false(path_splice(text, sizeof(text), "1234567", "", true));
	assert_false(path_splice(text, sizeof(text), "1234", "567", false));
	assert_true(path_splice(text, sizeof(text), "1234", "56", false));
	assert_string_equal(text, "1234/56");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_come_in_order),
		cmocka_unit_test(a_last_component_knows_its_slash),
		cmocka_unit_test(a_target_goes_in_front_of_the_rest),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

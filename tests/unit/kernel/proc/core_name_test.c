/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/proc/core_name.c kernel/lib/string.c kernel/lib/format.c */
/* The name of a core is what core(5) says, and nothing that a process calls itself leads to another place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/proc/core_name.h"

static struct core_name_facts facts = {
	.comm = "cat",
	.exe = "/usr/bin/cat",
	.hostname = "serix",
	.pid = 12,
	.tid = 34,
	.uid = 1000,
	.gid = 4294967294u,
	.signo = 11,
	.limit = UINT64_MAX,
	.time = 1700000000,
};

static const char *made(const char *pattern)
{
	static char name[256];

	return core_name_make(pattern, &facts, name, sizeof(name)) ? name : NULL;
}

static void every_specifier(void **state)
{
	(void)state;
	assert_string_equal(made("core"), "core");
	assert_string_equal(made("%p-%P"), "12-12");
	assert_string_equal(made("%i-%I"), "34-34");
	assert_string_equal(made("%u.%g.%d"), "1000.4294967294.1");
	assert_string_equal(made("/var/%s/%t"), "/var/11/1700000000");
	assert_string_equal(made("%c"), "18446744073709551615");
	assert_string_equal(made("%h_%e_%f_%E"), "serix_cat_cat_!usr!bin!cat");
	assert_string_equal(made("100%%"), "100%");
	assert_string_equal(made("a%qb%"), "ab");
}

static void a_pid_is_added_once(void **state)
{
	(void)state;
	facts.append_pid = true;
	assert_string_equal(made("core"), "core.12");
	assert_string_equal(made("core-%p"), "core-12");
	facts.append_pid = false;
}

static void names_lead_nowhere(void **state)
{
	(void)state;
	facts.comm = "../../etc/x";
	assert_string_equal(made("%e"), "..!..!etc!x");
	facts.comm = "..";
	assert_string_equal(made("/cores/%e"), "/cores/!.");
	facts.comm = ".";
	assert_string_equal(made("/cores/%e"), "/cores/!");
	facts.comm = "cat";
}

static void what_does_not_fit(void **state)
{
	char small[5];

	(void)state;
	assert_false(core_name_make("", &facts, small, sizeof(small)));
	assert_false(core_name_make("%q", &facts, small, sizeof(small)));
	assert_false(core_name_make("core!", &facts, small, sizeof(small)));
	assert_true(core_name_make("core", &facts, small, sizeof(small)));
	assert_string_equal(small, "core");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_specifier),
		cmocka_unit_test(a_pid_is_added_once),
		cmocka_unit_test(names_lead_nowhere),
		cmocka_unit_test(what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
